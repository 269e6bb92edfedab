"""Files: uploaded at once or in pieces, looked into without storing a conversation, and imported by a worker.

As the command and the page do. Whatever takes longer than a request should is answered with 202 and asked about again.
"""

import hashlib
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import File, Router, Schema, Status
from ninja.files import UploadedFile
from ninja.params.functions import Query as of_the_query
from pydantic import Field

from pipeline.models import Upload
from pipeline.runs import uploading, uploads
from pipeline.runs.uploads import COUNTED, Look, Said, WrongPiece, add_piece, begin_upload, keep_upload
from pipeline.sources.remedies import in_api
from pipeline.sources.understanding.column_names import parse_mapping
from pipeline.web.api.door import Scope, needs, person_of
from pipeline.web.api.shapes import IF_NONE_MATCH, In, Name, Word, unless_known

router = Router(tags=["import"])

PIECE_BYTES = 2_000_000
"""What one piece may have: the body of a request is held in memory (settings.DATA_UPLOAD_MAX_MEMORY_SIZE)."""


class RejectOut(Schema):
    """A row that could not be imported: where it stands, and why."""

    where: str
    reason: str


class ImportOut(Schema):
    """What an import brought. Start a run with `source`."""

    source: str | None = Field(description="null: no row could be imported, and no source was made")
    new: int
    updated: int
    unchanged: int
    rejected: int
    rejects: list[RejectOut] = Field(description="the first two hundred")


class UploadOut(Schema):
    """A file that was uploaded, and how far it is; it is kept for a week. Its token names it in addresses."""

    token: UUID
    name: str
    size: int = Field(description="bytes that are here: where the next piece begins")
    whole_size: int = Field(description="bytes it will have; 0: it came at once")
    state: str = Field(description="arriving, kept, importing, imported, started (with a run), failed")
    rows: int = Field(description="read until now, while it is imported")
    error: str = Field(description="why it could not be imported")
    created_at: datetime
    run_id: int | None = Field(description="the run that was started with it, on a page")
    result: ImportOut | None = Field(description="what its last import brought; null: none has ended")


def _upload(row: Upload) -> dict[str, Any]:
    names = ("token", "name", "size", "whole_size", "state", "error", "created_at", "run_id")
    told = {name: getattr(row, name) for name in names}
    result = None
    if row.counts:
        counts = {name: row.counts.get(name, 0) for name in COUNTED}
        result = {**counts, "source": str(row.source) if row.source else None, "rejects": _rejects(row.rejects)}
    return {**told, "rows": row.row_count, "result": result}


def _rejects(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return rejected rows without what stood in them: answers are kept for a day, and texts do not belong there."""
    return [{"where": f"{row.get('unit', 'line')} {row.get('line', '')}", "reason": str(row["reason"])} for row in rows]


def _the_upload(token: UUID) -> Upload:
    row: Upload = Upload.objects.select_related("source").get(token=token)
    return row


# --- Arriving -----------------------------------------------------------------------------------------------------


@router.post("", response={201: UploadOut})
@needs(Scope.IMPORT)
def upload(request: HttpRequest, file: File[UploadedFile]) -> Status[dict[str, Any]]:
    """Upload a file in any format that is recognised, as multipart/form-data in the field `file`.

    A request may have as many bytes as the server takes at once (WEB_BODY_LIMIT): send larger files in pieces.
    """
    kept = keep_upload(name=file.name or "upload", chunks=file.chunks(), by=person_of(request), at=timezone.now())
    return Status(201, _upload(kept))


class LargeIn(In):
    """A file that will come in pieces."""

    name: Name
    size: Annotated[int, Field(ge=1, le=10**15)] = Field(description="bytes of the whole file")


@router.post("/begin", response={201: UploadOut})
@needs(Scope.IMPORT)
def begin(request: HttpRequest, body: LargeIn) -> Status[dict[str, Any]]:
    """Begin a file that comes in pieces: `PUT /uploads/{token}/bytes`, one after the other."""
    begun = begin_upload(name=body.name, size=body.size, by=person_of(request), at=timezone.now())
    return Status(201, _upload(begun))


@router.put(
    "/{token}/bytes",
    response=UploadOut,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary", "minLength": 1}}},
        }
    },
)
@needs(Scope.IMPORT)
def piece(
    request: HttpRequest, token: UUID, begins: Annotated[int, of_the_query(..., ge=0, le=10**15)]
) -> dict[str, Any]:
    """Send a piece of at most 2,000,000 bytes; `begins` is its place. A 409 says at which byte the next one begins.

    A piece that came before is refused in the same way: ask where the file continues, and go on there.
    """
    data = request.body
    if not 0 < len(data) <= PIECE_BYTES:
        raise WrongPiece(f"A piece has 1 to {PIECE_BYTES:,} bytes; this one has {len(data):,}.")
    return _upload(add_piece(upload=_the_upload(token), begins=begins, piece=data))


@router.get("/{token}", response=UploadOut, openapi_extra=IF_NONE_MATCH)
@needs(Scope.IMPORT)
def progress(request: HttpRequest, token: UUID, response: HttpResponse) -> Any:
    """Return how far an upload is. Ask again every few seconds, with the ETag of the last answer."""
    told = _upload(_the_upload(token))
    tag = hashlib.sha256(repr(sorted(told.items(), key=lambda pair: pair[0])).encode()).hexdigest()[:20]
    return unless_known(request, response, f'"{tag}"', told)


# --- What it is ---------------------------------------------------------------------------------------------------


class Reading(In):
    """What a person says about a file; what is left out is recognised."""

    name: Word = Field("", description="of the source; empty: the file's")
    map: Annotated[list[Word], Field(max_length=50)] = Field([], description="FIELD=COLUMN, once for each")
    encoding: Annotated[Word, Field(max_length=40)] = ""
    date_format: Annotated[Word, Field(max_length=60)] = Field("", description="such as DD/MM/YYYY")

    def said(self) -> Said:
        """Return it as imports take it. Raises UnknownColumn."""
        return Said(parse_mapping(self.map), self.date_format.strip(), self.encoding.strip(), self.name.strip())


class SampleMessage(Schema):
    """A message of a sample."""

    role: str
    text: str


class SampleOut(Schema):
    """A conversation as it would be imported."""

    id: str
    customer: str
    created_at: str = Field(description="empty: the file gives no time")
    messages: list[SampleMessage]


class LookOut(Schema):
    """What a file turned out to be; nothing of it is stored."""

    format: str
    fields: dict[str, str] = Field(description="which column each field was found in")
    columns: list[str] = Field(description="all there are")
    notes: list[str]
    source: str
    is_known: bool = Field(description="there is a source of this name: it would be updated")
    conversations: int
    rejected: int
    reasons: list[str]
    samples: list[SampleOut]


@router.get("/{token}/look", response={200: LookOut, 202: UploadOut})
@needs(Scope.IMPORT)
def look(
    request: HttpRequest,
    token: UUID,
    name: Annotated[Word, of_the_query("")] = "",
    map: Annotated[list[Word], of_the_query([], max_length=50)] = [],  # noqa: B006  # ninja copies it
    encoding: Annotated[Word, of_the_query("", max_length=40)] = "",
    date_format: Annotated[Word, of_the_query("", max_length=60)] = "",
) -> Any:
    """Read an uploaded file and show how it is understood, with a few conversations: the dry run of an import.

    A worker reads one that is large: the answer is 202 until it has, so ask the same again.
    """
    said = Reading(name=name, map=map, encoding=encoding, date_format=date_format).said()
    row = _the_upload(token)
    if uploads.is_looked_at_once(row):
        return Status(200, _look(uploads.look_into(row, said)))
    found = uploading.look_by_worker(row, said)
    return Status(202, _upload(row)) if found is None else Status(200, _look(found))


def _look(found: Look) -> dict[str, Any]:
    names = ("format", "fields", "columns", "conversations", "rejected")
    return {
        **{each: getattr(found, each) for each in names},
        "notes": [in_api(note) for note in found.notes],
        "reasons": [in_api(reason) for reason in found.reasons],
        "source": f"{found.kind}:{found.source_name}",
        "is_known": found.known > 0,
        "samples": [
            {
                "id": sample["external_id"],
                "customer": sample["customer"],
                "created_at": sample["occurred_at"],
                "messages": sample["messages"],
            }
            for sample in found.samples
        ],
    }


# --- Importing ----------------------------------------------------------------------------------------------------


class ImportIn(Reading):
    """How a file is read, and whether other texts may take the place of those there are."""

    replaces_texts: bool = Field(False, description="replace other texts under the same ids")


@router.post("/{token}/import", response={202: UploadOut})
@needs(Scope.IMPORT)
def import_file(request: HttpRequest, token: UUID, body: ImportIn) -> Status[dict[str, Any]]:
    """Have a worker import an uploaded file into the source `file:NAME`: `GET /uploads/{token}` says how far it is.

    Importing again changes only what changed. One that is under way is left to itself.
    """
    row = _the_upload(token)
    if uploads.want_import(upload=row, said=body.said(), replaces_texts=body.replaces_texts):
        uploading.send_import(row)
    return Status(202, _upload(_the_upload(token)))
