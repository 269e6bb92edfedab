"""A source that was imported by mistake goes with all that hangs on it, and nothing else changes."""

import io
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from pipeline.ledger.errors import RunError
from pipeline.models import Conversation, MergePass, Orphan, Run, Signature, Source, Story, StoryEvidence, Theme
from pipeline.runs.create import RunIsLive
from pipeline.runs.delete_source import delete_source, what_hangs_on
from tests.support.decided import broken_promises
from tests.support.seeding import finish, first_run, scripts, seed, start

pytestmark = pytest.mark.django_db(transaction=True)


STAYS = ("Registry", "Signature", "SignatureRoot", "MergePass")
"""What the mistake leaves behind: names of problems, which bear nothing any more, and the record of the passes.

Of signatures all that bear themes are compared, of passes those that were there before; what came since is named."""

WHEN = {"updated_at", "titled_at", "title_size", "in_title"}
"""When a row was last looked at, and of how many conversations the title was chosen, which is the same."""


def everything() -> dict[str, list[Any]]:
    """Return all rows of the pipeline but what the mistake leaves behind, and all signatures that bear themes."""
    tables = [model for model in apps.get_app_config("pipeline").get_models() if model.__name__ not in STAYS]
    rows = {
        model.__name__: sorted(
            (
                {name: value for name, value in row.items() if name not in WHEN}
                for row in model._default_manager.values()
            ),
            key=str,
        )
        for model in tables
    }
    borne = Signature.objects.filter(size__gt=0).order_by("pk")
    return {**rows, "Signature": list(borne.values("key", "size", "vector_model", "root_link__root__key"))}


def passes() -> list[Any]:
    """Return the record of all passes, the oldest first: a history, of which nothing is ever changed or removed."""
    return list(MergePass.objects.order_by("pk").values())


def since(before: list[Any]) -> list[tuple[str, int | None, int, int]]:
    """Return kind, run, themes looked at and new themes of each pass that came after these."""
    return [(one["kind"], one["run_id"], one["theme_count"], one["new_count"]) for one in passes()[len(before) :]]


@pytest.fixture
def kept() -> Source:
    """A source that was read, with stories of four conversations each."""
    return first_run(scripts(3, 4), name="kept").source


def test_what_only_the_mistake_brought_goes_and_the_rest_is_as_before(kept: Source) -> None:
    before, passes_before = everything(), passes()
    mistake = seed(scripts(5, 3), name="mistake")
    finish(start(mistake))
    assert Story.objects.count() == 5
    gone = delete_source(source=mistake)
    assert (gone.conversations, gone.runs, gone.emptied, gone.shrunken) == (15, 1, 2, 3)
    assert everything() == before
    assert passes()[: len(passes_before)] == passes_before
    assert since(passes_before) == [("consolidation", None, 27, 15), ("consolidation", None, 12, 0)]
    assert broken_promises() == []


def test_a_small_mistake_is_counted_out_of_what_stays_and_nothing_is_grouped_again(kept: Source) -> None:
    """Sums and sizes of signatures are those of the themes that are there, or later runs would join what is gone."""
    before = dict(Signature.objects.values_list("key", "size"))
    mistake = seed(scripts(2, 1), name="mistake")
    finish(start(mistake))
    assert dict(Signature.objects.values_list("key", "size")) != before
    delete_source(source=mistake)
    assert dict(Signature.objects.values_list("key", "size")) == before
    assert broken_promises() == []
    assert MergePass.objects.filter(run=None).count() == 1  # that of the mistake; its run is gone


def test_it_says_how_much_hangs_on_it_before(kept: Source) -> None:
    finish(start(mistake := seed(scripts(4, 3), name="mistake")))
    said = str(what_hangs_on(mistake))
    assert said == "12 conversations, 1 run, 12 themes and 1 story; 3 stories would lose some of their conversations"


def test_a_story_that_people_worked_on_stays(kept: Source) -> None:
    mistake = seed(scripts(4, 3), name="mistake")
    finish(start(mistake))
    mine = Story.objects.exclude(evidence__conversation__source=kept).get()
    Story.objects.filter(pk=mine.pk).update(status=Story.Status.APPROVED)
    assert "1 story that people worked on would be kept without conversations" in str(what_hangs_on(mistake))
    delete_source(source=mistake)
    assert not StoryEvidence.objects.filter(story=mine).exists()
    assert Story.objects.filter(pk=mine.pk).exists()


def test_orphans_of_the_mistake_go(kept: Source) -> None:
    mistake = seed(["nr 1 name=lonely_problem problem=99"], name="mistake")
    finish(start(mistake))
    assert Orphan.objects.filter(signature__key="lonely_problem", graduated_at__isnull=True).exists()
    delete_source(source=mistake)
    assert not Orphan.objects.filter(signature__key="lonely_problem").exists()


def test_it_refuses_while_a_run_is_live(kept: Source) -> None:
    start(kept)
    with pytest.raises(RunIsLive):
        delete_source(source=kept)
    assert Source.objects.filter(pk=kept.pk).exists()
    assert Conversation.objects.filter(source=kept).count() == 12


def test_a_source_that_is_gone_already_is_said() -> None:
    source = seed(scripts(1, 1))
    delete_source(source=Source.objects.get(pk=source.pk))
    with pytest.raises(RunError, match="no longer exists"):
        delete_source(source=source)


# --- The command --------------------------------------------------------------------------------------------------


def test_the_command_says_how_much_and_asks(kept: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("builtins.input", lambda _: "n")
    call_command("delete_source", "file:kept", stdout=out)
    assert "12 conversations, 1 run, 12 themes and 3 stories" in out.getvalue()
    assert "Nothing was removed." in out.getvalue()
    assert Source.objects.filter(pk=kept.pk).exists()
    monkeypatch.setattr("builtins.input", lambda _: "y")
    call_command("delete_source", "file:kept", stdout=out)
    assert not any(model.objects.exists() for model in (Source, Run, Conversation, Theme, Story, Orphan))


def test_the_command_names_the_sources_there_are(kept: Source) -> None:
    with pytest.raises(CommandError, match=r"no source 'file:nope'\. Sources: file:kept"):
        call_command("delete_source", "file:nope", "--yes")


# --- The admin ----------------------------------------------------------------------------------------------------


def test_the_admin_says_how_much_and_removes_what_is_confirmed(kept: Source, client: Client) -> None:
    client.force_login(User.objects.create_superuser("alice"))
    chosen = {"action": "remove", "_selected_action": [kept.pk]}
    url = reverse("admin:pipeline_source_changelist")
    page = client.post(url, chosen)
    assert "12 conversations, 1 run, 12 themes and 3 stories" in page.content.decode()
    assert Source.objects.filter(pk=kept.pk).exists()
    client.post(url, {**chosen, "_confirmed": "Remove"})
    assert not Source.objects.filter(pk=kept.pk).exists()


def test_the_admin_offers_it_to_those_who_may(kept: Source, client: Client) -> None:
    client.force_login(User.objects.create_user("bob", is_staff=True))
    client.post(
        reverse("admin:pipeline_source_changelist"),
        {"action": "remove", "_selected_action": [kept.pk], "_confirmed": "Remove"},
    )
    assert Source.objects.filter(pk=kept.pk).exists()
