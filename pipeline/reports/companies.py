"""What an analyst asks of the companies each week: which need a look and why, what changed, what is gone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, NullIf

from pipeline.extract.profiles.company import COMPANY
from pipeline.group.companies import Signal, failed_companies, states_of
from pipeline.ledger.counts import ItemCounts, seconds_worked
from pipeline.ledger.current import current_themes
from pipeline.models import Company, CompanyUrl, Evidence, Fetch, Item, Run, Theme
from pipeline.models.company import GONE, READ, PageOutcome
from pipeline.models.refusal import Refusal


class UnknownCompany(Refusal):
    """No company, or several, are called so; the message names those that are near."""


def with_standing() -> QuerySet[Any]:
    """The companies with `standing`, the status that counts, and `page_count`, `dead_count` of their pages."""
    is_watched = Q(urls__removed_at__isnull=True)
    return Company.objects.annotate(
        standing=Coalesce(NullIf(F("override"), Value("")), F("status")),
        page_count=Count("urls", filter=is_watched, distinct=True),
        dead_count=Count("urls", filter=is_watched & Q(urls__outcome__in=GONE), distinct=True),
    )


def flagged() -> QuerySet[Any]:
    """Companies that need a human look, those to review first, the surest first."""
    to_review = Case(When(standing=Company.Status.REQUIRES_REVIEW, then=0), default=1)
    return with_standing().filter(standing__in=Company.FLAGGED).order_by(to_review, "-confidence", "name")


def by_status(status: str) -> QuerySet[Any]:
    """Companies whose standing status is this one, by name."""
    return with_standing().filter(standing=status).order_by("name", "pk")


def without_urls() -> QuerySet[Company]:
    """Companies that have no page to look at, by name."""
    watched = CompanyUrl.objects.filter(company=OuterRef("pk"), removed_at__isnull=True)
    return Company.objects.filter(~Exists(watched)).order_by("name", "pk")


def dead_links() -> QuerySet[CompanyUrl]:
    """Watched pages that are gone, by company."""
    pages = CompanyUrl.objects.filter(outcome__in=GONE, removed_at__isnull=True).select_related("company")
    return pages.order_by("company__name", "company_id", "pk")


def changes_since(moment: datetime) -> QuerySet[Fetch]:
    """Changes of pages since a moment that count for something, the newest first."""
    changes = Fetch.objects.filter(fetched_at__gte=moment).exclude(magnitude__in=("", Fetch.Magnitude.NONE))
    return changes.select_related("company_url__company").order_by("-fetched_at", "-pk")


def find_company(word: str) -> Company:
    """Return the company of this id or name, or the one whose name holds the word; UnknownCompany if not just one."""
    for found in (
        Company.objects.filter(external_id=word),
        Company.objects.filter(name__iexact=word),
        Company.objects.filter(name__icontains=word),
    ):
        companies = list(found.order_by("name")[:6])
        if len(companies) == 1:
            return companies[0]
        if companies:
            known = ", ".join(f"{company.name} ({company.external_id})" for company in companies[:5])
            more = " and more" if len(companies) > 5 else ""
            raise UnknownCompany(f"several companies are called {word!r}: {known}{more}. Use the id instead.")
    raise UnknownCompany(f"there is no company {word!r}. List some with `./manage.py companies by-status operational`.")


# --- One company --------------------------------------------------------------------------------------------------


def current_signals(company: Company) -> QuerySet[Theme]:
    """The themes that count for a company's pages now, with their quotes and conversations, the surest first."""
    pages = company.urls.filter(removed_at__isnull=True).exclude(outcome__in=GONE)
    themes = current_themes(COMPANY.name).filter(conversation__page__in=pages)
    quotes = Prefetch("evidence", Evidence.objects.select_related("version").order_by("start"))
    return themes.defer("vector").select_related("conversation").prefetch_related(quotes).order_by("-confidence", "pk")


@dataclass(frozen=True, slots=True)
class PageLine:
    """One page of a company, as it was last asked for."""

    url: str
    outcome: str
    detail: str
    checked_at: datetime | None
    good_at: datetime | None
    snapshots: int


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One change of a company's status."""

    at: datetime
    before: str
    after: str
    kind: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class CompanyView:
    """All that is known of a company."""

    external_id: str
    name: str
    status: str
    concluded: str
    confidence: int
    explanation: str
    override_reason: str
    signals: tuple[Signal, ...] = ()
    pages: tuple[PageLine, ...] = ()
    history: tuple[StatusLine, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return plain values, times as they are."""
        return asdict(self)


def view_company(company: Company) -> CompanyView:
    """Return all that is known of a company, the newest change of its status first."""
    told = states_of([company.pk], profile=COMPANY.name)[company.pk].told
    pages = company.urls.filter(removed_at__isnull=True).annotate(snapshot_count=Count("snapshots")).order_by("pk")
    history = company.history.select_related("created_by", "run")
    return CompanyView(
        external_id=company.external_id,
        name=company.name,
        status=company.standing_status,
        concluded=company.status,
        confidence=company.confidence,
        explanation=company.explanation,
        override_reason=company.override_reason,
        signals=told,
        pages=tuple(
            PageLine(page.url, page.outcome, page.detail, page.checked_at, page.good_at, page.snapshot_count)
            for page in pages
        ),
        history=tuple(
            StatusLine(
                change.created_at,
                change.before,
                change.after,
                change.kind,
                str(change.created_by or (f"run {change.run_id}" if change.run_id else "")),
                change.reason,
            )
            for change in history
        ),
    )


# --- A run over pages ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageRun:
    """What a run over pages did, each number with its unit in its name.

    `urls_fetched` were asked for and answered with the page, `urls_unchanged` among them are as they were before,
    `urls_failed` came to any other outcome, `urls_fresh` were not asked for. A company failed if all its URLs did.
    """

    companies_processed: int
    companies_flagged: int
    companies_failed: int
    companies_without_urls: int
    urls_planned: int
    urls_fetched: int
    urls_unchanged: int
    urls_failed: int
    urls_fresh: int
    urls_unfinished: int
    outcomes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def newest_fetches(run: Run) -> QuerySet[Fetch]:
    """The last fetch of each of the run's items."""
    newer = Fetch.objects.filter(item=OuterRef("item"), pk__gt=OuterRef("pk"))
    return Fetch.objects.filter(~Exists(newer), item__run=run)


def page_run(run: Run, counts: ItemCounts) -> PageRun:
    """Return what a run over pages did, counted now."""
    outcomes = Counter(dict(newest_fetches(run).order_by().values_list("outcome").annotate(Count("pk"))))
    read = sum(outcomes[outcome] for outcome in READ)
    companies = Company.objects.filter(urls__conversation__items__run=run).distinct()
    standing = companies.annotate(standing=Coalesce(NullIf(F("override"), Value("")), F("status")))
    fresh = run.items.filter(state=Item.State.SKIPPED, reason="fresh").count()
    return PageRun(
        companies_processed=companies.count(),
        companies_flagged=standing.filter(standing__in=Company.FLAGGED).count(),
        companies_failed=failed_companies(run),
        companies_without_urls=without_urls().count(),
        urls_planned=counts.planned,
        urls_fetched=read,
        urls_unchanged=outcomes[PageOutcome.UNCHANGED],
        urls_failed=counts.failed,
        urls_fresh=fresh,
        urls_unfinished=counts.planned - counts.finished,
        outcomes={str(outcome): count for outcome, count in outcomes.most_common()},
        seconds=seconds_worked(run),
    )


def company_progress(run: Run) -> tuple[int, int]:
    """Return of how many of the run's companies every page is finished, and of how many there are."""
    total = CompanyUrl.objects.filter(conversation__items__run=run).values("company").distinct().count()
    waiting = CompanyUrl.objects.filter(conversation__items__run=run, conversation__items__state__in=Item.UNFINISHED)
    return total - waiting.values("company").distinct().count(), total


def uneven_companies(run: Run) -> Sequence[str]:
    """Return faults of conservation: pages of the run whose item and last fetch say different things."""
    faults = []
    items = run.items.select_related("conversation")
    asked = Exists(Fetch.objects.filter(item=OuterRef("pk")))
    for item in (
        items.filter(~asked)
        .exclude(state=Item.State.SKIPPED, reason="fresh")
        .exclude(state__in=Item.UNFINISHED)
        .exclude(stage__in=(Item.Stage.FETCH, Item.Stage.STORE))[:20]
    ):
        faults.append(f"page {item.conversation.external_id} is {item.state} but was never fetched")
    for fetch in newest_fetches(run).select_related("item", "company_url"):
        if problem := _differs(fetch):
            faults.append(f"page {fetch.company_url.url}: {problem}")
    strays = run.items.filter(conversation__page__isnull=True).count()
    if strays:
        faults.append(f"{strays} items of the run belong to no page")
    return faults


def _differs(fetch: Fetch) -> str:
    """Return how an item differs from what its last fetch says; empty if it does not."""
    state, is_seen = fetch.item.state, fetch.outcome in READ
    if state in Item.UNFINISHED:
        return ""
    if is_seen and fetch.snapshot_id is None:
        return f"it was fetched ({fetch.outcome}) but has no snapshot"
    if not is_seen and (state != Item.State.FAILED or fetch.item.error_class != fetch.outcome):
        return f"its outcome was {fetch.outcome}, but its item is {state} {fetch.item.error_class}".rstrip()
    if is_seen and state == Item.State.FAILED and fetch.item.stage == Item.Stage.FETCH:
        return f"its outcome was {fetch.outcome}, but its item failed"
    return ""
