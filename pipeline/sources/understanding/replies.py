"""Messages that name the one they answer, brought together to threads, on disk: memory does not grow with them."""

from collections.abc import Generator

from pipeline.sources.understanding.scratch import Scratch

_FIND_ROOTS = """
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


class Replies(Scratch):
    """Who answers whom."""

    def __init__(self) -> None:
        super().__init__(
            "CREATE TABLE message (number INTEGER PRIMARY KEY, id TEXT, parent TEXT)",
            "INSERT INTO message (number, id, parent) VALUES (?, ?, ?)",
        )

    def add(self, number: int, message: str, parent: str) -> None:
        """Note a message by its number in the file, its id, and that of the one it answers, if it answers one."""
        self._keep(number, message, parent)

    def roots(self) -> Generator[tuple[int, str], None, None]:
        """Yield each number with the id of the message that its thread begins with, in the order of the numbers.

        A message whose parent is not in the file begins a thread: that of the missing parent, if several answer it. In
        a circle each message is a thread of its own.
        """
        self._write()
        self._database.executescript(_FIND_ROOTS)
        yield from self._ask(
            "SELECT number, coalesce(root, message.id) FROM message LEFT JOIN found USING (id) ORDER BY number"
        )
