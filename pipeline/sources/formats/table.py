"""Tables as text: CSV and TSV in any dialect, any encoding, with or without a header, damaged or not."""

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from typing import Any, Final

from pipeline.sources.formats.base import Head, Options, Stream, limit
from pipeline.sources.parsing import encodings
from pipeline.sources.parsing.encodings import Encoding, UnknownEncoding
from pipeline.sources.parsing.parts import PIECE, Part
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.tables.reading import records_of_all
from pipeline.sources.tables.rows import Row, Table
from pipeline.sources.understanding import column_names

DELIMITERS: Final = (",", ";", "\t", "|")

_SEP: Final = re.compile(r"\s*\"?sep=(.)\"?\s*$", re.IGNORECASE)
MOST_LINES: Final = 1_000_000
"""Lines that a cell may have. A quote that is never closed takes so many in vain, so each time fewer (see _Feed)."""
FEWEST_LINES: Final = 200


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the rows of a file are written: what separates the cells, and how many lines of `sep=;` stand above."""

    delimiter: str
    skip: int = 0
    agreement: float = 0.0
    """The share of the first rows that have as many cells as most of them."""
    width: int = 1
    known: int = 0
    """Cells of the early rows that are known as names of columns."""
    spaced: bool = False
    """Whether a space follows each delimiter, as in `id, text`."""
    quote: str = '"'


class TableFormat:
    """Delimited text. It is what a text is that nothing else recognises, if its lines have cells or known names."""

    name = "a table (CSV)"

    def sniff(self, head: Head) -> float:
        """Return .5 for lines of as many cells each, or for known names of columns; .3 where less speaks for it."""
        text = head.text.lstrip("\ufeff \t\r\n")
        if not text or text[0] in "{[<" or text.count("\0") > max(3, len(text) // 100):
            return 0.0
        dialect = dialect_of(text)
        if dialect.skip or dialect.known >= 2 or (dialect.width > 1 and dialect.agreement >= 0.8):
            return 0.5
        return 0.3 if dialect.known or (dialect.width > 1 and dialect.agreement >= 0.5) else 0.0

    def records(self, stream: Stream, options: Options) -> Iterator[Record | Reject]:
        """Return the conversations of all files; UnreadableSource for one that cannot be read as a whole."""
        yield from records_of_all(self.tables(stream, options), options, stream)

    def tables(self, stream: Stream, options: Options) -> Iterator[Table]:
        """Return the tables of all files as they stand, whatever their columns mean."""
        for part in stream.parts:
            encoding = _encoding(part, options)
            if str(encoding) != "UTF-8":
                stream.summary.encoding = str(encoding)
            with _text_of(part, encoding) as text:
                dialect = dialect_of(text.read(128 * 1024))
            rows = partial(_rows, part, encoding, dialect, limit())
            yield Table(rows, part.name if len(stream.parts) > 1 else "", "line", dialect.delimiter, limit())


# --- The dialect --------------------------------------------------------------------------------------------------


def dialect_of(head: str) -> Dialect:
    """Return the dialect in which the beginning of a text has the most regular rows; known names decide most."""
    first, _, _ = head.partition("\n")
    if found := _SEP.match(first.rstrip("\r")):
        return Dialect(found[1], skip=1, agreement=1.0, width=2)
    # known names decide, for a column of prose has more commas than the file has semicolons
    quote = "'" if _SINGLE.match(first) else '"'
    candidates = [_measured(head, delimiter, quote) for delimiter in DELIMITERS]
    return max(candidates, key=lambda each: (each.known, each.agreement * min(each.width, 3), each.width))


_SINGLE: Final = re.compile(r"'[^'\"]{0,100}'(?:[,;\t|]'[^'\"]{0,100}'){1,200}\s*$")
"""A header each of whose names stands in single quotes."""


def _measured(head: str, delimiter: str, quote: str = '"') -> Dialect:
    # the last line of the head is most likely cut
    lines = list(_pieces_of_lines(head))[:-1] or [head]
    rows = [row for row in islice(_quick_rows(lines, delimiter, quote), 200) if any(row)]
    if not rows:
        return Dialect(delimiter)
    widths = Counter(len(row) for row in rows if len(row) > 1 or delimiter == ",")
    width, often = widths.most_common(1)[0] if widths else (1, 0)
    names = max(sum(column_names.compact(cell) in _KNOWN for cell in row if len(cell) <= 60) for row in rows[:30])
    spaced = all(cell.startswith(" ") for row in rows[:50] for cell in row[1:] if cell) and any(row[1:] for row in rows)
    return Dialect(delimiter, 0, often / len(rows), width, names, spaced, quote)


_KNOWN: Final = {name for names in column_names.NAMES.values() for name in names}


def _pieces_of_lines(text: str) -> Iterator[str]:
    yield from io.StringIO(text, newline="")


def _quick_rows(lines: Sequence[str], delimiter: str, quote: str) -> Iterator[list[str]]:
    csv.field_size_limit(max(csv.field_size_limit(), 1 << 20))
    reader = csv.reader(iter(lines), delimiter=delimiter, quotechar=quote)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            return
        if row is None:
            return
        yield row


# --- Text and lines -----------------------------------------------------------------------------------------------


def _encoding(part: Part, options: Options) -> Encoding:
    try:
        return encodings.choose(part.pieces, options.encoding)
    except UnknownEncoding as error:
        raise UnreadableSource(f"{part.name}: {error}") from error


def _text_of(part: Part, encoding: Encoding) -> io.TextIOWrapper:
    """Return the file as text behind its byte order mark, with its line ends as they are."""
    file = part.open()
    file.read(encoding.mark)
    errors = "surrogateescape" if encoding.damaged else "strict"
    return io.TextIOWrapper(file, encoding=encoding.codec, errors=errors, newline="")


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    is_whole: bool = True


def _lines(text: io.TextIOWrapper, limit: int) -> Iterator[_Line]:
    """Yield the lines with their ends, by LF, CR LF or CR; of one longer than `limit` only the beginning."""
    for number in count(1):
        line = text.readline(limit + 1)
        if not line:
            return
        is_whole = len(line) <= limit or line.endswith(("\n", "\r"))
        yield _Line(number, line if is_whole else line[:2000], is_whole)
        if not is_whole:
            while (piece := text.readline(PIECE)) and not piece.endswith(("\n", "\r")):
                pass


# --- Rows ---------------------------------------------------------------------------------------------------------


def _rows(part: Part, encoding: Encoding, dialect: Dialect, limit: int) -> Iterator[Row]:
    with _text_of(part, encoding) as text:
        yield from rows_of(_lines(text, limit), dialect, limit)


def rows_of(lines: Iterator[_Line], dialect: Dialect, limit: int) -> Iterator[Row]:
    """Yield the rows of a text, each with the number of its first line.

    A row is read by the rules of CSV first. One that breaks them, by a quote within a quoted cell or one that is never
    closed, is read by its line alone, as a spreadsheet shows it; the lines that it took besides are read again.
    """
    csv.field_size_limit(max(csv.field_size_limit(), limit))
    rules: dict[str, Any] = {
        "delimiter": dialect.delimiter,
        "strict": True,
        "skipinitialspace": dialect.spaced,
        "quotechar": dialect.quote,
    }
    feed = _Feed(lines, limit)
    for _ in range(dialect.skip):
        feed.drop()
    while True:
        feed.begin()
        try:
            cells = next(csv.reader(feed, **rules), None)
        except csv.Error:
            # the row as one line; whatever else the open quote took goes back and is read again
            first = feed.give_back()
            if not first.is_whole:
                yield Row(first.number, reason=f"the line is longer than {limit:,} characters", raw=_raw(first))
                continue
            cells = loose_cells(first.text, dialect.delimiter, spaced=dialect.spaced)
        if cells is None:
            return
        first = feed.first
        yield Row(first.number, cells, _damage(cells), _raw(first))


class _Feed:
    """Gives lines to the parser of one row after the other, and takes back those that it should not have taken."""

    def __init__(self, lines: Iterator[_Line], limit: int) -> None:
        self._lines = lines
        self._limit = limit
        self._returned: deque[_Line] = deque()
        self._taken: list[_Line] = []
        self._size = 0
        self._most_lines = MOST_LINES

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self._taken.append(line)
        self._size += len(line.text)
        if self._size > self._limit or not line.is_whole or len(self._taken) > self._most_lines:
            raise csv.Error("too long")
        return line.text

    @property
    def first(self) -> _Line:
        return self._taken[0]

    def begin(self) -> None:
        self._taken.clear()
        self._size = 0

    def give_back(self) -> _Line:
        """Return the first line of the row; the others will be given again.

        Where they were many, fewer are taken the next time, or a file of open quotes would be read over and over.
        """
        if len(self._taken) > FEWEST_LINES:
            self._most_lines = max(FEWEST_LINES, self._most_lines // 8)
        self._returned.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]
        return self._taken[0]

    def drop(self) -> None:
        next(self._lines, None)


def loose_cells(line: str, delimiter: str, *, spaced: bool = False) -> list[str]:
    """Return the cells of a line that breaks the rules of CSV.

    A cell that begins with a quote ends at one that stands before a delimiter or the end; any other quote is itself,
    and so is the first one where none ends the cell.
    """
    line = line.rstrip("\r\n")
    cells, place = [], 0
    while place <= len(line):
        place += spaced and line[place : place + 1] == " "
        end = _end_of_quoted(line, place, delimiter) if line[place : place + 1] == '"' else -1
        if end >= 0:
            cells.append(line[place + 1 : end].replace('""', '"'))
            place = end + 2
            continue
        end = line.find(delimiter, place)
        end = len(line) if end < 0 else end
        cell = line[place:end]
        cells.append(cell[1:] if cell.count('"') == 1 and cell.startswith('"') else cell)
        place = end + 1
    return cells


def _end_of_quoted(line: str, start: int, delimiter: str) -> int:
    """Return the place of the quote that ends the cell which begins at `start`; -1 if there is none."""
    for found in re.finditer(r'"+', line[start + 1 :]):
        end = start + 1 + found.end()
        if len(found[0]) % 2 and line[end : end + 1] in ("", delimiter):
            return end - 1
    return -1


_ESCAPED: Final = re.compile("[\udc80-\udcff]")


def _damage(cells: Sequence[str]) -> str:
    """Return the reason why a row cannot be used: bytes that are not UTF-8, or what cannot be stored."""
    for number, cell in enumerate(cells, start=1):
        if "\0" in cell:
            return "it contains a NUL character, which cannot be stored"
        if not cell.isascii() and _ESCAPED.search(cell):
            return f"invalid UTF-8 in cell {number}"
    return ""


def _raw(line: _Line) -> bytes:
    return line.text[:2000].encode(errors="surrogateescape")
