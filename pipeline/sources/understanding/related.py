"""Exports of several files that belong together: tickets in one, their comments in another, people in a third.

A file of messages names for each the conversation it belongs to. Where another file holds that conversation (under the
same id, with a subject, a customer, its first text or none), the two become one. Rows wait on disk for that, since
either may come first.
"""

import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Person, Recognised
from pipeline.sources.records import Record, Reject, oldest_first
from pipeline.sources.understanding.roles import CUSTOMER, role_of
from pipeline.sources.understanding.scratch import Scratch

Rows = Iterable[Record | Reject]


def joined(rows: Rows, summary: Recognised, people: Mapping[str, Person]) -> Iterator[Record | Reject]:
    """Yield the rows of several files, messages put to the conversations they name, and ids of people to the people.

    `people` may still fill while the rows are read; it is complete behind the last one.
    """
    count = 0
    with _Waiting() as waiting:
        for row in rows:
            waiting.add(row)
        for alike in waiting.groups():
            if whole := _whole(alike):
                count += 1
                alike = [whole]
            for each in alike:
                yield with_people(each, people) if isinstance(each, Record) else each
    if count:
        summary.note(f"Messages of one file were added to the {counted(count, 'conversation')} they name in another.")


class _Waiting(Scratch):
    """Rows by their id, in the order they came."""

    def __init__(self) -> None:
        super().__init__(
            "CREATE TABLE kept (number INTEGER PRIMARY KEY, key TEXT, row BLOB)",
            "INSERT INTO kept (key, row) VALUES (?, ?)",
        )
        self._count = 0

    def add(self, row: Record | Reject) -> None:
        self._count += 1
        # what has no id stands alone
        key = row.external_id.encode(errors="replace").decode() or f"\n{self._count}"
        self._keep(key, pickle.dumps(row, pickle.HIGHEST_PROTOCOL))

    def groups(self) -> Iterator[list[Record | Reject]]:
        self._ask("CREATE INDEX by_key ON kept (key, number)")
        for (key,) in self._ask("SELECT key FROM kept GROUP BY key ORDER BY min(number)"):
            yield [
                pickle.loads(row) for (row,) in self._ask("SELECT row FROM kept WHERE key = ? ORDER BY number", [key])
            ]


def _whole(alike: list[Record | Reject]) -> Record | None:
    """Return the conversation that rows of one id make together; None if they stay as they are.

    That takes messages of another file, and one row at most that says what the conversation is about: two are two.
    """
    told = [each for each in alike if isinstance(each, Record) and each.is_gathered]
    about = [each for each in alike if not (isinstance(each, Record) and each.is_gathered)]
    if not told or len(alike) < 2 or len(about) > 1 or len({each.part for each in alike}) < 2:
        return None
    base = about[0] if about else told.pop(0)
    first = base if isinstance(base, Record) else base.without_text
    if first is None:
        return None
    # by name, so that nobody else is taken for the customer
    name = next(iter(first.names), first.customer) or "customer"
    own = [
        {
            **each,
            "created_at": each["created_at"] or _iso(first),
            "author": each["author"] or (name if each["role"] == CUSTOMER else ""),
        }
        for each in first.messages
    ]
    said = {_letters(each["text"]) for each in own}
    # many exports repeat the first text of a ticket as its first comment
    added = [each for record in told for each in record.messages if _letters(each["text"]) not in said]
    customer = first.customer or next((each.customer for each in told if each.customer), "")
    times = [each.occurred_at for each in told if each.occurred_at]
    return replace(
        first,
        messages=oldest_first([*own, *added]),
        customer=customer,
        names=(*first.names, *(name for each in told for name in each.names)),
        occurred_at=first.occurred_at or min(times, default=None),
        is_gathered=False,
    )


def _iso(record: Record) -> str:
    return record.occurred_at.isoformat() if record.occurred_at else ""


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text[:500])).casefold()[:150]


def with_people(record: Record, people: Mapping[str, Person]) -> Record:
    """Return a record in which a list of people says who stands behind an id."""
    if not people:
        return record
    for message in record.messages:
        if person := people.get(message["author"]):
            message["author"] = person.name or message["author"]
            message["role"] = message["role"] or (person.role if role_of(person.role) else "")
    person = people.get(record.customer)
    if person is None:
        return record
    known = person.email.casefold() or person.name or record.customer
    names = (record.customer, person.name, person.email)
    return replace(record, customer=known[:200], names=(*record.names, *filter(None, names)))
