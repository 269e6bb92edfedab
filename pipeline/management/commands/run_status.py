"""`./manage.py run_status [RUN]`: one run in numbers, or the newest ten."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from pipeline.ledger.counts import item_counts
from pipeline.management.command import PipelineCommand
from pipeline.management.printing import print_failures, print_nearly_stories, print_summary, print_way_on
from pipeline.models import Run
from pipeline.reports.summary import run_summary

NEWEST = 10


class Command(PipelineCommand):
    help = "Show one run in numbers, or list the newest ten."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", nargs="?", type=int)
        parser.add_argument("--json", action="store_true")

    def handle(self, *, run: int | None, json: bool, **options: Any) -> None:
        found = Run.objects.select_related("source").filter(is_preview=False)
        chosen = list(found.filter(pk=run) if run is not None else found[:NEWEST])
        if run is not None and not chosen:
            raise CommandError(f"there is no run {run}; `./manage.py run_status` lists the newest.")
        if json:
            self._write_json(chosen, alone=run is not None)
        elif run is not None:
            self._show(chosen[0])
        else:
            self._list(chosen)

    def _write_json(self, chosen: list[Run], *, alone: bool) -> None:
        summaries = [run_summary(run).as_json() for run in chosen]
        self.stdout.write(json.dumps(summaries[0] if alone else summaries, indent=2))

    def _show(self, run: Run) -> None:
        console = Console(markup=False, emoji=False)
        print_summary(run_summary(run), console)
        print_nearly_stories(run, console)
        print_failures(run, console)
        print_way_on(run, console)

    def _list(self, chosen: list[Run]) -> None:
        table = Table("Run", "Source", "State", "Phase", "Finished", "Started", title="Runs", title_justify="left")
        for run in chosen:
            counts = item_counts(run)
            started = f"{run.started_at:%Y-%m-%d %H:%M}" if run.started_at else "-"
            progress = f"{counts.finished} of {counts.planned}"
            table.add_row(str(run.pk), str(run.source), run.state, run.phase, progress, started)
        Console(markup=False, emoji=False).print(table)
