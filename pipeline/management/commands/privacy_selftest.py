"""`./manage.py privacy_selftest`: plant canaries and show that none leaves this machine."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from pipeline.management.command import PipelineCommand
from pipeline.models.wording import counted
from pipeline.runs.privacy import PrivacyReport, privacy_selftest


class Command(PipelineCommand):
    help = (
        "Plant made-up private data and check whether any of it leaves this machine or is shown. These canaries "
        "(addresses, numbers, keys, a name) go through a run in which a recorder stands in for the language model; "
        "then requests, titles, exports and logs are searched for them. Leaves nothing behind. Exit code 1 on a "
        "leak."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        report = privacy_selftest()
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(report), "holds": report.holds}, indent=2))
        else:
            self._say(report)
        if not report.holds:
            sys.exit(1)

    def _say(self, report: PrivacyReport) -> None:
        planted = counted(report.canaries, "canary", "canaries")
        self.stdout.write(
            f"{planted} planted in {counted(report.conversations, 'conversation')}; {counted(report.calls, 'call')} "
            f"and {counted(report.batched, 'question')} in files of batches, {report.bytes_sent:,} bytes in all, went "
            f"to the recorder; {counted(report.themes, 'theme')}, "
            f"{counted(report.titles, 'story title')}, {counted(report.judged, 'answer')} of a model that judged and "
            f"{counted(report.log_lines, 'log line')} were searched."
        )
        for leak in report.leaks:
            self.stdout.write(f"LEAK: a canary ({leak.kind}) was found in {leak.place}.")
        if report.missing:
            self.stdout.write(f"The test is inconclusive: {report.missing}")
        if report.holds:
            self.stdout.write("No canary left this machine, and none appears in a title, an export or the log.")
