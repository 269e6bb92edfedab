"""`./manage.py session_metrics`: how the sessions are doing."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from pipeline.models.wording import words
from sessions.upkeep.metrics import SessionMetrics, session_metrics

NAMES = {
    "created": "sessions created",
    "reused": "messages that reused one",
    "ratio": "reuse ratio",
    "rapid_creates": "rapid creates (two within 10 s)",
    "context_losses": "context losses",
    "active": "active now",
    "duplicate_active": "users with two active sessions (must be 0)",
}


class Command(BaseCommand):
    requires_system_checks = ["leitmotif_settings"]
    help = "Show how many sessions were created and reused, and what looks wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hours", type=float, help="only sessions started in the last N hours")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, **options: Any) -> None:
        metrics = session_metrics(since=_since(options["hours"]))
        self.stdout.write(json.dumps(metrics.as_json()) if options["json"] else as_text(metrics))


def as_text(metrics: SessionMetrics) -> str:
    """Return the numbers, a line each."""
    values = metrics.as_json()
    if metrics.ratio is not None:
        values["ratio"] = f"{metrics.ratio:.1%} ({words(metrics.verdict)})"
    else:
        values["ratio"] = "no sessions yet"
    return "\n".join(f"{title:44}{values[name]}" for name, title in NAMES.items())


def _since(hours: float | None) -> Any:
    if hours is None:
        return None
    try:
        if hours > 0:
            return timezone.now() - timedelta(hours=hours)
    except OverflowError:
        pass
    raise CommandError(f"--hours is {hours}. Pass a number above 0, for example --hours 24.")
