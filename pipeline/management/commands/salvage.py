"""`./manage.py salvage RUN`: go on with a run that failed, was lost or stopped, or lacks something."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from pipeline import console as screens
from pipeline import queries, runs
from pipeline.salvage import PHASES, salvage


class Command(BaseCommand):
    help = "Bring an ended run back to work at the phase where something is missing; stored answers are reused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("--phase", choices=[str(phase) for phase in PHASES], help="re-enter here")
        parser.add_argument("--detach", action="store_true", help="return at once; the workers do the rest")

    def handle(self, *, run: int, phase: str | None, detach: bool, **options: Any) -> None:
        console = Console(markup=False, emoji=False)
        try:
            reopened, stock = salvage(run_id=run, phase=phase)
        except runs.RunError as error:
            raise CommandError(str(error)) from error
        console.print(
            f"Run {run} goes on at {stock.phase}: {stock.failed} failed and {stock.unfinished} unfinished "
            f"conversations are taken up again, {stock.to_ask} of them are asked about; "
            f"{stock.themes_unassigned} themes have no signature yet.",
            highlight=False,
        )
        if detach:
            return
        ended = screens.follow(reopened.pk, console)
        screens.print_summary(queries.run_summary(ended), console)
        screens.print_failures(ended, console)
        if code := screens.exit_code(ended):
            raise SystemExit(code)
