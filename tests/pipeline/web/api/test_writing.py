"""What programs decide: the same as people on the pages, in the name of whom the token acts for, and undone alike."""

from typing import Any

import pytest

from pipeline.models import Change, Company, Merge, Orphan, Rename, Run, Story
from tests.pipeline.web.api.programs import Program, problem, somebody
from tests.support.decided import broken_promises, state
from tests.support.factories import NOON, OrphanFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def stories(run: Run) -> tuple[Story, Story]:
    first, second = Story.objects.open().order_by("id")
    return first, second


@pytest.fixture
def orphan(run: Run) -> Orphan:
    found: Orphan = Orphan.objects.waiting().get()
    return found


def test_a_status_is_changed_and_taken_back(program: Program, stories: tuple[Story, Story]) -> None:
    before = state()
    [record] = program.do(f"/stories/{stories[0].pk}/status", status="approved", reason="we see it too")["records"]
    change = Change.objects.get()
    assert (record["kind"], record["id"], record["created_by"]) == ("change", change.pk, "the admin")
    assert (change.created_by, change.reason) == (somebody("admin"), "we see it too")
    assert Story.objects.get(pk=stories[0].pk).status == "approved"
    assert program.do(f"/stories/{stories[0].pk}/status", status="approved")["records"] == []
    [undone] = program.do(f"/decisions/change/{change.pk}/undo")["records"]
    assert undone["undone_at"]
    assert state() == before
    assert problem(program.send(f"/decisions/change/{change.pk}/undo"))["status"] == 409


def test_a_story_is_renamed_and_given_to_somebody(program: Program, stories: tuple[Story, Story]) -> None:
    somebody("viewer")
    records = program.do(
        f"/stories/{stories[0].pk}", "PATCH", title="  Nobody  can log in ", owner="the viewer",
        ticket_url="https://tickets.example.org/7",
    )["records"]  # fmt: skip
    assert len(records) == 3
    told = program.read(f"/stories/{stories[0].pk}")
    assert (told["title"], told["owner"]) == ("Nobody can log in", "the viewer")
    for body in ({"owner": "a stranger"}, {"ticket_url": "javascript:alert(1)"}, {"title": " "}, {"titel": "x"}):
        assert problem(program.send(f"/stories/{stories[0].pk}", "PATCH", **body))["code"] == "invalid"


def test_merge_veto_split_move_and_rename(program: Program, stories: tuple[Story, Story]) -> None:
    first, second = (story.signature_id for story in stories)
    before = state()
    [merged] = program.do("/decisions/merge", child=first, parent=second)["records"]
    assert Merge.objects.get(pk=merged["id"]).reason.startswith("by the API, token ")
    assert program.read(f"/stories/{stories[0].pk}")["absorbed_by_id"] == stories[1].pk
    refused = problem(program.send("/decisions/veto", first=first, second=second))
    assert refused["status"] == 409
    assert "are currently merged" in refused["detail"]
    program.do(f"/decisions/merge/{merged['id']}/undo")
    assert state() == before
    [vetoed] = program.do("/decisions/veto", first=first, second=second)["records"]
    refused = problem(program.send("/decisions/merge", child=first, parent=second))
    assert refused["detail"].startswith("A veto keeps them apart")
    chosen = [row["conversation_id"] for row in program.read(f"/stories/{stories[0].pk}/conversations")["items"]][:1]
    [split] = program.do("/decisions/split", signature=first, conversations=chosen, name="another thing")["records"]
    theme = program.read(f"/themes?conversation={chosen[0]}")["items"][0]
    assert theme["root"] == "another_thing"
    [moved] = program.do("/decisions/move", theme=theme["id"], target=second)["records"]
    [renamed] = program.do("/decisions/rename", signature=second, name="quite another")["records"]
    assert Rename.objects.get(pk=renamed["id"]).new_key == "quite_another"
    assert broken_promises() == []
    for record in (renamed, moved, split, vetoed):
        program.do(f"/decisions/{record['kind']}/{record['id']}/undo")
    assert state() == before


def test_decisions_are_listed(program: Program, stories: tuple[Story, Story]) -> None:
    program.do("/decisions/veto", first=stories[0].signature_id, second=stories[1].signature_id)
    [told] = program.read("/decisions", kind="veto", profile="support", standing=True)["items"]
    assert told["what"].endswith("never merge")
    assert program.read("/decisions", kind="veto", standing=False)["items"] == []
    assert program.read("/decisions", kind="merge", by="people")["items"] == []
    assert program.read("/decisions", kind="change", profile="support")["items"] == []
    assert problem(program.get("/decisions", kind="nothing"))["code"] == "invalid"
    assert isinstance(program.read("/pairs", profile="support"), list)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"threshold": 0.5, "name": "x", "conversations": [1]},
        {"conversations": [1]},
        {"name": "x"},
        {"threshold": 2},
    ],
    ids=str,
)
def test_a_split_says_what_is_taken_out(program: Program, body: dict[str, Any]) -> None:
    answer = program.send("/decisions/split", signature=7, **body)
    assert problem(answer)["code"] == "invalid"


def test_an_orphan_is_promoted_joined_dismissed_and_restored(program: Program, orphan: Orphan) -> None:
    before = state()
    program.do(f"/orphans/{orphan.pk}/dismiss")
    assert program.read(f"/orphans/{orphan.pk}")["dismissed_by"] == "the admin"
    program.do(f"/orphans/{orphan.pk}/restore")
    assert state() == before
    [promoted] = program.do(f"/orphans/{orphan.pk}/promote")["records"]
    assert Story.objects.open().filter(signature=orphan.signature).exists()
    assert problem(program.send(f"/orphans/{orphan.pk}/dismiss"))["status"] == 409
    program.do(f"/decisions/change/{promoted['id']}/undo")
    assert state() == before
    story = Story.objects.open().order_by("id").first()
    assert story
    [joined] = program.do(f"/orphans/{orphan.pk}/join", story=story.pk)["records"]
    assert program.read(f"/signatures/{orphan.signature_id}")["story_id"] == story.pk
    program.do(f"/decisions/merge/{joined['id']}/undo")
    assert state() == before


def test_an_orphan_near_no_story_joins_none(program: Program) -> None:
    orphan = OrphanFactory(conversations=1)
    assert "no open story near" in problem(program.send(f"/orphans/{orphan.pk}/join"))["detail"]


def test_a_companys_status_is_set_and_cleared(program: Program) -> None:
    company = Company.objects.create(external_id="c1", name="Firm", created_at=NOON, updated_at=NOON)
    assert problem(program.send(f"/companies/{company.pk}/override", status="operational"))["code"] == "invalid"
    set_ = program.do(f"/companies/{company.pk}/override", status="operational", reason="we called them")
    assert (set_["status"], set_["concluded"]) == ("operational", "unknown")
    told = program.read(f"/companies/{company.pk}")
    assert (told["override_by"], told["history"][0]["reason"]) == ("the admin", "we called them")
    assert program.do(f"/companies/{company.pk}/clear")["status"] == "unknown"
    assert "nothing to clear" in problem(program.send(f"/companies/{company.pk}/clear"))["detail"]


def test_what_does_not_exist_is_not_decided_about(program: Program) -> None:
    for where, body in (
        ("/stories/9/status", {"status": "done"}),
        ("/orphans/9/promote", {}),
        ("/decisions/merge", {"child": 8, "parent": 9}),
        ("/decisions/move", {"theme": 8, "target": 9}),
        ("/decisions/veto/9/undo", {}),
        ("/companies/9/clear", {}),
        ("/runs/9/stop", {}),
        ("/runs/9/resume", {}),
        ("/runs/9/salvage", {}),
        ("/runs/9/stories", {}),
    ):
        assert problem(program.send(where, **body))["code"] == "not_found", where
