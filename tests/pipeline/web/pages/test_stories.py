"""The list and the page of stories: what they show, what they do, and that all of it can be undone."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from pipeline.models import Change, Merge, Run, SavedView, Split, Story, Veto, Visit
from pipeline.reports.exports import plain_cell
from tests.pipeline.web.pages.scenes import (
    DECIDING,
    LOOKING,
    act,
    address,
    client_of,
    person,
    read,
)
from tests.support.decided import broken_promises, state
from tests.support.factories import RunFactory, StoryEvidenceFactory, StoryFactory, ThemeFactory, alice

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer() -> Client:
    return client_of(person("vera", *LOOKING))


def undo(client: Client, **sent: object) -> str:
    return client.post(address("undo"), sent, follow=True).content.decode()


# --- The frame ----------------------------------------------------------------------------------------------------


def test_a_page_names_its_scripts_and_lets_no_other_run(bob: Client) -> None:
    response = bob.get(address("stories"))
    policy, page = response.headers["Content-Security-Policy"], response.content.decode()
    nonce = re.findall(r"script-src 'nonce-([^']+)';", policy)[0]
    assert "unsafe" not in policy
    scripts = re.findall(r"<script\b[^>]*>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == page.count(f'nonce="{nonce}"') >= 2
    assert set(scripts) == {""}
    assert " style=" not in page
    assert re.findall(r"\son\w+=", page) == []
    assert nonce not in bob.get(address("stories")).headers["Content-Security-Policy"]


def test_djangos_pages_wear_the_same_bar_and_policy(bob: Client) -> None:
    response = bob.get("/admin/pipeline/story/")
    assert (
        "script-src" in response.headers["Content-Security-Policy"]
        or "default-src 'self'" in response.headers["Content-Security-Policy"]
    )
    assert 'class="lm-top"' in response.content.decode()
    assert "default-src 'self'" in Client().get("/admin/login/").headers["Content-Security-Policy"]


def test_a_stranger_sees_no_page() -> None:
    stranger = client_of(person("charlie"))
    assert stranger.get(address("stories")).status_code == 403
    assert Client().get(address("stories")).status_code == 302


def test_home_tells_what_came_since_the_last_visit(bob: Client, run: Run) -> None:
    assert "Since your last visit" not in read(bob, address("index"))
    Visit.objects.update(seen_at=timezone.now() - timedelta(hours=5))
    later = StoryFactory(title="Came later", conversations=0, created_at=timezone.now())
    newer = RunFactory(first_finished_at=timezone.now())
    StoryEvidenceFactory(story=later, run=newer)
    page = read(bob, address("index"))
    assert "Since your last visit" in page
    assert "Came later" in page
    assert '<span class="lm-chip lm-busy">new</span>' in page
    assert "+1</td>" in page


# --- The list -----------------------------------------------------------------------------------------------------


def test_the_list_is_sorted_and_narrowed_by_its_address(bob: Client) -> None:
    for title, size in (("Small", 3), ("Large", 5), ("Middle", 4)):
        StoryFactory(title=title, conversations=size)
    StoryFactory(title="Gone", status="dismissed", conversations=0)
    page = read(bob, address("stories"))
    assert page.index(">Large<") < page.index(">Middle<") < page.index(">Small<")
    assert ">Gone<" not in page
    by_title = read(bob, address("stories"), sort="title", status="all")
    assert by_title.index(">Gone<") < by_title.index(">Large<") < by_title.index(">Middle<")


@pytest.mark.parametrize(
    "query",
    [
        {"owner": "me"}, {"confidence": "60"}, {"category": "billing_question"}, {"q": "doubled invoice"},
        {"status": "approved"}, {"owner": "me", "sort": "trend"},
    ],
)  # fmt: skip
def test_the_list_finds_what_is_asked_for(bob: Client, query: dict[str, str]) -> None:
    user = person("bob")
    StoryFactory(title="Other", confidence=10, category="product_issue", conversations=1)
    StoryFactory(
        title="Doubled invoice", confidence=70, category="billing_question", owner=user, status="approved",
        conversations=1,
    )  # fmt: skip
    page = read(client_of(person("bob", *DECIDING)), address("stories"), **query)
    assert ">Doubled invoice<" in page
    assert ">Other<" not in page


@pytest.mark.parametrize(
    "query", ["sort=no&status=no", "source=abc&run=9999999999999999999999", "page=x&seen=-4", "q=%00"]
)
def test_an_address_that_means_nothing_shows_the_list(bob: Client, query: str) -> None:
    assert bob.get(f"{address('stories')}?{query}").status_code == 200


def test_the_board_has_a_column_for_each_status(bob: Client) -> None:
    for status in ("candidate", "approved", "in_progress", "done", "dismissed"):
        StoryFactory(title=f"A {status} one", status=status, conversations=1)
    for sort in ("size", "trend", "confidence", "newest", "title"):
        page = read(bob, address("stories"), view="board", sort=sort)
        for status in ("candidate", "approved", "in_progress", "done", "dismissed"):
            column = page.split(f'id="c-{status}"')[1].split("</section>")[0]
            assert f">A {status} one<" in column


def test_a_view_is_saved_and_forgotten(bob: Client) -> None:
    sent = {"page": "stories", "name": "Mine", "query": "owner=me&sort=trend"}
    bob.post(address("save_view"), sent)
    bob.post(address("save_view"), {**sent, "query": "owner=me"})
    view = SavedView.objects.get()
    assert view.query == "owner=me"
    assert '<a class="lm-chip" href="?owner=me">Mine</a>' in read(bob, address("stories"))
    bob.post(address("save_view"), {"page": "stories", "forget": view.pk})
    assert not SavedView.objects.exists()


def test_many_are_decided_after_a_question_that_names_their_number_and_undone_at_once(bob: Client) -> None:
    stories = [StoryFactory(title=f"Number {number}", conversations=1) for number in range(3)]
    sent = {"do": "dismiss", "story": [story.pk for story in stories]}
    asked = bob.post(address("stories_bulk"), sent).content.decode()
    assert "Dismiss 3 stories?" in asked
    assert not Story.objects.filter(status="dismissed").exists()
    bob.post(address("stories_bulk"), {**sent, "confirmed": "yes", "reason": "spam"})
    assert Story.objects.filter(status="dismissed").count() == 3
    assert set(Change.objects.values_list("reason", flat=True)) == {"spam"}
    undo(bob)
    assert not Story.objects.exclude(status="candidate", reviewed_at=None, reviewed_by=None).exists()


def test_all_that_the_list_shows_can_be_decided(bob: Client) -> None:
    for number in range(3):
        StoryFactory(title=f"Word {number}", conversations=0)
    StoryFactory(title="Another", conversations=0)
    bob.post(address("stories_bulk"), {"do": "approve", "all": "1", "query": "q=word", "confirmed": "yes"})
    assert Story.objects.filter(status="approved").count() == 3


def test_several_are_merged_into_the_largest(bob: Client, run: Run) -> None:
    before, stories = state(), list(Story.objects.order_by("id"))
    sent = {"do": "merge", "story": [story.pk for story in stories]}
    assert "Merge 2 stories into one" in bob.post(address("stories_bulk"), sent).content.decode()
    page = bob.post(address("stories_bulk"), {**sent, "confirmed": "yes"}, follow=True).content.decode()
    assert "2 stories are now one" in page
    assert broken_promises() == []
    undo(bob)
    assert state() == before


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "md"])
def test_the_export_holds_what_the_list_shows(bob: Client, form: str) -> None:
    StoryFactory(title="=HYPERLINK(1)", description="x", conversations=2)
    StoryFactory(title="Gone", status="dismissed", conversations=0)
    text = bob.get(address("stories_export"), {"format": form}).getvalue().decode()
    assert "HYPERLINK" in text
    assert "Gone" not in text
    if form == "csv":
        assert ",'=HYPERLINK(1)," in text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1", "|cmd", "%x"])
def test_no_cell_of_an_export_is_a_formula(text: str) -> None:
    assert str(plain_cell(text)).startswith("'")
    assert plain_cell("plain") == "plain"
    assert plain_cell(-3) == -3


# --- The page -----------------------------------------------------------------------------------------------------


def test_approving_leads_to_the_next_and_u_takes_it_back(bob: Client) -> None:
    large, small = StoryFactory(title="Large", conversations=3), StoryFactory(title="Small", conversations=1)
    page = act(bob, large, "approve")
    assert "<h1>Small</h1>" in page
    assert "“Large” is now approved." in page
    large.refresh_from_db()
    assert large.status == "approved"
    assert large.reviewed_by is not None
    assert "Undone" in undo(bob)
    large.refresh_from_db()
    assert (large.status, large.reviewed_by, large.reviewed_at) == ("candidate", None, None)
    assert "Nothing to undo" in undo(bob)
    assert small.pk


def test_the_next_story_is_that_of_the_list_it_was_opened_from(bob: Client) -> None:
    first, other, last = (StoryFactory(title=t, category=c, conversations=0) for t, c in
                          (("A", "billing_question"), ("B", "product_issue"), ("C", "billing_question")))  # fmt: skip
    inside = "category=billing_question&sort=title"
    page = read(bob, address("story", first.pk), **{"in": inside})
    assert f"{address('story', last.pk)}?in=" in page
    assert f'href="{address("story", other.pk)}' not in page.split('rel="next"')[1][:200]
    assert "<h1>C</h1>" in act(bob, first, "approve", **{"in": inside})


def test_a_dismissal_keeps_its_reason_and_a_story_can_go_back_to_candidate(bob: Client) -> None:
    story = StoryFactory(conversations=1)
    act(bob, story, "dismiss", reason="duplicates a ticket")
    act(bob, story, "candidate")
    assert "duplicates a ticket" in read(bob, address("story_activity", story.pk))
    story.refresh_from_db()
    assert story.status == "candidate"


def test_two_stories_are_merged_by_one_button_and_come_apart_again(bob: Client, run: Run) -> None:
    before, (one, other) = state(), Story.objects.order_by("id")
    fragment = read(bob, address("story_similar", one.pk))
    assert "Same problem: merge" in fragment or "No open story is similar to this one" in fragment
    assert "are now one story" in act(bob, one, "merge", other=other.pk)
    assert Merge.objects.filter(rule="person").count() == 1
    assert bob.get(address("story", other.pk)).status_code == 302
    assert broken_promises() == []
    undo(bob)
    assert state() == before


def test_different_keeps_two_stories_apart(bob: Client, run: Run) -> None:
    one, other = Story.objects.order_by("id")
    act(bob, one, "different", other=other.pk)
    assert Veto.objects.count() == 1
    assert "keeps them apart" in act(bob, one, "merge", other=other.pk)
    assert broken_promises() == []


def test_chosen_conversations_are_split_off_and_put_back(bob: Client, run: Run) -> None:
    before, story = state(), Story.objects.order_by("id")[0]
    chosen = list(story.evidence.values_list("conversation", flat=True)[:2])
    act(bob, story, "split", conversation=chosen, name="Another thing")
    assert Split.objects.count() == 1
    assert story.evidence.count() == 2
    undo(bob)
    assert state() == before


def test_a_story_that_falls_into_parts_is_split_by_one_button(bob: Client, run: Run) -> None:
    one, other = Story.objects.order_by("id")
    act(bob, one, "merge", other=other.pk)
    before = state()
    fragment = read(bob, address("story_parts", one.pk))
    assert "Split into these 2" in fragment
    threshold = re.findall(r'name="threshold" value="([^"]+)"', fragment)[0]
    act(bob, one, "split", threshold=threshold)
    assert sorted(s.evidence.count() for s in Story.objects.filter(status="candidate", absorbed_by=None)) == [4, 4]
    undo(bob)
    assert state() == before


def test_conversations_move_to_another_story(bob: Client, run: Run) -> None:
    before, (one, other) = state(), Story.objects.order_by("id")
    chosen = list(one.evidence.values_list("conversation", flat=True)[:2])
    act(bob, one, "move", conversation=chosen, other=other.pk)
    assert (one.evidence.count(), other.evidence.count()) == (2, 6)
    undo(bob)
    assert state() == before


def test_what_a_person_writes_is_recorded_and_can_be_undone_one_by_one(bob: Client) -> None:
    story, user = StoryFactory(title="Old words", conversations=1), alice()
    act(bob, story, "edit", title="New words", description="Why", owner=user.pk, ticket_url="https://tickets.example/7")
    story.refresh_from_db()
    assert (story.title, story.description, story.owner, story.ticket_url) == (
        "New words", "Why", user, "https://tickets.example/7",
    )  # fmt: skip
    assert story.edited_by is not None
    page = read(bob, address("story_activity", story.pk))
    assert "renamed it from “Old words”" in page
    assert 'value="New words"' in read(bob, address("story_edit", story.pk))
    change = Change.objects.get(what="title")
    undo(bob, record=f"change-{change.pk}")
    story.refresh_from_db()
    assert (story.title, story.description) == ("Old words", "Why")


def test_an_undo_loses_nothing_that_somebody_did_since(bob: Client) -> None:
    story = StoryFactory(title="Old", conversations=0)
    act(bob, story, "edit", title="New")
    Story.objects.filter(pk=story.pk).update(title="Newest")
    assert "someone has changed the title" in undo(bob)
    story.refresh_from_db()
    assert story.title == "Newest"
    assert Change.objects.get().stands


def test_a_ticket_is_a_web_address_and_nothing_else(bob: Client) -> None:
    story = StoryFactory(conversations=0)
    assert "starts with https://" in act(bob, story, "edit", ticket_url="javascript:alert(1)")
    Story.objects.filter(pk=story.pk).update(ticket_url="javascript:alert(1)")
    assert 'href="javascript' not in read(bob, address("story", story.pk))


def test_comments_are_written_and_taken_away(bob: Client) -> None:
    story = StoryFactory(conversations=0)
    assert "Looks familiar" in act(bob, story, "comment", text="Looks familiar")
    assert "comment is empty" in act(bob, story, "comment", text="   ")
    written = story.comments.get()
    assert "Looks familiar" not in act(bob, story, "remove_comment", comment=written.pk)
    written.refresh_from_db()
    assert written.removed_by is not None


@pytest.mark.parametrize("do", ["approve", "merge", "split", "move", "edit", "comment", "different"])
def test_who_may_only_look_cannot_act_and_is_offered_nothing(viewer: Client, do: str) -> None:
    story = StoryFactory(conversations=1)
    assert viewer.post(address("story_act", story.pk), {"do": do}).status_code == 403
    page = read(viewer, address("story", story.pk))
    assert 'name="do"' not in page
    assert viewer.post(address("undo"), {"record": "change-1"}).status_code in (303, 403)


def test_what_is_new_since_the_last_visit_is_marked(bob: Client) -> None:
    story = StoryFactory(conversations=1)
    read(bob, address("story", story.pk))
    Visit.objects.update(seen_at=timezone.now() - timedelta(hours=5))
    StoryEvidenceFactory(story=story, run=RunFactory(first_finished_at=timezone.now()))
    page = read(bob, address("story", story.pk))
    assert page.count("lm-fresh") == 1
    assert page.count("new since your last visit") == 1


def test_who_is_behind_a_story_is_told_by_its_metadata(bob: Client) -> None:
    story = StoryFactory(conversations=0)
    for number in range(4):
        StoryEvidenceFactory(
            story=story, theme__item__conversation__customer=f"customer {number % 2}",
            theme__item__conversation__metadata={
                "plan": "gold" if number else "free", "ticket": number, "deep": {"x": 1},
            },
        )  # fmt: skip
    page = read(bob, address("story_who", story.pk))
    assert ">gold<" in page
    assert "customer 1" in page
    assert "Ticket" not in page


def test_stories_are_sorted_by_severity_and_narrowed_by_product_area(bob: Client) -> None:
    for title, severities, area in (
        ("Mild", ("low", "low"), "calendar"), ("Grave", ("critical", "medium"), "billing"), ("Unsaid", (), ""),
    ):  # fmt: skip
        story = StoryFactory(title=title, conversations=3 if not severities else 0)
        for severity in severities:
            theme = ThemeFactory(signature=story.signature, details={"severity": severity, "product_area": area})
            StoryEvidenceFactory(story=story, theme=theme)
    shown = read(bob, address("stories"), sort="severity")
    assert shown.index(">Grave<") < shown.index(">Mild<") < shown.index(">Unsaid<")
    assert '<option value="billing"' in shown
    narrowed = read(bob, address("stories"), area="billing")
    assert ">Grave<" in narrowed
    assert ">Mild<" not in narrowed
    assert "No stories match" in read(bob, address("stories"), area="';--")
