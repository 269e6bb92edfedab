"""A run in the middle of its work, the ways to break what it stands on, and the ways people wait for its end."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import redis
from celery import current_app
from django.conf import settings
from django.db import OperationalError, connection
from kombu.exceptions import OperationalError as BrokerError
from rich.console import Console

from config import embedded
from pipeline import tasks
from pipeline.ledger.counts import item_counts, unfinished_items
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import lose
from pipeline.management.child_process import ending_with_parent
from pipeline.management.following import follow
from pipeline.models import Item, Run
from pipeline.runs.create import RunIsLive
from tests.support.seeding import salvage, start, twins
from tests.support.waiting import until
from tests.support.workers import ROOT, Worker

CHILDREN, CHUNK, SLOW = 2, 5, 0.02
IN_FLIGHT = CHILDREN * CHUNK
"""Conversations that are read at one time."""

TEXTS = [
    f"{text} slow={SLOW}"
    for text in (
        *twins(problems=6, each=12),
        *("nr 1 name=rare_thing problem=70", "nr 2 name=rare_things problem=70"),
        *(f"nr {number} name=doubtful_thing problem=71 confidence=0.1" for number in range(3)),
        *("nr 1 category=spam", "nr 2 act=malformed"),
    )
]
"""Stories under spelling twins, orphans of two reasons, a conversation that is filtered and one that fails."""


@dataclass
class Scene:
    """A run, who works on it, and the dice; `asked` is the file in which the readers leave a line for each question."""

    run: Run
    asked: Path
    postgres: embedded.Postgres
    dice: random.Random

    @property
    def worker(self) -> Worker:
        return Worker.running[0]

    def hire(self) -> None:
        """Start a worker if there is none."""
        if not Worker.running:
            Worker(concurrency=CHILDREN, SCRIPTED_LOG=str(self.asked)).wait_until_ready()

    def wait_for_a_random_moment(self, *, even_at_the_end: bool) -> None:
        """Return when a random part of the conversations is read, somewhere inside a chunk; one time in three, if that
        is allowed, just after the last, when it merges and groups.
        """
        share = self.dice.uniform(0, 0.75)
        if even_at_the_end and self.dice.random() < 1 / 3:
            share = 1.0
        until(lambda: item_counts(self.run).finished >= int(share * len(TEXTS)))
        if share < 1:
            time.sleep(self.dice.uniform(0, CHUNK * SLOW))


def queue() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


# --- What may happen ----------------------------------------------------------------------------------------------


def nothing_happens(scene: Scene) -> None:
    """The undisturbed run."""


def a_child_of_the_worker_is_killed(scene: Scene) -> None:
    os.kill(scene.dice.choice(scene.worker.children()), signal.SIGKILL)


def the_worker_is_killed(scene: Scene) -> None:
    scene.worker.kill()
    scene.hire()


def the_queue_is_emptied(scene: Scene) -> None:
    with queue() as client:
        client.flushall()


def redis_restarts(scene: Scene) -> None:
    server = embedded.Valkey(Path(os.environ["TEST_FOLDER"]))
    restart(server, scene.dice.choice((signal.SIGTERM, signal.SIGKILL)))


def postgres_restarts_fast(scene: Scene) -> None:
    """Clients are cut off, what they had not committed is rolled back."""
    restart(scene.postgres, signal.SIGINT)


def postgres_restarts_immediately(scene: Scene) -> None:
    """As after a power cut: it recovers from its log."""
    restart(scene.postgres, signal.SIGQUIT)


def restart(server: embedded.Server, number: signal.Signals) -> None:
    """End the server with a signal; its keeper starts it again."""
    before = server.pid
    assert before is not None
    os.kill(before, number)
    until(lambda: server.pid not in (None, before) and server.answers())
    connection.close()


def messages_come_twice(scene: Scene) -> None:
    """Those that wait and, as after the visibility timeout, those that are being worked on; callbacks come early."""
    with queue() as client:
        for name in ("extract", "merge"):
            waiting = client.lrange(settings.REDIS_PREFIX + name, 0, -1)
            for message in waiting:
                client.lpush(settings.REDIS_PREFIX + name, message)
        for unacknowledged in client.hvals(settings.REDIS_PREFIX + "unacked"):
            message, _, name = json.loads(unacknowledged)
            client.lpush(settings.REDIS_PREFIX + name, json.dumps(message))
    for _ in range(3):
        tasks.advance_run.delay(run_id=scene.run.pk)


def the_callback_is_dropped(scene: Scene) -> None:
    """The chord's, and whatever else the worker sends to the queue of the callbacks, until all is read."""
    current_app.control.cancel_consumer("merge", reply=True)
    until(lambda: not unfinished_items(scene.run).exists())
    time.sleep(0.3)  # the last chunk is stored; its message follows
    with queue() as client:
        client.delete(settings.REDIS_PREFIX + "merge")
    current_app.control.add_consumer("merge", reply=True)


def a_second_run_is_started_twice(scene: Scene) -> None:
    """Both are refused while the first one lives."""
    answers = at_once(lambda: start(scene.run.source))
    assert {type(answer) for answer in answers} == {RunIsLive}


def salvage_at_once(run: Run) -> list[object]:
    """Salvage the run from two connections at the same moment; return what each came to."""
    return at_once(lambda: salvage(run_id=run.pk))


def at_once(do: Callable[[], object]) -> list[object]:
    """Do it on two connections at the same moment; return what each returned or raised, in any order."""
    barrier = Barrier(2, timeout=240)

    def on_a_connection_of_its_own(_: int) -> object:
        try:
            connection.ensure_connection()
            barrier.wait(240)
            return do()
        except RunError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(on_a_connection_of_its_own, range(2)))


# --- How people wait ----------------------------------------------------------------------------------------------


@contextmanager
def waiting(wait: Callable[[Scene], Run], scene: Scene) -> Iterator[Future[Run]]:
    """Wait for the run while the block is at work; at its end the future holds the run as it ended."""

    def on_a_connection_of_its_own() -> Run:
        try:
            return wait(scene)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(on_a_connection_of_its_own)
        try:
            yield ended
        except BaseException:
            lose(run_id=scene.run.pk, why="the test failed")  # nobody waits for ever
            raise


def by_command(scene: Scene) -> Run:
    """Wait as `run_pipeline` does; it looks after a run that stalls."""
    return follow(scene.run.pk, Console(quiet=True))


def by_watching(scene: Scene) -> Run:
    """Look on only, while `watch_runs` comes to a worker as beat would send it, every half second."""

    def send() -> None:
        with suppress(BrokerError):
            tasks.watch_runs.apply_async(expires=5)

    return look_on(scene.run, send)


def by_beat(scene: Scene) -> Run:
    """Look on only, while a beat process sends `watch_runs`."""
    with beating():
        return look_on(scene.run, lambda: None)


@contextmanager
def beating() -> Iterator["subprocess.Popen[bytes]"]:
    """A beat process that looks after runs every second, while the block is at work."""
    command = [sys.executable, "-m", "celery", "-A", "config", "beat", "--pidfile=", "--loglevel=WARNING"]
    words = {"DJANGO_SETTINGS_MODULE": "tests.faults.often", "TEST_DATABASE": connection.settings_dict["NAME"]}
    beat = subprocess.Popen(
        ending_with_parent(command, signal.SIGKILL), cwd=ROOT, env={**os.environ, **words},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield beat
    finally:
        beat.kill()
        beat.wait()


def look_on(run: Run, meanwhile: Callable[[], None], seconds: float = 90) -> Run:
    """Return the run when it has ended; do something every half second meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        meanwhile()
        time.sleep(0.5)
        try:
            now = Run.objects.get(pk=run.pk)
            if not now.is_live:
                return now
        except OperationalError:
            connection.close()
    raise AssertionError(_stalled(Run.objects.get(pk=run.pk)))


def _stalled(run: Run) -> str:
    held = run.items.filter(state__in=Item.UNFINISHED).values_list("pk", "state", "chunk", "claim", "delivery_count")
    return f"run is {run.state} in {run.phase}; {list(held)[:10]}\n{Worker.running[0].output()[-3000:]}"
