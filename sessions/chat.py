"""A session's life: opened by one statement, ended by guarded updates. Time is passed in, never read from a clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Greatest

from sessions.expiry import ExpiryRules, expiry_cutoffs
from sessions.models import Session

FIELDS = [field.attname for field in Session._meta.concrete_fields]
COLUMNS = ", ".join(f"s.{field.column}" for field in Session._meta.concrete_fields)

# The session's own moment before a cut-off: out of date. Where several hold, the reason is the first.
OUT_OF_DATE = """(s.last_message_at < %(idle_before)s
        OR s.last_message_at < %(day_end)s
        OR s.started_at < %(started_before)s)"""

# Expires the active session if it is out of date, then inserts a new one, which becomes an update of the active one
# where there still is one. Counting the expired rows makes PostgreSQL finish with them before it inserts.
#
# Others may do the same meanwhile (READ COMMITTED, autocommit or not):
# - Two expire the same row: the second waits, sees that it is no longer active, expires nothing and takes the first's.
# - The active one is ended while we are about to take it: PostgreSQL looks again and inserts.
# - One that we could not see yet gets in our way. Then it was opened a moment ago, and is taken; unless its opener's
#   time lies before a cut-off of ours (he came at 19:59:59.99, we at 20:00:00.01). Taking that one would carry a
#   session past the end of its day, and the part that expires has had its turn. So no row comes back and the caller
#   runs the statement again, which now sees it.
OPEN = f"""
WITH expired AS (
    UPDATE chat_session AS s
    SET state = 'expired',
        ended_at = GREATEST(%(at)s, s.last_message_at),
        ended_reason = CASE
            WHEN s.last_message_at < %(idle_before)s THEN 'idle'
            WHEN s.last_message_at < %(day_end)s THEN 'end_of_day'
            ELSE 'max_age' END
    WHERE s.user_id = %(user_id)s AND s.state = 'active' AND {OUT_OF_DATE}
    RETURNING s.id, s.ended_reason
)
INSERT INTO chat_session AS s (user_id, state, started_at, last_message_at, reuse_count, ended_reason)
SELECT %(user_id)s, 'active', %(at)s, %(at)s, 0, ''
FROM (SELECT count(*) FROM expired) AS first_expired
ON CONFLICT (user_id) WHERE state = 'active'
DO UPDATE SET
    last_message_at = GREATEST(s.last_message_at, EXCLUDED.last_message_at),
    reuse_count = s.reuse_count + 1
    WHERE NOT {OUT_OF_DATE}
RETURNING {COLUMNS}, (SELECT id FROM expired), (SELECT ended_reason FROM expired)
"""
TRIES = 20  # 64 callers of one user, whose times lay hours apart around a day end, needed four at most


class SessionBusyError(Exception):
    """Others kept opening sessions of this user that were out of date for us. Nothing was written; try again."""


class Outcome(StrEnum):
    CREATED = "created"
    REUSED = "reused"
    SUPERSEDED = "superseded"  # created, in place of one that was out of date


@dataclass(frozen=True)
class OpenedSession:
    """What `open_session` found or made."""

    session: Session
    outcome: Outcome
    superseded_id: int | None = None
    superseded_reason: Session.Reason | None = None


def open_session(*, user_id: str, at: datetime, zone: tzinfo | None = None) -> OpenedSession:
    """Return the user's active session as of a message at `at`, opening one if there is none that is in time.

    Call it once per request and pass the result on. One statement, atomic in itself: needs no transaction, works
    inside one. `zone` is the user's; left out, SESSION_ZONE. A message that arrives late (`at` before the session's
    last message) belongs to the active session and moves nothing back.

    Raises ValueError for a user id that is empty or too long and for a time without zone, and SessionBusyError, which
    may be retried, when the user's sessions changed under every one of a few tries.
    """
    parameters = _parameters(user_id, at, zone or ZoneInfo(getattr(settings, "SESSION_ZONE", "UTC")))
    for _ in range(TRIES):
        with connection.cursor() as cursor:
            cursor.execute(OPEN, parameters)
            if row := cursor.fetchone():
                return _opened(row)
    raise SessionBusyError(f"No session could be opened for user {user_id} in {TRIES} tries. Try again.")


async def aopen_session(*, user_id: str, at: datetime, zone: tzinfo | None = None) -> OpenedSession:
    """Do what `open_session` does, from async code."""
    return await sync_to_async(open_session)(user_id=user_id, at=at, zone=zone)


def end_session(*, session_id: int, at: datetime, reason: Session.Reason) -> bool:
    """End the session; return whether this call did, False when it was no longer active.

    Raises ValueError for a reason that does not belong to `ended`, and Session.DoesNotExist.
    """
    if reason not in Session.REASONS[Session.State.ENDED]:
        raise ValueError(f"A session does not end because of {reason!r}; only {Session.REASONS[Session.State.ENDED]}.")
    return _leave_active(session_id, Session.State.ENDED, reason, at)


def escalate_session(*, session_id: int, at: datetime) -> bool:
    """Hand the session to people; return whether this call did, False when it was no longer active.

    Raises Session.DoesNotExist.
    """
    return _leave_active(session_id, Session.State.ESCALATED, Session.Reason.ESCALATED, at)


def _parameters(user_id: str, at: datetime, zone: tzinfo) -> dict[str, Any]:
    if not 0 < len(user_id) <= 200:
        raise ValueError(f"A user id has 1 to 200 characters; this one has {len(user_id)}.")
    cutoffs = expiry_cutoffs(at, zone, ExpiryRules(**getattr(settings, "SESSION_RULES", {})))
    return {
        "user_id": user_id,
        "at": at,
        "idle_before": cutoffs.idle_before,
        "started_before": cutoffs.started_before,
        "day_end": cutoffs.day_end,
    }


def _opened(row: Sequence[Any]) -> OpenedSession:
    *values, superseded_id, reason = row
    session = Session.from_db(connection.alias, FIELDS, values)
    if superseded_id is not None:
        return OpenedSession(session, Outcome.SUPERSEDED, superseded_id, Session.Reason(reason))
    return OpenedSession(session, Outcome.REUSED if session.reuse_count else Outcome.CREATED)


def _leave_active(session_id: int, state: Session.State, reason: Session.Reason, at: datetime) -> bool:
    active = Session.objects.filter(pk=session_id, state=Session.State.ACTIVE)
    ended_at = Greatest(Value(at), "last_message_at")  # a clock that is behind cannot end it before its last message
    if active.update(state=state, ended_reason=reason, ended_at=ended_at):
        return True
    Session.objects.only("pk").get(pk=session_id)
    return False
