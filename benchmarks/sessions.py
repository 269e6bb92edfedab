"""What `open_session` costs beside the bare statement, and beside the ways that were not taken.

    python -m benchmarks.sessions [CALLS] [ROUNDS]

All calls are on one connection, of one user after the other, in a database that is made for this and removed
afterwards; most find their session open, as in life. Each round runs all ways, in turn, so that a machine that is busy
at times slows all of them. The bar is three times the median of the bare statement, which psycopg executes with
parameters that are ready. It is judged without waiting for the disk (synchronous_commit off), which would hide what
Python costs; the second table waits for it, as a deployment does.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.database import own_database

BAR = 3.0
USERS = 50
NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
Way = Callable[[str, datetime], object]


def ways() -> dict[str, Way]:
    """Return what is compared; the first is the bar's measure."""
    return {
        "bare statement, psycopg": _bare(),
        "bare statement, Django's cursor": _through_django(),
        "open_session": _open_session(),
        "psqlextra on_conflict": _psqlextra(),
        "get_or_create": _get_or_create(),
    }


def _bare() -> Way:
    from django.db import connection

    from sessions.chat.opening import OPEN

    connection.ensure_connection()
    cursor, parameters = connection.connection.cursor(), _parameters()

    def call(user_id: str, at: datetime) -> object:
        cursor.execute(OPEN, {**parameters, "user_id": user_id, "at": at})
        return cursor.fetchone()

    return call


def _through_django() -> Way:
    from django.db import connection

    from sessions.chat.opening import OPEN

    parameters = _parameters()

    def call(user_id: str, at: datetime) -> object:
        with connection.cursor() as cursor:
            cursor.execute(OPEN, {**parameters, "user_id": user_id, "at": at})
            return cursor.fetchone()

    return call


def _parameters() -> dict[str, Any]:
    """The cut-offs of noon: nothing expires within the benchmark's seconds."""
    from zoneinfo import ZoneInfo

    from sessions.chat.expiry import expiry_cutoffs
    from sessions.chat.opening import session_rules

    return {"zone": "UTC", **vars(expiry_cutoffs(NOON, ZoneInfo("UTC"), session_rules()))}


def _open_session() -> Way:
    from sessions.chat.opening import open_session

    return lambda user_id, at: open_session(user_id=user_id, at=at)


def _psqlextra() -> Way:
    """The upsert alone: it expires nothing, and cannot."""
    from django.db.models import F, Q
    from psqlextra.query import PostgresQuerySet
    from psqlextra.types import ConflictAction

    from sessions.models import Session

    def call(user_id: str, at: datetime) -> object:
        rows: Any = PostgresQuerySet(Session)  # type: ignore[no-untyped-call]
        counted = {"reuse_count": F("reuse_count") + 1, "last_message_at": at}
        upsert = rows.on_conflict(
            ["user_id"], ConflictAction.UPDATE, index_predicate=Q(state="active"), update_values=counted
        )
        return upsert.insert_and_get(
            user_id=user_id, zone="UTC", state="active", started_at=at, last_message_at=at, reuse_count=0,
            reply_count=0, ended_reason="",
        )  # fmt: skip

    return call


def _get_or_create() -> Way:
    """It expires nothing, counts nothing, and raises IntegrityError when sessions are ended meanwhile."""
    from sessions.models import Session

    def call(user_id: str, at: datetime) -> object:
        found = {"started_at": at, "last_message_at": at}
        return Session.objects.get_or_create(user_id=user_id, state="active", defaults=found)

    return call


# --- Measuring ----------------------------------------------------------------------------------------------------


def compare(calls: int, rounds: int) -> None:
    compared = ways()
    taken: dict[str, list[float]] = {name: [] for name in compared}
    for number in range(rounds):
        order = list(compared)
        for name in order[number % len(order) :] + order[: number % len(order)]:
            taken[name] += _seconds(compared[name], calls)
    bare = statistics.median(next(iter(taken.values())))
    for name, seconds in taken.items():
        _show(name, seconds, bare)
    ratio = statistics.median(taken["open_session"]) / bare
    print(
        f"open_session takes {ratio:.2f} x the bare statement; the bar is {BAR}: {'met' if ratio <= BAR else 'NOT met'}"
    )


def _seconds(way: Way, calls: int) -> list[float]:
    """Return what each of so many calls took, on an empty table."""
    from sessions.models import Session

    Session.objects.all().delete()
    users, found = itertools.cycle(f"user {number}" for number in range(USERS)), []
    for number in range(calls):
        user_id, at = next(users), NOON + timedelta(milliseconds=number)
        began = time.perf_counter()
        way(user_id, at)
        found.append(time.perf_counter() - began)
    return found


def _show(name: str, seconds: list[float], bare: float) -> None:
    median, high = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
    print(f"{name:32} median {median * 1e6:6.0f} us, 95 % {high * 1e6:6.0f} us, {median / bare:5.2f} x bare")


def main(calls: int = 1000, rounds: int = 10) -> None:
    with own_database():
        from django.db import connection

        for commit in ("off", "on"):
            with connection.cursor() as cursor:
                cursor.execute(f"SET synchronous_commit = {commit}")
            print(f"{calls * rounds:,} calls of each, {USERS} users, one connection, synchronous_commit {commit}")
            compare(calls, rounds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
