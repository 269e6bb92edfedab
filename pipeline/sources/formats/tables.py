"""Conversations in tables, wherever the rows come from: delimited text, a workbook, Parquet, a database.

The first rows show where the header is and what the columns mean; where it takes the whole table to tell (day or month
first, a row for each message), it is read twice. Rows of one conversation are brought together on disk.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from datetime import time as time_of_day
from itertools import islice
from typing import Any, Final

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Options, Recognised
from pipeline.sources.records import Record, Reject, UnreadableSource, excerpt
from pipeline.sources.understanding import columns, times
from pipeline.sources.understanding.chats import ChatMessage, Chats, is_chat, message_id, say_cut
from pipeline.sources.understanding.gathering import Gathered
from pipeline.sources.understanding.replies import Replies
from pipeline.sources.understanding.roles import CUSTOMER, role_in_field, role_of
from pipeline.sources.understanding.threads import Said, Thread, record_of
from pipeline.sources.understanding.times import TimeColumn, TimeReader

Rows = Iterator[Record | Reject]

SAMPLE_ROWS: Final = 1000
"""Rows by which the meaning of the columns is found."""

HEADER_ROWS: Final = 30
"""Rows at the beginning among which the header is looked for."""

MAX_NAMES: Final = 100_000
"""Names of customers that are remembered with their e-mail address."""


@dataclass(slots=True)
class Row:
    """One row as the file has it; with a `reason` there are no cells that could be used. `line` counts from 1."""

    line: int
    cells: Sequence[object] = ()
    reason: str = ""
    raw: bytes = b""

    @property
    def filled(self) -> int:
        """The number of cells that hold something."""
        return sum(not _is_blank(cell) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be read again and again. `unit` is what `line` counts; `joint` what cells were separated by."""

    open: Callable[[], Iterator[Row]]
    name: str = ""
    unit: str = "line"
    joint: str = ","
    limit: int = 10 * 1024 * 1024


def records_of(table: Table, options: Options, summary: Recognised) -> Rows:
    """Return the conversations of a table, and fill the summary with what its columns were taken for.

    UnreadableSource, at once, if there is no column that can be the text, or a person names one that is not there.
    """
    sample = _sample(table)
    header = find_header(sample)
    if header is None:
        return iter(())
    layout = _layout(header, sample, options)
    reader = _Reader(table, layout, options, summary)
    reader.say()
    return reader.records()


def _sample(table: Table) -> list[Row]:
    return list(islice(table.open(), SAMPLE_ROWS + HEADER_ROWS))


_ADDRESS: Final = re.compile(r"([^<>()@]{0,200}?)\s*[<(]?([^<>()\s@\"']{1,64}@[^<>()\s@\"']{1,190})[>)]?")
"""`ann@example.org`, `Ann <ann@example.org>`, or `Ann (ann@example.org)`."""


# --- The header ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Header:
    """What stands above the rows. `names` has one for each column; equal ones mean that the columns belong together."""

    names: tuple[str, ...]
    line: int
    """The last line above the rows; 0 if the first row is data already."""
    notes: tuple[str, ...] = ()
    answers: frozenset[str] = frozenset()
    """In a survey, the columns of open answers as the export itself says."""


def header_of(table: Table) -> Header | None:
    """Return the header of a table, None of an empty one."""
    return find_header(_sample(table))


_KNOWN: Final = {name for names in columns.NAMES.values() for name in names}


def find_header(sample: Sequence[Row]) -> Header | None:
    """Return the header among the first rows, None of an empty table. Without one, columns are `column 1` ...."""
    rows = [row for row in sample if not row.reason and row.filled]
    if not rows:
        return None
    place = _header_place(rows)
    head = rows[place]
    width = max(len(row.cells) for row in rows[place : place + 50] if row.filled) if rows else 0
    if _is_data(head, rows[place + 1 : place + 20]):
        names = tuple(f"column {number}" for number in range(1, width + 1))
        return Header(
            names, head.line - 1, ("The first row has no column names, so the columns are called column 1, 2, ...",)
        )
    names = _names(head.cells)
    notes = []
    if place:
        above = f"{place} row{'s' if place > 1 else ''}"
        notes.append(
            f"{above} above the header were skipped." if place > 1 else f"{above} above the header was skipped."
        )
    after = rows[place + 1 : place + 3]
    return _survey_header(names, head, after, notes) or Header(names, head.line, tuple(notes))


def _header_place(rows: Sequence[Row]) -> int:
    """Return the place of the header: the first of the early rows that is about as wide as those after it.

    A row with more names that are known goes before that: title rows may be wide, and rows ragged.
    """
    early = rows[:HEADER_ROWS]
    known = [
        sum(columns.compact(_text(cell)) in _KNOWN for cell in row.cells if len(_text(cell)) <= 100) for row in early
    ]
    # two known names are no accident: `date` and `subject` do not meet in a title row
    best = max(known)
    if best >= 2:
        return known.index(best)
    widths = Counter(row.filled for row in rows[:200])
    usual = max(widths, key=lambda width: (widths[width], width))
    if best and known.index(best) == 0:
        return 0
    wide = [place for place, row in enumerate(early) if row.filled >= max(1, 0.6 * usual)]
    return wide[0] if wide else 0


def _is_data(row: Row, following: Sequence[Row]) -> bool:
    """Return whether a row is no header but data: no name is known in it, and a cell is nobody's name for a column."""
    cells = [_text(cell) for cell in row.cells if not _is_blank(cell)]
    if not following or any(columns.compact(cell) in _KNOWN for cell in cells):
        return False
    return any(
        times.looks_like_time(cell) or _VALUE.fullmatch(cell) or (len(cell) > 80 and cell[-1] != "?") for cell in cells
    )


_VALUE: Final = re.compile(r"[\d.,-]+|\S+@\S+")


def _names(cells: Sequence[object]) -> tuple[str, ...]:
    """Return the name of each column; one without a name is called by its number."""
    return tuple(
        re.sub(r"\s+", " ", _text(cell)).strip(" \ufeff") or f"column {number}"
        for number, cell in enumerate(cells, start=1)
    )


def _survey_header(names: tuple[str, ...], head: Row, after: Sequence[Row], notes: list[str]) -> Header | None:
    """Return the header of a survey that has more than one row: Qualtrics has two or three, SurveyMonkey two."""
    if not after:
        return None
    second = [_text(cell) for cell in after[0].cells]
    if len(after) > 1 and any("ImportId" in _text(cell) for cell in after[1].cells):
        notes.append("Recognised as an export of Qualtrics: its three header rows are not conversations.")
        return Header(_with_questions(names, second), after[1].line, tuple(notes))
    if any("ImportId" in cell for cell in second):
        notes.append("Recognised as an export of Qualtrics: its header rows are not conversations.")
        return Header(names, after[0].line, tuple(notes))
    if any(cell.casefold() in _OPEN_ENDED for cell in second):
        notes.append("Recognised as an export of SurveyMonkey: its two header rows are not conversations.")
        answers = [name for name, cell in zip(names, second, strict=False) if cell.casefold() in _OPEN_ENDED]
        return Header(names, after[0].line, tuple(notes), frozenset(answers))
    return None


_OPEN_ENDED: Final = frozenset(("open-ended response", "offene antwort", "réponse ouverte", "respuesta abierta"))


def _with_questions(names: Sequence[str], questions: Sequence[str]) -> tuple[str, ...]:
    """Return the questions as names of the columns that are answers (`Q3`), and the other names as they are."""
    named = []
    for place, name in enumerate(names):
        question = re.sub(r"\s+", " ", questions[place]).strip() if place < len(questions) else ""
        is_answer = re.match(r"(?:QID|Q)\d+", name) and not re.search(r"_(?:DO|PageTimer|NPS)", name)
        named.append(question if is_answer and question and question not in named else name)
    return tuple(named)


# --- What the columns mean ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layout:
    """The header with what its columns mean. `comments` are Jira's: repeated columns of `date;author;text`."""

    header: Header
    mapping: columns.Mapping
    places: Mapping[str, tuple[int, ...]]
    comments: str = ""
    rows_are_messages: bool = False
    chat_author: str = ""
    """Where the rows are the messages of a chat that names no conversations: the column of who writes."""
    chat_room: str = ""
    """The column of the room or channel, where there is one."""
    sample: Mapping[str, columns.Profile] = field(default_factory=dict)

    def values(self, cells: Sequence[object], name: str) -> list[object]:
        """Return the cells of a column, and of those with an equal name, that hold something."""
        found = [cells[place] for place in self.places.get(name, ()) if place < len(cells)]
        return [cell for cell in found if not _is_blank(cell)]

    def value(self, cells: Sequence[object], name: str) -> object:
        """Return the first cell of a column that holds something, or an empty word."""
        for place in self.places.get(name, ()):
            if place < len(cells) and not _is_blank(cell := cells[place]):
                return cell
        return ""

    def word(self, cells: Sequence[object], name: str) -> str:
        """Return the same as a word."""
        text = _text(self.value(cells, name))
        return " ".join(text.split()) if text else ""


_COMMENT: Final = re.compile(r"\s*([^;\n]{6,40});([^;\n]{0,80});(.*)", re.DOTALL)


def _layout(header: Header, sample: Sequence[Row], options: Options) -> Layout:
    """UnreadableSource if the columns do not tell what the text is, or a person names one that is not there."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header.names):
        places.setdefault(name, []).append(place)
    profiles, comments = _profiles(header, places, sample)
    given = dict(options.mapping)
    answers = [name for name in header.names if name in header.answers]
    if answers and "text" not in given:
        given["text"] = "\n".join(answers)
    comment_column = next((name for name, count in comments.items() if count >= 0.5 * profiles[name].filled), "")
    known = [profile for name, profile in profiles.items() if name != comment_column]
    try:
        mapping = columns.find(known, given)
    except (columns.AmbiguousColumns, columns.UnknownColumn) as error:
        raise UnreadableSource(str(error)) from error
    fixed = {name: tuple(where) for name, where in places.items()}
    are_messages = _rows_are_messages(mapping, profiles)
    layout = Layout(header, mapping, fixed, comment_column, are_messages, sample=profiles)
    room = next((name for name in header.names if columns.compact(name) in _ROOMS), "")
    author = _chat_author(layout, sample, options, in_a_room=bool(room))
    return replace(layout, chat_author=author, chat_room=room)


_WRITERS: Final = frozenset(
    ("author", "authorname", "sender", "sendername", "from", "fromname", "nick", "nickname", "speaker", "writer")
)


_ROOMS: Final = frozenset(("channel", "channelname", "channelid", "room", "roomname", "roomid"))


def _chat_author(layout: Layout, sample: Sequence[Row], options: Options, *, in_a_room: bool) -> str:
    """Return the column of who writes, if the rows are messages of a chat; nothing if each is a conversation."""
    known = layout.mapping
    others = ("id", "conversation", "reply_to", "subject", "role", "label")
    if layout.rows_are_messages or any(known.of(name) for name in others) or "customer" in options.mapping:
        return ""
    writers = _WRITERS | {"user", "username", "name", "displayname"} if in_a_room else _WRITERS
    writer = next((name for name in layout.header.names if columns.compact(name) in writers), "")
    time = known.one("created_at")
    if not writer or not time:
        return ""
    reader = TimeColumn().reader(options.date_format)
    rows = [row.cells for row in sample if not row.reason and row.line > layout.header.line]
    said = [(layout.word(cells, writer), reader.read(layout.value(cells, time))) for cells in rows]
    return writer if is_chat(said) else ""


def _profiles(
    header: Header, places: Mapping[str, Sequence[int]], sample: Sequence[Row]
) -> tuple[dict[str, columns.Profile], Counter[str]]:
    """Return what each column's values look like, and how many of a column of comments are as Jira writes them."""
    profiles = {name: columns.Profile(name) for name in places}
    comments: Counter[str] = Counter()
    for row in sample:
        if row.reason or row.line <= header.line:
            continue
        for place, cell in enumerate(row.cells[: len(header.names)]):
            name = header.names[place]
            profiles[name].see(cell)
            if isinstance(cell, str) and columns.compact(name) in ("comment", "comments") and _comment(cell):
                comments[name] += 1
    return profiles, comments


def _comment(cell: str) -> re.Match[str] | None:
    found = _COMMENT.match(cell)
    return found if found and times.is_time(found[1]) else None


def _rows_are_messages(mapping: columns.Mapping, profiles: Mapping[str, columns.Profile]) -> bool:
    """Return whether several rows make a conversation.

    They do if a column names the conversation, or the message that is answered; or if ids come again, and a role or an
    author says who speaks each time.
    """
    if mapping.of("reply_to") or mapping.of("conversation"):
        return True
    ids = profiles.get(mapping.one("id"))
    comes_again = ids is not None and ids.filled > len(ids.distinct) and ids.filled <= columns.MAX_DISTINCT
    return comes_again and bool(mapping.of("role") or mapping.of("author"))


# --- Reading ------------------------------------------------------------------------------------------------------


_YES: Final = frozenset(("true", "1", "yes", "y", "t", "ja", "oui", "si", "sim"))
_NO: Final = frozenset(("false", "0", "no", "n", "f", "nein", "non"))
_NOTES: Final = frozenset(("note", "privatenote", "internalnote", "noteandreopen", "internal", "worknote", "worknotes"))
_OF_NOTES: Final = {
    **dict.fromkeys(("private", "isprivate", "internal", "isinternal", "isnote", "internalnote"), _YES),
    **dict.fromkeys(("public", "ispublic", "ispublished", "published"), _NO),
    **dict.fromkeys(("type", "kind", "parttype", "messagetype", "eventtype", "commenttype", "notetype"), _NOTES),
}
"""Columns of messages that say which of them the customer never saw, with the values that say so."""


class _Reader:
    """Reads the rows of one table as conversations."""

    def __init__(self, table: Table, layout: Layout, options: Options, summary: Recognised) -> None:
        self._table = table
        self._layout = layout
        self._map = layout.mapping
        self._options = options
        self._summary = summary
        self._unread: Counter[str] = Counter()
        self._unread_example: dict[str, str] = {}
        self._joined = self._internal = 0
        self._emails: dict[str, str] = {}
        self._reader = TimeReader()

    def say(self) -> None:
        """Put into the summary what the columns were taken for."""
        described = self._map.described()
        described["times"] = described.pop("created_at", "none found")
        if self._map.time_of_day:
            described["times"] += f" + {self._map.time_of_day}"
        self._summary.fields.update(described)
        self._summary.unused_columns = self._map.unused
        for note in (*self._layout.header.notes, *self._map.notes):
            self._summary.note(note)
        repeated = [
            name for name, places in self._layout.places.items() if len(places) > 1 and name != self._layout.comments
        ]
        if repeated:
            self._summary.note(f"Columns with the same name were combined: {', '.join(map(repr, repeated))}.")
        if not self._map.of("id") and not self._map.of("conversation"):
            self._summary.note(
                "No ID column was found, so IDs are made from the content. Importing the same file again "
                "changes nothing."
            )
        if not self._map.of("customer") and not self._layout.rows_are_messages:
            self._summary.note("No column says who the customer is. Choose one with --map customer=COLUMN.")

    def records(self) -> Rows:
        """Yield the conversations, and at the end note what could not be read of them."""
        self._reader = self._time_reader()
        if order := str(self._reader):
            self._summary.fields["times"] += f" ({order})"
        # from the most to the least that the columns say: who answers whom, which conversation, a chat, else a row each
        if self._map.of("reply_to") and self._map.of("id") and not self._map.of("conversation"):
            yield from self._threads_by_reply()
        elif self._layout.rows_are_messages:
            yield from self._threads_by_key()
        elif self._layout.chat_author:
            yield from self._chat()
        else:
            yield from self._single_rows()
        self._say_at_the_end()

    def _say_at_the_end(self) -> None:
        for reason, count in self._unread.most_common(3):
            example = self._unread_example[reason]
            unread = counted(count, "time")
            self._summary.note(f"{unread} could not be read and are left unknown, for example {example!r}: {reason}.")
        if self._internal:
            self._summary.note(f"Left out: {counted(self._internal, 'note')} of the team among themselves.")
        if self._joined:
            rows = counted(self._joined, "row")
            self._summary.note(
                f"{rows} had more cells than the header has columns; the extra cells were added to the text."
            )

    def _rows(self) -> Iterator[Row | Reject]:
        """Yield the rows below the header, as wide as it; those that cannot be used as rejects."""
        width = len(self._layout.header.names)
        text_is_last = self._map.of("text")[-1:] == self._layout.header.names[-1:]
        for row in self._table.open():
            if row.line <= self._layout.header.line:
                continue
            if row.reason:
                yield self._reject(row, row.reason)
            elif len(row.cells) > width and any(not _is_blank(cell) for cell in row.cells[width:]):
                if not text_is_last:
                    what = f"{len(row.cells)} cells, but the header has {width}; is a quote missing?"
                    yield self._reject(row, what)
                    continue
                joined = self._table.joint.join(_text(cell) for cell in row.cells[width - 1 :]).rstrip(
                    self._table.joint
                )
                self._joined += 1
                yield Row(row.line, [*row.cells[: width - 1], joined], raw=row.raw)
            elif row.filled:
                yield row

    def _reject(self, row: Row, reason: str) -> Reject:
        return Reject(row.line, reason, raw=excerpt(_raw(row)), unit=self._table.unit, part=self._table.name)

    # --- The whole table first ------------------------------------------------------------------------------------

    def _time_reader(self) -> TimeReader:
        """Return what reads the times. Where the first rows leave days and months open, the whole table is asked."""
        name = self._map.one("created_at")
        own, beside = TimeColumn(), TimeColumn()
        others = [
            each for each in self._map.unused
            if (profile := self._layout.sample.get(each)) and profile.filled and profile.share(profile.moments) > 0.5
        ]  # fmt: skip
        # a second pass over the whole table costs as much as the first, so only where a day may be a month
        needs_all = bool(name) and not self._options.date_format and self._has_open_dates(name)
        needs_names = len(self._map.of("customer")) > 1
        if needs_all or needs_names:
            for row in self._table.open():
                if row.reason or row.line <= self._layout.header.line:
                    continue
                if needs_all:
                    own.see(self._moment(row.cells))
                    for other in others:
                        beside.see(self._layout.value(row.cells, other))
                if needs_names:
                    self._learn_name(row.cells)
        return own.reader(self._options.date_format, beside)

    def _has_open_dates(self, name: str) -> bool:
        values = self._layout.sample[name].distinct if name in self._layout.sample else set()
        return any(re.match(r"\D{0,12}\d{1,2}[-/. ]\s?\d{1,2}[-/. ]", value) for value in values) or not values

    def _moment(self, cells: Sequence[object]) -> object:
        """Return the value of the time, with that of the time of day where it has a column of its own."""
        value = self._layout.value(cells, self._map.one("created_at"))
        if not self._map.time_of_day or _is_blank(value):
            return value
        return f"{_text(value)} {_text(self._layout.value(cells, self._map.time_of_day))}".strip()

    def _at(self, cells: Sequence[object]) -> datetime | None:
        value = self._moment(cells)
        at = self._reader.read(value)
        if at is None and not times.is_empty(value):
            reason = self._reader.why_not(value)
            self._unread[reason] += 1
            self._unread_example.setdefault(reason, _text(value)[:60])
        return at

    # --- Customers ------------------------------------------------------------------------------------------------

    def _customer(self, cells: Sequence[object]) -> dict[str, str]:
        """Return how the customer of a row is known: e-mail, id and name, as far as its columns say."""
        known: dict[str, str] = {}
        for column in self._map.of("customer"):
            value = self._layout.word(cells, column)
            if not value:
                continue
            if "@" in value and (found := _ADDRESS.fullmatch(value)):
                known.setdefault("email", found[2].casefold())
                if name := found[1].strip(" \"'"):
                    known.setdefault("name", name)
            else:
                kind = "id" if columns.compact(column) in columns.NAMES["customer_id"] else "name"
                known.setdefault(kind, value)
        return known

    def _learn_name(self, cells: Sequence[object]) -> None:
        """Remember the e-mail address of a name, as long as it has one only."""
        known = self._customer(cells)
        name, email = known.get("name", "").casefold(), known.get("email", "")
        if name and email and (name in self._emails or len(self._emails) < MAX_NAMES):
            # a name with two addresses is two people: the empty word remembers that, so that neither gets the other's
            # mail
            self._emails[name] = email if self._emails.get(name, email) == email else ""

    def _known_customer(self, cells: Sequence[object]) -> dict[str, str] | None:
        known = self._customer(cells)
        if "email" not in known and (email := self._emails.get(known.get("name", "").casefold())):
            known["email"] = email
        return known or None

    # --- A row a conversation -------------------------------------------------------------------------------------

    def _single_rows(self) -> Rows:
        for row in self._rows():
            if isinstance(row, Reject):
                yield row
                continue
            said = self._said(row.cells)
            thread = self._thread(row.line, row.cells, [said, *self._comments(row.cells)])
            if len(thread.messages) > 1 and not said.role:
                said.role = CUSTOMER  # and by name, so that nobody else is taken for the customer
                said.author = said.author or next(iter((self._known_customer(row.cells) or {}).values()), "")
            thread.external_id = self._layout.word(row.cells, self._map.one("id"))
            thread.raw = _raw(row)
            yield record_of(thread, self._reader)

    def _said(self, cells: Sequence[object]) -> Said:
        texts = [_text(value) for column in self._map.of("text") for value in self._layout.values(cells, column)]
        return Said("\n".join(dict.fromkeys(texts)), self._role(cells), self._author(cells), self._at(cells))

    def _role(self, cells: Sequence[object]) -> str:
        """Return the word for the role, or the role itself where it needs the column's name: `inbound` true."""
        for column in self._map.of("role"):
            value = self._layout.value(cells, column)
            if not _is_blank(value):
                return role_in_field(column, value) or _text(value).strip()
        return ""

    def _author(self, cells: Sequence[object]) -> str:
        return next((word for column in self._map.of("author") if (word := self._layout.word(cells, column))), "")

    def _comments(self, cells: Sequence[object]) -> list[Said]:
        said = []
        for cell in self._layout.values(cells, self._layout.comments):
            if found := _comment(_text(cell)):
                said.append(Said(found[3].strip(), "", found[2].strip(), found[1]))
            else:
                said.append(Said(_text(cell)))
        return said

    def _thread(self, line: int, cells: Sequence[object], messages: list[Said]) -> Thread:
        layout = self._layout
        return Thread(
            messages,
            line=line,
            subject=_text(layout.value(cells, self._map.one("subject"))),
            customer=self._known_customer(cells),
            at=messages[0].at if messages else None,
            url=layout.word(cells, self._map.one("url")),
            label=layout.word(cells, self._map.one("label")),
            metadata=self._metadata(cells),
            unit=self._table.unit,
            part=self._table.name,
        )

    def _metadata(self, cells: Sequence[object]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in self._map.unused:
            values = [_text(value) for value in self._layout.values(cells, name)]
            if values:
                found[name] = values[0] if len(values) == 1 else values
        return {**found, **_object(_text(self._layout.value(cells, self._map.one("metadata"))))}

    # --- A row a message ------------------------------------------------------------------------------------------

    def _threads_by_key(self) -> Rows:
        """Gather the rows of each conversation; one without a key is a conversation by itself."""
        column = self._map.one("conversation") or self._map.one("id")
        self._summary.note(f'Each row is a message; rows with the same "{column}" are one conversation.')
        with Gathered() as gathered:
            for row in self._rows():
                if isinstance(row, Reject):
                    yield row
                    continue
                key = self._layout.word(row.cells, column)
                if key:
                    self._gather(gathered, key, row)
                    continue
                thread = self._thread(row.line, row.cells, [self._said(row.cells)])
                thread.raw = _raw(row)
                yield record_of(thread, self._reader)
            yield from self._gathered(gathered)

    def _threads_by_reply(self) -> Rows:
        """Gather the rows that answer each other."""
        own, parent = self._map.one("id"), self._map.one("reply_to")
        self._summary.note(
            f'Each row is a message; "{parent}" says which one it answers, and together they are one conversation.'
        )
        with Replies() as replies, Gathered() as gathered, ExitStack() as stack:
            for plain in self._table.open():
                if not plain.reason and plain.line > self._layout.header.line:
                    message, answered = (self._layout.word(plain.cells, name) for name in (own, parent))
                    replies.add(plain.line, message, answered)
            roots = stack.enter_context(closing(replies.roots()))
            number, root = next(roots, (0, ""))
            for row in self._rows():
                if isinstance(row, Reject):
                    yield row
                    continue
                # both come in the order of the lines; rows that were rejected are in `roots` all the same
                while number < row.line:
                    number, root = next(roots)
                self._gather(gathered, root, row)
            yield from self._gathered(gathered)

    def _chat(self) -> Rows:
        """Cut the rows, messages of one chat or of several rooms, into conversations."""
        self._summary.fields.pop("customer", None)
        self._summary.fields["author"] = self._layout.chat_author
        passed_over = 0
        with Chats() as chats:
            for row in self._rows():
                if isinstance(row, Reject):
                    yield row
                    continue
                text = self._said(row.cells).text
                author, at = self._layout.word(row.cells, self._layout.chat_author), self._at(row.cells)
                own = message_id(author, text, at)
                message = ChatMessage(own, author, text, at, row.line, part=self._table.name)
                if text.strip():
                    chats.add(self._layout.word(row.cells, self._layout.chat_room) or "chat", message)
                else:
                    passed_over += 1
            for thread in chats.conversations(self._options.pause):
                thread.unit = self._table.unit
                yield record_of(thread, self._reader)
            say_cut(self._summary, chats.messages, chats.cut_into, self._options.pause, passed_over)

    def _is_internal(self, cells: Sequence[object]) -> bool:
        """Return whether a row is a note of the team among themselves: by a flag, or by its kind."""
        for name in self._layout.header.names:
            kind = _OF_NOTES.get(columns.compact(name))
            if kind and columns.compact(self._layout.word(cells, name)) in kind:
                return True
        return False

    def _gather(self, gathered: Gathered, key: str, row: Row) -> None:
        if self._is_internal(row.cells):
            self._internal += 1
            return
        at = self._at(row.cells)
        cells = [_plain(cell) for cell in row.cells]
        gathered.add(key, {"line": row.line, "cells": cells}, order=at.timestamp() if at else 0.0)

    def _gathered(self, gathered: Gathered) -> Rows:
        unread, self._unread = self._unread, Counter()  # each time was counted when its row was gathered
        for key, things in gathered.groups(self._table.limit):
            if things is None:
                reason = f"the conversation is longer than {self._table.limit:,} characters"
                yield Reject(0, reason, key[:200], unit="conversation", part=self._table.name)
                continue
            yield record_of(self._conversation(key, things), self._reader)
        self._unread = unread

    def _conversation(self, key: str, things: Sequence[Mapping[str, Any]]) -> Thread:
        """Return the conversation of some rows. What is said of the whole is what its first row says that says it."""
        rows = sorted(things, key=lambda thing: thing["line"]) if not self._map.of("created_at") else things
        thread = self._thread(rows[0]["line"], rows[0]["cells"], [self._said(row["cells"]) for row in rows])
        thread.external_id = key
        thread.at = next((said.at for said in thread.messages if said.at), None)
        for row in rows[1:]:
            thread.customer = thread.customer or self._known_customer(row["cells"])
            thread.label = thread.label or self._layout.word(row["cells"], self._map.one("label"))
            thread.url = thread.url or self._layout.word(row["cells"], self._map.one("url"))
            thread.subject = thread.subject or _text(self._layout.value(row["cells"], self._map.one("subject")))
        own = [said.author for said in thread.messages if said.author and role_of(said.role) == CUSTOMER]
        if own and not thread.customer:
            thread.customer = own[0]
        return thread


def _raw(row: Row) -> bytes:
    """Return what a reject shows of a row."""
    return row.raw[:2000] or ";".join(_text(cell)[:200] for cell in row.cells[:20]).encode(errors="replace")[:2000]


# --- Cells --------------------------------------------------------------------------------------------------------


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace()))


def _text(cell: object) -> str:
    """Return a cell as text: whole numbers without a decimal point, days and times in ISO 8601."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, date | time_of_day):
        return cell.isoformat()
    return json.dumps(cell, ensure_ascii=False, default=str) if isinstance(cell, dict | list) else str(cell)


def _plain(cell: object) -> object:
    """Return a cell as JSON can hold it; a time stays readable as one."""
    return cell if isinstance(cell, str | int | float) or cell is None else _text(cell)


def _object(text: str) -> dict[str, Any]:
    """Return the JSON object in a cell; other text stays under the column's name."""
    if not text:
        return {}
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # half a sign, as in "\\ud800", cannot be stored
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"metadata": text}


def joined(names: Iterable[str]) -> str:
    """Return names in quotes, as a sentence lists them."""
    return ", ".join(repr(name) for name in names)
