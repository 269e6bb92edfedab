"""Files for tests of sources, read as an import reads them, without storing anything."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.sources.formats.base import Format, Options, Recognised, Stream
from pipeline.sources.parsing.parts import parts_of
from pipeline.sources.records import Record, Reject
from pipeline.sources.understanding.column_names import parse_mapping
from pipeline.sources.understanding.speakers import settled


@dataclass(frozen=True, slots=True)
class Found:
    """What one reading of files gave."""

    records: list[Record]
    rejects: list[Reject]
    summary: Recognised

    @property
    def said(self) -> str:
        """All that a person is told, in one line."""
        return " ".join([str(self.summary), *self.summary.notes])

    def texts(self) -> dict[str, list[str]]:
        """The texts of each conversation by its id."""
        return {record.external_id: [message["text"] for message in record.messages] for record in self.records}

    def roles(self) -> dict[str, list[str]]:
        """The roles of the messages of each conversation by its id."""
        return {record.external_id: [message["role"] for message in record.messages] for record in self.records}


def read_file(form: Format, path: Path | Sequence[Path], maps: Sequence[str] = (), **options: Any) -> Found:
    """Return what a format reads in files."""
    paths = [path] if isinstance(path, Path) else list(path)
    with ExitStack() as opened:
        stream = Stream(parts_of(paths, opened))
        rows = list(settled(form.records(stream, Options(mapping=parse_mapping(maps), **options)), stream.summary))
    records = [row for row in rows if isinstance(row, Record)]
    return Found(records, [row for row in rows if isinstance(row, Reject)], stream.summary)
