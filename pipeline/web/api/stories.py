"""Stories: lists, one, its conversations, and what people decide about it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import ValidationError
from pydantic import AwareDatetime, Field

from pipeline.models import Story, StoryEvidence
from pipeline.models.wording import words
from pipeline.reports.about_story import typical_evidence
from pipeline.reports.trends import StoryRow, newest_moment, story_rows
from pipeline.review import DecisionRefused
from pipeline.review.triage import edit_story, set_status
from pipeline.web.api.door import Scope, needs, person_of, reason_of
from pipeline.web.api.paging import NEWEST, UPDATED, Cursor, Limit, Order, Page, page_of
from pipeline.web.api.shapes import In, Name, Reason, Recorded, Row, RowId, Text, Word, name_of, recorded
from pipeline.web.parts.choosing import Chosen, chosen_stories
from pipeline.web.parts.links import is_link

router = Router(tags=["stories"])

ORDERS = {order.name: order for order in (NEWEST, UPDATED)}
EVIDENCE = Order("newest", ("conversation__occurred_at", "id"), is_downwards=True)

PeopleStatus = Literal["candidate", "approved", "in_progress", "done", "dismissed"]


class StoryOut(Schema):
    """A story as the lists show it; `weeks` are its conversations in each of the last twelve, the oldest first."""

    id: int
    title: str
    description: str
    status: str
    profile: str
    signature_id: int
    signature: str
    category: str
    confidence: int = Field(description="of 100 that it is one real problem")
    conversations: int
    customers: int
    first_at: datetime | None
    last_at: datetime | None
    last_4_weeks: int
    four_weeks_before: int
    weeks: list[int]
    quote: str
    owner: str | None
    ticket_url: str
    recurs_from_id: int | None
    absorbed_by_id: int | None = Field(description="the story it was merged into, which has its conversations")
    created_at: datetime
    updated_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str | None


class StoryFilter(Schema):
    """Which stories: all that are given must hold."""

    status: Literal["open", "all", "candidate", "approved", "in_progress", "done", "dismissed", "emptied"] = Field(
        "open", description="open: candidate, approved or in progress"
    )
    profile: Word = ""
    category: Word = ""
    source: RowId | None = Field(None, description="with a conversation of this source")
    run: RowId | None = Field(None, description="that this run made or added to")
    customer: Word = ""
    owner: Word = Field("", description="a user's name, or `none`")
    min_confidence: Annotated[int, Field(ge=0, le=100)] = 0
    q: Word = Field("", description="words in title, description, names, quotes or customers")
    updated_since: AwareDatetime | None = None
    order: Literal["newest", "updated"] = Field("newest", description="updated: what changed longest ago first")


@router.get("", response=Page[StoryOut])
@needs(Scope.READ)
def list_stories(
    request: HttpRequest, asked: Query[StoryFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List stories. To keep a copy: `status=all&order=updated&updated_since=` with the newest `updated_at` you have."""
    chosen = Chosen(
        status=asked.status,
        profile=asked.profile,
        category=asked.category,
        source=str(asked.source or ""),
        run=str(asked.run or ""),
        customer=asked.customer,
        owner=_owner_word(asked.owner),
        confidence=str(asked.min_confidence or ""),
        q=asked.q,
        sort="newest",
    )
    found = chosen_stories(chosen, newest_moment(), None)
    if asked.updated_since:
        found = found.filter(updated_at__gte=asked.updated_since)
    rows, after = page_of(_with_people(found), ORDERS[asked.order], cursor, limit)
    return {"items": _told(rows), "next": after}


def _owner_word(owner: str) -> str:
    """Return an owner as `Chosen` has them: an id, `none`, or 0 for nobody whom we know."""
    if not owner or owner == "none":
        return owner
    return str(get_user_model()._default_manager.filter(username=owner).values_list("pk", flat=True).first() or 0)


def _with_people(stories: Any) -> Any:
    return stories.select_related("signature", "owner", "reviewed_by").defer("signature__vector_sum")


def _told(stories: list[Story]) -> list[dict[str, Any]]:
    return [_story(row) for row in story_rows(stories, until=newest_moment())]


def _story(row: StoryRow) -> dict[str, Any]:
    story = row.story
    columns = (
        "id", "title", "description", "status", "signature_id", "category", "confidence", "ticket_url",
        "recurs_from_id", "absorbed_by_id", "created_at", "updated_at", "reviewed_at",
    )  # fmt: skip
    return {
        **{name: getattr(story, name) for name in columns},
        "profile": story.signature.profile,
        "signature": story.signature.key,
        "conversations": row.conversations,
        "customers": row.customers,
        "first_at": row.first_at,
        "last_at": row.last_at,
        "last_4_weeks": row.recent,
        "four_weeks_before": row.before,
        "weeks": row.weeks,
        "quote": row.quote,
        "owner": name_of(story.owner),
        "reviewed_by": name_of(story.reviewed_by),
    }


@router.get("/{story_id}", response=StoryOut)
@needs(Scope.READ)
def get_story(request: HttpRequest, story_id: Row) -> dict[str, Any]:
    """Return a story."""
    [told] = _told([_with_people(Story.objects).get(pk=story_id)])
    return told


class StoryConversationOut(Schema):
    """A conversation of a story, with the theme that brought it there and the words that show it."""

    conversation_id: int
    external_id: str
    customer: str
    occurred_at: datetime
    url: str
    theme_id: int
    summary: str
    quotes: list[str]
    run_id: int | None


@router.get("/{story_id}/conversations", response=Page[StoryConversationOut])
@needs(Scope.READ)
def list_conversations_of_story(
    request: HttpRequest, story_id: Row, cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List the conversations of a story, the newest first, each with its theme and quotes."""
    story = Story.objects.only("pk").get(pk=story_id)
    rows, after = page_of(typical_evidence(story), EVIDENCE, cursor, limit)
    return {"items": [_evidence(row) for row in rows], "next": after}


def _evidence(row: StoryEvidence) -> dict[str, Any]:
    conversation = row.conversation
    return {
        "conversation_id": conversation.pk,
        "external_id": conversation.external_id,
        "customer": conversation.customer,
        "occurred_at": conversation.occurred_at,
        "url": conversation.url,
        "theme_id": row.theme_id,
        "summary": row.theme.summary,
        "quotes": [evidence.quote for evidence in row.theme.evidence.all()],
        "run_id": row.run_id,
    }


# --- Deciding -----------------------------------------------------------------------------------------------------


class StatusIn(In):
    """What a story becomes, and why."""

    status: PeopleStatus
    reason: Reason = ""


@router.post("/{story_id}/status", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def change_status(request: HttpRequest, story_id: Row, body: StatusIn) -> dict[str, Any]:
    """Give a story another status."""
    story = Story.objects.get(pk=story_id)
    decided = set_status(
        stories=Story.objects.filter(pk=story.pk),
        status=body.status,
        by=person_of(request),
        at=timezone.now(),
        reason=reason_of(request, body.reason),
    )
    if decided.refused:
        raise DecisionRefused(f"“{story}” stays {words(story.status)}: its signature has another open story.")
    return recorded(*decided.changes)


class StoryEdit(In):
    """What a person writes of a story. What is left out stays as it is."""

    title: Name | None = None
    description: Text | None = None
    owner: Word | None = Field(None, description="a user's name; empty: nobody")
    ticket_url: Annotated[str, Field(max_length=2000)] | None = Field(
        None, description="begins with https:// or http://; empty: none"
    )


@router.patch("/{story_id}", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def change_story(request: HttpRequest, story_id: Row, body: StoryEdit) -> dict[str, Any]:
    """Rename a story, describe it, give it an owner or a ticket. What a person wrote no run replaces."""
    story, columns = Story.objects.get(pk=story_id), dict[str, object]()
    if body.title is not None:
        columns["title"] = " ".join(body.title.split())
    if body.description is not None:
        columns["description"] = body.description.strip()
    if body.owner is not None:
        columns["owner_id"] = _owner_id(body.owner)
    if body.ticket_url is not None:
        if body.ticket_url and ("\0" in body.ticket_url or not is_link(body.ticket_url)):
            raise _invalid("ticket_url", "must begin with https:// or http://")
        columns["ticket_url"] = body.ticket_url
    return recorded(*edit_story(story=story, by=person_of(request), at=timezone.now(), **columns))


def _owner_id(name: str) -> int | None:
    if not name:
        return None
    owner = get_user_model()._default_manager.filter(username=name, is_active=True).first()
    if owner is None:
        raise _invalid("owner", "is no active user's name")
    return int(owner.pk)


def _invalid(field: str, message: str) -> ValidationError:
    return ValidationError([{"loc": ("body", "body", field), "type": "value_error", "msg": message}])
