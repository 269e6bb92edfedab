"""What the client makes of whatever an endpoint says, over a real connection."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings

from pipeline.extract.llm import client as module
from pipeline.extract.llm import faults
from pipeline.extract.llm.abilities import Abilities
from pipeline.extract.llm.answers import Reply, understand
from pipeline.extract.llm.client import Client, Gate, retry_after
from pipeline.extract.llm.conduct import Request
from pipeline.extract.llm.endpoint import NotConfigured, target
from pipeline.extract.llm.wire import schema_of
from tests.fakes.language_model import Model
from tests.pipeline.extract.llm.conftest import KEY
from tests.pipeline.extract.llm.test_answers import MOOD

REQUEST = Request(MOOD.step, "", MOOD.messages, schema_of(MOOD), 500)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody says how long to wait, do not."""
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)


def ask(gate: Gate | None = None, **words: Any) -> Reply:
    async def once() -> Reply:
        async with Client(target(), gate) as client:
            return await client.ask({**Abilities().words(REQUEST), **words})

    return asyncio.run(once())


def test_an_answer_comes_as_bytes(model: Model) -> None:
    assert understand(ask().body, MOOD).values
    (asked,) = model.asked
    assert asked.key == KEY
    assert asked.body["model"] == "fake-model"
    assert asked.body["response_format"]["json_schema"]["strict"] is True
    assert asked.body["max_tokens"] == 500
    assert "stream" not in asked.body


def test_more_words_of_the_settings_go_along(model: Model, settings: Settings) -> None:
    settings.LLM_EXTRA_BODY = {"provider": {"require_parameters": True}, "temperature": 0.5}
    ask()
    assert model.asked[0].body["provider"] == {"require_parameters": True}
    assert model.asked[0].body["temperature"] == 0.5


@pytest.mark.parametrize(
    "fault", ["limit_without_a_word", "broken", "busy", "hangs_up", "hangs_up_halfway", "limit", "limit_by_date"]
)
def test_what_may_pass_is_tried_again(model: Model, fault: str) -> None:
    model.faults = [fault]
    assert understand(ask().body, MOOD).values
    first, second = model.asked
    if fault in ("limit", "busy"):
        assert second.began - first.ended >= 1.0
    if fault == "limit_by_date":
        assert second.began - first.ended >= 0.9  # dates have whole seconds


def test_what_does_not_pass_ends_the_conversation_after_a_few_tries(model: Model) -> None:
    model.faults = ["broken"] * 100
    with pytest.raises(faults.Unavailable, match="after 5 tries: HTTP 500"):
        ask()
    assert len(model.asked) == 5


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("content_filter", faults.ContentFiltered),
        ("too_long", faults.ContextTooLong),
        ("rejected", faults.Rejected),
        ("no_key", faults.InvalidKey),
        ("no_money", faults.OutOfCredit),
        ("no_quota", faults.OutOfCredit),
        ("no_model", faults.UnknownModel),
        ("flagged", faults.ContentFiltered),
        ("wait_an_hour", faults.RateLimited),
    ],
)
def test_what_no_retry_helps_is_not_tried_again(model: Model, fault: str, error: type[Exception]) -> None:
    model.faults = [fault] * 2
    with pytest.raises(error) as raised:
        ask()
    assert len(model.asked) == 1
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("fault", ["no_model", "no_deployment", "no_such_tag"])
def test_a_model_that_is_not_there_is_named_by_whatever_server(model: Model, fault: str) -> None:
    model.faults = [fault]
    with pytest.raises(faults.UnknownModel, match=r"has no model fake-model \(HTTP 404\).* Correct LLM_MODEL, restart"):
        ask()


@pytest.mark.parametrize("fault", ["page_not_found", "not_found_page", "detail_not_found", "resource_not_found"])
def test_an_address_that_leads_nowhere_says_so_in_one_sentence(model: Model, settings: Settings, fault: str) -> None:
    settings.LLM_BASE_URL = model.url.removesuffix("/v1")
    model.faults = [fault]
    with pytest.raises(faults.UnknownModel, match="Correct LLM_BASE_URL, which usually ends in /v1") as raised:
        ask()
    assert "there are no chat completions at http://127.0.0.1" in str(raised.value)
    assert "<" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/v1/", "/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/openai/v1", "/openai/v1/chat/completions"),
        ("/openai/deployments/mini/chat/completions?api-version=2024-10-21",
         "/openai/deployments/mini/chat/completions?api-version=2024-10-21"),
        ("/openai/deployments/mini?api-version=2024-10-21",
         "/openai/deployments/mini/chat/completions?api-version=2024-10-21"),
    ],
)  # fmt: skip
def test_addresses_are_taken_as_portals_show_them(model: Model, settings: Settings, given: str, path: str) -> None:
    settings.LLM_BASE_URL = model.url.removesuffix("/v1") + given
    ask()
    (asked,) = model.asked
    assert asked.path == path
    assert asked.key == KEY
    # Azure's older addresses take the key in a header of their own
    assert asked.headers.get("api-key") == (KEY if "api-version" in path else None)


def test_a_limit_that_says_quota_in_words_is_a_limit(model: Model) -> None:
    """Scaleway calls every rate limit INSUFFICIENT QUOTA in its message; the code decides."""
    model.faults = ["limit"]
    assert ask().body
    assert len(model.asked) == 2


def test_a_dripping_answer_ends_at_the_deadline_and_is_not_paid_for_again_and_again(
    model: Model, settings: Settings
) -> None:
    settings.LLM_DEADLINE = 0.5
    model.faults = ["drip"] * 10
    with pytest.raises(faults.Unavailable, match=r"after 2 tries: no answer within 0\.5 s"):
        ask()
    assert len(model.asked) == 2


def test_the_provider_is_left_in_peace_by_all_when_it_asks_for_it(model: Model) -> None:
    class Seen(Gate):
        seconds: list[float] = []

        async def hold_off(self, seconds: float) -> None:
            self.seconds.append(seconds)

    model.faults = ["limit", "busy"]
    gate = Seen()
    ask(gate)
    assert gate.seconds == [1.0]


def test_neither_key_nor_text_reaches_a_log(model: Model, caplog: pytest.LogCaptureFixture) -> None:
    model.faults = ["broken", "no_key"]
    with caplog.at_level(logging.DEBUG), pytest.raises(faults.InvalidKey):
        ask(user="marker of what people say")
    assert "HTTP 500" in caplog.text
    assert KEY not in caplog.text
    assert "marker of what people say" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Sun, 01 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 01 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_how_long_to_wait_is_said_in_three_ways(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, datetime(2026, 11, 1, 12, tzinfo=UTC)) == seconds


def test_settings_that_lead_nowhere_are_named(settings: Settings, tmp_path: Any) -> None:
    settings.LLM_MODEL = ""
    with pytest.raises(NotConfigured, match="LLM_MODEL is not set"):
        target()
    settings.LLM_MODEL, settings.LLM_BASE_URL = "m", "file:///etc/passwd"
    with pytest.raises(NotConfigured, match="LLM_BASE_URL cannot be used"):
        target()
    settings.LLM_BASE_URL, settings.LLM_API_KEY_FILE = "https://host/v1", str(tmp_path / "key")
    with pytest.raises(NotConfigured, match="LLM_API_KEY_FILE cannot be read: No such file"):
        target()
    (tmp_path / "key").write_text(" sk-from-a-file\n")
    assert target().key == "sk-from-a-file"
    assert "sk-from-a-file" not in repr(target())
