"""`./manage.py diagnose RUN` or `--conversation ID`: why a run gave few stories, or what became of one conversation."""

import json as json_format
import textwrap
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from rich.console import Console
from rich.table import Table

from pipeline.management.command import PipelineCommand, WrongUsage
from pipeline.models.wording import counted, words
from pipeline.reports.diagnose import Diagnosis, diagnose_run
from pipeline.reports.trace import Reading, ThemeStep, Trace, trace_conversation


class Command(PipelineCommand):
    help = (
        "Explain why a run made few stories: how large its groups are, what holds them back, which similar ones "
        "stayed apart. With --conversation: every stage, gate and reason for one conversation. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", nargs="?", type=int)
        parser.add_argument("--conversation", metavar="ID", help="its id in the source")
        parser.add_argument("--source", default="", help="kind:name, needed if several sources have that id")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, run: int | None, conversation: str | None, source: str, json: bool, **options: Any) -> None:
        if (run is None) == (conversation is None):
            raise WrongUsage("give either a run or --conversation ID.")
        if source and conversation is None:
            raise WrongUsage("--source can only be used with --conversation.")
        found = (
            diagnose_run(run_id=run) if run is not None
            else trace_conversation(external_id=str(conversation), source=source)
        )  # fmt: skip
        if json:
            self.stdout.write(json_format.dumps(found.as_json(), indent=2, cls=DjangoJSONEncoder))
        else:
            _print(found, Console(markup=False, emoji=False, highlight=False))


def _print(found: Diagnosis | Trace, console: Console) -> None:
    if isinstance(found, Trace):
        _print_trace(found, console)
    else:
        _print_diagnosis(found, console)


def _table(*columns: str, numbers: int) -> Table:
    """Return a plain table whose last `numbers` columns are numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="none")
    for place, column in enumerate(columns):
        is_number = place >= len(columns) - numbers
        table.add_column(column, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    return table


# --- A run --------------------------------------------------------------------------------------------------------


def _print_diagnosis(found: Diagnosis, console: Console) -> None:
    counts = found.conversations
    console.print(f"Run {found.run} of {found.source}: {words(found.state)}")
    console.print(
        f"{counted(counts.planned, 'conversation')}: {counts.extracted} extracted, {counts.filtered} filtered, "
        f"{counts.skipped} skipped, {counts.failed} failed, {counts.planned - counts.finished} unfinished"
    )
    console.print(
        f"{counted(found.themes, 'theme')}, {counted(found.names_proposed, 'name')} proposed, "
        f"{counted(found.groups, 'group')}, {counted(found.stories, 'story', 'stories')}"
    )
    for title, table in (
        ("Conversations without a theme", _reasons(found)),
        (f"Only read in part ({counted(found.too_long, 'conversation')})", _not_read(found)),
        (f"Groups by size ({found.one_short} are one conversation short)", _sizes(found)),
        ("Gates", _gates(found)),
        ("Similar groups that stayed apart", _pairs(found)),
    ):
        if table.row_count:
            console.print(f"\n{title}", style="bold")
            console.print(table)
    console.print()
    for sentence in found.conclusion:
        console.print(sentence)


def _reasons(found: Diagnosis) -> Table:
    table = _table("State", "Reason", "Conversations", numbers=1)
    for reason in found.reasons:
        table.add_row(reason.state, reason.reason, str(reason.conversations))
    return table


def _not_read(found: Diagnosis) -> Table:
    table = _table("Conversation", "Why", numbers=0)
    for one in found.not_read:
        table.add_row(one.conversation, one.left_out)
    return table


def _sizes(found: Diagnosis) -> Table:
    table = _table("Conversations", "Groups", "Stories", numbers=2)
    for size in found.sizes if found.groups else ():
        table.add_row(size.label, str(size.groups), str(size.stories))
    return table


def _gates(found: Diagnosis) -> Table:
    table = _table("Held back", "The largest", "Groups", "Conversations", numbers=2)
    for gate in found.gates:
        largest = "\n".join(f"{held.signature}: {held.needs}" for held in gate.largest)
        table.add_row(words(gate.reason), largest, str(gate.groups), str(gate.conversations))
    return table


def _pairs(found: Diagnosis) -> Table:
    table = _table("Signatures", "Merged", "Together", "Meaning", "Name", numbers=3)
    for pair in found.pairs:
        numbers = (str(pair.together), f"{pair.by_meaning:.2f}", f"{pair.by_name:.2f}")
        table.add_row(f"{pair.first}\n{pair.second}", pair.would_be, *numbers)
    return table


# --- A conversation -----------------------------------------------------------------------------------------------


def _print_trace(found: Trace, console: Console) -> None:
    for line in _lines(found):
        indent = " " * (len(line) - len(line.lstrip()))
        console.print(textwrap.fill(line.lstrip(), console.width, initial_indent=indent, subsequent_indent=indent))


def _lines(found: Trace) -> Iterator[str]:
    time = "the source has no time; imported" if found.is_import_time else "occurred"
    yield f"{found.external_id} of {found.source}, customer {found.customer or 'unknown'}"
    yield f"  {time} {found.occurred_at:%Y-%m-%d %H:%M}"
    if found.classified_at:
        yield f"  classified by another system {found.classified_at:%Y-%m-%d %H:%M}"
    stored = ", ".join(f"{stored_at:%Y-%m-%d %H:%M}" for stored_at in found.versions)
    yield f"  {len(found.versions)} version{'s' if len(found.versions) != 1 else ''}, stored {stored or '-'}"
    yield f"  first run: {found.first_run or 'none'}"
    if not found.readings:
        yield "No run selected it."
    for reading in found.readings:
        yield from _reading(reading)
    for run, why in found.not_selected:
        yield f"Run {run} did not select it: {why}"


def _reading(reading: Reading) -> Iterator[str]:
    why = f", {reading.reason}" if reading.reason else ""
    category = f" as {reading.category}" if reading.category else ""
    run = f"Run {reading.run} ({words(reading.run_state)}, profile {reading.profile})"
    yield f"{run}: {reading.state}{category}{why}"
    if reading.deliveries:
        yield f"  started {reading.deliveries} times" if reading.deliveries > 1 else "  started once"
    if reading.error:
        yield f"  {reading.error}"
    if reading.language:
        yield f"  language: {reading.language}"
    if reading.left_out:
        yield f"  only read in part: {reading.left_out}"
    for call in reading.calls:
        tokens = f", {call.tokens} tokens" if call.tokens else ""
        yield f"  {call.step}, attempt {call.attempt}: answered {call.answered_at:%Y-%m-%d %H:%M:%S}{tokens}"
    for theme in reading.themes:
        yield from _theme(theme)


def _theme(theme: ThemeStep) -> Iterator[str]:
    quotes = f"{theme.quotes} quote{'s' if theme.quotes != 1 else ''}"
    yield f"  theme {theme.raw}: confidence {theme.confidence:.2f}, {quotes}"
    if theme.signature:
        score = f", {theme.score:.2f} to its centre" if theme.score is not None else ""
        yield f"    signature {theme.signature} by {words(theme.rule)}{score}"
    for merge in theme.merges:
        yield f"    merged {merge}"
    yield f"    {theme.home}"
