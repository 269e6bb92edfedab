"""What ends its worker again and again is given up in the end, and writes of a life that is over are refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from pipeline import tasks
from pipeline.advance import advance
from pipeline.extract.chunk import read_chunk
from pipeline.group import settle as group
from pipeline.group.current import affected_roots
from pipeline.ledger.claims import AtLimit, claim_items
from pipeline.ledger.states import stop_at_once
from pipeline.merge import apply
from pipeline.models import Item, Run, Story, StoryEvidence
from pipeline.runs.reopen import reopen
from pipeline.runs.salvage import SalvageOptions, plan_salvage, runs_to_salvage
from tests.support.seeding import finish, read, salvage, scripts, seed, start
from tests.support.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)


class Died(BaseException):
    """A worker's sudden end, as nobody can catch it."""


def die(*_: object, **__: object) -> None:
    raise Died


def fresh(run: Run) -> Run:
    return Run.objects.select_related("source").get(pk=run.pk)


def pass_by(run: Run, **time: float) -> None:
    """Let time pass for the run: every moment in its row moves back."""
    moments = ("heartbeat_at", "dispatched_at", "advance_claimed_at")
    Run.objects.filter(pk=run.pk).update(**{name: F(name) - timedelta(**time) for name in moments})


# --- Poison -------------------------------------------------------------------------------------------------------


def begun_until_given_up(run: Run) -> Item:
    for _ in range(12):
        try:
            read_chunk(run_id=run.pk, epoch=run.epoch, chunk=0, delivery="the same message")
        except Died:
            continue
    return run.items.get()


def test_parsing_that_ends_its_worker_fails_the_item_and_salvage_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(seed(scripts(1, 1)))
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.extract.chunk.parse", die)
        item = begun_until_given_up(run)
    assert (item.state, item.stage, item.reason) == ("failed", "parse", "started 6 times, never finished")
    assert advance(run_id=run.pk).state == "needs_attention"
    _, stock = salvage(run_id=run.pk)
    assert (stock.to_parse, stock.to_ask) == (1, 0)
    assert finish(fresh(run)).state == "completed"


def test_a_merge_that_ends_its_worker_fails_its_run_and_salvage_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(seed(scripts(2, 3)))
    read(run)
    with monkeypatch.context() as patch:
        patch.setattr(apply, "merge_themes", die)
        for _ in range(5):
            pass_by(run, seconds=10)
            try:
                tasks.supervise(run_id=run.pk)
            except Died:
                continue
    failed = fresh(run)
    assert (failed.state, failed.phase) == ("failed", "merge")
    assert "the phase merge was started 3 times and its worker died each time" in failed.error
    salvage(run_id=run.pk)
    assert advance(run_id=run.pk).state == "completed"


# --- Fences -------------------------------------------------------------------------------------------------------


def elsewhere(act: Callable[[], object]) -> None:
    """Do it on another connection."""

    def on_its_own() -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(on_its_own).result()


def test_a_run_that_is_stopped_while_it_groups_writes_no_story_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(seed(scripts(2, 3)))
    read(run)
    affected = affected_roots

    def stopped_meanwhile(run: Run) -> list[int]:
        elsewhere(lambda: stop_at_once(run_id=run.pk))
        return affected(run)

    monkeypatch.setattr("pipeline.group.settle.affected_roots", stopped_meanwhile)
    stopped = advance(run_id=run.pk)
    assert (stopped.state, stopped.epoch) == ("stopped", 2)
    assert (Story.objects.count(), StoryEvidence.objects.count()) == (0, 0)


def test_a_stop_waits_for_the_batch_that_is_being_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what it writes would come after the stop."""
    run = start(seed(scripts(2, 3)))
    read(run)
    settle, stopping = group.settle, ThreadPoolExecutor(1)

    def stop() -> Run:
        try:
            return stop_at_once(run_id=run.pk)
        finally:
            connection.close()

    def settle_while_somebody_stops(**words: Any) -> None:
        attempts.append(stopping.submit(stop))
        settle(**words)
        assert not attempts[-1].done()

    attempts: list[Any] = []
    monkeypatch.setattr(group, "settle", settle_while_somebody_stops)
    advance(run_id=run.pk)
    assert attempts[0].result(20).state == "stopped"
    stopping.shutdown()


# --- The queue ----------------------------------------------------------------------------------------------------


def waiting_messages() -> int:
    queue = redis.Redis.from_url(settings.REDIS_URL)
    with queue:
        return int(queue.llen(f"{settings.REDIS_PREFIX}extract"))


@pytest.fixture
def nobody_works(transactional_db: None) -> None:
    Worker.end_all()
    with redis.Redis.from_url(settings.REDIS_URL) as queue:
        queue.delete(f"{settings.REDIS_PREFIX}extract")


def test_a_run_that_was_just_dispatched_is_sent_again_before_it_is_lost(nobody_works: None) -> None:
    run = start(seed(scripts(1, 3)))
    tasks.dispatch(run=run)
    pass_by(run, minutes=10)
    assert tasks.supervise(run_id=run.pk).state == "running"
    pass_by(run, minutes=1)
    assert tasks.supervise(run_id=run.pk).state == "lost"


def test_a_run_behind_another_is_not_sent_again_and_again(nobody_works: None) -> None:
    waiting, busy = (start(seed(scripts(1, 6), name=name), chunk_size=1) for name in ("waiting", "busy"))
    tasks.dispatch(run=waiting)
    assert waiting_messages() == 6
    for _ in range(3):
        busy.items.update(state="reading", claim="worker:1", claimed_at=timezone.now())
        pass_by(waiting, minutes=5)
        tasks.watch_runs()
    assert waiting_messages() == 6
    assert fresh(waiting).state == "running"


def test_a_run_that_died_while_it_was_planned_is_lost_also_beside_a_busy_one(nobody_works: None) -> None:
    dead, busy = (start(seed(scripts(1, 3), name=name)) for name in ("dead", "busy"))
    Run.objects.filter(pk=dead.pk).update(state="pending", phase="plan", dispatched_at=None)
    pass_by(dead, hours=1)
    busy.items.update(state="reading", claim="worker:1", claimed_at=timezone.now())
    tasks.watch_runs()
    assert fresh(dead).state == "lost"


def test_three_deliveries_of_one_chunk_count_as_three_in_flight() -> None:
    run = start(seed(scripts(1, 120)), chunk_size=120, concurrency=1)
    assert len(claim_items(run=run, epoch=1, chunk=0, token="first:1")) == 50
    with pytest.raises(AtLimit, match="1 chunks in progress; its limit is 1"):
        claim_items(run=run, epoch=1, chunk=0, token="second:1")
    assert len(claim_items(run=run, epoch=1, chunk=0, token="first:1")) == 50


# --- Salvage ------------------------------------------------------------------------------------------------------


def sizes() -> list[int]:
    return [story.evidence.count() for story in Story.objects.order_by("pk")]


def test_a_finished_runs_readings_count_while_it_is_salvaged() -> None:
    first = finish(start(seed([*scripts(1, 3), "act=raise"], name="first")))
    assert sizes() == [3]
    salvage(run_id=first.pk)
    finish(start(seed([f"{text} again" for text in scripts(1, 1)], name="second")))
    assert sizes() == [4]
    stop_at_once(run_id=first.pk)
    finish(start(seed([f"{text} once more" for text in scripts(1, 1)], name="third")))
    assert sizes() == [5]
    following = start(first.source)
    assert sorted(following.items.values_list("state", flat=True)) == ["pending", "skipped", "skipped", "skipped"]


@pytest.mark.parametrize("choice", [SalvageOptions(), SalvageOptions(phase="extract")])
def test_a_theme_that_was_lost_is_read_again(choice: SalvageOptions) -> None:
    run = finish(start(seed(scripts(2, 3))))
    run.themes.earliest("id").delete()
    reopen(run_id=run.pk, phase="group")
    damaged = advance(run_id=run.pk)
    assert (damaged.state, damaged.attention) == (
        "needs_attention",
        "1 of 6 extracted conversations are missing their theme",
    )
    assert list(runs_to_salvage()) == [damaged]
    assert plan_salvage(run=damaged).themes_lost == 1
    _, stock = salvage(run_id=run.pk, choice=choice)
    assert stock.to_ask == 1  # the vectors of its answer went with the theme
    assert finish(fresh(run)).state == "completed"
    assert run.themes.count() == 6
    assert sizes() == [3, 3]
