"""A run that does not reconcile cannot become completed: broken between two phases, it says what is missing."""

from collections.abc import Callable

import pytest

from pipeline.advance import _next_step, advance
from pipeline.models import Item, Merge, Orphan, Run, Story, StoryEvidence
from pipeline.runs.reopen import reopen
from tests.support.scenes import made_once
from tests.support.seeding import read, scripts, seed, start

pytestmark = pytest.mark.django_db

TEXTS = [
    *scripts(3, 4),
    *(f"stale {number} name=calendar_is_stale problem=1" for number in range(2)),
    *scripts(1, 2, name="rare_thing", problem=40),
    "category=spam",
]


@made_once
def brought_to(phase: str, **selection: bool) -> Run:
    """Return a run of 17 conversations just before a phase: 16 with a theme in three stories and an orphan."""
    run = start(seed(TEXTS), **selection)  # type: ignore[arg-type]
    read(run)
    while run.phase != phase:
        step = _next_step(run)
        assert step is not None
        assert step(run)
        run.refresh_from_db()
    return run


def lose_evidence(run: Run) -> None:
    StoryEvidence.objects.filter(pk__in=StoryEvidence.objects.order_by("id").values("pk")[:2]).delete()


def lose_an_orphan(run: Run) -> None:
    assert Orphan.objects.all().delete()[0] == 1


def lose_a_story(run: Run) -> None:
    Story.objects.earliest("id").delete()


def lose_a_merge(run: Run) -> None:
    assert Merge.objects.all().delete()[0] == 1


def lose_a_signature(run: Run) -> None:
    run.themes.filter(pk__in=run.themes.values("pk")[:3]).update(signature=None)


def lose_an_item(run: Run) -> None:
    run.items.filter(state=Item.State.EXTRACTED).earliest("id").delete()


def lose_a_filtered_item(run: Run) -> None:
    run.items.get(state=Item.State.FILTERED).delete()


def lose_a_theme(run: Run) -> None:
    run.themes.earliest("id").delete()


def unfinish_an_item(run: Run) -> None:
    run.items.filter(state=Item.State.FILTERED).update(state=Item.State.READING, finished_at=None)


def test_what_nobody_broke_completes() -> None:
    run = advance(run_id=brought_to("finish").pk)
    assert (run.state, run.attention, run.planned_count) == ("completed", "", 17)
    assert (Story.objects.count(), Orphan.objects.count(), Merge.objects.count()) == (3, 1, 1)


@pytest.mark.parametrize(
    ("phase", "lose", "attention"),
    [
        ("finish", lose_evidence, "2 themes are in no story and no orphan"),
        ("finish", lose_an_orphan, "2 themes are in no story and no orphan"),
        ("finish", lose_a_story, "4 themes are in no story and no orphan"),
        ("finish", lose_a_merge, " themes are in no story and no orphan"),
        ("finish", lose_a_signature, "3 themes are in no story and no orphan"),
        ("group", lose_a_signature, "3 themes are in no story and no orphan"),
        ("finish", lose_an_item, "17 conversations were planned, but 16 ended"),
        ("group", lose_an_item, "17 conversations were planned, but 16 ended"),
        ("merge", lose_an_item, "17 conversations were planned, but 16 ended"),
        ("extract", lose_an_item, "17 conversations were planned, but 16 ended"),
        ("finish", lose_a_filtered_item, "17 conversations were planned, but 16 ended"),
        ("finish", lose_a_theme, "1 of 16 extracted conversations are missing their theme"),
        ("merge", lose_a_theme, "1 of 16 extracted conversations are missing their theme"),
        ("finish", unfinish_an_item, "17 conversations were planned, but 16 ended"),
        ("group", unfinish_an_item, "17 conversations were planned, but 16 ended"),
    ],
)
def test_a_run_that_lost_something_needs_attention_and_says_how_much(
    phase: str, lose: Callable[[Run], None], attention: str
) -> None:
    run = brought_to(phase)
    lose(run)
    ended = advance(run_id=run.pk)
    assert (ended.state, ended.phase) == ("needs_attention", "done")
    assert attention in ended.attention


@pytest.mark.parametrize(
    ("lose", "attention"),
    [
        (lose_a_signature, "3 themes are in no story and no orphan"),
        (lose_an_item, "17 conversations were planned, but 16 ended"),
        (lose_a_theme, "1 of 16 extracted conversations are missing their theme"),
    ],
)
def test_a_run_without_stories_must_reconcile_as_well(lose: Callable[[Run], None], attention: str) -> None:
    run = brought_to("finish", no_stories=True)
    lose(run)
    ended = advance(run_id=run.pk)
    assert ended.state == "needs_attention"
    assert attention in ended.attention


@pytest.mark.parametrize("lose", [lose_evidence, lose_an_orphan, lose_a_story, lose_a_merge])
def test_what_grouping_makes_is_made_again_by_going_back_to_it(lose: Callable[[Run], None]) -> None:
    run = brought_to("finish")
    lose(run)
    assert advance(run_id=run.pk).state == "needs_attention"
    reopen(run_id=run.pk, phase="group")
    assert advance(run_id=run.pk).state == "completed"
