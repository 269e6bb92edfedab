"""JSON of a shape nobody told us: the list of conversations is found, and in it the fields, by their names and values.

Objects that are conversations hold a text or a list of messages. Objects that are messages name their conversation,
and are gathered to it. `--map` says any field otherwise, also by a path such as `requester.email`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Head, Options, Recognised, Stream
from pipeline.sources.formats.json_objects import BAD_SHAPE, Found, JsonFormat, Rows, limit, refused, time_reader
from pipeline.sources.own_words.html import plain_text
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.heads import head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.understanding import columns
from pipeline.sources.understanding.chats import GROUP_PAUSE, ChatMessage, is_chat, message_id, read_chat
from pipeline.sources.understanding.columns import at_path, compact
from pipeline.sources.understanding.gathering import Gathered
from pipeline.sources.understanding.roles import BOT, CUSTOMER, SYSTEM, is_flag, is_role_word, role_in_field, role_of
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
    "answers",
    "emails",
    "nachrichten",
    "kommentare",
    "antworten",
    "verlauf",
    "mensajes",
    "comentarios",
    "respuestas",
    "messaggi",
    "commenti",
    "risposte",
    "commentaires",
    "reponses",
    "echanges",
    "berichten",
    "mensagens",
    "メッセージ",
    "消息",
    "메시지",
]

_ANSWERS = frozenset(
    """
    comments replies notes answers responses followups articles kommentare antworten comentarios respuestas commenti
    risposte commentaires reponses
    """.split()  # noqa: SIM905 (read best as text)
)
"""Lists of what was said to an object's own text, which comes before them."""


def _are_answers(key: str) -> bool:
    """Return whether a list of that name, or at that path, holds what was said to an object's own text."""
    return any(compact(part).endswith(tuple(_ANSWERS)) for part in key.split("."))


_MESSAGE_TEXT = [
    "text",
    "content",
    "body",
    "message",
    "commentbody",
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
    "cooked",
    "raw",
    "selftext",
    "nachricht",
    "inhalt",
    "mensaje",
    "texto",
    "contenido",
    "messaggio",
    "testo",
    "contenuto",
    "texte",
    "contenu",
    "bericht",
    "tekst",
    "mensagem",
    "本文",
    "内容",
    "내용",
]

_ROLE_KEYS = ("role", "type", "user_type", "kind", "t")
_NOWHERE = "\0"
_KINDS = ("type", "kind", "messagetype", "eventtype")
_SPEAKS = frozenset(
    """
    direction role senderrole authorrole participantrole sendertype authortype usertype participanttype rolle richtung
    absendertyp sens direccion direzione direcao
    """.split()  # noqa: SIM905 (read best as text)
)
_WRITERS = (
    "author",
    "sender",
    "from",
    "user",
    "creator",
    "createdby",
    "postedby",
    "member",
    "participant",
    "poster",
    "who",
    "owner",
)
_PEOPLE = ("users", "participants", "members", "people", "authors", "agents", "contacts")
_CHATS = frozenset(("channel", "room", "group", "chat", "space", "chatname", "threadname", "participants", "members"))
_HIDDEN = ("internal", "isinternal", "private", "isprivate", "isnote", "draft", "isdraft")
_NOTES = frozenset(("note", "privatenote", "internalnote", "noteandreopen", "internal"))
_AUDIENCES = frozenset(("agents", "agentsonly", "internal", "internalonly", "team", "teamonly", "staff", "operators"))
"""For whom a message is that the customer does not see."""

_NAME_KEYS = ("name", "displayname", "fullname", "username", "login", "nickname", "email", "id")


def keyed(found: Found) -> dict[str, str]:
    """Return the keys of an object by their names as they are compared; of two alike the first."""
    # reversed: of two alike the last one written stays in a dict
    return {compact(str(key)): key for key in reversed(list(found))}


def _message_text(found: object) -> str:
    """Return the key of what a message says; nothing if it says nothing."""
    if not isinstance(found := unwrapped(found), Mapping):
        return ""
    keys = keyed(found)
    return next((keys[name] for name in _MESSAGE_TEXT if name in keys and text_of(found[keys[name]]).strip()), "")


def messages_key(found: Found, *, is_deep: bool = True) -> str:
    """Return the key of an object's list of messages, or of lines that take turns; nothing if it has none.

    The list may be in an object within the object: then it is a path such as `post_stream.posts`, or
    `comments.records`. A page of many conversations has no messages: its list holds things with ids and subjects.
    """
    keys = keyed(found)
    is_one = any(name in keys for field in ("id", "subject") for name in columns.NAMES[field])  # and no page of many
    listed = ((keys[name], found[keys[name]]) for name in _MESSAGES if name in keys)
    own = next((key for key, each in listed if _are_messages(each) and (is_one or not _are_conversations(each))), "")
    if own := own or _key_of_list_within(found):
        return own
    if is_one and (own := next((key for key, value in found.items() if _are_said(value)), "")):
        return own
    for key, value in found.items() if is_deep else ():
        if isinstance(value, Mapping) and "." not in key and (inner := messages_key(value, is_deep=False)):
            return f"{key}.{inner}"
    return ""


def _key_of_list_within(found: Found) -> str:
    """Return the path to messages in an object that stands for their list, such as `comments.records`."""
    for key, value in found.items():
        if isinstance(value, Mapping) and compact(str(key)).endswith(_SOME_MESSAGES):
            for each in _LISTS:
                if _are_messages(value.get(each)):
                    return f"{key}.{each}"
    return ""


_SOME_MESSAGES = ("messages", "comments", "replies", "notes", "posts", "threads", "answers")
_LISTS = ("records", "nodes", "edges", "results", "data", "items", "value", "values")
"""What a list is called in the object that stands for it: Salesforce, GraphQL, JSON:API."""


def _are_conversations(value: object) -> bool:
    """Return whether the things of a list are conversations by themselves: most have an id and a subject."""
    some = [keyed(each) for each in _listed(value)[:20] if isinstance(each, Mapping)]
    ids, subjects = columns.NAMES["id"].keys() | columns.NAMES["conversation"].keys(), columns.NAMES["subject"].keys()
    whole = [keys for keys in some if subjects & keys.keys() and (ids & keys.keys() or _OWN_ID & keys.keys())]
    return bool(some) and 2 * len(whole) >= len(some)


_OWN_ID = frozenset(("questionid", "threadid", "ticketid", "conversationid"))


def unwrapped(found: object) -> object:
    """Return the object that is all an object holds: `{"node": {...}}` of GraphQL, `{"messageCreate": {...}}`."""
    if isinstance(found, Mapping) and len(found) == 1:
        (inner,) = found.values()
        return inner if isinstance(inner, Mapping) else found
    return found


def flat(found: Found) -> Found:
    """Return an object of JSON:API with its attributes, and the ids of what it belongs to, side by side.

    Any other object is returned as it is.
    """
    attributes, related = found.get("attributes"), found.get("relationships")
    if not isinstance(attributes, Mapping) or not {"id", "type"} <= found.keys():
        return found
    ids = {
        name: each["data"].get("id")
        for name, each in (related.items() if isinstance(related, Mapping) else ())
        if isinstance(each, Mapping) and isinstance(each.get("data"), Mapping)
    }
    return {**ids, **attributes, "id": found["id"]}


def is_internal(found: object) -> bool:
    """Return whether a message is a note of the team among themselves."""
    if not isinstance(found, Mapping):
        return False
    keys = keyed(found)
    if any(
        found[keys[name]] is True
        for name in ("internal", "isinternal", "private", "isprivate", "isnote")
        if name in keys
    ):
        return True
    if any(found[keys[name]] is False for name in ("public", "ispublic", "ispublished") if name in keys):
        return True
    for name in ("visibility", "audience"):
        if name in keys and isinstance(found[keys[name]], str) and compact(found[keys[name]]) in _AUDIENCES:
            return True
    return any(compact(str(found[keys[name]])) in _NOTES for name in ("type", "kind", "parttype") if name in keys)


def _are_messages(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    some = value[:20]
    if all(isinstance(each, str) for each in some):
        return len(value) > 1 and any(each.strip() for each in some)
    return sum(bool(_message_text(each)) for each in some) * 2 >= len(some)


def _are_said(value: object) -> bool:
    """Return whether a list under whatever name holds messages: texts with who wrote them, or when."""
    if not isinstance(value, list) or not _are_messages(value):
        return False
    some = [keyed(each) for each in value[:20] if isinstance(each, Mapping)]
    says = all(_SAYS_WHO.keys() & keys.keys() and _SAYS_WHEN & keys.keys() for keys in some)
    return bool(some) and says and not any(columns.NAMES["conversation"].keys() & keys.keys() for keys in some)


_SAYS_WHO = {**columns.NAMES["author"], **columns.NAMES["role"], "poster": 0, "createdby": 0}
_SAYS_WHEN = columns.NAMES["created_at"].keys()


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
        # a key that no object has: the text is asked for there, and found empty
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
        people = _people(found)
        listed = [unwrapped(each) for each in given] if isinstance(given, list) else []
        messages = [self.said(each, people) for each in listed if not is_internal(each)]
        if _are_answers(key) and (first := self._own_text(found, key, messages)):
            messages.insert(0, first)
        texts = [key for key in self._of("text") if key != self.messages] or [_message_text(found)]
        if not any(said.text.strip() for said in messages):
            messages = [Said("\n\n".join(text for each in texts if (text := text_of(at_path(found, each)).strip())))]
        metadata = found.get("metadata")
        used = {key, *(texts if key not in found else ()), *(path for name in _KEPT for path in self._of(name))}
        customers = [value for path in self._of("customer") if (value := at_path(found, path)) not in (None, "")]
        customers.sort(key=lambda value: "@" not in customer_of(value)[0])
        if not customers:
            customers = [each for each in _listed_people(found) if _role_of_person(each) == CUSTOMER][:1]
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

    def _own_text(self, found: Found, key: str, messages: Sequence[Said]) -> Said | None:
        """Return the text that the messages answer, unless it is the first of them already."""
        text = text_of(found.get(_message_text({name: each for name, each in found.items() if name != key})))
        letters = _letters(text)
        if not letters or any(letters[:150] in _letters(said.text) for said in messages):
            return None
        role = "customer" if self._of("customer") else ""
        author = _name(self._value(found, "customer")) if role else self._author(found)  # those who answer are others
        return Said(text, role, author, self._value(found, "created_at"))

    def said(self, found: object, people: "Mapping[str, tuple[str, str]] | None" = None) -> Said:
        """Return the message that an object, or a line, is. `people` says the role and name of an id."""
        if not isinstance(found, Mapping):
            return Said(text_of(found))
        known = self.message
        text = text_of(at_path(found, known.one("text")))
        role = self._role(found)
        author = self._author(found)
        if people and (known_as := next((people[each] for each in _ids(found) if each in people), None)):
            role, author = role or known_as[0], known_as[1] or author
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
            if compact(key) in _KINDS and isinstance(each, str) and (role := _role_of_kind(each)):
                return role
            if compact(key) in _SPEAKS and isinstance(each, str) and (role := _role_in(key, each)):
                return role
        return word(value) if compact(path) == "role" else ""

    def _author(self, found: Found) -> str:
        path = self.message.one("author")
        if not path and compact(self.message.one("customer")) in columns.NAMES["author"]:
            path = self.message.one("customer")
        if path and (name := _name(at_path(found, path))):
            return name
        keys = keyed(found)
        return next(
            (name for each in _WRITERS if (name := _name(found.get(keys.get(each, ""))))),
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
    if isinstance(value, str) and not is_flag(key) and role_of(value):
        return value  # the word itself, to be counted
    return (role_in_field(key, value) or "") if isinstance(value, str | int) else ""


def _role_of_kind(kind: str) -> str:
    """Return the role that the kind of a message says: `system_message`, `customer`, but not `m.room.member`."""
    role = role_of(kind) or ""
    return role if role in (SYSTEM, BOT) or is_role_word(kind) else ""


def _name(value: object) -> str:
    if isinstance(value, Mapping):
        keys = keyed(value)
        name = next((name for each in _NAME_KEYS if (name := word(value.get(keys.get(each, ""))))), "")
        return name or next(
            (name for each in value.values() if isinstance(each, Mapping) and (name := _name(each))), ""
        )
    return word(value)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, plain_text(text[:2000])))


def _ids(found: Found) -> Iterator[str]:
    """Yield the ids by which a message names its author."""
    keys = keyed(found)
    for name in ("authorid", "senderid", "userid", "fromid", "participantid", "memberid", "author", "sender", "from"):
        value = found.get(keys.get(name, ""))
        if own := word(value.get("id") if isinstance(value, Mapping) else value):
            yield own


def _people(found: Found) -> dict[str, tuple[str, str]]:
    """Return (role, name) for the id of each who takes part in a conversation, where it lists them."""
    people: dict[str, tuple[str, str]] = {}
    for each in _listed_people(found):
        keys = keyed(each)
        if own := next((own for name in _IDS_OF_PEOPLE if (own := word(each.get(keys.get(name, ""))))), ""):
            people[own] = (_role_of_person(each), _name({key: value for key, value in each.items() if key != "id"}))
    return people


_IDS_OF_PEOPLE = ("id", "userid", "participantid", "memberid", "authorid", "contactid", "agentid")


def _listed_people(found: Found) -> list[Found]:
    keys = keyed(found)
    lists = [_listed(found.get(keys.get(name, "")))[:1000] for name in _PEOPLE]
    return [each for people in lists for each in people if isinstance(each, Mapping)]


def _role_of_person(person: Found) -> str:
    keys = keyed(person)
    names = (*_ROLE_KEYS, "participantrole", "authorrole", "usertype", "participanttype")
    said = (_role_in(name, person.get(keys.get(compact(name), ""))) for name in names)
    return next((role_of(role) or role for role in said if role), "")


_JSON = re.compile(r"\s*(?:\{|\[\s*(?:[\[\]{\"\d-]|true|false|null|$))")
"""How JSON begins. A bracket alone does not say so: `[10:00] Ada: Hello`, `[LINE] Chat history`."""


class AnyJson(JsonFormat):
    name = "JSON"

    def fits(self, found: Found) -> float:
        """Return how much an object is like a conversation, or a message of one."""
        found = flat(found)
        if messages_key(found):
            return 0.55
        keys = keyed(found)
        has_text = any(name in keys and text_of(found[keys[name]]).strip() for name in columns.NAMES["text"])
        if not has_text:
            return 0.2 if any(name in keys for name in columns.NAMES["subject"]) else 0.0
        about = ("id", "created_at", "customer", "subject", "role", "customer_id")
        return 0.3 + 0.03 * sum(any(name in keys for name in columns.NAMES[each]) for each in about)

    def sniff(self, head: Head) -> float:
        is_json = _JSON.match(head.text) is not None
        return max(super().sniff(head), 0.12) if is_json else 0.0

    def reader(self, stream: Stream, options: Options, head: Head) -> Reader:
        """Return what reads the objects of a file, and say in the summary which fields it takes for what."""
        objects = self._first(head)
        # of the first objects the first that has one: later ones may be threads nobody has answered yet
        key = next((key for found in objects if (key := messages_key(found))), "")
        inside = (unwrapped(each) for found in objects for each in _listed(at_path(found, key)))
        said = [each for each in inside if isinstance(each, Mapping)][:200]
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

    def _first(self, head: Head) -> list[Found]:
        """Return the first objects of a file."""
        return [flat(found) for found in head.lists.get(self.path(head), [])]

    def objects(self, stream: Stream, options: Options) -> Iterator[tuple[Element, Part, Found] | Reject]:
        for each in super().objects(stream, options):
            yield each if isinstance(each, Reject) else (each[0], each[1], flat(each[2]))

    def records(self, stream: Stream, options: Options) -> Rows:
        clock = time_reader(options)
        for part in stream.parts:
            head = head_of(part, options)
            reader = self.reader(stream, options, head)
            objects = self.objects(Stream([part], stream.summary), options)
            if key := self.conversation_key(head, reader, options):
                stream.summary.fields["conversation"] = key
                yield from _gathered(
                    _not_internal(objects, stream.summary), key, reader, clock, options, stream.summary
                )
            elif self._is_one_chat(head, reader, options):
                yield from _chat(objects, reader, clock, options, stream.summary)
            else:
                is_alone = head.is_whole and len(self._first(head)) == 1
                for each in objects:
                    if isinstance(each, Reject):
                        yield each
                    elif _holds_chat(each[2], reader, clock, is_alone=is_alone):
                        yield from _chat_within(*each, reader, clock, options, stream.summary)
                    else:
                        yield read_object(*each, reader, clock)

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
        writers = [next((keyed(found)[name] for name in _WRITERS if name in keyed(found)), "") for found in objects]
        return all(writers) and is_chat([(each.author, clock.read(each.at)) for each in said])

    def conversation_key(self, head: Head, reader: Reader, options: Options) -> str:
        """Return the field by which objects that are messages name their conversation; nothing if they are none."""
        if "conversation" in options.mapping:
            return options.mapping["conversation"]
        objects = self._first(head)
        if reader.messages:
            return ""
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
        return refused(element, part, f"its structure was not recognised: {error}")
    thread.line, thread.part, thread.raw = element.number, part.label, element.raw[:2000]
    return record_of(thread, clock)


def _holds_chat(found: Found, reader: Reader, clock: TimeReader, *, is_alone: bool) -> bool:
    """Return whether an object is a whole chat of several people: one conversation would be all they ever said."""
    keys = keyed(found)
    key = reader.messages if _are_messages(at_path(found, reader.messages)) else messages_key(found)
    if not key or not (is_alone or _CHATS & keys.keys()) or any(name in keys for name in ("subject", "title", "topic")):
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
    key = reader.messages if _are_messages(at_path(found, reader.messages)) else messages_key(found)
    keys = keyed(found)
    name = next((name for each in ("name", *_CHATS) if (name := _name(found.get(keys.get(each, ""))))), "")
    messages = (_chat_message(each, reader, clock, element.number, part.label) for each in _listed(at_path(found, key)))
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


def _not_internal(
    objects: Iterator[tuple[Element, Part, Found] | Reject], summary: Recognised
) -> Iterator[tuple[Element, Part, Found] | Reject]:
    """Yield the messages without the notes of a team among themselves, and say how many those were."""
    count = 0
    for each in objects:
        if not isinstance(each, Reject) and is_internal(each[2]):
            count += 1
        else:
            yield each
    if count:
        summary.note(f"Left out: {counted(count, 'note')} of the team among themselves.")


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
            gathered.add(name, thing, order=at.timestamp() if at else 0.0)
        for name, things in gathered.groups(limit()):
            if things is None:
                yield Reject(0, f"the conversation is longer than {limit():,} bytes", name[:200], unit="conversation")
            elif compact(key) in _ROOMS and (messages := _of_a_room(things, reader, clock)):
                for thread in read_chat(messages, options.pause, summary, name):
                    yield record_of(thread, clock)
            else:
                yield record_of(_together(name, things, reader), clock)


_ROOMS = frozenset(("room", "roomid", "channel", "channelid", "channelname", "group", "groupid", "space", "spaceid"))
"""Fields that name a place where people talk of many things, and no conversation."""


def _of_a_room(things: Sequence[Found], reader: Reader, clock: TimeReader) -> list[ChatMessage]:
    """Return the messages of a room if nobody has a role in it; none where they are a conversation."""
    messages = [_chat_message(thing["found"], reader, clock, thing["line"], thing["part"]) for thing in things]
    messages = [each for each in messages if each.text.strip()]
    has_roles = any((said := reader.said(thing["found"])).role and said.text.strip() for thing in things)
    return [] if has_roles or not all(each.author for each in messages) else messages


def _together(name: str, things: Sequence[Found], reader: Reader) -> Thread:
    first = reader.thread(things[0]["found"])
    first.messages = [reader.said(thing["found"]) for thing in things]
    first.external_id, first.line, first.part = name, things[0]["line"], things[0]["part"]
    first.at = next((said.at for said in first.messages if said.at), None)
    first.metadata = {}
    for thing in things[1:]:
        first.customer = first.customer or reader.thread(thing["found"]).customer
    if not any(said.role for said in first.messages):
        first.customer = None  # the first to write need not be the customer
    return first
