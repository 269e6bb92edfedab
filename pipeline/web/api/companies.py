"""Companies that are watched: which need a look and why, what changed, and a person's word that stands."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, Field

from pipeline.models import Company, CompanyUrl, Fetch
from pipeline.models.company import GONE
from pipeline.reports.companies import by_status, flagged, view_company, with_standing, without_urls
from pipeline.review.companies import clear_override, override_status
from pipeline.web.api.door import Scope, needs, person_of, reason_of
from pipeline.web.api.paging import NEWEST, Cursor, Limit, Order, Page, page_of
from pipeline.web.api.shapes import In, Row, Text, Why, Word, name_of

router = Router(tags=["companies"])

BY_NAME = Order("name", ("name", "id"))
CHANGED = Order("changed", ("fetched_at", "id"), is_downwards=True)

Status = Literal["operational", "likely_closed", "requires_review", "unknown", "no_urls"]


class CompanyOut(Schema):
    """A company and the status that counts: a person's where one stands, else what its pages let us conclude."""

    id: int
    external_id: str
    name: str
    status: str
    concluded: str
    confidence: int
    explanation: str
    override: str
    override_reason: str
    override_at: datetime | None
    override_by: str | None
    concluded_at: datetime | None
    pages: int
    dead_pages: int
    metadata: Any


class CompanyFilter(Schema):
    """Which companies: all that are given must hold."""

    show: Literal["all", "flagged", "without_urls"] = Field("all", description="flagged: those that need a human look")
    status: Status | None = None
    q: Word = Field("", description="a part of the name, or the whole id in the list")


@router.get("", response=Page[CompanyOut])
@needs(Scope.READ)
def list_companies(
    request: HttpRequest, asked: Query[CompanyFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List companies by name."""
    found = by_status(asked.status) if asked.status else with_standing()
    if asked.show == "flagged":
        found = found.filter(pk__in=flagged().values("pk"))
    if asked.show == "without_urls":
        found = found.filter(pk__in=without_urls().values("pk"))
    if asked.q:
        found = found.filter(name__icontains=asked.q) | found.filter(external_id=asked.q)
    rows, after = page_of(found.select_related("override_by"), BY_NAME, cursor, limit)
    return {"items": [_company(row) for row in rows], "next": after}


def _company(row: Any) -> dict[str, Any]:
    columns = (
        "id", "external_id", "name", "confidence", "explanation", "override", "override_reason", "override_at",
        "concluded_at", "metadata",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in columns},
        "status": row.standing,
        "concluded": row.status,
        "override_by": name_of(row.override_by),
        "pages": row.page_count,
        "dead_pages": row.dead_count,
    }


class ChangeOut(Schema):
    """A page whose text changed."""

    id: int
    company_id: int
    company: str
    url: str
    magnitude: str
    added_lines: int
    removed_lines: int
    moved_lines: int
    fetched_at: datetime


@router.get("/changes", response=Page[ChangeOut])
@needs(Scope.READ)
def list_changes(
    request: HttpRequest, since: Query[AwareDatetime | None] = None, cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List changes of pages that count for something, the newest first."""
    found = Fetch.objects.exclude(magnitude__in=("", Fetch.Magnitude.NONE)).select_related("company_url__company")
    if since:
        found = found.filter(fetched_at__gte=since)
    rows, after = page_of(found, CHANGED, cursor, limit)
    return {"items": [_change(row) for row in rows], "next": after}


def _change(row: Fetch) -> dict[str, Any]:
    return {
        "id": row.pk,
        "company_id": row.company_url.company_id,
        "company": row.company_url.company.name,
        "url": row.company_url.url,
        "magnitude": row.magnitude,
        "added_lines": row.added_count,
        "removed_lines": row.removed_count,
        "moved_lines": row.moved_count,
        "fetched_at": row.fetched_at,
    }


class DeadLinkOut(Schema):
    """A watched page that is gone."""

    id: int
    company_id: int
    company: str
    url: str
    outcome: str
    detail: str
    checked_at: datetime | None


@router.get("/dead-links", response=Page[DeadLinkOut])
@needs(Scope.READ)
def list_dead_links(request: HttpRequest, cursor: Cursor = None, limit: Limit = 50) -> dict[str, Any]:
    """List watched pages that are gone."""
    found = CompanyUrl.objects.filter(outcome__in=GONE, removed_at__isnull=True).select_related("company")
    rows, after = page_of(found, NEWEST, cursor, limit)
    columns = ("id", "company_id", "url", "outcome", "detail", "checked_at")
    items = [{**{name: getattr(row, name) for name in columns}, "company": row.company.name} for row in rows]
    return {"items": items, "next": after}


def _the_company(company_id: int) -> Any:
    return with_standing().select_related("override_by").get(pk=company_id)


class PageOut(Schema):
    """A page of a company, as it was last asked for."""

    url: str
    outcome: str
    detail: str
    checked_at: datetime | None
    good_at: datetime | None
    snapshots: int


class HistoryOut(Schema):
    """A change of a company's status."""

    at: datetime
    before: str
    after: str
    kind: str
    who: str
    reason: str


class CompanyDetail(CompanyOut):
    """A company with what its pages say, the pages, and the history of its status, the newest first."""

    signals: list[dict[str, Any]]
    watched: list[PageOut]
    history: list[HistoryOut]


@router.get("/{company_id}", response=CompanyDetail)
@needs(Scope.READ)
def get_company(request: HttpRequest, company_id: Row) -> dict[str, Any]:
    """Return all that is known of a company."""
    row = _the_company(company_id)
    view = view_company(row).as_json()
    return {**_company(row), "signals": view["signals"], "watched": view["pages"], "history": view["history"]}


# --- Deciding -----------------------------------------------------------------------------------------------------


class OverrideIn(In):
    """A person's status, and why."""

    status: Status
    reason: Text = Field(min_length=1)


class Decided(Schema):
    """The status that counts now, and what the pages let us conclude."""

    id: int
    status: str
    concluded: str


def _decided(company: Company) -> dict[str, Any]:
    return {"id": company.pk, "status": company.standing_status, "concluded": company.status}


@router.post("/{company_id}/override", response=Decided)
@needs(Scope.REVIEW, in_one_transaction=True)
def override(request: HttpRequest, company_id: Row, body: OverrideIn) -> dict[str, Any]:
    """Set a company's status by hand; it stands until it is cleared, whatever the pages say."""
    company = Company.objects.get(pk=company_id)
    by, now = person_of(request), timezone.now()
    return _decided(override_status(company=company, status=body.status, reason=body.reason, by=by, at=now))


@router.post("/{company_id}/clear", response=Decided)
@needs(Scope.REVIEW, in_one_transaction=True)
def clear(request: HttpRequest, company_id: Row, body: Why) -> dict[str, Any]:
    """Let the concluded status of a company count again."""
    company, reason = Company.objects.get(pk=company_id), reason_of(request, body.reason)
    return _decided(clear_override(company=company, reason=reason, by=person_of(request), at=timezone.now()))
