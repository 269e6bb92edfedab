"""`./manage.py make_stories RUN`: stories and orphans for a run that was to stop before them."""

import sys
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from pipeline.management.command import PipelineCommand
from pipeline.management.following import follow
from pipeline.management.printing import exit_code, print_stories, print_summary
from pipeline.reports.summary import run_summary, stories_of_run
from pipeline.runs.start import make_stories


class Command(PipelineCommand):
    help = "Make the stories and orphans of a run that was started with --no-stories."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("--detach", action="store_true", help="return at once and let the workers continue")

    def handle(self, *, run: int, detach: bool, **options: Any) -> None:
        console = Console(markup=False, emoji=False, highlight=False)
        reopened = make_stories(run_id=run)
        console.print(f"Run {run} continues at {reopened.phase}.")
        if not detach:
            self._follow(run, console)

    def _follow(self, run_id: int, console: Console) -> None:
        ended = follow(run_id, console)
        print_summary(run_summary(ended), console)
        print_stories(list(stories_of_run(ended)), console)
        if code := exit_code(ended):
            sys.exit(code)
