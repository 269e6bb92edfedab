"""What all commands of the pipeline have in common: on tables that are not up to date they begin nothing."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils.dateparse import parse_date, parse_datetime

from pipeline.extract.llm.budget import dollars_of
from pipeline.models import schema
from pipeline.models.refusal import Refusal
from pipeline.runs.checks import SETTINGS

LARGEST = 2**31 - 1
WRONG_USAGE = 2
"""Exit status of a command that was called in a way that cannot be meant; argparse ends with it too."""


class WrongUsage(CommandError):
    """The words of a command contradict each other, or one is missing or cannot be read."""

    def __init__(self, *words: object) -> None:
        super().__init__(*words, returncode=WRONG_USAGE)


def moment(word: str) -> datetime:
    """Return a date or time of the command line as an aware time; without a zone it is UTC."""
    try:
        day = parse_date(word)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else parse_datetime(word)
    except ValueError:
        at = None
    if at is None:
        raise ArgumentTypeError(
            f"{word!r} is not a valid date or time; write for example 2026-11-22 or 2026-11-22T08:30:00Z"
        )
    return at if at.tzinfo else at.replace(tzinfo=UTC)


UNITS_OF_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0, "w": 168.0}


def hours(word: str) -> float:
    """Return a length of time of the command line, such as 30m, 24h or 7d, in hours."""
    number, unit = word[:-1], word[-1:].lower()
    if unit not in UNITS_OF_HOURS or not number.isdecimal() or not 0 < int(number) < 100_000:
        raise ArgumentTypeError(f"{word[:20]!r} is not a duration; write for example 30m, 24h, 7d or 2w")
    return int(number) * UNITS_OF_HOURS[unit]


def positive(word: str) -> int:
    """Return a whole number from 1 up to what a column holds."""
    if not word.isdecimal() or not 1 <= int(word) <= LARGEST:
        raise ArgumentTypeError(f"{word[:20]!r} is not a whole number from 1 to {LARGEST}")
    return int(word)


def dollars(word: str) -> Decimal:
    """Return an amount of money above 0, as 5 or 0.25."""
    try:
        return dollars_of(word)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


class PipelineCommand(BaseCommand):
    """A command that needs the tables as the models have them."""

    requires_system_checks = [SETTINGS]  # all others load every page, which takes longer than most commands
    requires_migrations_checks = True

    def execute(self, *words: Any, **options: Any) -> Any:
        """Run the command; a refusal becomes the command's error, in its own words."""
        try:
            return super().execute(*words, **options)
        except Refusal as error:
            raise CommandError(str(error)) from error

    def check_migrations(self) -> None:
        """Raise CommandError if migrations are missing, where Django would only print a notice."""
        try:
            # asked before each command: with old tables the first query would end in a traceback
            stale = schema.staleness()
        except OperationalError as error:
            raise CommandError(f"PostgreSQL cannot be reached: {error}".strip() + "\nCheck DATABASE_URL.") from error
        if stale:
            raise CommandError(f"{stale}. Run `./manage.py migrate`.")


def add_spending_options(parser: CommandParser) -> None:
    """Add what a run with a language model may spend, how it asks, and whether it ends with a judgement."""
    parser.add_argument(
        "--batch",
        action="store_true",
        help="use the provider's batch API: half the price, but answers take up to a day",
    )
    parser.add_argument(
        "--budget", type=dollars,
        help="stop a run when this many dollars have been spent; run_pipeline --resume continues",
    )  # fmt: skip
    parser.add_argument(
        "--budget-tokens", type=positive, help="stop a run when this many tokens have been used, input and output"
    )
    parser.add_argument(
        "--judge", action="store_true",
        help="when a run has finished, have the language model of LLM_MODEL judge borderline pairs, groups and "
        "titles, within the run's budget (see the command judge)",
    )  # fmt: skip
