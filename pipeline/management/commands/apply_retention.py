"""`./manage.py apply_retention`: forget what is older than the settings allow, as beat does by itself every hour."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from pipeline.management.command import PipelineCommand
from pipeline.runs.erase import in_words
from pipeline.runs.retention import apply_retention


class Command(PipelineCommand):
    help = "Delete what is older than the settings KEEP_*_DAYS allow, and show how many rows that is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count; change nothing")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        counts = apply_retention(at=timezone.now(), dry_run=dry_run)
        self.stdout.write(f"{'Would delete' if dry_run else 'Deleted'}: {in_words(counts)}.")
