"""The rows of a table read as conversations.

The first rows show where the header is (`header`) and what the columns mean (`layout`). Where it takes the whole table
to tell (day or month first, who has which e-mail address), it is read twice. Rows of one conversation are brought
together on disk.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from typing import Any, Final

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Options, Recognised, Stream
from pipeline.sources.formats.json_messages import are_messages, is_internal, spread
from pipeline.sources.formats.json_reader import Reader, mapping_of
from pipeline.sources.records import Record, Reject, UnreadableSource, excerpt
from pipeline.sources.tables.header import find_header
from pipeline.sources.tables.layout import Layout, comment_in, fills_down, layout_of
from pipeline.sources.tables.people import people_in
from pipeline.sources.tables.rows import (
    Row,
    Table,
    cell_text,
    first_rows,
    is_blank,
    is_frame,
    object_in,
    objects_in,
    plain_cell,
    raw_of,
)
from pipeline.sources.understanding import column_names, columns
from pipeline.sources.understanding.chats import ChatMessage, Chats, message_id, say_cut
from pipeline.sources.understanding.gathering import Gathered, order_of
from pipeline.sources.understanding.moments import is_empty
from pipeline.sources.understanding.notes import may_say_note, says_note
from pipeline.sources.understanding.replies import Replies
from pipeline.sources.understanding.roles import AGENT, CUSTOMER, SYSTEM, is_flag, role_in_field, role_of, split_journal
from pipeline.sources.understanding.threads import NOBODY, Said, Thread, record_of
from pipeline.sources.understanding.times import TimeColumn, TimeReader

Rows = Iterator[Record | Reject]

MAX_NAMES: Final = 100_000
"""Names of customers that are remembered with their e-mail address."""


def records_of_all(tables: Iterable[Table], options: Options, stream: Stream) -> Rows:
    """Yield the conversations of several tables. One without texts beside others that have some is passed over, and
    may say who the people are; UnreadableSource if none has any.
    """
    refused: list[tuple[Table, UnreadableSource]] = []
    has_read = False
    for table in tables:
        try:
            rows = records_of(table, options, stream.summary)
        except UnreadableSource as error:
            if len(stream.parts) == 1 and not stream.companions:
                raise
            refused.append((table, error))
            continue
        has_read = True
        yield from rows
    if refused and not has_read:
        raise refused[0][1]
    for table, _ in refused:
        stream.summary.passed_over.append(table.name)
        stream.people.update(people_in(table))


def records_of(table: Table, options: Options, summary: Recognised) -> Rows:
    """Return the conversations of a table, and fill the summary with what its columns were taken for.

    UnreadableSource, at once, if there is no column that can be the text, or a person names one that is not there.
    """
    sample = first_rows(table)
    header = find_header(sample)
    if header is None:
        return iter(())
    if not header.names_are_given:
        # the last column's text may have spread over more cells, which belong to what is looked at as well
        sample = [_narrowed(row, len(header.names), table.joint) for row in sample]
    layout = layout_of(header, sample, options)
    reader = _Reader(table, layout, options, summary)
    reader.say()
    return reader.records()


def _narrowed(row: Row, width: int, joint: str) -> Row:
    """Return a row with the cells beyond `width` put back to the last one, as they stood before they were cut."""
    if row.reason or len(row.cells) <= width:
        return row
    last = joint.join(cell_text(cell) for cell in row.cells[width - 1 :]).rstrip(joint)
    return Row(row.line, [*row.cells[: width - 1], last], raw=row.raw)


_ADDRESS: Final = re.compile(r"([^<>()@]{0,200}?)\s*[<(]?([^<>()\s@\"']{1,64}@[^<>()\s@\"']{1,190})[>)]?")
"""`ann@example.org`, `Ann <ann@example.org>`, or `Ann (ann@example.org)`."""


_ID_IN_A_LINK: Final = re.compile(r"[?&#][\w-]{0,30}id=([\w.:-]{4,100})(?=&|#|$)", re.IGNORECASE)
"""As in `https://.../details?reviewId=270b5830`."""


def _id_in(link: str) -> str:
    found = _ID_IN_A_LINK.findall(link)
    return found[-1] if found else ""


def _has_ids(links: columns.Profile | None) -> bool:
    """Return whether each link of a column holds an id that no other holds: the row's own, and not the product's."""
    if links is None or links.filled < 2 or len(links.distinct) < min(links.filled, columns.MAX_DISTINCT):
        return False
    own = {_id_in(link) for link in links.distinct}
    return "" not in own and len(own) == len(links.distinct)


_PARTS_OF_NAMES: Final = tuple(end for ends in columns.NAME_PARTS for end in ends)


_OSTICKET: Final = {"M": CUSTOMER, "R": AGENT}
"""Its types of entries: message, response, and N for a note."""

_KINDS: Final = frozenset(("type", "kind", "messagetype", "eventtype", "subtype", "msgtype"))
"""Columns that may say that a row is nobody's words but the program's: WeChat's type 10000, `system_message`."""


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
        self._fills_down = fills_down(layout.mapping, layout.sample)
        self._last_id: object = ""
        self._kinds = [
            name for name in layout.header.names
            if column_names.compact(name) in _KINDS and name not in layout.mapping.of("role")
        ]  # fmt: skip
        self._of_notes = [name for name in layout.header.names if may_say_note(name)]
        self._cells_reader: Reader | None = None
        self._has_ids_in_links = not layout.mapping.of("id") and _has_ids(layout.sample.get(layout.mapping.one("url")))

    def say(self) -> None:
        """Put into the summary what the columns were taken for."""
        described = self._map.described()
        described["times"] = described.pop("created_at", "none found")
        if self._map.time_of_day:
            described["times"] += f" + {self._map.time_of_day}"
        known = self._summary.fields
        if self._table.name and known.get("text") and known.get("text") != described.get("text"):
            # of several tables the first is shown with the format, the others by name
            shown = ", ".join(f"{name} = {where}" for name, where in described.items())
            self._summary.note(f"In {self._table.name.rpartition('/')[2]}: {shown}.")
        else:
            known.update(described)
        self._summary.unused_columns = self._map.unused
        for note in (*self._layout.header.notes, *self._map.notes):
            self._summary.note(note)
        repeated = [
            name for name, places in self._layout.places.items() if len(places) > 1 and name != self._layout.comments
        ]
        if repeated:
            self._summary.note(f"Columns with the same name were combined: {', '.join(map(repr, repeated))}.")
        if self._has_ids_in_links:
            self._summary.note(f"IDs are taken from the links in {self._map.one('url')!r}.")
        elif not self._map.of("id") and not self._map.of("conversation"):
            self._summary.note(
                "No ID column was found, so IDs are made from the content. Importing the same file again "
                "changes nothing."
            )
        if not self._map.of("customer") and not self._layout.rows_are_messages and not self._layout.text_messages:
            self._summary.note(
                "No column says who the customer is, so each conversation counts as a separate customer. Choose one "
                "with --map customer=COLUMN."
            )

    def records(self) -> Rows:
        """Yield the conversations, and at the end note what could not be read of them."""
        self._reader = self._time_reader()
        if order := str(self._reader):
            self._summary.fields["times"] = f"{self._summary.fields.get('times', '')} ({order})".strip()
        # from the most to the least that the columns say: who answers whom, which conversation, a chat, else a row each
        if self._map.of("reply_to") and self._map.of("id") and not self._map.of("conversation"):
            yield from self._threads_by_reply()
        elif self._layout.rows_are_messages:
            yield from self._threads_by_key()
        elif self._layout.chat_author or self._layout.text_messages:
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
            elif is_frame(row.cells):
                continue
            elif len(row.cells) > width and any(not is_blank(cell) for cell in row.cells[width:]):
                if not text_is_last:
                    what = f"{len(row.cells)} cells, but the header has {width}; is a quote missing?"
                    yield self._reject(row, what)
                    continue
                self._joined += 1
                yield _narrowed(row, width, self._table.joint)
            elif row.filled:
                yield self._filled_down(row) if self._fills_down else row

    def _filled_down(self, row: Row) -> Row:
        """Return a row with the id that stands in the first row of its conversation."""
        (place,) = self._layout.places[self._map.one("id")][:1]
        cells = list(row.cells)
        if place < len(cells):
            self._last_id = cells[place] if not is_blank(cells[place]) else self._last_id
            cells[place] = self._last_id
        return Row(row.line, cells, raw=row.raw)

    def _reject(self, row: Row, reason: str) -> Reject:
        return Reject(row.line, reason, raw=excerpt(raw_of(row)), unit=self._table.unit, part=self._table.name)

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
        if not self._map.time_of_day or is_blank(value):
            return value
        return f"{cell_text(value)} {cell_text(self._layout.value(cells, self._map.time_of_day))}".strip()

    def _at(self, cells: Sequence[object]) -> datetime | None:
        value = self._moment(cells)
        at = self._reader.read(value)
        if at is None and not is_empty(value):
            reason = self._reader.why_not(value)
            self._unread[reason] += 1
            self._unread_example.setdefault(reason, cell_text(value)[:60])
        return at

    # --- Customers ------------------------------------------------------------------------------------------------

    def _customer(self, cells: Sequence[object]) -> dict[str, str]:
        """Return how the customer of a row is known: e-mail, id and name, as far as its columns say."""
        known: dict[str, str] = {}
        parts: list[str] = []
        for column in self._map.of("customer"):
            value = self._layout.word(cells, column)
            if not value or value.casefold() in NOBODY:
                continue
            if column_names.compact(column).endswith(_PARTS_OF_NAMES):
                parts.append(value)
            elif "@" in value and (found := _ADDRESS.fullmatch(value)):
                known.setdefault("email", found[2].casefold())
                if name := found[1].strip(" \"'"):
                    known.setdefault("name", name)
            else:
                kind = "id" if column_names.compact(column) in column_names.NAMES["customer_id"] else "name"
                known.setdefault(kind, value)
        if parts:
            known.setdefault("name", " ".join(parts))
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
            if inside := self._messages_in(said.text):
                thread = self._thread(row.line, row.cells, inside)
                thread.at = said.at
                thread.external_id, thread.raw = self._id(row.cells), raw_of(row)
                yield record_of(thread, self._reader)
                continue
            thread = self._thread(row.line, row.cells, [said, *self._comments(row.cells), *self._reply(row.cells)])
            if len(thread.messages) > 1 and not said.role:
                said.role = CUSTOMER  # and by name, so that nobody else is taken for the customer
                said.author = said.author or next(iter((self._known_customer(row.cells) or {}).values()), "")
            thread.external_id = self._id(row.cells)
            thread.raw = raw_of(row)
            yield record_of(thread, self._reader)

    def _id(self, cells: Sequence[object]) -> str:
        if self._has_ids_in_links:
            return _id_in(self._layout.word(cells, self._map.one("url")))
        return self._layout.word(cells, self._map.one("id"))

    def _said(self, cells: Sequence[object]) -> Said:
        texts = [cell_text(value) for column in self._map.of("text") for value in self._layout.values(cells, column)]
        return Said("\n".join(dict.fromkeys(texts)), self._role(cells), self._author(cells), self._at(cells))

    def _messages_in(self, text: str) -> list[Said]:
        """Return the messages of a cell that holds a list of them, as JSON or as Python writes it."""
        found = objects_in(text)
        if not are_messages(found):
            return []
        objects = [each for each in spread(found) if isinstance(each, Mapping)]
        if self._cells_reader is None:
            self._cells_reader = Reader(columns.Mapping({}, ()), mapping_of(objects, {}))
        return [self._cells_reader.said(each) for each in objects if not is_internal(each)]

    def _both(self, cells: Sequence[object]) -> list[Said]:
        """Return the message of a row, or those of both sides where each has a column of its own."""
        said, reply = self._said(cells), self._reply(cells)
        if not self._map.of("reply"):
            return [said]
        said.role = said.role or CUSTOMER
        for each in reply:
            each.at = said.at
        return [each for each in (said, *reply) if each.text.strip()]

    def _reply(self, cells: Sequence[object]) -> list[Said]:
        """Return what the firm answered in the same row."""
        text = cell_text(self._layout.value(cells, self._map.one("reply")))
        return [Said(text, AGENT)] if text.strip() else []

    def _role(self, cells: Sequence[object]) -> str:
        """Return the word for the role, or the role itself where it needs the column's name: `inbound` true."""
        for column in self._kinds:
            if role_in_field(column, self._layout.word(cells, column)) == SYSTEM:
                return SYSTEM
        for column in self._map.of("role"):
            value = self._layout.value(cells, column)
            if not is_blank(value):
                word = cell_text(value).strip()
                if not is_flag(column) and role_of(word):
                    return word  # what it means may depend on the other words of the file
                return role_in_field(column, value) or _OSTICKET.get(word if len(word) == 1 else "", word)
        return ""

    def _author(self, cells: Sequence[object]) -> str:
        return next((word for column in self._map.of("author") if (word := self._layout.word(cells, column))), "")

    def _comments(self, cells: Sequence[object]) -> list[Said]:
        said = []
        for name in self._layout.journals:
            entries = split_journal(cell_text(self._layout.value(cells, name)))
            said += [Said(each.text, "", each.author, each.time) for each in entries]
        for cell in self._layout.values(cells, self._layout.comments):
            if found := comment_in(cell_text(cell)):
                said.append(Said(found[3].strip(), "", found[2].strip(), found[1]))
            else:
                said.append(Said(cell_text(cell)))
        return said

    def _thread(self, line: int, cells: Sequence[object], messages: list[Said]) -> Thread:
        layout = self._layout
        return Thread(
            messages,
            line=line,
            subject=cell_text(layout.value(cells, self._map.one("subject"))),
            customer=self._known_customer(cells),
            at=messages[0].at if messages else None,
            url=layout.word(cells, self._map.one("url")),
            label=layout.word(cells, self._map.one("label")),
            metadata=self._metadata(cells),
            unit=self._table.unit,
            part=self._table.name,
            is_time_mapped="created_at" in self._options.mapping,
        )

    def _metadata(self, cells: Sequence[object]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in self._map.unused:
            values = [cell_text(value) for value in self._layout.values(cells, name)]
            if values:
                found[name] = values[0] if len(values) == 1 else values
        return {**found, **object_in(cell_text(self._layout.value(cells, self._map.one("metadata"))))}

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
                thread.raw = raw_of(row)
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
        numbers = self._layout.text_messages
        self._summary.fields["author"] = self._layout.chat_author or " or ".join(numbers or ())
        passed_over = 0
        with Chats() as chats:
            for row in self._rows():
                if isinstance(row, Reject):
                    yield row
                    continue
                text, role, at = self._said(row.cells).text, "", self._at(row.cells)
                author, room = self._layout.word(row.cells, self._layout.chat_author), ""
                if numbers:
                    # of the two numbers the customer's names the chat: who sent what came in, or got what went out
                    role = self._role(row.cells)
                    author = room = self._layout.word(row.cells, numbers[role_of(role) != CUSTOMER])
                    author = author if role_of(role) == CUSTOMER else ""
                message = ChatMessage(
                    message_id(author or role, text, at), author, text, at, row.line, role=role, part=self._table.name
                )
                if text.strip():
                    chats.add(room or self._layout.word(row.cells, self._layout.chat_room) or "chat", message)
                else:
                    passed_over += 1
            for thread in chats.conversations(self._options.pause):
                thread.unit = self._table.unit
                thread.customer = thread.metadata["chat"] if numbers else None
                yield record_of(thread, self._reader)
            say_cut(self._summary, chats.messages, chats.cut_into, self._options.pause, passed_over)

    def _is_internal(self, cells: Sequence[object]) -> bool:
        """Return whether a row is a note of the team among themselves, as `notes` tells of its columns."""
        is_note = any(says_note(name, self._layout.word(cells, name)) for name in self._of_notes)
        role = self._map.one("role")
        is_os_note = column_names.compact(role) == "type" and self._layout.word(cells, role) == "N"
        return is_note or is_os_note

    def _gather(self, gathered: Gathered, key: str, row: Row) -> None:
        if self._is_internal(row.cells):
            self._internal += 1
            return
        at = self._at(row.cells)
        cells = [plain_cell(cell) for cell in row.cells]
        gathered.add(key, {"line": row.line, "cells": cells}, order=order_of(at))

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
        said = [each for row in rows for each in self._both(row["cells"])]
        thread = self._thread(rows[0]["line"], rows[0]["cells"], said)
        thread.external_id, thread.is_gathered = key, True
        thread.at = next((said.at for said in thread.messages if said.at), None)
        for row in rows[1:]:
            thread.customer = thread.customer or self._known_customer(row["cells"])
            thread.label = thread.label or self._layout.word(row["cells"], self._map.one("label"))
            thread.url = thread.url or self._layout.word(row["cells"], self._map.one("url"))
            thread.subject = thread.subject or cell_text(self._layout.value(row["cells"], self._map.one("subject")))
        own = [said.author for said in thread.messages if said.author and role_of(said.role) == CUSTOMER]
        if own and not thread.customer:
            thread.customer = own[0]
        return thread
