"""A Redis that is there but refuses writes for some seconds: nobody ends, and the run finishes by itself.

A real server is put into each state: its memory full, a replica, without its replicas, unable to save to its disk.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest
import redis

from config import embedded
from config.redis_refusals import REFUSALS, RedisRefusesError
from pipeline import tasks
from pipeline.ledger.counts import item_counts
from tests.faults import scene as scenes
from tests.faults.outcome import asked
from tests.faults.scene import CHUNK, IN_FLIGHT, TEXTS
from tests.settings import OWN_REDIS
from tests.support.seeding import seed, start
from tests.support.waiting import until
from tests.support.workers import Worker

pytestmark = pytest.mark.skipif(not OWN_REDIS, reason="REDIS_URL names a server that is not the tests' own")

SECONDS = 3.0
"""For which it refuses."""

Refusal = Callable[[], AbstractContextManager[None]]


@contextmanager
def _setting(name: str, value: str, usual: str) -> Iterator[None]:
    with scenes.queue() as client:
        client.config_set(name, value)
        yield
        client.config_set(name, usual)


def memory_is_full() -> AbstractContextManager[None]:
    return _setting("maxmemory", "1", "0")


def replicas_are_missing() -> AbstractContextManager[None]:
    return _setting("min-replicas-to-write", "1", "0")


@contextmanager
def it_is_a_replica() -> Iterator[None]:
    with scenes.queue() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        yield
        client.execute_command("REPLICAOF", "NO", "ONE")


def _saved(client: "redis.Redis") -> str:
    """Ask the server to save, unless it is saving just now, and return how the last time ended."""
    with suppress(redis.ResponseError):
        client.bgsave()
    status: str = client.info("persistence")["rdb_last_bgsave_status"]
    return status


@contextmanager
def it_cannot_save() -> Iterator[None]:
    """Its folder cannot be written, as when the disk is full; it is told to try once a second."""
    folder = embedded.Valkey(Path(os.environ["TEST_FOLDER"])).data
    with scenes.queue() as client, _setting("save", "1 1", ""):
        folder.chmod(0o500)
        until(lambda: _saved(client) == "err")
        yield
        folder.chmod(0o700)
    with scenes.queue() as client:
        until(lambda: _saved(client) == "ok")


STATES = {
    memory_is_full: "OOM",
    replicas_are_missing: "NOREPLICAS",
    it_is_a_replica: "READONLY",
    it_cannot_save: "MISCONF",
}
FIRST_OF_ALL = [pytest.param(state, marks=() if state is it_cannot_save else pytest.mark.slow) for state in STATES]
"""A full disk is the commonest; the others take as long and go the same way."""


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_each_refusal_is_a_connection_error(state: Refusal) -> None:
    with scenes.queue() as client:
        with state():
            writes: list[Callable[[], object]] = [
                lambda: client.set("refused", "x"),
                lambda: client.eval("return redis.call('incr', 'refused')", 0),
                lambda: client.pipeline().incr("refused").incr("refused").execute(),
            ]
            for write in writes:
                with pytest.raises(RedisRefusesError, match=STATES[state]):
                    write()
        assert client.incr("refused") == 1
        client.delete("refused")


def test_what_a_caller_did_wrong_is_no_refusal() -> None:
    with scenes.queue() as client, pytest.raises(redis.ResponseError) as caught:
        client.execute_command("NONSENSE")
    assert not isinstance(caught.value, redis.ConnectionError)
    assert "ERR" not in REFUSALS


@pytest.mark.parametrize("state", FIRST_OF_ALL, ids=lambda state: state.__name__)
def test_worker_and_beat_live_on_and_the_run_finishes(
    start_worker: type[Worker], state: Refusal, tmp_path: Path
) -> None:
    run = start(seed(TEXTS), chunk_size=CHUNK)
    log = tmp_path / "asked"
    worker = start_worker(concurrency=scenes.CHILDREN, SCRIPTED_LOG=str(log))
    worker.wait_until_ready()
    with scenes.beating() as beat:
        tasks.dispatch(run=run)
        until(lambda: item_counts(run).finished >= len(TEXTS) // 4)
        with state():
            time.sleep(SECONDS)
        ended = scenes.look_on(run, lambda: None)
        assert beat.poll() is None
    assert worker.process.poll() is None
    assert ended.state == "completed_with_errors", ended.error  # one text is malformed
    questions = asked(log)
    assert set(questions) == set(TEXTS)
    assert questions.total() - len(TEXTS) <= IN_FLIGHT
