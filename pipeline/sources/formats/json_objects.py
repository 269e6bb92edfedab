"""What the formats in JSON share: finding the list of their objects in a file, and reading it object by object."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Found, Head, Options, Person, Recognised, Stream, limit
from pipeline.sources.formats.json_lists import lists_of, people_in
from pipeline.sources.parsing.elements import Element, Path, parse
from pipeline.sources.parsing.heads import elements_of, head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.records import Record, Reject, excerpt
from pipeline.sources.understanding.chats import ChatMessage, Chats, say_cut
from pipeline.sources.understanding.column_names import at_path
from pipeline.sources.understanding.gathering import Gathered, order_of
from pipeline.sources.understanding.related import with_people
from pipeline.sources.understanding.threads import Said, Thread, record_of, text_of, word
from pipeline.sources.understanding.times import TimeColumn, TimeReader

Rows = Iterator[Record | Reject]
NESTED = 0.995
"""A list within a list is a little less likely what is meant than the outer one."""

BAD_SHAPE = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What reading an object raises whose fields are of other kinds than the format's."""


class JsonFormat:
    """Objects of JSON, one by one, wherever in the file their list is."""

    name = ""
    says: Mapping[str, str] = {}
    """Which field of the file means customer, text, time, role: printed with the summary."""

    def fits(self, found: Found) -> float:
        """Return how sure it is that this is one of its objects."""
        raise NotImplementedError

    def sniff(self, head: Head) -> float:
        return self._best(head)[0]

    def path(self, head: Head) -> Path:
        """Return the way to the objects of this format in that file."""
        return self._best(head)[1]

    def _best(self, head: Head) -> tuple[float, Path]:
        """Return the best fit of a list's first objects, and the way to it; of two alike the longer list."""
        found = [
            (self._fit(objects) * NESTED ** len(path), len(objects), path)
            for path, objects in head.lists.items()
            if not _are_branches(path, head.lists)
        ]
        best = max(found, key=lambda each: (each[0], each[1], -len(each[2])), default=(0.0, 0, ()))
        return best[0], best[2]

    def _fit(self, objects: Iterable[Found]) -> float:
        fits = [self._fits(found) for found in objects]
        return sum(fits) / len(fits) if fits else 0.0

    def _fits(self, found: Found) -> float:
        """Return how sure it is; not at all of an object whose fields are of other kinds than the format's."""
        try:
            return self.fits(found)
        except BAD_SHAPE:
            return 0.0

    def objects(self, stream: Stream, options: Options) -> Iterator[tuple[Element, Part, Found] | Reject]:
        """Yield the objects of all parts, each with its element and part; what is none as a reject."""
        stream.summary.fields = {**self.says, **stream.summary.fields}  # what a person mapped stands
        for part in stream.parts:
            head = head_of(part, options)
            for element in elements_of(part, self.path(head), head, limit()):
                found = parse(element)
                yield (element, part, found) if isinstance(found, dict) else refused(element, part, found)


def _are_branches(path: Path, lists: Mapping[Path, Sequence[Found]]) -> bool:
    """Return whether a list holds what its outer list holds, as the answers to a post do: the tree is read whole."""
    inner, outer = lists[path][:1], lists.get(path[:-1], ())[:1] if path else ()
    if not inner or not outer or path[-1] not in inner[0]:
        return False
    # a field may be left out where it is empty
    return 3 * len(inner[0].keys() & outer[0].keys()) >= 2 * len(inner[0].keys() | outer[0].keys())


def refused(element: Element, part: Part, reason: str) -> Reject:
    """Return the reject of an element."""
    return Reject(element.number, reason, raw=excerpt(element.raw), unit="element", part=part.label)


def too_long(name: str) -> Reject:
    """Return the reject of a conversation that was gathered and is longer than one may be."""
    return Reject(0, f"the conversation is longer than {limit():,} bytes", name[:200], unit="conversation")


class ThreadFormat(JsonFormat):
    """Each object is a conversation."""

    def thread(self, found: Found, summary: Recognised) -> Thread:
        """Return the conversation that an object is; one of BAD_SHAPE if it is none."""
        raise NotImplementedError

    def records(self, stream: Stream, options: Options) -> Rows:
        reader = time_reader(options)
        say_mapped(stream.summary, self.name, options.mapping, takes=True)
        for each in self.objects(stream, options):
            if isinstance(each, Reject):
                yield each
                continue
            element, part, found = each
            try:
                thread = self.thread(found, stream.summary)
            except BAD_SHAPE as error:
                yield refused(element, part, f"not the structure of {self.name}: {_what(error)}")
                continue
            thread.line, thread.part, thread.raw = element.number, part.label, element.raw[:2000]
            overrule(thread, found, options.mapping)
            yield record_of(thread, reader)


_OVERRULED = {
    "id": "external_id", "subject": "subject", "customer": "customer", "created_at": "at", "url": "url",
    "label": "label",
}  # fmt: skip
"""Fields that a person may map, and those of a thread."""


def overrule(thread: Thread, found: Found, mapping: Mapping[str, str]) -> None:
    """Let a person's word about a field of a whole conversation stand above what the vendor's format takes for it."""
    for field, path in mapping.items():
        if field in _OVERRULED:
            values = [value for each in path.split("\n") if (value := at_path(found, each)) not in (None, "")]
            if values or not path:
                value = values[0] if values else None
                is_text = field in ("subject", "url", "label")
                thread.is_time_mapped |= field == "created_at"
                setattr(thread, _OVERRULED[field], (text_of(value) or word(value)) if is_text else value)


def say_mapped(summary: Recognised, name: str, mapping: Mapping[str, str], *, takes: bool) -> None:
    """Say which of the fields that a person mapped are taken so, and which the format says itself."""
    summary.fields.update({field: path for field, path in mapping.items() if takes and field in _OVERRULED})
    if ignored := [field for field in mapping if not takes or field not in _OVERRULED]:
        summary.note(f"--map was not used for {', '.join(ignored)}: the format {name!r} says that itself.")


class MessageFormat(JsonFormat):
    """Each object is a message, which says what conversation it belongs to: they are gathered."""

    def message(self, found: Found) -> tuple[str, Said | None]:
        """Return the key of the conversation and the message; None instead of one that nobody said (a note)."""
        raise NotImplementedError

    def describe(self, thread: Thread, found: Found) -> None:
        """Fill in what an object says about its whole conversation."""

    def records(self, stream: Stream, options: Options) -> Rows:
        reader = time_reader(options)
        say_mapped(stream.summary, self.name, options.mapping, takes=False)
        people: dict[str, Person] = {}
        for part in stream.parts:
            head = head_of(part, options)
            people |= people_in(part, head, lists_of(part, head))
        unsaid = 0
        with Gathered() as gathered:
            for each in self.objects(stream, options):
                if isinstance(each, Reject):
                    yield each
                    continue
                element, part, found = each
                try:
                    key, said = self.message(found)
                    at = reader.read(said.at) if said else None
                except BAD_SHAPE as error:
                    yield refused(element, part, f"not the structure of {self.name}: {_what(error)}")
                    continue
                unsaid += said is None
                place = {"line": element.number, "part": part.label}
                gathered.add(key, {**place, "found": found}, order=order_of(at))
            if unsaid:
                entries = counted(unsaid, "entry", "entries")
                stream.summary.note(f"Left out: {entries} that the customer did not see: notes, drafts, events.")
            for key, things in gathered.groups(limit()):
                row = self._record(key, things, reader)
                yield with_people(row, people) if isinstance(row, Record) else row

    def _record(self, key: str, things: list[dict[str, Any]] | None, reader: TimeReader) -> Record | Reject:
        if things is None:
            return too_long(key)
        thread = Thread([], external_id=key, line=things[0]["line"], part=things[0]["part"])
        for thing in things:
            said = self.message(thing["found"])[1]
            if said:
                thread.messages.append(said)
                self.describe(thread, thing["found"])
        thread.at = next((said.at for said in thread.messages if said.at), None)
        return record_of(thread, reader)


class ChatFormat(JsonFormat):
    """Each object is a message of a chat without threads, or with some: it is cut into conversations."""

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        """Return the message, or None for what nobody said (somebody joined). `head` is that of its file."""
        raise NotImplementedError

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        """Return what to call the chat that a message belongs to."""
        raise NotImplementedError

    def title_of(self, element: Element, head: Head) -> str:
        """Return what people call the chat, where `chat_of` is an id."""
        return ""

    def chat_named(self, found: Found, otherwise: str) -> str:
        """Return what a message itself calls its chat, where one file holds several; else `otherwise`."""
        return otherwise

    def records(self, stream: Stream, options: Options) -> Rows:
        reader = time_reader(options)
        say_mapped(stream.summary, self.name, options.mapping, takes=False)
        passed_over = 0
        with Chats() as chats:
            for each in self.messages(stream, options):
                if isinstance(each, Reject):
                    yield each
                    continue
                chat, message, title = each
                if message is None or not message.text.strip():
                    passed_over += 1
                else:
                    chats.add(chat, message, title)
            for thread in chats.conversations(options.pause):
                yield record_of(thread, reader)
            say_cut(stream.summary, chats.messages, chats.cut_into, options.pause, passed_over)

    def messages(self, stream: Stream, options: Options) -> Iterator[tuple[str, ChatMessage | None, str] | Reject]:
        """Yield each message with the name, or id, of its chat before it and its title behind it."""
        heads: dict[str, Head] = {}  # of the part that is being read
        for each in self.objects(stream, options):
            if isinstance(each, Reject):
                yield each
                continue
            element, part, found = each
            if part.name not in heads:
                heads = {part.name: head_of(part, options)}
            try:
                message = self.message(found, heads[part.name])
                chat = self.chat_named(found, self.chat_of(element, part, heads[part.name]))
            except BAD_SHAPE as error:
                yield refused(element, part, f"not the structure of {self.name}: {_what(error)}")
                continue
            if message:
                message.line, message.part = element.number, part.label
            yield chat, message, self.title_of(element, heads[part.name])


def _what(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return str(error) if type(error) is ValueError else "a field has an unexpected type"


def time_reader(options: Options) -> TimeReader:
    """Return what reads times in JSON, which are seldom open."""
    return TimeColumn().reader(options.date_format)
