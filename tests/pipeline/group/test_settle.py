"""Stories and orphans: what later readings, reviews and refusals change, and which story an orphan is near to."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import count

import numpy as np
import pytest
from pytest_django import DjangoAssertNumQueries

from pipeline.advance import _next_step
from pipeline.group import settle
from pipeline.models import Conversation, Orphan, Run, Source, Story
from pipeline.review.triage import set_status
from pipeline.runs.reopen import reopen
from tests.fakes import scripted
from tests.fakes.scripted import vector_of
from tests.support.factories import alice
from tests.support.seeding import NOW, change, finish, first_run, read, scripts, seed, start
from tests.support.waiting import refused

DAY = timedelta(days=1)

# --- Later readings -----------------------------------------------------------------------------------------------


def story_of(problem: int) -> Story:
    """Return the one story of the scripts' problem."""
    return Story.objects.get(title=f"Problem {problem:03} fails")


def conversations_of(story: Story) -> set[str]:
    return set(story.evidence.values_list("conversation__external_id", flat=True))


@pytest.mark.django_db
def test_a_story_loses_what_a_newer_reading_took_away_and_the_right_one_gets_it() -> None:
    source = first_run(scripts(2, 4)).source
    change(source, ["again name=problem_001_fails problem=1", *[None] * 7])
    assert finish(start(source)).state == "completed"
    assert conversations_of(story_of(0)) == {"test-2", "test-4", "test-6"}
    assert conversations_of(story_of(1)) == {"test-0", "test-1", "test-3", "test-5", "test-7"}


@pytest.mark.django_db
def test_a_story_loses_a_conversation_that_now_says_nothing() -> None:
    source = first_run(scripts(2, 4)).source
    change(source, ["category=spam", *[None] * 7])
    finish(start(source))
    assert conversations_of(story_of(0)) == {"test-2", "test-4", "test-6"}


@pytest.mark.django_db
def test_a_story_shows_the_newest_reading_of_a_conversation() -> None:
    source = first_run(scripts(2, 4)).source
    change(source, ["again name=problem_000_fails problem=0", *[None] * 7])
    newer = finish(start(source))
    row = story_of(0).evidence.get(conversation__external_id="test-0")
    assert row.theme == newer.themes.get()
    assert story_of(0).evidence.count() == 4


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["done", "dismissed"])
def test_a_story_that_people_closed_keeps_what_it_had(status: str) -> None:
    source = first_run(scripts(2, 4)).source
    Story.objects.filter(pk=story_of(0).pk).update(status=status, reviewed_at=NOW + 2 * DAY)
    change(source, ["again name=problem_001_fails problem=1", *[None] * 7])
    assert finish(start(source)).state == "completed"
    assert story_of(0).evidence.count() == 4
    assert story_of(1).evidence.count() == 5


@pytest.mark.django_db
def test_an_orphan_that_no_conversation_means_any_more_is_forgotten() -> None:
    source = first_run(["name=rare problem=50"]).source
    assert Orphan.objects.get().signature.key == "rare"
    change(source, ["category=spam"])
    finish(start(source))
    assert not Orphan.objects.exists()


@pytest.mark.django_db
def test_a_dismissed_orphan_that_no_conversation_means_any_more_is_kept() -> None:
    source = first_run(["name=rare problem=50"]).source
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


def story_done_on(day: int) -> Story:
    """Return the story of problem 0, of four conversations, that people have been done with since that day."""
    finish(start(seed(scripts(2, 4))))
    story = story_of(0)
    done_on(story, day)
    return story


def done_on(story: Story, day: int) -> None:
    Story.objects.filter(pk=story.pk).update(status="done", reviewed_at=NOW + day * DAY)


@pytest.mark.django_db
def test_a_problem_that_comes_back_waits_until_the_new_conversations_alone_pass_the_gates() -> None:
    done = story_done_on(1)
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
    done = story_done_on(1)
    finish(start(later(0, 3, day=2)))
    back = done.recurrences.get()
    done_on(done, 9)  # somebody touches the old one again
    assert finish(start(later(0, 1, day=3))).state == "completed"
    assert conversations_of(back) == {"test-8", "test-9", "test-10", "test-11"}
    assert done.evidence.count() == 4
    assert not Orphan.objects.filter(graduated_at=None).exists()


@pytest.mark.django_db
def test_a_done_story_collects_what_is_older_than_its_end() -> None:
    done = story_done_on(5)
    assert finish(start(later(0, 3, day=2))).state == "completed"
    assert (done.evidence.count(), done.recurrences.count(), Orphan.objects.count()) == (7, 0, 0)


# --- What people dismissed ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_dismissed_orphan_collects_and_makes_no_story() -> None:
    first_run([*scripts(2, 4), "nr 1 name=rare problem=50"])
    Orphan.objects.update(dismissed_at=NOW, dismissed_by=alice())
    run = finish(start(seed([f"later {n} name=rare problem=50" for n in range(4)])))
    orphan = Orphan.objects.get()
    assert (run.state, orphan.dismissed_at, orphan.graduated_at) == ("completed", NOW, None)
    assert Story.objects.count() == 2


@pytest.mark.django_db
def test_a_dismissed_story_collects_and_stays_dismissed() -> None:
    first_run(scripts(2, 4))
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
    assert run.error == "could not be made stories or orphans (see the worker's log): problem_001_fails"
    assert run.attention.startswith("4 themes are in no story and no orphan")
    assert {story.title for story in Story.objects.all()} == {"Problem 000 fails", "Problem 002 fails"}


@pytest.mark.django_db(transaction=True)
def test_a_story_that_cannot_grow_needs_attention_though_it_stands() -> None:
    first_run(scripts(3, 4))
    with refused("pipeline_storyevidence", unless="id < 0"):
        run = finish(start(seed(["later name=problem_001_fails problem=1"])))
    assert (run.state, run.error.split()[-1]) == ("needs_attention", "problem_001_fails")
    assert finish(reopen(run_id=run.pk, phase="group")).state == "completed"
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
        step = _next_step(run)
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


# --- How sure, and how near ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_stories_and_orphans_keep_their_confidence_and_its_parts() -> None:
    first_run([*scripts(2, 4), "name=rare problem=50 confidence=0.5"])
    story, orphan = story_of(0), Orphan.objects.get()
    assert story.confidence_parts["size"] == pytest.approx(1 - 1 / 25)
    assert (story.confidence_parts["evidence"], story.confidence_parts["reader"]) == (1.0, 0.9)
    assert story.confidence == pytest.approx(
        100 * (0.9 * story.confidence_parts["cohesion"]) ** 0.5 * story.confidence_parts["size"], abs=1
    )
    assert orphan.confidence_parts == {"size": 0.75, "cohesion": 1.0, "evidence": 1.0, "reader": 0.5}
    assert orphan.confidence == 53


@pytest.mark.django_db
def test_a_story_that_grows_grows_surer() -> None:
    first_run(scripts(2, 4))
    before = story_of(0).confidence_parts["size"]
    finish(start(later(0, 4, day=2)))
    assert story_of(0).confidence_parts["size"] > before


@pytest.mark.django_db
def test_vague_conversations_make_no_story_until_clear_ones_come() -> None:
    first_run([*scripts(2, 4), *[f"nr {n} name=vague problem=50 confidence=0.1" for n in range(3)]])
    orphan = Orphan.objects.get()
    assert (orphan.reason, orphan.detail) == ("low_confidence", f"confidence {orphan.confidence} of 100, needs 40")
    finish(start(seed([f"clear {n} name=vague problem=50" for n in range(3)])))
    assert Orphan.objects.get().story == Story.objects.get(title="Vague")


@pytest.mark.django_db
def test_an_orphan_knows_the_open_story_nearest_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "BATCH", 2)  # stories that stand in a later batch are seen as well
    between = 0.25 * vector_of(1, "x") + vector_of(50, "y")
    monkeypatch.setattr(scripted, "vector_of", between_two(scripted.vector_of, between))
    finish(start(seed([*scripts(3, 4), "name=aaa_rare problem=50", "name=zzz_far problem=60"])))
    near, far = (Orphan.objects.get(signature__key=key) for key in ("aaa_rare", "zzz_far"))
    assert near.nearest_story == story_of(1)
    assert near.nearest_cosine is not None
    assert far.nearest_cosine is not None
    assert far.nearest_cosine < near.nearest_cosine < 0.5


def between_two(vector: Callable[..., np.ndarray], between: np.ndarray) -> Callable[..., np.ndarray]:
    """Return the fake's vectors, but for problem 50 this one."""
    unit = (between / np.linalg.norm(between)).astype(np.float32)
    return lambda problem, text, noise: unit if problem == 50 else vector(problem, text, noise)


@pytest.mark.django_db
def test_an_orphan_is_near_to_no_story_that_people_closed() -> None:
    first_run(scripts(2, 4))
    Story.objects.update(status="done", reviewed_at=NOW + DAY)
    finish(start(seed(["name=rare problem=50"])))
    orphan = Orphan.objects.get()
    assert (orphan.nearest_story, orphan.nearest_cosine) == (None, None)


@pytest.mark.django_db
def test_finding_the_nearest_stories_asks_as_often_for_many_orphans_as_for_few(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    finish(start(seed([*scripts(3, 4), *[f"name=rare_{n} problem={n}" for n in unlike(range(3), 30)]])))
    roots = list(Orphan.objects.values_list("signature_id", flat=True))
    for asked in (roots[:3], roots):
        with django_assert_num_queries(5):
            settle.point_to_nearest_stories(profile="support", roots=asked)
    assert len(roots) == 30


def unlike(others: Iterable[int], wanted: int) -> list[int]:
    """Return so many problems that are unlike the others and each other: no cosine reaches 0.15."""
    centres = [vector_of(problem, "", noise=0) for problem in others]
    found: list[int] = []
    for problem in count(50):
        centre = vector_of(problem, "", noise=0)
        if max(np.stack(centres) @ centre) < 0.15:
            centres.append(centre)
            found.append(problem)
        if len(found) == wanted:
            break
    return found


# --- Emptied stories ----------------------------------------------------------------------------------------------

ELSEWHERE = "again name=problem_001_fails problem=1"


def without_problem_0(source: Source) -> None:
    """Give each conversation of the first of two problems, four each, a version that tells of the second."""
    change(source, [ELSEWHERE if number % 2 == 0 else None for number in range(8)])


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["candidate", "approved", "in_progress"])
def test_an_open_story_without_conversations_is_closed_until_one_returns(status: str) -> None:
    source = first_run(scripts(2, 4)).source
    story = story_of(0)
    Story.objects.filter(pk=story.pk).update(status=status)
    without_problem_0(source)
    assert finish(start(source)).state == "completed"
    story.refresh_from_db()
    assert (story.status, story.status_before, story.evidence.count()) == ("emptied", status, 0)
    assert story not in Story.objects.filter(status__in=Story.OPEN)
    change(source, ["once more name=problem_000_fails problem=0", *[None] * 7])
    assert finish(start(source)).state == "completed"
    story.refresh_from_db()
    assert (story.status, story.status_before, conversations_of(story)) == (status, "", {"test-0"})


@pytest.mark.django_db
def test_a_person_may_reopen_an_emptied_story() -> None:
    source = first_run(scripts(2, 4)).source
    story = story_of(0)
    without_problem_0(source)
    finish(start(source))
    set_status(stories=Story.objects.filter(pk=story.pk), status="approved", by=alice(), at=NOW)
    finish(start(source, force_refresh=True))
    story.refresh_from_db()
    assert story.status == "approved"


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["done", "dismissed"])
def test_a_closed_story_is_not_emptied(status: str) -> None:
    source = first_run(scripts(2, 4)).source
    Story.objects.filter(pk=(story := story_of(0)).pk).update(status=status)
    without_problem_0(source)
    finish(start(source))
    story.refresh_from_db()
    assert (story.status, story.evidence.count()) == (status, 4)
