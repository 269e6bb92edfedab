"""Conversations from any PostgreSQL, or a warehouse that speaks its protocol: read only, by one query of yours.

For the source `sql:tickets` the environment says `SQL_TICKETS_URL` and `SQL_TICKETS_QUERY`. The columns are understood
as those of any table (`id`, `text`, `customer`, `created_at` ...). With a column `updated_at`, only what changed since
the last import is read, with some overlap. What is stored says since when, so an import that breaks off misses nothing.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

import psycopg
from django.db.models import Max
from django.db.models.fields.json import KT
from psycopg import sql

from pipeline.models import Conversation
from pipeline.sources.formats.base import Options, Recognised, limit
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.tables.reading import records_of
from pipeline.sources.tables.rows import Row, Table
from pipeline.sources.understanding import column_names

ROWS_AT_A_TIME: Final = 2000
OVERLAP: Final = timedelta(minutes=10)
"""What was written while the last import read may carry an earlier time; read twice, it changes nothing."""


class SqlSource:
    """A query on a database; `name` says which environment variables hold it."""

    kind = "sql"
    is_live = True

    def __init__(self, name: str, **_: Any) -> None:
        self.name = name
        self.summary = Recognised(format="rows of a database")
        self._prefix = f"SQL_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}"

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def records(self) -> Iterator[Record | Reject]:
        """Return the conversations that are new or changed. UnreadableSource, at once, if the query cannot be run."""
        url, query = self._setting("URL"), self._setting("QUERY").strip().rstrip(";")
        rows = self._rows(url, query)
        first = next(rows, None)  # so that what is wrong is said before anything is written
        return iter(()) if first is None else _chained(first, rows)

    def _setting(self, name: str) -> str:
        value = os.environ.get(f"{self._prefix}_{name}", "")
        if not value:
            raise UnreadableSource(f"{self} needs {self._prefix}_URL and {self._prefix}_QUERY in the environment")
        return value

    def _rows(self, url: str, query: str) -> Iterator[Record | Reject]:
        try:
            with _connected(url) as connection:
                names = _names(connection, query)
                statement = self._statement(query, names)
                table = Table(partial(_fetched, connection, statement, names), unit="row", limit=limit())
                yield from records_of(table, Options(), self.summary)
        except psycopg.Error as error:
            what = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UnreadableSource(f"{self} cannot be read: {what.replace(url, '...')}") from error

    def _statement(self, query: str, names: list[str]) -> sql.Composed:
        """Return the query, narrowed to what changed. Of a row a message, whole conversations are read again."""
        inner = sql.SQL("SELECT * FROM ({}) AS given").format(sql.SQL(query))
        changed = next((name for name in names if column_names.compact(name) == "updatedat"), "")
        since = self._since(changed) if changed else None
        if since is None:
            return sql.Composed([inner])
        key = next((name for name in names if column_names.compact(name) in column_names.NAMES["conversation"]), "")
        condition = sql.SQL("{} >= {}").format(sql.Identifier(changed), sql.Literal(since))
        if not key:
            return sql.SQL("{} WHERE {}").format(inner, condition)
        return sql.SQL("{} WHERE {key} IN (SELECT {key} FROM ({}) AS again WHERE {})").format(
            inner, sql.SQL(query), condition, key=sql.Identifier(key)
        )  # fmt: skip

    def _since(self, column: str) -> datetime | None:
        """Return from when on rows may have changed; None if nothing is stored yet."""
        stored = Conversation.objects.filter(source__kind=self.kind, source__name=self.name)
        newest = stored.aggregate(newest=Max(KT(f"metadata__{column}")))["newest"]
        try:
            at = datetime.fromisoformat(newest or "")
        except ValueError:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)) - OVERLAP


def _chained(first: Record | Reject, rows: Iterator[Record | Reject]) -> Iterator[Record | Reject]:
    yield first
    yield from rows


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Connect, and see one state of the data from beginning to end; what would write is refused by the server."""
    with psycopg.connect(
        url, options="-c default_transaction_read_only=on -c timezone=UTC", connect_timeout=10
    ) as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


def _names(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> list[str]:
    """Return the names of the query's columns."""
    statement = sql.SQL("SELECT * FROM ({}) AS given LIMIT 0").format(sql.SQL(query))
    return [column.name for column in connection.execute(statement).description or ()]


def _fetched(
    connection: psycopg.Connection[tuple[Any, ...]], statement: sql.Composed, names: list[str]
) -> Iterator[Row]:
    """Yield the names and then the rows; the server keeps them and sends some at a time."""
    yield Row(1, names)
    numbers = count(2)
    with connection.cursor(name=f"leitmotif_{next(_CURSORS)}") as cursor:
        cursor.itersize = ROWS_AT_A_TIME
        cursor.execute(statement)
        for cells in cursor:
            yield Row(next(numbers), cells)


_CURSORS = count()
