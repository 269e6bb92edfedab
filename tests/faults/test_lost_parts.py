"""What a run survives: lost messages, dead workers, poison, callbacks that never come. Real processes, real signals."""

import os
import signal
import time
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from rich.console import Console

from pipeline import console, extract, queries, runs, tasks
from pipeline.models import Call, Item, Run, Story, Theme
from pipeline.salvage import salvage
from tests.seeding import partition, scripts, seed, start
from tests.settings import OWN_REDIS
from tests.waiting import refused, until
from tests.workers import Worker

QUIET = Console(quiet=True)


@pytest.mark.skipif(not OWN_REDIS, reason="REDIS_URL names a server that is not the tests' own to empty")
def test_flushall_in_mid_run_the_waiting_command_still_ends_it(start_worker: type[Worker]) -> None:
    run = start(seed(scripts(problems=3, each=40, slow=0.01)), chunk_size=5)
    start_worker(concurrency=2).wait_until_ready()
    tasks.dispatch(run=run)
    until(lambda: queries.item_counts(run).finished >= 15)
    redis.Redis.from_url(settings.REDIS_URL).flushall()
    ended = console.follow(run.pk, QUIET)
    assert (ended.state, queries.item_counts(ended).extracted) == ("completed", 120)
    assert Call.objects.count() == 120
    assert Story.objects.count() == 3


def test_sigkill_of_the_worker_in_mid_run_a_new_one_ends_it_right(start_worker: type[Worker]) -> None:
    run = start(seed(scripts(problems=3, each=40, slow=0.01)), chunk_size=5)
    first = start_worker(concurrency=2)
    first.wait_until_ready()
    tasks.dispatch(run=run)
    until(lambda: queries.item_counts(run).finished >= 15)
    first.kill()
    read_before = Call.objects.count()
    assert read_before < 120
    start_worker(concurrency=2).wait_until_ready()
    ended = console.follow(run.pk, QUIET)
    assert (ended.state, queries.item_counts(ended).extracted) == ("completed", 120)
    assert {story.evidence.count() for story in Story.objects.all()} == {40}
    twice = Call.objects.filter(attempt__gt=1).count()
    assert twice <= 2 * 5, "only what was being read may be read again"


def test_sigkill_of_one_child_costs_nothing(start_worker: type[Worker]) -> None:
    run = start(seed(scripts(problems=3, each=40, slow=0.01)), chunk_size=5)
    worker = start_worker(concurrency=2)
    worker.wait_until_ready()
    tasks.dispatch(run=run)
    until(lambda: queries.item_counts(run).finished >= 15)
    os.kill(worker.children()[0], signal.SIGKILL)
    ended = console.follow(run.pk, QUIET)
    assert (ended.state, queries.item_counts(ended).extracted) == ("completed", 120)
    assert Theme.objects.count() == 120


def test_a_conversation_that_kills_its_worker_costs_only_itself(start_worker: type[Worker], tmp_path: Path) -> None:
    log = tmp_path / "asked"
    texts = scripts(problems=2, each=6)
    texts.insert(5, "name=poison act=kill")
    run = start(seed(texts), chunk_size=13)
    start_worker(concurrency=2, SCRIPTED_LOG=str(log)).wait_until_ready()
    tasks.dispatch(run=run)
    ended = console.follow(run.pk, QUIET)
    assert ended.state == "completed_with_errors"
    assert queries.item_counts(ended).extracted == 12
    poison = queries.failed_items(ended).get()
    assert (poison.conversation.external_id, poison.reason) == ("test-5", "begun 3 times, never finished")
    assert 2 <= sum("poison" in line for line in log.read_text().splitlines()) <= 3


def test_a_run_whose_callback_is_lost_ends_by_the_waiting_command(start_worker: type[Worker]) -> None:
    run = start(seed(scripts(problems=2, each=4)), chunk_size=2)
    start_worker(concurrency=2).wait_until_ready()
    for chunk in queries.unfinished_chunks(run):  # no chord at all: nobody will call back
        tasks.extract_chunk.apply_async(kwargs={"run_id": run.pk, "epoch": run.epoch, "chunk": chunk})
    Run.objects.filter(pk=run.pk).update(phase=Run.Phase.PLAN)  # the last chunk's own call finds nothing to do
    until(lambda: queries.item_counts(run).finished == 8)
    time.sleep(0.5)
    Run.objects.filter(pk=run.pk).update(phase=Run.Phase.EXTRACT)
    assert console.follow(run.pk, QUIET).state == "completed"
    assert Story.objects.count() == 2


def test_header_and_callback_delivered_twice_change_nothing(start_worker: type[Worker]) -> None:
    run = start(seed(scripts(problems=3, each=6, slow=0.01)), chunk_size=3)
    start_worker(concurrency=4).wait_until_ready()
    tasks.dispatch(run=run)
    tasks.dispatch(run=run)
    for _ in range(3):
        tasks.advance_run.delay(run_id=run.pk)
    ended = console.follow(run.pk, QUIET)
    assert ended.state == "completed"
    assert (Call.objects.count(), Theme.objects.count(), Story.objects.count()) == (18, 18, 3)


def test_a_task_of_an_earlier_life_writes_nothing(transactional_db: None) -> None:
    run = start(seed(scripts(problems=1, each=3)))
    Run.objects.filter(pk=run.pk).update(epoch=2)
    finished = extract.extract_chunk(run_id=run.pk, epoch=1, chunk=0, delivery="old")
    assert finished == 0
    assert not Theme.objects.exists()
    assert set(run.items.values_list("state", flat=True)) == {"pending"}


def test_salvage_redoes_a_broken_write_without_asking_again(start_worker: type[Worker], tmp_path: Path) -> None:
    log = tmp_path / "asked"
    undisturbed = start(seed(scripts(problems=3, each=6), name="undisturbed"), force_refresh=True)
    start_worker(concurrency=2, SCRIPTED_LOG=str(log)).wait_until_ready()
    tasks.dispatch(run=undisturbed)
    expected = sorted(partition(console.follow(undisturbed.pk, QUIET)).values())
    _forget_everything()

    with refused("pipeline_theme", unless="confidence < 0"):
        run = start(seed(scripts(problems=3, each=6), name="broken"))
        tasks.dispatch(run=run)
        ended = console.follow(run.pk, QUIET)
    assert ended.state == "needs_attention"
    assert {item.stage for item in queries.failed_items(ended)} == {Item.Stage.STORE}
    assert Call.objects.filter(item__run=run).count() == 18

    asked = len(log.read_text().splitlines())
    run, stock = salvage(run_id=run.pk)
    assert (stock.phase, stock.failed, stock.to_ask) == ("extract", 18, 0)
    ended = console.follow(run.pk, QUIET)
    assert (ended.state, ended.epoch) == ("completed", 2)
    assert len(log.read_text().splitlines()) == asked
    assert sorted(partition(ended).values()) == expected


def test_salvage_refuses_what_it_cannot_help(transactional_db: None) -> None:
    run = start(seed(scripts(problems=1, each=3)))
    with pytest.raises(runs.RunError, match="it needs no help"):
        salvage(run_id=run.pk)
    with pytest.raises(runs.RunError, match="there is no run 0"):
        salvage(run_id=0)


def _forget_everything() -> None:
    call_command("flush", interactive=False, verbosity=0)
