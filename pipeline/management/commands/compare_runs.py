"""`./manage.py compare_runs A B`: what became of the stories of run A in run B."""

import json as json_format
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from pipeline.ledger.counts import find_run
from pipeline.management.command import PipelineCommand
from pipeline.management.printing import print_changes
from pipeline.models.wording import counted
from pipeline.reports.compare import compare_runs


class Command(PipelineCommand):
    help = (
        "Compare two finished runs of one profile, from the same source or two: which stories are new, grew, "
        "shrank, merged, were split or are gone. Each run is taken as it was when it ended, including conversations "
        "it skipped as unchanged."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("before", type=int, metavar="A")
        parser.add_argument("after", type=int, metavar="B")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, before: int, after: int, json: bool, **options: Any) -> None:
        earlier, later = find_run(before), find_run(after)
        found = compare_runs(before=earlier, after=later)
        if json:
            self.stdout.write(json_format.dumps(found.as_json(), indent=2))
            return
        console = Console(markup=False, emoji=False, highlight=False)
        counts = f"{counted(found.stories_before, 'story', 'stories')}, then {found.stories_after}"
        console.print(f"From {earlier} to {later}, profile {found.profile}: {counts}.", soft_wrap=True)
        print_changes(found.changes, console)
