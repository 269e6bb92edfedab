"""JSON of a shape nobody told us: the list of conversations is found, and in it the fields, by their names and values.

Objects that are conversations hold a text or a list of messages. Objects that are messages name their conversation,
and are gathered to it. `--map` says any field otherwise, also by a path such as `requester.email`.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Found, Head, Options, Person, Recognised, Stream, limit
from pipeline.sources.formats.json_lists import FIRST, Link, link_between, lists_of, objects_at, people_in
from pipeline.sources.formats.json_messages import (
    flat,
    is_file,
    is_internal,
    is_log_entry,
    keyed,
    listed,
    message_text,
    messages_key,
    names_of_conversations,
    path_of_conversation,
    spread,
    value_of,
)
from pipeline.sources.formats.json_objects import BAD_SHAPE, JsonFormat, Rows, refused, time_reader, too_long
from pipeline.sources.formats.json_reader import CHATS, NOWHERE, WRITERS, Reader, mapping_of, name_of, take_turns
from pipeline.sources.parsing.elements import Element, Path, parse
from pipeline.sources.parsing.heads import elements_of, head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.understanding import column_names
from pipeline.sources.understanding.chats import GROUP_PAUSE, ChatMessage, is_chat, message_id, read_chat
from pipeline.sources.understanding.column_names import at_path, compact
from pipeline.sources.understanding.gathering import Gathered, order_of
from pipeline.sources.understanding.related import with_people
from pipeline.sources.understanding.replies import Replies
from pipeline.sources.understanding.roles import CUSTOMER, role_of
from pipeline.sources.understanding.threads import Thread, record_of, text_of, word
from pipeline.sources.understanding.times import TimeReader

_JSON = re.compile(r"\s*(?:\{|\[\s*(?:[\[\]{\"]|-?\d{1,20}(?:\.\d{1,20})?\s*[,\]]|true|false|null|$))")
"""How JSON begins. A bracket alone does not say so: `[10:00] Ada: Hello`, `[ 02.05.2026 ] 10:00 Ada: Hello`."""


class AnyJson(JsonFormat):
    name = "JSON"

    def fits(self, found: Found) -> float:
        """Return how much an object is like a conversation, or a message of one."""
        found = flat(found)
        if messages_key(found):
            return 0.55
        keys = keyed(found)
        has_text = any(
            name in keys and text_of(found[keys[name]]).strip() for name in (*column_names.NAMES["text"], "payload")
        )
        if not has_text:
            return 0.2 if any(name in keys for name in column_names.NAMES["subject"]) else 0.0
        about = ("id", "created_at", "customer", "subject", "role", "customer_id")
        return 0.3 + 0.03 * sum(any(name in keys for name in column_names.NAMES[each]) for each in about)

    def sniff(self, head: Head) -> float:
        is_json = _JSON.match(head.text) is not None
        return max(super().sniff(head), 0.12) if is_json else 0.0

    def reader(self, stream: Stream, options: Options, head: Head) -> Reader:
        """Return what reads the objects of a file, and say in the summary which fields it takes for what."""
        return reader_of(self._first(head), options, stream.summary)

    def _first(self, head: Head) -> list[Found]:
        """Return the first objects of a file."""
        return [flat(found) for found in head.lists.get(self.path(head), [])]

    def objects(self, stream: Stream, options: Options) -> Iterator[tuple[Element, Part, Found] | Reject]:
        for each in super().objects(stream, options):
            yield each if isinstance(each, Reject) else (each[0], each[1], flat(each[2]))

    def records(self, stream: Stream, options: Options) -> Rows:
        for part in stream.parts:
            head = head_of(part, options)
            lists = lists_of(part, head)
            people = people_in(part, head, lists)
            link = self._link(part, head, lists, options)
            if link:
                rows = _joint(link, part, head, people, options, stream.summary).records(stream.summary)
            else:
                rows = self._of_one_list(part, head, people, options, stream.summary)
            for row in rows:
                yield with_people(row, people) if isinstance(row, Record) else row

    def _link(self, part: Part, head: Head, lists: Mapping[Path, Sequence[Found]], options: Options) -> Link | None:
        """Return which two lists of a file are conversations and their messages, unless it is read otherwise."""
        if "conversation" in options.mapping or len(lists) < 2:
            return None
        link = link_between(part, head, lists)
        # the file itself may look like a conversation, since it has messages
        return link if link and self.path(head) in ((), link.conversations, link.messages) else None

    def _of_one_list(
        self, part: Part, head: Head, people: Mapping[str, Person], options: Options, summary: Recognised
    ) -> Rows:
        """Yield the conversations of one list of objects: each is one, or a message of one, or of a chat."""
        clock = time_reader(options)
        stream = Stream([part], summary)
        reader = self.reader(stream, options, head)
        reader.people = people
        objects = self.objects(stream, options)
        if key := self.conversation_key(head, reader, options):
            summary.fields["conversation"] = key
            yield from _gathered(_said_only(objects, summary), key, reader, clock, options, summary)
            return
        if parent := self._key_of_parents(head, reader, options):
            summary.fields["reply_to"] = parent
            again = self.objects(stream, options)
            yield from _gathered_by_replies(objects, again, parent, reader, clock)
            return
        if self._is_one_chat(head, reader, options):
            yield from _chat(objects, reader, clock, options, summary)
            return
        is_alone = head.is_whole and len(self._first(head)) == 1
        is_time_mapped = "created_at" in options.mapping
        for each in objects:
            if isinstance(each, Reject):
                yield each
            elif _holds_chat(each[2], reader, clock, is_alone=is_alone):
                yield from _chat_within(*each, reader, clock, options, summary)
            else:
                yield read_object(*each, reader, clock, is_time_mapped=is_time_mapped)

    def _key_of_parents(self, head: Head, reader: Reader, options: Options) -> str:
        """Return the field by which posts name the one that they answer; nothing if none of the first is answered."""
        path = options.mapping.get("reply_to") or reader.message.one("reply_to")
        objects = self._first(head)
        if not path or reader.messages or {"conversation", "id"} & options.mapping.keys():
            return ""
        ids = {own for found in objects if (own := _id_of_post(found))}
        answers = [found for found in objects if _bare(word(at_path(found, path))) in ids]
        # a ticket, or a task, below another one has a subject of its own
        subject = reader.conversation.one("subject")
        have_none = not subject or not any(word(at_path(found, subject)) for found in answers)
        return path if answers and have_none and len(ids) == len(objects) else ""

    def _is_one_chat(self, head: Head, reader: Reader, options: Options) -> bool:
        """Return whether the objects are messages of one chat, which names no conversations."""
        objects = self._first(head)
        known = reader.conversation
        if reader.messages or {"customer", "id"} & options.mapping.keys() or known.of("subject"):
            return False
        said = [reader.said(found) for found in objects]
        clock = time_reader(options)
        if any(each.role for each in said):
            return False
        writers = [next((keyed(found)[name] for name in WRITERS if name in keyed(found)), "") for found in objects]
        return all(writers) and is_chat([(each.author, clock.read(each.at)) for each in said])

    def conversation_key(self, head: Head, reader: Reader, options: Options) -> str:
        """Return the field by which objects that are messages name their conversation; nothing if they are none."""
        if "conversation" in options.mapping:
            return options.mapping["conversation"]
        objects = self._first(head)
        if reader.messages:
            return ""
        if len(names_of_conversations(objects)) > 1:
            return path_of_conversation(objects)
        named = reader.message.one("conversation")
        for key in (named, _ticket(objects), reader.message.one("id")):
            names = [word(at_path(found, key)) for found in objects] if key else []
            repeats = len(set(names)) < len(names) and all(names)
            # tried from the surest: a field that is called conversation, then ids that repeat, then a ticket's number
            if key and key == named and all(names) and all(reader.said(found).role for found in objects):
                return key  # each says who speaks, and where: it is one message, though perhaps the only one
            if repeats and any(reader.said(found).role or reader.said(found).author for found in objects):
                return key
        return ""


def reader_of(objects: Sequence[Found], options: Options, summary: Recognised) -> Reader:
    """Return what reads objects such as these, and say in the summary which fields it takes for what.

    UnreadableSource if a person maps a field that is not there.
    """
    # of the first objects the first that has one: later ones may be threads nobody has answered yet
    key = next((key for found in objects if (key := messages_key(found))), "")
    inside = (each for found in objects for each in spread(listed(at_path(found, key))))
    said = [each for each in inside if isinstance(each, Mapping)][:200]
    given = options.mapping
    inner = {name: path for name, path in given.items() if any(at_path(each, path) is not None for each in said)}
    outer = {"text": key} if key else {}
    outer |= {"id": "id"} if any("id" in found for found in objects) else {}
    outer |= {name: path for name, path in given.items() if name not in inner}
    try:
        takes_turns = any(take_turns(key, at_path(found, key)) for found in objects)
        reader = Reader(
            mapping_of(objects, outer), mapping_of(said or objects, inner if said else given), key, takes_turns
        )
    except column_names.UnknownColumn as error:
        raise UnreadableSource(str(error)) from error
    _describe(reader, summary, has_messages=bool(said))
    return reader


def _describe(reader: Reader, summary: Recognised, *, has_messages: bool) -> None:
    """Say in the summary which fields were taken for what."""
    found = reader.conversation.described()
    if has_messages:
        found = {**{name: path for name in ("role", "author") if (path := reader.message.one(name))}, **found}
    for name, path in found.items():
        if path != NOWHERE:
            summary.fields.setdefault(name, path)
    for note in reader.conversation.notes:
        summary.note(note)
    if reader.takes_turns:
        summary.note("No message says who speaks: the first is taken as the customer's, and then the two take turns.")


def _ticket(objects: Sequence[Found]) -> str:
    """Return the key of a message by which it names its ticket."""
    keys = keyed(objects[0]) if objects else {}
    names = ("ticketid", "caseid", "issueid", "conversationid", "messagetreeid", "requestid", "parentid")
    return next((keys[name] for name in names if name in keys), "")


def read_object(
    element: Element, part: Part, found: Found, reader: Reader, clock: TimeReader, *, is_time_mapped: bool = False
) -> Record | Reject:
    """Return the record of an object that is a conversation. `is_time_mapped` says that a person chose its time."""
    if is_file(found) and not messages_key(found) and not message_text(found):
        return refused(element, part, "it describes a file, and has no text that somebody wrote")
    try:
        thread = reader.thread(found)
    except BAD_SHAPE as error:
        return refused(element, part, f"its structure was not recognised: {error}")
    thread.line, thread.part, thread.raw = element.number, part.label, element.raw[:2000]
    thread.is_time_mapped = is_time_mapped
    if not thread.external_id and any(map(str.isdecimal, element.key)):
        thread.external_id = element.key  # objects that are keyed by their ids
    return record_of(thread, clock)


def _holds_chat(found: Found, reader: Reader, clock: TimeReader, *, is_alone: bool) -> bool:
    """Return whether an object is a whole chat of several people: one conversation would be all they ever said."""
    keys = keyed(found)
    key = reader.key_of_messages(found)
    if not key or not (is_alone or CHATS & keys.keys()) or any(name in keys for name in ("subject", "title", "topic")):
        return False
    given = at_path(found, key)
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given[:200]):
        return False
    said = [reader.said(each) for each in given[:200]]
    if any(each.role for each in said) or len({each.author for each in said if each.author}) < 3:
        return False
    times = [at for each in said if (at := clock.read(each.at))]
    return bool(times) and max(times) - min(times) > GROUP_PAUSE


def _chat_within(
    element: Element, part: Part, found: Found, reader: Reader, clock: TimeReader, options: Options, summary: Recognised
) -> Rows:
    """Yield the conversations of a chat that is one object."""
    key = reader.key_of_messages(found)
    keys = keyed(found)
    name = next((name for each in ("name", *CHATS) if (name := name_of(value_of(found, keys, each)))), "")
    messages = (_chat_message(each, reader, clock, element.number, part.label) for each in listed(at_path(found, key)))
    for thread in read_chat(messages, options.pause, summary, name or part.basename):
        thread.raw = element.raw[:2000]
        yield record_of(thread, clock)


def _chat(
    objects: Iterator[tuple[Element, Part, Found] | Reject],
    reader: Reader,
    clock: TimeReader,
    options: Options,
    summary: Recognised,
) -> Rows:
    """Yield the conversations of objects that are the messages of one chat."""
    rejects: list[Reject] = []

    def messages() -> Iterator[ChatMessage]:
        for each in objects:
            if isinstance(each, Reject):
                rejects.append(each)
            else:
                element, part, found = each
                yield _chat_message(found, reader, clock, element.number, part.label)

    summary.fields.pop("customer", None)
    for thread in read_chat(messages(), options.pause, summary):
        yield record_of(thread, clock)
    yield from rejects


def _chat_message(found: object, reader: Reader, clock: TimeReader, line: int, part: str) -> ChatMessage:
    said = reader.said(found)
    at = clock.read(said.at)
    reply_to = word(at_path(found, path)) if (path := reader.message.one("reply_to")) else ""
    own = word(found.get("id") or found.get("event_id")) if isinstance(found, Mapping) else ""
    own = own or message_id(said.author, said.text, at)
    return ChatMessage(own, said.author, said.text, at, line, reply_to=reply_to, part=part)


def _said_only(
    objects: Iterator[tuple[Element, Part, Found] | Reject], summary: Recognised
) -> Iterator[tuple[Element, Part, Found] | Reject]:
    """Yield the messages without the notes of a team among themselves, and say how many those were."""
    left_out = Counter[str]()
    for each in objects:
        if not isinstance(each, Reject) and is_internal(each[2]):
            left_out["note"] += 1
        elif not isinstance(each, Reject) and is_log_entry(each[2]):
            left_out["log"] += 1
        else:
            yield each
    _say_left_out(left_out, summary)


def _gathered(
    objects: Iterator[tuple[Element, Part, Found] | Reject],
    key: str,
    reader: Reader,
    clock: TimeReader,
    options: Options,
    summary: Recognised,
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
                yield refused(element, part, f"it belongs to no conversation: {key} is empty")
                continue
            at = clock.read(reader.said(found).at)
            thing = {"line": element.number, "part": part.label, "found": found}
            gathered.add(name, thing, order=order_of(at))
        for name, things in gathered.groups(limit()):
            if things is None:
                yield too_long(name)
            elif compact(key) in _ROOMS and (messages := _of_a_room(things, reader, clock)):
                for thread in read_chat(messages, options.pause, summary, name):
                    yield record_of(thread, clock)
            else:
                yield record_of(_together(name, things, reader), clock)


@dataclass(slots=True)
class _Joint:
    """Reads two lists of a file as one: the conversations of the one with the messages of the other.

    They are brought together on disk. Messages whose conversation is not in the file make one all the same.
    """

    link: Link
    part: Part
    head: Head
    reader: Reader
    """Reads the conversations."""

    speaker: Reader
    """Reads the messages."""

    clock: TimeReader
    is_time_mapped: bool

    def records(self, summary: Recognised) -> Rows:
        with Gathered() as gathered:
            yield from self._gather(self.link.conversations, self.link.own, gathered, None)
            yield from self._gather(self.link.messages, self.link.names, gathered, summary)
            for name, things in gathered.groups(limit()):
                if things is None:
                    yield too_long(name)
                    continue
                try:
                    thread = self._thread(name, things)
                except BAD_SHAPE as error:
                    reason = f"its structure was not recognised: {error}"
                    yield Reject(things[0]["line"], reason, name[:200], unit="element", part=self.part.label)
                    continue
                yield record_of(thread, self.clock)

    def _gather(self, path: Path, key: str, gathered: Gathered, said_in: Recognised | None) -> Iterator[Reject]:
        """Keep the objects of a list by the conversation they name; `said_in` is the summary if they are messages."""
        left_out = Counter[str]()
        for element in elements_of(self.part, path, self.head, limit()):
            parsed = parse(element)
            if not isinstance(parsed, dict):
                yield refused(element, self.part, parsed)
                continue
            found = flat(parsed)
            if not (name := word(at_path(found, key))):
                yield refused(element, self.part, f"it belongs to no conversation: {key} is empty")
                continue
            thing = {"line": element.number, "found": found, "is_message": said_in is not None}
            if said_in is None:
                gathered.add(name, thing, order=-math.inf)  # before all that is said in it
            elif is_internal(found) or is_log_entry(found):
                left_out["note" if is_internal(found) else "log"] += 1
            else:
                at = self.clock.read(self.speaker.said(found).at)
                gathered.add(name, thing, order=order_of(at))
        if said_in is not None:
            _say_left_out(left_out, said_in)

    def _thread(self, name: str, things: Sequence[Found]) -> Thread:
        """Return a conversation of what is said about it, if anything is, and of its messages."""
        about = next((thing["found"] for thing in things if not thing["is_message"]), None)
        thread = self.reader.thread(about) if about else Thread([])
        people = self.reader.participants(about) if about else {}
        for said in thread.messages:  # its own text is the customer's, by name, or another would be taken for them
            said.role = said.role or CUSTOMER
            said.author = said.author or name_of(thread.customer) or next(iter(thread.names), "")
            said.at = said.at or thread.at
        told = [thing["found"] for thing in things if thing["is_message"]]
        if told and compact(self.reader.conversation.one("text")) in column_names.NAMES["subject"]:
            # what is all the text there is without messages is what they are about
            thread.subject = thread.subject or "\n".join(said.text for said in thread.messages)
            thread.messages = []
        if self.speaker.messages:  # each holds a whole transcript, of people whom the other list knows
            self.speaker.people = {**self.reader.people, **people}
            thread.messages += [said for each in told for said in self.speaker.thread(each).messages]
        else:
            thread.messages += [self.speaker.said(each, people) for each in told]
        if not thread.customer and any(said.role for said in thread.messages):
            thread.customer = next((known for each in told if (known := self.speaker.thread(each).customer)), None)
        thread.external_id = word(thread.external_id) or name
        thread.line, thread.part, thread.is_time_mapped = things[0]["line"], self.part.label, self.is_time_mapped
        return thread


def _joint(
    link: Link, part: Part, head: Head, people: Mapping[str, Person], options: Options, summary: Recognised
) -> _Joint:
    """Return what reads two lists as one, as the first objects of each show what their fields mean."""
    about, said = (list(islice(objects_at(path, part, head), FIRST)) for path in (link.conversations, link.messages))
    reader = reader_of(about, options, summary)  # what a person maps belongs to the conversations
    speaker = reader_of(said, Options(), Recognised())
    reader.people = speaker.people = people
    messages, conversations = ".".join(link.messages), ".".join(link.conversations)
    summary.fields["messages"] = f"{messages}, where {link.names} is the {link.own} of {conversations}"
    return _Joint(link, part, head, reader, speaker, time_reader(options), "created_at" in options.mapping)


def _say_left_out(left_out: Counter[str], summary: Recognised) -> None:
    if notes := left_out["note"]:
        summary.note(f"Left out: {counted(notes, 'note')} of the team among themselves.")
    if log := left_out["log"]:
        summary.note(f"Left out: {counted(log, 'entry', 'entries')} of the chat program's own log.")


_ROOMS = frozenset(
    """
    room roomid rid channel channelid channelname group groupid space spaceid chatroom chatroomid stream streamid topic
    subject
    """.split()  # noqa: SIM905
)
"""Fields that name a place where people talk of many things, and no conversation."""


def _of_a_room(things: Sequence[Found], reader: Reader, clock: TimeReader) -> list[ChatMessage]:
    """Return the messages of a room if nobody has a role in it; none where they are a conversation."""
    messages = [_chat_message(thing["found"], reader, clock, thing["line"], thing["part"]) for thing in things]
    messages = [each for each in messages if each.text.strip()]
    has_roles = any((said := reader.said(thing["found"])).role and said.text.strip() for thing in things)
    return [] if has_roles or not all(each.author for each in messages) else messages


_KIND_OF_THING = re.compile(r"t[1-6]_(?=\w)")
"""How Reddit's ids begin where they may be of several kinds: `t3_1abc` answers the post `1abc`."""


def _bare(own: str) -> str:
    return _KIND_OF_THING.sub("", own)


def _id_of_post(found: Found) -> str:
    return _bare(next((own for key in ("id", "_id", "id_str", "uuid") if (own := word(found.get(key)))), ""))


def _gathered_by_replies(
    objects: Iterator[tuple[Element, Part, Found] | Reject],
    again: Iterator[tuple[Element, Part, Found] | Reject],
    path: str,
    reader: Reader,
    clock: TimeReader,
) -> Rows:
    """Yield the threads of posts that answer each other. The posts are read twice: first who answers whom."""
    with Replies() as replies, Gathered() as gathered:
        posts = (each for each in objects if not isinstance(each, Reject))
        for number, (_, _, found) in enumerate(posts, start=1):
            replies.add(number, _id_of_post(found), _bare(word(at_path(found, path))))
        roots = replies.roots()
        for each in again:
            if isinstance(each, Reject):
                yield each
                continue
            element, part, found = each
            _, root = next(roots)  # both come in the order of the file
            if not is_internal(found) and not is_log_entry(found):
                at = clock.read(reader.said(found).at)
                thing = {"line": element.number, "part": part.label, "found": found}
                gathered.add(root, thing, order=order_of(at))
        roots.close()
        for name, things in gathered.groups(limit()):
            if things is None:
                yield too_long(name)
            else:
                thread = _together(name, things, reader)
                _ask(thread, things, reader)
                yield record_of(thread, clock)


def _ask(thread: Thread, things: Sequence[Found], reader: Reader) -> None:
    """Let who opened a thread with a subject be its customer, and the subject stand before what they wrote."""
    opened = next((thing["found"] for thing in things if _id_of_post(thing["found"]) == thread.external_id), None)
    asker = reader.said(opened).author if opened and thread.subject else ""
    if not asker or any(role_of(said.role) == CUSTOMER for said in thread.messages):
        return
    for said in thread.messages:
        if said.author == asker:
            said.role = CUSTOMER
    thread.customer = asker


def _together(name: str, things: Sequence[Found], reader: Reader) -> Thread:
    first = reader.thread(things[0]["found"])
    first.messages = [each for thing in things for each in reader.said_and_answered(thing["found"])]
    first.external_id, first.line, first.part = name, things[0]["line"], things[0]["part"]
    first.is_gathered = True
    first.at = next((said.at for said in first.messages if said.at), None)
    first.metadata = {}
    # a field such as `user_id` is of whoever wrote the message: those of the customer's own messages go first
    theirs = [thing for thing in things if role_of(reader.said(thing["found"]).role) == CUSTOMER]
    known = (reader.thread(thing["found"]).customer for thing in (*theirs, *things))
    first.customer = next((customer for customer in known if customer), None)
    if not any(said.role for said in first.messages):
        first.customer = None  # the first to write need not be the customer
    return first
