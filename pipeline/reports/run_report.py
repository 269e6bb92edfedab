"""A run as one file that anybody can open: what customers talk about, in charts, numbers and their own words.

The file loads nothing: its style stands in it, its charts are SVG, and it runs no script. It is meant to be sent to
people who have no account here, so what is private is replaced as it is for language models.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber
from django.template.loader import render_to_string
from django.utils import timezone

from pipeline.extract.redaction import Redactor
from pipeline.group.current import Size, quotes_of_roots, sizes_that_wait
from pipeline.ledger.counts import find_run
from pipeline.ledger.errors import RunError
from pipeline.models import Company, Evidence, Item, Run, Story, StoryEvidence
from pipeline.models.wording import counted, duration, words
from pipeline.reports.charts import Bar, Columns, Line, columns, line, share_bar
from pipeline.reports.compare import comparable_run_before
from pipeline.reports.costs import in_words as cost_in_words
from pipeline.reports.summary import RunSummary, nearly_stories, run_summary, stories_of_run
from pipeline.reports.trends import StoryRow, story_rows, week_ends
from pipeline.sources.understanding.language import counted_languages

STORIES = 30
"""Stories that are told at length; the others stand in a table."""

TABLED = 200
QUOTES = 3
NEARLY = 10
REASONS = 5
MOST_COLUMNS = 31


@dataclass(frozen=True, slots=True)
class Told:
    """A story as the report tells it: `here` counts the conversations of this run, the row those of all runs."""

    row: StoryRow
    here: int
    is_new: bool
    bar: Bar
    line: Line
    summary: str
    quotes: list[str]

    @property
    def direction(self) -> str:
        """The last four weeks against the four before, in words; empty where numbers are too small to tell."""
        if self.row.is_growing:
            return f"growing: {self.row.recent} in the last four weeks, {self.row.before} in the four before"
        if self.row.is_quiet:
            return f"gone quiet: none in the last four weeks, {self.row.before} in the four before"
        return ""


@dataclass(frozen=True, slots=True)
class Nearly:
    """A problem that one more conversation would make a story."""

    title: str
    conversations: int
    quote: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that the file says."""

    run: Run
    summary: RunSummary
    made_at: datetime
    lead: list[str]
    figures: list[tuple[str, str]]
    over_time: Columns
    unit: str
    told: list[Told]
    others: list[Told]
    left_out: int
    nearly: list[Nearly]
    nearly_count: int
    categories: list[tuple[str, int, Bar]]
    languages: str
    not_read: list[tuple[str, int]]
    notes: list[str]
    companies: list[Company] = field(default_factory=list)


def html_of(report: Report) -> str:
    """Return the report as one HTML document. Its policy allows its own style and nothing else."""
    style = style_of_report()
    return render_to_string("reports/run.html", {"report": report, "style": style, "policy": policy_of(style)})


def style_of_report() -> str:
    """Return the style that stands in the file."""
    return render_to_string("reports/run.css").strip()


def policy_of(style: str) -> str:
    """Return the policy under which a browser shows the file: no script, nothing from elsewhere, this one style."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def report_of_run(*, run_id: int) -> Report:
    """Count everything that the report says. Raises RunError for a dry run, one that is alive, or none at all."""
    run = find_run(run_id)
    if run.is_preview:
        raise RunError(f"run {run_id} is a dry run, so it read nothing and there is nothing to report.")
    if run.is_live:
        raise RunError(f"run {run_id} is {words(run.state)}; make its report after it has ended.")
    summary = run_summary(run)
    first, last, customers = _span(run)
    until = run.as_of or last or run.finished_at or timezone.now()
    stories = list(
        stories_of_run(run).exclude(status__in=(Story.Status.DISMISSED, Story.Status.EMPTIED))[: STORIES + TABLED]
    )
    here = _sizes_here(run, [story.pk for story in stories])
    covered = _covered(run)
    told = _told(run, stories, here, until)
    waiting = nearly_stories(run)
    values, unit, labels = _over_time(run, first, last)
    more = max(summary.stories_new + summary.stories_grown - len(stories), 0)
    return Report(
        run=run,
        summary=summary,
        made_at=timezone.now(),
        lead=list(_lead(run, summary, told, covered, first, last)),
        figures=_figures(summary, len(stories) + more, covered, customers),
        over_time=columns(values, labels),
        unit=unit,
        told=told[:STORIES],
        others=told[STORIES:],
        left_out=more,
        nearly=_nearly(list(waiting[:NEARLY])),
        nearly_count=waiting.count(),
        categories=_categories(run),
        languages=counted_languages(summary.languages.items()),
        not_read=_not_read(run),
        notes=list(_notes(run, summary)),
        companies=_companies(run),
    )


# --- Numbers ------------------------------------------------------------------------------------------------------

_READ = (Item.State.EXTRACTED, Item.State.FILTERED)

_SPAN = """
SELECT min(occurred_at) FILTER (WHERE NOT occurred_at_is_import_time),
       max(occurred_at) FILTER (WHERE NOT occurred_at_is_import_time),
       count(DISTINCT lower(customer)) FILTER (WHERE customer <> '') + count(*) FILTER (WHERE customer = '')
FROM pipeline_item item JOIN pipeline_conversation conversation ON conversation.id = item.conversation_id
WHERE item.run_id = %s AND item.state IN ('extracted', 'filtered')
"""


def _span(run: Run) -> tuple[datetime | None, datetime | None, int]:
    """Return when the first and the last conversation of the run began, and how many customers they are of."""
    with connection.cursor() as cursor:
        cursor.execute(_SPAN, [run.pk])
        first, last, customers = cursor.fetchone()
    return first, last, customers


def _sizes_here(run: Run, stories: Sequence[int]) -> dict[int, int]:
    """Return how many of the run's conversations each of these stories has."""
    mine = StoryEvidence.objects.filter(story__in=stories, conversation__items__run=run)
    return dict(mine.order_by().values_list("story").annotate(Count("conversation", distinct=True)))


def _covered(run: Run) -> int:
    """Return how many of the run's conversations are in a story that stands."""
    inside = StoryEvidence.objects.filter(conversation__items__run=run, conversation__items__state__in=_READ)
    standing = inside.filter(story__absorbed_by__isnull=True)
    standing = standing.exclude(story__status__in=(Story.Status.DISMISSED, Story.Status.EMPTIED))
    return standing.aggregate(number=Count("conversation", distinct=True))["number"] or 0


_COUNTED = """
SELECT date_trunc(%(unit)s, occurred_at AT TIME ZONE 'UTC') AS began, count(*)
FROM pipeline_item item JOIN pipeline_conversation conversation ON conversation.id = item.conversation_id
WHERE item.run_id = %(run)s AND item.state IN ('extracted', 'filtered') AND NOT occurred_at_is_import_time
GROUP BY 1 ORDER BY 1
"""


def _over_time(run: Run, first: datetime | None, last: datetime | None) -> tuple[list[int], str, list[str]]:
    """Return the run's conversations over time: a number for each day, week, month or year, the newest last."""
    if first is None or last is None:
        return [], "week", []
    days = (last - first).days
    unit = "day" if days < MOST_COLUMNS else "week" if days < 7 * MOST_COLUMNS else "month" if days < 950 else "year"
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, {"unit": unit, "run": run.pk})
        found: dict[datetime, int] = dict(cursor.fetchall())
    moments = [min(found)] if found else []
    while moments and moments[-1] < max(found):
        moments.append(_next(moments[-1], unit))
    moments = moments[-MOST_COLUMNS:]
    return [found.get(at, 0) for at in moments], unit, [_label(at, unit) for at in moments]


def _next(at: datetime, unit: str) -> datetime:
    if unit in ("day", "week"):
        return at + timedelta(days=1 if unit == "day" else 7)
    months = at.month + (1 if unit == "month" else 12)
    return at.replace(year=at.year + (months - 1) // 12, month=(months - 1) % 12 + 1)


def _label(at: datetime, unit: str) -> str:
    return {"year": f"{at:%Y}", "month": f"{at:%b %Y}"}.get(unit, f"{at.day} {at:%b}")


def _categories(run: Run) -> list[tuple[str, int, Bar]]:
    """Return the categories of the run's themes with the conversations of each, the largest first."""
    rows = run.themes.order_by().values_list("category").annotate(number=Count("conversation", distinct=True))
    found = sorted(rows, key=lambda row: (-row[1], row[0]))[:12]
    most = found[0][1] if found else 1
    return [(words(name).capitalize(), number, share_bar(number, most)) for name, number in found]


def _not_read(run: Run) -> list[tuple[str, int]]:
    """Return why conversations brought no theme, with how many; the commonest first."""
    silent = run.items.filter(state__in=(Item.State.FAILED, Item.State.FILTERED))
    rows = silent.order_by().values_list("state", "reason").annotate(number=Count("pk"))
    numbers: Counter[str] = Counter()
    for state, reason, number in rows:
        kind, _, _ = reason.partition(":")  # what follows is of the single conversation
        numbers[f"{words(state)}: {kind}" if kind else words(state)] += number
    found = sorted(numbers.items(), key=lambda row: (-row[1], row[0]))
    told, more = found[:REASONS], sum(number for _, number in found[REASONS:])
    return [*told, ("for other reasons", more)] if more else told


# --- Stories ------------------------------------------------------------------------------------------------------


def _told(run: Run, stories: Sequence[Story], here: dict[int, int], until: datetime) -> list[Told]:
    rows = story_rows(stories, until=until, with_quotes=False)
    rows.sort(key=lambda row: (-here.get(row.story.pk, 0), -row.conversations, row.story.title))
    quotes = _quotes([row.story.pk for row in rows[:STORIES]])
    most = max((here.get(row.story.pk, 0) for row in rows), default=1) or 1
    ends, has_before = week_ends(until), comparable_run_before(run) is not None
    told = []
    for row in rows:
        number = here.get(row.story.pk, 0)
        summary, _, _ = row.story.description.partition("\n")
        said = quotes.get(row.story.pk, [])
        if any(quote.casefold().startswith(summary.casefold().rstrip(".!?\u2026 ")) for quote in said):
            summary = ""  # it is one of the quotes
        told.append(
            Told(
                row=row, here=number, bar=share_bar(number, most),
                is_new=has_before and row.story.first_run_id == run.pk,  # in a first run all are
                line=line(row.weeks, [f"week to {end.day} {end:%B}" for end in ends]),
                summary=summary, quotes=said,
            )
        )  # fmt: skip
    return told


def _quotes(stories: Sequence[int]) -> dict[int, list[str]]:
    """Return a few quotes of each story, the most typical first, none twice; private data is replaced."""
    place = Window(
        RowNumber(), partition_by=F("story"), order_by=[F("theme__signature_score").desc(nulls_last=True), "theme_id"]
    )
    central = StoryEvidence.objects.filter(story__in=stories, theme__evidence__quote__gt="")
    rows = list(
        central.annotate(place=place)
        .filter(place__lte=4 * QUOTES)
        .order_by("story", "place")
        .values_list("story", "theme", "conversation__customer")
    )
    found = Evidence.objects.filter(theme__in=[theme for _, theme, _ in rows]).exclude(quote="")
    quote_of = dict(found.order_by("theme", "start").distinct("theme").values_list("theme", "quote"))
    quotes: dict[int, dict[str, str]] = {}
    for story, theme, customer in rows:
        known = quotes.setdefault(story, {})
        said = " ".join(quote_of.get(theme, "").split())
        if said and len(known) < QUOTES:
            known.setdefault(said.casefold().rstrip(".!? "), Redactor((customer,), said).hide(said))
    return {story: list(known.values()) for story, known in quotes.items()}


def _nearly(orphans: Sequence[Any]) -> list[Nearly]:
    roots = [orphan.signature_id for orphan in orphans]
    sizes, quotes = sizes_that_wait(roots), quotes_of_roots(roots)
    return [
        Nearly(
            orphan.signature.name,
            sizes.get(orphan.signature_id, Size()).conversations,
            Redactor((), "").hide(" ".join(quotes.get(orphan.signature_id, "").split())),
        )
        for orphan in orphans
    ]


def _companies(run: Run) -> list[Company]:
    """Return the companies that a run over web pages concluded something about and that a person should look at."""
    if not run.is_of_pages:
        return []
    flagged = Company.objects.filter(concluded_run=run).filter(Q(status__in=Company.FLAGGED) | ~Q(override=""))
    return list(flagged.order_by("-confidence", "name")[:100])


# --- Words --------------------------------------------------------------------------------------------------------


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _lead(
    run: Run, summary: RunSummary, told: Sequence[Told], covered: int, first: datetime | None, last: datetime | None
) -> Iterator[str]:
    """Yield what the report says in sentences: first what was read, then what is most important."""
    read = summary.conversations.extracted + summary.conversations.filtered
    when = ""
    if first and last:
        is_one_day = first.date() == last.date()
        when = f", all of {_day(first)}" if is_one_day else f"; they started between {_day(first)} and {_day(last)}"
    yield f"{counted(read, 'conversation was', 'conversations were')} read{when}.".replace(f"{read} ", f"{read:,} ", 1)
    if not run.makes_stories:
        yield "No stories were requested for this run."
        return
    if not told:
        yield "No problem is shared by enough of them to be a story yet."
        return
    share = f"{100 * covered / read:.0f}%" if read else "none"
    problems = counted(len(told), "problem that several customers share", "problems that several customers share")
    yield f"They show {problems}; {share} of the conversations are about one of them."
    largest = told[0]
    yield f"The largest is “{largest.row.story.title}” with {counted(largest.here, 'conversation')}."
    before = comparable_run_before(run)
    new = [each for each in told if each.is_new]
    if before and new:
        yield f"{counted(len(new), 'problem is', 'problems are')} new since run {before.pk}."
    growing = [each for each in told if each.row.is_growing]
    if growing and len(growing) < len(told):
        titles = ", ".join(f"“{each.row.story.title}”" for each in growing[:3])
        yield f"Growing most: {titles}."


def _figures(summary: RunSummary, stories: int, covered: int, customers: int) -> list[tuple[str, str]]:
    read = summary.conversations.extracted + summary.conversations.filtered
    waiting = sum(summary.orphans.values())
    share = f"{100 * covered / read:.0f}%" if read else "none"
    return [
        (f"{read:,}", "conversations read"),
        (f"{customers:,}", "customers"),
        (f"{stories:,}", "shared problems"),
        (share, "of conversations about one"),
        (f"{waiting:,}", "problems waiting for more"),
    ]


def _notes(run: Run, summary: RunSummary) -> Iterator[str]:
    """Yield what a careful reader wants to know about how the figures came about."""
    if run.state != Run.State.COMPLETED:
        why = run.attention or run.error
        yield f"The run ended as {words(run.state)}{f': {why}' if why else '.'}"
    counts = summary.conversations
    parts = [
        f"{counts.extracted:,} have a theme",
        f"{counts.filtered:,} were not about anything this profile looks for",
    ]
    parts += [f"{counts.failed:,} could not be read"] if counts.failed else []
    parts += [f"{counts.skipped:,} were skipped because nothing had changed"] if counts.skipped else []
    yield f"Of {counts.planned:,} planned conversations, {', '.join(parts)}."
    if summary.model_use:
        yield f"A language model was asked: {cost_in_words(summary.model_use)}."
    yield f"Reading and grouping took {duration(summary.seconds)}."
    yield (
        "A problem is listed when enough different conversations share it. The numbers count conversations, not "
        "messages. Quotes are customers' own words; addresses, numbers and the customer's own name in them are "
        "replaced, the names of others are not."
    )
