"""A conversation that kills who reads it, and messages of another life. What else may break: test_random_faults.py."""

from pathlib import Path

import pytest
from rich.console import Console

from pipeline import tasks
from pipeline.extract.chunk import read_chunk
from pipeline.ledger.counts import failed_items, item_counts
from pipeline.ledger.errors import RunError
from pipeline.management.following import follow
from pipeline.models import Run, Theme
from tests.support.seeding import salvage, scripts, seed, start
from tests.support.workers import Worker

QUIET = Console(quiet=True)


def test_a_conversation_that_kills_its_worker_costs_only_itself(start_worker: type[Worker], tmp_path: Path) -> None:
    log = tmp_path / "asked"
    texts = scripts(problems=2, each=6)
    texts.insert(5, "name=poison act=kill")
    run = start(seed(texts), chunk_size=13)
    start_worker(concurrency=2, SCRIPTED_LOG=str(log)).wait_until_ready()
    tasks.dispatch(run=run)
    ended = follow(run.pk, QUIET)
    assert ended.state == "completed_with_errors"
    assert item_counts(ended).extracted == 12
    poison = failed_items(ended).get()
    assert (poison.conversation.external_id, poison.reason) == ("test-5", "started 3 times, never finished")
    assert 2 <= sum("poison" in line for line in log.read_text().splitlines()) <= 3


def test_a_task_of_an_earlier_life_writes_nothing(transactional_db: None) -> None:
    run = start(seed(scripts(problems=1, each=3)))
    Run.objects.filter(pk=run.pk).update(epoch=2)
    finished = read_chunk(run_id=run.pk, epoch=1, chunk=0, delivery="old")
    assert finished == 0
    assert not Theme.objects.exists()
    assert set(run.items.values_list("state", flat=True)) == {"pending"}


def test_salvage_refuses_what_it_cannot_help(transactional_db: None) -> None:
    run = start(seed(scripts(problems=1, each=3)))
    with pytest.raises(RunError, match="there is nothing to salvage yet"):
        salvage(run_id=run.pk)
    with pytest.raises(RunError, match="there is no run 0"):
        salvage(run_id=0)
