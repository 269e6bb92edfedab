"""What commands print about runs and stories."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.group.lineage import Change, GroupSize, Kind
from pipeline.ledger.counts import failed_items
from pipeline.models import Run, Story
from pipeline.models.company import READ
from pipeline.models.wording import counted, duration, words
from pipeline.reports.companies import PageRun
from pipeline.reports.compare import comparable_run_before, compare_runs, stories_that_lost
from pipeline.reports.costs import in_words, step_costs
from pipeline.reports.summary import RunSummary, nearly_stories
from pipeline.runs import salvage
from pipeline.runs.salvage import SalvagePlan
from pipeline.sources.understanding.language import counted_languages

EXIT_CODES = {
    Run.State.COMPLETED: 0,
    Run.State.FAILED: 1,
    Run.State.LOST: 1,
    Run.State.COMPLETED_WITH_ERRORS: 3,
    Run.State.NEEDS_ATTENTION: 3,
    Run.State.STOPPED: 4,
}


SOME_REJECTED = 3
"""Exit status of a command that imported a file of which some rows were rejected."""


NEARLY_SHOWN = 5
"""Orphans that need one more conversation, beside a run's summary."""


LONGEST_TITLE = 50
"""Letters of a story's title beside its size: the table fits 80 columns."""

LOST_SHOWN = 10
"""Stories that lost conversations, beside a run's summary."""


def exit_code(run: Run) -> int:
    """Return the exit status that tells how the run ended; 0 for one that lives on without us."""
    return EXIT_CODES.get(Run.State(run.state), 0)


def print_summary(summary: RunSummary, console: Console) -> None:
    """Print what a run did, in numbers."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in (
        ("Run", f"{summary.run} of {summary.source}: {words(summary.state)}"),
        *(_pages(summary.pages) if summary.pages else _conversations(summary)),
        ("Themes", f"{summary.themes}"),
        ("Signatures", f"{summary.signatures_proposed} proposed, {summary.signatures_after_merge} after merge"),
        *([("Grouping", summary.grouping)] if summary.grouping else []),
        ("Stories", f"{summary.stories_new} new, {summary.stories_grown} grown"),
        ("Orphans", _orphans(summary)),
        *([("Model calls", in_words(summary.model_use))] if summary.model_use else []),
        *([("Estimated", _estimated(summary.estimate))] if summary.model_use and summary.estimate else []),
        *_steps(summary),
        *([("Repaired", _put_right(summary))] if summary.flaws else []),
        *([("Judged", str(summary.judging))] if summary.judging else []),
        ("Time", f"{duration(summary.seconds)}, {summary.conversations_per_second:.1f} {_unit(summary)}/s"),
    ):
        table.add_row(name, value)
    console.print(table)
    stopped = summary.judging.stopped if summary.judging else ""
    for note in (summary.attention, summary.error, stopped and f"judging ended early: {stopped}"):
        if note:
            console.print(f"Note: {note}", style="yellow", markup=False)


def _estimated(estimate: Mapping[str, Any]) -> str:
    return f"{estimate['tokens']:,} tokens{_dollars(estimate)}"


def _steps(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yield what each step needed, where there are several."""
    rows = step_costs(summary.model_use, summary.estimate)
    for row in rows if len(rows) > 1 else []:
        needed = in_words([row.use]) if row.use else "not asked"
        expected = f" (estimated {row.expected['tokens']:,} tokens{_dollars(row.expected)})" if row.expected else ""
        yield f"  {words(row.step)}", needed + expected


def _put_right(summary: RunSummary) -> str:
    return ", ".join(f"{count} {words(flaw)}" for flaw, count in summary.flaws.items())


def _conversations(summary: RunSummary) -> Iterator[tuple[str, str]]:
    counts = summary.conversations
    yield (
        "Conversations",
        f"{counts.planned} planned, {counts.extracted} extracted, {counts.filtered} filtered, "
        f"{counts.skipped} skipped, {counts.failed} failed",
    )
    yield "Languages", counted_languages(summary.languages.items()) or "none"


def _pages(pages: PageRun) -> Iterator[tuple[str, str]]:
    yield (
        "Companies",
        f"{pages.companies_processed} processed, {pages.companies_flagged} flagged, {pages.companies_failed} failed, "
        f"{pages.companies_without_urls} skipped without URLs",
    )
    fresh = f", {pages.urls_fresh} skipped as fresh" if pages.urls_fresh else ""
    left = f", {pages.urls_unfinished} not finished" if pages.urls_unfinished else ""
    yield (
        "URLs",
        f"{pages.urls_fetched} fetched ({pages.urls_unchanged} unchanged), {pages.urls_failed} failed{fresh}{left}",
    )
    failed = [f"{count} {words(name)}" for name, count in pages.outcomes.items() if name not in READ]
    if failed:
        yield "Failed URLs", ", ".join(failed)


def _unit(summary: RunSummary) -> str:
    return "URLs" if summary.pages else "conversations"


def _orphans(summary: RunSummary) -> str:
    if not summary.orphans:
        return "none"
    parts = ", ".join(f"{count} {words(reason)}" for reason, count in sorted(summary.orphans.items()))
    return f"{sum(summary.orphans.values())} ({parts})"


def print_nearly_stories(run: Run, console: Console) -> None:
    """List a few orphans that need one more conversation, each with the story nearest to it."""
    nearly = nearly_stories(run)
    shown = list(nearly[:NEARLY_SHOWN])
    if not shown:
        return
    more = f", the {NEARLY_SHOWN} most confident of {nearly.count()}" if len(shown) == NEARLY_SHOWN else ""
    console.print(f"Orphans that need one more conversation{more}:", highlight=False)
    for orphan in shown:
        near = orphan.nearest_story
        beside = f"; nearest story: {near} ({orphan.nearest_cosine:.2f})" if near else ""
        console.print(f"  {orphan.signature}{beside}", markup=False, highlight=False, soft_wrap=True)


def print_failures(run: Run, console: Console) -> None:
    """List the conversations that failed, each with its reason."""
    failed = failed_items(run)
    if run.is_of_pages:
        if failed.exists():
            console.print(
                "List pages that are gone with  ./manage.py companies dead-links; the run's page in the admin lists "
                "all that failed.",
                soft_wrap=True,
            )
        return
    for item in failed[:20]:
        console.print(f"  {item.conversation.external_id}: {item.reason} ({item.error[:200]})", markup=False)
    if (more := failed.count() - 20) > 0:
        console.print(f"  ... and {more} more; the admin lists them all.")


def print_way_on(run: Run, console: Console) -> None:
    """Say how an ended run that is not complete can be continued, if it can."""
    if run.state == Run.State.STOPPED:
        console.print(f"Continue with:  ./manage.py run_pipeline --resume {run.pk}", highlight=False)
    elif run.state in Run.RESUMABLE and salvage.plan_salvage(run=run).is_worth_it:
        what = "Fetch the failed pages again with" if run.is_of_pages else "Repair it with"
        console.print(f"{what}:  ./manage.py salvage {run.pk}", highlight=False)


def print_inventory(run: Run, stock: SalvagePlan, console: Console) -> None:
    """Print what an ended run has and what is missing in each phase, and what salvaging would do."""
    console.print(f"Run {run.pk} of {run.source}: {words(run.state)}, phase {run.phase}")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    stored = f"{counted(stock.answers, 'answer')} and {counted(stock.themes, 'theme')} stored"
    table.add_row("extract", f"{stored}; {_missing(run, stock)}")
    table.add_row("", _to_extract(run, stock))
    assigned = stock.themes - stock.themes_unassigned
    table.add_row("merge", f"themes with a signature: {assigned}, without: {stock.themes_unassigned}")
    table.add_row("", "-> done" if stock.phase == Run.Phase.GROUP else "-> assigns those without one, and any new ones")
    table.add_row("group", counted(stock.themes_homeless, "theme is", "themes are") + " in no story and no orphan")
    table.add_row("", "-> settles this run's signatures" if run.makes_stories else "-> no stories were requested")
    console.print(table)


def _missing(run: Run, stock: SalvagePlan) -> str:
    errors = ", ".join(f"{count} {name or 'unnamed'}" for name, count in stock.errors.items())
    failed = (
        counted(stock.failed, "page" if run.is_of_pages else "conversation")
        + " failed"
        + (f" ({errors})" if errors else "")
    )
    lost = f", {stock.themes_lost} missing their theme" if stock.themes_lost else ""
    return f"{failed}, {stock.unfinished} unfinished{lost}"


def _to_extract(run: Run, stock: SalvagePlan) -> str:
    if stock.phase != Run.Phase.EXTRACT:
        return "-> done"
    if run.is_of_pages:
        return f"-> fetches {counted(stock.to_ask, 'page')} again, parses {counted(stock.to_parse, 'stored answer')}"
    asks = f"sends {counted(stock.to_ask, 'conversation')} to the extractor"
    cost = f", about {stock.tokens_to_ask} tokens" if stock.to_ask else ""
    return f"-> parses {counted(stock.to_parse, 'stored answer')}, {asks}{cost}"


def print_salvageable(found: Sequence[tuple[Run, SalvagePlan]], console: Console) -> None:
    """List ended runs in which something is missing, a line each with what would be done."""
    if not found:
        console.print("Nothing to salvage.")
        return
    table = Table("Run", "Source", "State", "Restart from", "Missing", "To read", box=None, padding=(0, 2, 0, 0))
    for run, stock in found:
        themes = stock.themes_unassigned or stock.themes_homeless
        conversations = counted(stock.failed + stock.unfinished, "conversation")
        missing = conversations if stock.phase == "extract" else counted(themes, "theme")
        table.add_row(str(run.pk), str(run.source), run.state, stock.phase, missing, str(stock.to_ask))
    console.print(table)
    console.print("Repair one with:  ./manage.py salvage RUN   (add --dry-run to see what would happen)")


def print_stories(stories: Sequence[Story], console: Console) -> None:
    """Print stories, a line each with its size; needs `summary.with_sizes`."""
    if not stories:
        console.print("No stories.")
        return
    title = counted(len(stories), "story", "stories")
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("Story", max_width=LONGEST_TITLE)
    table.add_column("Conversations", justify="right", no_wrap=True)
    table.add_column("Customers", justify="right", no_wrap=True)
    for story in stories:
        table.add_row(story.title, str(getattr(story, "conversations", "")), str(getattr(story, "customers", "")))
    console.print(table)


def _one_line(quote: str, width: int = 160) -> str:
    line = " ".join(quote.split())
    return line if len(line) <= width else line[: width - 1].rsplit(" ", 1)[0] + "…"


def print_changes(found: Sequence[Change], console: Console) -> None:
    """Print what became of stories, a line each; those that stay the same as a number."""
    table = Table("", "Before", "After", title="Stories", title_justify="left")
    for change in found:
        if change.kind != Kind.SAME:
            table.add_row(change.kind.value, _sizes(change.before), _sizes(change.after))
    if table.row_count:
        console.print(table)
    same = sum(change.kind == Kind.SAME for change in found)
    console.print(f"{counted(same, 'story stays', 'stories stay')} the same.")


def _sizes(groups: Sequence[GroupSize]) -> str:
    return "\n".join(f"{group.name} ({group.size})" for group in groups)


def print_difference(run: Run, console: Console) -> None:
    """Say what became of the stories of the source's run before, and which lost conversations that were read again."""
    before = comparable_run_before(run)
    if before is None:
        return
    found = compare_runs(before=before, after=run)
    console.print(f"Since run {before.pk} of the same source:", highlight=False)
    print_changes(found.changes, console)
    lost = stories_that_lost(run)
    for story, conversations in lost[:LOST_SHOWN]:
        left = "; none is left" if story.status == Story.Status.EMPTIED else ""
        moved = counted(conversations, "conversation that was read again", "conversations that were read again")
        console.print(f"  {story.title} lost {moved}{left}.", markup=False, highlight=False, soft_wrap=True)
    if (more := len(lost) - LOST_SHOWN) > 0:
        console.print(f"  ... and {counted(more, 'more story', 'more stories')}.", highlight=False)


def _dollars(estimate: Mapping[str, Any]) -> str:
    if "dollars" not in estimate:
        return ""
    dollars = estimate["dollars"]
    return f" in {estimate['calls']} calls, {'price unknown' if dollars is None else f'${dollars:.4f}'}"


def _print_page_preview(run: Run, console: Console) -> None:
    found = run.preview or {}
    asked = counted(found["pages"] - found["fresh"], "URL")
    companies = counted(found["companies"], "company", "companies")
    console.print(f"Dry run {run.pk} of {run.source}: nothing was fetched.", highlight=False)
    console.print(f"{asked} of {companies} on {counted(found['hosts'], 'host')} would be fetched.", highlight=False)
    console.print(
        f"{counted(found['fresh'], 'URL')} would be skipped as fresh; "
        f"{counted(found['without_urls'], 'company has', 'companies have')} no URLs.",
        highlight=False,
    )


def print_preview(run: Run, console: Console) -> None:
    """Print what a dry run found."""
    found = run.preview or {}
    if run.is_of_pages:
        _print_page_preview(run, console)
        return
    estimate = found["estimate"]
    seconds = f"about {estimate['seconds']} s" if estimate["seconds"] else "unknown (no earlier run to estimate from)"
    console.print(f"Dry run {run.pk} of {run.source}: nothing was read.", highlight=False)
    console.print(
        f"{counted(found['to_read'], 'conversation')} would be read, {found['unchanged']} skipped as unchanged."
    )
    if not found["to_read"]:
        return
    console.print(f"About {estimate['tokens']:,} tokens{_dollars(estimate)}; time: {seconds}.", highlight=False)
    for step, of_step in estimate.get("steps", {}).items() if len(estimate.get("steps", {})) > 1 else ():
        console.print(f"  {words(step)}: {of_step['tokens']:,} tokens{_dollars(of_step)}", highlight=False)
    for title, counts in (("By month", found["by_month"]), ("By length", found["by_messages"])):
        parts = ", ".join(f"{name}: {count}" for name, count in counts.items())
        console.print(f"{title} (of the newest {found['looked_at']}): {parts}", highlight=False)
    console.print(f"{len(found['samples'])} different samples:")
    for sample in found["samples"]:
        console.print(f"  {sample['id']}: {_one_line(sample['text'], 120)}", markup=False, highlight=False)
