"""From what a format found to a record: the one place where times, customers, subjects, ids and markup are understood.

Who speaks is decided later, by `speakers`, over the whole file; here the words for roles stay as they came.
"""

import hashlib
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.sources.own_words.html import plain_text
from pipeline.sources.records import Record, Reject, excerpt, oldest_first, stored_message
from pipeline.sources.understanding import times
from pipeline.sources.understanding.deleted import is_deleted
from pipeline.sources.understanding.roles import CUSTOMER, is_role_word, split_transcript

ID_LENGTH = AUTHOR_LENGTH = 200
URL_LENGTH = 2000


@dataclass(slots=True)
class Said:
    """One message as a format found it. `at` may be anything `times` can read; `role` any word `roles` knows."""

    text: str
    role: str = ""
    author: str = ""
    at: object = None


@dataclass(slots=True)
class Thread:
    """One conversation as a format found it.

    `external_id` may be empty: then it is made of the content. `customer` may be a word, a number or an object
    ({id, email, name}); `names` are other names that the customer goes by among the authors. `subject` is read with the
    first message of the customer. `line` counts `unit`s of `part` from 1. `is_time_mapped` says that a person chose the
    field of `at`.
    """

    messages: list[Said]
    line: int = 0
    external_id: object = ""
    subject: str = ""
    customer: object = None
    names: tuple[str, ...] = ()
    at: object = None
    url: str = ""
    label: str = ""
    classified_at: object = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    unit: str = "element"
    part: str = ""
    raw: bytes = b""
    is_gathered: bool = False
    is_time_mapped: bool = False


class Unusable(ValueError):
    """This cannot become a conversation; the message is the reason in plain words.

    `without_text` is the record where that is all it needs.
    """

    def __init__(self, reason: str, without_text: Record | None = None) -> None:
        super().__init__(reason)
        self.without_text = without_text


def record_of(thread: Thread, reader: times.TimeReader | None = None) -> Record | Reject:
    """Return the record of a thread, or the reject that says why there is none. `reader` reads its times."""
    external_id = word(thread.external_id)
    try:
        return _record(thread, external_id, (reader or times.TimeReader()).read)
    except Unusable as error:
        return Reject(
            thread.line,
            str(error),
            external_id[:ID_LENGTH],
            excerpt(thread.raw),
            thread.unit,
            thread.part,
            error.without_text,
        )


def _record(thread: Thread, external_id: str, read_time: Any) -> Record:
    if len(external_id) > ID_LENGTH:
        raise Unusable(f"its id is longer than {ID_LENGTH} characters")
    # blank messages go first, so that one text alone is seen to be alone
    names = (*customer_of(thread.customer)[1], *thread.names)
    said = _parted([each for each in thread.messages if each.text and not each.text.isspace()], names)
    said = [each for each in said if not _says_nothing(each.text)]
    messages = [message for each in said if (message := _message(each, read_time))["text"].strip()]
    messages = oldest_first(messages)
    messages = with_subject(messages, thread.subject)
    customer, names = customer_of(thread.customer)
    record = Record(
        line=thread.line,
        external_id=external_id or (made_id(thread, messages) if messages else ""),
        messages=messages,
        occurred_at=_begun_at(thread, messages, read_time),
        customer=customer,
        url=thread.url if len(thread.url) <= URL_LENGTH else "",
        label=word(thread.label)[:ID_LENGTH],
        metadata={key: value for key, value in thread.metadata.items() if value not in (None, "", [], {})},
        raw=thread.raw[:2000],
        classified_at=read_time(thread.classified_at),
        unit=thread.unit,
        part=thread.part,
        names=(*names, *thread.names),
        has_made_id=not external_id,
        is_gathered=thread.is_gathered,
    )
    if not messages:
        raise Unusable("no text", record if external_id else None)
    if _holds_nul([messages, customer, external_id, record.metadata]):
        raise Unusable("it contains a NUL character, which cannot be stored")
    return record


def _says_nothing(text: str) -> bool:
    """Return whether a text is the notice that it was deleted, or a document of XML without a word, as of a picture."""
    if "<" not in text[:200]:
        return is_deleted(text)
    is_document = text.lstrip().startswith("<?xml") and not _TAG.sub("", text[:100_000]).strip()
    return is_document or is_deleted(plain_text(text))


_TAG = re.compile(r"<[^<>]*>")


def _begun_at(thread: Thread, messages: Iterable[Mapping[str, str]], read_time: Any) -> datetime | None:
    """Return when a conversation began: the earlier of the time that it gives for itself and that of its messages.

    A webhook or an archive gives the time of its delivery, and an import of an old system that of the import. What a
    person mapped stands as it is.
    """
    stated: datetime | None = read_time(thread.at)
    if stated and thread.is_time_mapped:
        return stated
    return min(filter(None, (stated, first_time(messages))), default=None)


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(_holds_nul, value))


def _message(said: Said, read_time: Any) -> dict[str, str]:
    at = read_time(said.at)
    text = plain_text(said.text)
    author = said.author.strip()[:AUTHOR_LENGTH]
    role = word(said.role) or ("" if author else CUSTOMER)
    return stored_message(role, author, said.text, text, at.isoformat() if at else "")


def _parted(messages: list[Said], customers: Collection[str]) -> list[Said]:
    """Return the messages of a text that holds a whole conversation (`Customer: ... Agent: ...`)."""
    if len(messages) != 1 or messages[0].role or messages[0].author:
        return messages
    parts = split_transcript(plain_text(messages[0].text), customers)
    return [Said(each.text, each.role, each.author, each.time) for each in parts or ()] or messages


def with_subject(messages: list[dict[str, str]], subject: str) -> list[dict[str, str]]:
    """Return the messages with the subject as the first line of the customer's first, unless it says that already."""
    subject = " ".join(plain_text(subject).split())[:1000]
    if not subject:
        return messages
    if not messages:
        return [stored_message(CUSTOMER, "", subject, subject)]
    first = next((each for each in messages if each["role"].lower() in (CUSTOMER, "")), messages[0])
    bare = subject.casefold()
    # several may stand before each other: `Re: AW: Fwd: Invoice`
    while bare.startswith(("re:", "fw:", "fwd:", "aw:", "wg:")):
        bare = bare.partition(":")[2].strip()
    if bare and bare not in " ".join(first["text"][:5000].casefold().split()):
        first["text"] = f"{subject}\n{first['text']}"
    return messages


def customer_of(value: object) -> tuple[str, tuple[str, ...]]:
    """Return how a customer is known from now on, and all names they go by.

    That is an e-mail address or a phone number; else a full name, which people can read; else an id, since "Kim" and
    "Visitor" are many; else whatever name there is.
    """
    if isinstance(value, Mapping):
        fields = {str(key).casefold().replace("_", ""): word(each) for key, each in value.items()}
        fields["fullname"] = fields.get("fullname") or full_name(value)
        emails = value.get("emails")
        if isinstance(emails, list) and emails:  # `["kim@.."]`, or `[{"type": "home", "email": "kim@.."}]`
            fields["email"] = fields.get("email") or customer_of(emails[0])[0]
        reached, called, numbered = ([fields.get(key, "") for key in keys] for keys in (_REACHED, _CALLED, _NUMBERED))
        reached += [each for each in (*numbered, fields.get("address", "")) if "@" in each]
        known = [*reached, *filter(_is_full, called), *numbered, *called]
        names = tuple(dict.fromkeys(name for name in known if name))
        return (names[0].casefold() if "@" in names[0] else names[0])[:ID_LENGTH] if names else "", names
    if isinstance(value, str) and value.strip().casefold() in NOBODY:
        return "", ()
    if isinstance(value, list):
        return customer_of(value[0]) if value and isinstance(value[0], Mapping | str) else ("", ())
    name = word(value)
    return (name.casefold() if "@" in name else name)[:ID_LENGTH], (name,) if name else ()


NOBODY = frozenset(
    """
    anonymous anonym anonyme anónimo anonimo anoniem anonymer-nutzer аноним анонимно 匿名 익명 anonymous-user unknown
    unbekannt inconnu desconocido sconosciuto onbekend n/a none null - guest-user
    """.split()  # noqa: SIM905
)
"""What stands where nobody gave their name: it is not one customer."""

_REACHED = ("email", "emailaddress", "mail", "useremail", "phone", "phonenumber")
_CALLED = ("fullname", "displayname", "name", "displayvalue", "nickname")
_NUMBERED = ("id", "_id", "userid", "accountid", "uuid", "sysid", "username", "login", "handle")
"""Fields of a customer: how to reach them, what they are called, and how a program tells them apart."""


def _is_full(name: str) -> bool:
    """Return whether a name is hardly anybody else's: of two words, or in a script that writes names in one."""
    is_whole = " " in name or (len(name) > 1 and _WRITES_TOGETHER.match(name) is not None)
    return is_whole and not is_role_word(re.sub(r"[\s#\d]+$", "", name))  # "Visitor 12" may be somebody else tomorrow


_WRITES_TOGETHER = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def full_name(person: Mapping[str, Any]) -> str:
    """Return the first and the last name of somebody, as far as an object has them in fields of their own."""
    fields = {str(key).casefold().replace("_", ""): each for key, each in person.items()}
    for first, last in _NAMES_IN_PARTS:
        if name := " ".join(filter(None, (word(fields.get(first)), word(fields.get(last))))):
            return name
    return ""


_NAMES_IN_PARTS = (
    ("firstname", "lastname"), ("first", "last"), ("givenname", "surname"), ("givenname", "familyname"),
    ("vorname", "nachname"), ("prenom", "nom"), ("nombre", "apellido"),
)  # fmt: skip


def made_id(thread: Thread, messages: Iterable[Mapping[str, str]]) -> str:
    """Return an id made of the content, so that the same conversation has it again wherever it stands in a file."""
    said = [(each["role"], each["author"], each["text"], each["created_at"]) for each in messages]
    rest = [word(thread.at), customer_of(thread.customer)[0], thread.url, thread.metadata]
    digest = hashlib.sha256(json.dumps([said, rest], sort_keys=True, default=str).encode(errors="replace"))
    return f"made-{digest.hexdigest()[:20]}"


def first_time(messages: Iterable[Mapping[str, str]]) -> datetime | None:
    """Return the time of the first message that has one."""
    return next((datetime.fromisoformat(each["created_at"]) for each in messages if each["created_at"]), None)


def word(value: object) -> str:
    """Return a value as a word: text trimmed, a whole number in digits, an id as MongoDB exports it; else no word."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    if isinstance(value, Mapping):
        return word(value.get("$oid") or value.get("$numberLong") or value.get("$numberInt")) if len(value) == 1 else ""
    return " ".join(value.split()) if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def text_of(value: object) -> str:
    """Return the text in a value: itself, or the texts of a list of parts joined.

    Pictures, files and tool calls have none, and what a model thought is not what it said. What was spoken and written
    down (`audio_transcription`) is.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(text for each in value if (text := text_of(each)))
    if isinstance(value, Mapping):
        kind = value.get("type") or value.get("content_type") or ""
        if isinstance(kind, str) and kind.startswith(_NOT_SAID) and not kind.endswith("transcription"):
            return ""
        return next((text for key in _TEXT_IN_AN_OBJECT if (text := text_of(value.get(key)))), "")
    return ""


_TEXT_IN_AN_OBJECT = (
    "text", "content", "parts", "value", "body", "message", "title", "label", "comment", "quick_reply_button",
    "quick_reply", "choices", "output", "query", "payload",
)  # fmt: skip
"""Where the text of a part stands; behind it buttons that somebody pressed, or that a bot offers, and what an event of
a bot's platform carries: `"payload": {"type": "intent", "payload": {"query": ...}}`.
"""

_NOT_SAID = (
    "attachment",
    "sticker",
    "location",
    "tool",
    "image",
    "audio",
    "video",
    "file",
    "function",
    "thinking",
    "thought",
    "reasoning",
    "redacted",
    "debug",
    "trace",
)
"""How the kinds of parts begin that nobody says to the other."""


def rest(found: Mapping[str, Any], *used: str) -> dict[str, Any]:
    """Return the fields that are left, for the metadata: plain values and lists of them, none of them long."""
    return {
        key: value
        for key, value in found.items()
        if key not in used
        and (_is_plain(value) or (isinstance(value, list) and len(value) <= 50 and all(map(_is_plain, value))))
    }


def _is_plain(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int | bool) and len(str(value)) <= 500
