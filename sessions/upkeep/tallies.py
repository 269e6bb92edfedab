"""Counts days that are over once and for all, so that the numbers of all time need not look at every session.

A day (UTC, by the sessions' start) is closed when the day after it is over too and none of its sessions is active any
more: then nothing about it changes. What retention removes of it afterwards is in its numbers already. Days are closed
in their order, so all before the newest closed one are.
"""

from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Max, Min

from sessions.models import ClosedDay, ContextLoss, DayTally, Session
from sessions.upkeep.metrics import session_metrics

DAY = timedelta(days=1)

MOST = 500
"""Days that are closed at once: where none was, the first housekeeping does not take minutes."""


def close_days(*, at: datetime, most: int = MOST) -> int:
    """Close the days that are over as of `at`, the oldest first; return how many. May run twice, and beside itself."""
    day, closed = _first_open_day(), 0
    while day is not None and day < at.astimezone(UTC).date() - DAY and closed < most:
        begins, ends = _midnight(day), _midnight(day + DAY)
        if Session.objects.filter(state=Session.State.ACTIVE, started_at__gte=begins, started_at__lt=ends).exists():
            break
        found = session_metrics(since=begins, until=ends)
        ClosedDay.objects.get_or_create(
            day=day,
            defaults={
                "created": found.created,
                "reused": found.reused,
                "rapid_creates": found.rapid_creates,
                "context_losses": found.context_losses,
            },
        )
        day, closed = day + DAY, closed + 1
    return closed


def _first_open_day() -> date | None:
    """Return the day after the newest closed one; where none is closed, the day of the oldest row; None without any."""
    newest: date | None = ClosedDay.objects.aggregate(newest=Max("day"))["newest"]
    if newest is not None:
        return newest + DAY
    days = [
        DayTally.objects.aggregate(oldest=Min("day"))["oldest"],
        _day(Session.objects.aggregate(oldest=Min("started_at"))["oldest"]),
        _day(ContextLoss.objects.aggregate(oldest=Min("noticed_at"))["oldest"]),
    ]
    return min((day for day in days if day is not None), default=None)


def _day(at: datetime | None) -> date | None:
    return at.astimezone(UTC).date() if at else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
