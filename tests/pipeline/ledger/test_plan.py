"""What a run will read, and in which chunks."""

from datetime import timedelta
from typing import Any

import pytest

from pipeline.extract.versions import versions
from pipeline.ledger.plan import chunk_size, count_planned
from pipeline.models import Item, Run, Source
from pipeline.runs.create import Selection
from tests.fakes.scripted import ScriptedExtractor
from tests.support.seeding import NOW, change, finish, scripts, seed, start

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def planned(run: Run, **columns: object) -> list[str]:
    """Return the ids of the run's conversations, in the order of their items."""
    return list(run.items.filter(**columns).order_by("id").values_list("conversation__external_id", flat=True))


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ({}, ["test-0", "test-1", "test-2", "test-3", "test-4", "test-5"]),
        ({"since": NOW + 2 * MINUTE}, ["test-2", "test-3", "test-4", "test-5"]),
        ({"until": NOW + 2 * MINUTE}, ["test-0", "test-1"]),
        ({"since": NOW + 2 * MINUTE, "until": NOW + 4 * MINUTE}, ["test-2", "test-3"]),
        ({"since": NOW + 4 * MINUTE, "until": NOW + 2 * MINUTE}, []),
        ({"limit": 2}, ["test-4", "test-5"]),
        ({"limit": 100}, ["test-0", "test-1", "test-2", "test-3", "test-4", "test-5"]),
        ({"limit": 2, "until": NOW + 4 * MINUTE}, ["test-2", "test-3"]),
    ],
)
def test_it_plans_the_window_oldest_first_and_of_a_limit_the_newest(window: dict[str, Any], found: list[str]) -> None:
    assert planned(start(seed(scripts(2, 3)), **window)) == found


def test_of_conversations_of_one_moment_a_limit_takes_those_stored_last() -> None:
    source = seed(scripts(2, 3))
    source.conversations.update(occurred_at=NOW)
    assert planned(start(source, limit=2)) == ["test-4", "test-5"]


def test_it_reads_each_conversation_as_it_stands_and_knows_where_it_was_first_read() -> None:
    source = seed(scripts(1, 2))
    first = finish(start(source))
    change(source, [None, "name=something_else problem=9"])
    second = start(source)
    assert set(source.conversations.values_list("first_run", flat=True)) == {first.pk}
    assert all(item.version_id == item.conversation.current_version_id for item in second.items.all())


def test_it_leaves_other_sources_and_conversations_without_a_text_alone() -> None:
    seed(scripts(1, 3), name="other")
    source = seed(scripts(1, 3))
    source.conversations.filter(external_id="test-1").update(current_version=None)
    assert planned(start(source)) == ["test-0", "test-2"]


# --- Skipping -----------------------------------------------------------------------------------------------------


def test_it_skips_what_a_finished_run_read_alike_and_reads_what_changed() -> None:
    source = seed([*scripts(2, 2), "category=spam"])
    finish(start(source))
    change(source, [None, "name=something_else problem=9", None, None, None])
    run = start(source)
    assert planned(run, state="pending") == ["test-1"]
    skipped = run.items.filter(state="skipped")
    assert list(skipped.values_list("reason", "chunk")) == [("unchanged", 0)] * 4


def test_it_reads_again_what_failed() -> None:
    source = seed([*scripts(2, 2), "act=raise"])
    finish(start(source))
    assert planned(start(source), state="pending") == ["test-4"]


def test_it_reads_everything_again_when_told_to() -> None:
    source = seed(scripts(2, 2))
    finish(start(source))
    assert len(planned(start(source, force_refresh=True), state="pending")) == 4


@pytest.mark.parametrize("state", ["stopped", "failed", "lost"])
def test_it_reads_again_what_only_an_unfinished_run_read(state: str) -> None:
    source = seed(scripts(2, 2))
    finish(start(source))
    Run.objects.update(state=state, first_finished_at=None)
    assert len(planned(start(source), state="pending")) == 4


def test_it_reads_again_what_another_version_of_the_reader_read(monkeypatch: pytest.MonkeyPatch) -> None:
    source = seed(scripts(2, 2))
    finish(start(source))
    monkeypatch.setattr(ScriptedExtractor, "version", "scripted-2")
    assert len(planned(start(source), state="pending")) == 4


def test_other_rules_for_names_are_no_reason_to_read_again() -> None:
    source = seed(scripts(2, 2))
    run = finish(start(source))
    Run.objects.update(versions={**run.versions, "rules": "of long ago"})
    assert planned(start(source), state="pending") == []


def test_a_limit_counts_the_newest_whether_they_changed_or_not() -> None:
    source = seed(scripts(2, 3))
    finish(start(source))
    change(source, ["name=other problem=9", None, None, None, None, "name=other problem=9"])
    run = start(source, limit=3)
    assert (planned(run), planned(run, state="pending")) == (["test-3", "test-4", "test-5"], ["test-5"])


def test_counting_says_what_planning_does_and_writes_nothing() -> None:
    source = seed(scripts(2, 3))
    finish(start(source))
    change(source, ["name=other problem=9", *[None] * 5])
    run, items = _unsaved(source), Item.objects.count()
    found = count_planned(run=run, window=Selection(limit=6))
    assert (found.to_read, found.unchanged, Item.objects.count()) == (1, 5, items)


def _unsaved(source: Source) -> Run:
    return Run(source=source, profile="support", versions=versions("support", "scripted"))


# --- Chunks -------------------------------------------------------------------------------------------------------


def test_chunks_are_numbered_from_nought_over_what_is_read_and_skips_take_no_place() -> None:
    source = seed(scripts(1, 4))
    finish(start(source))
    seed([f"name=new problem={n}" for n in range(5)])
    run = start(source, chunk_size=2)
    assert list(run.items.filter(state="pending").values_list("chunk", flat=True)) == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("to_read", "selection", "size"),
    [
        (0, {"concurrency": 2}, 1),
        (1, {"concurrency": 2}, 1),
        (8, {"concurrency": 2}, 1),
        (9, {"concurrency": 2}, 2),
        (160, {"concurrency": 1}, 40),
        (200, {"concurrency": 1}, 50),
        (201, {"concurrency": 1}, 50),
        (100_000, {"concurrency": 20}, 50),
        (10, {"concurrency": 20}, 1),
        (10, {"concurrency": 20, "chunk_size": 500}, 500),
        (10, {"chunk_size": 1}, 1),
    ],
)
def test_a_chunk_gives_each_reader_a_few_of_at_most_fifty(to_read: int, selection: dict[str, Any], size: int) -> None:
    assert chunk_size(to_read, Selection(**selection)) == size


def test_without_a_concurrency_each_processor_gets_a_few_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert chunk_size(160, Selection()) == 10
