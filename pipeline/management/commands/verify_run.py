"""`./manage.py verify_run RUN`: prove a run from what is stored."""

import json as json_format
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.table import Table

from pipeline.management.command import PipelineCommand
from pipeline.models.wording import counted
from pipeline.reports.verify import Check, Verification, verify


class Command(PipelineCommand):
    help = (
        "Recompute a run from what is stored, in shuffled order, and compare. Changes nothing. Exit code 1 if "
        "something is missing or was altered; warnings about loosely related stories and weak titles do not count "
        "as errors."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("--json", action="store_true")

    def handle(self, *, run: int, json: bool, **options: Any) -> None:
        found = verify(run_id=run)
        if json:
            self.stdout.write(json_format.dumps(found.as_json(), indent=2))
        else:
            _print(found, Console(markup=False, emoji=False, highlight=False))
        if not found.holds:
            raise SystemExit(1)


def _print(found: Verification, console: Console) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for check in found.checks:
        table.add_row(_mark(check), check.name, "\n".join(_lines(check)))
    console.print(table)
    console.print(_verdict(found))


def _verdict(found: Verification) -> str:
    if not found.holds:
        return "Verification failed; see the lines that start with a dash."
    unchecked = ", ".join(check.name for check in found.checks if check.not_checked)
    passed = (
        f"Everything that could be checked passed; {unchecked} could not be checked in full."
        if unchecked
        else "All checks passed."
    )
    warned = counted(len(found.warnings), "warning")
    return f"{passed} {warned}: see the lines that start with an exclamation mark." if found.warnings else passed


def _mark(check: Check) -> str:
    return "NO" if check.faults else "!" if check.warnings else "-" if check.not_checked else "ok"


def _lines(check: Check) -> list[str]:
    said = [] if check.faults or check.warnings else [check.said]
    not_checked = [f"Not checked: {check.not_checked}."] if check.not_checked else []
    return [
        *said,
        *(f"- {fault}" for fault in check.faults),
        *(f"! {warning}" for warning in check.warnings),
        *not_checked,
    ]
