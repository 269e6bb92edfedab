"""Signatures: the canonical names of problems, what each means in the end, and where it lives."""

from datetime import datetime
from typing import Any, Literal

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from pipeline.group.current import homes_of
from pipeline.merge.forest import roots_of
from pipeline.models import Merge, Orphan, Signature, Story
from pipeline.models.signature import STANDING
from pipeline.web.api.door import Scope, needs
from pipeline.web.api.paging import NEWEST, Cursor, Limit, Page, page_of
from pipeline.web.api.shapes import Row, Word

router = Router(tags=["signatures"])


class SignatureOut(Schema):
    """A name of a problem; what counts is its root, whose story or orphan is named."""

    id: int
    profile: str
    key: str
    root_id: int
    root: str
    is_root: bool
    theme_count: int = Field(description="themes whose vectors its centre was made of; of roots")
    story_id: int | None
    orphan_id: int | None
    created_at: datetime


class SignatureFilter(Schema):
    """Which signatures: all that are given must hold."""

    profile: Word = ""
    q: Word = Field("", description="a part of the name")
    only: Literal["roots", "merged", "all"] = "all"


@router.get("", response=Page[SignatureOut])
@needs(Scope.READ)
def list_signatures(
    request: HttpRequest, asked: Query[SignatureFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List signatures, the newest first."""
    found = Signature.objects.all()
    if asked.profile:
        found = found.filter(profile=asked.profile)
    if asked.q:
        found = found.filter(key__icontains=asked.q.strip().replace(" ", "_"))
    is_merged = Exists(Merge.objects.filter(STANDING, child=OuterRef("pk")))
    if asked.only != "all":
        found = found.filter(is_merged if asked.only == "merged" else ~is_merged)
    rows, after = page_of(found.defer("vector_sum"), NEWEST, cursor, limit)
    return {"items": _told(rows), "next": after}


def _told(rows: list[Signature]) -> list[dict[str, Any]]:
    roots = roots_of([row.pk for row in rows])
    homes = homes_of(sorted({root.pk for root in roots.values()}))
    told = []
    for row in rows:
        root = roots[row.pk]
        home = homes.get(root.pk)
        told.append(
            {
                "id": row.pk,
                "profile": row.profile,
                "key": row.key,
                "root_id": root.pk,
                "root": root.key,
                "is_root": root.pk == row.pk,
                "theme_count": row.size,
                "story_id": home.pk if isinstance(home, Story) else None,
                "orphan_id": home.pk if isinstance(home, Orphan) else None,
                "created_at": row.created_at,
            }
        )
    return told


@router.get("/{signature_id}", response=SignatureOut)
@needs(Scope.READ)
def get_signature(request: HttpRequest, signature_id: Row) -> dict[str, Any]:
    """Return a signature."""
    [told] = _told([Signature.objects.defer("vector_sum").get(pk=signature_id)])
    return told
