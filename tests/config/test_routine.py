"""The log shows what people started, and not that the housekeeping ran again."""

import logging

import pytest

from config.routine import Routine

TASKS = ("pipeline.watch_runs", "chat.keep_house")
DUE = ("celery.beat", "Scheduler: Sending due task %s (%s)", ("watch live runs", "pipeline.watch_runs"))
CAME = ("celery.worker.strategy", "Task %(name)s[%(id)s] received", ({"name": "pipeline.watch_runs", "id": "1"},))


def shown(name: str, message: str, args: tuple[object, ...], level: int = logging.INFO) -> bool:
    return Routine(TASKS).filter(logging.LogRecord(name, level, __file__, 1, message, args, None))


@pytest.mark.parametrize("told", [DUE, CAME], ids=["due", "came"])
def test_routine_is_left_out_unless_it_goes_wrong(told: tuple[str, str, tuple[object, ...]]) -> None:
    assert not shown(*told)
    assert shown(*told, level=logging.ERROR)


def test_what_people_started_and_what_others_say_is_shown() -> None:
    assert shown("celery.worker.strategy", "Task %(name)s received", ({"name": "pipeline.extract_chunk"},))
    assert shown("celery.worker.consumer", "Connected to %s", ("pipeline.watch_runs",))
    assert shown("celery.beat", "beat: Starting...", ())
