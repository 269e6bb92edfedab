"""Who looks at the pages, and what they find there."""

import pytest
from django.test import Client

from pipeline.models import Run
from tests.pipeline.web.pages.scenes import DECIDING, client_of, person, two_stories_and_an_orphan


@pytest.fixture
def bob() -> Client:
    """A reviewer at work."""
    return client_of(person("bob", *DECIDING))


@pytest.fixture
def run() -> Run:
    """A run that found two stories and an orphan."""
    return two_stories_and_an_orphan()
