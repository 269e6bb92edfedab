"""Keeps what happens every few seconds out of the log, so that a person sees what they started."""

import logging
from collections.abc import Collection

_TOLD_BY = ("celery.beat", "celery.worker.strategy", "celery.app.trace")


class Routine(logging.Filter):
    """Leaves out that a task of the housekeeping was due, came in and succeeded. Its warnings and errors stay."""

    def __init__(self, tasks: Collection[str]) -> None:
        """`tasks`: the names of the tasks that the project's own settings schedule."""
        super().__init__()
        self._tasks = frozenset(tasks)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.INFO or record.name not in _TOLD_BY:
            return True
        told = record.args.values() if isinstance(record.args, dict) else record.args or ()
        return self._tasks.isdisjoint(value for value in told if isinstance(value, str))
