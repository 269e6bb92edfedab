"""The screens: what they show, what people may do on them, and what they cost."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from pipeline.models import Conversation, Item, Orphan, Run, Signature, Source, Story, Theme
from pipeline.web.admin import base
from pipeline.web.parts.texts import Span, excerpts_of, pieces_of, turns_of
from tests.support.factories import (
    NOON,
    ConversationFactory,
    ConversationVersionFactory,
    EvidenceFactory,
    ItemFactory,
    MergeFactory,
    OrphanFactory,
    RunFactory,
    SignatureFactory,
    SourceFactory,
    StoryEvidenceFactory,
    StoryFactory,
    ThemeFactory,
    alice,
    bob,
    charlie,
)

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"
NOUNS = ("source", "run", "conversation", "theme", "signature", "story", "orphan")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner() -> Client:
    return client_of(alice())


@pytest.fixture
def reviewer() -> Client:
    return client_of(bob())


def list_of(noun: str, query: str = "") -> str:
    return reverse(f"admin:pipeline_{noun}_changelist") + query


def page_of(row: object) -> str:
    return base.url_of(row)  # type: ignore[arg-type]


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


# --- What they cost -----------------------------------------------------------------------------------------------


def run_with(count: int) -> Run:
    run = RunFactory(state=Run.State.COMPLETED_WITH_ERRORS)
    for number in range(count):
        ItemFactory(run=run, state=Item.State.FAILED)
        StoryFactory(signature__created_run=run, conversations=1)
        OrphanFactory(signature__created_run=run, reason=Orphan.Reason.values[number % 5])
    return run


def conversation_with(count: int) -> Conversation:
    conversation = ConversationFactory()
    for number in range(count):
        run = RunFactory(source=conversation.source)
        item = ItemFactory(run=run, conversation=conversation, state=Item.State.EXTRACTED)
        theme = ThemeFactory(item=item, run=run, raw_signature=f"name_{number}", signature=SignatureFactory())
        StoryEvidenceFactory(story=StoryFactory(signature=theme.signature, conversations=0), theme=theme)
        ConversationVersionFactory(conversation=conversation)
    return conversation


def signature_with(count: int) -> Signature:
    root = SignatureFactory()
    for number in range(count):
        merge = MergeFactory(parent=root)
        ThemeFactory(signature=merge.child, raw_signature=f"spelling_{number}")
    return root


def source_with(count: int) -> Source:
    source = SourceFactory()
    for _ in range(count):
        ItemFactory(run=RunFactory(source=source))
    return source


def theme_with(count: int) -> Theme:
    theme = ThemeFactory(quote=None, signature=SignatureFactory())
    for letters in range(count):
        EvidenceFactory(theme=theme, quote=theme.item.version.text[: letters + 1])
    return theme


PAGES: dict[str, Callable[[int], object]] = {
    "story": lambda count: StoryFactory(conversations=count, signature=signature_with(count)),
    "orphan": lambda count: OrphanFactory(conversations=count, signature=signature_with(count)),
    "conversation": conversation_with,
    "run": run_with,
    "signature": signature_with,
    "source": source_with,
    "theme": theme_with,
}

LISTS: dict[str, Callable[[], object]] = {
    "story": StoryFactory,
    "orphan": OrphanFactory,
    "conversation": lambda: StoryFactory(conversations=1),
    "run": lambda: run_with(1),
    "signature": lambda: signature_with(1),
    "source": lambda: source_with(1),
    "theme": lambda: ThemeFactory(signature=SignatureFactory()),
}


def questions(client: Client, address: str) -> list[str]:
    """Return the SQL of a page; a first visit fills what is kept between requests."""
    read(client, address)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        read(client, address)
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("noun", LISTS)
def test_a_list_asks_as_often_for_12_rows_as_for_3(owner: Client, noun: str) -> None:
    for _ in range(3):
        LISTS[noun]()
    few = questions(owner, list_of(noun))
    for _ in range(9):
        LISTS[noun]()
    many = questions(owner, list_of(noun))
    assert len(many) == len(few)
    assert len(many) <= 15


@pytest.mark.parametrize("noun", PAGES)
def test_a_page_asks_as_often_for_12_rows_as_for_3(owner: Client, noun: str) -> None:
    few = questions(owner, page_of(PAGES[noun](3)))
    many = questions(owner, page_of(PAGES[noun](12)))
    assert len(many) == len(few)
    assert len(many) <= 25


def test_the_first_page_asks_as_often_for_12_rows_as_for_3(owner: Client) -> None:
    run_with(3)
    few = questions(owner, "/admin/")
    for _ in range(9):
        run_with(3)
    many = questions(owner, "/admin/")
    assert len(many) == len(few)


@pytest.mark.parametrize("noun", NOUNS)
def test_no_screen_loads_a_vector(owner: Client, noun: str) -> None:
    row = PAGES[noun](3)
    for sql in [*questions(owner, list_of(noun)), *questions(owner, page_of(row))]:
        assert '"vector"' not in sql
        assert '"vector_sum"' not in sql


def test_a_list_counts_no_further_than_its_bound(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MOST_COUNTED", 2)
    ThemeFactory.create_batch(4)
    assert "2 themes" in read(owner, list_of("theme"))
    assert any("LIMIT 2" in sql and "COUNT(*)" in sql for sql in questions(owner, list_of("theme")))


# --- Who may do what ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noun", NOUNS)
def test_nobody_adds_or_deletes(owner: Client, noun: str) -> None:
    row = PAGES[noun](1)
    add = reverse(f"admin:pipeline_{noun}_add")
    delete = page_of(row).replace("/change/", "/delete/")
    assert owner.get(add).status_code == 403
    assert owner.post(add, {}).status_code == 403
    assert owner.post(delete, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("noun", ["source", "run", "conversation", "theme", "signature"])
def test_what_runs_wrote_cannot_be_changed(owner: Client, noun: str) -> None:
    assert owner.post(page_of(PAGES[noun](1)), {"_save": "Save"}).status_code == 403


@pytest.mark.parametrize("noun", NOUNS)
def test_a_stranger_is_sent_to_the_login(noun: str) -> None:
    stranger = client_of(charlie())
    for address in (list_of(noun), page_of(PAGES[noun](1)), "/admin/"):
        assert stranger.get(address).headers["Location"].startswith("/admin/login/")


def test_staff_without_rights_see_no_row_on_the_first_page() -> None:
    story = StoryFactory()
    user = charlie()
    user.is_staff = True
    user.save()
    assert story.title not in read(client_of(user), "/admin/")


def test_who_may_only_look_finds_no_button() -> None:
    story, user = StoryFactory(), bob()
    user.user_permissions.remove(*user.user_permissions.filter(codename="change_story"))
    client = client_of(user)
    assert "_decide" not in read(client, page_of(story))
    assert client.post(page_of(story), {"title": "x", "_decide": "done"}).status_code == 403
    client.post(list_of("story"), {"action": "dismiss", "_selected_action": [story.pk]})
    assert Story.objects.get().status == Story.Status.CANDIDATE


# --- The first page -----------------------------------------------------------------------------------------------


def test_the_first_page_says_what_waits(reviewer: Client) -> None:
    waiting = StoryFactory(title="Texts are not sent")
    StoryFactory(title="Was dismissed", status=Story.Status.DISMISSED)
    orphan = OrphanFactory(missing_conversations=1, detail="needs 1 more conversation")
    run = RunFactory(state=Run.State.NEEDS_ATTENTION, attention="none of 4 conversations produced a theme")
    page = read(reviewer, "/admin/")
    assert reverse("admin:story", args=[waiting.pk]) in page
    assert "Was dismissed" not in page
    assert orphan.signature.key.replace("_", " ").capitalize() in page
    assert reverse("admin:run", args=[run.pk]) in page
    assert "none of 4 conversations produced a theme" in page


# --- Stories ------------------------------------------------------------------------------------------------------


def test_stories_are_sorted_by_size(reviewer: Client) -> None:
    for title, size in (("Small", 3), ("Large", 5), ("Middle", 4)):
        StoryFactory(title=title, conversations=size)
    page = read(reviewer, list_of("story"))
    assert page.index(">Large<") < page.index(">Middle<") < page.index(">Small<")


@pytest.mark.parametrize(
    "query",
    [
        "?status=approved",
        "?category=billing_question",
        "?last_seen=7",
        "?q=invoice",
        "?q=%22pay%20twice%22",
        "?q=quillfeather",
        "?q=double_deposit_merged",
        "?q=pawnshop",
        "?status=all&q=invoice%20pawnshop",
    ],
)
def test_stories_can_be_narrowed_and_searched(reviewer: Client, query: str) -> None:
    StoryFactory(title="Other", category="product_issue")
    signature = SignatureFactory(key="deposit_charged_twice")
    MergeFactory(child__key="double_deposit_merged", parent=signature)
    story = StoryFactory(
        title="Found", description="An invoice they pay twice", category="billing_question", signature=signature,
        status=Story.Status.APPROVED, conversations__item__conversation__customer="quillfeather-books",
        conversations__item__conversation__text="They took it to a pawnshop.",
        conversations__item__conversation__occurred_at=timezone.now(),
    )  # fmt: skip
    page = read(reviewer, list_of("story", query))
    assert page_of(story) in page
    assert ">Other<" not in page


def test_stories_can_be_narrowed_to_a_run(reviewer: Client) -> None:
    old, new = StoryFactory(title="Old"), StoryFactory(title="New")
    StoryEvidenceFactory(story=old, theme__run=new.first_run)
    page = read(reviewer, list_of("story", f"?run={new.first_run.pk}"))
    assert page_of(old) in page
    assert page_of(new) in page
    assert page_of(old) not in read(reviewer, list_of("story", f"?new_in={new.first_run.pk}"))


@pytest.mark.parametrize(
    ("action", "status"),
    [("approve", "approved"), ("start", "in_progress"), ("finish", "done"), ("dismiss", "dismissed")],
)
def test_an_action_sets_the_status_and_records_who_decided(reviewer: Client, action: str, status: str) -> None:
    story = StoryFactory(conversations=0)
    before = timezone.now()
    reviewer.post(list_of("story"), {"action": action, "_selected_action": [story.pk]})
    story.refresh_from_db()
    assert (story.status, story.reviewed_by) == (status, bob())
    assert story.reviewed_at is not None
    assert story.reviewed_at >= before
    assert "Status set to" in LogEntry.objects.get().get_change_message()


def test_a_decision_that_changes_nothing_is_not_recorded(reviewer: Client) -> None:
    story = StoryFactory(conversations=0, status=Story.Status.DONE, reviewed_at=NOON, reviewed_by=alice())
    reviewer.post(list_of("story"), {"action": "finish", "_selected_action": [story.pk]})
    story.refresh_from_db()
    assert (story.reviewed_at, story.reviewed_by) == (NOON, alice())


def test_a_story_can_be_decided_on_its_page(reviewer: Client) -> None:
    story = StoryFactory()
    sent = {"title": "Better title", "description": "", "_decide": "in_progress"}
    assert reviewer.post(page_of(story), sent).status_code == 302
    story.refresh_from_db()
    assert (story.title, story.status, story.reviewed_by) == ("Better title", "in_progress", bob())


def test_saving_a_title_leaves_what_others_decided_meanwhile(reviewer: Client) -> None:
    story = StoryFactory()
    read(reviewer, page_of(story))
    Story.objects.filter(pk=story.pk).update(status=Story.Status.DONE, reviewed_at=NOON, reviewed_by=alice())
    reviewer.post(page_of(story), {"title": "Better title", "description": story.description, "status": "candidate"})
    story.refresh_from_db()
    assert (story.title, story.status, story.reviewed_by) == ("Better title", "done", alice())


def test_a_story_is_not_opened_beside_another_open_one(reviewer: Client) -> None:
    done = StoryFactory(status=Story.Status.DONE, conversations=0, reviewed_at=NOON)
    again = StoryFactory(signature=done.signature, conversations=0, recurs_from=done)
    posted = {"action": "approve", "_selected_action": [done.pk, again.pk]}
    response = reviewer.post(list_of("story", "?status=all"), posted, follow=True)
    assert "its signature has another open story" in response.content.decode()
    done.refresh_from_db()
    again.refresh_from_db()
    assert (done.status, again.status) == ("done", "approved")


def test_a_story_shows_its_evidence_and_the_names_it_goes_by(reviewer: Client) -> None:
    story = StoryFactory(conversations=0)
    conversation = ConversationFactory(customer="bramble-vets", text="Good morning. No texts went out. Please help.")
    theme = ThemeFactory(signature=story.signature, item__conversation=conversation, quote=None)
    EvidenceFactory(theme=theme, quote="No texts went out.")
    StoryEvidenceFactory(story=story, theme=theme)
    merge = MergeFactory(parent=story.signature, reason="they lie together", score=0.83)
    page = read(reviewer, page_of(story))
    assert "Good morning. <mark>No texts went out.</mark> Please help." in page
    assert page_of(conversation) in page
    assert "bramble-vets" in page
    assert page_of(merge.child) in page
    assert "they lie together" in page
    assert "0.83" in page


# --- Orphans ------------------------------------------------------------------------------------------------------


def test_orphans_that_need_least_come_first(reviewer: Client) -> None:
    OrphanFactory(detail="needs 10 more conversations", missing_conversations=10, signature__key="far")
    OrphanFactory(detail="needs 2 more conversations", missing_conversations=2, signature__key="near", conversations=2)
    page = read(reviewer, list_of("orphan"))
    assert page.index(">Near<") < page.index(">Far<")


def test_an_orphan_is_dismissed_and_taken_back(reviewer: Client) -> None:
    orphan = OrphanFactory()
    reviewer.post(list_of("orphan"), {"action": "dismiss", "_selected_action": [orphan.pk]})
    orphan.refresh_from_db()
    assert orphan.dismissed_by == bob()
    assert orphan.dismissed_at is not None
    assert page_of(orphan) not in read(reviewer, list_of("orphan"))
    assert page_of(orphan) in read(reviewer, list_of("orphan", "?state=dismissed"))
    reviewer.post(page_of(orphan), {"_decide": "wait"})
    orphan.refresh_from_db()
    assert (orphan.dismissed_at, orphan.dismissed_by) == (None, None)


def test_an_orphan_that_became_a_story_is_not_dismissed(reviewer: Client) -> None:
    orphan = OrphanFactory(graduated_at=NOON, story=StoryFactory())
    assert "_decide" not in read(reviewer, page_of(orphan))
    reviewer.post(page_of(orphan), {"_decide": "dismiss"})
    orphan.refresh_from_db()
    assert orphan.dismissed_at is None


def test_an_orphan_counts_only_the_newest_reading_of_a_conversation(reviewer: Client) -> None:
    orphan = OrphanFactory(conversations=2)
    theme = Theme.objects.order_by("id").first()
    assert theme is not None
    newer = RunFactory(source=theme.run.source)
    ItemFactory(run=newer, conversation=theme.conversation, state=Item.State.FILTERED)
    page = read(reviewer, list_of("orphan"))
    assert 'class="field-conversations">1<' in page
    assert page_of(orphan) in page


# --- Conversations, themes, signatures ----------------------------------------------------------------------------


def test_a_conversation_reads_as_turns_with_its_evidence_marked(reviewer: Client) -> None:
    theme = ThemeFactory(signature=SignatureFactory())
    page = read(reviewer, page_of(theme.conversation))
    first = theme.conversation.current_version.messages[0]["text"]
    assert "lm-by-customer" in page
    assert "lm-by-agent" in page
    assert f'<mark>{escape(first)}</mark><sup><a href="#theme-1"' in page
    assert page_of(theme.run) in page
    assert page_of(theme.signature) in page


def test_an_older_version_of_a_conversation_can_be_read(reviewer: Client) -> None:
    conversation = ConversationFactory(text="As it was first.")
    old = conversation.current_version
    new = ConversationVersionFactory(conversation=conversation)
    Conversation.objects.filter(pk=conversation.pk).update(current_version=new)
    assert "Any news?" in read(reviewer, page_of(conversation))
    page = read(reviewer, page_of(conversation) + f"?version={old.pk}")
    assert "Any news?" not in page
    assert "an older version" in page


def test_a_conversation_shows_why_a_run_failed_on_it(reviewer: Client) -> None:
    item = ItemFactory(state=Item.State.FAILED, error="category: unknown", reason="could not parse: ValidationError")
    page = read(reviewer, page_of(item.conversation))
    assert "could not parse: ValidationError (parse: category: unknown)" in page


def test_only_web_addresses_become_links(reviewer: Client) -> None:
    conversation = ConversationFactory(url="javascript:alert(1)")
    assert 'href="javascript' not in read(reviewer, page_of(conversation))


def test_a_signature_says_where_it_leads_and_how_it_was_spelled(reviewer: Client) -> None:
    merge = MergeFactory()
    story = StoryFactory(signature=merge.parent, conversations=0)
    ThemeFactory(signature=merge.child, raw_signature="SpelledOtherwise")
    child, parent = read(reviewer, page_of(merge.child)), read(reviewer, page_of(merge.parent))
    assert f'merged into <a href="{page_of(merge.parent)}"' in child
    assert "SpelledOtherwise" in parent
    assert page_of(story) in parent


@pytest.mark.parametrize("query", ["?merged=yes", "?merged=no", "?home=story", "?home=orphan", "?home=none"])
def test_signatures_can_be_narrowed(reviewer: Client, query: str) -> None:
    merge = MergeFactory()
    story, orphan = StoryFactory(conversations=0), OrphanFactory(conversations=0)
    homeless = SignatureFactory()
    expected = {
        "?merged=yes": {merge.child},
        "?merged=no": {merge.parent, story.signature, orphan.signature, homeless},
        "?home=story": {story.signature},
        "?home=orphan": {orphan.signature},
        "?home=none": {merge.child, merge.parent, homeless},
    }[query]
    page = read(reviewer, list_of("signature", query))
    shown = {
        signature
        for signature in Signature.objects.all()
        if f'<th class="field-name"><a href="{page_of(signature)}' in page
    }
    assert shown == expected


@pytest.mark.parametrize("query", ["?rule=none", "?category=billing_question", "?q=unusual_name", "?q=ext-77"])
def test_themes_can_be_narrowed_and_searched(reviewer: Client, query: str) -> None:
    theme = ThemeFactory(
        raw_signature="unusual_name", category="billing_question", item__conversation__external_id="ext-77"
    )
    other = ThemeFactory(signature=SignatureFactory(), category="product_issue")
    page = read(reviewer, list_of("theme", query))
    assert page_of(theme) in page
    assert page_of(other) not in page


# --- Runs and sources ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "phase", "command"),
    [
        ("running", "extract", "./manage.py run_status {}"),
        ("stopped", "extract", "./manage.py run_pipeline --resume {}"),
        ("failed", "merge", "./manage.py salvage {}"),
        ("completed_with_errors", "done", "./manage.py salvage {}"),
    ],
)
def test_a_run_says_how_it_goes_on(reviewer: Client, state: str, phase: str, command: str) -> None:
    run = RunFactory(state=state, phase=phase)
    assert f"<code>{command.format(run.pk)}</code>" in read(reviewer, page_of(run))


def test_a_completed_run_needs_no_command(reviewer: Client) -> None:
    assert "manage.py" not in read(reviewer, page_of(RunFactory()))


def test_a_silent_run_is_called_so(reviewer: Client) -> None:
    run = RunFactory(state=Run.State.RUNNING, heartbeat_at=timezone.now() - timedelta(hours=1))
    assert "No heartbeat" in read(reviewer, page_of(run))


def test_a_run_lists_its_failures_stories_and_orphans(reviewer: Client) -> None:
    run = run_with(2)
    page = read(reviewer, page_of(run))
    for item in run.items.filter(state=Item.State.FAILED):
        assert page_of(item.conversation) in page
    for story in run.new_stories.all():
        assert page_of(story) in page
    assert "too few" in page
    assert "ValidationError" in page


def test_the_number_of_failed_conversations_leads_to_them(reviewer: Client) -> None:
    item, other = ItemFactory(state=Item.State.FAILED), ItemFactory(state=Item.State.EXTRACTED)
    address = list_of("conversation", f"?items__run__exact={item.run_id}&items__state__exact=failed")
    assert address.replace("&", "&amp;") in read(reviewer, page_of(item.run)).replace("&amp;", "&").replace(
        "&", "&amp;"
    )
    page = read(reviewer, address)
    assert page_of(item.conversation) in page
    assert page_of(other.conversation) not in page


def test_a_source_shows_its_last_run(reviewer: Client) -> None:
    source = source_with(2)
    last = RunFactory(source=source, state=Run.State.LOST)
    page = read(reviewer, list_of("source"))
    assert page_of(last) in page
    assert "lm-bad" in page


# --- Texts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noun", NOUNS)
def test_what_customers_and_machines_write_is_escaped(owner: Client, noun: str) -> None:
    conversation = ConversationFactory(
        text=SCRIPT, customer=SCRIPT, label=SCRIPT, external_id=SCRIPT, metadata={SCRIPT: SCRIPT}, source__name=SCRIPT
    )
    run = RunFactory(
        source=conversation.source, state="failed", error=SCRIPT, attention=SCRIPT, parameters={SCRIPT: SCRIPT}
    )
    signature = SignatureFactory(key=SCRIPT, created_run=run)
    ItemFactory(run=run, state="failed", error=SCRIPT, reason=SCRIPT)
    theme = ThemeFactory(
        run=run, item__conversation=conversation, signature=signature, raw_signature=SCRIPT, summary=SCRIPT
    )
    MergeFactory(parent=signature, reason=SCRIPT)
    story = StoryFactory(title=SCRIPT, description=SCRIPT, signature=signature, conversations=0)
    StoryEvidenceFactory(story=story, theme=theme)
    orphan = OrphanFactory(signature=signature, detail=SCRIPT, conversations=0)
    rows = {
        "source": run.source, "run": run, "conversation": conversation, "theme": theme,
        "signature": signature, "story": story, "orphan": orphan,
    }  # fmt: skip
    for address in (list_of(noun), page_of(rows[noun]), "/admin/"):
        page = read(owner, address)
        assert SCRIPT not in page
        assert "&lt;script&gt;" in page


def test_pieces_joined_are_the_text() -> None:
    text = "one two three four"
    pieces = pieces_of(text, [Span(0, 7, 1), Span(4, 13, 2)])
    assert "".join(piece.text for piece in pieces) == text
    assert [(piece.text, piece.marks, piece.ends) for piece in pieces] == [
        ("one ", (1,), ()), ("two", (1, 2), (1,)), (" three", (2,), (2,)), (" four", (), ()),
    ]  # fmt: skip


def test_a_quote_that_spans_messages_is_marked_in_both() -> None:
    messages = [{"role": "customer", "text": "It broke."}, {"role": "customer", "text": "Again."}]
    version = ConversationFactory(messages=messages).current_version
    start, end = version.text.index("broke"), version.text.index("Again") + 5
    turns = turns_of(version, [Span(start, end, 1)])
    assert [[piece.text for piece in turn.pieces if piece.marks] for turn in turns] == [["broke."], ["Again"]]


def test_an_excerpt_keeps_to_whole_words_around_the_quote() -> None:
    text = f"{'before ' * 60}the quote{' after' * 60}"
    theme = ThemeFactory(item__conversation__text=text, quote=None)
    EvidenceFactory(theme=theme, quote="the quote")
    (excerpt,) = excerpts_of(list(theme.evidence.all()))
    shown = "".join(piece.text for turn in excerpt.turns for piece in turn.pieces)
    assert set(shown.split()) == {"before", "the", "quote", "after"}
    assert len(shown) < 400
    assert excerpt.goes_before
    assert excerpt.goes_on


# --- The rows all tests are made of -------------------------------------------------------------------------------


def test_factories_make_rows_that_fit_together() -> None:
    theme = ThemeFactory()
    quote = theme.evidence.get()
    assert quote.version.text[quote.start : quote.end] == quote.quote
    assert (theme.item.run, theme.item.conversation) == (theme.run, theme.conversation)
    assert theme.run.source == theme.conversation.source


def test_factories_make_runs_and_items_of_every_state() -> None:
    for state in Run.State.values:
        RunFactory(state=state)
    for state in Item.State.values:
        ItemFactory(state=state)
    assert Run.objects.count() == len(Run.State.values) + len(Item.State.values)
