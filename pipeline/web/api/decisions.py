"""Decisions about signatures, and changes of stories and orphans: taken, listed, and taken back.

They stand over later runs and beat the rules; what a person may decide on the pages a program may decide here, in the
name of the person its token acts for.
"""

from typing import Annotated, Any, Literal

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.params.functions import Query as of_the_query
from pydantic import Field, model_validator

from pipeline import review
from pipeline.models import Change, Decision, Hold, Merge, Move, Rename, Signature, Split, Theme, Veto
from pipeline.models.signature import STANDING
from pipeline.review.triage import undo_change
from pipeline.web.api.door import Scope, needs, person_of, reason_of
from pipeline.web.api.paging import NEWEST, Cursor, Limit, Page, page_of
from pipeline.web.api.shapes import Name, Recorded, RecordOut, Row, RowId, Why, Word, record_of, recorded

router = Router(tags=["decisions"])

Kind = Literal["merge", "veto", "split", "move", "rename", "hold", "change"]

KINDS: dict[str, type[Decision] | type[Change]] = {
    "merge": Merge, "veto": Veto, "split": Split, "move": Move, "rename": Rename, "hold": Hold,
    "change": Change,
}  # fmt: skip

PROFILE = {
    "merge": "child",
    "veto": "first",
    "split": "signature",
    "move": "target",
    "rename": "signature",
    "hold": "signature",
}
"""By which of its signatures a decision belongs to a profile."""

NAMED = {
    "merge": ("child", "parent"), "veto": ("first", "second"), "split": ("signature", "made"),
    "move": ("theme", "source", "target"), "rename": ("signature",), "hold": ("signature",),
    "change": ("story", "orphan__signature"),
}  # fmt: skip
"""The rows that its words name, fetched with it."""

HEAVY = {
    "merge": ("child__vector_sum", "parent__vector_sum"), "veto": ("first__vector_sum", "second__vector_sum"),
    "split": ("signature__vector_sum", "made__vector_sum"),
    "move": ("theme__vector", "source__vector_sum", "target__vector_sum"), "rename": ("signature__vector_sum",),
    "hold": ("signature__vector_sum",),
    "change": ("orphan__signature__vector_sum",),
}  # fmt: skip


class DecisionFilter(Schema):
    """Which records of a kind: all that are given must hold."""

    kind: Kind
    profile: Word = ""
    by: Literal["anybody", "people", "rules"] = Field("anybody", description="rules: those that no person made")
    standing: bool | None = Field(None, description="true: those not undone; false: those undone")


@router.get("", response=Page[RecordOut])
@needs(Scope.READ)
def list_decisions(
    request: HttpRequest, asked: Query[DecisionFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List the records of a kind, the newest first: merges, vetoes, splits, moves, renames, holds, or changes."""
    kind = asked.kind
    found = KINDS[kind]._default_manager.select_related("created_by", *NAMED[kind]).defer(*HEAVY[kind])
    if asked.profile and kind == "change":
        found = found.filter(Q(story__signature__profile=asked.profile) | Q(orphan__signature__profile=asked.profile))
    elif asked.profile:
        found = found.filter(**{f"{PROFILE[kind]}__profile": asked.profile})
    if asked.standing is not None:
        found = found.filter(STANDING) if asked.standing else found.exclude(STANDING)
    if asked.by != "anybody":
        by_person = Q(rule=Merge.PERSON) if kind == "merge" else Q(created_by__isnull=False)
        found = found.filter(by_person if asked.by == "people" else ~by_person)
    rows, after = page_of(found, NEWEST, cursor, limit)
    return {"items": [record_of(row) for row in rows], "next": after}


# --- Deciding -----------------------------------------------------------------------------------------------------


def _signature(signature_id: int) -> Signature:
    found: Signature = Signature.objects.defer("vector_sum").get(pk=signature_id)
    return found


class MergeIn(Why):
    """What the child means is what the parent means: they go under the parent's name. Ids of signatures."""

    child: RowId
    parent: RowId


@router.post("/merge", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def merge(request: HttpRequest, body: MergeIn) -> dict[str, Any]:
    """Merge two signatures, and with them their stories or orphans."""
    made = review.merge_signatures(
        child=_signature(body.child),
        parent=_signature(body.parent),
        by=person_of(request),
        reason=reason_of(request, body.reason),
    )
    return recorded(made)


class VetoIn(Why):
    """Two signatures that are two problems. Their order means nothing."""

    first: RowId
    second: RowId


@router.post("/veto", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def veto(request: HttpRequest, body: VetoIn) -> dict[str, Any]:
    """Keep two signatures apart, whatever rules and people want later."""
    made = review.veto(
        first=_signature(body.first),
        second=_signature(body.second),
        by=person_of(request),
        reason=reason_of(request, body.reason),
    )
    return recorded(made)


class SplitIn(Why):
    """What is taken out of a signature: some conversations under a name, or its parts by a threshold."""

    signature: RowId
    conversations: Annotated[list[RowId], Field(max_length=2000)] = []
    name: Name | None = Field(None, description="of the new signature; needed with conversations")
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="a cosine: it falls apart where themes are less alike"
    )

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "SplitIn":
        by_choice = bool(self.conversations) and self.name is not None
        if by_choice == (self.threshold is not None) or (self.conversations and self.threshold is not None):
            raise ValueError("give either conversations and a name, or a threshold")
        return self


@router.post("/split", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def split(request: HttpRequest, body: SplitIn) -> dict[str, Any]:
    """Split a signature: what is taken out becomes a problem of its own."""
    signature, by, reason = _signature(body.signature), person_of(request), body.reason.strip()
    if body.threshold is not None:
        made = review.split_by_threshold(signature=signature, threshold=body.threshold, by=by, reason=reason)
        return recorded(*made)
    one = review.split_signature(
        signature=signature, conversations=body.conversations, name=body.name or "", by=by, reason=reason
    )
    return recorded(one)


class MoveIn(Why):
    """A theme, and the signature it belongs to."""

    theme: RowId
    target: RowId


@router.post("/move", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def move(request: HttpRequest, body: MoveIn) -> dict[str, Any]:
    """Move one theme to another signature."""
    made = review.move_theme(
        theme=Theme.objects.defer("vector").get(pk=body.theme),
        target=_signature(body.target),
        by=person_of(request),
        reason=reason_of(request, body.reason),
    )
    return recorded(made)


class RenameIn(Why):
    """A signature and its new name."""

    signature: RowId
    name: Name


@router.post("/rename", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def rename(request: HttpRequest, body: RenameIn) -> dict[str, Any]:
    """Rename a signature. Titles of stories that nobody wrote follow."""
    made = review.rename_signature(
        signature=_signature(body.signature),
        name=body.name,
        by=person_of(request),
        reason=reason_of(request, body.reason),
    )
    return recorded(made)


@router.post("/{kind}/{record_id}/undo", response=Recorded)
@needs(Scope.REVIEW, in_one_transaction=True)
def undo(request: HttpRequest, kind: Kind, record_id: Row) -> dict[str, Any]:
    """Take back a decision or change, of rules as well as of people. Refused while a later one depends on it."""
    record = KINDS[kind]._default_manager.get(pk=record_id)
    if isinstance(record, Change) and record.what == Change.What.PROMOTION:
        review.undo_promotion(change=record, by=person_of(request))
    elif isinstance(record, Change):
        undo_change(change=record, by=person_of(request), at=timezone.now())
    else:
        review.undo(decision=record, by=person_of(request))
    return recorded(KINDS[kind]._default_manager.get(pk=record_id))


# --- Questions to people ------------------------------------------------------------------------------------------

pairs = Router(tags=["decisions"])


class SideOut(Schema):
    """One of two signatures that may mean the same."""

    signature_id: int
    signature: str
    story_id: int | None
    title: str
    conversations: int
    customers: int
    quote: str


class PairOut(Schema):
    """Two signatures the rules only just kept apart. A yes is `POST /decisions/merge`, a no `POST /decisions/veto`."""

    child: SideOut
    parent: SideOut
    cosine: float
    makes_a_story: bool
    effect: str


@pairs.get("", response=list[PairOut])
@needs(Scope.READ)
def list_pairs(
    request: HttpRequest, profile: Query[Name], limit: Annotated[int, of_the_query(20, ge=1, le=100)] = 20
) -> list[dict[str, Any]]:
    """List the pairs that people should judge first: those that would make a story, then those that concern one."""
    return [
        {
            "child": _side(pair.child),
            "parent": _side(pair.parent),
            "cosine": pair.cosine,
            "makes_a_story": pair.tips,
            "effect": pair.effect,
        }
        for pair in review.uncertain_pairs(profile, limit)
    ]


def _side(side: review.Side) -> dict[str, Any]:
    return {
        "signature_id": side.signature.pk,
        "signature": side.signature.key,
        "story_id": side.home.pk if side.is_story else None,
        "title": str(side.home) if side.is_story else side.signature.name,
        "conversations": side.conversations,
        "customers": side.customers,
        "quote": side.quote,
    }
