"""`./manage.py delete_source KIND:NAME`: remove an import made by mistake, with all that hangs on it."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from pipeline.management.command import PipelineCommand
from pipeline.models import Source
from pipeline.runs.delete_source import delete_source, what_hangs_on


class Command(PipelineCommand):
    help = "Remove a source with its conversations, runs and themes, after showing how much would be removed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="kind:name, for example file:export")
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def handle(self, *, source: str, yes: bool, **options: Any) -> None:
        kind, _, name = source.partition(":")
        found = Source.objects.filter(kind=kind, name=name).first()
        if found is None:
            known = ", ".join(map(str, Source.objects.all()[:10])) or "none"
            raise CommandError(f"There is no source {source!r}. Sources: {known}.")
        self.stdout.write(f"{found}: {what_hangs_on(found)}.")
        if not yes:
            try:
                answer = input("Remove all of it? This cannot be undone. [y/N] ")
            except EOFError:
                raise CommandError("Nothing was removed. Add --yes to remove it without a confirmation.") from None
            if answer.strip().casefold() not in ("y", "yes"):
                self.stdout.write("Nothing was removed.")
                return
        gone = delete_source(source=found)
        self.stdout.write(f"Removed {found}: {gone}.")
