"""`./manage.py figures books:NAME [3:7]`: the figures of speech that were found, by chapter and verse."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from pipeline.management.command import PipelineCommand
from pipeline.models import Source
from pipeline.reports.chapters import instances, read_place


class Command(PipelineCommand):
    help = "List the figures of speech found in the latest reading of a book, by chapter and verse."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="kind:name, such as books:ezekiel")
        parser.add_argument("place", nargs="?", help="3, 3:7 or 3:7-12 (default: all chapters)")
        parser.add_argument("--profile", default="figurative")
        parser.add_argument("--kind", default="", help="only this kind: metaphor, simile, personification, idiom ...")
        parser.add_argument("--json", action="store_true", help="one JSON object per line, with all columns")

    def handle(self, *, source: str, place: str | None, profile: str, kind: str, **options: Any) -> None:
        found = Source.objects.filter(kind=source.partition(":")[0], name=source.partition(":")[2]).first()
        if found is None:
            raise CommandError(f"there is no source {source!r}.")
        where = read_place(place) if place else None
        rows = list(instances(found, where, profile=profile, kind=kind))
        for row in rows:
            if options["json"]:
                self.stdout.write(json.dumps(asdict(row), ensure_ascii=False))
            else:
                self.stdout.write(f"{row.place}  {', '.join(row.kinds)}: {row.quote}\n    {row.explanation}")
        if not rows and not options["json"]:
            self.stdout.write("No figures of speech were found there.")
