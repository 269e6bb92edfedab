"""Vocabularies, documents, holds and judgements in the admin: what is shown, and what may be written by hand."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from pipeline import review
from pipeline.models import Call, ContextDocument, Hold, Judgement, VocabularyVersion
from pipeline.web.admin.base import url_of
from tests.support.factories import NOON, StoryFactory, alice, bob

pytestmark = pytest.mark.django_db

VOCABULARY = {
    "entries": [{"key": "calendar_sync_fails", "description": "Events do not arrive.", "area": "calendar"}],
    "distinctions": [{"terms": ["refund", "chargeback"], "how": "a bank starts a chargeback"}],
    "areas": {"*/billing/*": "billing"},
}


@pytest.fixture
def owner() -> Client:
    client = Client()
    client.force_login(alice())
    return client


def add(model: str) -> str:
    return reverse(f"admin:pipeline_{model}_add")


def test_a_vocabulary_is_added_as_the_next_version_and_shown(owner: Client) -> None:
    for number in (1, 2):
        sent = {"profile": "support", "content": json.dumps(VOCABULARY), "is_strict": "on"}
        owner.post(add("vocabularyversion"), sent)
        stored = VocabularyVersion.objects.get(number=number)
        assert (stored.created_by, stored.is_strict, stored.content) == (alice(), True, VOCABULARY)
    shown = owner.get(url_of(stored)).content.decode()
    for told in ("Events do not arrive.", "refund / chargeback", "*/billing/*", "strict"):
        assert told in shown


@pytest.mark.parametrize("content", ['{"entries": [{"name": "x"}]}', "[]", "{"])
def test_a_vocabulary_that_no_reader_could_use_is_refused_with_the_reason(owner: Client, content: str) -> None:
    shown = owner.post(add("vocabularyversion"), {"profile": "support", "content": content})
    assert shown.status_code == 200
    assert "errorlist" in shown.content.decode()
    assert not VocabularyVersion.objects.exists()


def test_a_document_is_added_changed_and_taken_away(owner: Client) -> None:
    sent = {"profile": "support", "name": "refunds.md", "area": "billing", "text": "Refunds take five days."}
    owner.post(add("contextdocument"), sent)
    stored = ContextDocument.objects.get()
    assert (stored.text, len(stored.content_hash)) == ("Refunds take five days.", 64)
    owner.post(url_of(stored), {**sent, "text": "Refunds take six days."})
    changed = ContextDocument.objects.get()
    assert (changed.pk, changed.text) == (stored.pk, "Refunds take six days.")
    assert changed.content_hash != stored.content_hash
    owner.post(url_of(changed), {**sent, "name": "money-back.md"})
    assert ContextDocument.objects.get().name == "money-back.md"
    delete = reverse("admin:pipeline_contextdocument_delete", args=[ContextDocument.objects.get().pk])
    owner.post(delete, {"post": "yes"})
    assert not ContextDocument.objects.exists()


def test_who_may_not_write_them_reads_them(owner: Client) -> None:
    reader = Client()
    reader.force_login(bob())
    assert reader.get(add("vocabularyversion")).status_code == 403
    assert reader.get(add("contextdocument")).status_code == 403
    assert reader.get(reverse("admin:pipeline_vocabularyversion_changelist")).status_code == 200


def test_a_judgement_shows_what_was_answered_and_its_decision_who_decided(owner: Client) -> None:
    story = StoryFactory()
    judgement = Judgement.objects.create(
        run=story.first_run, about="group", first=story.signature, request_hash="x", state="answered", verdict="reject",
        reason="Nothing in common.", outcome="held", created_at=NOON, ended_at=NOON,
    )  # fmt: skip
    Call.objects.create(judgement=judgement, step="review", attempt=1, answer="<script>", answered_at=NOON, model="m-1")
    by = review.ModelActor("m-1", judgement.pk)
    hold = review.hold_group(signature=story.signature, by=by, reason="Nothing in common.")
    shown = owner.get(url_of(judgement)).content.decode()
    assert "Nothing in common." in shown
    assert "<script>alert" not in shown
    page = owner.get(url_of(hold)).content.decode()
    assert "model:m-1" in page
    assert f"judgement {judgement.pk}" in page
    for model in ("hold", "judgement"):
        assert owner.get(reverse(f"admin:pipeline_{model}_changelist")).status_code == 200
    assert "model:m-1" in owner.get(url_of(story.signature)).content.decode()
    owner.post(f"{url_of(hold)}".replace("change/", "undo/"))
    assert not Hold.objects.get().stands
