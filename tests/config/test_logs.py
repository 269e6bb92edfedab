"""Logs as JSON: what happened to which run and item, never what was said in it, and no secret."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError, OperationalError
from pytest_django import Settings

from config import logs
from pipeline.models import Item, Source
from pipeline.models.refusal import Refusal
from pipeline.tasks import dispatch
from tests.support.seeding import seed, start
from tests.support.waiting import until
from tests.support.workers import Worker

CANARY = "the wombatberry canary sings at 7741-0923"


@pytest.fixture(autouse=True)
def _look_for_secrets_again() -> None:
    logs._secrets.cache_clear()


def line(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(logs.JsonLines().format(record))
    return found


def record(message: object, *args: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("pipeline.test", logging.WARNING, __file__, 1, message, args, exc_info, "f")
    for name, value in extra.items():
        setattr(made, name, value)
    return made


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_a_line_says_what_when_and_of_which_run() -> None:
    logs.begin_task(
        type("T", (), {"name": "pipeline.extract_chunk"})(), "abc", {"run_id": 7, "chunk": 3, "other": CANARY}
    )
    found = line(record("run %s: slow", 7, item=12))
    logs.end_task()
    assert found.items() >= {
        "event": "run 7: slow", "level": "warning", "logger": "pipeline.test", "task": "pipeline.extract_chunk",
        "task_id": "abc", "run": 7, "chunk": 3, "item": 12,
    }.items()  # fmt: skip
    assert found["at"].endswith("Z")
    assert CANARY not in json.dumps(found)
    assert "task" not in line(record("later"))


def test_an_exception_is_its_class_and_place_and_not_its_words() -> None:
    error = raised(ValueError(CANARY))
    error.__cause__ = DataError(CANARY)
    found = line(record("item %s could not be stored: %s", 12, error, error=error))
    assert CANARY not in json.dumps(found)
    assert found["event"] == "item 12 could not be stored: ValueError"
    assert (found["error"], found["causes"]) == ("ValueError", ["django.db.utils.DataError"])
    assert found["stack"][-1].endswith(" raised")
    assert found["stack"][-1].startswith("tests/config/test_logs.py:")
    assert line(record(error))["event"] == "ValueError"


@pytest.mark.parametrize("error", [Refusal("run 3 is alive."), OperationalError("server closed the connection")])
def test_what_is_ours_or_a_server_away_is_told(error: Exception) -> None:
    assert line(record("no: %s", error, error=raised(error)))["said"] == str(error)
    assert str(error) in line(record("no: %s", error))["event"]


def test_a_trace_of_celery_has_no_arguments_and_results() -> None:
    told = {"name": "t", "id": "1", "exc": repr(ValueError(CANARY)), "traceback": CANARY, "args": CANARY, "kwargs": {}}
    made = record("Task %(name)s[%(id)s] raised unexpected: %(exc)s\n%(traceback)s", told)
    made.name = "celery.app.trace"
    found = line(made)
    assert CANARY not in json.dumps(found)
    assert found["event"] == "Task t[1] raised unexpected: <str>"


def test_secrets_are_left_out(settings: Settings) -> None:
    settings.LLM_API_KEY, settings.REDIS_URL = "sk-canary-123456", "redis://:hush-hush@host:6379/0"
    found = json.dumps(line(record("asked with %s at %s", settings.LLM_API_KEY, settings.REDIS_URL)))
    assert "canary-123456" not in found
    assert "hush-hush" not in found
    assert found.count("[secret]") == 2


def test_every_kind_of_value_becomes_a_line() -> None:
    made = record("%s %s", {"a": 1}, b"x", item=object(), run=b"bytes")
    assert line(made)["item"] == "<object>"
    assert sys.getsizeof(logs.JsonLines().format(record("100% sure"))) > 0


def test_a_worker_writes_nothing_else(start_worker: type[Worker], tmp_path: Path) -> None:
    texts = [f"nr 1 name=lamp_fails problem=1 act=raise {CANARY}", f"nr 2 name=lamp_fails problem=1 {CANARY}"]
    source: Source = seed(texts, name="canary")
    worker = start_worker(concurrency=1, LOG_FORMAT="json", LLM_API_KEY="sk-canary-123456")
    worker.wait_until_ready()
    run = start(source, chunk_size=2)
    dispatch(run=run)
    until(lambda: run.items.filter(finished_at__isnull=False).count() == 2, seconds=120)
    item = run.items.get(state=Item.State.FAILED)
    until(lambda: f"item {item.pk} failed" in worker.output(), seconds=240)
    written = worker.output()
    assert not [word for word in ("wombatberry", "7741-0923", "canary-123456") if word in written]
    lines = [json.loads(each) for each in written.splitlines() if each.startswith("{")]
    [failed] = [each for each in lines if each.get("item") == item.pk]
    assert failed.items() >= {
        "run": run.pk, "task": "pipeline.extract_chunk", "chunk": 0, "stage": "read", "level": "info",
    }.items()  # fmt: skip
    assert "RuntimeError" in failed["error_class"]
    assert {each["event"].split("[")[0] for each in lines} >= {"Task pipeline.extract_chunk"}
