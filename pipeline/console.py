"""What the commands show: progress while a run lives, its summary, its stories."""

import time
from collections.abc import Sequence

from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline import queries, queues, runs, salvage, tasks
from pipeline.models import Run, Story
from pipeline.queries import ItemCounts, RunSummary
from pipeline.salvage import Inventory
from pipeline.signatures.lineage import Change, Kind, Sized
from pipeline.wording import counted, words

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

LOOK_EVERY = 0.25
"""Seconds between two looks at a run."""

PATIENCE = 3.0
"""Seconds without any movement after which the waiting command looks after the run itself."""

NO_WORKER_HINT = 15.0
"""Seconds without a first reading after which the command says how to start a worker."""

SERVERS_PATIENCE = 60.0
"""Seconds without an answer of PostgreSQL or Redis after which the waiting command gives up; the run does not."""

NEARLY_SHOWN = 5
"""Orphans that need one more conversation, beside a run's summary."""

LONGEST_NAME = 30
"""Letters of a story's title beside its size and a quote: the table fits 80 columns."""

PHASES = {Run.Phase.EXTRACT: "Extracting", Run.Phase.MERGE: "Merging", Run.Phase.GROUP: "Grouping"}


def exit_code(run: Run) -> int:
    """Return the exit status that tells how the run ended; 0 for one that lives on without us."""
    return EXIT_CODES.get(Run.State(run.state), 0)


# --- Following a run ----------------------------------------------------------------------------------------------


def follow(run_id: int, console: Console) -> Run:
    """Show a run until it ends, looking after it when it stalls; Ctrl-C asks it to stop, a second one leaves it."""
    screen = _Bars(console) if console.is_terminal else _Lines(console)
    asked = False
    with screen:
        while True:
            try:
                return _Watch(run_id, screen).until_it_ends()
            except KeyboardInterrupt:
                if asked or not runs.request_stop(run_id=run_id):
                    raise
                asked = True
                screen.say("Stopping: what is being read is finished first. Ctrl-C again leaves the run to itself.")


class _Watch:
    """Looks at a run again and again; tends it when nothing moves."""

    def __init__(self, run_id: int, screen: "_Bars | _Lines") -> None:
        self.run_id, self.screen = run_id, screen
        self.seen: tuple[str, str, int] | None = None
        self.moved_at = self.began_at = self.tended_at = time.monotonic()
        self.hinted = False
        self.away_since: float | None = None

    def until_it_ends(self) -> Run:
        while True:
            try:
                run = self._look()
                self.away_since = None
            except tasks.SERVER_AWAY as error:
                self._wait_for_servers(error)
            else:
                if not run.is_live:
                    return run
            time.sleep(LOOK_EVERY)

    def _look(self) -> Run:
        if self.away_since is not None:
            queues.reach()  # PostgreSQL shows below whether it is back; Redis only where something has to be sent
        run, counts = queries.find_run(self.run_id), queries.item_counts(self.run_id)
        self.screen.show(run, counts)
        if run.is_live:
            self._notice(run, counts)
        return run

    def _wait_for_servers(self, error: Exception) -> None:
        """Be patient while PostgreSQL or Redis restarts: the run does not need this command."""
        connection.close()  # else the dead connection would be asked again
        if self.away_since is None:
            self.away_since = time.monotonic()
            self.screen.say("PostgreSQL or Redis does not answer; waiting for it.")
        if time.monotonic() - self.away_since > SERVERS_PATIENCE:
            raise runs.RunError(
                f"PostgreSQL or Redis did not answer for {SERVERS_PATIENCE:.0f} s ({error}). When it is back, see "
                f"./manage.py run_status {self.run_id}"
            ) from error

    def _notice(self, run: Run, counts: ItemCounts) -> None:
        now, state = time.monotonic(), (run.state, run.phase, counts.finished)
        if state != self.seen:
            self.seen, self.moved_at = state, now
        patience = LOOK_EVERY if run.state == Run.State.STOPPING else PATIENCE
        if now - max(self.moved_at, self.tended_at) >= patience:
            self.tended_at = now
            tasks.tend(run_id=run.pk)
        if (
            not self.hinted
            and now - self.began_at > NO_WORKER_HINT
            and counts.pending == counts.planned - counts.skipped > 0
        ):
            self.hinted = True
            self.screen.say("No worker has begun yet. Is one running? Start one with `bin/up`.")


class _Bars:
    """Progress in a terminal: a bar a phase."""

    def __init__(self, console: Console) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<11}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self.progress = Progress(*columns, console=console)
        self.bars: dict[str, TaskID] = {}

    def __enter__(self) -> "_Bars":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def say(self, text: str) -> None:
        self.progress.console.print(text)

    def show(self, run: Run, counts: ItemCounts) -> None:
        order = list(PHASES)
        now = order.index(Run.Phase(run.phase)) if run.phase in order else len(order)
        for phase in order[: now + 1]:
            total = counts.planned if phase == Run.Phase.EXTRACT else 1
            done = counts.finished if phase == Run.Phase.EXTRACT else int(order.index(phase) < now)
            if phase not in self.bars:
                self.bars[phase] = self.progress.add_task(PHASES[phase], total=total)
            self.progress.update(self.bars[phase], completed=done, total=total)


class _Lines:
    """Progress where there is no terminal: a plain line when something changed, at most one a second."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.last = ""
        self.said_at = 0.0

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    def show(self, run: Run, counts: ItemCounts) -> None:
        line = f"run {run.pk}: {run.phase}, {counts.finished} of {counted(counts.planned, 'conversation')}"
        if line != self.last and (time.monotonic() - self.said_at >= 1 or not run.is_live):
            self.last, self.said_at = line, time.monotonic()
            self.say(line)


# --- Printing -----------------------------------------------------------------------------------------------------


def print_summary(summary: RunSummary, console: Console) -> None:
    """Print what a run did, in numbers."""
    counts = summary.conversations
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in (
        ("Run", f"{summary.run} of {summary.source}: {words(summary.state)}"),
        (
            "Conversations",
            f"{counts.planned} planned, {counts.extracted} extracted, {counts.filtered} filtered, "
            f"{counts.skipped} skipped, {counts.failed} failed",
        ),
        ("Themes", f"{summary.themes}"),
        ("Signatures", f"{summary.signatures_proposed} proposed, {summary.signatures_after_merge} after merge"),
        ("Stories", f"{summary.stories_new} new, {summary.stories_grown} grown"),
        ("Orphans", _orphans(summary)),
        ("Time", f"{summary.seconds:.1f} s, {summary.conversations_per_second:.0f} conversations/s"),
    ):
        table.add_row(name, value)
    console.print(table)
    for note in (summary.attention, summary.error):
        if note:
            console.print(f"Note: {note}", style="yellow", markup=False)


def _orphans(summary: RunSummary) -> str:
    if not summary.orphans:
        return "none"
    parts = ", ".join(f"{count} {words(reason)}" for reason, count in sorted(summary.orphans.items()))
    return f"{sum(summary.orphans.values())} ({parts})"


def print_nearly_stories(run: Run, console: Console) -> None:
    """List a few orphans that need one more conversation, each with the story nearest to it."""
    nearly = queries.nearly_stories(run)
    shown = list(nearly[:NEARLY_SHOWN])
    if not shown:
        return
    more = f", the surest {NEARLY_SHOWN} of {nearly.count()}" if len(shown) == NEARLY_SHOWN else ""
    console.print(f"Orphans that need one more conversation{more}:", highlight=False)
    for orphan in shown:
        near = orphan.nearest_story
        beside = f"; nearest story: {near} ({orphan.nearest_cosine:.2f})" if near else ""
        console.print(f"  {orphan.signature}{beside}", markup=False, highlight=False, soft_wrap=True)


def print_failures(run: Run, console: Console) -> None:
    """List the conversations that failed, each with its reason."""
    failed = queries.failed_items(run)
    for item in failed[:20]:
        console.print(f"  {item.conversation.external_id}: {item.reason} ({item.error[:200]})", markup=False)
    if (more := failed.count() - 20) > 0:
        console.print(f"  ... and {more} more; the admin lists all.")


def print_way_on(run: Run, console: Console) -> None:
    """Say how an ended run that is not complete goes on, if it can."""
    if run.state == Run.State.STOPPED:
        console.print(f"Go on with:  ./manage.py run_pipeline --resume {run.pk}", highlight=False)
    elif run.state in Run.RESUMABLE and salvage.take_stock(run=run).is_worth_it:
        console.print(f"Mend it with:  ./manage.py salvage {run.pk}", highlight=False)


def print_inventory(run: Run, stock: Inventory, console: Console) -> None:
    """Print what an ended run has and lacks in each phase, and what salvaging would do."""
    console.print(f"Run {run.pk} of {run.source}: {words(run.state)}, phase {run.phase}")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    stored = f"{counted(stock.answers, 'answer')} and {counted(stock.themes, 'theme')} stored"
    table.add_row("extract", f"{stored}; {_missing(stock)}")
    table.add_row("", _to_extract(stock))
    assigned = stock.themes - stock.themes_unassigned
    table.add_row("merge", f"themes with a signature: {assigned}, without: {stock.themes_unassigned}")
    table.add_row("", "-> done" if stock.phase == Run.Phase.GROUP else "-> assigns those without, and any new ones")
    table.add_row("group", counted(stock.themes_homeless, "theme is", "themes are") + " in no story and no orphan")
    table.add_row("", "-> settles the signatures of this run" if run.makes_stories else "-> no stories were asked for")
    console.print(table)


def _missing(stock: Inventory) -> str:
    errors = ", ".join(f"{count} {name or 'without a name'}" for name, count in stock.errors.items())
    failed = counted(stock.failed, "conversation") + " failed" + (f" ({errors})" if errors else "")
    lost = f", {stock.themes_lost} lost their theme" if stock.themes_lost else ""
    return f"{failed}, {stock.unfinished} unfinished{lost}"


def _to_extract(stock: Inventory) -> str:
    if stock.phase != Run.Phase.EXTRACT:
        return "-> done"
    asks = f"asks about {counted(stock.to_ask, 'conversation')}"
    cost = f", about {stock.tokens_to_ask} tokens" if stock.to_ask else ""
    return f"-> parses {counted(stock.to_parse, 'stored answer')}, {asks}{cost}"


def print_salvageable(found: Sequence[tuple[Run, Inventory]], console: Console) -> None:
    """List ended runs that lack something, a line each with what would go on."""
    if not found:
        console.print("No run lacks anything.")
        return
    table = Table("Run", "Source", "State", "Re-enter at", "Missing", "To ask", box=None, padding=(0, 2, 0, 0))
    for run, stock in found:
        themes = stock.themes_unassigned or stock.themes_homeless
        conversations = counted(stock.failed + stock.unfinished, "conversation")
        missing = conversations if stock.phase == "extract" else counted(themes, "theme")
        table.add_row(str(run.pk), str(run.source), run.state, stock.phase, missing, str(stock.to_ask))
    console.print(table)
    console.print("Mend one with:  ./manage.py salvage RUN   (--dry-run says more)")


def print_stories(stories: Sequence[Story], console: Console) -> None:
    """Print stories, a line each with its size and one quote; needs `queries.with_sizes`."""
    if not stories:
        console.print("No stories.")
        return
    quotes = queries.quotes_of(stories)
    title = counted(len(stories), "story", "stories")
    table = Table(title=title, title_justify="left", expand=True, box=None, padding=(0, 2, 0, 0))
    table.add_column("Story", max_width=LONGEST_NAME, no_wrap=True)
    table.add_column("Conversations", justify="right", min_width=5, no_wrap=True)
    table.add_column("Customers", justify="right", min_width=5, no_wrap=True)
    table.add_column("In their words", ratio=1, min_width=15, no_wrap=True)
    for story in stories:
        sizes = str(getattr(story, "conversations", "")), str(getattr(story, "customers", ""))
        table.add_row(story.title, *sizes, _one_line(quotes.get(story.pk, "")))
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


def _sizes(groups: Sequence[Sized]) -> str:
    return "\n".join(f"{group.name} ({group.size})" for group in groups)


def print_preview(run: Run, console: Console) -> None:
    """Print what a dry run found."""
    found = run.preview or {}
    estimate = found["estimate"]
    seconds = f"about {estimate['seconds']} s" if estimate["seconds"] else "unknown (no earlier run to go by)"
    console.print(f"Dry run {run.pk} of {run.source}: nothing was read.", highlight=False)
    console.print(
        f"{counted(found['to_read'], 'conversation')} would be read, {found['unchanged']} skipped as unchanged."
    )
    if not found["to_read"]:
        return
    console.print(f"About {estimate['tokens']} tokens; time: {seconds}.")
    for title, counts in (("By month", found["by_month"]), ("By length", found["by_messages"])):
        parts = ", ".join(f"{name}: {count}" for name, count in counts.items())
        console.print(f"{title} (of the newest {found['looked_at']}): {parts}", highlight=False)
    console.print(f"{len(found['samples'])} samples that differ:")
    for sample in found["samples"]:
        console.print(f"  {sample['id']}: {_one_line(sample['text'], 120)}", markup=False, highlight=False)
