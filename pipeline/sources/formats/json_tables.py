"""Tables written as JSON: names of columns and a list of rows, a list of lists, or a list for each column.

Metabase, Superset, BigQuery, pandas (`orient="split"`, `orient="columns"`) and spreadsheets' APIs give such. They are
read as any table is. A parser of JSON holds the whole file, so it may not be long.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic_core import from_json

from pipeline.sources.formats.base import Head, Options, Stream, limit
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.parsing.heads import head_of, utf8_pieces
from pipeline.sources.parsing.parts import DAMAGE, Part
from pipeline.sources.records import UnreadableSource
from pipeline.sources.tables.reading import records_of_all
from pipeline.sources.tables.rows import Row, Table

MAX_BYTES = 24 << 20
"""Of a file; read as objects of Python it takes five times as much memory."""

_COLUMNS = ("columns", "cols", "fields", "header", "headers", "column_names", "schema")
_ROWS = ("rows", "data", "values", "records", "result")


class JsonTable:
    name = "a table (JSON)"

    def sniff(self, head: Head) -> float:
        found = head.envelope
        if not found and head.text.lstrip().startswith("[["):
            return 0.5
        if _columns_of(found) and _rows_of(found):
            return 0.8
        return 0.6 if _are_columns(found) else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        yield from records_of_all(self.tables(stream, options), options, stream)

    def tables(self, stream: Stream, options: Options) -> Iterator[Table]:
        """Yield the table of each file; UnreadableSource if one is too long or broken."""
        for part in stream.parts:
            rows = _read(part, options)
            name = part.name if len(stream.parts) > 1 else ""
            yield Table(partial(_numbered, rows), name, "row", "\t", limit())


def _numbered(rows: Sequence[Sequence[object]]) -> Iterator[Row]:
    for number, cells in enumerate(rows, start=1):
        yield Row(number, cells)


def _read(part: Part, options: Options) -> list[list[object]]:
    try:
        with part.open() as file:
            content = b"".join(_bounded(utf8_pieces(file, head_of(part, options).encoding), part.name))
        found: Any = from_json(content)
    except DAMAGE as error:
        raise UnreadableSource(f"{part.name} is damaged: {error}") from error
    except ValueError as error:
        raise UnreadableSource(f"{part.name} is not complete JSON: {error}") from error
    if isinstance(found, list):
        return [row for row in found if isinstance(row, list)]
    if not isinstance(found, Mapping):
        raise UnreadableSource(f"{part.name} holds no table")
    if (names := _columns_of(found)) and (rows := _rows_of(found)):
        return [list(names), *(row for row in rows if isinstance(row, list))]
    columns = [list(each.values()) if isinstance(each, Mapping) else each for each in found.values()]
    if not all(isinstance(each, list) for each in columns):
        raise UnreadableSource(f"{part.name} holds no table")
    return [list(found), *map(list, zip(*columns, strict=False))]


def _bounded(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        if (size := size + len(piece)) > MAX_BYTES:
            raise UnreadableSource(
                f"{name} is a table in JSON of more than {MAX_BYTES >> 20} MB; export it as CSV, or as one object a row"
            )
        yield piece


def _columns_of(found: Mapping[str, Any]) -> list[str]:
    """Return the names of the columns: words, or objects with a name; none if there are none."""
    for key in _COLUMNS:
        given = found.get(key)
        if isinstance(given, list) and len(given) > 1:
            found_names = [
                each.get("name") or each.get("label") if isinstance(each, Mapping) else each for each in given
            ]
            names = [name for name in found_names if isinstance(name, str)]
            if len(names) == len(given):
                return names
    return []


def _rows_of(found: Mapping[str, Any]) -> list[Any]:
    given = (found.get(key) for key in _ROWS)
    return next((each for each in given if isinstance(each, list) and each and isinstance(each[0], list)), [])


def _are_columns(found: Mapping[str, Any]) -> bool:
    """Return whether an object has a list for each column, of plain values and all of one length."""
    if len(found) < 2:
        return False
    columns = [list(each.values()) if isinstance(each, Mapping) else each for each in found.values()]
    if not all(isinstance(each, list) and len(each) > 1 for each in columns):
        return False
    keyed = [tuple(each) for each in found.values() if isinstance(each, Mapping)]
    is_plain = all(isinstance(value, str | int | float | None) for each in columns for value in each[:20])
    # pandas keys each column by the same numbers
    alike = all(key.isdecimal() for each in keyed for key in each) and len(set(map(len, columns))) == 1
    return is_plain and alike
