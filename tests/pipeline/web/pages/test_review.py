"""Review as a stream, and orphans as cards: each answer is one press, stands, and can be undone."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db.models import F
from django.test import Client

from pipeline.models import Change, Merge, Orphan, Registry, Run, Story, Veto
from pipeline.review.asking import differing_words, find_pairs, marked, waiting_questions
from tests.pipeline.web.pages.scenes import (
    LOOKING,
    address,
    client_of,
    person,
    read,
)
from tests.support.decided import broken_promises, state
from tests.support.factories import NOON, OrphanFactory, RunFactory, StoryEvidenceFactory, StoryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def answer(client: Client, question: str, do: str, **sent: object) -> str:
    response = client.post(address("review_answer"), {"question": question, "do": do, **sent}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def undo(client: Client) -> str:
    return client.post(address("undo"), follow=True).content.decode()


def near_orphan() -> Orphan:
    """Return the orphan of the run, put near the first story."""
    orphan: Orphan = Orphan.objects.get()
    Orphan.objects.filter(pk=orphan.pk).update(nearest_story=Story.objects.order_by("id")[0], nearest_cosine=0.9)
    orphan.refresh_from_db()
    return orphan


# --- The stream ---------------------------------------------------------------------------------------------------


def test_the_largest_new_story_is_asked_about_first_and_answered_by_one_press(bob: Client) -> None:
    small, large = StoryFactory(title="Small", conversations=1), StoryFactory(title="Large", conversations=3)
    page = read(bob, address("review"))
    assert "Is this a story?" in page
    assert ">Large</a>" in page
    assert 'data-key="a"' in page
    assert 'data-key="Backspace"' in page
    following = answer(bob, f"story-{large.pk}", "approve")
    assert ">Small</a>" in following
    large.refresh_from_db()
    assert large.status == "approved"
    undo(bob)
    large.refresh_from_db()
    assert (large.status, large.reviewed_at) == ("candidate", None)
    assert small.pk


def test_what_is_put_off_comes_again_when_nothing_else_is_left(bob: Client) -> None:
    one, other = StoryFactory(title="One", conversations=3), StoryFactory(title="Other", conversations=1)
    assert ">Other</a>" in answer(bob, f"story-{one.pk}", "skip")
    assert ">One</a>" in answer(bob, f"story-{other.pk}", "skip")


def test_a_queue_is_worked_through_to_its_end(bob: Client) -> None:
    for number in range(4):
        StoryFactory(title=f"Number {number}", conversations=1)
    while waiting := waiting_questions().questions:
        answer(bob, waiting[0].token, "approve")
    assert "Nothing to review" in read(bob, address("review"))
    assert Change.objects.filter(what="status").count() == 4


def test_an_orphan_near_a_story_is_joined_promoted_or_left(bob: Client, run: Run) -> None:
    Story.objects.update(reviewed_at=NOON, status="approved")
    orphan = near_orphan()
    before = state()
    page = read(bob, address("review"), kind="orphan")
    assert "Does this belong to the story?" in page
    answer(bob, f"orphan-{orphan.pk}", "join")
    assert Merge.objects.filter(rule="person").count() == 1
    assert broken_promises() == []
    undo(bob)
    assert state() == before
    orphan = near_orphan()
    answer(bob, f"orphan-{orphan.pk}", "leave")
    assert waiting_questions(["orphan"]).questions == []
    undo(bob)
    assert len(waiting_questions(["orphan"]).questions) == 1
    answer(bob, f"orphan-{orphan.pk}", "promote")
    assert Story.objects.filter(status="approved", evidence__isnull=False).distinct().count() == 3
    assert broken_promises() == []
    undo(bob)
    assert state() == before


def test_a_story_that_grew_since_it_was_reviewed_is_asked_about_once_more(bob: Client) -> None:
    story = StoryFactory(conversations=1, status="approved", reviewed_at=NOON)
    StoryEvidenceFactory(story=story, run=RunFactory(first_finished_at=NOON + timedelta(days=1)))
    assert "Is this story still right?" in read(bob, address("review"))
    assert "Nothing to review" in answer(bob, f"changed-{story.pk}", "seen")
    undo(bob)
    story.refresh_from_db()
    assert story.reviewed_at == NOON


@pytest.mark.parametrize(("do", "model"), [("yes", Merge), ("no", Veto)])
def test_an_answer_about_a_pair_stands_and_is_undone(bob: Client, run: Run, do: str, model: type) -> None:
    before, (one, other) = state(), Story.objects.order_by("id")
    answer(bob, f"pair-{one.signature_id}-{other.signature_id}", do)
    assert model.objects.filter(created_by__isnull=False).count() == 1  # type: ignore[attr-defined]
    undo(bob)
    assert state() == before


@pytest.mark.parametrize("question", ["story-x", "pair-1", "no-1", "story-1-2", "", "pair-1-99999999999999999999"])
def test_a_question_that_is_none_is_not_found(bob: Client, question: str) -> None:
    assert bob.post(address("review_answer"), {"question": question, "do": "yes"}).status_code == 404


def test_an_answer_to_what_is_gone_says_so(bob: Client) -> None:
    assert "no longer exists" in answer(bob, "story-123456", "approve")
    assert "no longer exists" in answer(bob, "pair-123456-123457", "yes")


def test_who_may_only_look_answers_nothing() -> None:
    viewer, story = client_of(person("vera", *LOOKING)), StoryFactory(conversations=1)
    assert 'value="approve"' not in read(viewer, address("review"))
    sent = {"question": f"story-{story.pk}", "do": "approve"}
    assert viewer.post(address("review_answer"), sent).status_code == 403


def test_differing_words_are_marked_and_the_text_stays_the_same() -> None:
    one, other = "The payment page stays white.", "The payment page says declined."
    mine, theirs = differing_words(one, other)
    assert (set(mine), set(theirs)) == ({"stays", "white"}, {"says", "declined"})
    pieces = marked(one, mine)
    assert "".join(text for text, _ in pieces) == one
    assert [text for text, is_marked in pieces if is_marked] == ["stays white."]


# --- Orphans ------------------------------------------------------------------------------------------------------


def act(client: Client, do: str, **sent: object) -> str:
    return client.post(address("orphans_act"), {"do": do, **sent}, follow=True).content.decode()


def test_a_card_says_what_the_orphan_needs_and_what_it_is_near_to(bob: Client, run: Run) -> None:
    orphan = near_orphan()
    page = read(bob, address("orphans"))
    assert orphan.nearest_story is not None
    assert orphan.nearest_story.title in page
    assert "90 % alike" in page
    assert "1 conversation" in page


def test_an_orphan_becomes_a_story_by_one_press_and_grows_as_others_do(bob: Client, run: Run) -> None:
    before, orphan = state(), Orphan.objects.get()
    page = act(bob, f"promote:{orphan.pk}")
    assert "1 orphan became a story" in page
    story = Story.objects.get(status="approved")
    assert (story.evidence.count(), story.reviewed_by is not None) == (1, True)
    assert broken_promises() == []
    assert not Orphan.objects.filter(graduated_at=None).exists()
    undo(bob)
    assert state() == before


def test_a_promotion_that_people_worked_on_is_not_undone(bob: Client, run: Run) -> None:
    act(bob, f"promote:{Orphan.objects.get().pk}")
    story = Story.objects.get(status="approved")
    bob.post(address("story_act", story.pk), {"do": "comment", "text": "ours"})
    assert "has comments" in undo(bob)
    assert Story.objects.filter(pk=story.pk).exists()


def test_several_orphans_are_dismissed_after_a_question_and_wait_again(bob: Client) -> None:
    orphans = [OrphanFactory(conversations=1) for _ in range(3)]
    ids = [orphan.pk for orphan in orphans]
    assert "Dismiss: 3 orphans?" in act(bob, "dismiss", orphan=ids)
    assert not Orphan.objects.filter(dismissed_at__isnull=False).exists()
    act(bob, "dismiss", orphan=ids, confirmed="yes")
    assert Orphan.objects.filter(dismissed_by__username="bob").count() == 3
    act(bob, "restore", orphan=ids[:1])
    assert Orphan.objects.filter(dismissed_at__isnull=True).count() == 1
    undo(bob)
    undo(bob)
    assert Orphan.objects.filter(dismissed_at__isnull=True, dismissed_by__isnull=True).count() == 3


@pytest.mark.parametrize("show", ["waiting", "near", "tipping", "dismissed", "nonsense"])
def test_orphans_are_narrowed_by_the_address(bob: Client, run: Run, show: str) -> None:
    read(bob, address("orphans"), show=show, q="rare problem")


def test_who_may_only_look_changes_no_orphan() -> None:
    viewer, orphan = client_of(person("vera", *LOOKING)), OrphanFactory(conversations=1)
    for do in ("join", "promote", "dismiss"):
        assert viewer.post(address("orphans_act"), {"do": f"{do}:{orphan.pk}"}).status_code == 403
    assert 'name="do"' not in read(viewer, address("orphans"))


def test_pairs_are_found_by_a_worker_and_a_page_says_so_meanwhile(bob: Client, run: Run) -> None:
    cache.clear()
    Story.objects.update(reviewed_at=NOON, status="approved")
    assert waiting_questions(["pair"]).outdated == ["support"]
    assert "A worker is looking for pairs" in read(bob, address("review"), kind="pair")
    found = find_pairs(profile="support")
    waiting = waiting_questions(["pair"])
    assert (len(waiting.questions), waiting.outdated) == (found, [])
    assert "A worker is looking for pairs" not in read(bob, address("review"), kind="pair")
    Registry.objects.update(version=F("version") + max(1, found))  # as many decisions as pairs were found
    waiting = waiting_questions(["pair"])
    assert (len(waiting.questions), waiting.outdated) == (found, ["support"])
