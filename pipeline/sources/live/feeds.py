"""Conversations from anything that gives dicts: a generator of yours, a dlt resource, a client of some API.

`FEEDS` says by dotted path what is called for `feed:tickets` (in the environment: `FEEDS=tickets=my.package.tickets`).
What it gives is written down as JSON lines and read as such a file is, so fields are understood alike.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from pipeline.sources.file import FileSource
from pipeline.sources.formats.base import Recognised
from pipeline.sources.records import Record, Reject, UnreadableSource


class FeedSource:
    """What a function gives when it is called without arguments: an iterable of dicts."""

    kind = "feed"
    is_live = True

    def __init__(self, name: str, **_: Any) -> None:
        self.name = name
        self.summary = Recognised()

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def records(self) -> Iterator[Record | Reject]:
        """Return the conversations. UnreadableSource, at once, if there is no such feed, or it fails."""
        path = settings.FEEDS.get(self.name, "")
        if not path:
            known = ", ".join(sorted(settings.FEEDS)) or "none"
            raise UnreadableSource(f"there is no feed {self.name!r} in FEEDS. Feeds: {known}")
        with ExitStack() as opened:
            file = opened.enter_context(tempfile.NamedTemporaryFile("w", prefix="leitmotif-", encoding="utf-8"))
            try:
                for found in import_string(path)():
                    print(json.dumps(found, ensure_ascii=False, default=str), file=file)
            except Exception as error:  # whatever it is made of
                raise UnreadableSource(f"{self}: {path} failed: {type(error).__name__}: {error}") from error
            file.flush()
            lines = FileSource(file.name, self.name)
            records = lines.records()
            self.summary = lines.summary
            return _closing(records, opened.pop_all())


def _closing(records: Iterator[Record | Reject], opened: ExitStack) -> Iterator[Record | Reject]:
    with opened:
        yield from records
