"""Conversations: lists, one with its text and what was found in it, and search by words and by meaning."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, Field

from pipeline.models import Conversation, Item
from pipeline.reports import meaning
from pipeline.reports.search import Chips, find_conversations, hits, stories_of_conversations
from pipeline.reports.summary import themes_of_conversation
from pipeline.reports.why import why_here
from pipeline.web.api.door import Scope, needs
from pipeline.web.api.paging import NEWEST, Cursor, Limit, Page, bad_cursor, page_of, read_cursor, write_cursor
from pipeline.web.api.shapes import Row, RowId, Word

router = Router(tags=["conversations"])
searching = Router(tags=["conversations"])

MOST_THEMES = 50


class ConversationOut(Schema):
    """A conversation without its text."""

    id: int
    source_id: int
    source: str
    external_id: str
    customer: str
    occurred_at: datetime
    occurred_at_is_import_time: bool = Field(description="the source gave no time")
    url: str
    label: str
    metadata: Any
    version_id: int | None


class ConversationFilter(Schema):
    """Which conversations: all that are given must hold."""

    source: RowId | None = None
    customer: Word = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    external_id: Word = ""
    story: RowId | None = None


@router.get("", response=Page[ConversationOut])
@needs(Scope.READ)
def list_conversations(
    request: HttpRequest, asked: Query[ConversationFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List conversations, those imported last first."""
    conditions: dict[str, Any] = {
        "source": asked.source, "customer__iexact": asked.customer, "occurred_at__gte": asked.since,
        "occurred_at__lt": asked.until, "external_id": asked.external_id, "stories__story": asked.story,
    }  # fmt: skip
    found = Conversation.objects.filter(**{name: value for name, value in conditions.items() if value})
    rows, after = page_of(found.select_related("source"), NEWEST, cursor, limit)
    return {"items": [_conversation(row) for row in rows], "next": after}


def _conversation(row: Conversation) -> dict[str, Any]:
    columns = (
        "id", "source_id", "external_id", "customer", "occurred_at", "occurred_at_is_import_time", "url", "label",
        "metadata",
    )  # fmt: skip
    told = {name: getattr(row, name) for name in columns}
    return {**told, "source": str(row.source), "version_id": row.current_version_id}


class SaidOut(Schema):
    """A message of a conversation, as it was imported."""

    role: str
    author: str
    text: str
    created_at: str | None


class FoundTheme(Schema):
    """What a run found in it."""

    id: int
    run_id: int
    summary: str
    category: str
    signature: str | None
    quotes: list[str]


class StoryRef(Schema):
    """A story it is in."""

    id: int
    title: str


class ConversationDetail(ConversationOut):
    """A conversation with its text, what was found in it, the stories it is in, and why it is there."""

    messages: list[SaidOut]
    themes: list[FoundTheme]
    stories: list[StoryRef]
    why: list[str]


@router.get("/{conversation_id}", response=ConversationDetail)
@needs(Scope.READ)
def get_conversation(request: HttpRequest, conversation_id: Row) -> dict[str, Any]:
    """Return a conversation in its current version."""
    row = Conversation.objects.select_related("source", "current_version").get(pk=conversation_id)
    themes = list(themes_of_conversation(row)[:MOST_THEMES])
    item = Item.objects.filter(conversation=row).select_related("run").order_by("-id").first()
    return {
        **_conversation(row),
        "messages": [_message(each) for each in row.current_version.messages] if row.current_version else [],
        "themes": [
            {
                "id": theme.pk,
                "run_id": theme.run_id,
                "summary": theme.summary,
                "category": theme.category,
                "signature": theme.signature.key if theme.signature else None,
                "quotes": [each.quote for each in theme.evidence.all()],
            }
            for theme in themes
        ],
        "stories": _refs(stories_of_conversations([row.pk]).get(row.pk, [])),
        "why": why_here(row, item, themes),
    }


def _message(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored message; of what an import left out, nothing is there."""
    return {
        "role": str(said.get("role") or ""),
        "author": str(said.get("author") or ""),
        "text": str(said.get("text") or ""),
        "created_at": said.get("created_at"),
    }


def _refs(stories: list[tuple[int, str]]) -> list[dict[str, Any]]:
    return [{"id": pk, "title": title} for pk, title in stories]


# --- Search -------------------------------------------------------------------------------------------------------


class HitOut(ConversationOut):
    """A conversation that was found, and the text around what was looked for."""

    excerpt: str
    cosine: float | None = Field(description="how near it is, where it was found by meaning")
    stories: list[StoryRef]


class Hits(Page[HitOut]):
    """What was found, the best first. `is_all` is false where more would be found than are ranked."""

    total: int
    is_all: bool


class SearchFilter(Schema):
    """What to look for, and what narrows it."""

    q: str = Field("", max_length=300, description='as in a search engine: "a phrase", or, -not')
    by: Literal["words", "meaning"] = "words"
    source: RowId | None = None
    customer: Word = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    story: RowId | None = None


@searching.get("", response=Hits)
@needs(Scope.READ)
def search(
    request: HttpRequest, asked: Query[SearchFilter], cursor: Cursor = None, limit: Limit = 20
) -> dict[str, Any]:
    """Find conversations by their words, or by what they mean. Without words, what the rest narrows, newest first."""
    words = asked.q.replace("\0", " ").strip()
    chips = Chips(since=asked.since, until=asked.until, source=asked.source, customer=asked.customer, story=asked.story)
    cosines: dict[int, float] = {}
    is_all = True
    if asked.by == "meaning" and words:
        cosines = {each.conversation: each.cosine for each in meaning.near_conversations(words)}
        ids = list(cosines)
        if chips != Chips():
            allowed = set(find_conversations("", chips).conversations)
            ids = [pk for pk in ids if pk in allowed]
    else:
        found = find_conversations(words, chips)
        ids, is_all = found.conversations, found.is_all
    start = _start(ids, cursor)
    shown = hits(ids[start : start + limit], words if asked.by == "words" else "", cosines)
    is_more = start + limit < len(ids)
    after = write_cursor("found", [start + limit, ids[start + limit - 1]]) if is_more else None
    items = [
        {
            **_conversation(hit.conversation),
            "excerpt": "".join(text for text, _ in hit.pieces),
            "cosine": hit.cosine,
            "stories": _refs(hit.stories),
        }
        for hit in shown
    ]
    return {"items": items, "next": after, "total": len(ids), "is_all": is_all}


def _start(ids: list[int], cursor: str | None) -> int:
    """Return the place to continue at: behind the last that was shown, wherever it is now, or else at its number."""
    if not cursor:
        return 0
    place, last = read_cursor(cursor, "found", (int, int))
    if place > 10_000:
        raise bad_cursor()
    return ids.index(last) + 1 if last in ids else min(place, len(ids))
