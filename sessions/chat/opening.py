"""A session's life: opened by one statement, ended by guarded updates. Time is passed in, never read from a clock."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from sessions.chat.expiry import ExpiryRules, expiry_cutoffs
from sessions.chat.once_per_request import note_opening
from sessions.chat.takeover import wait_for_a_person
from sessions.chat.users import check_id, default_zone, zone_named
from sessions.models import Session

FIELDS = [field.attname for field in Session._meta.concrete_fields]
COLUMNS = ", ".join(f"s.{field.column}" for field in Session._meta.concrete_fields)

# The session's own moment before a cut-off: out of date. Where several hold, the reason is the first.
OUT_OF_DATE = """(s.last_message_at < %(idle_before)s
        OR s.last_message_at < %(day_end)s
        OR s.started_at < %(started_before)s)"""
EXPIRE = """
    SET state = 'expired',
        ended_at = GREATEST(%(at)s, s.last_message_at),
        ended_reason = CASE
            WHEN s.last_message_at < %(idle_before)s THEN 'idle'
            WHEN s.last_message_at < %(day_end)s THEN 'end_of_day'
            ELSE 'max_age' END"""

# Expires the active session if it is out of date, then inserts a new one, which becomes an update of the active one
# where there still is one. Counting the expired rows makes PostgreSQL finish with them before it inserts.
#
# Others may do the same meanwhile (READ COMMITTED, autocommit or not):
# - Two expire the same row: the second waits, sees that it is no longer active, expires nothing and takes the first's.
# - The active one is ended while we are about to take it: PostgreSQL looks again and inserts.
# - One that we could not see yet gets in our way. Then it was opened a moment ago, and is taken; unless its opener's
#   time lies before a cut-off of ours (they came at 19:59:59.99, we at 20:00:00.01). Taking that one would carry a
#   session past the end of its day, and the part that expires has had its turn. So no row comes back and the caller
#   runs the statement again, which now sees it.
OPEN = f"""
WITH expired AS (
    UPDATE chat_session AS s {EXPIRE}
    WHERE s.user_id = %(user_id)s AND s.state = 'active' AND {OUT_OF_DATE}
    RETURNING s.id, s.ended_reason
)
INSERT INTO chat_session AS s
    (user_id, zone, state, started_at, last_message_at, reuse_count, reply_count, ended_reason)
SELECT %(user_id)s, %(zone)s, 'active', %(at)s, %(at)s, 0, 0, ''
FROM (SELECT count(*) FROM expired) AS first_expired
ON CONFLICT (user_id) WHERE state = 'active'
DO UPDATE SET
    last_message_at = GREATEST(s.last_message_at, EXCLUDED.last_message_at),
    reuse_count = s.reuse_count + 1,
    zone = EXCLUDED.zone
    WHERE NOT {OUT_OF_DATE}
RETURNING {COLUMNS}, (SELECT id FROM expired), (SELECT ended_reason FROM expired)
"""
# The same for sessions nobody comes back to. Whoever is about to use one is not waited for. In the order of users, for
# that is the order of the index that has only active sessions.
SWEEP = f"""
WITH picked AS MATERIALIZED (
    SELECT s.id FROM chat_session AS s WHERE s.state = 'active' AND s.zone = %(zone)s AND {OUT_OF_DATE}
    ORDER BY s.user_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE chat_session AS s {EXPIRE} FROM picked WHERE s.id = picked.id
"""
TRIES = 20  # 64 callers of one user, whose times lay hours apart around a day end, needed four at most


class SessionUnavailableError(Exception):
    """No session could be opened now, and the caller may try again."""


class SessionBusyError(SessionUnavailableError):
    """Others kept opening sessions of this user that were out of date for us. Nothing was written; try again."""


class DatabaseAwayError(SessionUnavailableError):
    """The database went away or refused to go on. Whether anything was written is not known; trying again is safe:
    it finds the session that was opened, or opens it."""


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


@contextmanager
def database_away_is_retryable(failed: str) -> Iterator[None]:
    """Raise DatabaseAwayError, which says what `failed`, when the database goes away or refuses to go on inside."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()  # so that the next try gets a new one
        raise DatabaseAwayError(f"The database is unavailable, so {failed} ({error}). Try again.") from error


def open_session(*, user_id: str, at: datetime, zone: ZoneInfo | None = None) -> OpenedSession:
    """Return the user's active session as of a message at `at`, opening one if there is none that is in time.

    Call it once per request and pass the result on. One statement, atomic in itself: needs no transaction, works
    inside one. `zone` is the user's; left out, SESSION_ZONE. A message that arrives late (`at` before the session's
    last message) belongs to the active session and moves nothing back.

    Raises ValueError for a user id that is empty or too long and for a time without zone, and
    SessionUnavailableError, which may be retried: SessionBusyError when the user's sessions changed under every one
    of a few tries, DatabaseAwayError when the database went away. Warns (OpenedTwiceWarning) when one request, as
    `once_per_request.request` marks it, opens a user's session twice.
    """
    parameters = _parameters(user_id, at, zone or default_zone())
    note_opening(user_id)
    for _ in range(TRIES):
        if row := _ask(user_id, parameters):
            return _opened(row)
    raise SessionBusyError(f"No session could be opened for user {user_id} in {TRIES} tries. Try again.")


async def aopen_session(*, user_id: str, at: datetime, zone: ZoneInfo | None = None) -> OpenedSession:
    """Do what `open_session` does, from async code."""
    return await sync_to_async(open_session)(user_id=user_id, at=at, zone=zone)


def end_session(*, session_id: int, at: datetime, reason: Session.Reason) -> bool:
    """End the session; return whether this call did, False when it was no longer active.

    Raises ValueError for a reason that does not belong to `ended`, and Session.DoesNotExist.
    """
    if reason not in Session.REASONS[Session.State.ENDED]:
        raise ValueError(
            f"A session cannot be ended with the reason {reason!r}. Use one of {Session.REASONS[Session.State.ENDED]}."
        )
    return _leave_active(session_id, Session.State.ENDED, reason, at)


def escalate_session(*, session_id: int, at: datetime) -> bool:
    """Hand the session to people; return whether this call did, False when it was no longer active.

    From then on the user waits for a person, and the automation is silent (takeover.wait_for_a_person). Opens a
    transaction. Raises Session.DoesNotExist.
    """
    with transaction.atomic():
        if not _leave_active(session_id, Session.State.ESCALATED, Session.Reason.ESCALATED, at):
            return False
        user_id = Session.objects.values_list("user_id", flat=True).get(pk=session_id)
        wait_for_a_person(user_id=user_id, at=at)
        return True


def expire_sessions(*, zone: str, at: datetime, limit: int) -> int:
    """Expire at most so many sessions of the time zone with that name that are out of date; return how many.

    Needs no transaction.
    """
    cutoffs = vars(expiry_cutoffs(at, zone_named(zone), session_rules()))
    with connection.cursor() as cursor:
        cursor.execute(SWEEP, {"zone": zone, "at": at, "limit": limit, **cutoffs})
        return int(cursor.rowcount)


def session_rules() -> ExpiryRules:
    """Return when sessions of this deployment are out of date."""
    return ExpiryRules(**getattr(settings, "SESSION_RULES", {}))


def _parameters(user_id: str, at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    cutoffs = vars(expiry_cutoffs(at, zone, session_rules()))
    return {"user_id": check_id(user_id, "user id"), "zone": zone.key, "at": at, **cutoffs}


def _ask(user_id: str, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
    with database_away_is_retryable(f"no session could be opened for user {user_id}"), connection.cursor() as cursor:
        cursor.execute(OPEN, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


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
