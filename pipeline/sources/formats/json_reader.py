"""Reads JSON objects of an unknown shape as conversations and messages, as the first of them showed what keys mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.sources.formats.base import Found, Person
from pipeline.sources.formats.json_messages import (
    KINDS,
    TURNS,
    are_answers,
    are_messages,
    is_internal,
    is_log_entry,
    keyed,
    listed,
    message_text,
    messages_key,
    spread,
    value_of,
)
from pipeline.sources.own_words.html import plain_text
from pipeline.sources.understanding import column_names, columns
from pipeline.sources.understanding.column_names import at_path, compact
from pipeline.sources.understanding.roles import (
    AGENT,
    BOT,
    CUSTOMER,
    SYSTEM,
    is_flag,
    is_role_word,
    role_in_field,
    role_of,
    split_journal,
    split_transcript,
)
from pipeline.sources.understanding.threads import Said, Thread, customer_of, full_name, rest, text_of, word

_ROLE_KEYS = ("role", "type", "user_type", "kind", "t")
NOWHERE = "\0"
_SPEAKS = frozenset(
    """
    direction role senderrole authorrole participantrole sendertype authortype usertype participanttype rolle richtung
    absendertyp sens direccion direzione direcao actortype initiatortype speakertype fromtype
    participantpurpose distinguished
    """.split()  # noqa: SIM905 (read best as text)
)
WRITERS = (
    "author",
    "sender",
    "from",
    "user",
    "creator",
    "createdby",
    "syscreatedby",
    "postedby",
    "member",
    "participant",
    "poster",
    "who",
    "owner",
    "u",
    "talker",
    "speaker",
    "speakername",
    "speakerid",
    "creatorname",
    "senderfullname",
    "postusername",
    "initiator",
    "commenter",
)
_PEOPLE = ("users", "participants", "members", "people", "authors", "agents", "contacts", "parties", "speakers")
CHATS = frozenset(("channel", "room", "group", "chat", "space", "chatname", "threadname", "participants", "members"))
_NAME_KEYS = ("name", "displayname", "fullname", "username", "login", "nickname", "displayvalue", "email", "id", "href")


MOST_WORDS_OF_A_NAME = 3


def _plain(value: object) -> object:
    """Return a value as a cell of a table would show it."""
    if isinstance(value, Mapping):
        text = text_of(value)
        # somebody has an id or a name; what was said, as a model's `response`, has an id beside its text
        return text if len(text.split()) > MOST_WORDS_OF_A_NAME else customer_of(value)[0] or text
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
        profiles[NOWHERE] = columns.Profile(NOWHERE)
        return columns.find(list(profiles.values()), {**given, "text": NOWHERE})


@dataclass(slots=True)
class Reader:
    """Reads objects as conversations, as the first objects of the file showed what their fields mean."""

    conversation: columns.Mapping
    message: columns.Mapping
    messages: str = ""
    """The key of the list of messages; empty where there is only a text."""

    takes_turns: bool = False
    """Whether the messages are bare texts of two people in turns."""

    people: Mapping[str, Person] = field(default_factory=dict)
    """Who stands behind an id, as lists of people in the same file say."""

    def key_of_messages(self, found: Found) -> str:
        """Return where an object has its messages: where those of the first objects were, or else in its own way."""
        return self.messages if are_messages(at_path(found, self.messages)) else messages_key(found)

    def thread(self, found: Found) -> Thread:
        """Return the conversation that an object is: its own text, its messages, and what is said of the whole."""
        key = self.key_of_messages(found)
        texts = [path for path in self._of("text") if path != self.messages] or [message_text(found)]
        customer, names = self._customer(found)
        messages = self._messages_at(key, found)
        if not any(said.text.strip() for said in messages):
            messages = [Said("\n\n".join(text for each in texts if (text := text_of(at_path(found, each)).strip())))]
        messages += self._reply(found, messages)
        messages += self._journal(found, messages)
        metadata = found.get("metadata")
        used = {key, *(texts if key not in found else ()), *(path for name in _KEPT for path in self._of(name))}
        return Thread(
            messages,
            external_id=next((own for name in self._ids() if (own := self._word(found, name))), "")
            or (_id_of_session(found) if key else ""),
            subject=text_of(self._value(found, "subject")),
            customer=customer,
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

    def participants(self, found: Found) -> dict[str, Person]:
        """Return who takes part in a conversation by their ids: those whom it lists, and its customer.

        An author whose id is the customer's is the customer, whatever kind of user the program calls them.
        """
        people = _people(found)
        for value in self._customers(found):
            name = name_of(value) if isinstance(value, Mapping) else ""
            for own in customer_of(value)[1]:
                listed_as = people.get(own) or self.people.get(own) or Person()
                people[own] = Person(name or listed_as.name, listed_as.email, CUSTOMER)
        return people

    def _messages_at(self, key: str, found: Found) -> list[Said]:
        """Return what the list at `key` holds, without the team's notes, behind the text that it answers."""
        given = at_path(found, key) if key else None
        if not isinstance(given, list):
            return []
        if all(isinstance(each, str) for each in given):
            given = _lines(key, given)
        people = self.participants(found)
        messages = [
            self.said(each, people) for each in spread(given) if not is_internal(each) and not is_log_entry(each)
        ]
        if any(each.role == TURNS["request"] and not each.author for each in messages):
            for each in messages:  # what is not requested is answered: `request` and `text` are all the kinds there are
                each.role = each.role or ("" if each.author else BOT)
        if are_answers(key) and (first := self._own_text(found, key, messages)):
            messages.insert(0, first)
        return messages

    def _customers(self, found: Found) -> list[object]:
        """Return all that fields say of the customer, what has an e-mail address first."""
        customers: list[object] = [
            value for path in self._of("customer") if (value := at_path(found, path)) not in (None, "")
        ]
        if customers and any(_role_of_person(each) == CUSTOMER for each in _listed_people(found)):
            # beside those who take part the account is the firm's own
            firm = [at_path(found, path) for path in self._of("customer") if compact(path) == "accountid"]
            customers = [value for value in customers if value not in firm]
        customers.sort(key=lambda value: "@" not in customer_of(value)[0])
        if not customers:  # of those whom the conversation lists, the first who is called a customer
            customers += [each for each in _listed_people(found) if _role_of_person(each) == CUSTOMER][:1]
        return customers

    def _customer(self, found: Found) -> tuple[object, tuple[str, ...]]:
        """Return the customer of a conversation, and the other names that they go by."""
        customers = self._customers(found)
        names = tuple(name for value in customers[1:] for name in customer_of(value)[1])
        return customers[0] if customers else None, names

    def _journal(self, found: Found, messages: Sequence[Said]) -> list[Said]:
        """Return the entries of a field of comments as ServiceNow writes it, unless it has been read as the text.

        They name who wrote them. So the text before them, the customer's, is given the customer's name, or somebody
        else would be taken for the customer.
        """
        texts = [value for key, value in found.items() if compact(str(key)) in _JOURNALS and isinstance(value, str)]
        entries = [each for text in texts[:1] for each in split_journal(text)]
        if not entries or {said.text for said in messages} & set(texts):
            return []
        for said in messages:
            said.role = said.role or CUSTOMER
            said.author = said.author or name_of(self._value(found, "customer"))
        return [Said(each.text, "", each.author, each.time) for each in entries]

    def _reply(self, found: Found, messages: Sequence[Said]) -> list[Said]:
        """Return the firm's answer to a review, or a model's to an instruction, which stands in a field of its own."""
        path = self.conversation.one("reply")
        value = at_path(found, path) if path else None
        text = _answer_in(value)
        is_answered = len(messages) != 1 and (not messages or role_of(messages[-1].role) != CUSTOMER)
        is_read = self.messages.startswith(path) or any(text == said.text for said in messages)
        if is_answered or not text.strip() or is_read:
            return []
        messages[0].role = messages[0].role or CUSTOMER
        at = next((value[key] for key in _WHEN if value.get(key)), None) if isinstance(value, Mapping) else None
        return [Said(text, AGENT, at=at)]

    def _own_text(self, found: Found, key: str, messages: Sequence[Said]) -> Said | None:
        """Return the text that the messages answer, unless it is the first of them already."""
        text = text_of(found.get(message_text({name: each for name, each in found.items() if name != key})))
        letters = _letters(text)
        if not letters or any(letters[:150] in _letters(said.text) for said in messages):
            return None
        role = "customer" if self._of("customer") else ""
        author = name_of(self._value(found, "customer")) if role else self._author(found)  # those who answer are others
        return Said(text, role, author, self._value(found, "created_at"))

    def said_and_answered(self, found: Found) -> list[Said]:
        """Return the message that an object is, with the answer to it if that stands in a field beside it."""
        said = self.said(found)
        return [said, *(each for each in self._reply(found, [said]) if said.text.strip())]

    def said(self, found: object, people: Mapping[str, Person] | None = None) -> Said:
        """Return the message that an object, or a line, is. `people` takes part in its conversation, by their ids."""
        if not isinstance(found, Mapping):
            return Said(text_of(found))
        known = self.message
        text = text_of(at_path(found, known.one("text")))
        role = self._role(found)
        author = self._author(found)
        if (people or self.people) and (writer := self._writer_among(people or {}, found)):
            role, author = role or role_of(writer.role) or "", writer.name or author
        at = at_path(found, known.one("created_at")) if known.one("created_at") else None
        if at in (None, ""):  # a kind of message that few of the first were: Front's comments are `posted_at`
            at = next((each for key, each in found.items() if compact(str(key)) in _MOMENTS and each), None)
        return Said(text or text_of(found.get(message_text(found))), role, "" if author == role else author, at)

    def _writer_among(self, people: Mapping[str, Person], found: Found) -> Person | None:
        """Return who wrote a message, among those of its conversation first and then among those of the file."""
        ids = _ids_of_writer(found)
        return next((known[own] for known in (people, self.people) for own in ids if own in known), None)

    def _role(self, found: Found) -> str:
        path = self.message.one("role")
        value = at_path(found, path) if path else None
        if role := _role_in(path, value):
            return role
        if role := next((said for key, each in found.items() if (said := _role_said(str(key), each))), ""):
            return role
        if compact(path) == "role":
            return word(value)
        if role := next((TURNS[each] for key, each in found.items() if _is_turn(key, each)), ""):
            return role
        # what a link leads to says it: https://api.example/v1/agents/7
        author = self._author(found)
        if author.startswith(("https://", "http://")):
            return next((means for part in author.split("/")[3:] if (means := role_of(part))), "")
        return ""

    def _author(self, found: Found) -> str:
        path = self.message.one("author")
        if not path:
            theirs = self.message.of("customer")
            path = next((each for each in theirs if compact(each) in column_names.NAMES["author"]), "")
        if path and (name := name_of(at_path(found, path))):
            return name
        if name := _writer(found):
            return name
        # a level deeper, as in `"links": {"author": {"href": ...}}`
        return next((name for each in found.values() if isinstance(each, Mapping) and (name := _writer(each))), "")

    def _ids(self) -> tuple[str, str]:
        """Return where ids are looked for: what only ends like an id says less than the name of a conversation."""
        is_named = compact(self.conversation.one("id")) in column_names.NAMES["id"]
        return ("id", "conversation") if is_named else ("conversation", "id")

    def _of(self, name: str) -> tuple[str, ...]:
        return self.conversation.of(name)

    def _value(self, found: Found, name: str) -> object:
        return next((value for path in self._of(name) if (value := at_path(found, path)) not in (None, "")), None)

    def _word(self, found: Found, name: str) -> str:
        return word(self._value(found, name))


def _answer_in(value: object) -> str:
    """Return an answer that is a text, a message, or the last of a list of messages as a model gives them back."""
    if isinstance(value, Mapping) and (key := messages_key(value)):
        given = [each for each in spread(listed(at_path(value, key))) if isinstance(each, Mapping)]
        return text_of(given[-1]) if given else ""
    return text_of(value)


_NAME_THE_WRITER = (
    "authorid", "senderid", "speakerid", "actorid", "fromid", "participantid", "memberid", "creatorid", "createdbyid",
    "agentid", "userid", "author", "sender", "from", "actor", "senders", "user", "u", "createdby", "syscreatedby",
)  # fmt: skip
"""Fields by which a message names who wrote it, the surest first: Freshchat's `user_id` is that of the customer."""

_ID_KEYS = ("id", "_id", "actorId", "userId", "username", "email")
_MOMENTS = column_names.NAMES["created_at"].keys()
_WHEN = ("createdAt", "created_at", "date", "publishedAt", "updatedAt", "time")
_KEPT = ("reply", "id", "subject", "customer", "created_at", "label", "url", "classified_at")


def _role_said(key: str, value: object) -> str:
    """Return the role that a field says which nobody took for the one of roles: a flag, an author, a kind."""
    if is_flag(key) or isinstance(value, Mapping) or key == "t":  # tawk.to's and Rocket.Chat's kind of message
        return _role_in(key, value)
    if not isinstance(value, str):
        return ""
    if compact(key) in KINDS and (role := _role_of_kind(value)):
        return role
    return _role_in(key, value) if compact(key) in _SPEAKS else ""


def _role_in(key: str, value: object) -> str:
    """Return the role that a field of a message says: itself, or the object of its author."""
    if isinstance(value, Mapping):
        said = (role_in_field(name, value[name]) for name in _ROLE_KEYS if isinstance(value.get(name), str))
        return next((role for role in said if role), "")
    if isinstance(value, str) and not is_flag(key) and role_of(value):
        return value  # the word itself, to be counted
    return (role_in_field(key, value) or "") if isinstance(value, str | int) else ""


def _id_of_session(found: Found) -> str:
    """Return the id of the one who writes, by which a bot's platform names all that it has said to them: Rasa."""
    keys = keyed(found)
    names = ("senderid", "sessionid", "userkey")
    return next((own for name in names if (own := word(value_of(found, keys, name)))), "")


def _is_turn(key: object, value: object) -> bool:
    return isinstance(value, str) and value in TURNS and compact(str(key)) in KINDS


def _role_of_kind(kind: str) -> str:
    """Return the role that the kind of a message says: `system_message`, `customer`, but not `m.room.member`."""
    role = role_of(kind) or ""
    return role if role in (SYSTEM, BOT) or is_role_word(kind) else ""


def name_of(value: object) -> str:
    """Return what somebody is called: a word, or the name within an object that describes them."""
    if isinstance(value, Mapping):
        keys = keyed(value)
        name = full_name(value) or next(
            (name for each in _NAME_KEYS if (name := word(value_of(value, keys, each)))), ""
        )
        return name or next(
            (name for each in value.values() if isinstance(each, Mapping) and (name := name_of(each))), ""
        )
    return word(value)


_TURNS = frozenset(map(compact, ("dialog", "dialogue", "turns", "utterances", "conversation", "chat", "messages")))


# of ServiceNow's incidents
_JOURNALS = frozenset(("comments", "commentsandworknotes", "worknotesandcomments", "additionalcomments", "journal"))


def take_turns(key: str, given: object) -> bool:
    """Return whether a list is of texts that nobody is named for: two people speak in turns."""
    if compact(key) not in _TURNS or not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        return False
    return len(given) > 1 and not split_transcript("\n".join(given))


def _lines(key: str, given: Sequence[str]) -> list[object]:
    """Return lines as one text where they may say who speaks, or else as turns that two people take."""
    if not take_turns(key, given):
        return ["\n".join(given)]
    return [{"role": AGENT if place % 2 else CUSTOMER, "text": each} for place, each in enumerate(given)]


def _writer(found: Found) -> str:
    keys = keyed(found)
    return next((name for each in WRITERS if (name := name_of(value_of(found, keys, each)))), "")


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, plain_text(text[:2000])))


def _ids_of_writer(found: Found) -> list[str]:
    """Return the ids by which a message names its author: those of the first of such fields that it has.

    Not those of the others: beside the id of the actor may stand that of the user whom the conversation is with.
    """
    keys = keyed(found)
    for name in _NAME_THE_WRITER:
        value = value_of(found, keys, name)
        if isinstance(value, list):  # HubSpot's `senders`
            value = value[0] if len(value) == 1 else None
        given = [value.get(key) for key in _ID_KEYS] if isinstance(value, Mapping) else [value]
        if ids := [own for each in given if (own := word(each))]:
            return ids
    return []


def _people(found: Found) -> dict[str, Person]:
    """Return who takes part in a conversation, by their ids, where it lists them."""
    people: dict[str, Person] = {}
    for each in _listed_people(found):
        keys = keyed(each)
        name = name_of({key: value for key, value in each.items() if key != "id"})
        person = Person(name, role=_role_of_person(each))
        for field_of_id in _IDS_OF_PEOPLE:
            if own := word(value_of(each, keys, field_of_id)):
                people.setdefault(own, person)
    return people


_IDS_OF_PEOPLE = (
    "id",
    "_id",
    "speakerid",
    "userid",
    "participantid",
    "memberid",
    "authorid",
    "contactid",
    "agentid",
    "actorid",
)


def _listed_people(found: Found) -> list[Found]:
    keys = keyed(found)
    lists = [listed(value_of(found, keys, name))[:1000] for name in _PEOPLE]
    return [each for people in lists for each in people if isinstance(each, Mapping)]


def _role_of_person(person: Found) -> str:
    keys = keyed(person)
    names = (*_ROLE_KEYS, "participantrole", "authorrole", "usertype", "participanttype", "affiliation")
    said = (_role_in(name, value_of(person, keys, compact(name))) for name in names)
    return next((role_of(role) or role for role in said if role), "")
