"""Lists give as a file what they show, to those who may have it, and names only to those who ask and may see them."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from pipeline.models import Conversation, Orphan, Run, SearchText, Story, Theme
from tests.pipeline.web.pages.scenes import address, client_of, person
from tests.support.factories import ConversationFactory, OrphanFactory, alice

pytestmark = pytest.mark.django_db


def table(client: Client, at: str, **query: Any) -> list[dict[str, str]]:
    answer = client.get(at, {"format": "csv", **query})
    assert answer.status_code == 200, answer
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def test_orphans_are_those_of_the_list(bob: Client) -> None:
    shown, other = OrphanFactory(signature__key="printer_jams"), OrphanFactory(signature__key="door_squeaks")
    assert {row["id"] for row in table(bob, address("orphans_export"))} == {str(shown.pk), str(other.pk)}
    assert [row["id"] for row in table(bob, address("orphans_export"), q="printer")] == [str(shown.pk)]
    Orphan.objects.filter(pk=other.pk).update(dismissed_at=other.created_at)
    assert [row["id"] for row in table(bob, address("orphans_export"), show="dismissed")] == [str(other.pk)]


def test_conversations_are_those_that_the_search_finds(bob: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for word in ("printer", "door"):
        made = ConversationFactory(text=f"The {word} is broken", customer=f"{word} owner")
        SearchText.objects.create(conversation=made, version=made.current_version, config="simple", words=word)
    assert len(table(bob, address("search_export"))) == 2
    [found] = table(bob, address("search_export"), q="printer")
    assert found["text"] == "The printer is broken"
    assert [row["text"] for row in table(bob, address("search_export"), customer="door owner")] == [
        "The door is broken"
    ]
    monkeypatch.setattr("pipeline.reports.search.MOST_FOUND", 0)
    told = bob.get(address("search_export"), {"q": "printer", "format": "csv"}, follow=True)
    assert "narrow the search to export it" in told.content.decode()


def test_a_story_a_customer_a_run_and_the_map_offer_what_is_theirs(bob: Client, run: Run) -> None:
    story = Story.objects.open().order_by("id")[0]
    mine = set(story.evidence.values_list("conversation__external_id", flat=True))
    page = bob.get(address("story", story.pk)).content.decode()
    for what in ("conversations", "themes"):
        at = reverse("admin:export", args=[what, "csv"])
        assert f'href="{at}?story={story.pk}"' in page
    assert {
        row["id"] for row in table(bob, reverse("admin:export", args=["conversations", "csv"]), story=story.pk)
    } == mine
    themes = table(bob, reverse("admin:export", args=["themes", "csv"]), story=story.pk)
    assert {row["conversation"] for row in themes} == mine
    assert {row["story"] for row in themes} == {story.title}
    assert table(bob, reverse("admin:export", args=["themes", "csv"]), story=999_999) == []
    shown = bob.get(address("run", run.pk)).content.decode()
    for what in ("stories", "orphans", "themes", "merges", "conversations"):
        assert f"/export/{what}.xlsx?run={run.pk}" in shown, what
    customer = Conversation.objects.exclude(customer="").order_by("pk")[0].customer
    assert "/export/conversations.md?customer=" in bob.get(address("customer"), {"name": customer}).content.decode()


def test_links_carry_the_filters_of_the_list_and_names_are_offered_to_those_who_may_see_them(bob: Client) -> None:
    page = bob.get(address("stories"), {"status": "all", "q": "lamp", "page": "1"}).content.decode()
    assert f"{address('stories_export')}?status=all&amp;q=lamp&amp;format=xlsx" in page
    assert "private=1" in page
    viewer = person("vic", "view_story", "view_orphan")
    assert not viewer.has_perm("pipeline.view_conversation")
    shown = client_of(viewer).get(address("stories")).content.decode()
    assert "format=xlsx" in shown
    assert "private=1" not in shown


@pytest.mark.parametrize(
    ("at", "right"),
    [
        ("stories_export", "view_story"), ("orphans_export", "view_orphan"), ("search_export", "view_conversation"),
    ],
)  # fmt: skip
def test_a_file_needs_the_right_to_see_its_rows_and_another_for_names(at: str, right: str) -> None:
    others = Permission.objects.filter(codename__startswith="view_").exclude(codename__in=[right, "view_conversation"])
    mine = person("vic", right)
    assert client_of(mine).get(address(at), {"format": "csv"}).status_code == 200
    private = client_of(mine).get(address(at), {"format": "csv", "private": "1"})
    assert private.status_code == (200 if right == "view_conversation" else 403)
    mine.user_permissions.set(others)
    assert client_of(mine).get(address(at), {"format": "csv"}).status_code == 403
    assert client_of(person("bob", right)).get(address(at), {"format": "nonsense"}).status_code in (200, 404)


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        ("story", "title"), ("orphan", "signature"), ("theme", "raw_signature"), ("signature", "root"),
        ("conversation", "text"),
    ],
)  # fmt: skip
def test_the_lists_of_administration_give_what_is_chosen_redacted(run: Run, model: str, columns: str) -> None:
    client = client_of(alice())
    at = reverse(f"admin:pipeline_{model}_changelist")
    rows = client.get(at).context["cl"].result_list
    chosen = {"action": "export_csv", "_selected_action": [rows[0].pk]}
    answer = client.post(at, chosen)
    found = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert found
    assert columns in found[0]
    every = client.post(at, {**chosen, "select_across": "1"}).getvalue().decode()
    assert len(every) >= len(answer.getvalue().decode())
    assert Theme.objects.exists()
    if model == "conversation":
        assert found[0]["customer"].startswith("customer-")
