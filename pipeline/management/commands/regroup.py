"""`./manage.py regroup RUN --rules N`: assign a run's themes anew, by the rules of another version."""

import json as json_format
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from pipeline.ledger.counts import find_run
from pipeline.management.command import PipelineCommand, WrongUsage
from pipeline.management.printing import print_changes
from pipeline.merge.rules.versions import NEWEST, UnknownRules, get_rules
from pipeline.models.wording import counted
from pipeline.review.regroup import Plan, plan_regroup, regroup

DRY_RUN = "Nothing was written. Apply it with:  ./manage.py regroup {run} --rules {rules} --yes"


class Command(PipelineCommand):
    help = (
        "Reassign a run's themes by version N of the rules, and show what changes. Without --yes nothing is "
        "written. What people decided stays; stories follow most of their conversations."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("--rules", type=int, default=NEWEST.number, metavar="N", help="default: the newest")
        parser.add_argument("--dry-run", action="store_true", help="only show; so without --yes as well")
        parser.add_argument("--yes", action="store_true", help="write it")
        parser.add_argument("--reason", default="", help="why, for the ledger")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, run: int, rules: int, json: bool, **options: Any) -> None:
        apply = options["yes"] and not options["dry_run"]
        if options["yes"] and options["dry_run"]:
            raise WrongUsage("--dry-run and --yes exclude each other: one only shows, the other writes.")
        try:
            plan = plan_regroup(run=find_run(run), rules=get_rules(rules))
            entry = regroup(plan=plan, reason=_reason(plan, options["reason"])) if apply else None
        except UnknownRules as error:
            raise CommandError(str(error)) from error
        if json:
            self.stdout.write(json_format.dumps({**plan.difference.as_json(), "written": apply}, indent=2))
            return
        console = Console(markup=False, emoji=False, highlight=False)
        _print(plan, console)
        done = f"Written; the ledger's entry is regroup {entry.pk}." if entry else ""
        console.print(done or DRY_RUN.format(run=run, rules=rules), soft_wrap=True)


def _reason(plan: Plan, given: str) -> str:
    return given or f"rules {plan.rules.number} in place of {plan.difference.rules_before}, by command"


def _print(plan: Plan, console: Console) -> None:
    found = plan.difference
    rules = f"by {found.rules}, until now by {found.rules_before}"
    console.print(f"Run {found.run}: {counted(found.themes, 'theme')} {rules}.", soft_wrap=True)
    if found.held:
        console.print(
            f"{counted(found.held, 'more theme stays', 'more themes stay')}: people decided about the signatures."
        )
    console.print(f"Pairs of themes: {found.pairs_joined} joined, {found.pairs_split} split.")
    for name in ("signatures", "stories", "orphans"):
        console.print(f"{name.capitalize()}: {getattr(found.before, name)} before, {getattr(found.after, name)} after.")
    print_changes(found.changes, console)
