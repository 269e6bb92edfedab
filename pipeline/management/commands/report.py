"""`./manage.py report RUN`: what a run found, as one HTML file that can be sent to somebody."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from pipeline.management.command import PipelineCommand, positive
from pipeline.reports.run_report import html_of, report_of_run


class Command(PipelineCommand):
    help = "Write what a run found to a self-contained HTML file: charts, titles, quotes, numbers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=positive, metavar="RUN", help="number of the run")
        parser.add_argument("--output", metavar="FILE", help="file to write (default: run-RUN.html); - is stdout")

    def handle(self, *, run: int, output: str | None, **options: Any) -> None:
        text = html_of(report_of_run(run_id=run))
        name = output or f"run-{run}.html"
        if name == "-":
            self.stdout.write(text)
            return
        try:
            Path(name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{name} cannot be written: {error.strerror}.") from error
        self.stderr.write(f"Wrote {name}. It opens in any browser and can be sent to others as it is.")
