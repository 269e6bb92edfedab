"""Chats that a program keeps as text: WhatsApp, LINE, KakaoTalk, Viber, Telegram, QQ, Pidgin, and the logs of IRC.

One format for all of them: how a file's lines begin is learned from the file (`parsing.chat_lines`). What is decided
here is what a learned line means: on which day, by whom for whom, and whether anybody said it.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any

from pipeline.sources.formats.base import Head, Options, Recognised, Stream
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.formats.transcript import is_heading
from pipeline.sources.parsing.chat_lines import (
    LEARNED_LINES,
    OPERATORS,
    Grammar,
    Line,
    day_in,
    learn,
    messages,
    without_number,
)
from pipeline.sources.parsing.encodings import UnknownEncoding
from pipeline.sources.parsing.headed_text import headed_messages, is_headed
from pipeline.sources.parsing.lines import text_lines
from pipeline.sources.parsing.parts import DAMAGE, Part
from pipeline.sources.records import Reject
from pipeline.sources.understanding.chats import DIRECT_PAUSE, GROUP_PAUSE, ChatMessage, cut, say_cut
from pipeline.sources.understanding.gathering import Gathered
from pipeline.sources.understanding.moments import DayOrder
from pipeline.sources.understanding.placeholders import is_placeholder
from pipeline.sources.understanding.roles import AGENT, CUSTOMER, greets_as_a_desk, identity, is_oneself
from pipeline.sources.understanding.threads import record_of
from pipeline.sources.understanding.times import TimeColumn, TimeReader

HEAD_LINES = 6
"""Lines that may stand above the first message: what the chat is called, when it was saved."""

ENOUGH = 0.3
"""Part of the first lines that begin a message, from which a file is a chat wherever its first message stands."""

_EDITED = re.compile(r"\s?\u200e?<[^<>\n]{5,60}>$")
"""WhatsApp's mark below an edited message, in every language: a remark in angle brackets at its end."""

_DATE_PARTS = re.compile(r"(\d{1,4})([./-]) ?(\d{1,2})[./-] ?(\d{1,4})")
_DAY_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?([0-3]\d)(?!\d)")


class ChatLog:
    """A chat of one or many people, one to a file."""

    name = "Chat log"

    def sniff(self, head: Head) -> float:
        lines = head.text[:100_000].splitlines()[: 2 * LEARNED_LINES]
        if _is_headed_chat(lines):
            return 0.93
        grammar = learn(lines)
        if grammar is None or grammar.is_elapsed:
            return 0.0
        # a clock alone may be how far a call has gone, which a transcript tells
        if not (grammar.has_dates or any("<N>" in shape for shape in grammar.shapes) or any(map(day_in, lines))):
            return 0.0
        if sum(map(is_heading, lines)) > 1:  # several conversations, set apart by headings
            return 0.5
        if not grammar.starts or (grammar.starts <= HEAD_LINES and grammar.share >= ENOUGH / 2):
            return 0.97
        return 0.9 if grammar.share >= ENOUGH else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(text="message", author="name", times="at each message")
        counts = Counter[str]()
        for part in stream.parts:
            yield from _conversations(part, stream, options, counts)
        say_cut(stream.summary, counts["messages"], counts["conversations"], options.pause, counts["skipped"])


def _conversations(part: Part, stream: Stream, options: Options, counts: Counter[str]) -> Rows:
    """Yield the conversations of one chat. How its times are written is known only when all of it has been seen."""
    dates, people = _Dates(), _People()
    # on disk: a chat of years does not fit into memory, and its dates can be read only at its end
    with Gathered() as gathered:
        number, above = 0, _chat_name(part)
        try:
            first = list(islice(text_lines(part, options), 2 * LEARNED_LINES))
            lines, starts = _lines(part, options, first, stream.summary)
            above = " ".join([above, *first[: min(starts, HEAD_LINES)]])
            for number, line in enumerate(lines, start=1):
                text = _said(line)
                if not line.author or not text:
                    counts["skipped"] += 1
                    continue
                counts["messages"] += 1
                dates.see(line)
                people.see(line)
                gathered.add("", {**asdict(line), "text": text, "number": number})
        except (*DAMAGE, OSError, UnknownEncoding) as error:
            yield Reject(number + 1, f"the rest of the chat cannot be read: {error}", unit="message", part=part.name)
        reader = dates.reader(options)
        if str(reader):
            stream.summary.note(f"Dates are read with the {reader}; use --date-format if that is wrong.")
        pause = options.pause or (DIRECT_PAUSE if len(people.messages) <= 2 else GROUP_PAUSE)
        roles = people.roles(above, is_alone=len(stream.parts) == 1, summary=stream.summary)
        told = (_chat_message(thing, reader, part, roles) for thing in gathered.in_order(""))
        for thread in cut(told, chat=_chat_name(part), pause=pause):
            counts["conversations"] += 1
            yield record_of(thread)


def _lines(part: Part, options: Options, first: Sequence[str], summary: Recognised) -> tuple[Iterator[Line], int]:
    """Return the messages of a chat, and how many lines stand above the first one; `first` are its first lines."""
    if _is_headed_chat(first):
        headed = headed_messages(lambda: text_lines(part, options))
        return (Line(each.sent, without_number(each.sender), each.text) for each in headed), HEAD_LINES
    grammar = learn(first)
    if grammar is None:
        return iter(()), 0
    return messages(text_lines(part, options), grammar, _day_of_name(part, grammar, first, summary)), grammar.starts


def _is_headed_chat(lines: Sequence[str]) -> bool:
    """Return whether messages stand below lines that say from whom and when, and have no subject as mail has."""
    if not is_headed(lines):
        return False
    found = list(headed_messages(lambda: lines))
    return len(found) > 1 and not any(each.subject is not None for each in found)


def _said(line: Line) -> str:
    """Return what somebody wrote; nothing where the chat says that something was sent or taken back."""
    text = _EDITED.sub("", line.text)
    if text[:1] == '"' == text[-1:] and len(text) > 1 and "\n" in text:  # as LINE keeps a message of several lines
        text = text[1:-1]
    return "" if line.is_the_programs or is_placeholder(line.text) else text.strip()


def _chat_message(thing: Mapping[str, Any], reader: TimeReader, part: Part, roles: Mapping[str, str]) -> ChatMessage:
    """Return a kept message; its id is made of what it says, so that a longer export of the chat has it again."""
    said = f"{thing['when']} {thing['author']} {thing['text']}"
    key = hashlib.sha256(said.encode(errors="replace")).hexdigest()[:16]
    author = thing["author"]
    return ChatMessage(
        key, author, thing["text"], reader.read(thing["when"]), thing["number"],
        role=roles.get(identity(author), ""), part=part.name,
    )  # fmt: skip


def _chat_name(part: Part) -> str:
    """Return what to call a chat: its file's name, or that of the zip that holds the file `_chat.txt` of iOS."""
    name = part.basename.removesuffix(".txt").removesuffix(".log")
    return (part.folder.rpartition("/")[2].removesuffix(".zip") if name == "_chat" else name)[:100] or "chat"


def _day_of_name(part: Part, grammar: Grammar, lines: Iterable[str], summary: Recognised) -> str:
    """Return the day that the file's name tells, where its lines have a clock alone: a log that has a file a day."""
    found = _DAY_IN_NAME.search(part.basename)
    if not found or grammar.has_dates or any(map(day_in, lines)):
        return ""
    summary.note("The lines give no date; it is taken from the names of the files.")
    return "-".join(found.groups())


# --- People ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _People:
    """Who writes in one chat, in the order in which they first do."""

    messages: Counter[str] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)
    greeting: set[str] = field(default_factory=set)

    def see(self, line: Line) -> None:
        """Take a message into account."""
        who = identity(line.author)
        self.messages[who] += 1
        self.names.setdefault(who, line.author)
        if line.mark and line.mark[0] in OPERATORS:
            self.operators.add(who)
        if self.messages[who] == 1 and greets_as_a_desk(line.text):
            self.greeting.add(who)

    def roles(self, above: str, *, is_alone: bool, summary: Recognised) -> dict[str, str]:
        """Return the role of each who writes as far as the chat tells it; others are left to the census of all chats.

        Who saved the chat, or looks after the channel, is the team's. Of two people the one after whom the chat is
        called is the customer; of a chat that stands alone, the one who wrote first, unless they greet as a desk does.
        """
        everybody = list(self.names)
        staff = {who for who in everybody if is_oneself(who)} | self.operators
        roles = dict.fromkeys(staff, AGENT) if len(staff) < len(everybody) else {}
        if len(everybody) != 2:
            return roles
        called = [who for who in everybody if self.names[who] in above]
        why = "the chat is named after them"
        if roles:
            customer = next(who for who in everybody if who not in roles)
            why = f"the other is {self.names[next(iter(roles))]}"
        elif len(called) == 1:
            customer = called[0]
        elif not is_alone:
            return {}
        elif len(self.greeting) == 1:
            customer = next(who for who in everybody if who not in self.greeting)
            why = "the other greets as a desk does"
        else:
            customer, why = everybody[0], "they wrote first"
        if is_alone:
            summary.note(f"Of the two people who write, {self.names[customer]} is read as the customer: {why}.")
        return {who: CUSTOMER if who == customer else AGENT for who in everybody}


# --- Dates -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Dates:
    """What all dates of a chat show: numbers above 12, how they are written, and that a chat goes forward in time."""

    column: TimeColumn = field(default_factory=TimeColumn)
    separators: set[str] = field(default_factory=set)
    looks_american: bool = True  # 5/12/26, 9:15 PM: no zero in front, two digits of the year, capital letters
    last: dict[DayOrder, tuple[int, int, int]] = field(default_factory=dict)
    steps_back: Counter[DayOrder] = field(default_factory=Counter)

    def see(self, line: Line) -> None:
        """Take a message into account."""
        self.column.see(line.when)
        found = _DATE_PARTS.match(line.when)
        if not found or len(found[1]) == 4:
            return
        first, separator, second, year = found.groups()
        self.separators.add(separator)
        is_padded = first.startswith("0") or second.startswith("0")
        self.looks_american &= not is_padded and len(year) == 2 and line.is_american
        days = {
            DayOrder.DAY_FIRST: (int(year), int(second), int(first)),
            DayOrder.MONTH_FIRST: (int(year), int(first), int(second)),
        }
        for order, day in days.items():
            self.steps_back[order] += day < self.last.get(order, day)
            self.last[order] = day

    def reader(self, options: Options) -> TimeReader:
        """Return what reads the times: as a person said, else as the dates show, else as telephones write them."""
        reader = self.column.reader(options.date_format)
        if options.date_format:
            return reader
        orders = dict(reader.day_orders)
        for separator in self.separators:
            if orders.get(separator, DayOrder.OPEN) is DayOrder.OPEN:
                orders[separator] = self._order()
        return replace(reader, day_orders=orders)

    def _order(self) -> DayOrder:
        by_days, by_months = self.steps_back[DayOrder.DAY_FIRST], self.steps_back[DayOrder.MONTH_FIRST]
        if by_days != by_months:
            return DayOrder.DAY_FIRST if by_days < by_months else DayOrder.MONTH_FIRST
        return DayOrder.MONTH_FIRST if self.looks_american else DayOrder.DAY_FIRST
