"""`./manage.py export WHAT`: stories, orphans, themes, the merge map or conversations, as a file."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser

from pipeline.management.command import PipelineCommand, WrongUsage, moment, positive
from pipeline.models import Source
from pipeline.reports.exports import FORMS, KINDS, Chosen, exported, form_of, written


class Command(PipelineCommand):
    help = (
        "Export stories, orphans, themes, the merge map or conversations: as CSV, XLSX, JSON, JSON lines or Markdown."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=KINDS, metavar="WHAT", help=", ".join(KINDS))
        parser.add_argument(
            "--format", choices=FORMS, metavar="FORMAT",
            help=f"{', '.join(FORMS)} (default: from the ending of the output file, otherwise csv)",
        )  # fmt: skip
        parser.add_argument("--output", default="-", metavar="FILE", help="file to write; - (the default) is stdout")
        parser.add_argument("--run", type=positive, metavar="RUN", help="only from this run")
        parser.add_argument("--source", metavar="KIND:NAME", help="only from this source")
        parser.add_argument("--story", type=positive, metavar="STORY", help="only what is in this story")
        parser.add_argument("--profile", default="", help="only from this profile")
        parser.add_argument(
            "--status",
            default="",
            help="for stories: open (default), all, or one status; for orphans: waiting, dismissed or all",
        )
        parser.add_argument("--category", default="", help="only this category")
        parser.add_argument("--customer", default="", help="only this customer")
        parser.add_argument(
            "--since", type=moment, metavar="DATE", help="only conversations that started then or later"
        )
        parser.add_argument("--until", type=moment, metavar="DATE", help="only conversations that started before")
        parser.add_argument(
            "--private", action="store_true", help="keep names and private data; by default they are redacted"
        )

    def handle(
        self, *, what: str, format: str | None, output: str, run: int | None, source: str | None, private: bool,
        **options: Any,
    ) -> None:  # fmt: skip
        form = format or _ending(output)
        form_of(form)
        if form == "xlsx" and output == "-" and sys.stdout.isatty():
            raise WrongUsage("a workbook cannot be written to standard output; give a file with --output FILE.")
        names = ("story", "profile", "status", "category", "customer", "since", "until")
        asked = Chosen(run=run, source=_source(source), private=private, **{name: options[name] for name in names})
        rows = exported(what, asked)
        with _opened(output) as file:
            for piece in written(rows, form):
                file.write(piece)
        if output != "-":
            self.stderr.write(f"Wrote {output}.")


def _ending(output: str) -> str:
    ending = Path(output).suffix.removeprefix(".").lower()
    return ending if ending in FORMS else "csv"


def _source(name: str | None) -> int | None:
    if name is None:
        return None
    kind, _, rest = name.partition(":")
    found = Source.objects.filter(kind=kind, name=rest).values_list("pk", flat=True).first()
    if found is None:
        known = ", ".join(map(str, Source.objects.all()[:10])) or "none"
        raise CommandError(f"There is no source {name!r}. Sources: {known}.")
    return found


@contextmanager
def _opened(output: str) -> Iterator[IO[bytes]]:
    """Open what is written to. A file appears whole or not at all: one that broke off would look like the whole."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent or ".", prefix=f".{path.name}.")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
