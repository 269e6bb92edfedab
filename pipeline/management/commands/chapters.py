"""`./manage.py chapters RUN`: what a run made of a book, chapter by chapter, and how to take up what failed."""

import json
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from pipeline.management.books import print_chapters
from pipeline.management.command import PipelineCommand, positive
from pipeline.reports.chapters import find_book


class Command(PipelineCommand):
    help = "Show each chapter of a book read by a run: verses, instances, time, cost, and how to retry failures."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=positive)
        parser.add_argument(
            "--json", action="store_true", help="print all columns as JSON, with failures listed separately"
        )

    def handle(self, *, run: int, json: bool, **options: Any) -> None:
        _, report = find_book(run)
        if json:
            self.stdout.write(_as_text(report.as_json()))
        else:
            print_chapters(report, Console(markup=False, emoji=False, highlight=False))


def _as_text(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False)
