"""Who is the customer in each conversation of a source: decided when all of it has been seen.

Where each message says its role, that stands at once. Where only names are given, or words that mean nothing by
themselves, the conversation waits on disk until it is known who else they occur beside.
"""

import pickle
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from pipeline.sources.formats.base import Recognised
from pipeline.sources.records import Record, Reject, Row
from pipeline.sources.understanding.roles import (
    AGENT,
    CUSTOMER,
    USER,
    Census,
    assign_roles,
    has_other_customers,
    normalise,
    role_of,
)

HELD_BYTES = 16 << 20
"""So much of what waits is in memory, the rest in a temporary file."""

MAX_WORDS = 1000

RowT = TypeVar("RowT", Record | Reject, Row)

known_role = lru_cache(10_000)(role_of)


def settled(rows: Iterable[RowT], summary: Recognised) -> Iterator[RowT]:
    """Yield the rows with a role for each message where there is one, and count into the summary what was found."""
    census = Census()
    words: Counter[str] = Counter()
    with tempfile.SpooledTemporaryFile(max_size=HELD_BYTES) as held:
        waiting = 0
        for row in rows:
            if not isinstance(row, Record):
                yield row
                continue
            if authors := [message["author"] for message in row.messages if message["author"]]:
                census.see(authors)
            if not _may_be_an_agents_user(row, words) and _is_settled(row, words):
                yield _counted(row, summary)
                continue
            census.words.update(normalise(message["role"]) for message in row.messages if message["role"])
            pickle.dump(row, held, pickle.HIGHEST_PROTOCOL)
            waiting += 1
        meanings = census.meanings()
        held.seek(0)
        for _ in range(waiting):
            row = pickle.load(held)
            assign_roles(row.messages, customer_names=row.names, census=census, meanings=meanings)
            yield _counted(row, summary)
    _say(words, meanings, summary)


def _may_be_an_agents_user(row: Record, words: Counter[str]) -> bool:
    """Return whether the `user` of a row may be the firm's: beside a `contact`, and with nobody called an agent.

    So Drift and others call those who work with the program. Then all words of the file decide, at its end.
    """
    own = {normalise(message["role"]) for message in row.messages if message["role"]}
    if USER not in own or any(known_role(word) == AGENT for word in own):
        return False
    others = own | {normalise(word) for word in words}
    return has_other_customers(others) and not any(known_role(word) == AGENT for word in others)


def _is_settled(row: Record, words: Counter[str]) -> bool:
    """Give the row's messages the roles that their words mean, and return whether all of them have one."""
    is_open = False
    for message in row.messages:
        if word := message["role"]:
            role = known_role(word)
            if len(words) < MAX_WORDS or word in words:
                words[word] += 1
            if role:
                message["role"] = role
                continue
        is_open = True
    return not is_open


def _counted(row: Record, summary: Recognised) -> Record:
    """Count a row; one that names no customer is that of whoever speaks as the customer first, if they have a name."""
    if not row.customer:
        author = next((each["author"] for each in row.messages if each["role"] == CUSTOMER and each["author"]), "")
        row = replace(row, customer=author[:200]) if author else row
    summary.count += 1
    summary.without_customer_side += not any(message["role"] == CUSTOMER for message in row.messages)
    summary.without_customer_name += not row.customer
    summary.times_unknown += row.occurred_at is None
    return row


def _say(words: Counter[str], meanings: dict[str, str], summary: Recognised) -> None:
    for word, count in words.items():
        if role := meanings.get(normalise(word)) or known_role(word):
            if normalise(word) != role:
                summary.roles[normalise(word), role] += count
        else:
            summary.unknown_roles[normalise(word)] += count
