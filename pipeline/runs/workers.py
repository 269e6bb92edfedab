"""Whether the queues are consumed: a heartbeat goes through each and has to come back.

A connection to the broker says nothing about workers, and a worker that answers a ping may have ceased to consume. Only
where a worker is busy, so that a heartbeat has to wait its turn, its word is taken. One without children, as with
`--pool=solo`, cannot even give its word while it works; that it renews the claims on what it reads has to do.
"""

import time
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import redis
from celery import current_app, current_task
from celery.result import AsyncResult
from django.conf import settings
from django.db import DatabaseError
from kombu.exceptions import OperationalError as BrokerError

from pipeline import tasks
from pipeline.ledger.claims import delivery_of, stale_before
from pipeline.models import Item

BROKER_AWAY = (BrokerError, redis.ConnectionError, redis.TimeoutError)
"""What sending raises, and reading answers, while Redis is away or refuses writes."""

LOOK_EVERY = 0.02
"""Seconds between two looks for answers."""

ASK_AFTER, ASK_EVERY = 1.0, 3.0
"""Seconds without an answer after which the workers are asked what they do, and between two such questions."""

PING = 1.0
"""Seconds in which a worker answers what it does, however busy its children are."""

CLOCKS = 30.0
"""Seconds by which two machines' clocks may differ: a heartbeat expires so much later than anybody waits for it."""

NEWEST = 1000
"""How many messages of a queue are looked through for a heartbeat that is taken back; it is among the newest."""


class Heartbeats:
    """A heartbeat for each queue, sent on entering the `with` block; what did not come back is taken back on leaving.

    Each has `patience` seconds from then on.

    `came_back` says for each queue on which database its worker works, `reads_with` how the worker of the queue
    `extract` would read with `reader` (a profile and an extractor), `busy` names the worker that will come to it,
    `failed` holds what the heartbeat died of. The queues in `own` are consumed by the worker we are a task of.
    `silent_reader` is the run that a worker reads which answers nothing; nobody can say which queues that one consumes,
    so it counts for all. `error` is set when the broker cannot be reached.
    """

    def __init__(
        self, patience: float, queues: Sequence[str] = tasks.QUEUES, *, reader: tuple[str, str] | None = None
    ) -> None:
        self.patience = patience
        self.queues = queues
        self.error = ""
        self.own = frozenset(queues) & _consumed_here()
        self.came_back: dict[str, str] = {}
        self.reads_with: dict[str, str] = {}
        self._reader = reader
        self.busy: dict[str, str] = {}
        self.failed: dict[str, str] = {}
        self.silent_reader: int | None = None
        self._sent: dict[str, AsyncResult] = {}

    def __enter__(self) -> Self:
        self.sent_at = time.monotonic()
        try:
            reach()
            for queue in self.queues:
                if queue not in self.own:
                    words = self._question(queue)
                    self._sent[queue] = tasks.heartbeat.apply_async(
                        kwargs=words, queue=queue, expires=self.patience + CLOCKS
                    )
        except BROKER_AWAY as error:
            self.error = str(error)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with suppress(redis.RedisError):  # one that is away keeps them until they expire
            for queue in self.unanswered:
                _take_back(queue, self._sent[queue])

    def _question(self, queue: str) -> dict[str, str]:
        if self._reader is None or queue != "extract":
            return {}
        profile, extractor = self._reader
        return {"profile": profile, "extractor": extractor}

    @property
    def unanswered(self) -> list[str]:
        """The queues whose heartbeat did not come back."""
        return [queue for queue in self._sent if queue not in self.came_back and queue not in self.failed]

    @property
    def without_a_word(self) -> list[str]:
        """The queues of which no worker says that it consumes them."""
        return [queue for queue in self.unanswered if queue not in self.busy]

    @property
    def unconsumed(self) -> list[str]:
        """The queues of which nobody can say who consumes them."""
        return [] if self.silent_reader else self.without_a_word

    def wait(self) -> None:
        """Return when each queue is known to be consumed, or patience is at its end."""
        try:
            self._wait()
        except BROKER_AWAY as error:
            self.error = str(error)

    def _wait(self) -> None:
        ask_at = ASK_AFTER
        while not self.error:
            self._collect()
            waited = time.monotonic() - self.sent_at
            if not self.unconsumed or waited >= self.patience:
                return
            if waited >= ask_at:
                self._ask()
                ask_at = waited + ASK_EVERY
            time.sleep(LOOK_EVERY)

    def _ask(self) -> None:
        """Ask all workers what they do, and the ledger who reads beside those that answered."""
        answers = ask_workers()
        self.busy = answers.busy
        self.silent_reader = read_by_others(answers.tasks)

    def _collect(self) -> None:
        for queue in self.unanswered:
            result = self._sent[queue]
            if result.ready():
                if result.successful():
                    self.came_back[queue] = result.result["database"]
                    self.reads_with[queue] = result.result["reader"]
                else:
                    self.failed[queue] = str(result.result)
                result.forget()


def _consumed_here() -> frozenset[str]:
    """Return the queues of the worker we are a task of: what brought us here consumes them. None outside a task."""
    return frozenset(current_app.amqp.queues.consume_from) if current_task else frozenset()


def reach() -> None:
    """Return if the broker can be reached; kombu's OperationalError if not."""
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=5, errback=None)


@dataclass(frozen=True, slots=True)
class Answers:
    """What the workers say: for each queue one that consumes it and is at work just now, and the tasks in work."""

    busy: dict[str, str]
    tasks: frozenset[str]


def ask_workers() -> Answers:
    """Ask all workers what they consume and do; those that cannot answer are not in it."""
    inspect = current_app.control.inspect(timeout=PING)
    consumed: dict[str, list[dict[str, Any]]] = inspect.active_queues() or {}
    at_work: dict[str, list[dict[str, Any]]] = inspect.active() or {}
    return Answers(
        busy={queue["name"]: worker for worker, queues in consumed.items() if at_work.get(worker) for queue in queues},
        tasks=frozenset(task["id"] for in_work in at_work.values() for task in in_work),
    )


def read_by_others(answered: Container[str]) -> int | None:
    """Return the run of an item that is being read just now, by another task than those that workers told of."""
    reading = Item.objects.filter(state=Item.State.READING, claimed_at__gte=stale_before())
    try:
        found = list(reading.order_by().values_list("run_id", "claim").distinct())
    except DatabaseError:  # there are no tables, or we may not read them: another finding says so
        return None
    return next((run_id for run_id, claim in found if delivery_of(claim) not in answered), None)


def _take_back(queue: str, sent: AsyncResult) -> None:
    """Take an unanswered heartbeat out of its queue, so that none pile up where nobody consumes."""
    key = f"{settings.REDIS_PREFIX}{queue}"
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        # a queue is a list in Redis whose newest messages come first; Celery has no call that takes one back
        for message in client.lrange(key, 0, NEWEST - 1):
            if sent.id.encode() in message:
                client.lrem(key, 1, message)
    sent.forget()
