"""Messages that lie scattered over a file, gathered to conversations on disk: memory does not grow with them."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

BATCH = 2000
_OF_KEY = "SELECT thing FROM kept WHERE key = ?"
CACHE_KIB = 16 * 1024


class Gathered:
    """Keeps things by key, and gives them back together: keys in the order they came in, things by `order`.

    Used as a context: what it wrote to the disk is gone behind it.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="leitmotif-")
        self._database = sqlite3.connect(f"{self._folder.name}/gathered", isolation_level=None)
        self._database.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{CACHE_KIB}; PRAGMA temp_store=FILE;"
            "CREATE TABLE kept (number INTEGER PRIMARY KEY, key TEXT, place REAL, thing TEXT); BEGIN"
        )
        self._waiting: list[tuple[str, float, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, key: str, thing: dict[str, Any], *, order: float = 0.0) -> None:
        """Keep a JSON object under a key."""
        self._waiting.append((key.encode(errors="replace").decode(), order, json.dumps(thing)))
        if len(self._waiting) >= BATCH:
            self._write()

    def groups(self, limit: int) -> Iterator[tuple[str, list[dict[str, Any]] | None]]:
        """Yield each key with its things; None instead of them where they are longer than `limit` characters."""
        self._complete()
        keys = self._database.execute("SELECT key, sum(length(thing)) FROM kept GROUP BY key ORDER BY min(number)")
        for key, size in keys:
            if size > limit:
                yield key, None
                continue
            yield key, list(self.in_order(key))

    def in_order(self, key: str) -> Iterator[dict[str, Any]]:
        """Yield the things of a key by `order`, those of one order as they came in."""
        self._complete()
        for (thing,) in self._database.execute(f"{_OF_KEY} ORDER BY place, number", [key]):
            yield json.loads(thing)

    def _complete(self) -> None:
        self._write()
        self._database.execute("CREATE INDEX IF NOT EXISTS by_key ON kept (key, place, number)")

    def _write(self) -> None:
        self._database.executemany("INSERT INTO kept (key, place, thing) VALUES (?, ?, ?)", self._waiting)
        self._waiting.clear()
