"""`./manage.py backup FILE`: the whole database as one file."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.template.defaultfilters import filesizeformat

from pipeline.management.command import PipelineCommand
from pipeline.runs.backup import back_up


class Command(PipelineCommand):
    help = "Write the whole database to a file, while work continues. `restore` brings it back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="file to write; an older backup is replaced")

    def handle(self, *, file: str, **options: Any) -> None:
        size = filesizeformat(back_up(Path(file))).replace("\xa0", " ")
        self.stdout.write(f"Wrote {file} ({size}). Bring it back with: ./manage.py restore {file}")
        self.stdout.write("SECRET_KEY and uploaded files are not in it.")
