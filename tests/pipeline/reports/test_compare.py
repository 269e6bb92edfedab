"""What became of stories from one run to another, on histories made by real runs and real decisions."""

from io import StringIO

import pytest
from rich.console import Console

from pipeline import review
from pipeline.management.printing import print_difference
from pipeline.models import Run, Signature
from pipeline.reports.compare import NotComparable, comparable_run_before, compare_runs, stories_that_lost
from pipeline.review.regroup import plan_regroup, regroup
from tests.pipeline.group.test_lineage import told
from tests.pipeline.review.test_regroup import PAIRS_AS_ONE
from tests.support.factories import RunFactory, alice
from tests.support.seeding import change, finish, first_run, scripts, seed, start

pytestmark = pytest.mark.django_db


def about(problem: int, count: int, first: int = 0) -> list[str]:
    """Return scripts about one problem."""
    return [f"nr {first + n} name=problem_{problem}_fails problem={problem}" for n in range(count)]


def history(before: list[str], after: list[str | None]) -> tuple[Run, Run]:
    """Run over conversations, change or add some, run again; return both runs. None leaves a conversation as it is."""
    first = first_run(before)
    source = first.source
    seed([text for text in after[len(before) :] if text])
    change(source, [*after[: len(before)], *[None] * (len(after) - len(before))])
    return first, finish(start(source))


def became(first: Run, second: Run) -> list[str]:
    return told(list(compare_runs(before=first, after=second).changes))


A, B = about(1, 4), about(2, 4)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (A, [None] * 4, ["same problem_1_fails 4 > problem_1_fails 4"]),
        (A, [*[None] * 4, *about(2, 3)], ["new - > problem_2_fails 3", "same problem_1_fails 4 > problem_1_fails 4"]),
        (A, [*[None] * 4, *about(1, 2, first=4)], ["grown problem_1_fails 4 > problem_1_fails 6"]),
        (A, ["category=spam", None, None, None], ["shrunk problem_1_fails 4 > problem_1_fails 3"]),
        (A, ["category=spam", "category=spam", None, None], ["gone problem_1_fails 4 > -"]),
        (A, about(3, 4, first=9), ["same problem_1_fails 4 > problem_3_fails 4"]),
        (
            [*A, *B],
            [*[None] * 4, *about(1, 4, first=9)],
            ["merged problem_1_fails 4 + problem_2_fails 4 > problem_1_fails 8"],
        ),
        (
            about(1, 8),
            [*[None] * 4, *about(2, 4)],
            ["split problem_1_fails 8 > problem_1_fails 4 + problem_2_fails 4"],
        ),
    ],
)
def test_it_tells_what_became_of_stories_of_one_source(
    before: list[str], after: list[str | None], expected: list[str]
) -> None:
    assert became(*history(before, after)) == expected


def test_stories_of_two_sources_are_linked_by_what_they_mean() -> None:
    first = finish(start(seed([*about(1, 4), *about(2, 3)], name="first")))
    second = finish(start(seed([*about(1, 6, first=10), *about(3, 3)], name="second")))
    assert became(first, second) == [
        "new - > problem_3_fails 3",
        "grown problem_1_fails 4 > problem_1_fails 6",
        "gone problem_2_fails 3 > -",
    ]


def test_a_persons_merge_between_two_runs_is_seen_in_the_second_and_not_in_the_first() -> None:
    first = finish(start(seed([*A, *B], name="first")))
    review.merge_signatures(child=named("problem_2_fails"), parent=named("problem_1_fails"), by=alice())
    second = finish(start(seed([*about(1, 2, first=10), *about(2, 2, first=10)], name="second")))
    merged = ["merged problem_1_fails 4 + problem_2_fails 4 > problem_1_fails 4"]
    assert became(first, second) == merged
    review.undo(decision=named("problem_2_fails").merges.get(undone_at=None), by=alice())
    assert became(first, second) == merged


def test_a_persons_split_between_two_runs_is_seen_in_the_second_and_not_in_the_first() -> None:
    first = first_run(about(1, 8))
    source = first.source
    some = source.conversations.order_by("id").values_list("pk", flat=True)[:4]
    review.split_signature(
        signature=named("problem_1_fails"), conversations=list(some), name="another_problem", by=alice()
    )
    second = finish(start(source))
    assert became(first, second) == ["split problem_1_fails 8 > another_problem 4 + problem_1_fails 4"]
    assert became(first, first) == ["same problem_1_fails 8 > problem_1_fails 8"]


def named(key: str) -> Signature:
    signature: Signature = Signature.objects.get(key=key)
    return signature


def test_a_consolidation_between_two_runs_is_seen_in_the_second_and_not_in_the_first() -> None:
    first = first_run(scripts(2, 4))
    source = first.source
    regroup(plan=plan_regroup(profile="support", rules=PAIRS_AS_ONE), reason="a test")
    second = finish(start(source))
    (line,) = became(first, second)
    assert {kind.split()[0] for kind in became(first, first)} == {"same"}
    assert line.startswith("merged problem_000_fails 4 + problem_001_fails 4 > ")


def test_a_run_of_another_profile_or_one_that_did_not_finish_is_refused() -> None:
    finished = RunFactory()
    with pytest.raises(NotComparable, match="runs with different profiles cannot be compared"):
        compare_runs(before=finished, after=RunFactory(profile="sample"))
    with pytest.raises(NotComparable, match="only finished runs"):
        compare_runs(before=finished, after=RunFactory(state=Run.State.FAILED))


# --- At the end of a run ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_tells_which_stories_lost_conversations_that_were_read_again() -> None:
    first = first_run(scripts(2, 4))
    source = first.source
    assert stories_that_lost(first) == []
    change(source, ["again name=problem_001_fails problem=1", *[None] * 7])
    second = finish(start(source))
    assert [(story.title, count) for story, count in stories_that_lost(second)] == [("Problem 000 fails", 1)]
    told = printed(second)
    assert f"Since run {first.pk} of the same source:" in told
    assert "Problem 000 fails lost 1 conversation that was read again." in told
    third = finish(start(source, force_refresh=True))
    assert stories_that_lost(third) == []
    assert "2 stories stay the same." in printed(third)


def printed(run: Run) -> str:
    """What `run_pipeline` prints of it at its end."""
    console = Console(file=StringIO(), width=200)
    print_difference(run, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.django_db
def test_a_run_is_compared_with_the_one_before_if_it_saw_as_much() -> None:
    first = first_run(scripts(2, 4))
    source = first.source
    assert comparable_run_before(first) is None
    assert comparable_run_before(finish(start(source, limit=2))) is None
    finish(start(seed(scripts(1, 3), name="other")))
    assert comparable_run_before(finish(start(source))) is not None
