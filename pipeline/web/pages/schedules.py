"""Schedules: which sources are read by the clock; listed, added, paused."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from pipeline.models import Source
from pipeline.models.refusal import Refusal
from pipeline.runs import schedule
from pipeline.runs.start import DEFAULT_PROFILE
from pipeline.web.pages.frame import page, show
from pipeline.web.pages.new_run import READER, budget_in


@page("pipeline.view_run")
def schedules(request: HttpRequest) -> HttpResponse:
    """List the schedules, and ask for a new one."""
    rows = [(each, schedule.assignment_of(each)) for each in schedule.schedules()]
    context = {
        "title": "Schedules",
        "rows": rows,
        "sources": Source.objects.order_by("kind", "name")[:500],
        "profiles": list(settings.PROFILES),
        "profile": DEFAULT_PROFILE,
        "extractors": [name for name in settings.EXTRACTORS if name != "null"],
        "extractor": READER,
        "judges": settings.LLM_MODEL,
    }
    return show(request, "pages/schedules.html", context)


@require_POST
@page("pipeline.operate_run")
def act(request: HttpRequest) -> HttpResponse:
    """Add, pause, resume or remove a schedule."""
    do, name = request.POST.get("do", ""), request.POST.get("name", "").strip()[:200]
    try:
        messages.success(request, _act(request, do, name))
    except (Refusal, ValueError) as error:
        messages.warning(request, f"{str(error)[:1].upper()}{str(error)[1:]}")
    return HttpResponseRedirect(reverse("admin:schedules"), status=303)


def _act(request: HttpRequest, do: str, name: str) -> str:
    if do in ("pause", "resume"):
        schedule.set_enabled(name=name, enabled=do == "resume")
        return f"“{name}” is {'on' if do == 'resume' else 'paused'}."
    if do == "remove":
        schedule.remove(name=name)
        return f"“{name}” is removed; the runs it started are kept."
    source = request.POST.get("source", "")[:250]
    when: Any = request.POST.get("when", "").strip()[:60]
    assignment = schedule.Assignment(
        source=source,
        profile=request.POST.get("profile", DEFAULT_PROFILE)[:50],
        extractor=request.POST.get("extractor", READER)[:50],
        window_days=_days(request.POST.get("days", "")),
        budget=budget_in(request.POST),
        judge="judge" in request.POST,
    )
    made = schedule.set_schedule(
        name=name or f"read {source}",
        when=schedule.cron(when) if " " in when else schedule.every(when),
        assignment=assignment,
    )
    return f"“{made.name}” is scheduled."


def _days(word: str) -> float | None:
    return float(word) if word.isdecimal() and 0 < int(word) <= 36_500 else None


ADDRESSES = [("runs/schedules/", "schedules", schedules), ("runs/schedules/act/", "schedules_act", act)]
