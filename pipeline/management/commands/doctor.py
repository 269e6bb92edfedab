"""`./manage.py doctor`: is everything in order for a run?"""

import json as json_format
import sys
from typing import Any

from django.core.checks import CheckMessage
from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from pipeline.management.commands.run_pipeline import EXTRACTOR, PROFILE
from pipeline.runs.checks import warnings
from pipeline.runs.preflight import Finding, RunRequest, run_checks


class Command(BaseCommand):
    help = (
        "Check everything a run needs, exactly as the start of a run does: settings, PostgreSQL, Redis, tables, "
        "constraints, extractor, workers. Exit code 1 if a run would be refused."
    )
    requires_system_checks: list[str] = []  # it shows them itself, and continues

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--profile", default=PROFILE, help="the profile to check for (default: %(default)s)")
        parser.add_argument("--extractor", default=EXTRACTOR, help="the extractor to check (default: %(default)s)")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, profile: str, extractor: str, json: bool, **options: Any) -> None:
        findings = run_checks(RunRequest(profile, extractor))
        may_run = all(finding.ok for finding in findings)
        if json:
            self._write_json(may_run, findings)
        else:
            _print(findings, warnings(), Console(markup=False, emoji=False, highlight=False))
        if not may_run:
            sys.exit(1)

    def _write_json(self, may_run: bool, findings: list[Finding]) -> None:
        found = {
            "ok": may_run,
            "findings": [finding.as_json() for finding in findings],
            "warnings": [{"id": note.id, "sentence": note.msg, "hint": note.hint} for note in warnings()],
        }
        self.stdout.write(json_format.dumps(found, indent=2))


def _print(findings: list[Finding], notes: list[CheckMessage], console: Console) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding in findings:
        table.add_row("ok" if finding.ok else "NO", finding.name, _lines(finding.sentence, finding.hint))
    for note in notes:
        table.add_row("!", str(note.id), _lines(str(note.msg), str(note.hint)))
    console.print(table)
    bad = sum(not finding.ok for finding in findings)
    console.print("Ready: a run can start." if not bad else f"Not ready: {bad} of {len(findings)} checks failed.")


def _lines(sentence: str, hint: str) -> str:
    """Return sentence and hint, each begun with a capital letter and ended with a full stop."""
    parts = (part.strip().rstrip(".") for part in (sentence, hint))
    return "\n".join(f"{part[0].upper()}{part[1:]}." for part in parts if part)
