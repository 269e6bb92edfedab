"""Files: uploaded, looked into without storing a conversation, and imported; as the command and the page do."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import File, Router, Schema, Status
from ninja.files import UploadedFile
from ninja.params.functions import Query as of_the_query
from pydantic import Field

from pipeline.models import Upload
from pipeline.runs.uploads import Said, import_upload, keep_upload, look_into
from pipeline.sources.understanding.column_names import parse_mapping
from pipeline.web.api.door import Scope, needs, person_of
from pipeline.web.api.shapes import In, Word

router = Router(tags=["import"])


class UploadOut(Schema):
    """A file that was uploaded; it is kept for a week. Its token names it in addresses."""

    token: UUID
    name: str
    size: int
    created_at: datetime
    imported: str = Field(description="what became of its rows, in words; empty: not imported")


@router.post("", response={201: UploadOut})
@needs(Scope.IMPORT)
def upload(request: HttpRequest, file: File[UploadedFile]) -> Status[Upload]:
    """Upload a file in any format that is recognised, as multipart/form-data in the field `file`."""
    kept = keep_upload(name=file.name or "upload", chunks=file.chunks(), by=person_of(request), at=timezone.now())
    return Status(201, kept)


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


@router.get("/{token}", response=LookOut)
@needs(Scope.IMPORT)
def look(
    request: HttpRequest,
    token: UUID,
    name: Annotated[Word, of_the_query("")] = "",
    map: Annotated[list[Word], of_the_query([], max_length=50)] = [],  # noqa: B006  # ninja copies it
    encoding: Annotated[Word, of_the_query("", max_length=40)] = "",
    date_format: Annotated[Word, of_the_query("", max_length=60)] = "",
) -> dict[str, Any]:
    """Read an uploaded file and show how it is understood, with a few conversations: the dry run of an import."""
    reading = Reading(name=name, map=map, encoding=encoding, date_format=date_format)
    found = look_into(Upload.objects.get(token=token), reading.said())
    names = ("format", "fields", "columns", "notes", "conversations", "rejected", "reasons")
    return {
        **{each: getattr(found, each) for each in names},
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


class ImportIn(Reading):
    """How a file is read, and whether other texts may take the place of those there are."""

    replaces_texts: bool = Field(False, description="replace other texts under the same ids")


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


@router.post("/{token}/import", response=ImportOut)
@needs(Scope.IMPORT)
def import_file(request: HttpRequest, token: UUID, body: ImportIn) -> dict[str, Any]:
    """Import an uploaded file into the source `file:NAME`. Importing again changes only what changed."""
    upload = Upload.objects.get(token=token)
    done = import_upload(upload=upload, said=body.said(), replaces_texts=body.replaces_texts)
    upload.refresh_from_db()
    counts = {name: getattr(done.counts, name) for name in ("new", "updated", "unchanged", "rejected")}
    return {**counts, "source": str(done.source) if done.source else None, "rejects": _rejects(upload.rejects)}


def _rejects(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return rejected rows without what stood in them: answers are kept for a day, and texts do not belong there."""
    return [{"where": f"{row.get('unit', 'line')} {row.get('line', '')}", "reason": str(row["reason"])} for row in rows]
