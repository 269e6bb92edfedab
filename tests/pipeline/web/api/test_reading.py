"""What programs read: each list and each row, page by page, narrowed, in a bounded number of questions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pipeline.models import Company, Conversation, Item, Orphan, Run, Signature, Story, Theme
from tests.pipeline.web.api.programs import Program, problem
from tests.support.factories import (
    NOON,
    ConversationFactory,
    ItemFactory,
    OrphanFactory,
    RunFactory,
    SignatureFactory,
    StoryFactory,
    ThemeFactory,
)

pytestmark = pytest.mark.django_db


def test_what_a_run_found_can_be_read_from_run_to_quote(program: Program, run: Run) -> None:
    [told] = program.read("/runs")["items"]
    assert (told["id"], told["state"], told["planned"], told["stories_new"]) == (run.pk, "completed", 9, 2)
    stories = program.read("/stories")["items"]
    assert sorted(story["conversations"] for story in stories) == [4, 4]
    story = program.read(f"/stories/{stories[0]['id']}")
    assert story == stories[0]
    inside = program.read(f"/stories/{story['id']}/conversations")["items"]
    assert len(inside) == 4
    assert all(each["quotes"] for each in inside)
    theme = program.read(f"/themes/{inside[0]['theme_id']}")
    assert theme["root_id"] == story["signature_id"]
    conversation = program.read(f"/conversations/{inside[0]['conversation_id']}")
    quote = theme["quotes"][0]
    text = "\n".join(message["text"] for message in conversation["messages"])
    assert text[quote["start"] : quote["end"]] == quote["quote"]
    assert conversation["stories"] == [{"id": story["id"], "title": story["title"]}]
    assert conversation["why"][-1].endswith(f"is the story “{story['title']}” (candidate).")
    [orphan] = program.read("/orphans")["items"]
    assert (orphan["missing_conversations"], orphan["conversations"]) == (2, 1)
    assert program.read(f"/signatures/{orphan['signature_id']}")["orphan_id"] == orphan["id"]
    assert program.read(f"/runs/{run.pk}/summary")["stories_new"] == 2


LISTS: dict[str, Callable[[], Any]] = {
    "/runs": lambda: RunFactory(),
    "/sources": lambda: RunFactory().source,
    "/stories": lambda: StoryFactory(conversations=2),
    "/orphans": lambda: OrphanFactory(conversations=1),
    "/themes": lambda: ThemeFactory(),
    "/signatures": lambda: SignatureFactory(),
    "/conversations": lambda: ConversationFactory(),
    "/search": lambda: ConversationFactory(),
    "/companies": lambda: a_company(Company.objects.count()),
    "/sessions": lambda: None,
}
"""Lists without a parameter of their own, and how a row gets into each."""


def a_company(number: int) -> Company:
    name = f"Firm {number // 2}"  # two of each name: the id tells them apart
    return Company.objects.create(external_id=f"c{number}", name=name, created_at=NOON, updated_at=NOON)


@pytest.mark.parametrize("where", [where for where in LISTS if where != "/sessions"])
def test_the_pages_of_a_list_hold_each_row_once(program: Program, where: str) -> None:
    for _ in range(5):
        LISTS[where]()
    whole = program.read(where, limit=200)
    assert whole["next"] is None
    assert len(whole["items"]) >= 5
    paged = program.all(where, limit=2)
    assert [row["id"] for row in paged] == [row["id"] for row in whole["items"]]


@pytest.mark.parametrize("where", [where for where in LISTS if where not in ("/sessions", "/companies")])
def test_a_row_that_comes_meanwhile_neither_repeats_nor_hides_another(program: Program, where: str) -> None:
    for _ in range(4):
        LISTS[where]()
    before = {row["id"] for row in program.read(where, limit=200)["items"]}
    first = program.read(where, limit=2)
    LISTS[where]()
    rest = program.all(where, cursor=first["next"])
    told = [row["id"] for row in [*first["items"], *rest]]
    assert len(told) == len(set(told))
    assert before <= set(told)


@pytest.mark.parametrize("where", LISTS)
@pytest.mark.parametrize("cursor", ["x", "e30", "WyJvdGhlciIsIDFd", "WyJuZXdlc3QiLCAiYSJd", "bnVsbA", "____"])
def test_a_cursor_that_is_none_of_ours_is_refused(program: Program, where: str, cursor: str) -> None:
    [field] = problem(program.get(where, cursor=cursor))["fields"]
    assert field["field"] == "query.cursor"


@pytest.mark.parametrize("where", [where for where in LISTS if where != "/sessions"])
def test_ten_times_the_rows_take_no_more_questions(program: Program, where: str) -> None:
    LISTS[where]()
    few = questions(program, where)
    for _ in range(9):
        LISTS[where]()
    assert questions(program, where) <= few
    assert few <= 15


def questions(program: Program, where: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        program.read(where, limit=200)
    return len(asked)


# --- Filters ------------------------------------------------------------------------------------------------------


def ids(program: Program, where: str, **query: Any) -> set[int]:
    return {row["id"] for row in program.read(where, limit=200, **query)["items"]}


def test_stories_are_narrowed(program: Program) -> None:
    one = StoryFactory(conversations=3, category="billing_question")
    other = StoryFactory(conversations=3, category="product_issue")
    done = StoryFactory(conversations=3, category="product_issue", status="done", title="A zebra on the crossing")
    assert ids(program, "/stories") == {one.pk, other.pk}
    assert ids(program, "/stories", status="all") == {one.pk, other.pk, done.pk}
    assert ids(program, "/stories", status="all", q="zebra") == {done.pk}
    assert ids(program, "/stories", category="billing_question") == {one.pk}
    assert ids(program, "/stories", owner="nobody there") == set()
    assert ids(program, "/stories", owner="none") == {one.pk, other.pk}
    run = one.evidence.first().run_id
    assert one.pk in ids(program, "/stories", run=run)
    assert ids(program, "/stories", profile="company") == set()


def test_a_copy_is_kept_by_what_changed_since(program: Program) -> None:
    old, new = StoryFactory(conversations=1), StoryFactory(conversations=1)
    Story.objects.filter(pk=new.pk).update(updated_at=NOON + timedelta(days=2))
    asked = {"status": "all", "order": "updated"}
    assert [row["id"] for row in program.all("/stories", limit=1, **asked)] == [old.pk, new.pk]
    since = (NOON + timedelta(days=1)).isoformat()
    assert ids(program, "/stories", updated_since=since, **asked) == {new.pk}


def test_a_cursor_belongs_to_its_order(program: Program) -> None:
    for _ in range(2):
        StoryFactory(conversations=1)
    cursor = program.read("/stories", limit=1)["next"]
    assert problem(program.get("/stories", order="updated", cursor=cursor))["code"] == "invalid"


def test_orphans_are_narrowed(program: Program) -> None:
    story = StoryFactory(conversations=3)
    near = OrphanFactory(conversations=1, nearest_story=story, nearest_cosine=0.7, missing_conversations=1)
    gone = OrphanFactory(conversations=1, dismissed_at=NOON)
    assert ids(program, "/orphans") == {near.pk}
    assert ids(program, "/orphans", show="near") == {near.pk}
    assert ids(program, "/orphans", show="tipping") == {near.pk}
    assert ids(program, "/orphans", show="dismissed") == {gone.pk}
    assert ids(program, "/orphans", q=near.signature.key.replace("_", " ")) == {near.pk}


def test_runs_and_their_conversations_are_narrowed(program: Program) -> None:
    run = RunFactory(state="failed")
    RunFactory()
    dry = RunFactory(is_preview=True)
    failed, read = ItemFactory(run=run, state="failed"), ItemFactory(run=run, state="extracted")
    assert ids(program, "/runs", state="failed") == {run.pk}
    assert dry.pk not in ids(program, "/runs")
    assert dry.pk in ids(program, "/runs", previews=True)
    assert ids(program, f"/runs/{run.pk}/items") == {failed.pk, read.pk}
    assert ids(program, f"/runs/{run.pk}/items", state="failed") == {failed.pk}
    assert ids(program, f"/runs/{run.pk}/items", error_class="Other") == set()


def test_conversations_and_themes_are_narrowed(program: Program) -> None:
    story = StoryFactory(conversations=2)
    other = ThemeFactory()
    inside = set(story.evidence.values_list("conversation", flat=True))
    assert ids(program, "/conversations", story=story.pk) == inside
    assert ids(program, "/conversations", external_id=other.conversation.external_id) == {other.conversation_id}
    assert ids(program, "/conversations", until=(NOON - timedelta(days=400)).isoformat()) == set()
    themes = set(story.evidence.values_list("theme", flat=True))
    assert ids(program, "/themes", story=story.pk) == themes
    assert ids(program, "/themes", signature=story.signature_id) == themes
    assert ids(program, "/themes", run=other.run_id) == {other.pk}
    assert ids(program, "/themes", conversation=other.conversation_id) == {other.pk}


def test_search_finds_by_words(program: Program, run: Run) -> None:
    found = program.read("/search", q="rare")
    assert found["total"] == len(found["items"]) == 1
    assert "rare" in found["items"][0]["excerpt"]
    assert program.read("/search", q="nothing says this")["total"] == 0


def test_rows_are_taken_away_as_files(program: Program, run: Run) -> None:
    answer = program.get("/exports/stories", form="jsonl")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert (answer.status_code, answer["Content-Type"], len(lines)) == (200, "application/x-ndjson; charset=utf-8", 2)
    assert answer["X-RateLimit-Limit"]
    for query in ({"form": "pdf"}, {"run": run.pk, "status": "nonsense"}):
        assert problem(program.get("/exports/stories", **query))["status"] == 422
    assert "cannot be filtered by status" in problem(program.get("/exports/merges", status="all"))["detail"]


def test_companies_are_narrowed(program: Program) -> None:
    plain, closed = a_company(0), a_company(2)
    Company.objects.filter(pk=closed.pk).update(status="likely_closed", confidence=80, explanation="It says so.")
    assert ids(program, "/companies") == {plain.pk, closed.pk}
    assert ids(program, "/companies", show="flagged") == {closed.pk}
    assert ids(program, "/companies", status="likely_closed") == {closed.pk}
    assert ids(program, "/companies", show="without_urls") == {plain.pk, closed.pk}
    assert ids(program, "/companies", q="firm 1") == {closed.pk}
    assert program.read(f"/companies/{closed.pk}")["explanation"] == "It says so."


@pytest.mark.parametrize(
    "where",
    ["/stories/9", "/stories/9/conversations", "/orphans/9", "/themes/9", "/signatures/9", "/conversations/9",
     "/companies/9", "/runs/9", "/runs/9/progress", "/runs/9/items", "/runs/9/salvage", "/sessions/9",
     "/uploads/6b1b0f6e-64a4-4ea1-b0a4-3c8c3b6d4a55"],
)  # fmt: skip
def test_a_row_that_is_not_there_is_a_problem(program: Program, where: str) -> None:
    assert problem(program.get(where))["code"] == "not_found"
    assert Conversation.objects.count() == Item.objects.count() == Orphan.objects.count() == 0
    assert Signature.objects.count() == Theme.objects.count() == 0
