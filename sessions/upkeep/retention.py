"""What is kept no longer: old rows go, their counts stay in DayTally.

The removal of a batch is one transaction: nothing is counted that did not go, and nothing goes uncounted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from sessions.chat.durations import lengths
from sessions.models import ContextLoss, Delivery, ProgressTransition, ProgressUpdate, Session, Takeover
from sessions.upkeep.metrics import IS_RAPID, IS_REAL

# Sessions go in the order in which they began, and a rapid one is the first of the two: so it is counted while the
# second is still there.
_TALLY_SESSIONS = f"""
INSERT INTO chat_daytally AS tally (day, created, reused, rapid_creates, context_losses)
SELECT (s.started_at AT TIME ZONE 'UTC')::date, count(*), sum(s.reuse_count), count(*) FILTER (WHERE {IS_RAPID}), 0
FROM chat_session s WHERE s.id = ANY(%(ids)s) AND {IS_REAL} GROUP BY 1 ORDER BY 1
ON CONFLICT (day) DO UPDATE SET
    created = tally.created + EXCLUDED.created,
    reused = tally.reused + EXCLUDED.reused,
    rapid_creates = tally.rapid_creates + EXCLUDED.rapid_creates
"""
_TALLY_LOSSES = """
INSERT INTO chat_daytally AS tally (day, created, reused, rapid_creates, context_losses)
SELECT (noticed_at AT TIME ZONE 'UTC')::date, 0, 0, 0, count(*) FILTER (WHERE NOT has_run_out)
FROM chat_contextloss WHERE id = ANY(%(ids)s) GROUP BY 1 ORDER BY 1
ON CONFLICT (day) DO UPDATE SET context_losses = tally.context_losses + EXCLUDED.context_losses
"""


@dataclass(frozen=True)
class Removed:
    """How many rows went. Messages go with their session and are not counted."""

    sessions: int = 0
    context_losses: int = 0
    progress_updates: int = 0
    takeovers: int = 0
    transitions: int = 0
    deliveries: int = 0


def remove_what_is_old(*, at: datetime, batch: int) -> Removed:
    """Remove what SESSION_LENGTHS keeps no longer: `retention`, and `log` for progress updates' log.

    Opens transactions, one for each batch. What is active, open or standing stays; age counts from when it ended.
    """
    retention, log = lengths().retention, lengths().log
    return Removed(
        sessions=_remove(_remove_sessions, at, retention, batch),
        context_losses=_remove(_remove_losses, at, retention, batch),
        progress_updates=_remove(_remove_updates, at, retention, batch),
        takeovers=_remove(_remove_takeovers, at, retention, batch),
        transitions=_remove(_remove_transitions, at, log, batch),
        deliveries=_remove(_remove_deliveries, at, lengths().deliveries, batch),
    )


def _remove(step: Callable[[datetime, int], int], at: datetime, length: timedelta | None, batch: int) -> int:
    if length is None:
        return 0
    return in_batches(partial(step, at - length, batch), batch)


def in_batches(step: Callable[[], int], batch: int) -> int:
    """Repeat a step until it finds less than a whole batch to do; return how much it did in all."""
    total = 0
    while True:
        done = step()
        total += done
        if done < batch:
            return total


@transaction.atomic
def _remove_sessions(before: datetime, batch: int) -> int:
    old = Session.objects.filter(started_at__lt=before, ended_at__lt=before)  # the first is what the index has
    ids = _locked(old.order_by("started_at", "pk"), batch)
    _tally(_TALLY_SESSIONS, ids)
    Session.objects.filter(pk__in=ids).delete()
    return len(ids)


@transaction.atomic
def _remove_losses(before: datetime, batch: int) -> int:
    ids = _locked(ContextLoss.objects.filter(noticed_at__lt=before).order_by("noticed_at", "pk"), batch)
    _tally(_TALLY_LOSSES, ids)
    return ContextLoss.objects.filter(pk__in=ids).delete()[0]


@transaction.atomic
def _remove_updates(before: datetime, batch: int) -> int:
    """Their log stays, and forgets which row it was about."""
    old = ProgressUpdate.objects.filter(opened_at__lt=before, closed_at__lt=before)
    ids = _locked(old.order_by("opened_at", "pk"), batch)
    ProgressUpdate.objects.filter(pk__in=ids).delete()
    return len(ids)


@transaction.atomic
def _remove_takeovers(before: datetime, batch: int) -> int:
    old = Takeover.objects.filter(taken_at__lt=before, ended_at__lt=before)
    return Takeover.objects.filter(pk__in=_locked(old.order_by("taken_at", "pk"), batch)).delete()[0]


@transaction.atomic
def _remove_transitions(before: datetime, batch: int) -> int:
    """Those of an update that is still there stay with it."""
    old = ProgressTransition.objects.filter(at__lt=before, update__isnull=True)
    return ProgressTransition.objects.filter(pk__in=_locked(old.order_by("pk"), batch)).delete()[0]


@transaction.atomic
def _remove_deliveries(before: datetime, batch: int) -> int:
    """Those that still wait stay, however old they are."""
    over = Q(delivered_at__lt=before) | Q(given_up_at__lt=before)
    return Delivery.objects.filter(pk__in=_locked(Delivery.objects.filter(over).order_by("pk"), batch)).delete()[0]


def _locked(rows: QuerySet[Any], batch: int) -> list[int]:
    """Needs a transaction. Whoever removes the same rows meanwhile is waited for, and leaves none of them to us."""
    return list(rows.select_for_update(of=("self",)).values_list("pk", flat=True)[:batch])


def _tally(statement: str, ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": ids})
