"""Messages that lie scattered over a file, gathered to conversations on disk: memory does not grow with them."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipeline.sources.understanding.scratch import Scratch


def order_of(at: datetime | None) -> float:
    """Return the `order` of what was said at a time; 0 where none is known, so that it stays before what has one."""
    return at.timestamp() if at else 0.0


class Gathered(Scratch):
    """Keeps things by key, and gives them back together: keys in the order they came in, things by `order`."""

    def __init__(self) -> None:
        super().__init__(
            "CREATE TABLE kept (number INTEGER PRIMARY KEY, key TEXT, place REAL, thing TEXT)",
            "INSERT INTO kept (key, place, thing) VALUES (?, ?, ?)",
        )

    def add(self, key: str, thing: dict[str, Any], *, order: float = 0.0) -> None:
        """Keep a JSON object under a key."""
        self._keep(key.encode(errors="replace").decode(), order, json.dumps(thing))

    def groups(self, limit: int) -> Iterator[tuple[str, list[dict[str, Any]] | None]]:
        """Yield each key with its things; None instead of them where they are longer than `limit` characters."""
        self._index()
        for key, size in self._ask("SELECT key, sum(length(thing)) FROM kept GROUP BY key ORDER BY min(number)"):
            yield key, None if size > limit else list(self.in_order(key))

    def in_order(self, key: str) -> Iterator[dict[str, Any]]:
        """Yield the things of a key by `order`, those of one order as they came in."""
        self._index()
        for (thing,) in self._ask("SELECT thing FROM kept WHERE key = ? ORDER BY place, number", [key]):
            yield json.loads(thing)

    def _index(self) -> None:
        self._ask("CREATE INDEX IF NOT EXISTS by_key ON kept (key, place, number)")
