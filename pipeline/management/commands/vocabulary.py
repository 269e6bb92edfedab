"""`./manage.py vocabulary PROFILE [FILE]`: give a profile the names it is to know, or show them."""

import csv
import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from pipeline.extract.knowledge import newest_number, store_vocabulary, with_vocabulary
from pipeline.extract.profiles import get_profile
from pipeline.management.command import PipelineCommand
from pipeline.models.wording import counted

LARGEST_FILE = 10 * 1024 * 1024


class Command(PipelineCommand):
    help = (
        "Store a list of known names for a profile as a new version. Without a file, show the newest version. The "
        "file is JSON ({entries: [{key, description, examples, area}], distinctions: [{terms, how}], areas: "
        "{pattern: area}}), CSV with the columns key, description, examples, area, or plain text with one name "
        "per line."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("profile")
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument(
            "--strict",
            action="store_true",
            help="allow only these names; a theme that fits none of them is reported as such",
        )

    def handle(self, *, profile: str, file: Path | None, strict: bool, **options: Any) -> None:
        get_profile(profile)
        if file is None:
            self._show(profile)
            return
        stored = store_vocabulary(profile=profile, content=_content(file), is_strict=strict)
        count = counted(len(stored.content.get("entries", [])), "name")
        kind = "strict: only these names" if strict else "open: new names may be added"
        self.stdout.write(f"Version {stored.number} of the vocabulary of {profile}: {count} ({kind}). New runs use it.")

    def _show(self, profile: str) -> None:
        number = newest_number(profile)
        vocabulary = with_vocabulary(get_profile(profile), number).vocabulary
        kind = "strict" if vocabulary.is_strict else "open"
        self.stdout.write(f"Version {number} of the vocabulary of {profile}, {kind}:")
        for entry in vocabulary.entries:
            area = f" ({entry.area})" if entry.area else ""
            means = f": {entry.description}" if entry.description else ""
            self.stdout.write(f"  {entry.key}{area}{means}")
        for each in vocabulary.distinctions:
            self.stdout.write(f"  {' / '.join(each.terms)}: {each.how}")
        for hint in vocabulary.area_hints:
            self.stdout.write(f"  {hint.pattern} -> {hint.area}")


def _content(file: Path) -> dict[str, Any]:
    """Return what a file says; CommandError if it cannot be read."""
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise CommandError(
                f"{file} is larger than {LARGEST_FILE:,} bytes; a vocabulary should have a few hundred names."
            )
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as text: {error}") from error
    if text.lstrip().startswith(("{", "[")):
        return _from_json(text, file)
    rows = [row for row in csv.reader(text.splitlines()) if row and row[0].strip()]
    head = [name.strip().lower() for name in rows[0]] if rows else []
    if "key" in head:
        rows, columns = rows[1:], head
    else:
        columns = ["key", "description", "area"]
    return {"entries": [_entry(dict(zip(columns, row, strict=False))) for row in rows]}


def _entry(row: dict[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {name: row.get(name, "").strip() for name in ("key", "description", "area")}
    entry["examples"] = [each.strip() for each in row.get("examples", "").split("|") if each.strip()]
    return entry


def _from_json(text: str, file: Path) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{file} is not JSON: {error}") from error
    if isinstance(found, list):
        found = {"entries": [{"key": each} if isinstance(each, str) else each for each in found]}
    if not isinstance(found, dict):
        raise CommandError(f"{file} contains neither a list of names nor an object with `entries`.")
    return found
