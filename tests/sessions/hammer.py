"""Many callers at once, each on a connection of its own, who open, end, expire and escalate sessions of a few users.

Run as a program it is one process of several: `python -m tests.sessions.hammer DATABASE JOB`, the job and the tally
as JSON.
"""

import itertools
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import TypeVar
from zoneinfo import ZoneInfo

import django
from django.apps import apps
from django.db import connection, connections

if not apps.ready:
    django.setup()

from sessions.chat.opening import Outcome, end_session, escalate_session, open_session
from sessions.models import Session
from sessions.upkeep.housekeeping import keep_house

T = TypeVar("T")
ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata")]
BEGIN = datetime(2026, 10, 20, tzinfo=UTC)  # Berlin's clock goes back on the 25th
LENGTH = timedelta(days=10)


@dataclass(frozen=True)
class Job:
    callers: int
    calls: int  # of each caller
    users: int
    seed: int


@dataclass
class Tally:
    """What the callers were told."""

    counts: Counter[str] = field(default_factory=Counter)
    superseded_ids: list[int] = field(default_factory=list)
    duplicates_seen: int = 0

    def add(self, other: "Tally") -> None:
        self.counts += other.counts
        self.superseded_ids += other.superseded_ids
        self.duplicates_seen += other.duplicates_seen


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run the calls at the same moment, each in a thread with its own connection; raise what any of them raises."""
    barrier = Barrier(len(calls), timeout=240)

    def run(call: Callable[[], T]) -> T:
        try:
            connection.ensure_connection()
            barrier.wait(240)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def users_with_two_active() -> int:
    """Return how many users break the promise at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM chat_session WHERE state = 'active'"
            " GROUP BY user_id HAVING count(*) > 1) AS broken"
        )
        return int(cursor.fetchone()[0])


def hammer(job: Job) -> Tally:
    """Do the job; the callers share a clock that runs through LENGTH, and pass times up to half an hour beside it."""
    clock = itertools.count()
    seen: dict[str, int] = {}  # user -> the session somebody was told last
    step = LENGTH / (job.callers * job.calls)
    callers = [
        partial(_call, job, random.Random(job.seed + number), clock, step, seen) for number in range(job.callers)
    ]
    total = Tally()
    for tally in at_once(callers):
        total.add(tally)
    return total


def _call(
    job: Job, chance: random.Random, clock: "itertools.count[int]", step: timedelta, seen: dict[str, int]
) -> Tally:
    tally = Tally()
    for count in range(job.calls):
        number = chance.randrange(job.users)
        at = BEGIN + next(clock) * step + timedelta(minutes=chance.uniform(-30, 30))
        _do(f"user {number}", ZONES[number % 3], at, chance.random(), seen, tally)
        if count % 20 == 19:
            tally.duplicates_seen += users_with_two_active()
    return tally


def _do(user_id: str, zone: ZoneInfo, at: datetime, lot: float, seen: dict[str, int], tally: Tally) -> None:
    """Open in four of five cases, else end or escalate the session somebody saw, which others may do as well.

    Now and then, housekeeping comes by.
    """
    if lot > 0.98:
        tally.counts["swept"] += keep_house(at=at, batch=7).sessions_expired
    elif lot < 0.8 or user_id not in seen:
        opened = open_session(user_id=user_id, at=at, zone=zone)
        tally.counts[opened.outcome] += 1
        if opened.outcome == Outcome.SUPERSEDED and opened.superseded_id:
            tally.superseded_ids.append(opened.superseded_id)
        seen[user_id] = opened.session.pk
    elif lot < 0.9:
        tally.counts["ended"] += end_session(session_id=seen[user_id], at=at, reason=Session.Reason.USER_REQUEST)
    else:
        tally.counts["escalated"] += escalate_session(session_id=seen[user_id], at=at)


def main(database: str, job: str) -> None:
    connections.settings["default"]["NAME"] = database
    print(json.dumps(vars(hammer(Job(**json.loads(job))))))


if __name__ == "__main__":
    main(*sys.argv[1:])
