"""Runs: the list, and a run's page, live while it works, with buttons for those who may operate it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from pipeline.ledger.current import current_themes
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import request_stop, stop_at_once
from pipeline.models import Item, Run, Upload
from pipeline.models.refusal import Refusal
from pipeline.models.wording import counted, words
from pipeline.reports.compare import comparable_run_before, compare_runs
from pipeline.reports.context import facet_coverage
from pipeline.reports.costs import step_costs_of
from pipeline.reports.coverage import coverage_of
from pipeline.reports.diagnose import diagnose_run
from pipeline.reports.judging import judging_of
from pipeline.reports.progress import progress_of
from pipeline.reports.summary import brought_by
from pipeline.reports.whatif import what_if
from pipeline.runs import start
from pipeline.runs.salvage import SalvageOptions, plan_salvage
from pipeline.web.pages.frame import flower_url, page, show
from pipeline.web.pages.new_run import READER
from pipeline.web.parts.curve import MOST_THEMES, chart_of
from pipeline.web.parts.figures import run_figures

PER_PAGE = 25
SHOWN = 100
"""Conversations of one state that are listed."""

MOST_CHANGES = 12
"""Stories that changed from one run to the next, which are named."""

OPERATE = "pipeline.operate_run"


@page("pipeline.view_run")
def runs(request: HttpRequest) -> HttpResponse:
    """List the runs, the newest first."""
    found = Run.objects.select_related("source", "created_by")
    if request.GET.get("show") != "all":
        found = found.filter(is_preview=False)
    state = request.GET.get("state", "")
    if state in Run.State.values:
        found = found.filter(state=state)
    listed = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    figures = run_figures([run.pk for run in listed.object_list])
    rows = [(run, figures[run.pk]) for run in listed.object_list]
    states = [(value, words(value)) for value in Run.State.values]
    return show(
        request, "pages/runs.html", {"title": "Runs", "listed": listed, "rows": rows, "states": states, "state": state}
    )


@page("pipeline.view_run")
def run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show a run: how far it is, and afterwards what it brought."""
    row = _the_run(run_id)
    has_results = not row.is_live and not row.is_preview
    context = {
        "title": f"Run {row.pk}",
        "run": row,
        "progress": progress_of(row),
        "brought": brought_by(row) if has_results and row.makes_stories else None,
        "may_salvage": has_results and row.phase != Run.Phase.PLAN,
        "judging": judging_of(row) if row.parameters.get("judge") and has_results else None,
        "costs": step_costs_of(row) if row.extractor != READER or row.parameters.get("judge") else [],
        "uploads": Upload.objects.filter(run=row),
        "flower": flower_url(),
        "parameters": sorted(row.parameters.items()),
        "versions": sorted(row.versions.items()),
    }
    return show(request, "pages/run.html", context)


@page("pipeline.view_run")
def live(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show only the live part; nothing where it is still what the tag says."""
    row = _the_run(run_id)
    progress = progress_of(row)
    if request.headers.get("If-None-Match") == progress.tag:
        return HttpResponseNotModified()
    response = show(request, "pages/run_live.html", {"run": row, "progress": progress})
    response.headers["ETag"] = progress.tag
    if not row.is_live:
        response.headers["HX-Refresh"] = "true"  # it ended: the whole page has more to say now
    return response


def _the_run(run_id: int) -> Run:
    row: Run = get_object_or_404(Run.objects.select_related("source", "created_by"), pk=run_id)
    return row


@page(OPERATE)
def salvage(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show what salvaging the run would reuse and redo, with its button; nothing where it makes no sense.

    The run's page asks for it by itself: to find out what is missing takes as many questions as all the rest.
    """
    row = _the_run(run_id)
    context: dict[str, Any] = {"run": row}
    if not row.is_live and not row.is_preview and row.phase != Run.Phase.PLAN:
        plan = plan_salvage(run=row)
        context["salvage"] = plan if plan.is_worth_it else None
    return show(request, "pages/run_salvage.html", context)


@page("pipeline.view_run")
def items(request: HttpRequest, run_id: int) -> HttpResponse:
    """List the conversations of a run in one state, those that failed by the class of the error."""
    row, state = _the_run(run_id), request.GET.get("state", Item.State.FAILED)
    if state not in Item.State.values:
        raise Http404(f"{state[:40]!r} is not a state of a conversation in a run")
    found = row.items.filter(state=state).select_related("conversation").order_by("id")
    if kind := request.GET.get("class", "")[:200]:
        found = found.filter(error_class=kind)
    listed = Paginator(found, SHOWN).get_page(request.GET.get("page"))
    context = {"title": f"Run {row.pk}: {words(state)}", "run": row, "listed": listed, "state": state, "kind": kind}
    return show(request, "pages/run_items.html", context)


@page("pipeline.view_run")
def report(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show why the run gave the stories it gave, and what changed against the run before; asked for by itself."""
    row = _the_run(run_id)
    context: dict[str, Any] = {"run": row}
    try:
        context["diagnosis"] = found = diagnose_run(run_id=row.pk)
        context["most"] = max((size.groups for size in found.sizes), default=1) or 1
        if before := comparable_run_before(row):
            context["comparison"] = comparison = compare_runs(before=before, after=row)
            context["changes"] = [each for each in comparison.changes if each.kind != "same"][:MOST_CHANGES]
        context["coverage"] = coverage_of(row)
        context["facets"] = [each for each in facet_coverage(row.profile, row.pk) if each.answered]
    except Refusal as error:
        context["problem"] = str(error)
    return show(request, "pages/run_report.html", context)


@page("pipeline.view_run")
def whatif(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show what stricter and more lenient rules would make of the run's themes; asked for by itself."""
    row = _the_run(run_id)
    context: dict[str, Any] = {"run": row}
    if current_themes(row.profile).count() > MOST_THEMES:
        context["command"] = f"./manage.py merge_whatif {row.pk}"
    else:
        try:
            context |= {"found": (found := what_if(run=row)), "chart": chart_of(found.points)}
        except Refusal as error:
            context["problem"] = str(error)
    return show(request, "pages/run_whatif.html", context)


# --- Operating ----------------------------------------------------------------------------------------------------


@require_POST
@page(OPERATE)
def act(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop a run, or bring it back to work."""
    do = request.POST.get("do", "")
    if do not in ACTIONS:
        raise Http404(f"{do[:40]!r} is not an action for runs")
    row = _the_run(run_id)
    try:
        messages.success(request, ACTIONS[do](request, row))
    except Refusal as refused:
        messages.warning(request, f"{str(refused)[:1].upper()}{str(refused)[1:]}")
    return HttpResponseRedirect(reverse("admin:run", args=[row.pk]), status=303)


def _stop(request: HttpRequest, row: Run) -> str:
    if not request_stop(run_id=row.pk):
        raise RunError(f"run {row.pk} is {words(_the_run(row.pk).state)}; only a run that is running can be stopped.")
    return f"Run {row.pk} will stop after the conversations in progress."


def _stop_now(request: HttpRequest, row: Run) -> str:
    stop_at_once(run_id=row.pk)
    return f"Run {row.pk} is stopped. Conversations in progress will be read again when it continues."


def _resume(request: HttpRequest, row: Run) -> str:
    start.resume_run(run_id=row.pk)
    return f"Run {row.pk} continues where it stopped."


def _salvage(request: HttpRequest, row: Run) -> str:
    _, plan = start.salvage_run(run_id=row.pk)
    return (
        f"Run {row.pk} continues from the phase {plan.phase}; "
        f"{counted(plan.to_ask, 'conversation goes', 'conversations go')} to the reader."
    )


def _retry(request: HttpRequest, row: Run) -> str:
    kind = request.POST.get("class", "")[:200]
    choice = SalvageOptions(only_failed=not kind, error_class=kind)
    _, plan = start.salvage_run(run_id=row.pk, choice=choice)
    return f"{counted(plan.to_ask + plan.to_parse, 'conversation is', 'conversations are')} being retried."


def _make_stories(request: HttpRequest, row: Run) -> str:
    start.make_stories(run_id=row.pk)
    return f"Stories are being made from run {row.pk}."


ACTIONS: dict[str, Callable[[HttpRequest, Run], str]] = {
    "stop": _stop,
    "stop_now": _stop_now,
    "resume": _resume,
    "salvage": _salvage,
    "retry": _retry,
    "stories": _make_stories,
}

ADDRESSES = [
    ("runs/", "runs", runs),
    ("runs/<int:run_id>/", "run", run),
    ("runs/<int:run_id>/live/", "run_live", live),
    ("runs/<int:run_id>/items/", "run_items", items),
    ("runs/<int:run_id>/report/", "run_report", report),
    ("runs/<int:run_id>/salvage/", "run_salvage", salvage),
    ("runs/<int:run_id>/what-if/", "run_whatif", whatif),
    ("runs/<int:run_id>/act/", "run_act", act),
]
