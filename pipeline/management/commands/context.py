"""`./manage.py context PROFILE [FILES]`: documents a reader may consult, and what it looked for and did not find."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from pipeline.extract.knowledge import store_documents
from pipeline.extract.profiles import get_profile
from pipeline.management.command import PipelineCommand
from pipeline.models.wording import counted
from pipeline.reports.context import gaps_report

LARGEST_FILE = 2 * 1024 * 1024


class Command(PipelineCommand):
    help = (
        "Store text files as product documents for a profile. Without files, show the gaps: what readers looked for "
        "in the documents and did not find, and which documents were never used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("profile")
        parser.add_argument("files", nargs="*", type=Path)
        parser.add_argument("--area", default="", help="the product area that the files are about")
        parser.add_argument("--json", action="store_true", help="the gaps as JSON")

    def handle(self, *, profile: str, files: list[Path], area: str, **options: Any) -> None:
        get_profile(profile)
        if files:
            documents = [(file.name[:200], area[:200], _text(file)) for file in files]
            changed, unchanged = store_documents(profile=profile, documents=documents)
            self.stdout.write(f"{counted(changed, 'document')} stored, {unchanged} unchanged.")
            return
        report = gaps_report(profile)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
            return
        self.stdout.write(
            f"{counted(report.themes, 'theme')} were read with documents: {report.with_use} used at least one; "
            f"for {report.with_gap}, something was missing."
        )
        for gap in report.gaps:
            self.stdout.write(f"  {gap.count} x {gap.what} ({', '.join(gap.signatures[:3])})")
        if report.unused:
            self.stdout.write(f"Never used: {', '.join(report.unused)}")


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise CommandError(f"{file} is larger than {LARGEST_FILE:,} bytes; split it by topic.")
        return file.read_text(encoding="utf-8-sig").replace("\0", "")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as text: {error}") from error
