"""Our own format: JSON objects with an id and a text or messages, one a line or in a list. It is the fastest.

What is not quite so (a subject, a customer object, no id, a time in words) is read as any other JSON is.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from pipeline.sources.formats.any_json import AnyJson, read_object
from pipeline.sources.formats.base import Found, Head, Options, Stream, limit
from pipeline.sources.formats.json_objects import Rows, time_reader
from pipeline.sources.formats.json_reader import Reader
from pipeline.sources.parsing.elements import Element, parse_object
from pipeline.sources.parsing.heads import as_utf8, head_of, is_lines
from pipeline.sources.parsing.parts import DAMAGE, PIECE, Part
from pipeline.sources.records import Record, Reject, excerpt, read_record
from pipeline.sources.understanding import column_names
from pipeline.sources.understanding.column_names import compact
from pipeline.sources.understanding.roles import CUSTOMER
from pipeline.sources.understanding.times import TimeReader

_READ_BY_ALL = frozenset(("subject", "title", "summary"))
"""Fields that are not ours and are read all the same, as those of any JSON are."""

_LABELLED = re.compile("^[^\n:\uff1a]{1,80}[:\uff1a].*\n[^\n:\uff1a]{1,80}[:\uff1a]")
"""How a text begins that may hold a whole conversation (`Customer: ...`)."""


class Line(NamedTuple):
    """A line with its end; one that is too long is not whole: only its beginning is kept."""

    number: int
    raw: bytes
    is_whole: bool = True


def _is_message(found: Found) -> bool:
    """Return whether an object is one message, which names the conversation it belongs to."""
    names = {compact(str(key)) for key in found if isinstance(found[key], str | int) and found[key] != ""}
    return bool(names & _CONVERSATION) and bool(names & _SPEAKER)


def _says_more(found: Found) -> bool:
    """Return whether an object has a time, a customer or a link under another name than ours: that is read as JSON."""
    names = {compact(str(key)) for key, value in found.items() if value not in (None, "", [], {})}
    return any(field not in found and not names.isdisjoint(known) for field, known in _UNDER_OTHER_NAMES.items())


_UNDER_OTHER_NAMES = {
    "created_at": column_names.NAMES["created_at"].keys(),
    "customer": column_names.NAMES["customer"].keys()
    | column_names.NAMES["customer_email"].keys()
    | column_names.NAMES["customer_id"].keys(),
    "url": column_names.NAMES["url"].keys(),
}
_MESSAGE = frozenset(("role", "author", "text", "content", "created_at", "id"))
"""What a message of ours may hold: any other field may say who speaks."""

_CONVERSATION = frozenset(name for name in column_names.NAMES["conversation"] if name.endswith(("id", "key", "hash")))
_SPEAKER = column_names.NAMES["role"].keys() - {"type", "kind"}


class Conversations(AnyJson):
    name = "conversations"

    def fits(self, found: Found) -> float:
        messages = found.get("messages")
        if (messages is None and _is_message(found)) or _says_more(found):
            return 0.0
        if messages is None:
            return 0.75 if "id" in found and isinstance(found.get("text"), str) else 0.0
        are_ours = isinstance(messages, list) and all(
            isinstance(each, dict)
            and isinstance(each.get("text", each.get("content")), str)
            and each.keys() <= _MESSAGE
            for each in messages[:20]
        )
        return 0.0 if not are_ours else 0.75 if "id" in found else 0.5

    def sniff(self, head: Head) -> float:
        return self._fit(head.lists.get((), []))

    def records(self, stream: Stream, options: Options) -> Rows:
        for part in stream.parts:
            head = head_of(part, options)
            if options.mapping or not is_lines(head):
                yield from super().records(Stream([part], stream.summary), options)
            else:
                yield from self._lines(part, head, self.reader(stream, options, head), time_reader(options))

    def _lines(self, part: Part, head: Head, reader: Reader, clock: TimeReader) -> Rows:
        number, most = 0, limit()
        with part.open() as file:
            try:
                for number, raw, is_whole in lines(as_utf8(file, head.encoding), most):
                    if not is_whole:
                        reason = f"the line is longer than {most:,} bytes"
                        yield Reject(number, reason, raw=excerpt(raw), part=part.label)
                    elif not raw.isspace():
                        yield read_line(raw, number, part, reader, clock)
            except DAMAGE as error:
                reason = f"the file is damaged after line {number}; the rest could not be read: {error}"
                yield Reject(number + 1, reason, part=part.label)


def read_line(raw: bytes, number: int, part: Part, reader: Reader, clock: TimeReader) -> Record | Reject:
    """Return the record of a line: straight where it is as ours are, else as that of any JSON."""
    row = read_record(raw, line=number, part=part.label)
    if isinstance(row, Record) and not _needs_more(row):
        return row
    found = parse_object(raw)
    if isinstance(found, str):
        return row if isinstance(row, Reject) else Reject(number, found, raw=excerpt(raw), part=part.label)
    again = read_object(Element(number, raw), part, found, reader, clock)
    if isinstance(again, Reject):
        return (
            row
            if isinstance(row, Reject)
            else Reject(number, again.reason, again.external_id, again.raw, part=part.label)
        )
    return replace(again, unit="line")


def _needs_more(row: Record) -> bool:
    if row.metadata and not _READ_BY_ALL.isdisjoint(row.metadata):
        return True
    if len(row.messages) > 1 and all(each["role"] == CUSTOMER and not each["author"] for each in row.messages):
        return True  # perhaps another field says who speaks, which the first lines did not have
    return len(row.messages) == 1 and not row.messages[0]["author"] and bool(_LABELLED.match(row.messages[0]["text"]))


def lines(stream: io.BufferedReader, most: int) -> Iterator[Line]:
    """Yield the lines, numbered from 1; of one longer than `most` bytes the rest is passed over."""
    for number in count(1):
        raw = stream.readline(most + 1)
        if not raw:
            return
        is_whole = len(raw) <= most or raw.endswith(b"\n")
        yield Line(number, raw, is_whole)
        while not is_whole and (piece := stream.readline(PIECE)) and not piece.endswith(b"\n"):
            pass
