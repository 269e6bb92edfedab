"""`./manage.py facets PROFILE`: what is asked of each theme besides, how many answer it, and with which words."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.table import Table

from pipeline.management.command import PipelineCommand, positive
from pipeline.reports.context import facet_coverage


class Command(PipelineCommand):
    help = "Show for each facet of a profile how many themes have a value for it, and which values."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("profile")
        parser.add_argument("--run", type=positive, help="only the themes of this run")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, profile: str, run: int | None, json: bool, **options: Any) -> None:
        found = facet_coverage(profile, run)
        if json:
            self.stdout.write(_as_text([{**asdict(each), "share": each.share} for each in found]))
            return
        table = Table("Facet", "Answered", "Values", box=None, padding=(0, 2, 0, 0))
        for each in found:
            values = ", ".join(f"{value} {count}" for value, count in each.values.items())
            table.add_row(each.name, f"{each.answered} of {each.themes} ({each.share:.0%})", values)
        Console(markup=False, emoji=False).print(table if found else f"The profile {profile} has no facets.")


def _as_text(found: list[dict[str, Any]]) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False)
