"""What programs find, and who calls."""

import pytest

from pipeline.models import Run
from tests.pipeline.web.api.programs import Program
from tests.pipeline.web.pages.scenes import two_stories_and_an_orphan


@pytest.fixture
def program(db: None) -> Program:
    """A program that may do everything."""
    return Program()


@pytest.fixture
def run(db: None) -> Run:
    """A run that found two stories and an orphan."""
    return two_stories_and_an_orphan()
