"""`./manage.py backfill_runs`: attach conversations that were imported as classified to the run they belong to."""

import json as json_format
from typing import Any

from django.core.management.base import CommandParser

from pipeline.management.command import PipelineCommand
from pipeline.models.wording import counted
from pipeline.runs.backfill import Backfill, backfill_runs


class Command(PipelineCommand):
    help = (
        "Assign conversations that were classified elsewhere to the run they belong to: the run of their source "
        "during which they were classified (`classified_at`), otherwise the newest run started before that. "
        "Conversations that match no run are left unchanged and listed. Creates no items."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show what would be attached")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, dry_run: bool, json: bool, **options: Any) -> None:
        done = backfill_runs(dry_run=dry_run)
        text = json_format.dumps(done.as_json(), indent=2) if json else "\n".join(_lines(done, dry_run=dry_run))
        self.stdout.write(text)


def _lines(done: Backfill, *, dry_run: bool) -> list[str]:
    attached = "would be attached" if dry_run else "attached"
    lines = [f"Before: {done.without_run_before} of {done.conversations} conversations without a run."]
    lines += [f"Run {run}: {counted(count, 'conversation')} {attached}." for run, count in done.by_run.items()]
    lines += [f"After: {done.without_run_after} of {done.conversations} conversations without a run."]
    if done.left_count:
        lines.append(f"{done.left_count} were classified before the first run of their source and are left unchanged:")
        lines += [f"  {one.source} {one.external_id}, classified {one.classified_at}" for one in done.left]
    if (more := done.left_count - len(done.left)) > 0:
        lines.append(f"  ... and {more} more")
    return lines
