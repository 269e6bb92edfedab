"""Messages that name the one they answer, brought together to threads, on disk: memory does not grow with them."""

import sqlite3
import tempfile
from collections.abc import Generator
from types import TracebackType
from typing import Self

BATCH = 5000


class Replies:
    """Who answers whom. Used as a context: what it wrote to the disk is gone behind it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="leitmotif-")
        self._database = sqlite3.connect(f"{self._folder.name}/replies", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384; PRAGMA temp_store=FILE;"
            "CREATE TABLE message (number INTEGER PRIMARY KEY, id TEXT, parent TEXT); BEGIN"
        )
        self._waiting: list[tuple[int, str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, number: int, message: str, parent: str) -> None:
        """Note a message by its number in the file, its id, and that of the one it answers, if it answers one."""
        self._waiting.append((number, message, parent))
        if len(self._waiting) >= BATCH:
            self._write()

    def roots(self) -> Generator[tuple[int, str], None, None]:
        """Yield each number with the id of the message that its thread begins with, in the order of the numbers.

        A message whose parent is not in the file begins a thread: that of the missing parent, if several answer it. In
        a circle each message is a thread of its own.
        """
        self._write()
        self._database.executescript(
            """
            CREATE INDEX by_id ON message (id);
            CREATE INDEX by_parent ON message (parent);
            CREATE TABLE found (id TEXT PRIMARY KEY, root TEXT) WITHOUT ROWID;
            WITH RECURSIVE tree (id, root) AS (
                SELECT id, CASE parent WHEN '' THEN id ELSE parent END FROM message
                WHERE parent = '' OR parent NOT IN (SELECT id FROM message)
                UNION
                SELECT message.id, tree.root FROM tree JOIN message ON message.parent = tree.id
            )
            INSERT OR IGNORE INTO found SELECT id, root FROM tree;
            """
        )
        yield from self._database.execute(
            "SELECT number, coalesce(root, message.id) FROM message LEFT JOIN found USING (id) ORDER BY number"
        )

    def _write(self) -> None:
        self._database.executemany("INSERT INTO message (number, id, parent) VALUES (?, ?, ?)", self._waiting)
        self._waiting.clear()
