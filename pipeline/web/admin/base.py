"""What all screens share: rows that nobody edits, lists that count a page at a time, small pieces of HTML."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from pipeline.models import Company, Item, Orphan, PageOutcome, Run, Signature, Story
from pipeline.models.company import GONE
from pipeline.models.wording import words
from pipeline.web.parts.files import OFFERED, file_of_rows, may_export
from pipeline.web.parts.sections import Section

MOST_COUNTED = 10_000
"""A list says how many rows it has up to this number: counting them all would read the whole table."""

TONES: dict[str, str] = {
    Run.State.COMPLETED: "good",
    Run.State.PENDING: "busy",
    Run.State.RUNNING: "busy",
    Run.State.STOPPING: "busy",
    Run.State.STOPPED: "quiet",
    Run.State.COMPLETED_WITH_ERRORS: "warn",
    Run.State.NEEDS_ATTENTION: "warn",
    Run.State.FAILED: "bad",
    Run.State.LOST: "bad",
    Item.State.READING: "busy",
    Item.State.EXTRACTED: "good",
    Story.Status.CANDIDATE: "warn",
    Story.Status.APPROVED: "busy",
    Story.Status.IN_PROGRESS: "busy",
    Story.Status.DONE: "good",
    Orphan.Reason.HELD: "warn",
    Orphan.Reason.LANGUAGE: "warn",
    Company.Status.OPERATIONAL: "good",
    Company.Status.REQUIRES_REVIEW: "warn",
    Company.Status.LIKELY_CLOSED: "bad",
    PageOutcome.OK: "good",
    PageOutcome.UNCHANGED: "good",
    **dict.fromkeys(GONE, "bad"),
}


# --- Small pieces of HTML -----------------------------------------------------------------------------------------


def badge(value: str) -> SafeString:
    """Return a state or reason as a coloured word; the colour repeats what the word says."""
    return format_html('<span class="lm-badge lm-{}">{}</span>', TONES.get(value, "quiet"), words(value))


def url_of(row: Model) -> str:
    """Return the address of the row's own page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def breakable(name: str) -> SafeString:
    """Return a snake_case name that may go on in the next line after each underscore."""
    return format_html_join(mark_safe("_<wbr>"), "{}", ((part,) for part in name.split("_")))


def link_to(row: Model | None, text: object = "") -> SafeString | str:
    """Return a link to the row's page, with its name unless a text is given; a dash for no row.

    A signature is shown by the name that people see, and its key to those who point at it.
    """
    if isinstance(row, Signature) and not text:
        return format_html('<a href="{}" title="{}">{}</a>', url_of(row), row.key, row.name)
    return format_html('<a href="{}">{}</a>', url_of(row), breakable(str(text or row))) if row else "-"


def link_to_list(model: type[Model], text: object, **filters: object) -> SafeString:
    """Return a link to the model's list, narrowed by the filters."""
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return format_html(
        '<a href="{}?{}">{}</a>',
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
        query,
        text,
    )


def day(at: datetime | None) -> SafeString | str:
    """Return a date, with its time for those who point at it."""
    if at is None:
        return "-"
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), f"{local:%H:%M %Z}", f"{local:%Y-%m-%d}"
    )


def moment(at: datetime | None) -> SafeString | str:
    """Return a date with its time."""
    if at is None:
        return "-"
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{timezone.localtime(at):%Y-%m-%d %H:%M}")


def short(text: str, length: int = 160) -> str:
    """Return the text on one line, cut between words."""
    # a page of a list must not split hundreds of long texts; four times leaves room for blanks that fall away
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else f"{line[:length].rsplit(' ', 1)[0]} …"


def score(value: float | None) -> str:
    """Return a score or confidence with two decimals."""
    return "-" if value is None else number_format(value, 2)


# --- Lists --------------------------------------------------------------------------------------------------------


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # it takes none when it runs
    """Counts no further than MOST_COUNTED and lists no more; filters and search find the rest."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, as far as this counts."""
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST_COUNTED].count())


class PageList(ChangeList):
    """A list that asks for the figures of its page in one go, when the page is known."""

    def get_results(self, request: HttpRequest) -> None:
        """Find the page's rows and let the admin complete them."""
        super().get_results(request)
        screen: Any = self.model_admin
        screen.complete(list(self.result_list))


def _export(screen: "PipelineAdmin", request: HttpRequest, rows: QuerySet[Any], *, form: str) -> StreamingHttpResponse:
    """Return the chosen rows as a file; names and private data are redacted in it."""
    return file_of_rows(screen.exports, form, rows)


class PipelineAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes none when it runs
    """A page to read. Rows come from runs; nobody adds, changes or deletes them by hand.

    Lists: `complete` fills in what columns need. Pages: `sections` returns what stands on them.
    """

    paginator: ClassVar[Any] = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count the whole table for every choice
    list_per_page = 50
    list_max_show_all = 0  # no button that lists a whole table
    actions_selection_counter = True
    narrowed_by: Sequence[str] = ()
    """Lookups that links to the list use."""
    exports: ClassVar[str] = ""
    """The kind of `reports.exports` that the list is of: rows that are chosen, or all it shows, can be taken away."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that completes its page."""
        return PageList

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return what can be done with chosen rows; where they are of a kind that can be exported, that too."""
        actions: dict[str, Any] = super().get_actions(request)
        if self.exports and may_export(request, self.exports):
            for form, name in OFFERED:
                does = partial(_export, form=form)
                actions[f"export_{form}"] = (does, f"export_{form}", f"Export as {name}")
        return actions

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, headed by what it lists."""
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def complete(self, rows: Sequence[Any]) -> None:
        """Fill in what the columns of these rows show; a fixed number of questions."""

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        """Return what the row's page shows, from top to bottom."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | TemplateResponse:
        """Show the row's page, headed by its name."""
        row = kwargs.get("obj")
        context |= {"title": str(row), "subtitle": None, "sections": self.sections(request, row)}
        return super().render_change_form(request, context, *args, **kwargs)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Let links narrow the list as well as filters."""
        return lookup in self.narrowed_by or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class WholePageAdmin(PipelineAdmin):
    """A row whose sections say it all; Django's list of fields stays away."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return none: no field is read into a form."""
        return []


class DecidingAdmin(PipelineAdmin):
    """A row people decide about, with a button for each decision at the foot of its page."""

    decisions: Mapping[str, str] = {}
    """What is sent, and what stands on the button."""

    def decide(self, request: HttpRequest, rows: QuerySet[Any], decision: str) -> None:
        """Take the decision about these rows and tell the person."""
        raise NotImplementedError

    def decisions_about(self, row: Any) -> list[tuple[str, str]]:
        """Return the decisions that would change this row."""
        return list(self.decisions.items())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | TemplateResponse:
        """Offer the decisions."""
        context["decisions"] = self.decisions_about(kwargs["obj"])
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store what was written, and only that; then take the decision whose button was pressed."""
        if form.changed_data:
            obj.save(update_fields=form.changed_data)
        decision = request.POST.get("_decide", "")
        if decision in self.decisions:
            self.decide(request, self.model._default_manager.filter(pk=obj.pk), decision)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note what was written; decisions note themselves."""
        return super().log_change(request, obj, message) if message else None

    def note(self, request: HttpRequest, rows: Sequence[Model], message: str) -> None:
        """Write a decision into the history of each row."""
        if rows:
            person, decided = cast(int, request.user.pk), cast(Any, rows)
            LogEntry.objects.log_actions(person, decided, CHANGE, message)


# --- Filters ------------------------------------------------------------------------------------------------------


class NarrowingFilter(admin.SimpleListFilter):
    """A filter that starts narrow: the first choice holds until another is taken."""

    def choices(self, changelist: ChangeList) -> Any:
        """Yield the choices; there is no `All` that stands for nothing chosen."""
        first = self.lookup_choices[0][0] if self.lookup_choices else None
        for value, title in self.lookup_choices:
            chosen = self.value() == str(value) or (self.value() is None and value == first)
            yield {
                "selected": chosen,
                "query_string": changelist.get_query_string({str(self.parameter_name): value}),
                "display": title,
            }


class RunFilter(admin.SimpleListFilter):
    """Narrows to one of the newest runs; older ones by `?run=` in the address."""

    title = "run"
    parameter_name = "run"
    newest = 15
    lookup = "run"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the newest runs."""
        runs = Run.objects.filter(is_preview=False).select_related("source")[: self.newest]
        return [(str(run.pk), str(run)) for run in runs]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the chosen run."""
        value = self.value()
        return queryset.filter(**{self.lookup: value}) if value and value.isdecimal() else queryset
