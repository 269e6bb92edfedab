"""What every format promises, and what it is given: a head to recognise, a stream to read, options, a summary to fill.

A format is one short file. It says how sure it is that the beginning of a file is its own, and turns the file into
records. All else is done once, for all of them: opening and unpacking (`parts`), finding the elements of JSON within
bounds (`elements`), speakers, times and customers (`threads`), cutting chats into conversations (`chats`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from django.conf import settings

from pipeline.sources.parsing.elements import Path
from pipeline.sources.parsing.parts import Part
from pipeline.sources.records import Record, Reject

Found = Mapping[str, Any]
"""A JSON object of somebody's export."""

HEAD_BYTES = 256 * 1024
"""How much of a file is looked at to recognise it."""


def limit() -> int:
    """Return how many bytes a conversation may have."""
    return int(getattr(settings, "MAX_RECORD_BYTES", 10 * 1024 * 1024))


@dataclass(frozen=True, slots=True)
class Options:
    """What a person said about a file. Empty means: find it out."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    """Field of a record (id, text, subject, customer, created_at, role, author, conversation, label, url) to the name
    of a column, or to a path in JSON such as `requester.email`."""

    encoding: str = ""
    date_format: str = ""
    """As `datetime.strptime` takes it, or `day-first` or `month-first`."""

    pause: timedelta | None = None
    """A silence in a chat after which a new conversation begins, unless a message replies to an earlier one."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file, unpacked: what `sniff` may look at. Never the file's name."""

    raw: bytes
    text: str = ""
    """`raw` decoded, without a byte order mark; empty if it is not text."""

    encoding: str = "utf-8"

    lists: Mapping[Path, list[dict[str, Any]]] = field(default_factory=dict)
    """Lists of objects in a JSON file, by the way to them, with their first elements (the last one may be cut)."""

    envelope: Mapping[str, Any] = field(default_factory=dict)
    """The first object of a JSON file as far as it could be read: what stands around the lists."""

    is_whole: bool = True
    """Whether `raw` is all there is."""


@dataclass(slots=True)
class Recognised:
    """What a file turned out to be; the format and the reader fill it while they read, the importer prints it.

    `fields` says which field of the file means customer, time, role, text ... . `notes` are sentences for the person:
    what was decided on their behalf and how to say otherwise.
    """

    format: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    encoding: str = ""
    notes: list[str] = field(default_factory=list)
    unused_columns: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    """Files of a folder or zip that were not read."""

    unlikely: list[str] = field(default_factory=list)
    """Those of them that could be read, but beside the others look like what only comes with an export."""

    count: int = 0
    without_customer_side: int = 0
    without_customer_name: int = 0
    times_unknown: int = 0
    roles: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often a word for a role was taken for which role."""

    unknown_roles: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Return `Recognised as Zendesk tickets (1,204), customer = requester, times = created_at`."""
        fields = [f"{meaning} = {where}" for meaning, where in self.fields.items()]
        encoding = [f"encoding {self.encoding}"] if self.encoding not in ("", "utf-8", "utf-8-sig", "ascii") else []
        return ", ".join([f"Recognised as {self.format} ({self.count:,})", *fields, *encoding])

    def has_used(self, file: str) -> None:
        """Note that a file which was passed over has served after all: to learn names from, for instance."""
        self.passed_over = [name for name in self.passed_over if name != file]

    def note(self, sentence: str) -> None:
        """Add a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a list of people: how messages and tickets are to name them."""

    name: str = ""
    email: str = ""
    role: str = ""


@dataclass(slots=True)
class Stream:
    """What a format reads: one file, or all files of its format in a folder or zip, in the order of their names."""

    parts: list[Part]
    summary: Recognised = field(default_factory=Recognised)

    people: dict[str, Person] = field(default_factory=dict)
    """Who stands behind an id, as a list of people among the files says."""

    companions: list[Part] = field(default_factory=list)
    """The other files of the same folder or zip, such as Slack's users.json."""


class Format(Protocol):
    """One way in which conversations are written down."""

    name: str
    """As the importer prints it: "Zendesk tickets"."""

    def sniff(self, head: Head) -> float:
        """Return how sure it is, from 0 to 1, that this is the beginning of one of its files.

        1 is a signature that nothing else has; .9 the fields of one vendor; .5 a general form, such as any table.
        """
        ...

    def records(self, stream: Stream, options: Options) -> Iterator[Record | Reject]:
        """Return the conversations, each row that cannot become one as a reject. It never raises for a bad row."""
        ...
