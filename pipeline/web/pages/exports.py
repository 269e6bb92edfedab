"""Files to take away: what a list shows, or all of a kind, streamed while it is read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.timezone import get_current_timezone

from pipeline.models import Run
from pipeline.models.refusal import Refusal
from pipeline.reports.exports import Chosen, UnknownExport, kind_of
from pipeline.reports.run_report import html_of, policy_of, report_of_run, style_of_report
from pipeline.web.pages.frame import page, require
from pipeline.web.parts.files import file_of, wants_private
from pipeline.web.parts.numbers import number_in


def as_file(
    request: HttpRequest, what: str, form: str, chosen: Chosen, rows: QuerySet[Any] | None = None
) -> HttpResponse:
    """Return a file of rows, streamed; the permission of its kind is asked for. 404 for what there is not.

    Names and private data are in it only for who may see conversations, and asked for them: ?private=1.
    """
    try:
        require(request, kind_of(what).right)
        return file_of(what, form, chosen, rows)  # type: ignore[return-value]  # both are HttpResponseBase
    except UnknownExport as error:
        raise Http404(str(error)) from error


@page()
def export(request: HttpRequest, what: str, form: str) -> HttpResponse:
    """Return all rows of a kind that the address asks for; it narrows them as `reports.exports.Chosen` says."""
    said: Mapping[str, str] = request.GET
    chosen = Chosen(
        run=number_in(said.get("run", "")),
        source=number_in(said.get("source", "")),
        story=number_in(said.get("story", "")),
        since=_midnight(said.get("since", "")),
        until=_midnight(said.get("until", "")),
        private=wants_private(request),
        **{name: said.get(name, "")[:200].replace("\0", "") for name in ("profile", "status", "category", "customer")},
    )
    return as_file(request, what, form, chosen)


def _midnight(word: str) -> datetime | None:
    try:
        day = parse_date(word[:10])
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=get_current_timezone()) if day else None


@page("pipeline.view_run")
def run_file(request: HttpRequest, run_id: int) -> HttpResponse:
    """Return the report of a run as a file to send; a refusal leads back to the run and says why."""
    get_object_or_404(Run, pk=run_id)
    try:
        report = report_of_run(run_id=run_id)
    except Refusal as error:
        messages.warning(request, f"{str(error)[:1].upper()}{str(error)[1:]}")
        return HttpResponseRedirect(reverse("admin:run", args=[run_id]), status=303)
    text = html_of(report)
    response = HttpResponse(text, content_type="text/html; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="run-{run_id}.html"'
    response.headers["Content-Security-Policy"] = policy_of(style_of_report())
    return response


ADDRESSES = [
    ("export/<slug:what>.<slug:form>", "export", export),
    ("runs/<int:run_id>/report.html", "run_file", run_file),
]
