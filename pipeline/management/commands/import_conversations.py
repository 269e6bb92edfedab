"""Import conversations from a file."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from pipeline.management.command import PipelineCommand
from pipeline.management.printing import SOME_REJECTED
from pipeline.sources.ingest import import_file
from pipeline.sources.own_words.repeated import told_apart
from pipeline.sources.records import UnreadableSource


class Command(PipelineCommand):
    help = (
        "Imports conversations from a file of JSONL, a JSON array or CSV, each also gzipped, or from standard input. "
        "Importing again changes only what changed. Exit code 3 says that rows were rejected, 1 that nothing was done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the file, or - for standard input")
        parser.add_argument("--name", help="name of the source; without it the file's, or stdin")
        parser.add_argument("--text-column", default="text", help="CSV: the column with the text (%(default)s)")
        parser.add_argument("--id-column", default="id", help="CSV: the column with the id (%(default)s)")

    def handle(self, **options: Any) -> None:
        try:
            _, counts = import_file(
                options["file"], options["name"], text_column=options["text_column"], id_column=options["id_column"]
            )
        except UnreadableSource as error:
            raise CommandError(f"{error}") from error
        self.stdout.write(f"{counts}")
        if counts.repeated:
            self.stdout.write(told_apart(counts.repeated))
        if counts.rejected:
            self.stdout.flush()  # the counts first, then where the rejected rows are
            raise CommandError(f"Rejected rows and why: {counts.rejects_path}", returncode=SOME_REJECTED)
