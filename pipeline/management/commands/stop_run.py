"""`./manage.py stop_run RUN`: stop a run at the next item's edge, or with --force at once."""

from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from pipeline.ledger.counts import find_run, item_counts
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import request_stop, stop_at_once
from pipeline.management.command import PipelineCommand
from pipeline.management.following import follow
from pipeline.management.printing import print_way_on
from pipeline.models import Run
from pipeline.models.wording import words


class Command(PipelineCommand):
    help = "Stop a run after the conversations in progress. It can be resumed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument(
            "--force",
            action="store_true",
            help="do not wait for the conversations in progress; their results are discarded and read again on resume",
        )
        parser.add_argument("--detach", action="store_true", help="return as soon as the stop has been requested")

    def handle(self, *, run: int, force: bool, detach: bool, **options: Any) -> None:
        console = Console(markup=False, emoji=False, highlight=False)
        found = find_run(run)
        if found.state == Run.State.STOPPED:
            console.print(f"Run {run} is already stopped.")
        elif force:
            found = stop_at_once(run_id=run)
        else:
            found = self._ask_to_stop(found, console, detach=detach)
        self._say(found, console)

    def _ask_to_stop(self, run: Run, console: Console, *, detach: bool) -> Run:
        if not request_stop(run_id=run.pk) and find_run(run.pk).state != Run.State.STOPPING:
            raise RunError(f"run {run.pk} is {find_run(run.pk).state}; only a run that is running can be stopped.")
        console.print(f"Run {run.pk} is stopping after the conversations in progress.")
        return find_run(run.pk) if detach else follow(run.pk, console)

    def _say(self, run: Run, console: Console) -> None:
        if run.is_live:
            console.print(f"Watch it with:  ./manage.py run_status {run.pk}")
            return
        counts = item_counts(run)
        console.print(
            f"Run {run.pk} is {words(run.state)}: {counts.finished} of {counts.planned} conversations are finished, "
            f"{counts.pending} are waiting.",
            soft_wrap=True,
        )
        print_way_on(run, console)
