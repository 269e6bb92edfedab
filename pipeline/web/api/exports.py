"""Files to take away, as commands and pages write them: five kinds of rows in five forms, streamed."""

from typing import Any, Literal

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, Field

from pipeline.reports.exports import FORMS, Chosen, exported, form_of, written
from pipeline.web.api.door import Scope, needs
from pipeline.web.api.shapes import RowId, Word

router = Router(tags=["exports"])

What = Literal["stories", "orphans", "themes", "merges", "conversations"]

CONTENT: dict[str, Any] = {
    form.media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}} for form in FORMS.values()
}


class ExportFilter(Schema):
    """Which rows; each kind heeds what it has, and refuses the rest."""

    form: Literal["csv", "xlsx", "json", "jsonl", "md"] = "csv"
    run: RowId | None = None
    source: RowId | None = None
    story: RowId | None = None
    profile: Word = ""
    status: Word = Field("", description="of stories: open, all or one; of orphans: waiting, dismissed, all")
    category: Word = ""
    customer: Word = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    private: bool = Field(False, description="what customers said as they said it, and what they are called")


@router.get("/{what}", openapi_extra={"responses": {200: {"description": "The file", "content": CONTENT}}})
@needs(Scope.READ)
def export(request: HttpRequest, what: What, asked: Query[ExportFilter]) -> Any:
    """Return all rows of a kind as a file. What customers said is redacted unless `private` asks for it as it is."""
    chosen = Chosen(**{name: getattr(asked, name) for name in Chosen.__slots__})
    response = StreamingHttpResponse(
        written(exported(what, chosen), asked.form), content_type=form_of(asked.form).media_type
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{what}.{asked.form}"'
    response.headers["Cache-Control"] = "no-store"
    return response
