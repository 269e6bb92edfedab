"""Many callers at once against the real database: is there ever a user with two active sessions, and how long does
a call take?

The users are made up (`stress-...`), and everything of theirs is removed at the end. Metrics never count them.
"""

import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from sessions.chat.opening import Outcome, open_session
from sessions.chat.users import MADE_UP
from sessions.models import Session
from sessions.upkeep.metrics import SessionMetrics

_DUPLICATES = """
SELECT count(*) FROM (
    SELECT FROM chat_session WHERE state = 'active' AND starts_with(user_id, %s) GROUP BY user_id HAVING count(*) > 1
) AS users
"""


@dataclass(frozen=True)
class StressResult:
    """What the callers were told and what the watcher saw. Latencies are in seconds, sorted."""

    outcomes: Counter[str]
    errors: Counter[str]
    latencies: list[float]
    seconds: float
    looks: int
    duplicates_seen: int

    @property
    def metrics(self) -> SessionMetrics:
        """The callers' numbers in the form in which all metrics come."""
        return SessionMetrics(
            created=self.outcomes[Outcome.CREATED] + self.outcomes[Outcome.SUPERSEDED],
            reused=self.outcomes[Outcome.REUSED],
            rapid_creates=0,
            context_losses=0,
            active=0,
            duplicate_active=self.duplicates_seen,
        )

    @property
    def is_sound(self) -> bool:
        """Never two active sessions, and no error to a caller."""
        return not self.duplicates_seen and not self.errors

    def percentile(self, share: float) -> float:
        """Return the latency, in seconds, that this share of the calls stays within."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def stress(*, users: int, concurrency: int, calls: int) -> StressResult:
    """Open sessions of so many made-up users, so many calls in all, each caller on a connection of its own.

    Removes what it made, also when it is interrupted. Opens and closes `concurrency` + 1 connections.
    """
    prefix = f"{MADE_UP}{uuid4().hex[:8]}-"
    numbers = iter(range(calls))  # one counter for all: next() of a range is atomic
    is_over = Event()
    try:
        with ThreadPoolExecutor(concurrency + 1) as pool:
            try:
                watcher = pool.submit(_watch, prefix, is_over)
                began = time.perf_counter()
                callers = [pool.submit(_call, prefix, users, numbers) for _ in range(concurrency)]
                told = [caller.result() for caller in callers]
                seconds = time.perf_counter() - began
            finally:
                is_over.set()
                list(itertools.islice(numbers, calls))  # whoever still calls finds nothing more to do
            looks, duplicates = watcher.result()
    finally:
        Session.objects.filter(user_id__startswith=prefix).delete()
    return StressResult(
        outcomes=sum((each.outcomes for each in told), Counter()),
        errors=sum((each.errors for each in told), Counter()),
        latencies=sorted(itertools.chain.from_iterable(each.latencies for each in told)),
        seconds=seconds,
        looks=looks,
        duplicates_seen=duplicates,
    )


@dataclass(frozen=True)
class _Told:
    """What one caller was told."""

    outcomes: Counter[str]
    errors: Counter[str]
    latencies: list[float]


def _call(prefix: str, users: int, numbers: Iterator[int]) -> _Told:
    told = _Told(Counter(), Counter(), [])
    try:
        connection.ensure_connection()
        for _ in numbers:
            began = time.perf_counter()
            try:
                opened = open_session(user_id=f"{prefix}{random.randrange(users)}", at=timezone.now())
                told.outcomes[opened.outcome] += 1
            except Exception as error:  # whatever a caller gets is a finding
                told.errors[f"{type(error).__name__}: {error}"[:200]] += 1
            told.latencies.append(time.perf_counter() - began)
    finally:
        connection.close()
    return told


def _watch(prefix: str, is_over: Event) -> tuple[int, int]:
    """Look for duplicates until it is over and once more; return how often, and the most that were seen."""
    looks, most = 0, 0
    try:
        while True:
            last = is_over.wait(0.05)
            with connection.cursor() as cursor:
                cursor.execute(_DUPLICATES, [prefix])
                most = max(most, int(cursor.fetchone()[0]))
            looks += 1
            if last:
                return looks, most
    finally:
        connection.close()
