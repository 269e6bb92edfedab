"""The first page: what waits for a person, and how the last runs went."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from pipeline.models import Orphan, Run, Story
from pipeline.reports.summary import quotes_of
from pipeline.web.admin.base import badge, day, link_to, link_to_list, moment, short
from pipeline.web.parts.figures import newest_stories_to_review, run_figures, waiting_orphans_by_reason
from pipeline.web.parts.sections import Links, Section, Table

NEWEST = 8
_plain_index = admin.site.index


def index(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
    """Show Django's first page below the sections this person may see."""
    sections = [section() for right, section in _SECTIONS if request.user.has_perm(right)]
    return _plain_index(request, {**(extra_context or {}), "sections": sections})


def _stories() -> Section:
    stories = newest_stories_to_review(NEWEST)
    quotes = quotes_of(stories)
    rows = [
        (
            link_to(story),
            story.conversations,  # type: ignore[attr-defined]
            story.customers,  # type: ignore[attr-defined]
            day(story.last_at),  # type: ignore[attr-defined]
            short(quotes.get(story.pk, ""), 110),
        )
        for story in stories
    ]
    more = link_to_list(Story, "All stories that await review", status=Story.Status.CANDIDATE)
    heads = ["Story", "Conversations", "Customers", "Last seen", "In their words"]
    return Table("Newest stories to review", heads, rows, more, numbers=[1, 2])


def _orphans() -> Section:
    waiting = waiting_orphans_by_reason()
    rows = [(badge(reason), link_to_list(Orphan, count, reason__exact=reason)) for reason, count in waiting.items()]
    return Table("Waiting orphans", ["Reason", "Orphans"], rows, numbers=[1])


def _runs() -> Section:
    runs = list(Run.objects.select_related("source")[:NEWEST])
    figures = run_figures([run.pk for run in runs])
    rows = [
        (
            link_to(run),
            badge(run.state),
            f"{figures[run.pk].finished} of {figures[run.pk].planned}",
            figures[run.pk].stories_new,
            moment(run.started_at),
            short(run.error or run.attention, 100),
        )
        for run in runs
    ]
    more = link_to_list(Run, "All runs")
    return Table(
        "Last runs", ["Run", "State", "Conversations", "New stories", "Started", "Note"], rows, more, numbers=[3]
    )


def _pairs() -> Section:
    return Links([(reverse("admin:pipeline_signature_pairs"), "Review queue: pairs that may be one problem")])


_SECTIONS = (
    ("pipeline.view_story", _stories),
    ("pipeline.view_run", _runs),
    ("pipeline.view_orphan", _orphans),
    ("pipeline.view_signature", _pairs),
)

# A site of our own would have to be named in the settings for this one page.
admin.site.index = index  # type: ignore[method-assign]
