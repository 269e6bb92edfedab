"""`./manage.py restore FILE`: the whole database as it was when `backup` wrote the file."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from pipeline.models import Run
from pipeline.models.refusal import Refusal
from pipeline.runs.backup import restore


class Command(BaseCommand):
    help = "Replace the whole database with a backup, all or nothing. Stop workers and web servers first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a file that `backup` or pg_dump --format=custom wrote")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *, file: str, yes: bool, **options: Any) -> None:
        question = f"Replace everything that is in the database now with {file}? [y/N] "
        if not yes and input(question).strip().lower() not in ("y", "yes"):
            self.stdout.write("Nothing was changed.")
            return
        try:
            restore(Path(file))
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        call_command("migrate", verbosity=0, interactive=False)  # a backup may be older than this code
        newest = Run.objects.filter(state__in=Run.FINISHED).order_by("-pk").first()
        check = f" Check it with: ./manage.py verify_run {newest.pk}" if newest else ""
        self.stdout.write(f"Restored {file}.{check}")
