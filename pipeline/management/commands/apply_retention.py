"""`./manage.py apply_retention`: forget what is older than the settings allow, as beat does by itself every hour."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from pipeline.management.command import PipelineCommand
from pipeline.runs.erase import in_words
from pipeline.runs.retention import apply_retention


class Command(PipelineCommand):
    help = "Forget what is older than the settings KEEP_..._DAYS allow, and say how many rows that are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count and change nothing")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        counts = apply_retention(at=timezone.now(), dry_run=dry_run)
        self.stdout.write(f"{'Would forget' if dry_run else 'Forgot'}: {in_words(counts)}.")
