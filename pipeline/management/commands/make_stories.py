"""`./manage.py make_stories RUN`: stories and orphans for a run that was to stop before them."""

import sys
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from pipeline import tasks
from pipeline.ledger.counts import find_run
from pipeline.ledger.errors import RunError
from pipeline.management.command import PipelineCommand
from pipeline.management.following import follow
from pipeline.management.printing import exit_code, print_stories, print_summary
from pipeline.models import Run
from pipeline.reports.summary import run_summary, stories_of_run
from pipeline.runs import preflight
from pipeline.runs.reopen import reopen


class Command(PipelineCommand):
    help = "Make the stories and orphans of a run that was started with --no-stories."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("--detach", action="store_true", help="return at once; the workers do the rest")

    def handle(self, *, run: int, detach: bool, **options: Any) -> None:
        console = Console(markup=False, emoji=False, highlight=False)
        found = _without_stories(find_run(run))
        preflight.require_ready_again(run_id=found.pk, phase=Run.Phase.GROUP)
        reopened = reopen(run_id=found.pk, phase=Run.Phase.GROUP, with_stories=True)
        tasks.dispatch(run=reopened)
        console.print(f"Run {run} goes on at {reopened.phase}.")
        if not detach:
            self._follow(run, console)

    def _follow(self, run_id: int, console: Console) -> None:
        ended = follow(run_id, console)
        print_summary(run_summary(ended), console)
        print_stories(list(stories_of_run(ended)), console)
        if code := exit_code(ended):
            sys.exit(code)


def _without_stories(run: Run) -> Run:
    """Return the run if it finished without making stories; RunError says what to do otherwise."""
    if run.makes_stories:
        raise RunError(
            f"run {run.pk} makes stories by itself. To settle them anew: ./manage.py salvage {run.pk} --phase group"
        )
    if run.is_preview or run.is_live:
        return run  # reopen says why not
    if run.state not in Run.FINISHED:
        raise RunError(f"run {run.pk} is {run.state}; finish it first: ./manage.py salvage {run.pk}")
    return run
