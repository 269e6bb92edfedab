"""`./manage.py regroup [PROFILE]`: group all themes of a profile again, and show what that changes."""

import json as json_format
from argparse import BooleanOptionalAction
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from pipeline.management.command import PipelineCommand, WrongUsage
from pipeline.management.printing import print_changes
from pipeline.merge.apply import RegistryChanged
from pipeline.merge.rules.versions import NEWEST, UnknownRules, get_rules
from pipeline.models.wording import counted
from pipeline.review.regroup import NothingToRegroup, Plan, plan_regroup, regroup

DRY_RUN = "Nothing was written. Apply it with:  ./manage.py regroup {profile} --rules {rules}{strict} --yes"


class Command(PipelineCommand):
    help = (
        "Group all current themes of a profile again, from all runs, and show what would change. Nothing is written "
        "without --yes. People's decisions stay. Signatures and stories keep their identity wherever they share "
        "enough themes with the current ones. --strict keeps conversations out of stories that only loosely fit them; "
        "with --yes later runs keep to it, until --no-strict."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("profile", nargs="?", default="support", help="default: support")
        parser.add_argument("--rules", type=int, default=NEWEST.number, metavar="N", help="default: the newest")
        parser.add_argument(
            "--strict",
            action=BooleanOptionalAction,
            help="whether conversations that only loosely fit a story stay outside (default: as the profile is set)",
        )
        parser.add_argument("--dry-run", action="store_true", help="only show what would change (the default)")
        parser.add_argument("--yes", action="store_true", help="apply the changes")
        parser.add_argument("--reason", default="", help="why you are doing this, for the record")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, profile: str, rules: int, strict: bool | None, json: bool, **options: Any) -> None:
        apply = options["yes"] and not options["dry_run"]
        if options["yes"] and options["dry_run"]:
            raise WrongUsage(
                "--dry-run and --yes cannot be combined: one only shows the changes, the other applies them."
            )
        asked = "" if strict is None else " --strict" if strict else " --no-strict"
        try:
            plan = plan_regroup(profile=profile, rules=get_rules(rules), strict=strict)
            reason = options["reason"] or f"by command{asked}"
            entry = regroup(plan=plan, reason=reason) if apply else None
        except (NothingToRegroup, UnknownRules, RegistryChanged) as error:
            raise CommandError(str(error)) from error
        if json:
            self.stdout.write(json_format.dumps({**plan.difference.as_json(), "written": apply}, indent=2))
            return
        console = Console(markup=False, emoji=False, highlight=False)
        _print(plan, console)
        done = f"Applied; recorded as pass {entry.pk}." if entry else ""
        console.print(done or DRY_RUN.format(profile=profile, rules=rules, strict=asked), soft_wrap=True)


def _print(plan: Plan, console: Console) -> None:
    found = plan.difference
    strict = ", strict" if found.strict else ""
    console.print(
        f"Profile {found.profile}: {counted(found.themes, 'theme')} by {found.rules}{strict}.", soft_wrap=True
    )
    console.print(f"{counted(found.moved, 'theme goes', 'themes go')} to another signature.")
    console.print(f"Pairs of themes: {found.pairs_joined} joined, {found.pairs_split} split.")
    for name in ("signatures", "stories", "orphans"):
        console.print(f"{name.capitalize()}: {getattr(found.before, name)} before, {getattr(found.after, name)} after.")
    print_changes(found.changes, console)
