"""Themes: what was found in each conversation, with the words that prove it. The list is the export of them all."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from pipeline.merge.forest import leaves_of, roots_of
from pipeline.models import Evidence, StoryEvidence, Theme
from pipeline.web.api.door import Scope, needs
from pipeline.web.api.paging import OLDEST, Cursor, Limit, Page, page_of
from pipeline.web.api.shapes import Row, RowId, Word

router = Router(tags=["themes"])


class QuoteOut(Schema):
    """Words of a conversation's version, from `start` to `end` in its text."""

    quote: str
    start: int
    end: int
    version_id: int


class ThemeOut(Schema):
    """One thing found in one conversation in one run."""

    id: int
    run_id: int
    conversation_id: int
    external_id: str
    source: str
    customer: str
    profile: str
    raw_signature: str = Field(description="as the reader proposed it")
    signature_id: int | None
    signature: str | None
    root_id: int | None
    root: str | None = Field(description="what its signature means in the end")
    rule: str = Field(description="why it has this signature")
    score: float | None
    category: str
    summary: str
    confidence: float
    details: Any = Field(description="what the profile asks besides: severity, resolution ...")
    gate_reason: str = Field(description="why it is not grouped with others; empty: it is")
    quotes: list[QuoteOut]


class ThemeFilter(Schema):
    """Which themes: all that are given must hold."""

    run: RowId | None = None
    story: RowId | None = Field(None, description="those by which conversations are in this story")
    signature: RowId | None = Field(None, description="of this signature and those merged into it")
    conversation: RowId | None = None
    profile: Word = ""
    category: Word = ""


@router.get("", response=Page[ThemeOut])
@needs(Scope.READ)
def list_themes(
    request: HttpRequest, asked: Query[ThemeFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List themes, the oldest first: who keeps a copy goes on from their last cursor."""
    equal: dict[str, Any] = {
        "run": asked.run, "conversation": asked.conversation, "profile": asked.profile, "category": asked.category,
    }  # fmt: skip
    found = Theme.objects.filter(**{name: value for name, value in equal.items() if value})
    if asked.signature:
        found = found.filter(signature__in=leaves_of([asked.signature]))
    if asked.story:
        found = found.filter(pk__in=StoryEvidence.objects.filter(story=asked.story).values("theme"))
    rows, after = page_of(_with_names(found), OLDEST, cursor, limit)
    return {"items": _told(rows), "next": after}


def _with_names(themes: Any) -> Any:
    quotes = Prefetch("evidence", Evidence.objects.order_by("start"))
    found = themes.select_related("conversation__source", "signature").prefetch_related(quotes)
    return found.defer("vector", "signature__vector_sum")


def _told(themes: list[Theme]) -> list[dict[str, Any]]:
    """Return themes as they are told; one question more, for what their signatures mean in the end."""
    columns = (
        "id", "run_id", "conversation_id", "profile", "raw_signature", "signature_id", "category", "summary",
        "confidence", "details", "gate_reason",
    )  # fmt: skip
    roots = roots_of(sorted({theme.signature_id for theme in themes if theme.signature_id}))
    told = []
    for theme in themes:
        root = roots.get(theme.signature_id or 0)
        told.append(
            {
                **{name: getattr(theme, name) for name in columns},
                "external_id": theme.conversation.external_id,
                "source": str(theme.conversation.source),
                "customer": theme.conversation.customer,
                "signature": theme.signature.key if theme.signature else None,
                "root_id": root.pk if root else None,
                "root": root.key if root else None,
                "rule": theme.signature_rule,
                "score": theme.signature_score,
                "quotes": [
                    {"quote": each.quote, "start": each.start, "end": each.end, "version_id": each.version_id}
                    for each in theme.evidence.all()
                ],
            }
        )
    return told


@router.get("/{theme_id}", response=ThemeOut)
@needs(Scope.READ)
def get_theme(request: HttpRequest, theme_id: Row) -> dict[str, Any]:
    """Return a theme."""
    [told] = _told([_with_names(Theme.objects).get(pk=theme_id)])
    return told
