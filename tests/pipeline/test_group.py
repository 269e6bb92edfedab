"""Stories and orphans: what the gates ask for, and what later readings, reviews and refusals change."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline import runs
from pipeline.group import Member, Verdict, judge
from pipeline.models import Conversation, Orphan, Run, Source, Story
from pipeline.profiles import Gate
from tests.factories import alice
from tests.seeding import NOW, change, finish, read, scripts, seed, start
from tests.waiting import refused

DAY = timedelta(days=1)
GATE = Gate(min_conversations=3, min_customers=2, recent_days=30, min_confidence=0.5)

# --- The gates ----------------------------------------------------------------------------------------------------


def member(number: int, **columns: Any) -> Member:
    """Return a member that passes every gate: a conversation, and a customer, of its own."""
    healthy = Member(
        theme_id=number,
        conversation_id=number,
        customer=f"customer-{number}",
        occurred_at=NOW,
        category="product_issue",
        summary="It fails.",
        confidence=0.9,
        score=0.9,
        has_evidence=True,
    )
    return replace(healthy, **columns)


def members(*columns: dict[str, Any]) -> list[Member]:
    """Return a member for each dict of what is special about it."""
    return [member(number, **special) for number, special in enumerate(columns)]


@pytest.mark.parametrize(
    ("group", "reason", "detail"),
    [
        (members({}, {}, {}), "", ""),
        (members({}, {}), "too_few", "needs 1 more conversation"),
        (members({}), "too_few", "needs 2 more conversations"),
        (members({}, {}, {"conversation_id": 0}), "too_few", "needs 1 more conversation"),
        (members({"customer": "a"}, {"customer": "a"}, {"customer": "a"}), "too_few", "needs 1 more customer"),
        (members({"customer": "a"}, {"customer": "a"}, {"customer": "b"}), "", ""),
        (members({"customer": ""}, {"customer": ""}, {"customer": ""}), "", ""),
        (members({}, {}, {"has_evidence": False}), "no_evidence", "needs 1 more verified quote"),
        (members({}, {}, {"has_evidence": False}, {}), "", ""),
        (members({}, {}, {"confidence": 0.49}), "low_confidence", "needs 1 more clear conversation"),
        (members({}, {}, {"confidence": 0.5}), "", ""),
        (
            members({"confidence": 0.1}, {"has_evidence": False}, {}),
            "no_evidence",
            "needs 1 more verified quote",
        ),
        (
            members({}, {}, {}, {"has_evidence": False}, {"confidence": 0.1}),
            "",
            "",
        ),
        (
            members({"has_evidence": False}, {"confidence": 0.1}, {}, {}),
            "low_confidence",
            "needs 1 more clear conversation",
        ),
        (members(*[{"occurred_at": NOW - 30 * DAY}] * 3), "", ""),
        (
            members(*[{"occurred_at": NOW - 31 * DAY}] * 3),
            "not_recent",
            "last seen 2026-10-01, more than 30 days before 2026-11-01",
        ),
        (members({"occurred_at": NOW - 99 * DAY}, {"occurred_at": NOW - 99 * DAY}, {}), "", ""),
        (members(*[{"occurred_at": NOW - 99 * DAY}] * 2), "too_few", "needs 1 more conversation"),
    ],
)
def test_the_first_gate_that_fails_speaks(group: list[Member], reason: str, detail: str) -> None:
    assert judge(group, GATE, NOW) == Verdict(reason, detail)


@pytest.mark.parametrize(("days", "as_of"), [(None, NOW), (30, None)])
def test_without_days_or_a_date_to_count_from_nothing_is_too_old(days: int | None, as_of: datetime | None) -> None:
    old = members(*[{"occurred_at": NOW - 999 * DAY}] * 3)
    assert judge(old, replace(GATE, recent_days=days), as_of) == Verdict()


# --- Later readings -----------------------------------------------------------------------------------------------


def story_of(problem: int) -> Story:
    """Return the one story of the scripts' problem."""
    return Story.objects.get(title=f"Problem {problem:03} fails")


def conversations_of(story: Story) -> set[str]:
    return set(story.evidence.values_list("conversation__external_id", flat=True))


@pytest.mark.django_db
def test_a_story_loses_what_a_newer_reading_took_away_and_the_right_one_gets_it() -> None:
    source = seed(scripts(2, 4))
    finish(start(source))
    change(source, ["again name=problem_001_fails problem=1", *[None] * 7])
    assert finish(start(source)).state == "completed"
    assert conversations_of(story_of(0)) == {"test-2", "test-4", "test-6"}
    assert conversations_of(story_of(1)) == {"test-0", "test-1", "test-3", "test-5", "test-7"}


@pytest.mark.django_db
def test_a_story_loses_a_conversation_that_now_says_nothing() -> None:
    source = seed(scripts(2, 4))
    finish(start(source))
    change(source, ["category=spam", *[None] * 7])
    finish(start(source))
    assert conversations_of(story_of(0)) == {"test-2", "test-4", "test-6"}


@pytest.mark.django_db
def test_a_story_shows_the_newest_reading_of_a_conversation() -> None:
    source = seed(scripts(2, 4))
    finish(start(source))
    change(source, ["again name=problem_000_fails problem=0", *[None] * 7])
    newer = finish(start(source))
    row = story_of(0).evidence.get(conversation__external_id="test-0")
    assert row.theme == newer.themes.get()
    assert story_of(0).evidence.count() == 4


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["done", "dismissed"])
def test_a_story_that_people_closed_keeps_what_it_had(status: str) -> None:
    source = seed(scripts(2, 4))
    finish(start(source))
    Story.objects.filter(pk=story_of(0).pk).update(status=status, reviewed_at=NOW + 2 * DAY)
    change(source, ["again name=problem_001_fails problem=1", *[None] * 7])
    assert finish(start(source)).state == "completed"
    assert story_of(0).evidence.count() == 4
    assert story_of(1).evidence.count() == 5


@pytest.mark.django_db
def test_an_orphan_that_no_conversation_means_any_more_is_forgotten() -> None:
    source = seed(["name=rare problem=50"])
    finish(start(source))
    assert Orphan.objects.get().signature.key == "rare"
    change(source, ["category=spam"])
    finish(start(source))
    assert not Orphan.objects.exists()


@pytest.mark.django_db
def test_a_dismissed_orphan_that_no_conversation_means_any_more_is_kept() -> None:
    source = seed(["name=rare problem=50"])
    finish(start(source))
    Orphan.objects.update(dismissed_at=NOW, dismissed_by=alice())
    change(source, ["category=spam"])
    finish(start(source))
    assert Orphan.objects.get().dismissed_at == NOW


# --- Problems that come back --------------------------------------------------------------------------------------


def later(problem: int, count: int, day: int) -> Source:
    """Store conversations about the problem that began so many days after the first ones."""
    source = seed([f"day {day} nr {n} name=problem_{problem:03}_fails problem={problem}" for n in range(count)])
    newest = Conversation.objects.order_by("-id").values("pk")[:count]
    Conversation.objects.filter(pk__in=newest).update(occurred_at=NOW + day * DAY)
    return source


def done_on(story: Story, day: int) -> None:
    Story.objects.filter(pk=story.pk).update(status="done", reviewed_at=NOW + day * DAY)


@pytest.mark.django_db
def test_a_problem_that_comes_back_waits_until_the_new_conversations_alone_pass_the_gates() -> None:
    finish(start(seed(scripts(2, 4))))
    done = story_of(0)
    done_on(done, 1)
    finish(start(later(0, 1, day=2)))
    assert done.recurrences.count() == 0
    assert Orphan.objects.get().detail == "needs 2 more conversations"
    run = finish(start(later(0, 2, day=3)))
    assert run.state == "completed"
    back = done.recurrences.get()
    assert (conversations_of(back), back.status) == ({"test-8", "test-9", "test-10"}, "candidate")
    assert conversations_of(done) == {"test-0", "test-2", "test-4", "test-6"}
    assert Orphan.objects.get().story == back


@pytest.mark.django_db
def test_a_story_that_came_back_never_takes_in_what_the_done_one_has() -> None:
    finish(start(seed(scripts(2, 4))))
    done = story_of(0)
    done_on(done, 1)
    finish(start(later(0, 3, day=2)))
    back = done.recurrences.get()
    done_on(done, 9)  # somebody touches the old one again
    assert finish(start(later(0, 1, day=3))).state == "completed"
    assert conversations_of(back) == {"test-8", "test-9", "test-10", "test-11"}
    assert done.evidence.count() == 4
    assert not Orphan.objects.filter(graduated_at=None).exists()


@pytest.mark.django_db
def test_a_done_story_collects_what_is_older_than_its_end() -> None:
    finish(start(seed(scripts(2, 4))))
    done = story_of(0)
    done_on(done, 5)
    assert finish(start(later(0, 3, day=2))).state == "completed"
    assert (done.evidence.count(), done.recurrences.count(), Orphan.objects.count()) == (7, 0, 0)


# --- What people dismissed ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_dismissed_orphan_collects_and_makes_no_story() -> None:
    finish(start(seed([*scripts(2, 4), "nr 1 name=rare problem=50"])))
    Orphan.objects.update(dismissed_at=NOW, dismissed_by=alice())
    run = finish(start(seed([f"later {n} name=rare problem=50" for n in range(4)])))
    orphan = Orphan.objects.get()
    assert (run.state, orphan.dismissed_at, orphan.graduated_at) == ("completed", NOW, None)
    assert Story.objects.count() == 2


@pytest.mark.django_db
def test_a_dismissed_story_collects_and_stays_dismissed() -> None:
    finish(start(seed(scripts(2, 4))))
    dismissed = story_of(0)
    Story.objects.filter(pk=dismissed.pk).update(status="dismissed", reviewed_at=NOW)
    assert finish(start(later(0, 3, day=2))).state == "completed"
    dismissed.refresh_from_db()
    assert (dismissed.status, dismissed.evidence.count()) == ("dismissed", 7)
    assert (Story.objects.count(), Orphan.objects.count()) == (2, 0)


# --- Refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_signature_whose_evidence_is_refused_is_named_and_the_others_are_settled() -> None:
    source = seed(scripts(3, 4))
    bad = source.conversations.get(external_id="test-1")
    with refused("pipeline_storyevidence", unless=f"conversation_id <> {bad.pk}"):
        run = finish(start(source))
    assert run.state == "needs_attention"
    assert run.error == "could not be made stories or orphans, see the worker's log: problem_001_fails"
    assert run.attention.startswith("4 themes are in no story and no orphan")
    assert {story.title for story in Story.objects.all()} == {"Problem 000 fails", "Problem 002 fails"}


@pytest.mark.django_db(transaction=True)
def test_a_story_that_cannot_grow_needs_attention_though_it_stands() -> None:
    finish(start(seed(scripts(3, 4))))
    with refused("pipeline_storyevidence", unless="id < 0"):
        run = finish(start(seed(["later name=problem_001_fails problem=1"])))
    assert (run.state, run.error.split()[-1]) == ("needs_attention", "problem_001_fails")
    assert finish(runs.reopen(run_id=run.pk, phase="group")).state == "completed"
    assert story_of(1).evidence.count() == 5


# --- Two runs at once ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_two_runs_of_two_sources_that_group_at_once_count_each_others_themes() -> None:
    rare = [f"nr {n} name=rare problem=50" for n in range(2)]
    pair = [start(seed([*scripts(4, 5), *rare], name=name)) for name in ("first", "second")]
    for run in pair:
        read(run)
    for phase in ("group", "finish", "done"):
        for run in pair:
            advance_to(run, phase)
    assert {run.state for run in pair} == {"completed"}
    story = Story.objects.get(title="Rare")
    assert story.evidence.count() == 4
    assert {story.evidence.count() for story in Story.objects.exclude(pk=story.pk)} == {10}
    assert not Orphan.objects.filter(graduated_at=None).exists()


def advance_to(run: Run, phase: str) -> None:
    """Take the run step by step to a phase and no farther."""
    while run.phase != phase:
        step = runs._next_step(run)
        assert step is not None
        assert step(run)
        run.refresh_from_db()


@pytest.mark.django_db
def test_themes_of_a_run_that_still_merges_do_not_count() -> None:
    early = start(seed([f"nr {n} name=rare problem=50" for n in range(2)], name="first"))
    read(early)
    run = finish(start(seed(["nr 3 name=rare problem=50"], name="second")))
    assert (run.state, Orphan.objects.get().detail) == ("completed", "needs 2 more conversations")
    assert finish(early).state == "completed"
    assert Story.objects.get().evidence.count() == 3
