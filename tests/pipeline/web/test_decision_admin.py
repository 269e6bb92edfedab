"""The pages on which people decide about signatures: form, confirmation, decision, ledger, undo, review queue."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pipeline import review
from pipeline.models import Conversation, Decision, Merge, Orphan, Run, Signature, Split, Story, Theme, Veto
from pipeline.review.reviewed import ReviewedPair, reviewed_pairs
from pipeline.web.admin.base import url_of
from tests.support.decided import broken_promises, state
from tests.support.factories import SignatureFactory, alice, bob
from tests.support.scenes import scene
from tests.support.seeding import finish, seed, start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("found")]

SCRIPT = "<script>alert(1)</script>"


@scene
def found() -> None:
    """One story, Sync, and three orphans, of which two lie near each other."""
    texts = [
        *(f"nr {n} name=sync_fails problem=1" for n in range(4)),
        *(f"nr {n} name=login_fails problem=2" for n in range(2)),
        *(f"nr {n} name=card_charged_twice problem=3" for n in range(2)),
        "nr 9 name=export_is_empty problem=4",
    ]
    finish(start(seed(texts)))
    assert (Story.objects.count(), Orphan.objects.count()) == (1, 3)


@pytest.fixture
def decider() -> Client:
    """Dora, who may do what Bob may, and decide about signatures."""
    return client_of(dora())


def dora() -> User:
    person, is_new = User.objects.get_or_create(username="dora", is_staff=True)
    if is_new:
        person.user_permissions.set(bob().user_permissions.all())
        person.user_permissions.add(Permission.objects.get(codename="change_signature"))
    return person


@pytest.fixture
def reader() -> Client:
    return client_of(bob())


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def sig(key: str) -> Signature:
    found: Signature = Signature.objects.get(key=key)
    return found


def page(row: Any, kind: str) -> str:
    return url_of(row).replace("/change/", f"/{kind}/")


def text_of(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


def confirmed(client: Client, address: str, **fields: object) -> str:
    """Fill in the form, look at what it would do, confirm; return the page that follows."""
    before = state()
    asked = text_of(client.post(address, fields))
    assert 'name="_confirmed"' in asked, asked
    assert state() == before
    return text_of(client.post(address, {**fields, "_confirmed": "yes"}, follow=True))


# --- Deciding -----------------------------------------------------------------------------------------------------


def test_a_merge_is_filled_in_shown_and_confirmed(decider: Client) -> None:
    address = page(sig("login_fails"), "merge")
    assert '<option value="sync_fails">' in text_of(decider.get(address))
    fields = {"other": "CardChargedTwice", "keeps_its_name": "this", "reason": "same bug"}
    assert "“card_charged_twice” will become “login_fails”" in text_of(decider.post(address, fields))
    told = confirmed(decider, address, **fields)
    merge = Merge.objects.get(rule="person")
    assert (str(merge), merge.reason, merge.created_by) == ("card_charged_twice into login_fails", "same bug", dora())
    assert "Merge: card_charged_twice into login_fails" in told
    assert url_of(merge) in told
    assert LogEntry.objects.get().change_message == "merge: card_charged_twice into login_fails"


def test_going_back_from_the_confirmation_keeps_what_was_written(decider: Client) -> None:
    fields = {"other": "sync_fails", "keeps_its_name": "other", "reason": "the same, I think", "_back": "yes"}
    again = text_of(decider.post(page(sig("login_fails"), "merge"), fields))
    assert 'value="the same, I think"' in again
    assert 'name="_confirmed"' not in again


def test_two_chosen_in_the_list_lead_to_the_merge_of_them(decider: Client) -> None:
    address = reverse("admin:pipeline_signature_changelist")
    chosen = [sig("sync_fails").pk, sig("login_fails").pk]
    response = decider.post(address, {"action": "merge_two", "_selected_action": chosen}, follow=True)
    assert 'value="sync_fails"' in text_of(response)
    one = decider.post(address, {"action": "merge_two", "_selected_action": chosen[:1]}, follow=True)
    assert "Choose two signatures to merge." in text_of(one)


def test_a_split_takes_the_ticked_conversations(decider: Client) -> None:
    signature = sig("sync_fails")
    address = page(signature, "split")
    chosen = list(Conversation.objects.filter(themes__signature=signature).order_by("id").values_list("pk", flat=True))
    assert all(f'value="{pk}"' in text_of(decider.get(address)) for pk in chosen)
    confirmed(decider, address, conversations=chosen[:1], name="Calendar is empty", reason="")
    split = Split.objects.get()
    assert (str(split), split.moves.count()) == ("calendar_is_empty out of sync_fails", 1)
    ledger = text_of(decider.get(url_of(split)))
    assert "conversations test-0" in ledger


def test_a_split_by_threshold_shows_the_parts_first(decider: Client) -> None:
    review.merge_signatures(child=sig("login_fails"), parent=sig("sync_fails"), by=alice())
    address = page(sig("sync_fails"), "split")
    assert "2 parts at 0.5" in text_of(decider.post(address, {"threshold": "0.5"}))
    confirmed(decider, address, threshold="0.5")
    assert Split.objects.get().threshold == 0.5


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "Either choose conversations or give a threshold, not both."),
        ({"threshold": "0.5", "conversations": ["first"]}, "not both."),
        ({"conversations": ["first"]}, "What are the chosen conversations about?"),
        ({"threshold": "-1"}, "sync_fails stays in one piece"),
        (
            {"conversations": ["first"], "name": "login_fails", "_confirmed": "yes"},
            "is already the name of a signature",
        ),
    ],
)
def test_a_split_that_makes_no_sense_is_explained_on_the_form(
    decider: Client, fields: dict[str, Any], complaint: str
) -> None:
    signature = sig("sync_fails")
    first = Conversation.objects.filter(themes__signature=signature).order_by("id")[0].pk
    filled = {name: [first] if value == ["first"] else value for name, value in fields.items()}
    assert complaint in text_of(decider.post(page(signature, "split"), filled))
    assert not Split.objects.exists()


def test_a_theme_is_moved_from_its_page(decider: Client) -> None:
    theme = Theme.objects.filter(signature=sig("sync_fails")).order_by("id")[0]
    assert "Move to another signature" in text_of(decider.get(url_of(theme)))
    told = confirmed(decider, page(theme, "move"), other="login_fails", reason="it is about passwords")
    theme.refresh_from_db()
    assert (theme.signature, "it is about passwords" in told) == (sig("login_fails"), True)


def test_a_rename_and_a_veto_are_taken_on_their_pages(decider: Client) -> None:
    confirmed(decider, page(sig("sync_fails"), "rename"), name="Calendars drift")
    told = confirmed(decider, page(sig("calendars_drift"), "veto"), other="login_fails", reason="two teams")
    assert "login_fails and calendars_drift never merge" in told
    assert "two teams" in text_of(decider.get(url_of(Veto.objects.get())))


def test_a_name_the_profile_does_not_have_is_explained(decider: Client) -> None:
    other_profile = SignatureFactory(profile="sample", key="somewhere_else", normal_form="somewhereelse")
    answer = text_of(decider.post(page(sig("sync_fails"), "merge"), {"other": other_profile.key}))
    assert "The profile support has no signature with this name." in answer


# --- Undoing ------------------------------------------------------------------------------------------------------


def test_the_ledger_undoes_after_asking(decider: Client) -> None:
    before = state()
    merge = review.merge_signatures(child=sig("login_fails"), parent=sig("card_charged_twice"), by=alice())
    assert "Undo it" in text_of(decider.get(url_of(merge)))
    asked = text_of(decider.get(page(merge, "undo")))
    assert "login_fails into card_charged_twice" in asked
    decider.post(page(merge, "undo"))
    merge.refresh_from_db()
    assert (merge.undone_by, state()) == (dora(), before)
    assert "undone" in text_of(decider.get(url_of(merge)))
    assert "has already been undone" in text_of(decider.post(page(merge, "undo"), follow=True))


def test_what_a_rule_merged_is_undone_for_good_with_one_button(decider: Client) -> None:
    finish(start(seed(["nr 20 name=calendar_sync problem=1"], name="later")))
    merge = Merge.objects.get(child__key="calendar_sync")
    decider.post(page(merge, "undo"), {"_veto": "yes"})
    veto = Veto.objects.get()
    assert {veto.first.key, veto.second.key} == {"calendar_sync", "sync_fails"}
    assert (veto.reason, broken_promises()) == ("after undoing the merge by registry", [])


def test_a_refused_undo_names_what_depends_on_it(decider: Client) -> None:
    first = Conversation.objects.order_by("id").values_list("pk", flat=True)[:1]
    split = review.split_signature(signature=sig("sync_fails"), conversations=first, name="new_one", by=alice())
    review.veto(first=split.made, second=sig("login_fails"), by=alice())
    answer = text_of(decider.post(page(split, "undo"), follow=True))
    assert "A later veto depends on it: login_fails and new_one never merge. Undo that first." in answer
    split.refresh_from_db()
    assert split.stands


def test_the_ledger_leads_to_the_story_that_absorbed_another(decider: Client) -> None:
    finish(start(seed(["nr 30 name=login_fails problem=2"], name="one more")))
    absorbed, absorber = Story.objects.get(title="Login fails"), Story.objects.get(title="Sync fails")
    merge = review.merge_signatures(child=absorbed.signature, parent=absorber.signature, by=alice())
    shown = text_of(decider.get(url_of(merge)))
    assert "Login fails, absorbed by" in shown
    assert url_of(absorber) in shown
    assert url_of(absorbed) not in shown


# --- The review queue ---------------------------------------------------------------------------------------------

QUEUE = "/admin/pipeline/signature/pairs/"


def near_pair() -> tuple[Signature, Signature]:
    """Bring two orphans near to each other by their centres; together they have enough for a story."""
    first, second = sig("login_fails"), sig("card_charged_twice")
    Signature.objects.filter(pk=second.pk).update(vector_sum=first.vector_sum)
    return first, second


def test_the_queue_proposes_first_what_would_make_a_story(decider: Client) -> None:
    first, second = near_pair()
    sync, export = sig("sync_fails"), sig("export_is_empty")
    Signature.objects.filter(pk=export.pk).update(vector_sum=sync.vector_sum)
    pairs = review.uncertain_pairs("support", 10)
    assert [(pair.child.signature, pair.parent.signature, pair.tips, pair.effect) for pair in pairs] == [
        (first, second, True, "together 4 conversations: a story"),
        (export, sync, False, "the story “Sync fails” grows by 1"),
    ]
    shown = text_of(decider.get(QUEUE))
    assert shown.index("Together 4 conversations: a story") < shown.index("The story “Sync fails” grows by 1")
    assert "nr 0 name=login_fails problem=2" in shown


def test_yes_merges_and_no_keeps_apart_and_both_are_kept_as_labelled_pairs(decider: Client) -> None:
    first, second = near_pair()
    answer = {"child": first.pk, "parent": second.pk}
    decider.post(QUEUE, {**answer, "answer": "no"})
    assert (Veto.objects.get().created_by, Veto.objects.get().reason) == (dora(), "review queue")
    assert reviewed_pairs("support") == [ReviewedPair("card_charged_twice", "login_fails", False)]
    assert review.uncertain_pairs("support", 10) == []
    assert "Nothing to decide" in text_of(decider.get(QUEUE))
    assert "A veto keeps them apart" in text_of(decider.post(QUEUE, {**answer, "answer": "yes"}, follow=True))
    review.undo(decision=Veto.objects.get(), by=alice())
    decider.post(QUEUE, {**answer, "answer": "yes"})
    assert reviewed_pairs("support") == [ReviewedPair("login_fails", "card_charged_twice", True)]
    assert Story.objects.get(signature=second).evidence.count() == 4


@pytest.mark.parametrize("answer", ["", "maybe"])
def test_an_answer_that_is_neither_decides_nothing(decider: Client, answer: str) -> None:
    first, second = near_pair()
    told = decider.post(QUEUE, {"child": first.pk, "parent": second.pk, "answer": answer}, follow=True)
    assert "Answer yes or no." in text_of(told)
    assert not Veto.objects.exists()


@pytest.mark.parametrize("sent", ["", "abc", "-1", "²", "9" * 30])
def test_what_is_no_id_is_not_found(decider: Client, sent: str) -> None:
    first, _ = near_pair()
    for pair in ({"child": sent, "parent": first.pk}, {"child": first.pk, "parent": sent}):
        assert decider.post(QUEUE, {**pair, "answer": "yes"}).status_code == 404
    assert decider.get(f"/admin/pipeline/merge/{sent or 'abc'}/undo/", follow=True).status_code in (200, 404)
    assert not Merge.objects.filter(rule="person").exists()


def test_the_queue_counts_from_the_newest_run_that_is_no_preview(decider: Client) -> None:
    near_pair()
    run = Run.objects.get()
    assert run.as_of
    run.pk, run.is_preview, run.as_of = None, True, run.as_of + timedelta(days=90)
    run.save()
    assert review.uncertain_pairs("support", 1)[0].effect == "together 4 conversations: a story"


# --- What a person wrote ------------------------------------------------------------------------------------------


def test_a_story_that_somebody_wrote_in_outlives_the_undoing_of_the_merge_that_made_it(decider: Client) -> None:
    merge = review.merge_signatures(child=sig("login_fails"), parent=sig("card_charged_twice"), by=alice())
    made = Story.objects.get(signature=merge.parent)
    decider.post(url_of(made), {"title": made.title, "description": "Written in an hour."})
    made.refresh_from_db()
    assert (made.edited_by, made.edited_at is not None, made.reviewed_at) == (dora(), True, None)
    assert "by dora" in text_of(decider.get(url_of(made)))
    review.undo(decision=merge, by=alice())
    assert Story.objects.get(pk=made.pk).description == "Written in an hour."


def test_saving_a_story_without_a_change_is_no_edit(decider: Client) -> None:
    made = Story.objects.get()
    decider.post(url_of(made), {"title": made.title, "description": made.description})
    made.refresh_from_db()
    assert made.edited_at is None


def test_no_link_leads_from_an_orphan_to_a_story_that_is_not_open(decider: Client) -> None:
    orphan, near = Orphan.objects.earliest("id"), Story.objects.get()
    Orphan.objects.filter(pk=orphan.pk).update(nearest_story=near)
    assert url_of(near) in text_of(decider.get(url_of(orphan)))
    Story.objects.update(status="done")
    assert url_of(near) not in text_of(decider.get(url_of(orphan)))


# --- Who may, and what it costs -----------------------------------------------------------------------------------


def test_who_may_only_look_sees_the_queue_and_the_ledger_and_decides_nothing(reader: Client) -> None:
    first, second = near_pair()
    merge = review.merge_signatures(child=sig("export_is_empty"), parent=sig("sync_fails"), by=alice())
    for address in (QUEUE, url_of(merge), url_of(first), url_of(Theme.objects.earliest("id"))):
        shown = text_of(reader.get(address))
        assert "Yes, one problem" not in shown
        assert "Undo it" not in shown
        assert "Merge with another" not in shown
    before = state()
    for address in (page(first, "merge"), page(first, "split"), page(first, "rename"), page(first, "veto")):
        assert reader.get(address).status_code == 403
        assert reader.post(address, {"other": second.key, "_confirmed": "yes"}).status_code == 403
    assert reader.post(page(merge, "undo")).status_code == 403
    assert reader.post(QUEUE, {"child": first.pk, "parent": second.pk, "answer": "yes"}).status_code == 403
    assert state() == before


def test_strangers_are_sent_to_the_login() -> None:
    for address in (QUEUE, page(sig("sync_fails"), "merge"), page(sig("sync_fails"), "split")):
        assert Client().get(address).status_code == 302


def questions(client: Client, address: str) -> list[str]:
    text_of(client.get(address))
    with CaptureQueriesContext(connection) as captured:
        text_of(client.get(address))
    return [query["sql"] for query in captured.captured_queries]


def test_the_queue_asks_as_often_for_15_pairs_as_for_one(decider: Client) -> None:
    near_pair()
    few = questions(decider, QUEUE)
    texts = [f"nr {n} name=twin_{n % 12:02}_is_here problem={20 + n % 12}" for n in range(24)]
    finish(start(seed(texts, name="many")))
    made = list(Signature.objects.filter(key__startswith="twin_").order_by("id"))
    for one, other in zip(made[::2], made[1::2], strict=True):
        Signature.objects.filter(pk=other.pk).update(vector_sum=one.vector_sum)
    assert text_of(decider.get(QUEUE)).count("Yes, one problem") == 7
    many = questions(decider, QUEUE)
    assert len(many) == len(few) <= 25
    assert not any('"vector"' in sql for sql in many)


def ledger_with(count: int) -> list[Decision]:
    root = sig("sync_fails")
    names = [SignatureFactory(created_run=None, vector_sum=root.vector_sum) for _ in range(count)]
    vetoes = [review.veto(first=root, second=name, by=alice()) for name in names]
    merges = [review.merge_signatures(child=name, parent=sig("login_fails"), by=alice()) for name in names]
    return [*vetoes, *merges]


@pytest.mark.parametrize("noun", ["merge", "veto", "split", "move", "rename"])
def test_a_ledger_asks_as_often_for_many_rows_as_for_few(decider: Client, noun: str) -> None:
    address = reverse(f"admin:pipeline_{noun}_changelist")
    ledger_with(2)
    few = questions(decider, address)
    ledger_with(6)
    many = questions(decider, address)
    assert len(few) == len(many) <= 15
    assert not any('"vector_sum"' in sql or '"vector"' in sql for sql in many)


def test_what_people_write_is_shown_as_text(decider: Client) -> None:
    review.veto(first=sig("sync_fails"), second=sig("login_fails"), by=alice(), reason=SCRIPT)
    merge = review.merge_signatures(child=sig("export_is_empty"), parent=sig("sync_fails"), by=alice(), reason=SCRIPT)
    rows: list[Any] = [sig("sync_fails"), merge, Veto.objects.get()]
    for row in rows:
        shown = text_of(decider.get(url_of(row)))
        assert SCRIPT not in shown
        assert "&lt;script&gt;" in shown
