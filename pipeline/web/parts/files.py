"""Rows as a file that a page hands out, streamed while it is read."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from pipeline.reports.exports import Chosen, exported, form_of, kind_of, written

SEES_NAMES = "pipeline.view_conversation"
"""The permission that whoever asks for names and private data needs."""

OFFERED = (("csv", "CSV"), ("xlsx", "Excel"), ("json", "JSON"), ("jsonl", "JSON lines"), ("md", "Markdown"))
"""The forms that pages offer, with their names."""

RELATED: dict[str, tuple[str, ...]] = {
    "stories": ("owner",),
    "orphans": ("signature", "nearest_story"),
    "themes": ("conversation__source",),
    "conversations": ("current_version",),
}
"""What is told of a row besides itself, so that it is read with it."""


def may_export(request: HttpRequest, what: str) -> bool:
    """Whether whoever asks may take rows of this kind away. UnknownExport if there is no such kind."""
    return request.user.has_perm(kind_of(what).right)


def wants_private(request: HttpRequest) -> bool:
    """Whether names and private data are asked for; PermissionDenied for who may not see conversations."""
    if request.GET.get("private") != "1":
        return False
    if not request.user.has_perm(SEES_NAMES):
        raise PermissionDenied(f"this needs the permission {SEES_NAMES}. Ask an administrator for it.")
    return True


def file_of(what: str, form: str, chosen: Chosen, rows: QuerySet[Any] | None = None) -> StreamingHttpResponse:
    """Return rows as a file of a form, all that `chosen` finds or those given. UnknownExport for what there is not."""
    asked, media_type = exported(what, chosen, rows), form_of(form).media_type
    response = StreamingHttpResponse(written(asked, form), content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{what}.{form}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def file_of_rows(what: str, form: str, rows: QuerySet[Any]) -> StreamingHttpResponse:
    """Return just these rows as a file, redacted, by their ids: those of a list that knows itself what it shows."""
    model = rows.model._default_manager.filter(pk__in=rows.order_by().values("pk"))
    return file_of(what, form, Chosen(), model.select_related(*RELATED.get(what, ())).order_by("pk"))
