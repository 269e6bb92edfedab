"""What stands beside a list in the same file of JSON: the people whom it names by their ids, and the other half of it.

Many exports are one file of several tables: `threads` and `messages`, `incidents` and their journal, `data` and what
is `included`. Which key of the one list means which object of the other is found by the values, since every program
calls it something else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from pipeline.sources.formats.base import Found, Head, Person, limit
from pipeline.sources.formats.json_messages import flat, keyed, message_text, messages_key, value_of
from pipeline.sources.parsing.elements import ANY, Path, parse
from pipeline.sources.parsing.heads import LIST_DEPTH, elements_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding.column_names import NAMES, at_path, compact
from pipeline.sources.understanding.roles import role_of
from pipeline.sources.understanding.threads import customer_of, full_name, word

MAX_PEOPLE = 200_000
"""People of a file that are remembered."""

FIRST = 20
"""Objects of a list that show what it is a list of."""

SAMPLE = 2000
"""Objects of a list that show what its keys mean. Lists are sorted in different ways, so the first few meet seldom."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two lists of one file: conversations in one, their messages in the other, and the keys with equal values."""

    conversations: Path
    own: str
    messages: Path
    names: str
    """The key, or path, by which a message names its conversation."""


def lists_of(part: Part, head: Head) -> dict[Path, list[Found]]:
    """Return the first objects of each list that stands by itself in a file, by the way to it.

    An object of objects that are keyed by their ids is such a list too. A long file is looked through to its end for
    the lists of its outermost object, since its beginning shows the first only.
    """
    if len(head.lists.get((), ())) != 1:
        return {}  # lines, or a list: what stands in its objects belongs to them
    lists = dict(_outermost(head.envelope, ()))
    if not head.is_whole:
        for element in elements_of(part, (ANY,), head, limit()):
            path = (element.key,)
            known = lists.setdefault(path, []) if path in lists or not any(each[:1] == path for each in lists) else []
            if len(known) < FIRST and isinstance(found := parse(element), dict):
                known.append(found)
    return lists


def _outermost(found: Found, path: Path) -> Iterator[tuple[Path, list[Found]]]:
    for key, value in found.items():
        here = (*path, str(key))
        if isinstance(value, list):
            if objects := [each for each in value[:FIRST] if isinstance(each, Mapping)]:
                yield here, objects
        elif isinstance(value, Mapping) and value:
            inside = list(value.values())[:FIRST]
            if all(isinstance(each, Mapping) and person_of({"id": name, **each}) for name, each in value.items()):
                yield (*here, ANY), inside
            elif len(here) < LIST_DEPTH:
                yield from _outermost(value, here)


def link_between(part: Part, head: Head, lists: Mapping[Path, Sequence[Found]]) -> Link | None:
    """Return which two of the lists are conversations and their messages; None if no two are."""
    if len(lists) < 2:
        return None
    samples = {path: list(islice(objects_at(path, part, head), SAMPLE)) for path in lists if ANY not in path}
    said = {path: objects for path, objects in samples.items() if _are_messages(objects) or _hold_messages(objects)}
    # a list of which all is broken has no objects
    about = {path: objects for path, objects in samples.items() if objects and not _are_people(objects)}
    links = [
        (score, Link(others, own, messages, names))
        for messages, spoken in said.items()
        for others, objects in about.items()
        if others != messages and not (_hold_messages(spoken) and _say_something(objects))
        for score, own, names in _matches(objects, spoken)
    ]
    return max(links, key=lambda each: each[0])[1] if links else None


def objects_at(path: Path, part: Part, head: Head) -> Iterator[Found]:
    """Yield the objects of a list; what is broken in it is left for who reads the whole list to say."""
    for element in elements_of(part, path, head, limit()):
        if isinstance(found := parse(element), dict):
            yield flat(found)


def _are_messages(objects: Sequence[Found]) -> bool:
    """Return whether objects can be messages: a third say something, the others are events. None holds messages."""
    said = sum(bool(message_text(each)) for each in objects)
    return 3 * said >= len(objects) > 0 and not any(messages_key(each) for each in objects[:20])


def _hold_messages(objects: Sequence[Found]) -> bool:
    """Return whether all objects hold a list of messages: the transcripts of calls that another list describes."""
    return bool(objects) and all(messages_key(each) for each in objects[:20])


def _say_something(objects: Sequence[Found]) -> bool:
    return any(messages_key(each) or message_text(each) for each in objects[:20])


def _are_people(objects: Sequence[Found]) -> bool:
    return 2 * sum(person_of(each) is not None for each in objects) > len(objects)


def _matches(objects: Sequence[Found], spoken: Sequence[Found]) -> Iterator[tuple[tuple[bool, float, int], str, str]]:
    """Yield each pair of keys by which the messages name the objects, with how much speaks for it.

    A field that is called conversation is the surest, then one whose values are all there, then the one that tells
    most conversations apart: a message may name its inbox and its brand, too.
    """
    for own in _ids_of(objects):
        ids = {word(at_path(each, own)) for each in objects} - {""}
        if len(ids) < 2 or len(ids) < 0.9 * len(objects):
            continue
        for names in _references_of(spoken):
            values = [value for each in spoken if (value := word(at_path(each, names)))]
            met = sum(value in ids for value in values)
            # of a long file the samples are not all: one in twenty is no accident where ids are long
            enough = 0.5 if len(objects) < SAMPLE and len(spoken) < SAMPLE else 0.05
            if values and met >= max(2, enough * len(spoken)) and len(set(values)) > 1:
                is_named = compact(names.partition(".")[0]) in _CONVERSATIONS
                yield (is_named, met / len(values), len(set(values) & ids)), own, names


def _ids_of(objects: Sequence[Found]) -> list[str]:
    return [key for key in objects[0] if compact(str(key)).endswith(_IDS) or compact(str(key)) in NAMES["id"]]


def _references_of(spoken: Sequence[Found]) -> list[str]:
    """Return the keys, and paths into an object, by which messages may name what they belong to; not who and where."""
    keys: dict[str, None] = {}
    for found in spoken[:50]:
        for key, value in found.items():
            name = compact(str(key))
            if name in ("id", "_id", "uuid") or any(part in name for part in _NO_CONVERSATION):
                continue
            if isinstance(value, Mapping):
                keys.update((f"{key}.{inner}", None) for inner in ("id", "_id", "key", "number") if inner in value)
            elif isinstance(value, str | int) and not isinstance(value, bool):
                keys[str(key)] = None
    return list(keys)


_IDS = ("id", "key", "number", "uuid", "guid", "url", "uri", "href")
_NO_CONVERSATION = (
    "user", "author", "sender", "agent", "contact", "customer", "owner", "assignee", "creator", "createdby", "actor",
    "inbox", "channel", "group", "team", "brand", "department", "queue", "tag", "status", "message", "reply",
    "response", "answer",
    "visitor", "operator", "participant", "speaker", "party", "person", "member", "assigned", "account",
    "organization", "company", "product", "token", "type",
)  # fmt: skip
"""Parts of the names of keys that say who wrote, where, or about what, and not in which conversation."""

_CONVERSATIONS = NAMES["conversation"].keys() | {
    "ticketid", "caseid", "issueid", "incidentid", "requestid", "rid", "elementid", "documentkey", "ticket", "case",
    "parentid", "ticketnumber", "casenumber", "threadid", "topicid", "postid", "discussionid", "taskid", "cardid",
    "bugid", "chatid", "inquiryid", "objectid", "conversation", "thread",
}  # fmt: skip


# --- People -------------------------------------------------------------------------------------------------------


def people_in(part: Part, head: Head, lists: Mapping[Path, Sequence[Found]]) -> dict[str, Person]:
    """Return the people of all lists of a file that hold some, by their ids."""
    people: dict[str, Person] = {}
    for path, objects in lists.items():
        if ANY not in path and not any(person_of(flat(each)) for each in objects):
            continue
        for element in elements_of(part, path, head, limit()):
            found = parse(element)
            if not isinstance(found, dict) or len(people) >= MAX_PEOPLE:
                continue
            described = {"id": element.key, **flat(found)} if ANY in path else flat(found)
            if person := person_of(described):
                for own in _own_ids(described):
                    people.setdefault(own, person)
    return people


def person_of(found: Found) -> Person | None:
    """Return the person that an object describes: it has an id, a name or an address, and nothing that they say."""
    keys = keyed(found)
    if not keys.keys() & _PERSON_IDS or messages_key(found) or keys.keys() & _NOT_OF_A_PERSON:
        return None
    kind = word(value_of(found, keys, "type")) or word(value_of(found, keys, "kind"))
    if compact(kind) in ("conversation", "ticket", "thread", "case", "issue", "message", "group", "tag", "inbox"):
        return None
    emails = value_of(found, keys, "emails")
    email = next((value for name in _EMAILS if "@" in (value := word(value_of(found, keys, name)))), "")
    if not email and isinstance(emails, list) and emails:
        email = customer_of(emails[0])[0] if "@" in customer_of(emails[0])[0] else ""
    name = next((value for each in _PERSON_NAMES if (value := word(value_of(found, keys, each)))), "")
    name = name or full_name(found)
    if not email and not (name and keys.keys() & _OF_A_PERSON):
        return None
    said = (word(value_of(found, keys, each)) for each in _PERSON_ROLES)
    return Person(name, email, next((each for each in said if role_of(each)), ""))


def _own_ids(found: Found) -> list[str]:
    keys = keyed(found)
    return [own for name in _PERSON_IDS if (own := word(value_of(found, keys, name)))]


_PERSON_IDS = dict.fromkeys(
    """
    id _id userid contactid customerid agentid actorid memberid participantid visitorid sysid gid uid uuid accountid
    personid username
    """.split()  # noqa: SIM905
)
_PERSON_NAMES = ("fullname", "displayname", "realname", "name", "publicname", "nickname", "username", "login")
_PERSON_ROLES = ("role", "usertype", "type", "kind", "persontype", "membertype", "profile")
_EMAILS = ("email", "emailaddress", "mail", "primaryemail", "useremail", "loginname")
_OF_A_PERSON = frozenset(
    """
    type kind role usertype email emails phone phonenumber firstname lastname username login nickname displayname
    fullname realname avatar avatarurl picture locale timezone isbot active externalid
    """.split()  # noqa: SIM905
)
"""Fields that people have: a tag, an inbox or a product has an id and a name, too."""

_NOT_OF_A_PERSON = frozenset(
    "subject text body message description content conversationid ticketid threadid msg rid comment".split()  # noqa: SIM905
)
