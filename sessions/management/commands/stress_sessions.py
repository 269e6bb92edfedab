"""`./manage.py stress_sessions`: one active session per user, under load, on this database."""

import sys
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from pipeline.models.wording import words
from sessions.upkeep.stress import StressResult, stress


def positive(word: str) -> int:
    """Return a whole number from 1 up to a million."""
    if not word.isdecimal() or not 1 <= int(word) <= 1_000_000:
        raise ArgumentTypeError(f"{word[:20]!r} is not a whole number from 1 to 1000000")
    return int(word)


class Command(BaseCommand):
    requires_system_checks = ["leitmotif_settings"]
    help = (
        "Open sessions of made-up users from many connections at once and look for duplicates. Removes what it "
        "created. Exit code 1 if a user had two active sessions or a caller got an error."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=positive, default=50, help="how many users (default: %(default)s)")
        parser.add_argument(
            "--concurrency", type=positive, default=50, help="concurrent callers (default: %(default)s)"
        )
        parser.add_argument(
            "--calls", type=positive, default=20_000, help="total number of calls (default: %(default)s)"
        )

    def handle(self, **options: Any) -> None:
        result = stress(users=options["users"], concurrency=options["concurrency"], calls=options["calls"])
        self.stdout.write(as_text(result))
        if not result.is_sound:
            self.stdout.flush()
            sys.exit(1)


def as_text(result: StressResult) -> str:
    """Return what was found, a line each."""
    metrics, calls = result.metrics, len(result.latencies)
    within = ", ".join(f"{name} {result.percentile(share) * 1000:.2f}" for name, share in PERCENTILES)
    lines = [
        f"{calls} calls in {result.seconds:.1f} s: {calls / result.seconds:.0f} calls/s",
        f"created {metrics.created}, reused {metrics.reused}: "
        f"{metrics.ratio or 0:.2%} reused ({words(metrics.verdict)})",
        f"latency in ms: {within}, longest {result.latencies[-1] * 1000:.2f}",
        f"users with two active sessions: {result.duplicates_seen} (checked {result.looks} times)",
    ]
    lines += [f"{count} callers got {error}" for error, count in result.errors.most_common()]
    return "\n".join(lines)


PERCENTILES = (("median", 0.5), ("95 %", 0.95), ("99 %", 0.99))
