"""Companies that are watched: which need a look and why, their pages, what changed on them, and who decided what.

What is concluded and counted is asked of `reports.companies`; what a person decides goes through `review.companies`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from pipeline.models import Company, CompanyUrl, Evidence, Fetch, Snapshot, Theme
from pipeline.models.company import GONE
from pipeline.models.wording import words
from pipeline.reports.companies import changes_since, current_signals, dead_links, with_standing
from pipeline.review.companies import NotDecided, clear_override, override_status
from pipeline.sources.websites.changes import DiffLine, readable_diff
from pipeline.web.pages.frame import page, show
from pipeline.web.parts.links import is_link
from pipeline.web.parts.texts import Excerpt, Span, excerpts_of, turns_of

PER_PAGE = 50
SHOWN = 100
"""Rows of a table that is not paged."""

FLAGGED = "flagged"
"""In the address: all statuses that need a look."""

MOST_LINES = 2_000
"""Lines of a difference that are shown; a browser is slow with more, and nobody reads them."""

DECIDE = "pipeline.change_company"


# --- The list -----------------------------------------------------------------------------------------------------


@page("pipeline.view_company")
def companies(request: HttpRequest) -> HttpResponse:
    """List the companies of a status, those that need a look first, with how many there are of each."""
    status = request.GET.get("status", "")
    status = status if status == FLAGGED or status in Company.Status.values else ""
    word = request.GET.get("q", "")[:200].replace("\0", "").strip()
    named = _named(word)
    counts = _counts(named)
    found = with_standing().filter(pk__in=named.values("pk")) if word else with_standing()
    if status:
        found = found.filter(standing__in=Company.FLAGGED if status == FLAGGED else [status])
    first = Case(
        When(standing=Company.Status.REQUIRES_REVIEW, then=0),
        When(standing=Company.Status.LIKELY_CLOSED, then=1),
        default=2,
    )
    listed = Paginator(found.order_by(first, "-confidence", "name", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "title": "Companies",
        "listed": listed,
        "status": status,
        "word": word,
        "choices": _choices(counts),
        "has_any": bool(counts) or Company.objects.exists(),
    }
    return show(request, "pages/companies.html", context)


def _named(word: str) -> QuerySet[Company]:
    """Return the companies that are called so, or have such an id or page."""
    if not word:
        return Company.objects.all()
    return Company.objects.filter(
        Q(name__icontains=word)
        | Q(external_id__iexact=word)
        | Q(pk__in=CompanyUrl.objects.filter(url__icontains=word).values("company"))
    )


def _counts(named: QuerySet[Company]) -> dict[str, int]:
    """Return how many companies there are of each status that counts; one question."""
    standing = Coalesce(NullIf(F("override"), Value("")), F("status"))
    rows: Any = named.order_by().annotate(standing=standing).values_list("standing").annotate(number=Count("pk"))
    return dict(rows)


def _choices(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """Return the statuses to narrow to: value, words, and how many companies have it."""
    flagged = sum(counts.get(status, 0) for status in Company.FLAGGED)
    each = [(str(status), words(status), counts.get(status, 0)) for status in Company.Status.values]
    return [("", "all", sum(counts.values())), (FLAGGED, "needs a look", flagged), *each]


# --- What changed -------------------------------------------------------------------------------------------------

PERIODS = ((7, "7 days"), (30, "30 days"), (90, "90 days"))


@page("pipeline.view_company")
def changes(request: HttpRequest) -> HttpResponse:
    """List the changes of pages that count for something, the newest first, and the pages that are gone."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(number) for number, _ in PERIODS} else PERIODS[0][0]
    found = changes_since(timezone.now() - timedelta(days=days))
    is_major = request.GET.get("only") == Fetch.Magnitude.MAJOR
    if is_major:
        found = found.filter(magnitude=Fetch.Magnitude.MAJOR)
    context = {
        "title": "What changed",
        "listed": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "days": days,
        "periods": PERIODS,
        "is_major": is_major,
        "dead": dead_links()[:SHOWN],
    }
    return show(request, "pages/companies_changes.html", context)


# --- One company --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownSignal:
    """A signal on a page, with its quotes in the text around them. `confidence` is the reader's, of 100."""

    theme: Theme
    page_id: int
    url: str
    confidence: int
    excerpts: list[Excerpt]


@page("pipeline.view_company")
def company(request: HttpRequest, company_id: int) -> HttpResponse:
    """Show a company: its status and why, the signals in their text, its pages, and the history of its status."""
    row = get_object_or_404(Company.objects.select_related("override_by", "concluded_run"), pk=company_id)
    pages = row.urls.annotate(snapshot_count=Count("snapshots")).order_by("removed_at", "pk")[:SHOWN]
    context = {
        "title": row.name,
        "company": row,
        "signals": _signals(row),
        "pages": [(each, is_link(each.url)) for each in pages],
        "changes": _changes_of(row),
        "history": row.history.select_related("created_by", "run")[:SHOWN],
        "metadata": sorted(row.metadata.items()) if isinstance(row.metadata, dict) else [],
        "statuses": [(status, words(status)) for status in Company.Status.values],
        "may_decide": request.user.has_perm(DECIDE),
    }
    return show(request, "pages/company.html", context)


def _signals(row: Company) -> list[ShownSignal]:
    """Return what its pages say now, the surest first; three questions."""
    themes = list(current_signals(row).select_related("conversation__page")[:SHOWN])
    return [
        ShownSignal(
            theme,
            theme.conversation.page.pk,
            theme.conversation.page.url,
            round(100 * theme.confidence),
            excerpts_of(list(theme.evidence.all())),
        )
        for theme in themes
    ]


def _changes_of(row: Company) -> QuerySet[Fetch]:
    """Return the changes of its pages that count for something, the newest first."""
    found = Fetch.objects.filter(company_url__company=row).exclude(magnitude__in=("", Fetch.Magnitude.NONE))
    return found.select_related("company_url")[:20]


@require_POST
@page("pipeline.view_company", DECIDE)
def act(request: HttpRequest, company_id: int) -> HttpResponse:
    """Set a person's status with its reason, or let what the pages say count again."""
    row, do = get_object_or_404(Company, pk=company_id), request.POST.get("do", "")
    if do not in ("override", "clear"):
        raise Http404(f"{do[:40]!r} is not an action for companies")
    reason, now = request.POST.get("reason", "").replace("\0", "")[:2000], timezone.now()
    try:
        if do == "override":
            status = request.POST.get("status", "")[:20]
            done = override_status(company=row, status=status, reason=reason, by=request.user, at=now)
            told = f"{done} is now {words(done.standing_status)}, whatever later runs find, until you clear it."
        else:
            done = clear_override(company=row, reason=reason, by=request.user, at=now)
            told = f"The status concluded from its pages applies again: {done} is {words(done.standing_status)}."
        messages.success(request, told)
    except NotDecided as refused:
        messages.warning(request, f"{str(refused)[:1].upper()}{str(refused)[1:]}")
    return HttpResponseRedirect(reverse("admin:company", args=[row.pk]), status=303)


# --- One page of it -----------------------------------------------------------------------------------------------


@page("pipeline.view_company")
def company_page(request: HttpRequest, page_id: int) -> HttpResponse:
    """Show a page: each time that it was asked for and what came of it, and what was seen."""
    row = get_object_or_404(CompanyUrl.objects.select_related("company", "snapshot"), pk=page_id)
    fetches = row.fetches.select_related("item", "snapshot", "previous")
    context = {
        "title": row.url,
        "page": row,
        "is_link": is_link(row.url),
        "is_gone": row.outcome in GONE,
        "listed": Paginator(fetches, PER_PAGE).get_page(request.GET.get("page")),
        "snapshots": row.snapshots.all()[:SHOWN],
    }
    return show(request, "pages/company_page.html", context)


@page("pipeline.view_company")
def snapshot(request: HttpRequest, snapshot_id: int) -> HttpResponse:
    """Show the text of a page as it was seen, with what was found in it marked."""
    found = Snapshot.objects.select_related("company_url__company", "version")
    row = get_object_or_404(found, pk=snapshot_id)
    quotes = Evidence.objects.filter(version=row.version).order_by("start").values_list("start", "end")
    spans = [Span(start, end, number) for number, (start, end) in enumerate(dict.fromkeys(quotes), start=1)]
    context = {"title": row.title or row.company_url.url, "snapshot": row, "turns": turns_of(row.version, spans)}
    return show(request, "pages/company_snapshot.html", context)


@page("pipeline.view_company")
def change(request: HttpRequest, fetch_id: int) -> HttpResponse:
    """Show what came of asking for a page once and, where its text differs from the one before, the lines."""
    found = Fetch.objects.select_related(
        "company_url__company", "item__run", "snapshot__version", "previous__version"
    )  # fmt: skip
    row = get_object_or_404(found, pk=fetch_id)
    lines, is_cut = _difference(row)
    context = {
        "title": "What changed",
        "fetch": row,
        "lines": lines,
        "is_cut": is_cut,
        "milliseconds": round(1000 * row.seconds),
    }
    return show(request, "pages/company_change.html", context)


def _difference(row: Fetch) -> tuple[Sequence[DiffLine], bool]:
    """Return the lines that differ from what was seen the time before, and whether there are more of them."""
    if not (row.previous and row.snapshot) or row.is_stand_in:
        return [], False
    found = readable_diff(row.previous.version.text, row.snapshot.version.text)
    lines = list(islice(found, MOST_LINES + 1))
    return lines[:MOST_LINES], len(lines) > MOST_LINES


ADDRESSES = [
    ("companies/", "companies", companies),
    ("companies/changes/", "company_changes", changes),
    ("companies/<int:company_id>/", "company", company),
    ("companies/<int:company_id>/act/", "company_act", act),
    ("companies/pages/<int:page_id>/", "company_page", company_page),
    ("companies/snapshots/<int:snapshot_id>/", "company_snapshot", snapshot),
    ("companies/changes/<int:fetch_id>/", "company_change", change),
]
