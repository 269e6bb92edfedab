"""What several routes take and give."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from ninja import Path, Schema
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipeline.models import Change, Decision

LARGEST_ROW_ID = 2**63 - 1


def _storable(value: str) -> str:
    """Return a text that PostgreSQL can hold and a page can show."""
    if "\0" in value:
        raise ValueError("must not hold a NUL character")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


RowId = Annotated[int, Field(ge=1, le=LARGEST_ROW_ID)]
Row = Path[RowId]
Word = Annotated[str, Field(max_length=200), AfterValidator(_storable)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable), AfterValidator(_not_blank)]
Text = Annotated[str, Field(max_length=10_000), AfterValidator(_storable)]
Reason = Annotated[
    str, Field(max_length=500, description="kept with the decision; empty: the token's name"), AfterValidator(_storable)
]


IF_NONE_MATCH: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "the ETag of the last answer: 304 without a body while nothing changed",
        }
    ],
    "responses": {304: {"description": "Nothing changed since the answer with this ETag"}},
}
"""What the description of a route says that answers through `unless_known`."""


def unless_known(request: HttpRequest, response: HttpResponse, tag: str, told: Any) -> Any:
    """Return what is told, with its ETag on the response; 304 where the caller has it already."""
    asked = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in asked or tag in asked:
        unchanged = HttpResponseNotModified()
        unchanged.headers["ETag"] = tag
        return unchanged
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return told


class In(BaseModel):
    """A body; a field it does not know is refused, for it may be a typing error."""

    model_config = ConfigDict(extra="forbid")


class Why(In):
    """Why something is done."""

    reason: Reason = ""


class RecordOut(Schema):
    """What was written of a decision or change: `POST /decisions/{kind}/{id}/undo` takes it back."""

    kind: str
    id: int
    what: str
    created_at: datetime
    created_by: str | None
    undone_at: datetime | None
    reason: str


def record_of(record: Decision | Change) -> dict[str, Any]:
    """Return a decision or change as it is told. Asks for who made it, unless that was fetched with it."""
    return {
        "kind": str(record._meta.model_name),
        "id": record.pk,
        "what": _words(record),
        "created_at": record.created_at,
        "created_by": name_of(record.created_by),
        "undone_at": record.undone_at,
        "reason": record.reason,
    }


def _words(record: Decision | Change) -> str:
    """Return what a record did. Titles are customers' own words, which answers that are kept leave out."""
    if isinstance(record, Change):
        return f"{record.what} of {f'story {record.story_id}' if record.story_id else f'orphan {record.orphan_id}'}"
    return str(record)


def name_of(user: Any) -> str | None:
    """Return a user's name; None for nobody."""
    return user.get_username() if user else None


class Recorded(Schema):
    """What a write recorded, the first first; empty if everything was as asked for already."""

    records: list[RecordOut]


def recorded(*records: Decision | Change) -> dict[str, Any]:
    """Return what a write recorded."""
    return {"records": [record_of(record) for record in records]}
