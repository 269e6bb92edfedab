"""Runs by the clock: Celery beat fires `pipeline.scheduled_run`, its schedule stands in the database.

A schedule is a periodic task of django-celery-beat, known by its name. A source has at most one live run: a firing that
finds one starts nothing, and neither does the second of two firings at once.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from pipeline.models import Run
from pipeline.models.refusal import Refusal
from pipeline.runs import start
from pipeline.runs.create import RunIsLive, Selection
from pipeline.sources.ingest import Import
from pipeline.tasks import RETRY, LongTask

TASK = "pipeline.scheduled_run"
CRON_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
UNITS = {
    "s": IntervalSchedule.SECONDS,
    "m": IntervalSchedule.MINUTES,
    "h": IntervalSchedule.HOURS,
    "d": IntervalSchedule.DAYS,
}

FIRING_KEEPS = 3600
"""Seconds after which a firing that no worker took is forgotten: the next one reads what this one would have read."""


class ScheduleError(Refusal):
    """A schedule cannot be made or changed; the message says why and what to try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What each firing does: read the last `window_days` of a source (`kind:name`), importing the file `path` first."""

    source: str
    profile: str
    extractor: str
    window_days: float | None = None
    limit: int | None = None
    concurrency: int | None = None
    chunk_size: int | None = None
    path: str | None = None
    skip_fresh: float | None = None
    budget: str | None = None
    """US dollars that each of its runs may spend, in digits: a schedule is kept as JSON."""
    budget_tokens: int | None = None
    batch: bool = False
    judge: bool = False

    def selection(self, at: datetime) -> Selection:
        """Return what is read when it fires at this moment."""
        since = at - timedelta(days=self.window_days) if self.window_days else None
        return Selection(
            since=since,
            limit=self.limit,
            concurrency=self.concurrency,
            chunk_size=self.chunk_size,
            skip_fresh=self.skip_fresh,
            budget=Decimal(self.budget) if self.budget else None,
            budget_tokens=self.budget_tokens,
            batch=self.batch,
            judge=self.judge,
        )


# --- Firing -------------------------------------------------------------------------------------------------------


@shared_task(
    base=LongTask,
    name=TASK,
    may_run_twice=("a source can have only one live run, and a second run skips what the first has read"),
    **RETRY,
)
def scheduled_run(**assignment: object) -> str:
    """Start the run that is due, unless its source is at work; return a sentence that says which."""
    return fire(Assignment(**assignment), at=timezone.now())  # type: ignore[arg-type]


def fire(assignment: Assignment, *, at: datetime) -> str:
    """Start the run that is due at this moment, and say so in a sentence; one that is still live is left to itself.

    Raises RunError if pre-flight has something against it, or UnreadableSource: those are failures, and seen as such.
    """
    # looked for first because it is usual and no failure; the constraint decides between two that look at once
    if live := _live_run(assignment.source):
        return f"nothing was started: {assignment.source} is still being read by run {live.pk} ({live.state})"
    try:
        run = _start(assignment, at)
    except RunIsLive as refusal:
        return f"nothing was started: {refusal}"
    return f"run {run.pk} of {assignment.source} was started"


def _live_run(source: str) -> Run | None:
    """Return the source's live run; one that sent no heartbeat for too long blocks nobody."""
    kind, _, name = source.partition(":")
    silent_since = timezone.now() - timedelta(seconds=settings.RUN_LOST_AFTER)
    live = Run.objects.filter(source__kind=kind, source__name=name, state__in=Run.LIVE)
    return live.filter(heartbeat_at__gt=silent_since).first()


def _start(assignment: Assignment, at: datetime) -> Run:
    selection = assignment.selection(at)
    # whoever wrote the schedule chose its profile
    chosen: dict[str, Any] = {
        "profile": assignment.profile,
        "extractor": assignment.extractor,
        "another_profile": True,
    }
    if assignment.path:
        name = assignment.source.partition(":")[2]
        return start.start_run_with_import(files=Import((assignment.path,), name), selection=selection, **chosen)
    return start.start_run(source=start.open_source(assignment.source), selection=selection, **chosen)


# --- The schedules ------------------------------------------------------------------------------------------------


def schedules() -> list[PeriodicTask]:
    """Return the schedules of runs, by name."""
    return list(PeriodicTask.objects.filter(task=TASK).select_related("interval", "crontab").order_by("name"))


def assignment_of(schedule: PeriodicTask) -> Assignment:
    """Return what a schedule's firings do."""
    return Assignment(**json.loads(schedule.kwargs))


def set_schedule(*, name: str, when: IntervalSchedule | CrontabSchedule, assignment: Assignment) -> PeriodicTask:
    """Make the schedule of this name, or change it to this; ScheduleError if another task has the name."""
    if PeriodicTask.objects.filter(name=name).exclude(task=TASK).exists():
        raise ScheduleError(f"{name!r} is the name of another periodic task; choose another name with --name.")
    is_interval = isinstance(when, IntervalSchedule)
    schedule, _ = PeriodicTask.objects.update_or_create(
        name=name,
        defaults={
            "task": TASK,
            "interval": when if is_interval else None,
            "crontab": None if is_interval else when,
            "kwargs": json.dumps(asdict(assignment)),
            "expire_seconds": FIRING_KEEPS,
        },
    )
    return schedule


def set_enabled(*, name: str, enabled: bool) -> PeriodicTask:
    """Pause a schedule or resume a paused schedule; ScheduleError if there is none of that name."""
    schedule = _named(name)
    schedule.enabled = enabled
    schedule.save()  # beat learns of it by the model's signal, which an update() would not send
    return schedule


def remove(*, name: str) -> None:
    """Remove a schedule; the runs it started stay. ScheduleError if there is none of that name."""
    _named(name).delete()


def _named(name: str) -> PeriodicTask:
    for schedule in (found := schedules()):
        if schedule.name == name:
            return schedule
    known = ", ".join(repr(schedule.name) for schedule in found) or "none yet"
    raise ScheduleError(f"there is no schedule named {name!r}. Schedules: {known}.")


def every(word: str) -> IntervalSchedule:
    """Return the interval that a word like 30m, 12h or 1d stands for, stored if it is new; ValueError if it is none."""
    number, unit = word[:-1], word[-1:]
    if unit not in UNITS or not number.isdecimal() or not 0 < int(number) < 10_000:
        raise ValueError(
            f"{word!r} is not an interval; write a number followed by one of {', '.join(UNITS)}, for example 30m or 1d"
        )
    return IntervalSchedule.objects.get_or_create(every=int(number), period=UNITS[unit])[0]


def cron(line: str) -> CrontabSchedule:
    """Return the schedule of a crontab line in the server's zone, stored if it is new; ValueError if it is none."""
    words = line.split()
    if len(words) != len(CRON_FIELDS):
        raise ValueError(f"{line!r} is not a crontab line; write five fields: {' '.join(CRON_FIELDS)}")
    found = CrontabSchedule.objects.filter(**dict(zip(CRON_FIELDS, words, strict=True)), timezone=settings.TIME_ZONE)
    schedule = found.first() or CrontabSchedule(
        **dict(zip(CRON_FIELDS, words, strict=True)), timezone=settings.TIME_ZONE
    )
    try:
        _ = schedule.schedule  # Celery reads the fields here
    except Exception as error:  # it raises ValueError and classes of its own
        raise ValueError(f"{line!r} is not a valid crontab line: {error}") from error
    schedule.save()
    return schedule
