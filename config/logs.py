"""Log lines as JSON, one object a line, with the run, items and task they belong to (LOG_FORMAT=json).

Never in them: what conversations say, and secrets. Exceptions may quote what they failed on, so of an exception there
is its class and where it rose; its words only where they are ours, or those of a server that is away. The lines for
people (the default) are for the machine of whoever works on this, and hold tracebacks as they are.
"""

import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # it takes a tenth of a second to import, and lines for people do without it
    from structlog.typing import EventDict, Processor

ROOT = Path(__file__).resolve().parent.parent

FRAMES = 12
"""Of a stack, the innermost; the others are the framework's."""

OF_TASKS: Final = {"run_id": "run", "epoch": "epoch", "chunk": "chunk", "profile": "profile", "message_id": "message"}
"""Arguments of tasks that are ids and no text, and the field each becomes."""

TOLD_OF_TASKS: Final = frozenset(("name", "id", "runtime", "hostname"))
"""What Celery tells of a task that holds no argument, result or error."""

FROM_RECORDS: Final = ("run", "item", "items", "chunk", "stage", "error_class", "source", "erasure")
"""Fields that a caller may give with `extra=`."""


# --- What a line is made of ---------------------------------------------------------------------------------------


class JsonLines(logging.Formatter):
    """Makes a line of a record, whoever logged it. For logging's settings, Celery's loggers and gunicorn's.

    Not structlog's own formatter: that one puts message and traceback together before anybody can look at the parts.
    """

    def __init__(self) -> None:
        import structlog

        super().__init__()
        self._processors: list[Processor] = [
            structlog.contextvars.merge_contextvars,
            _without_secrets,
            structlog.processors.JSONRenderer(default=_named, ensure_ascii=False),
        ]

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: what happened, where, of which run, item and task."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event: Any = {"at": at, "level": record.levelname.lower(), "logger": record.name, "event": _message(record)}
        event |= {name: getattr(record, name) for name in FROM_RECORDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[1] is not None:
            event |= _told_of(record.exc_info[1])
        for process in self._processors:
            event = process(None, record.levelname, event)
        return str(event)


def _named(value: object) -> str:
    """Return what stands for a value that is no JSON: its kind, for its words may be anybody's."""
    return f"<{type(value).__name__}>"


def _told_of(error: BaseException) -> dict[str, Any]:
    """Return what may be told of an exception: its class, what it came of, and where it rose."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    told: dict[str, Any] = {
        "error": _class_of(error),
        "causes": [_class_of(cause) for cause in _causes(error)],
        "stack": [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if said := _words_of(error):
        told["said"] = said
    return told


def _message(record: logging.LogRecord) -> str:
    """Return the message; where an exception or an argument of a task would stand in it, what that is."""
    args: Any = record.args
    if isinstance(args, Mapping) and record.name == "celery.app.trace":
        told = {name: value if name in TOLD_OF_TASKS else _named(value) for name, value in args.items()}
        return (str(record.msg) % told).partition("\n")[0]
    if isinstance(args, tuple):
        args = tuple(_words_of(arg) or _class_of(arg) if isinstance(arg, BaseException) else arg for arg in args)
    if isinstance(record.msg, BaseException):
        return _words_of(record.msg) or _class_of(record.msg)
    return str(record.msg) % args if args else str(record.msg)


def _class_of(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what an exception came of, the nearest first."""
    known = {id(error)}
    while (cause := error.__cause__ or error.__context__) is not None and id(cause) not in known:
        known.add(id(cause))
        yield cause
        error = cause


def _words_of(error: BaseException) -> str:
    """Return what an exception says, if it cannot hold text of a conversation: a refusal of ours, or a server away."""
    from django.db import InterfaceError, OperationalError  # Celery's logs are made before Django is set up
    from kombu.exceptions import OperationalError as BrokerError

    from pipeline.models.refusal import Refusal

    if isinstance(error, Refusal | OperationalError | InterfaceError | BrokerError | ConnectionError | TimeoutError):
        return " ".join(str(error).split())[:500]
    return ""


def _short(name: str) -> str:
    return name.removeprefix(f"{ROOT}/").partition("site-packages/")[2] or name.removeprefix(f"{ROOT}/")


# --- Secrets ------------------------------------------------------------------------------------------------------


def _without_secrets(_: object, __: str, event: "EventDict") -> "EventDict":
    pattern = _secrets()
    if pattern is not None:
        for name, value in event.items():
            if isinstance(value, str):
                event[name] = pattern.sub("[secret]", value)
    return event


@cache
def _secrets() -> re.Pattern[str] | None:
    """Return what finds the secrets of this deployment; what is shorter than six characters stands in every text."""
    from django.conf import settings

    names = ("SECRET_KEY", "LLM_API_KEY", "EMBEDDING_KEY", "SESSION_WEBHOOK_SECRET")
    known = [getattr(settings, name, "") for name in names] + [settings.DATABASES["default"].get("PASSWORD", "")]
    found = re.search(r"//[^/@]*:([^/@]+)@", str(getattr(settings, "REDIS_URL", "")))
    known += [found[1]] if found else []
    long = sorted({value for value in known if value and len(value) >= 6}, key=lambda value: (-len(value), value))
    return re.compile("|".join(map(re.escape, long))) if long else None


# --- What belongs together ----------------------------------------------------------------------------------------


def begin_task(task: Any = None, task_id: str = "", kwargs: Mapping[str, Any] | None = None, **_: object) -> None:
    """Note on all lines until `end_task` which task they are of, and which run; for Celery's signal `task_prerun`."""
    from structlog.contextvars import bind_contextvars, clear_contextvars

    clear_contextvars()
    ids = {field: kwargs[name] for name, field in OF_TASKS.items() if kwargs and name in kwargs}
    bind_contextvars(task=getattr(task, "name", ""), task_id=task_id, **ids)


def end_task(**_: object) -> None:
    """Forget which task lines are of; for Celery's signal `task_postrun`."""
    from structlog.contextvars import clear_contextvars

    clear_contextvars()


def use_json(logger: logging.Logger, **_: object) -> None:
    """Make JSON of what Celery's own handlers write; for its signals `after_setup_logger` and `..._task_logger`."""
    for handler in logger.handlers:
        handler.setFormatter(JsonLines())


def settings_for(form: str, level: str) -> dict[str, Any]:
    """Return the setting LOGGING for `line` or `json`."""
    formatters: dict[str, Any] = {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": JsonLines},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {form: formatters[form]},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["stderr"], "level": level},
    }
