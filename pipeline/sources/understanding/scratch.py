"""Rows that wait on disk while a file is read, so that memory does not grow with the file."""

import sqlite3
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

BATCH = 5000
"""Rows that are written together."""

CACHE_KIB = 16 * 1024


class Scratch:
    """A temporary SQLite database with one table to add rows to. Used as a context: behind it, the disk is free again.

    Nothing in it has to survive a crash, so it keeps no journal and waits for no disk.
    """

    def __init__(self, table: str, insert: str) -> None:
        """`table` is the SQL that makes the table, `insert` the statement that takes one row."""
        self._folder = tempfile.TemporaryDirectory(prefix="leitmotif-")
        # what begins in one thread may go on in another, one after the other: see `ingest._read_ahead`
        self._database = sqlite3.connect(f"{self._folder.name}/scratch", isolation_level=None, check_same_thread=False)
        self._database.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{CACHE_KIB}; PRAGMA temp_store=FILE;"
            f"{table}; BEGIN"
        )
        self._insert = insert
        self._waiting: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def _keep(self, *row: Any) -> None:
        """Add a row, sooner or later."""
        self._waiting.append(row)
        if len(self._waiting) >= BATCH:
            self._write()

    def _ask(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Return what a query finds among all rows that were added."""
        self._write()
        return self._database.execute(query, values)

    def _write(self) -> None:
        if self._waiting:
            self._database.executemany(self._insert, self._waiting)
            self._waiting.clear()
