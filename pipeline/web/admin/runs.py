"""Runs: what each did, what went wrong, and how to continue."""

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline.ledger.counts import ItemCounts, failed_items, seconds_worked
from pipeline.models import Conversation, Item, Orphan, Run, Story, Theme
from pipeline.models.wording import counted, duration, words
from pipeline.reports.summary import RunSummary, passes_over, run_summary, stories_of_run
from pipeline.sources.understanding.language import counted_languages
from pipeline.web.admin.base import WholePageAdmin, badge, day, link_to, link_to_list, moment, short
from pipeline.web.parts.curve import curve
from pipeline.web.parts.figures import run_figures
from pipeline.web.parts.sections import Bar, Commands, Facts, Note, Section, Table

SHOWN = 50
"""Failed conversations, and stories, on a run's page."""


@admin.register(Run)
class RunAdmin(WholePageAdmin):
    """To read only: runs are started, stopped and salvaged by commands."""

    list_display = [
        "name", "source", "badge", "progress", "themes", "stories", "orphans", "started", "remark",
    ]  # fmt: skip
    list_display_links = ["name"]
    list_filter = ["state", "phase", "is_preview", "source"]
    search_fields = ["=id", "source__name", "error", "attention"]
    list_select_related = ["source"]
    show_full_result_count = True
    list_per_page = 20  # each row's figures are counted from the ledger

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Return runs with their sources."""
        return super().get_queryset(request).select_related("source", "created_by")

    def complete(self, rows: Sequence[Run]) -> None:
        """Count what these runs did."""
        figures = run_figures([run.pk for run in rows])
        for run in rows:
            run.figures = figures[run.pk]  # type: ignore[attr-defined]

    # --- Columns --------------------------------------------------------------------------------------------------

    @admin.display(description="run", ordering="id")
    def name(self, run: Run) -> str:
        return f"run {run.pk}" + (" (dry run)" if run.is_preview else "")

    @admin.display(description="state", ordering="state")
    def badge(self, run: Run) -> SafeString:
        """Return the state, with the phase of a run that is not through all."""
        if run.phase == Run.Phase.DONE:
            return badge(run.state)
        return format_html('{} <span class="lm-hint">{}</span>', badge(run.state), run.phase)

    @admin.display(description="finished")
    def progress(self, run: Any) -> str:
        return f"{run.figures.finished} of {run.figures.planned}"

    @admin.display
    def themes(self, run: Any) -> SafeString:
        return link_to_list(Theme, run.figures.themes, run=run.pk)

    @admin.display(description="new stories")
    def stories(self, run: Any) -> SafeString:
        return link_to_list(Story, run.figures.stories_new, new_in=run.pk, status="all")

    @admin.display
    def orphans(self, run: Any) -> int:
        return int(run.figures.orphans)

    @admin.display(description="started, took", ordering="started_at")
    def started(self, run: Run) -> SafeString | str:
        if run.started_at is None:
            return "-"
        clock = f"{timezone.localtime(run.started_at):%H:%M}, {_took(run)}"
        return format_html('{} <span class="lm-hint">{}</span>', day(run.started_at), clock)

    @admin.display
    def remark(self, run: Run) -> str:
        return short(run.error or run.attention, 120)

    # --- The page -------------------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, run: Run) -> list[Section]:
        """Return all that the run did, and what to do now."""
        summary = run_summary(run)
        counts = summary.conversations
        return [
            *_notes(run),
            Bar(
                counts.finished,
                counts.planned,
                f"{counts.finished} of {counted(counts.planned, 'conversation')} finished",
            ),
            Facts(_facts(run, summary)),
            *_what_to_type(run),
            _items_by_state(run, counts),
            *_failures(run, counts.failed),
            *([_stories(run, summary.stories_new + summary.stories_grown)] if run.makes_stories else []),
            *_orphans(summary.orphans),
            *_passes(run),
            *curve(request, run, summary.themes),
            Facts(_pairs(run.parameters), "Parameters"),
            Facts(_pairs(run.versions), "Versions"),
            *([Facts(_pairs(run.preview), "Preview")] if run.preview else []),
        ]


def _took(run: Run) -> str:
    if run.started_at is None:
        return "-"
    return duration(seconds_worked(run))


def _notes(run: Run) -> list[Section]:
    notes: list[Section] = [Note(run.error, "bad")] if run.error else []
    if run.attention:
        notes.append(Note(run.attention))
    if run.is_live and _is_silent(run):
        silent = (
            f"No heartbeat for more than {settings.RUN_LOST_AFTER} s. It will be dispatched again, and marked lost "
            "if nothing moves. Is Celery beat running?"
        )
        notes.append(Note(silent, "bad"))
    if run.is_preview:
        notes.append(Note("A dry run: planned and estimated, nothing was read."))
    return notes


def _is_silent(run: Run) -> bool:
    silent_since = run.heartbeat_at or run.created_at
    return silent_since < timezone.now() - timedelta(seconds=settings.RUN_LOST_AFTER)


def _facts(run: Run, summary: RunSummary) -> list[tuple[str, object]]:
    return [
        ("State", format_html("{} {}", badge(run.state), f"phase {run.phase}")),
        ("Source", link_to(run.source)),
        ("Profile", run.profile),
        ("Extractor", run.extractor),
        ("Themes", link_to_list(Theme, summary.themes, run=run.pk)),
        ("Languages", counted_languages(summary.languages.items())),
        ("Signatures", f"{summary.signatures_proposed} proposed, {summary.signatures_after_merge} after merge"),
        (
            "Stories",
            f"{summary.stories_new} new, {summary.stories_grown} grown" if run.makes_stories else "not requested",
        ),
        ("Recency counts from", day(run.as_of)),
        ("Started", moment(run.started_at)),
        ("Finished", moment(run.finished_at)),
        ("Duration", f"{_took(run)}, {summary.conversations_per_second:.1f} conversations/s"),
        ("Last heartbeat", moment(run.heartbeat_at) if run.is_live else ""),
        ("Stop requested", moment(run.stop_requested_at)),
        ("Attempts", run.epoch if run.epoch > 1 else ""),
        ("Started by", run.created_by),
    ]


def _items_by_state(run: Run, counts: ItemCounts) -> Table:
    rows = [
        (badge(state), link_to_list(Conversation, count, items__run__exact=run.pk, items__state__exact=state))
        for state in Item.State.values
        if (count := getattr(counts, state))
    ]
    return Table("Conversations by state", ["State", "Conversations"], rows, numbers=[1])


def _failures(run: Run, failed: int) -> list[Section]:
    if not failed:
        return []
    rows = [
        (
            link_to(item.conversation),
            item.stage,
            item.error_class,
            item.reason,
            short(item.error, 300),
            item.delivery_count,
        )
        for item in failed_items(run)[:SHOWN]
    ]
    heads = ["Conversation", "Stage", "Error class", "Reason", "Error", "Deliveries"]
    more = f"{failed - SHOWN} more: click the number of failed conversations above." if failed > SHOWN else ""
    return [Table("Failed conversations", heads, rows, more, numbers=[5])]


def _stories(run: Run, total: int) -> Table:
    rows = [
        (
            link_to(story),
            "new" if story.first_run_id == run.pk else "grown",
            badge(story.status),
            story.conversations,  # type: ignore[attr-defined]
            story.customers,  # type: ignore[attr-defined]
        )
        for story in stories_of_run(run)[:SHOWN]
    ]
    more = f"{total - SHOWN} more in the list of stories." if total > SHOWN else ""
    heads = ["Story", "In this run", "Status", "Conversations", "Customers"]
    return Table("Stories", heads, rows, more, numbers=[3, 4])


def _orphans(by_reason: Mapping[str, int]) -> list[Section]:
    if not by_reason:
        return []
    rows = [
        (badge(reason), link_to_list(Orphan, count, reason__exact=reason))
        for reason, count in sorted(by_reason.items())
    ]
    return [Table("Orphans of this run by reason", ["Reason", "Orphans"], rows, numbers=[1])]


def _passes(run: Run) -> list[Section]:
    rows = [
        (
            moment(entry.created_at),
            f"merge of run {entry.run_id}" if entry.run_id else entry.reason,
            entry.get_kind_display(),
            entry.theme_count,
            entry.new_count,
            entry.moved_count,
            entry.created_by or "",
        )
        for entry in passes_over(run)
    ]
    heads = ["When", "Why", "What was done", "Themes", "New", "Moved", "By"]
    return [Table("How themes were grouped", heads, rows, numbers=[3, 4, 5])] if rows else []


def _what_to_type(run: Run) -> list[Section]:
    if run.is_preview:
        return [
            Commands(
                "Start the run",
                [(f"./manage.py run_pipeline {shlex.quote(str(run.source))}", "starts a run of this source")],
            )
        ]
    if run.is_live:
        watch = (f"./manage.py run_status {run.pk}", "shows its progress")
        stop = (
            f"./manage.py stop_run {run.pk}",
            "stops it after the conversations in progress; it can be resumed later",
        )
        return [Commands("Watch, or stop", [watch, stop])]
    if run.phase == Run.Phase.PLAN:
        again = f"./manage.py run_pipeline {shlex.quote(str(run.source))}"
        return [Commands("Continue", [(again, "starts over, because this run ended before it was planned")])]
    if run.state in Run.FINISHED and not run.makes_stories:
        return [
            Commands(("Continue"), [(f"./manage.py make_stories {run.pk}", "makes stories and orphans of its themes")])
        ]
    if run.state not in Run.RESUMABLE:
        return []
    return [Commands("Continue", list(_ways_on(run)))]


def _ways_on(run: Run) -> list[tuple[str, str]]:
    resume = (f"./manage.py run_pipeline --resume {run.pk}", "continues where it stopped")
    salvage = (
        f"./manage.py salvage {run.pk}",
        "finds what is missing and retries what failed, without paying twice for anything",
    )
    return [resume, salvage] if run.state in (Run.State.STOPPED, Run.State.LOST) else [salvage, resume]


def _pairs(values: Mapping[str, object]) -> list[tuple[str, object]]:
    return [
        (words(name).capitalize(), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in sorted(values.items())
    ]
