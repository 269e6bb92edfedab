"""What all commands that take a file have in common: how a person describes it, and what they are told about it."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console

from pipeline.models.wording import counted
from pipeline.sources.formats import Options, Recognised
from pipeline.sources.ingest import Import, Imported
from pipeline.sources.own_words.repeated import told_apart
from pipeline.sources.reasons import Reasons
from pipeline.sources.records import Record, Reject
from pipeline.sources.staging import ImportCounts
from pipeline.sources.understanding.column_names import UnknownColumn, parse_mapping
from pipeline.sources.understanding.times import BadDateFormat, read_date_format

SAMPLES = 3
"""Conversations that a dry run shows."""

WORDS_SHOWN = 12
NO_CUSTOMER_SHARE = 0.2
"""Of the conversations; where more have no customer side, the roles were probably not understood."""


def add_import_options(parser: ArgumentParser) -> None:
    """Add the options that say how a file is to be read."""
    group = parser.add_argument_group("how to read a file (each is detected if not given)")
    group.add_argument(
        "--map", action="append", default=[], metavar="FIELD=NAME",
        help="a field's column, or its path in JSON, for example customer=requester.email; can be repeated. Fields: "
             "id, text, subject, customer, created_at, role, author, conversation, label, url",
    )  # fmt: skip
    group.add_argument("--text-column", metavar="NAME", help="the same as --map text=NAME")
    group.add_argument("--id-column", metavar="NAME", help="the same as --map id=NAME")
    group.add_argument("--encoding", default="", help="for example utf-16 or cp1252")
    group.add_argument("--date-format", type=_date_format, help="DD/MM/YYYY, MM/DD/YYYY or a strptime format")
    group.add_argument(
        "--pause",
        type=_minutes,
        metavar="MINUTES",
        help="minutes of silence after which a chat counts as a new conversation",
    )


def options_of(given: Mapping[str, Any]) -> Options:
    """Return what the command line says about a file; CommandError if a mapping cannot be read."""
    short = [f"{field}={given[f'{field}_column']}" for field in ("text", "id") if given[f"{field}_column"]]
    try:
        mapping = parse_mapping([*given["map"], *short])
    except UnknownColumn as error:
        raise CommandError(str(error), returncode=2) from error
    return Options(mapping, given["encoding"], given["date_format"] or "", given["pause"])


def _date_format(word: str) -> str:
    try:
        read_date_format(word)
    except BadDateFormat as error:
        raise ArgumentTypeError(str(error)) from error
    return word


def _minutes(word: str) -> timedelta:
    try:
        minutes = float(word)
    except ValueError:
        minutes = -1
    if not 0 < minutes < 1e6:
        raise ArgumentTypeError(f"{word[:20]!r} is not a number of minutes")
    return timedelta(minutes=minutes)


# --- What is said -------------------------------------------------------------------------------------------------


def print_imported(imported: Imported, what: str, console: Console) -> None:
    """Print what the files were, what became of their rows, and what a person should look at."""
    print_summary(imported.summary, console)
    say(console, f"Imported {what}: {imported.counts}")
    print_repeated(imported.counts, console)
    print_rejects(imported.reasons, console)


def print_repeated(counts: ImportCounts, console: Console) -> None:
    """Print what a live source left out, and what the conversations share word for word, if they share anything."""
    for note in counts.notes:
        say(console, f"  {note}")
    if counts.repeated:
        say(console, told_apart(counts.repeated))


def print_rejects(reasons: Reasons, console: Console) -> None:
    """Print the commonest reasons of rejects with what helps."""
    for sentence in reasons.sentences():
        say(console, f"  {sentence}")


def print_summary(summary: Recognised, console: Console) -> None:
    """Print what the files turned out to be and how they were understood."""
    if summary.format:
        say(console, f"{summary}.")
    for sentence in sentences(summary):
        say(console, f"  {sentence}")


def say(console: Console, sentence: str) -> None:
    """Print a sentence that may hold anything, on as many lines as it takes."""
    console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def sentences(summary: Recognised) -> list[str]:
    """Return what a person should know about how the files were understood."""
    said = list(summary.notes)
    if taken := [f"{word} {count:,}: {role}" for (word, role), count in summary.roles.most_common(WORDS_SHOWN)]:
        said.append(f"Roles: {', '.join(taken)}.")
    if missed := [f"{word!r} {count:,}" for word, count in summary.unknown_roles.most_common(WORDS_SHOWN)]:
        said.append(
            f"Unknown roles, so these messages belong to nobody: {', '.join(missed)}. Say who speaks with --map."
        )
    if summary.without_customer_side > NO_CUSTOMER_SHARE * summary.count:
        said.append(
            f"{summary.without_customer_side:,} of {counted(summary.count, 'conversation')} have no message from a "
            "customer. Check who speaks (--map role=..., --map author=..., --map customer=...)."
        )
    said += _unknown(summary)
    unlikely = [name for name in summary.passed_over if name in summary.unlikely]
    if empty := [name for name in summary.passed_over if name not in summary.unlikely]:
        said.append(f"Skipped because they contain no conversations: {_files(empty)}.")
    if unlikely:
        said.append(
            f"Skipped because they look like files that only accompany the others ({summary.format}): "
            f"{_files(unlikely)}. If they contain conversations, import them by themselves."
        )
    return said


def _files(names: Sequence[str]) -> str:
    """Return the first names of a list of files, without their folders, and how many more there are."""
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(name.rpartition("/")[2] for name in names[:5]) + more


def _unknown(summary: Recognised) -> list[str]:
    unused = ", ".join(summary.unused_columns[:WORDS_SHOWN])
    columns = f" Fields not used: {unused}." if unused else ""
    said = []
    if summary.count and summary.times_unknown == summary.count:
        said.append(
            "No times were found, so all conversations count as of now (name the field with --map "
            f"created_at=...).{columns}"
        )
    elif summary.times_unknown:
        said.append(
            f"{counted(summary.times_unknown, 'conversation')} without a readable time; they count as of now (set "
            "the format with --date-format)."
        )
    # a table's own note says already which option helps
    is_said = any("--map customer" in note for note in summary.notes)
    if summary.count and summary.without_customer_name == summary.count and not is_said:
        said.append(
            "No customers were found, so each conversation counts as a separate customer (name the field with --map "
            "customer=...)."
        )
    return said


def print_dry_run(asked: Import, console: Console) -> int:
    """Read files and store nothing: print how they are understood and the first conversations; return the rejects."""
    file = asked.file()
    rows = file.records()
    samples: list[Record] = []
    reasons = Reasons()
    for row in rows:
        if isinstance(row, Reject):
            reasons.add(row)
        elif len(samples) < SAMPLES:
            samples.append(row)
    print_summary(file.summary, console)
    for record in samples:
        _print_sample(record, console)
    rejected = reasons.counts.total()
    say(
        console, f"{counted(file.summary.count, 'conversation')} and {counted(rejected, 'reject')}; nothing was stored."
    )
    print_rejects(reasons, console)
    return rejected


def _print_sample(record: Record, console: Console) -> None:
    at = f"{record.occurred_at:%Y-%m-%d %H:%M} UTC" if record.occurred_at else "time unknown"
    say(console, f"\n{record.external_id}  |  {record.customer or 'customer unknown'}  |  {at}")
    for message in islice(record.messages, 4):
        who = ", ".join(part for part in (message["role"] or "role unknown", message["author"]) if part)
        text = " ".join(message["text"].split())
        say(console, f"  {who}: {text[:100]}{' ...' if len(text) > 100 else ''}")
    if len(record.messages) > 4:
        say(console, f"  and {counted(len(record.messages) - 4, 'more message')}")
