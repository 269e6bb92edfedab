"""Conversations that were imported as classified find the run they belong to, and nothing else of theirs changes."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from threading import Event

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from pipeline.models import Conversation, Item, Run, Source
from pipeline.runs import backfill as module
from pipeline.runs.backfill import backfill_runs
from pipeline.runs.reopen import reopen
from tests.support.factories import NOON, ConversationFactory, RunFactory, SourceFactory
from tests.support.seeding import finish, scripts, seed, start
from tests.support.waiting import until

HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return NOON + hours * HOUR


def a_run(source: Source, start: float | None, end: float | None, **columns: object) -> Run:
    """Return a run from hour `start` to hour `end` after noon; without an end it lives, without a start it failed."""
    state = columns.pop("state", "completed" if end is not None else "running")
    planned = {} if start is not None else {"phase": "plan"}
    moments = {"started_at": None if start is None else at(start), "finished_at": None if end is None else at(end)}
    run: Run = RunFactory(source=source, state=state, heartbeat_at=NOON, **moments, **planned, **columns)
    Run.objects.filter(pk=run.pk).update(created_at=at(start or 0))
    return run


def classified(source: Source, hours: float | None, **columns: object) -> Conversation:
    conversation: Conversation = ConversationFactory(
        source=source, text="Sync is broken", classified_at=None if hours is None else at(hours), **columns
    )
    return conversation


def run_of(conversation: Conversation) -> Run | None:
    conversation.refresh_from_db()
    return conversation.first_run


@pytest.fixture
def source(db: None) -> Source:
    made: Source = SourceFactory(name="helpdesk")
    return made


# --- Which run ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (-0.001, None),
        (0, "morning"),
        (0.5, "morning"),
        (1, "morning"),
        (1.5, "morning"),  # between two runs: the newest that had started
        (2, "noon"),
        (3, "noon"),
        (3.5, "night"),  # inside of both: the one that started last
        (4.5, "night"),
        (7, "night"),  # after its end no span holds it any more
        (9, "live"),
        (1000, "live"),  # a live run has no end yet
    ],
)
def test_it_takes_the_run_that_was_under_way_else_the_one_before(
    source: Source, hours: float, expected: str | None
) -> None:
    named = {
        "morning": a_run(source, 0, 1),
        "noon": a_run(source, 2, 4),
        "night": a_run(source, 3.5, 6, state="failed"),
        "live": a_run(source, 8, None),
    }
    conversation = classified(source, hours)
    backfill_runs()
    assert run_of(conversation) == (named[expected] if expected else None)


def test_a_run_that_holds_the_moment_goes_before_a_newer_one_that_had_ended(source: Source) -> None:
    holds = a_run(source, 0, 9)
    a_run(source, 2, 3)
    conversation = classified(source, 5)
    backfill_runs()
    assert run_of(conversation) == holds


def test_of_two_runs_that_started_together_it_takes_the_newer(source: Source) -> None:
    a_run(source, 0, 2)
    newer = a_run(source, 0, 2)
    conversation = classified(source, 1)
    backfill_runs()
    assert run_of(conversation) == newer


def test_runs_of_another_source_dry_runs_and_unplanned_runs_do_not_count(source: Source) -> None:
    a_run(SourceFactory(name="elsewhere"), 0, 9)
    a_run(source, 0, 9, is_preview=True)
    a_run(source, None, 9, state="failed")
    conversation = classified(source, 5)
    done = backfill_runs()
    assert run_of(conversation) is None
    assert (done.attached, done.left_count) == (0, 1)


def test_what_is_salvaged_later_keeps_its_span(db: None) -> None:
    read = seed([*scripts(1, 3), "act=raise"])
    for begin, end in ((0, 1), (2, 4)):
        run = finish(start(read, force_refresh=True))
        Run.objects.filter(pk=run.pk).update(
            created_at=at(begin), started_at=at(begin), finished_at=at(end), first_finished_at=at(end)
        )
    during, before, after = (classified(read, hours) for hours in (3, 1.5, 5))
    reopen(run_id=run.pk, phase="group")
    assert finish(Run.objects.get(pk=run.pk)).started_at != at(2)
    backfill_runs()
    assert (run_of(during), run_of(after)) == (run, run)
    assert run_of(before) == Run.objects.earliest("pk")


def test_conversations_of_several_sources_go_each_to_its_own(source: Source) -> None:
    other: Source = SourceFactory(name="elsewhere")
    runs_of = {source: a_run(source, 0, 2), other: a_run(other, 0, 2)}
    both = {origin: classified(origin, 1, external_id="t-1") for origin in runs_of}
    backfill_runs()
    assert {origin: run_of(conversation) for origin, conversation in both.items()} == runs_of


# --- What is left alone -------------------------------------------------------------------------------------------


def test_it_leaves_what_has_a_run_and_what_was_never_classified(source: Source) -> None:
    earlier = a_run(source, 0, 1)
    a_run(source, 4, 6)
    attached, plain = classified(source, 5, first_run=earlier), classified(source, None)
    done = backfill_runs()
    assert (run_of(attached), run_of(plain)) == (earlier, None)
    assert (done.attached, done.left_count) == (0, 0)


def test_it_fills_one_column_and_makes_no_items(source: Source) -> None:
    run = a_run(source, 0, 2)
    conversation = classified(source, 1)
    before = Conversation.objects.values().get(pk=conversation.pk)
    backfill_runs()
    assert Conversation.objects.values().get(pk=conversation.pk) == {**before, "first_run_id": run.pk}
    assert not Item.objects.exists()


def test_doing_it_twice_changes_nothing_more(source: Source) -> None:
    run = a_run(source, 0, 2)
    classified(source, 1)
    assert backfill_runs().by_run == {run.pk: 1}
    a_run(source, 0.5, 2)
    again = backfill_runs()
    assert (again.by_run, again.without_run_before, again.without_run_after) == ({}, 0, 0)
    assert Conversation.objects.get().first_run == run


def test_a_dry_run_says_the_same_and_writes_nothing(source: Source) -> None:
    a_run(source, 0, 2)
    a_run(source, 3, 4)
    for hours in (-1, 1, 3, 3.5):
        classified(source, hours)
    said = backfill_runs(dry_run=True)
    assert not Conversation.objects.filter(first_run__isnull=False).exists()
    assert said == backfill_runs()
    assert (said.without_run_before, said.without_run_after, said.left_count) == (4, 1, 1)


def test_it_lists_what_is_left(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTED", 2)
    for number in range(3):
        classified(source, -1, external_id=f"t-{number}")
    left = backfill_runs()
    assert [one.external_id for one in left.left] == ["t-0", "t-1"]
    assert left.left_count == 3
    assert (left.left[0].source, left.left[0].classified_at) == ("file:helpdesk", "2026-07-15T11:00:00+00:00")


# --- Beside others ------------------------------------------------------------------------------------------------


@contextmanager
def _locked_elsewhere(lock: str, values: list[int]) -> Iterator[Event]:
    """Let another connection run a statement and keep its transaction open until the event is set."""
    holds, let_go = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(lock, values)
                holds.set()
                let_go.wait(240)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(hold)
        assert holds.wait(240)
        try:
            yield let_go
        finally:
            let_go.set()
            done.result(30)


def _waiting_for_locks() -> int:
    """Return how many connections to this database wait for a row that another transaction holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # inside of a transaction it would show the first look again
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def _somebody_waits_for_a_lock() -> bool:
    return _waiting_for_locks() > 0


def _backfill_and_close() -> dict[int, int]:
    try:
        return backfill_runs().by_run
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_what_a_run_takes_meanwhile_keeps_that_run() -> None:
    source = SourceFactory(name="helpdesk")
    earlier, live = a_run(source, 0, 2), a_run(source, 5, None)
    taken, free = classified(source, 1, external_id="t-1"), classified(source, 1, external_id="t-2")
    claim = "UPDATE pipeline_conversation SET first_run_id = %s WHERE id = %s"
    with ThreadPoolExecutor(1) as pool, _locked_elsewhere(claim, [live.pk, taken.pk]) as let_go:
        done = pool.submit(_backfill_and_close)
        until(_somebody_waits_for_a_lock)
        let_go.set()
        assert sum(done.result(30).values()) == 1
    assert (run_of(taken), run_of(free)) == (live, earlier)


def _backfill_beside_an_import() -> int:
    """Let an import hold the first row and then take the last, while a backfill goes; return how many it attached."""
    source = SourceFactory(name="helpdesk")
    a_run(source, 0, 2)
    last = classified(source, 1, external_id="z-last")  # has the lowest id: an order by id would lock it first
    early = classified(source, 1, external_id="a-first")
    lock = "SELECT FROM pipeline_conversation WHERE id = %s FOR NO KEY UPDATE"
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(lock, [early.pk])
            done = pool.submit(_backfill_and_close)
            until(_somebody_waits_for_a_lock)
            cursor.execute(lock, [last.pk])
        return sum(done.result(30).values())


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_an_import_and_neither_is_refused() -> None:
    assert _backfill_beside_an_import() == 2


@pytest.mark.django_db(transaction=True)
def test_in_another_order_of_locks_one_of_the_two_would_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: locks by id, as nobody else takes them."""
    in_order = "ORDER BY conversation.external_id, conversation.source_id"
    monkeypatch.setattr(module, "_ATTACH", module._ATTACH.replace(in_order, "ORDER BY conversation.id"))
    with pytest.raises(OperationalError, match="deadlock detected"):
        _backfill_beside_an_import()


def _two_backfills_at_once() -> int:
    """Return how many conversations two backfills say they attached, of thirty."""
    source = SourceFactory(name="helpdesk")
    a_run(source, 0, 2)
    rows = [classified(source, 1, external_id=f"t-{number:02}") for number in range(30)]
    lock = "SELECT FROM pipeline_conversation WHERE id = %s FOR NO KEY UPDATE"
    with ThreadPoolExecutor(2) as pool, _locked_elsewhere(lock, [rows[-1].pk]) as let_go:
        both = [pool.submit(_backfill_and_close) for _ in range(2)]
        until(lambda: _waiting_for_locks() == 2)
        let_go.set()
        return sum(sum(one.result(30).values()) for one in both)


@pytest.mark.django_db(transaction=True)
def test_two_backfills_at_once_attach_each_conversation_once() -> None:
    assert _two_backfills_at_once() == 30


@pytest.mark.django_db(transaction=True)
def test_without_the_guard_two_backfills_would_attach_conversations_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: no lock before the choice, no second look at the column."""
    unguarded = module._ATTACH.replace("FOR NO KEY UPDATE", "")
    unguarded = unguarded.replace("AND pipeline_conversation.first_run_id IS NULL", "")
    monkeypatch.setattr(module, "_ATTACH", unguarded)
    assert _two_backfills_at_once() > 30


# --- The command --------------------------------------------------------------------------------------------------


def command(*words: str) -> str:
    out = StringIO()
    call_command("backfill_runs", *words, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_counts_before_and_after(source: Source) -> None:
    run = a_run(source, 0, 2)
    for hours in (-1, 1, 1):
        classified(source, hours, external_id=f"t{hours}-{Conversation.objects.count()}")
    assert command("--dry-run").splitlines()[:3] == [
        "Before: 3 of 3 conversations without a run.",
        f"Run {run.pk}: 2 conversations would be attached.",
        "After: 1 of 3 conversations without a run.",
    ]
    assert command().splitlines() == [
        "Before: 3 of 3 conversations without a run.",
        f"Run {run.pk}: 2 conversations attached.",
        "After: 1 of 3 conversations without a run.",
        "1 were classified before the first run of their source and are left unchanged:",
        "  file:helpdesk t-1-0, classified 2026-07-15T11:00:00+00:00",
    ]
    again = json.loads(command("--json"))
    assert (again["by_run"], again["without_run_before"], again["left_count"]) == ({}, 1, 1)
