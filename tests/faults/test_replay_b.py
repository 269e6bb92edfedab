"""An orphan graduates while another run is about to add to it: that group alone is concerned, all others are made."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from rich.console import Console

from pipeline import tasks
from pipeline.advance import advance
from pipeline.group import settle
from pipeline.management.following import follow
from pipeline.models import Orphan, Run, Signature, Story
from tests.faults import broken as faults
from tests.faults.broken import broken
from tests.faults.outcome import stories
from tests.support.seeding import finish, read, salvage, scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import Worker

OTHERS = 5
RARE = "name=rare_thing problem=70"


def _hit(name: str, times: int) -> list[str]:
    return [f"{name} {number} {RARE}" for number in range(times)]


def _an_orphan_waits() -> Orphan:
    finish(start(seed(_hit("first", 2), name="earlier")))
    orphan: Orphan = Orphan.objects.get()
    return orphan


def _merged(texts: list[str], name: str) -> Run:
    """Return a run whose themes have signatures, and nothing is grouped."""
    return finish(start(seed(texts, name=name), no_stories=True))


@contextmanager
def _graduating(orphan: Orphan, run: Run) -> Iterator[Event]:
    """On another connection the orphan has become a story of `run`, which is committed when the event is set."""
    is_held, may_commit = Event(), Event()

    def graduate() -> None:
        try:
            with transaction.atomic():
                settle.settle(profile=run.profile, as_of=run.as_of, roots=[orphan.signature_id], run=run)
                is_held.set()
                assert may_commit.wait(240)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        graduated: Future[None] = pool.submit(graduate)
        assert is_held.wait(240) or graduated.result()
        try:
            yield may_commit
        finally:
            may_commit.set()
        graduated.result()


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_an_orphan_that_graduates_while_a_worker_groups_takes_the_workers_conversation_too(worker: Worker) -> None:
    orphan = _an_orphan_waits()
    other = _merged(_hit("second", 1), name="other")
    run = start(seed([*scripts(problems=OTHERS, each=4), *_hit("third", 1)]))
    with _graduating(orphan, other) as may_commit:
        tasks.dispatch(run=run)
        until(_somebody_waits_for_a_lock)
        assert Story.objects.count() == 0
        may_commit.set()
        ended = follow(run.pk, Console(quiet=True))
    assert (ended.state, ended.attention, ended.error) == ("completed", "", "")
    assert {title: len(conversations) for title, _, _, *conversations in stories()} == {
        **{f"Problem {number:03} fails": 4 for number in range(OTHERS)},
        "Rare thing": 4,
    }
    orphan.refresh_from_db()
    assert (orphan.graduated_at is not None, orphan.story) == (True, Story.objects.get(title="Rare thing"))


def test_a_duplicate_in_exactly_that_group_costs_only_that_group_and_salvage_mends_it(worker: Worker) -> None:
    _an_orphan_waits()
    _another_profile_has_the_title("Rare thing")
    run = start(seed([*scripts(problems=OTHERS, each=4), *_hit("third", 1)]))
    with broken(**faults.one_row_a_title()):
        tasks.dispatch(run=run)
        ended = follow(run.pk, Console(quiet=True))
    assert (ended.state, ended.error.endswith(": rare_thing")) == ("needs_attention", True)
    assert _titles() == {f"Problem {number:03} fails" for number in range(OTHERS)}
    assert Orphan.objects.get().graduated_at is None
    _, stock = salvage(run_id=run.pk)
    assert (stock.phase, stock.to_ask) == ("group", 0)
    mended = follow(run.pk, Console(quiet=True))
    assert (mended.state, mended.attention, mended.error) == ("completed", "", "")
    assert _titles() == {*(f"Problem {number:03} fails" for number in range(OTHERS)), "Rare thing"}
    assert Orphan.objects.get().graduated_at is not None


def _another_profile_has_the_title(title: str) -> None:
    run = Run.objects.get()
    signature = Signature.objects.create(
        profile="sample", key="elsewhere", normal_form="elsewhere", created_at=run.created_at
    )
    Story.objects.create(
        signature=signature, title=title, category="question", created_at=run.created_at, updated_at=run.created_at
    )


def _titles() -> set[str]:
    return set(Story.objects.filter(signature__profile="support").values_list("title", flat=True))


@pytest.mark.parametrize(("is_locked", "state"), [(True, "completed"), (False, "needs_attention")])
def test_what_keeps_two_runs_from_making_one_story_twice_is_the_lock_on_its_signature(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, is_locked: bool, state: str
) -> None:
    """The control: without it neither sees the other's story, and the second is refused by the constraint."""
    orphan = _an_orphan_waits()
    other = _merged(_hit("second", 1), name="other")
    run = start(seed(_hit("third", 1)))
    read(run)
    if not is_locked:
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)
    with _graduating(orphan, other) as may_commit, ThreadPoolExecutor(1) as pool:
        ended = pool.submit(_advance, run)
        until(_somebody_waits_for_a_lock)
        may_commit.set()
        assert ended.result(30).state == state
    assert Story.objects.get().evidence.count() == (4 if is_locked else 3)


def _advance(run: Run) -> Run:
    try:
        return advance(run_id=run.pk)
    finally:
        connection.close()
