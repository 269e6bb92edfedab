"""`./manage.py merge_whatif RUN`: what the run's themes would make if the rules were stricter or more lenient."""

import json as json_format
from typing import Any

from django.core.management.base import CommandParser
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from pipeline.ledger.counts import find_run
from pipeline.management.command import PipelineCommand
from pipeline.models.wording import counted
from pipeline.reports.whatif import WhatIf, what_if

BAR = 8
"""Characters of the longest bar."""


class Command(PipelineCommand):
    help = (
        "Show how many stories stricter or more lenient rules would make of a run. Its themes are merged and "
        "grouped in memory at several levels of strictness. Nothing is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("--json", action="store_true", help="the curve as data, for a chart")

    def handle(self, *, run: int, json: bool, **options: Any) -> None:
        curve = what_if(run=find_run(run))
        if json:
            self.stdout.write(json_format.dumps(curve.as_json(), indent=2))
        else:
            _print(curve, Console(markup=False, emoji=False))


def _print(curve: WhatIf, console: Console) -> None:
    told = f"Run {curve.run}: {counted(curve.themes, 'theme')} by {curve.rules}"
    console.print(told, soft_wrap=True, highlight=False)
    caption = "* the current rules; sizes are in conversations"
    table = Table(caption=caption, caption_justify="left", box=SIMPLE, pad_edge=False)
    for head in ("Strictness", "Signatures", "Orphans", "In stories", "Largest", "Stories"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    most = max(point.stories for point in curve.points) or 1
    for point in curve.points:
        strictness = f"{point.strictness:.1f}" + ("*" if point.strictness == 1.0 else " ")
        numbers = (point.signatures, point.orphans, point.conversations, point.largest, point.stories)
        table.add_row(strictness, *map(str, numbers), "█" * round(BAR * point.stories / most))
    console.print(table)
