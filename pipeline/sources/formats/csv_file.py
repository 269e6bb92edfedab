"""CSV with columns for id and text: one row per conversation."""

import csv
import json
from collections import deque
from collections.abc import Iterator
from itertools import dropwhile
from typing import NamedTuple

from pipeline.sources.formats.base import Head, Options, Stream
from pipeline.sources.formats.conversations import Line, lines
from pipeline.sources.formats.json_objects import Rows, limit
from pipeline.sources.heads import as_utf8, head_of
from pipeline.sources.parts import DAMAGE, Part
from pipeline.sources.records import Reject, UnreadableSource, excerpt, read_record

COLUMNS = ("created_at", "customer", "url", "label", "classified_at")
"""Columns that mean the same as the fields of a JSON record; others are kept in the metadata."""


class Header(NamedTuple):
    """The first line of a table."""

    columns: list[str]
    id_column: str
    text_column: str

    def fields(self, cells: list[str]) -> dict[str, object]:
        """Return the row as a JSON record has it; empty cells say nothing."""
        row = {column: cell for column, cell in zip(self.columns, cells, strict=True) if cell}
        own = {"id": row.pop(self.id_column, None), "text": row.pop(self.text_column, None)}
        known = {column: row.pop(column) for column in COLUMNS if column in row}
        metadata = _object(row.pop("metadata", ""))
        return {**own, **known, "metadata": {**row, **metadata}}


class Table:
    """The rows of a CSV file, each with the number of its first line.

    A quote that is never closed would swallow the lines behind it. A row that breaks the rules therefore costs only
    its first line: the lines it took besides are given back and read again, each as a row of its own.
    """

    def __init__(self, lines: Iterator[Line], delimiter: str, limit: int) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), limit))
        self._lines = lines
        self._returned: deque[Line] = deque()
        self._taken: list[Line] = []
        self._limit = limit
        self._format = {"delimiter": delimiter, "strict": True}

    def __iter__(self) -> Iterator[tuple[Line, list[str] | csv.Error]]:
        cells: list[str] | csv.Error | None
        while (cells := self._next_row()) is not None:
            yield self._taken[0], cells
            self._taken.clear()

    def _next_row(self) -> list[str] | csv.Error | None:
        try:
            return next(csv.reader(self._feed(), **self._format), None)  # type: ignore[arg-type]
        except csv.Error as error:
            self._returned.extendleft(reversed(self._taken[1:]))
            return error

    def _feed(self) -> Iterator[str]:
        """Yield the lines of one row as the parser asks for them; csv.Error when the row grows too long."""
        size = 0
        while line := self._returned.popleft() if self._returned else next(self._lines, None):
            self._taken.append(line)
            size += len(line.raw)
            if size > self._limit or not line.is_whole:
                raise csv.Error(f"longer than {self._limit:,} bytes; is a quote left open?")
            yield line.raw.decode(errors="surrogateescape")


class CsvFile:
    name = "CSV"

    def sniff(self, head: Head) -> float:
        if any(_header(head.text, delimiter, Options()) for delimiter in ",;\t"):
            return 0.5
        first, second = [*head.text.lstrip().split("\n", 2), "", ""][:2]
        return 0.2 if any(0 < first.count(each) == second.count(each) for each in ",;\t") else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        for part in stream.parts:
            yield from self._part(part, options)

    def _part(self, part: Part, options: Options) -> Rows:
        head = head_of(part, options)
        found = {each: _header(head.text, each, options) for each in ",;\t"}
        delimiter, header = next(((each, header) for each, header in found.items() if header), (",", None))
        number = 1
        with part.open() as file:
            try:
                given: Iterator[Line] = lines(as_utf8(file, head.encoding), limit())
                given = dropwhile(lambda line: line.raw.isspace(), given)
                next(given)
                if header is None:
                    raise UnreadableSource(
                        f"{part.name} has no columns id and text; name them: --map id=COLUMN --map text=COLUMN"
                    )
                for row in _table_rows(Table(given, delimiter, limit()), header):
                    number = row.line
                    yield row
            except DAMAGE as error:
                yield Reject(
                    number + 1, f"the file is damaged after line {number}; the rest could not be read: {error}"
                )


def _header(text: str, delimiter: str, options: Options) -> Header | None:
    line = Line(1, text.lstrip().partition("\n")[0].encode(errors="replace"))
    header = Header(_cells(line, delimiter), options.mapping.get("id", "id"), options.mapping.get("text", "text"))
    return header if {header.id_column, header.text_column} <= set(header.columns) else None


def _cells(line: Line, delimiter: str) -> list[str]:
    """Return the cells of the first line; none if it cannot be one."""
    try:
        return next(csv.reader([line.raw.decode()], delimiter=delimiter, strict=True)) if line.is_whole else []
    except (csv.Error, UnicodeDecodeError):
        return []


def _table_rows(table: Table, header: Header) -> Rows:
    for line, cells in table:
        if isinstance(cells, csv.Error):
            yield Reject(line.number, f"broken CSV: {cells}", raw=excerpt(line.raw))
        elif len(cells) != len(header.columns) and any(cells):
            reason = f"broken CSV: {len(cells)} cells where the header has {len(header.columns)}"
            yield Reject(line.number, reason, raw=excerpt(line.raw))
        elif any(cells):
            yield read_record(_as_json(header.fields(cells)), line=line.number)


def _as_json(fields: dict[str, object]) -> bytes:
    """Return the fields as JSON; bytes that were not UTF-8 are themselves again, to be found out there."""
    return json.dumps(fields, ensure_ascii=False).encode(errors="surrogateescape")


def _object(cell: str) -> dict[str, object]:
    """Return the JSON object in a cell; other text, and an object that is not UTF-8, stays under the column's name."""
    try:
        value = json.loads(cell)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        value = cell
    return value if isinstance(value, dict) else {"metadata": cell} if cell else {}
