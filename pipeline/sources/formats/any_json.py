"""JSON of a shape nobody told us: the list of conversations is found, and in it the fields, by their names and values.

Objects that are conversations hold a text or a list of messages. Objects that are messages name their conversation,
and are gathered to it. `--map` says any field otherwise, also by a path such as `requester.email`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.sources.formats.base import Head, Options, Recognised, Stream
from pipeline.sources.formats.json_objects import BAD_SHAPE, Found, JsonFormat, Rows, limit, refused, time_reader
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.heads import head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.understanding import columns
from pipeline.sources.understanding.columns import at_path, compact
from pipeline.sources.understanding.gathering import Gathered
from pipeline.sources.understanding.roles import is_flag, role_in_field
from pipeline.sources.understanding.threads import Said, Thread, customer_of, record_of, rest, text_of, word
from pipeline.sources.understanding.times import TimeReader

_MESSAGES = [
    "messages",
    "comments",
    "conversation",
    "conversations",
    "turns",
    "dialogue",
    "dialog",
    "utterances",
    "threads",
    "thread",
    "replies",
    "posts",
    "notes",
    "events",
    "interactions",
    "chat",
    "transcript",
    "log",
    "history",
    "entries",
    "items",
    "parts",
    "chatmessages",
    "messagelist",
    "articles",
    "emails",
]

_MESSAGE_TEXT = [
    "text",
    "content",
    "body",
    "message",
    "value",
    "utterance",
    "bodytext",
    "plainbody",
    "html",
    "bodyhtml",
    "bodyplain",
    "richtext",
    "comment",
    "note",
    "transcript",
    "description",
    "msg",
    "line",
]

_ROLE_KEYS = ("role", "type", "user_type", "kind")
_NOWHERE = "\0"
_NAME_KEYS = ("name", "display_name", "displayName", "username", "login", "nickname", "email", "id")


def keyed(found: Found) -> dict[str, str]:
    """Return the keys of an object by their names as they are compared; of two alike the first."""
    return {compact(str(key)): key for key in reversed(list(found))}


def _message_text(found: object) -> str:
    """Return the key of what a message says; nothing if it says nothing."""
    if not isinstance(found, Mapping):
        return ""
    keys = keyed(found)
    return next((keys[name] for name in _MESSAGE_TEXT if name in keys and text_of(found[keys[name]]).strip()), "")


def messages_key(found: Found) -> str:
    """Return the key of an object's list of messages, or of lines that take turns; nothing if it has none."""
    keys = keyed(found)
    return next((keys[name] for name in _MESSAGES if name in keys and _are_messages(found[keys[name]])), "")


def _are_messages(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    some = value[:20]
    if all(isinstance(each, str) for each in some):
        return len(value) > 1 and any(each.strip() for each in some)
    return sum(bool(_message_text(each)) for each in some) * 2 >= len(some)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(value: object) -> object:
    """Return a value as a cell of a table would show it."""
    if isinstance(value, Mapping):
        return customer_of(value)[0] or text_of(value)
    return text_of(value) if isinstance(value, list) else value


def mapping_of(objects: Sequence[Found], given: Mapping[str, str]) -> columns.Mapping:
    """Return which keys of these objects mean what; the text is at no key where none of them can be it."""
    profiles = {str(key): columns.Profile(str(key)) for found in objects for key in found}
    for path in "\n".join(given.values()).split("\n"):
        if path and any(at_path(found, path) is not None for found in objects):
            profiles.setdefault(path, columns.Profile(path))
    for found in objects:
        for name, profile in profiles.items():
            profile.see(_plain(at_path(found, name)))
    try:
        return columns.find(list(profiles.values()), given)
    except columns.AmbiguousColumns:  # the other fields are found all the same
        profiles[_NOWHERE] = columns.Profile(_NOWHERE)
        return columns.find(list(profiles.values()), {**given, "text": _NOWHERE})


@dataclass(slots=True)
class Reader:
    """Reads objects as conversations, as the first objects of the file showed what their fields mean."""

    conversation: columns.Mapping
    message: columns.Mapping
    messages: str = ""
    """The key of the list of messages; empty where there is only a text."""

    notes: list[str] = field(default_factory=list)

    def thread(self, found: Found) -> Thread:
        """Return the conversation that an object is."""
        key = self.messages if _are_messages(at_path(found, self.messages)) else messages_key(found)
        given = at_path(found, key) if key else None
        if isinstance(given, list) and all(isinstance(each, str) for each in given):
            given = ["\n".join(given)]  # lines, which may say who speaks
        messages = [self.said(each) for each in given] if isinstance(given, list) else []
        texts = [key for key in self._of("text") if key != self.messages] or [_message_text(found)]
        if not any(said.text.strip() for said in messages):
            messages = [Said("\n\n".join(text for each in texts if (text := text_of(at_path(found, each)).strip())))]
        metadata = found.get("metadata")
        used = {key, *(texts if key not in found else ()), *(path for name in _KEPT for path in self._of(name))}
        customers = [value for path in self._of("customer") if (value := at_path(found, path)) not in (None, "")]
        names = tuple(name for value in customers[1:] for name in customer_of(value)[1])
        return Thread(
            messages,
            external_id=self._word(found, "id") or self._word(found, "conversation"),
            subject=text_of(self._value(found, "subject")),
            customer=customers[0] if customers else None,
            names=names,
            at=self._value(found, "created_at"),
            label=self._word(found, "label"),
            url=self._word(found, "url"),
            classified_at=self._value(found, "classified_at"),
            metadata={
                **rest(found, "metadata", *used),
                **(metadata if isinstance(metadata, dict) else {}),
            },
        )

    def said(self, found: object) -> Said:
        """Return the message that an object, or a line, is."""
        if not isinstance(found, Mapping):
            return Said(text_of(found))
        known = self.message
        text = text_of(at_path(found, known.one("text")))
        role = self._role(found)
        author = self._author(found)
        at = at_path(found, known.one("created_at")) if known.one("created_at") else None
        return Said(text or text_of(found.get(_message_text(found))), role, "" if author == role else author, at)

    def _role(self, found: Found) -> str:
        path = self.message.one("role")
        value = at_path(found, path) if path else None
        if role := _role_in(path, value):
            return role
        for key, each in found.items():
            if (is_flag(key) and (role := _role_in(key, each))) or (
                isinstance(each, Mapping) and (role := _role_in(key, each))
            ):
                return role
        return word(value) if compact(path) == "role" else ""

    def _author(self, found: Found) -> str:
        path = self.message.one("author")
        if path and (name := _name(at_path(found, path))):
            return name
        keys = keyed(found)
        return next(
            (name for each in ("author", "sender", "from", "user") if (name := _name(found.get(keys.get(each, ""))))),
            "",
        )

    def _of(self, name: str) -> tuple[str, ...]:
        return self.conversation.of(name)

    def _value(self, found: Found, name: str) -> object:
        return next((value for path in self._of(name) if (value := at_path(found, path)) not in (None, "")), None)

    def _word(self, found: Found, name: str) -> str:
        return word(self._value(found, name))


_KEPT = ("id", "subject", "customer", "created_at", "label", "url", "classified_at")


def _role_in(key: str, value: object) -> str:
    """Return the role that a field of a message says: itself, or the object of its author."""
    if isinstance(value, Mapping):
        said = (role_in_field(name, value[name]) for name in _ROLE_KEYS if isinstance(value.get(name), str))
        return next((role for role in said if role), "")
    if isinstance(value, str) and not is_flag(key) and role_in_field(key, value):
        return value  # the word itself, to be counted
    return (role_in_field(key, value) or "") if isinstance(value, str | int) else ""


def _name(value: object) -> str:
    if isinstance(value, Mapping):
        return next((name for key in _NAME_KEYS if (name := word(value.get(key)))), "")
    return word(value)


class AnyJson(JsonFormat):
    name = "JSON"

    def fits(self, found: Found) -> float:
        """Return how much an object is like a conversation, or a message of one."""
        if messages_key(found):
            return 0.55
        keys = keyed(found)
        has_text = any(name in keys and text_of(found[keys[name]]).strip() for name in columns.NAMES["text"])
        if not has_text:
            return 0.2 if any(name in keys for name in columns.NAMES["subject"]) else 0.0
        about = ("id", "created_at", "customer", "subject", "role", "customer_id")
        return 0.3 + 0.03 * sum(any(name in keys for name in columns.NAMES[each]) for each in about)

    def sniff(self, head: Head) -> float:
        is_json = head.text.lstrip()[:1] in ("{", "[") and bool(head.text.strip())
        return max(super().sniff(head), 0.12) if is_json else 0.0

    def reader(self, stream: Stream, options: Options, head: Head) -> Reader:
        """Return what reads the objects of a file, and say in the summary which fields it takes for what."""
        objects = head.lists.get(self.path(head), [])
        key = next((key for found in objects if (key := messages_key(found))), "")
        said = [each for found in objects for each in _listed(at_path(found, key)) if isinstance(each, Mapping)][:200]
        given = options.mapping
        inner = {name: path for name, path in given.items() if any(at_path(each, path) is not None for each in said)}
        outer = {"text": key} if key else {}
        outer |= {"id": "id"} if any("id" in found for found in objects) else {}
        outer |= {name: path for name, path in given.items() if name not in inner}
        try:
            reader = Reader(mapping_of(objects, outer), mapping_of(said or objects, inner if said else given), key)
        except columns.UnknownColumn as error:
            raise UnreadableSource(str(error)) from error
        _describe(reader, stream.summary, has_messages=bool(said))
        return reader

    def records(self, stream: Stream, options: Options) -> Rows:
        clock = time_reader(options)
        for part in stream.parts:
            head = head_of(part, options)
            reader = self.reader(stream, options, head)
            objects = self.objects(Stream([part], stream.summary), options)
            if key := self.conversation_key(head, reader, options):
                stream.summary.fields["conversation"] = key
                yield from _gathered(objects, key, reader, clock)
            else:
                yield from (each if isinstance(each, Reject) else read_object(*each, reader, clock) for each in objects)

    def conversation_key(self, head: Head, reader: Reader, options: Options) -> str:
        """Return the field by which objects that are messages name their conversation; nothing if they are none."""
        if "conversation" in options.mapping:
            return options.mapping["conversation"]
        objects = head.lists.get(self.path(head), [])
        if reader.messages:
            return ""
        for key in (reader.message.one("conversation"), reader.message.one("id"), _ticket(objects)):
            names = [word(at_path(found, key)) for found in objects] if key else []
            repeats = len(set(names)) < len(names) and all(names)
            if repeats and any(reader.said(found).role or reader.said(found).author for found in objects):
                return key
        return ""


def _describe(reader: Reader, summary: Recognised, *, has_messages: bool) -> None:
    """Say in the summary which fields were taken for what."""
    found = reader.conversation.described()
    if has_messages:
        found = {**{name: path for name in ("role", "author") if (path := reader.message.one(name))}, **found}
    for name, path in found.items():
        if path != _NOWHERE:
            summary.fields.setdefault(name, path)
    for note in reader.conversation.notes:
        summary.note(note)


def _ticket(objects: Sequence[Found]) -> str:
    """Return the key of a message by which it names its ticket."""
    keys = keyed(objects[0]) if objects else {}
    names = ("ticketid", "caseid", "issueid", "conversationid", "messagetreeid", "requestid", "parentid")
    return next((keys[name] for name in names if name in keys), "")


def read_object(element: Element, part: Part, found: Found, reader: Reader, clock: TimeReader) -> Record | Reject:
    """Return the record of an object that is a conversation."""
    try:
        thread = reader.thread(found)
    except BAD_SHAPE as error:
        return refused(element, part, f"it cannot be understood: {error}")
    thread.line, thread.part, thread.raw = element.number, part.label, element.raw[:2000]
    return record_of(thread, clock)


def _gathered(
    objects: Iterator[tuple[Element, Part, Found] | Reject], key: str, reader: Reader, clock: TimeReader
) -> Rows:
    """Yield the conversations of objects that are messages."""
    with Gathered() as gathered:
        for each in objects:
            if isinstance(each, Reject):
                yield each
                continue
            element, part, found = each
            name = word(at_path(found, key))
            if not name:
                yield refused(element, part, f"it names no conversation: {key} is empty")
                continue
            at = clock.read(reader.said(found).at)
            thing = {"line": element.number, "part": part.label, "found": found}
            gathered.add(name, thing, order=at.timestamp() if at else 0.0)
        for name, things in gathered.groups(limit()):
            if things is None:
                yield Reject(0, f"the conversation is longer than {limit():,} bytes", name[:200], unit="conversation")
            else:
                yield record_of(_together(name, things, reader), clock)


def _together(name: str, things: Sequence[Found], reader: Reader) -> Thread:
    first = reader.thread(things[0]["found"])
    first.messages = [reader.said(thing["found"]) for thing in things]
    first.external_id, first.line, first.part = name, things[0]["line"], things[0]["part"]
    first.at = next((said.at for said in first.messages if said.at), None)
    first.metadata = {}
    if not any(said.role for said in first.messages):
        first.customer = None  # the first to write need not be the customer
    return first
