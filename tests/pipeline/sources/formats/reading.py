"""Files of a format, read as the importer reads them, without a database."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from pipeline.sources.file import FileSource
from pipeline.sources.formats import recognise
from pipeline.sources.formats.base import Options, Recognised
from pipeline.sources.parsing.heads import head_of
from pipeline.sources.parsing.parts import parts_of
from pipeline.sources.records import Record, Reject


def read(path: Path, options: Options | None = None) -> tuple[list[Record], list[Reject], Recognised]:
    """Return the records and rejects of a file, and what the file turned out to be."""
    source = FileSource(path, options=options)
    rows = list(source.records())
    records = [row for row in rows if isinstance(row, Record)]
    return records, [row for row in rows if isinstance(row, Reject)], source.summary


def recognised(path: Path) -> str:
    """Return the name of the format that a file is found to be in."""
    with ExitStack() as opened:
        form, _ = recognise(head_of(parts_of([path], opened)[0], Options()))
    return form.name if form else ""


def said(record: Record) -> list[tuple[str, str]]:
    """Return (author, text) of the messages."""
    return [(message["author"], message["text"]) for message in record.messages]


def by_id(records: list[Record]) -> Mapping[str, Record]:
    return {record.external_id: record for record in records}
