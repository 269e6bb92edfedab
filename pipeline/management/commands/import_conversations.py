"""Import conversations from files."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console

from pipeline.management.command import PipelineCommand
from pipeline.management.importing import add_import_options, options_of, print_dry_run, print_imported, say
from pipeline.management.printing import SOME_REJECTED
from pipeline.sources.ingest import Import, import_files


class Command(PipelineCommand):
    help = (
        "Import conversations from files, a folder, a pattern, a zip or standard input. Any known format is "
        "recognised, gzipped or not. Importing again updates only what changed. Exit code 3 means that rows were "
        "rejected or that there were none, 1 that nothing was imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", metavar="FILE", nargs="+", help="a file, a folder, a zip, or - for standard input")
        parser.add_argument("--name", help="name of the source (default: the name of the file or folder, or stdin)")
        parser.add_argument("--dry-run", action="store_true", help="show how the files are understood; store nothing")
        parser.add_argument(
            "--yes", action="store_true", help="replace different texts stored under the same ids without asking"
        )
        add_import_options(parser)

    def handle(self, **options: Any) -> None:
        console = Console(markup=False, emoji=False)
        asked = Import(tuple(options["files"]), options["name"], options_of(options), options["yes"])
        if options["dry_run"]:
            if print_dry_run(asked, console):
                raise SystemExit(SOME_REJECTED)
            return
        imported = import_files(asked)
        if not imported.counts.rows:
            say(console, f"{', '.join(asked.paths)} is empty; there is nothing to import.")
            raise SystemExit(SOME_REJECTED)
        print_imported(imported, ", ".join(asked.paths), console)
        if imported.source is None:
            say(console, "No row could be imported, so no source was created.")
        if imported.counts.rejected:
            raise CommandError(f"Rejected rows and why: {imported.counts.rejects_path}", returncode=SOME_REJECTED)
