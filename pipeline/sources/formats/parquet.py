"""Parquet, with DuckDB, which is installed for it alone: `pip install -r requirements-parquet.txt`."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from pipeline.sources.formats.base import Head, Options, Stream, limit
from pipeline.sources.parsing.parts import PIECE, Part
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.tables.reading import records_of
from pipeline.sources.tables.rows import Row, Table

MAGIC: Final = b"PAR1"
ROWS_AT_A_TIME: Final = 500
MEMORY: Final = "200MB"
"""What DuckDB may use; a row group that needs more is a sentence."""


class ParquetFormat:
    """A table in Parquet; a column of lists or objects (messages) is understood as JSON is."""

    name = "Parquet"

    def sniff(self, head: Head) -> float:
        """Return 1 for the signature of Parquet."""
        return 1.0 if head.raw.startswith(MAGIC) else 0.0

    def records(self, stream: Stream, options: Options) -> Iterator[Record | Reject]:
        """Return the conversations; UnreadableSource where DuckDB is missing, or cannot read the file."""
        duckdb = _duckdb(stream.parts[0])
        for part in stream.parts:
            with ExitStack() as opened:
                copy = opened.enter_context(tempfile.NamedTemporaryFile(prefix="leitmotif-"))
                with part.open() as file:
                    shutil.copyfileobj(file, copy, PIECE)
                copy.flush()
                try:
                    connection = opened.enter_context(_connected(duckdb))
                    kinds = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [copy.name]).description
                    if any(_is_nested(str(kind)) for _, kind, *_ in kinds):
                        yield from _as_json(connection, copy.name, part, stream, options)
                        continue
                    rows = partial(_rows, connection, copy.name, [name for name, *_ in kinds])
                    table = Table(rows, part.name if len(stream.parts) > 1 else "", "row", limit=limit())
                    yield from records_of(table, options, stream.summary)
                except duckdb.Error as error:
                    what = str(error).splitlines()[0]
                    raise UnreadableSource(f"{part.name} cannot be read as Parquet: {what}") from error


def _duckdb(part: Part) -> Any:
    try:
        import duckdb
    except ImportError as error:
        install = "pip install -r requirements-parquet.txt"
        raise UnreadableSource(f"{part.name} is a Parquet file. To read it, install DuckDB with {install}") from error
    return duckdb


def _connected(duckdb: Any) -> Any:
    return duckdb.connect(config={"memory_limit": MEMORY, "threads": 1, "autoinstall_known_extensions": False})


def _is_nested(kind: str) -> bool:
    return kind.startswith(("STRUCT", "MAP", "list", "struct", "map")) or kind.endswith("]")


def _rows(connection: Any, path: str, names: list[str]) -> Iterator[Row]:
    """Yield the names and then the rows, some at a time."""
    yield Row(1, names)
    number = 1
    cursor = connection.cursor()
    cursor.execute("SELECT * FROM read_parquet(?)", [path])
    while rows := cursor.fetchmany(ROWS_AT_A_TIME):
        for cells in rows:
            number += 1
            yield Row(number, cells)


def _as_json(connection: Any, path: str, part: Part, stream: Stream, options: Options) -> Iterator[Record | Reject]:
    """Write the rows down as JSON lines and read those, in whatever format they turn out to be."""
    from pipeline.sources.formats import recognise
    from pipeline.sources.parsing.heads import head_of

    with tempfile.NamedTemporaryFile("w", prefix="leitmotif-", encoding="utf-8") as lines:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM read_parquet(?)", [path])
        names = [name for name, *_ in cursor.description]
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            for cells in rows:
                print(json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False, default=str), file=lines)
        lines.flush()
        written = Part(part.name, lambda: open(lines.name, "rb"))  # noqa: SIM115 (Part.open's caller closes it)
        form, _ = recognise(head_of(written, options))
        if form is None:
            raise UnreadableSource(f"{part.name}: its list columns are not in a known conversation format")
        yield from form.records(Stream([written], stream.summary, stream.people, stream.companions), options)
