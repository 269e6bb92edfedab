"""Companies: which need a look and why, their pages, what was seen there and how it changed, and who decided what."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline.models import Company, CompanyUrl, Fetch, Snapshot, Theme
from pipeline.models.wording import words
from pipeline.reports.companies import current_signals
from pipeline.review.companies import clear_override, override_status
from pipeline.sources.websites.changes import readable_diff
from pipeline.web.admin.base import (
    PipelineAdmin,
    WholePageAdmin,
    badge,
    day,
    link_to,
    link_to_list,
    moment,
    score,
    short,
)
from pipeline.web.parts.evidence import quoted
from pipeline.web.parts.sections import Diff, Facts, Quotes, Section, Table, Thread
from pipeline.web.parts.texts import Span, turns_of

SHOWN = 100
"""Rows of a table on a page."""


class StandingFilter(admin.SimpleListFilter):
    """Narrows to a status that counts, or to all that need a look."""

    title = "status"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("flagged", "needs a review"), *((status, words(status)) for status in Company.Status.values)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Company]) -> QuerySet[Company]:
        asked = self.value()
        if not asked:
            return queryset
        wanted = Company.FLAGGED if asked == "flagged" else (asked,)
        return queryset.filter(override__in=wanted) | queryset.filter(override="", status__in=wanted)


class CompanyForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a person may say of a company: a status of their own, with the reason."""

    class Meta:
        model = Company
        fields = ["override", "override_reason"]

    def clean(self) -> dict[str, Any]:
        """Ask for a reason where a status is set; one that is cleared has none."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("override") and not (given.get("override_reason") or "").strip():
            self.add_error("override_reason", "Why? The next person will want to know.")
        return given

    def _post_clean(self) -> None:
        """Leave the row as it is: `save_model` decides, and the constraint would miss the time until then."""


@admin.register(Company)
class CompanyAdmin(PipelineAdmin):
    """Those that need a look first."""

    form = CompanyForm
    fields = ["override", "override_reason"]
    list_display = ["name", "standing", "confidence", "why", "concluded"]
    list_filter = [StandingFilter]
    search_fields = ["name", "external_id", "urls__url"]
    ordering = ["-status", "-confidence", "name"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("pipeline.change_company")

    @admin.display(description="status", ordering="status")
    def standing(self, company: Company) -> SafeString:
        by_hand = " (set by a person)" if company.override else ""
        return format_html("{}{}", badge(company.standing_status), by_hand)

    @admin.display
    def why(self, company: Company) -> str:
        return short(company.override_reason or company.explanation, 200)

    @admin.display(ordering="concluded_at")
    def concluded(self, company: Company) -> SafeString | str:
        return day(company.concluded_at)

    def save_model(self, request: HttpRequest, obj: Company, form: Any, change: bool) -> None:
        """Record what a person decided, with who and when, if it is another status or reason than before."""
        if not form.changed_data:
            return
        given, now = form.cleaned_data, timezone.now()
        company = Company.objects.get(pk=obj.pk)
        if given["override"]:
            override_status(
                company=company, status=given["override"], reason=given["override_reason"], by=request.user, at=now
            )
            messages.info(request, "Your status applies from now on, whatever later runs find, until it is cleared.")
        elif company.override:
            clear_override(company=company, reason=given["override_reason"], by=request.user, at=now)
            messages.info(request, "The status concluded from its pages applies again.")

    def sections(self, request: HttpRequest, row: Company) -> list[Section]:
        """Return what is known, the signals in their text, the pages, and the history of the status."""
        facts = [
            ("Status", badge(row.standing_status)),
            ("Concluded from its pages", f"{words(row.status)}, confidence {row.confidence}"),
            ("Why", row.explanation),
            ("Concluded", moment(row.concluded_at)),
            ("By run", link_to(row.concluded_run)),
            ("Set by", row.override_by or ("the command line" if row.override else "")),
            ("Set", moment(row.override_at)),
            ("ID in the list", row.external_id),
            *row.metadata.items(),
        ]
        themes = current_signals(row)
        return [
            Facts(facts),
            Quotes("Signals", [quoted(theme, theme.conversation) for theme in themes]),
            self._pages(row),
            self._history(row),
        ]

    def _pages(self, company: Company) -> Section:
        pages = company.urls.order_by("removed_at", "pk")
        rows = [
            (
                link_to(page, short(page.url, 90)),
                badge(page.outcome) if page.outcome else "not fetched yet",
                page.detail,
                moment(page.checked_at),
                day(page.good_at),
                "no longer in the list" if page.removed_at else "",
            )
            for page in pages[:SHOWN]
        ]
        more = link_to_list(CompanyUrl, "Show all", company__id__exact=company.pk) if pages.count() > SHOWN else ""
        return Table("Pages", ["Page", "Outcome", "Explanation", "Asked", "Last seen", ""], rows, more)

    def _history(self, company: Company) -> Section:
        rows = [
            (
                moment(change.created_at),
                badge(change.before),
                badge(change.after),
                change.get_kind_display(),
                change.created_by or link_to(change.run),
                change.reason,
            )
            for change in company.history.select_related("created_by", "run__source")[:SHOWN]
        ]
        return Table("History of the status", ["When", "Before", "After", "How", "Who", "Why"], rows)


@admin.register(CompanyUrl)
class CompanyUrlAdmin(WholePageAdmin):
    """Pages, by company."""

    list_display = ["url", "of", "came_to", "detail", "checked_at", "good_at"]
    list_filter = ["outcome"]
    list_select_related = ["company"]
    search_fields = ["url", "company__name"]
    narrowed_by = ("company__id__exact",)

    @admin.display(description="company", ordering="company__name")
    def of(self, page: CompanyUrl) -> SafeString | str:
        return link_to(page.company)

    @admin.display(description="outcome", ordering="outcome")
    def came_to(self, page: CompanyUrl) -> SafeString | str:
        return badge(page.outcome) if page.outcome else "-"

    def sections(self, request: HttpRequest, row: CompanyUrl) -> list[Section]:
        """Return how it stands, each time it was asked for, and what was seen."""
        facts = [
            ("Company", link_to(row.company)),
            ("Address", format_html('<a href="{}" rel="noreferrer noopener nofollow">{}</a>', row.url, row.url)),
            ("Outcome", badge(row.outcome) if row.outcome else ""),
            ("Explanation", row.detail),
            ("Asked", moment(row.checked_at)),
            ("Last seen with this text", moment(row.good_at)),
            ("What was seen at that time", link_to(row.snapshot)),
            ("As a conversation", link_to(row.conversation)),
        ]
        fetches = row.fetches.select_related("item__run__source", "snapshot")[:SHOWN]
        rows = [
            (
                link_to(fetch, f"{timezone.localtime(fetch.fetched_at):%Y-%m-%d %H:%M}"),
                badge(fetch.outcome),
                fetch.get_magnitude_display() if fetch.magnitude else "",
                fetch.added_count, fetch.removed_count, fetch.moved_count,
                link_to(fetch.item.run),
            )
            for fetch in fetches
        ]  # fmt: skip
        heads = ["Asked", "Outcome", "Change", "Lines added", "Removed", "Moved", "Run"]
        return [Facts(facts), Table("All fetches", heads, rows, numbers=[3, 4, 5])]


@admin.register(Snapshot)
class SnapshotAdmin(WholePageAdmin):
    """Texts of pages, as they were seen."""

    list_display = ["title", "of", "first_seen_at"]
    list_select_related = ["company_url__company"]
    search_fields = ["title", "company_url__url"]

    @admin.display(description="page")
    def of(self, snapshot: Snapshot) -> SafeString | str:
        return link_to(snapshot.company_url, short(snapshot.company_url.url, 90))

    def sections(self, request: HttpRequest, row: Snapshot) -> list[Section]:
        """Return where it is from, and the text with what was found in it marked."""
        spans = [Span(start, end, number) for number, (start, end) in enumerate(_evidence(row), start=1)]
        facts = [
            ("Page", link_to(row.company_url)),
            ("Company", link_to(row.company_url.company)),
            ("Title", row.title),
            ("First seen", moment(row.first_seen_at)),
        ]
        return [Facts(facts), Thread("Text", turns_of(row.version, spans))]


def _evidence(snapshot: Snapshot) -> list[tuple[int, int]]:
    """Return the places of a snapshot's text that any theme quotes."""
    themes = Theme.objects.filter(evidence__version=snapshot.version)
    return sorted(set(themes.values_list("evidence__start", "evidence__end")))


@admin.register(Fetch)
class FetchAdmin(WholePageAdmin):
    """Each time that a page was asked for; its page shows what changed."""

    list_display = ["fetched_at", "of", "came_to", "change", "added_count", "removed_count", "moved_count", "detail"]
    list_filter = ["magnitude", "outcome", "fetched_at"]
    list_select_related = ["company_url__company"]
    search_fields = ["company_url__url", "company_url__company__name"]

    @admin.display(description="page")
    def of(self, fetch: Fetch) -> SafeString | str:
        return link_to(fetch.company_url, short(fetch.company_url.url, 90))

    @admin.display(description="outcome", ordering="outcome")
    def came_to(self, fetch: Fetch) -> SafeString:
        return badge(fetch.outcome)

    @admin.display(ordering="magnitude")
    def change(self, fetch: Fetch) -> str:
        return fetch.get_magnitude_display() if fetch.magnitude else "-"

    def sections(self, request: HttpRequest, row: Fetch) -> list[Section]:
        """Return what came of it and, where the text differs from the one before, the lines."""
        facts = [
            ("Page", link_to(row.company_url)),
            ("Company", link_to(row.company_url.company)),
            ("Outcome", badge(row.outcome)),
            ("Explanation", row.detail),
            ("HTTP status", row.http_status),
            ("Redirected to", row.final_url),
            ("Bytes", row.byte_count),
            ("Seconds", score(row.seconds)),
            ("Asked", moment(row.fetched_at)),
            ("Run", link_to(row.item.run)),
            ("What was seen", link_to(row.snapshot)),
            ("Substitute", "the page could not be fetched, so this is an earlier snapshot" if row.is_stand_in else ""),
            ("Change", row.get_magnitude_display() if row.magnitude else ""),
        ]
        found: list[Section] = [Facts(facts)]
        if row.previous and row.snapshot and not row.is_stand_in:
            lines = list(readable_diff(row.previous.version.text, row.snapshot.version.text))
            found.append(Diff("What changed", lines))
        return found
