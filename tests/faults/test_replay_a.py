"""The founding incident, replayed: everything is read and paid for, and then the write of the results fails.

1,440 conversations, twenty processes, every problem's name spelled in four ways. Whatever is broken in the database,
the answers are kept, the run says that it failed, and after the repair `salvage` ends it without one more question.
The suite breaks one thing with all conversations and the others with a tenth; with `-m slow` each is broken with all.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from rich.console import Console

from pipeline import tasks
from pipeline.group import settle
from pipeline.group.conservation import homes_of_themes
from pipeline.management.following import follow
from pipeline.management.printing import exit_code
from pipeline.models import Call, Item, Orphan, Run, Signature, Story, Theme
from tests.faults import broken as faults
from tests.faults.broken import broken
from tests.faults.outcome import Outcome, asked, outcome_of
from tests.support.rows import delete_rows
from tests.support.seeding import NOW, finish, read, salvage, scripts, seed, start, twins
from tests.support.workers import Worker

PROBLEMS, PROCESSES = 36, 20
ALL, A_TENTH = 40, 4
"""Conversations a problem."""

NO_THEME_IS_STORED = {
    "constraint": faults.new_constraint("pipeline_theme", must_hold="confidence < 0"),
    "not null": faults.column_that_nobody_writes("pipeline_theme"),
    "wrong type": faults.other_type("pipeline_theme", "category", now="integer", before="varchar(50)"),
}


@pytest.fixture(scope="module", autouse=True)
def log(tmp_path_factory: pytest.TempPathFactory, _workers_end_with_the_tests: None) -> Iterator[Path]:
    """The file of the questions of twenty processes, which serve the tests of this module."""
    Worker.end_all()
    yield tmp_path_factory.mktemp("asked") / "asked"
    Worker.end_all()


@pytest.fixture
def twenty(transactional_db: None, log: Path) -> Worker:
    if not Worker.running:
        Worker(concurrency=PROCESSES, SCRIPTED_LOG=str(log)).wait_until_ready()
    return Worker.running[0]


@functools.cache
def undisturbed(each: int) -> Outcome:
    """What comes of these conversations when nothing is broken, read in one process; the database is empty after."""
    outcome = outcome_of(finish(start(seed(texts(each)), chunk_size=50)))
    delete_rows()
    return outcome


def texts(each: int) -> list[str]:
    return twins(problems=PROBLEMS, each=each)


def to_its_end(run: Run) -> Run:
    return follow(run.pk, Console(quiet=True))


@pytest.mark.parametrize(
    ("fault", "each"),
    [
        ("constraint", A_TENTH),
        ("wrong type", A_TENTH),
        pytest.param("constraint", ALL, marks=pytest.mark.slow),
        pytest.param("not null", ALL, marks=pytest.mark.slow),
        pytest.param("wrong type", ALL, marks=pytest.mark.slow),
    ],
)
def test_when_no_theme_can_be_stored_every_answer_is_kept_and_salvage_asks_nothing(
    twenty: Worker, log: Path, fault: str, each: int
) -> None:
    expected, count = undisturbed(each), PROBLEMS * each
    log.write_text("")
    with broken(**NO_THEME_IS_STORED[fault]):
        run = start(seed(texts(each)), chunk_size=24)
        tasks.dispatch(run=run)
        ended = to_its_end(run)
    assert (ended.state, exit_code(ended)) == ("needs_attention", 3)
    assert ended.attention.startswith(
        f"none of {count} conversations produced a theme: {count} failed: could not store: "
    )
    assert (Call.objects.count(), Theme.objects.count()) == (count, 0)
    assert set(run.items.values_list("state", "stage")) == {(Item.State.FAILED, Item.Stage.STORE)}
    _check_that_salvage_mends_it(run, expected, log)


@pytest.mark.parametrize("each", [A_TENTH, pytest.param(ALL, marks=pytest.mark.slow)])
def test_when_the_merge_cannot_write_the_run_fails_in_that_phase_and_salvage_asks_nothing(
    twenty: Worker, log: Path, each: int
) -> None:
    expected, count = undisturbed(each), PROBLEMS * each
    log.write_text("")
    with broken(**faults.refusing_trigger("pipeline_theme", on="UPDATE OF signature_id")):
        run = start(seed(texts(each)), chunk_size=24)
        tasks.dispatch(run=run)
        ended = to_its_end(run)
    assert (ended.state, ended.phase, exit_code(ended)) == ("failed", "merge", 1)
    assert "broken on purpose" in ended.error
    assert (Call.objects.count(), Theme.objects.count(), Signature.objects.count()) == (count, count, 0)
    _check_that_salvage_mends_it(run, expected, log)


def _check_that_salvage_mends_it(run: Run, expected: Outcome, log: Path) -> None:
    """Not one question more than one for each conversation, over all processes."""
    assert set(asked(log).values()) == {1}
    _, stock = salvage(run_id=run.pk)
    assert stock.to_ask == 0
    ended = to_its_end(run)
    assert outcome_of(ended) == expected
    assert asked(log).total() == Call.objects.count() == len(expected.items)


# --- One row that is refused --------------------------------------------------------------------------------------


def _with_a_story_of_the_same_title() -> Run:
    """Return a run whose conversations are read; a story of another profile has the title of one of its own."""
    Story.objects.create(
        signature=Signature.objects.create(
            profile="sample", key="problem_007_fails", normal_form="problem 007 fail", created_at=NOW
        ),
        title="Problem 007 fails", category="product_issue", created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    run = start(seed(scripts(problems=8, each=3)))
    read(run)
    return run


def _titles() -> set[str]:
    return set(Story.objects.filter(signature__profile="support").values_list("title", flat=True))


def test_one_duplicate_row_costs_its_own_group_and_no_other(transactional_db: None) -> None:
    run = _with_a_story_of_the_same_title()
    with broken(**faults.one_row_a_title()):
        run = finish(run)
    assert _titles() == {f"Problem {number:03} fails" for number in range(7)}
    assert run.state == "needs_attention"
    assert "problem_007_fails" in run.error
    assert run.attention.startswith("3 themes are in no story and no orphan")


def test_in_a_shared_transaction_one_duplicate_row_would_cost_all(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: 593 themes gave 0 stories that way."""

    def settle_together(run: Run, roots: list[int]) -> list[int]:
        with transaction.atomic():
            settle.settle(profile=run.profile, as_of=run.as_of, roots=roots, run=run)
        return []

    run = _with_a_story_of_the_same_title()
    monkeypatch.setattr(settle, "_settle_all", settle_together)
    with broken(**faults.one_row_a_title()):
        run = finish(run)
    assert (run.state, _titles(), Orphan.objects.count()) == ("failed", set(), 0)
    assert homes_of_themes(run).missed == 24


# --- What counts as trouble of the row ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "now", "before"),
    [
        ("category", "integer", "varchar(50)"),
        ("confidence", "real", "double precision"),
        ("summary", "jsonb", "text"),
        ("vector_model", "uuid", "varchar(100)"),
        ("raw_key", "boolean", "varchar(200)"),
    ],
)
def test_a_column_of_a_wrong_type_never_looks_like_a_server_that_is_away(
    transactional_db: None, column: str, now: str, before: str
) -> None:
    """Else the task would be tried again for ever, and the run would never end."""
    run = start(seed(scripts(problems=2, each=3)))
    with broken(**faults.other_type("pipeline_theme", column, now=now, before=before)):
        run = finish(run)
    assert run.state == "needs_attention"
    assert set(run.items.values_list("state", "stage")) == {(Item.State.FAILED, Item.Stage.STORE)}
    assert Call.objects.count() == 6
