"""A model's endpoint for each test, and settings that lead to it."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.fakes.language_model import Model, language_model

KEY = "sk-test-secret-key"


@pytest.fixture
def model(settings: Settings) -> Iterator[Model]:
    with language_model() as model:
        settings.LLM_MODEL, settings.LLM_BASE_URL, settings.LLM_API_KEY = "fake-model", model.url, KEY
        settings.LLM_API_KEY_FILE, settings.LLM_EXTRA_BODY = "", {}
        settings.LLM_PRICES = {"input": 1.0, "output": 2.0}
        settings.LLM_DEADLINE = 5.0
        yield model
