"""What the database's count of unfinished items is there for: a chord alone hangs when it loses its counter, and a
callback that comes early merges too few themes. Each is shown with the guard and without it.
"""

import time

import pytest
import redis
from django.conf import settings
from rich.console import Console

from pipeline import tasks
from pipeline.ledger.counts import item_counts, unfinished_chunks, unfinished_items
from pipeline.management.following import follow
from pipeline.models import Run, Theme
from tests.faults.outcome import outcome_of, stories
from tests.settings import OWN_REDIS
from tests.support.seeding import read, scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import Worker

TEXTS = scripts(problems=3, each=8)
SLOWLY = scripts(problems=3, each=8, slow=0.05)
NEEDS_OWN_REDIS = pytest.mark.skipif(not OWN_REDIS, reason="REDIS_URL names a server that is not the tests' own")


def _lose_the_chords_counter() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    keys = list(client.scan_iter(f"{settings.REDIS_PREFIX}celery-taskset-meta-*"))
    assert keys, "the chord keeps its counter elsewhere now"
    client.delete(*keys)


def _read_all_while_the_counter_is_lost() -> Run:
    run = start(seed(SLOWLY), chunk_size=2)
    tasks.dispatch(run=run)
    until(lambda: item_counts(run).finished >= 2)
    _lose_the_chords_counter()
    until(lambda: not unfinished_items(run).exists())
    return run


@NEEDS_OWN_REDIS
def test_a_run_ends_although_the_chord_lost_its_counter_and_nobody_looks_after_it(worker: Worker) -> None:
    run = _read_all_while_the_counter_is_lost()
    until(lambda: not Run.objects.get(pk=run.pk).is_live)
    assert outcome_of(run).state == "completed"
    assert len(stories()) == 3


@NEEDS_OWN_REDIS
def test_with_the_chord_alone_it_would_hang_until_somebody_looks(start_worker: type[Worker]) -> None:
    start_worker(DJANGO_SETTINGS_MODULE="tests.faults.unguarded").wait_until_ready()
    whole = start(seed(TEXTS, name="whole"), chunk_size=2)
    tasks.dispatch(run=whole)
    until(lambda: Run.objects.get(pk=whole.pk).state == "completed")  # the chord works while nothing is lost

    run = _read_all_while_the_counter_is_lost()
    time.sleep(2)  # the other run's callback came within milliseconds
    run.refresh_from_db()
    assert (run.state, run.phase) == ("running", "extract")
    assert follow(run.pk, Console(quiet=True)).state == "completed"


def test_a_callback_that_comes_early_finds_the_door_shut_and_the_next_one_open(transactional_db: None) -> None:
    run = _half_read()
    assert tasks.advance_run.apply(kwargs={"run_id": run.pk}).get() == "running"
    run.refresh_from_db()
    assert (run.phase, Theme.objects.filter(signature__isnull=False).count()) == ("extract", 0)
    read(run)
    assert tasks.advance_run.apply(kwargs={"run_id": run.pk}).get() == "completed"
    assert [len(conversations) for _, _, _, *conversations in stories()] == [8, 8, 8]


def test_without_the_barrier_an_early_callback_would_group_what_is_there(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _half_read()
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.advance.unfinished_items", lambda run: run.items.none())
        tasks.advance_run.apply(kwargs={"run_id": run.pk})
    run.refresh_from_db()
    assert run.phase == "done"
    assert sum(len(conversations) for _, _, _, *conversations in stories()) == 12
    assert run.state == "needs_attention"
    assert run.attention == "24 conversations were planned, but 12 ended"


def _half_read() -> Run:
    """Return a run of 24 conversations of which 12 are read."""
    run = start(seed(TEXTS), chunk_size=6)
    for chunk in unfinished_chunks(run)[:2]:
        tasks.extract_chunk.apply(kwargs={"run_id": run.pk, "epoch": run.epoch, "chunk": chunk}).get()
    return run
