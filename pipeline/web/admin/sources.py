"""Sources: where conversations come from."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import DELETION, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline.ledger.errors import RunError
from pipeline.models import Conversation, Run, Source
from pipeline.runs.delete_source import delete_source, what_hangs_on
from pipeline.sources.own_words.repeated import CUSTOMER
from pipeline.web.admin.base import WholePageAdmin, badge, link_to, link_to_list, moment
from pipeline.web.parts.figures import source_figures
from pipeline.web.parts.sections import Facts, Section, Table

LAST_RUNS = 20
SHOWN_PASSAGES = 100


@admin.register(Source)
class SourceAdmin(WholePageAdmin):
    """To read, and to remove: sources are made by imports."""

    list_display = ["__str__", "run_count", "conversation_count", "last_run", "last_run_at"]
    show_full_result_count = True
    search_fields = ["kind", "name"]
    actions = ["remove"]

    def complete(self, rows: Sequence[Source]) -> None:
        """Count the runs and conversations of these sources."""
        figures = source_figures([source.pk for source in rows])
        for source in rows:
            source.figures = figures[source.pk]  # type: ignore[attr-defined]

    @admin.action(description="Remove with all conversations, runs and themes", permissions=["remove"])
    def remove(self, request: HttpRequest, sources: QuerySet[Source]) -> HttpResponse | None:
        """Say how much hangs on the chosen sources; once that is confirmed, remove them."""
        chosen = list(sources.order_by("kind", "name"))
        if "_confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": "Remove sources",
                "opts": self.opts,
                "rows": [(source, what_hangs_on(source)) for source in chosen],
            }
            return TemplateResponse(request, "admin/pipeline/remove_sources.html", context)
        for source in chosen:
            name, key = str(source), source.pk
            try:
                gone = delete_source(source=source)
            except RunError as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
                continue
            source.pk = key  # for the history, which keeps the number of a row that is gone
            LogEntry.objects.log_actions(
                cast(int, request.user.pk), cast(Any, [source]), DELETION, f"removed {name}: {gone}"
            )
            self.message_user(request, f"Removed {name}: {gone}.", messages.SUCCESS)
        return None

    def has_remove_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may remove sources."""
        return request.user.has_perm("pipeline.delete_source")

    @admin.display(description="runs")
    def run_count(self, source: Any) -> SafeString:
        return link_to_list(Run, source.figures.runs, source__id__exact=source.pk)

    @admin.display(description="conversations")
    def conversation_count(self, source: Any) -> SafeString:
        return link_to_list(Conversation, source.figures.conversations, source__id__exact=source.pk)

    @admin.display(description="last run")
    def last_run(self, source: Any) -> SafeString | str:
        run: Run | None = source.figures.last_run
        return format_html("{} {}", link_to(run, f"run {run.pk}"), badge(run.state)) if run else "-"

    @admin.display(description="started")
    def last_run_at(self, source: Any) -> SafeString | str:
        run: Run | None = source.figures.last_run
        return moment(run.started_at) if run else "-"

    def sections(self, request: HttpRequest, source: Source) -> list[Section]:
        """Return the source's figures and its newest runs."""
        figures = source_figures([source.pk])[source.pk]
        facts = [
            ("Kind", source.kind),
            ("Name", source.name),
            ("Since", moment(source.created_at)),
            ("Conversations", link_to_list(Conversation, figures.conversations, source__id__exact=source.pk)),
            ("Runs", link_to_list(Run, figures.runs, source__id__exact=source.pk)),
        ]
        runs = [
            (link_to(run, f"run {run.pk}"), badge(run.state), moment(run.started_at), run.attention or run.error)
            for run in source.runs.all()[:LAST_RUNS]
        ]
        return [
            Facts(facts),
            Table("Newest runs", ["Run", "State", "Started", "Note"], runs),
            *([_repeated(source)] if source.repeated_passages else []),
        ]


def _repeated(source: Source) -> Table:
    rows = [
        (
            each["text"],
            "the customer" if each["said_by"] == CUSTOMER else "others",
            each["conversations"],
            each["counted"],
        )
        for each in source.repeated_passages[:SHOWN_PASSAGES]
    ]
    heads = ["Not read because many conversations contain it word for word", "Written by", "Conversations", "Of"]
    return Table("Repeated passages", heads, rows, numbers=[2, 3])
