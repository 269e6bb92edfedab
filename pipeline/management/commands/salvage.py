"""`./manage.py salvage RUN`: continue a run that failed, was lost or stopped, or has gaps."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from pipeline.extract.base import get_extractor
from pipeline.ledger.counts import find_run
from pipeline.management.command import WRONG_USAGE, PipelineCommand, WrongUsage, dollars, positive
from pipeline.management.following import follow
from pipeline.management.printing import exit_code, print_failures, print_inventory, print_salvageable, print_summary
from pipeline.models.wording import counted
from pipeline.reports.summary import run_summary
from pipeline.runs.create import Throughput
from pipeline.runs.salvage import (
    PHASES,
    NothingToDo,
    SalvageOptions,
    SalvagePlan,
    plan_salvage,
    runs_to_salvage,
)
from pipeline.runs.start import salvage_run

OF_ONE_RUN = (
    "run", "phase", "only_failed", "error_class", "item", "concurrency", "chunk_size", "budget",
    "budget_tokens", "ask_again", "reparse", "dry_run", "yes", "detach",
)  # fmt: skip


class Command(PipelineCommand):
    help = (
        "Repair an ended run in which something is missing. Stored answers are reused; only conversations without "
        "one are sent to the extractor."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", nargs="?", type=int)
        parser.add_argument(
            "--list", action="store_true", help="list the runs that may need a repair, and what is missing"
        )
        parser.add_argument(
            "--phase",
            choices=[str(phase) for phase in PHASES],
            help="restart from this phase, whatever is missing; extract also parses filtered conversations again",
        )
        parser.add_argument("--only-failed", action="store_true", help="retry only the conversations that failed")
        parser.add_argument("--error-class", default="", metavar="X", help="only those that failed with this error")
        parser.add_argument("--item", type=int, metavar="ID", help="only this item")
        parser.add_argument(
            "--ask-again",
            action="store_true",
            help="set the stored answers of these conversations aside and ask the extractor again",
        )
        parser.add_argument(
            "--reparse", action="store_true",
            help="also parse the answers of extracted conversations again and use the new results",
        )  # fmt: skip
        parser.add_argument("--concurrency", type=positive, help="how many chunks to work on at a time from now on")
        parser.add_argument("--chunk-size", type=positive, help="conversations per task from now on")
        parser.add_argument("--budget", type=dollars, help="stop when the run has cost this many dollars in all")
        parser.add_argument("--budget-tokens", type=positive, help="stop when the run has used this many tokens in all")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be reused and what would be redone; change nothing"
        )
        parser.add_argument("--yes", action="store_true", help="skip the confirmation where calls cost money")
        parser.add_argument("--detach", action="store_true", help="return at once and let the workers continue")

    def handle(self, **options: Any) -> None:
        self.console = Console(markup=False, emoji=False, highlight=False)
        if options["list"]:
            _refuse_beside_the_list(options)
            self._list()
        elif options["run"] is None:
            raise WrongUsage("name a run, or --list to see which may need it.")
        else:
            self._salvage(options["run"], _choice(options), options)

    def _list(self) -> None:
        found = [(run, stock) for run in runs_to_salvage() if (stock := plan_salvage(run=run)).is_worth_it]
        print_salvageable(found, self.console)

    def _salvage(self, run_id: int, choice: SalvageOptions, options: dict[str, Any]) -> None:
        run = find_run(run_id)
        stock = plan_salvage(run=run, choice=choice)
        print_inventory(run, stock, self.console)
        if options["dry_run"]:
            self.console.print("Dry run: nothing was changed.")
            return
        if stock.to_ask and not run.is_live and not options["yes"] and get_extractor(run.extractor).is_paid:
            self._confirm(stock)
        try:
            salvage_run(run_id=run_id, choice=choice)
        except NothingToDo as nothing:
            self.console.print(str(nothing), soft_wrap=True)
            return
        self.console.print(f"Run {run_id} continues at {stock.phase}.")
        if not options["detach"]:
            self._follow(run_id)

    def _confirm(self, stock: SalvagePlan) -> None:
        """Return if the person at the terminal wants to spend what it costs."""
        asked = counted(stock.to_ask, "conversation needs", "conversations need")
        cost = f"{asked} a new extractor call (about {stock.tokens_to_ask} tokens)"
        if not sys.stdin.isatty():
            raise CommandError(f"{cost}. Add --yes to go ahead.", returncode=WRONG_USAGE)
        if input(f"{cost}. Continue? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was changed.")

    def _follow(self, run_id: int) -> None:
        ended = follow(run_id, self.console)
        print_summary(run_summary(ended), self.console)
        print_failures(ended, self.console)
        if code := exit_code(ended):
            sys.exit(code)


def _refuse_beside_the_list(options: dict[str, Any]) -> None:
    """Raise WrongUsage for words that choose what to do with one run: the list shows all and does nothing."""
    if ignored := [name.replace("_", "-") for name in OF_ONE_RUN if options[name] not in (None, False, "")]:
        raise WrongUsage(f"--list only lists runs. Leave out {', '.join(ignored)}.")


def _choice(options: dict[str, Any]) -> SalvageOptions:
    choice = SalvageOptions(
        phase=options["phase"],
        only_failed=options["only_failed"],
        error_class=options["error_class"],
        item=options["item"],
        ask_again=options["ask_again"],
        reparse=options["reparse"],
        pace=Throughput(**{name: options[name] for name in Throughput.__slots__}),
    )
    narrowed = choice.only_failed or choice.error_class or choice.item
    if narrowed and choice.phase not in (None, "extract"):
        raise WrongUsage(
            "--only-failed, --error-class and --item choose what to extract, so they cannot be used with --phase "
            f"{choice.phase}."
        )
    return choice
