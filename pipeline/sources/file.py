"""Conversations in a file or on standard input: JSONL, a JSON array or CSV, each also gzipped.

What a file is, is read from its first bytes and not from its name. Memory does not grow with the file.
"""

import codecs
import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import NamedTuple

import ijson
from django.conf import settings

from pipeline.sources.records import Record, Reject, UnreadableSource, excerpt, read_record

STDIN = "-"
MAX_RECORD_BYTES = 10 * 1024 * 1024
"""A longer row is rejected, unless the setting of this name says otherwise."""

PIECE = 1 << 16
"""Bytes read at a time."""

Stream = io.BufferedReader | gzip.GzipFile
Rows = Iterator[Record | Reject]
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)


class FileSource:
    """A file, or standard input for `-`. In CSV, `text_column` and `id_column` say what is the text and the id."""

    kind = "file"
    is_live = False

    def __init__(
        self, path: str | Path, name: str | None = None, *, text_column: str = "text", id_column: str = "id"
    ) -> None:
        self.path = Path(path)
        self.is_stdin = str(path) == STDIN
        self.name = name or ("stdin" if self.is_stdin else _stem(self.path))
        self.text_column = text_column
        self.id_column = id_column
        self.limit: int = getattr(settings, "MAX_RECORD_BYTES", MAX_RECORD_BYTES)

    def __str__(self) -> str:
        return "standard input" if self.is_stdin else str(self.path)

    def records(self) -> Rows:
        """Return what the file holds, row by row. UnreadableSource if it is missing or of no known format."""
        with ExitStack() as opened:
            try:
                rows = self._rows(self._open(opened))
            except DAMAGE as error:
                raise UnreadableSource(f"{self} begins like gzip and cannot be unpacked: {error}") from error
            except OSError as error:
                raise UnreadableSource(f"{self} cannot be read: {error.strerror or error}") from error
            return _until_damage(rows, opened.pop_all())

    def _open(self, opened: ExitStack) -> Stream:
        # standard input may be somebody else's to close
        stream = sys.stdin.buffer if self.is_stdin else opened.enter_context(self.path.open("rb", buffering=PIECE))
        assert isinstance(stream, io.BufferedReader)
        if stream.peek(1)[:1] != b"\x1f":  # the first byte is enough: no text begins with it, and gzip checks the rest
            return stream
        return opened.enter_context(gzip.GzipFile(fileobj=stream))

    def _rows(self, stream: Stream) -> Rows:
        """Choose the reader by the first byte that is not blank."""
        skipped, first = _skip_blank(stream)
        if first == b"":
            return iter(())
        if first == b"[":
            return _array_rows(stream, self.limit)
        lines = _lines(stream, skipped + 1, self.limit)
        return _json_rows(lines, self.limit) if first == b"{" else self._csv_rows(lines)

    def _csv_rows(self, lines: "Iterator[Line]") -> Rows:
        first = next(lines)
        for delimiter in ",;\t":
            header = Header(_cells(first, delimiter), self.id_column, self.text_column)
            if {self.id_column, self.text_column} <= set(header.columns):
                return _table_rows(Table(lines, delimiter, self.limit), header)
        raise UnreadableSource(
            f"{self} is neither JSONL nor a JSON array nor CSV in UTF-8: its first line has no columns "
            f"{self.id_column!r} and {self.text_column!r} (--id-column and --text-column name others)"
        )


def _stem(path: Path) -> str:
    """Return the file's name without what says how it is written: `export` for `export.jsonl.gz`."""
    stem = path.name.removesuffix(".gz")
    return Path(stem).stem if Path(stem).suffix in (".jsonl", ".ndjson", ".json", ".csv", ".tsv") else stem


def _until_damage(rows: Rows, opened: ExitStack) -> Rows:
    """Pass the rows on and close the file; damage in a gzip file ends them with a reject that says so."""
    last = Reject(0, "")
    with opened:
        try:
            for row in rows:
                yield row
                last = Reject(row.line, "", unit=row.unit)
        except DAMAGE as error:
            reason = f"the gzip file is damaged after {last.unit} {last.line}; the rest could not be read: {error}"
            yield Reject(last.line + 1, reason, unit=last.unit)


# --- Bytes and lines ----------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A line with its end; one that is too long is not whole: only its beginning is kept."""

    number: int
    raw: bytes
    is_whole: bool = True


def _skip_blank(stream: Stream) -> tuple[int, bytes]:
    """Pass over a byte order mark and white space; return the lines passed and the next byte, which is not taken."""
    if stream.peek(3).startswith(codecs.BOM_UTF8):
        stream.read(3)
    skipped = 0
    while buffered := stream.peek(1):
        blank = buffered[: len(buffered) - len(buffered.lstrip())]
        stream.read(len(blank))
        skipped += blank.count(b"\n")
        if len(blank) < len(buffered):
            return skipped, buffered[len(blank) :][:1]
    return skipped, b""


def _lines(stream: Stream, first: int, limit: int) -> Iterator[Line]:
    """Yield the lines, numbered from `first`; of a longer one than `limit` bytes the rest is passed over."""
    for number in count(first):
        raw = stream.readline(limit + 1)
        if not raw:
            return
        is_whole = len(raw) <= limit or raw.endswith(b"\n")
        yield Line(number, raw, is_whole)
        if not is_whole:
            _skip_line(stream)


def _skip_line(stream: Stream) -> None:
    while (piece := stream.readline(PIECE)) and not piece.endswith(b"\n"):
        pass


def _too_long(number: int, raw: bytes, limit: int, unit: str = "line") -> Reject:
    return Reject(number, f"the {unit} is longer than {limit:,} bytes", raw=excerpt(raw), unit=unit)


def _json_rows(lines: Iterator[Line], limit: int) -> Rows:
    for number, raw, is_whole in lines:
        if not is_whole:
            yield _too_long(number, raw, limit)
        elif not raw.isspace():
            yield read_record(raw, line=number)


# --- A JSON array -------------------------------------------------------------------------------------------------

# The parser gives up the whole file at a byte that is not UTF-8, or is NUL, and it crashes the process at a whole
# number of more than 4,300 digits. Such places become code points that no text may hold (Unicode sets them apart for
# use inside a program), and the elements that hold one are rejected.
_NOT_UTF8, _NUL, _LONG_NUMBER = "\ufdd0", "\ufdd1", "\ufdd2"
_MARKS = {
    _NOT_UTF8: "invalid UTF-8",
    _NUL: "it holds a NUL byte, which cannot be stored",
    _LONG_NUMBER: "it holds a number of more than 2,000 digits",
}
_DIGITS = re.compile("[0-9]{2001,}")  # of 4,300 digits that two pieces share, one has more than 2,000
codecs.register_error("leitmotif.mark", lambda error: (_NOT_UTF8, error.end))  # type: ignore[attr-defined]


def _array_rows(stream: Stream, limit: int) -> Rows:
    """Yield the elements; a syntax error ends them, since nobody can say where the next one would begin."""
    number = 0
    try:
        for number, element in enumerate(ijson.items(ijson.from_iter(_marked(stream)), "item"), start=1):
            yield _element(element, number, limit)
    except (ijson.JSONError, ArithmeticError, ValueError) as error:  # the last two: numbers beyond all bounds
        what = str(error).removeprefix("b'").replace("\\n", "\n").partition("\n")[0]
        reason = f"broken JSON after element {number}; the rest of the array could not be read: {what}"
        yield Reject(number + 1, reason, unit="element")


def _marked(stream: Stream) -> Iterator[bytes]:
    pieces = iter(lambda: stream.read(PIECE), b"")
    for text in codecs.iterdecode(pieces, "utf-8", errors="leitmotif.mark"):
        yield _DIGITS.sub(_LONG_NUMBER, text.replace("\0", _NUL)).encode()


def _element(element: object, number: int, limit: int) -> Record | Reject:
    try:
        text = json.dumps(element, ensure_ascii=False, allow_nan=False, default=float)
    except (ValueError, RecursionError) as error:
        return Reject(number, f"it holds what cannot be stored: {error}", unit="element")
    raw = text.encode()
    if len(raw) > limit:
        return _too_long(number, raw, limit, "element")
    if reason := next((reason for mark, reason in _MARKS.items() if mark in text), ""):
        return Reject(number, reason, raw=excerpt(raw), unit="element")
    return read_record(raw, line=number, unit="element")


# --- CSV ----------------------------------------------------------------------------------------------------------

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
