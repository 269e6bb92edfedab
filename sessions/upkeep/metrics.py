"""How the sessions are doing, in numbers from the rows: exact over all processes, the same wherever they are shown."""

import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection
from django.db.models import Max, Sum
from django.db.models.functions import Coalesce

from pipeline.models.wording import counted
from sessions.chat.users import MADE_UP
from sessions.models import ClosedDay
from sessions.upkeep.duplicates import INDEX

logger = logging.getLogger(__name__)

HEALTHY_FROM = 0.95
ALERT_BELOW = 0.90
RAPID = timedelta(seconds=10)
FEWEST_FOR_A_WARNING = 20
"""Below so many openings a ratio says nothing: the first message of every user creates a session."""

IS_REAL = f"NOT starts_with(user_id, '{MADE_UP}')"
_WITHIN = f"interval '{RAPID.total_seconds():.0f} seconds'"

# A session `s` that was not the last its user began within ten seconds.
IS_RAPID = f"""EXISTS (
    SELECT FROM chat_session later WHERE later.user_id = s.user_id
      AND later.started_at BETWEEN s.started_at AND s.started_at + {_WITHIN}
      AND (later.started_at, later.id) > (s.started_at, s.id)
)"""

# Rows that are there and tallies of those that are not, in one statement: one moment for all numbers. What is rapid is
# the same as above, asked of many sessions at once: backwards, as the index sessions_by_user_and_start has them.
_METRICS = f"""
WITH began AS (
    SELECT started_at, reuse_count, lag(started_at) OVER (PARTITION BY user_id ORDER BY started_at DESC) AS next_at
    FROM chat_session WHERE started_at >= %(since)s AND started_at < %(until)s + {_WITHIN} AND {IS_REAL}
), here AS (
    SELECT count(*) AS created, coalesce(sum(reuse_count), 0) AS reused,
           count(*) FILTER (WHERE next_at <= started_at + {_WITHIN}) AS rapid_creates
    FROM began WHERE started_at < %(until)s
), losses AS (
    SELECT count(*) AS context_losses FROM chat_contextloss
    WHERE NOT has_run_out AND noticed_at >= %(since)s AND noticed_at < %(until)s
), gone AS (
    SELECT coalesce(sum(created), 0) AS created, coalesce(sum(reused), 0) AS reused,
           coalesce(sum(rapid_creates), 0) AS rapid_creates, coalesce(sum(context_losses), 0) AS context_losses
    FROM chat_daytally
    WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND day < (%(until)s AT TIME ZONE 'UTC')::date
), now AS (
    SELECT coalesce(sum(sessions), 0) AS active, count(*) FILTER (WHERE sessions > 1) AS duplicates
    FROM (
        SELECT count(*) AS sessions FROM chat_session WHERE state = 'active' AND {IS_REAL} GROUP BY user_id
    ) AS by_user
)
SELECT here.created + gone.created, here.reused + gone.reused, here.rapid_creates + gone.rapid_creates,
       losses.context_losses + gone.context_losses, now.active, now.duplicates
FROM here, losses, gone, now
"""
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
END = datetime(3000, 1, 1, tzinfo=UTC)


class Verdict(StrEnum):
    HEALTHY = "healthy"
    WATCH = "watch"
    ALERT = "alert"
    NO_DATA = "no_data"


@dataclass(frozen=True)
class SessionMetrics:
    """Numbers of the sessions that began in a window; `active` and `duplicate_active` are of this moment."""

    created: int  # sessions
    reused: int  # messages that found their session open
    rapid_creates: int  # sessions after which the same user began another within ten seconds
    context_losses: int
    active: int  # sessions
    duplicate_active: int  # users with two active sessions; never anything but 0

    @property
    def ratio(self) -> float | None:
        """The share of openings that found a session; None when nothing was opened."""
        opened = self.created + self.reused
        return self.reused / opened if opened else None

    @property
    def verdict(self) -> Verdict:
        if self.ratio is None:
            return Verdict.NO_DATA
        if self.ratio >= HEALTHY_FROM:
            return Verdict.HEALTHY
        return Verdict.ALERT if self.ratio < ALERT_BELOW else Verdict.WATCH

    def as_json(self) -> dict[str, Any]:
        """Return all numbers by name, for a screen that is read by programs."""
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict.value}


def session_metrics(*, since: datetime | None = None, until: datetime | None = None) -> SessionMetrics:
    """Return the numbers of sessions that began in the window; left out, of all there ever were.

    Sessions that retention has removed count by their day (UTC): a window gets whole days of them. Of all there ever
    were, days that are closed are added up, and only later ones are counted.
    """
    closed = _closed() if since is None and until is None else _Closed(BEGINNING)
    with connection.cursor() as cursor:
        cursor.execute(_METRICS, {"since": since or closed.until, "until": until or END})
        created, reused, rapid_creates, context_losses, active, duplicates = map(int, cursor.fetchone())
    return SessionMetrics(
        created=closed.created + created,
        reused=closed.reused + reused,
        rapid_creates=closed.rapid_creates + rapid_creates,
        context_losses=closed.context_losses + context_losses,
        active=active,
        duplicate_active=duplicates,
    )


@dataclass(frozen=True, slots=True)
class _Closed:
    """What all closed days came to, and when the first begins that is not closed."""

    until: datetime
    created: int = 0
    reused: int = 0
    rapid_creates: int = 0
    context_losses: int = 0


def _closed() -> _Closed:
    """Add up the closed days; a row for each day there ever was, so it is asked each time."""
    sums = {name: Coalesce(Sum(name), 0) for name in ("created", "reused", "rapid_creates", "context_losses")}
    found = ClosedDay.objects.aggregate(newest=Max("day"), **sums)
    newest = found.pop("newest")
    if newest is None:
        return _Closed(BEGINNING)
    return _Closed(datetime.combine(newest, time.min, tzinfo=UTC) + timedelta(days=1), **found)


def warn_of_bad_patterns(metrics: SessionMetrics) -> list[str]:
    """Log a warning for each pattern that means something is broken, and return what was logged."""
    found = bad_patterns(metrics)
    for message in found:
        logger.warning(message)
    return found


def bad_patterns(metrics: SessionMetrics) -> list[str]:
    """Return a sentence for each pattern that means something is broken."""
    opened = metrics.created + metrics.reused
    few_reused = metrics.verdict == Verdict.ALERT and opened >= FEWEST_FOR_A_WARNING
    patterns = [
        (
            metrics.duplicate_active,
            f"{counted(metrics.duplicate_active, 'user has', 'users have')} two active sessions because the index "
            f"{INDEX} is missing. Repair it with ./manage.py dedupe_sessions",
        ),
        (
            metrics.rapid_creates,
            f"{counted(metrics.rapid_creates, 'time')} a user started two sessions within "
            f"{RAPID.total_seconds():.0f} seconds.",
        ),
        (
            metrics.context_losses,
            f"{counted(metrics.context_losses, 'time')} a user was working on something other than expected.",
        ),
        (
            few_reused,
            f"Only {metrics.ratio or 0:.1%} of {opened} messages reused an open session; at least {HEALTHY_FROM:.0%} "
            "is healthy.",
        ),
    ]
    return [sentence for is_there, sentence in patterns if is_there]
