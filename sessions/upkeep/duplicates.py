"""Users with two active sessions, which the index forbids: found where it was missing, and made impossible again.

The SQL names only columns that the table had from the beginning, for a migration runs it too.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

INDEX = "one_active_session_per_user"

_RANKED = """
WITH ranked AS (
    SELECT id, user_id, first_value(id) OVER latest AS kept_id, row_number() OVER latest AS place
    FROM chat_session WHERE state = 'active'
    WINDOW latest AS (PARTITION BY user_id ORDER BY last_message_at DESC, started_at DESC, id DESC)
)
"""
_FIND = f"{_RANKED} SELECT id, user_id, kept_id FROM ranked WHERE place > 1 ORDER BY user_id, id"
_END = f"""
{_RANKED}, ended AS (
    UPDATE chat_session AS s
    SET state = 'ended', ended_reason = 'duplicate_cleanup', ended_at = GREATEST(%(at)s, s.last_message_at)
    FROM ranked WHERE ranked.id = s.id AND ranked.place > 1
    RETURNING s.id, s.user_id, ranked.kept_id
)
SELECT id, user_id, kept_id FROM ended ORDER BY user_id, id
"""


@dataclass(frozen=True)
class Duplicate:
    """An active session beside a more recent one of the same user."""

    session_id: int
    user_id: str
    kept_id: int


def find_duplicates() -> list[Duplicate]:
    """Return the sessions that `end_duplicates` would end."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND)
        return [Duplicate(*row) for row in cursor.fetchall()]


def end_duplicates(*, at: datetime) -> list[Duplicate]:
    """End all but each user's most recent active session, make the index if it is missing, return what was ended.

    Opens a transaction, and locks the table in it so that no duplicate comes in between.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # readers continue, writers wait: until the index stands nothing else keeps a user from two sessions
        cursor.execute("LOCK TABLE chat_session IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(_END, {"at": at})
        ended = [Duplicate(*row) for row in cursor.fetchall()]
        cursor.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {INDEX} ON chat_session (user_id) WHERE state = 'active'")
        return ended
