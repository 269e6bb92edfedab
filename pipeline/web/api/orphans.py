"""Orphans: what waits, for what, and what people decide about it."""

from datetime import datetime
from typing import Any, Literal

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from pipeline import review
from pipeline.group.current import Size, quotes_of_roots, sizes_that_wait
from pipeline.models import Orphan, Story
from pipeline.review import DecisionRefused
from pipeline.review.triage import dismiss_orphans, restore_orphans
from pipeline.web.api.door import Scope, needs, person_of, reason_of
from pipeline.web.api.paging import NEWEST, UPDATED, Cursor, Limit, Page, page_of
from pipeline.web.api.shapes import Reason, Recorded, Row, RowId, Why, Word, name_of, recorded

router = Router(tags=["orphans"])

ORDERS = {order.name: order for order in (NEWEST, UPDATED)}


class OrphanOut(Schema):
    """A signature that is no story yet, with what it waits for."""

    id: int
    signature_id: int
    signature: str = Field(description="its key")
    title: str = Field(description="what people see")
    profile: str
    reason: str
    detail: str = Field(description="what it needs, in words")
    missing_conversations: int
    confidence: int = Field(description="of 100 that it is one real problem")
    conversations: int
    customers: int
    last_at: datetime | None
    quote: str
    nearest_story_id: int | None
    nearest_cosine: float | None
    dismissed_at: datetime | None
    dismissed_by: str | None
    graduated_at: datetime | None
    story_id: int | None = Field(description="the story it became")
    created_at: datetime
    updated_at: datetime


class OrphanFilter(Schema):
    """Which orphans: all that are given must hold."""

    show: Literal["waiting", "near", "tipping", "dismissed", "graduated"] = Field(
        "waiting", description="near: to an open story; tipping: one conversation short of one; graduated: became one"
    )
    profile: Word = ""
    q: Word = Field("", description="a word of the name")
    updated_since: datetime | None = None
    order: Literal["newest", "updated"] = "newest"


@router.get("", response=Page[OrphanOut])
@needs(Scope.READ)
def list_orphans(
    request: HttpRequest, asked: Query[OrphanFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List orphans."""
    found = Orphan.objects.filter(graduated_at__isnull=asked.show != "graduated")
    if asked.show != "graduated":
        found = found.filter(dismissed_at__isnull=asked.show != "dismissed")
    if asked.show == "near":
        found = found.filter(nearest_story__isnull=False)
    if asked.show == "tipping":
        found = found.filter(missing_conversations=1)
    if asked.profile:
        found = found.filter(signature__profile=asked.profile)
    if asked.q:
        of_key = Q(signature__key__icontains=asked.q.strip().replace(" ", "_"))
        found = found.filter(of_key | Q(signature__title__icontains=asked.q.strip()))
    if asked.updated_since:
        found = found.filter(updated_at__gte=asked.updated_since)
    rows, after = page_of(_with_names(found), ORDERS[asked.order], cursor, limit)
    return {"items": _told(rows), "next": after}


def _with_names(orphans: Any) -> Any:
    return orphans.select_related("signature", "dismissed_by").defer("signature__vector_sum")


def _told(rows: list[Orphan]) -> list[dict[str, Any]]:
    roots = [orphan.signature_id for orphan in rows]
    sizes, quotes = sizes_that_wait(roots), quotes_of_roots(roots)
    columns = (
        "id", "signature_id", "reason", "detail", "missing_conversations", "confidence", "nearest_story_id",
        "nearest_cosine", "dismissed_at", "graduated_at", "story_id", "created_at", "updated_at",
    )  # fmt: skip
    told = []
    for orphan in rows:
        size = sizes.get(orphan.signature_id, Size())
        told.append(
            {
                **{name: getattr(orphan, name) for name in columns},
                "signature": orphan.signature.key,
                "title": orphan.signature.name,
                "profile": orphan.signature.profile,
                "conversations": size.conversations,
                "customers": size.customers,
                "last_at": size.last_at,
                "quote": quotes.get(orphan.signature_id, ""),
                "dismissed_by": name_of(orphan.dismissed_by),
            }
        )
    return told


@router.get("/{orphan_id}", response=OrphanOut)
@needs(Scope.READ)
def get_orphan(request: HttpRequest, orphan_id: Row) -> dict[str, Any]:
    """Return an orphan."""
    [told] = _told([_with_names(Orphan.objects).get(pk=orphan_id)])
    return told


# --- Deciding -----------------------------------------------------------------------------------------------------


def _waiting(orphan_id: int) -> Orphan:
    rows = Orphan.objects.select_related("signature", "nearest_story__signature")
    orphan: Orphan = rows.get(pk=orphan_id)
    if orphan.graduated_at:
        raise DecisionRefused(f"{orphan.signature} does not wait any more: look at its story.")
    return orphan


@router.post("/{orphan_id}/promote", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def promote(request: HttpRequest, orphan_id: Row, body: Why) -> dict[str, Any]:
    """Make an orphan a story now, whatever the gates say."""
    reason = reason_of(request, body.reason)
    return recorded(review.promote_orphan(orphan=_waiting(orphan_id), by=person_of(request), reason=reason))


class JoinIn(Why):
    """Which story an orphan belongs to; without one, the story nearest to it."""

    story: RowId | None = None
    reason: Reason = ""


@router.post("/{orphan_id}/join", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def join(request: HttpRequest, orphan_id: Row, body: JoinIn) -> dict[str, Any]:
    """Add an orphan to a story: their signatures are merged under the story's name."""
    orphan = _waiting(orphan_id)
    story = Story.objects.select_related("signature").get(pk=body.story) if body.story else orphan.nearest_story
    if story is None or not story.is_open:
        raise DecisionRefused(f"there is no open story near {orphan.signature}; say which with `story`.")
    merge = review.merge_signatures(
        child=orphan.signature,
        parent=story.signature,
        by=person_of(request),
        reason=reason_of(request, body.reason),
    )
    return recorded(merge)


@router.post("/{orphan_id}/dismiss", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def dismiss(request: HttpRequest, orphan_id: Row) -> dict[str, Any]:
    """Take an orphan out of the lists; it collects silently."""
    rows = Orphan.objects.filter(pk=_waiting(orphan_id).pk)
    return recorded(*dismiss_orphans(orphans=rows, by=person_of(request), at=timezone.now()))


@router.post("/{orphan_id}/restore", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def restore(request: HttpRequest, orphan_id: Row) -> dict[str, Any]:
    """Let a dismissed orphan wait again."""
    rows = Orphan.objects.filter(pk=_waiting(orphan_id).pk)
    return recorded(*restore_orphans(orphans=rows, by=person_of(request), at=timezone.now()))
