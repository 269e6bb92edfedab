"""What every source promises: it yields records and rejects, in their order, and touches no row.

All sources read a record through one door, `read_record`, so that what is accepted does not depend on the kind.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol, runtime_checkable

from django.conf import settings
from django.utils.module_loading import import_string
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from pipeline.models.refusal import Refusal
from pipeline.sources.own_words.html import plain_text
from pipeline.sources.understanding.roles import CUSTOMER, is_role_word, role_of

RAW_LENGTH = 500
"""Characters of a rejected row that are kept to recognise it by."""


class UnknownSource(Exception):
    """No source of that kind is registered."""


class UnreadableSource(Refusal):
    """The source cannot be read at all; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot become a conversation. `line` counts `unit`s from 1: lines, or elements of an array."""

    line: int
    reason: str
    external_id: str = ""
    raw: str = ""
    unit: str = "line"
    part: str = ""
    """The file, where several are read together."""

    without_text: "Record | None" = None
    """The conversation that this would be, had it a text: another file may hold its messages."""

    @property
    def place(self) -> str:
        """Where it stands: `line 7`, or `support/2026-05-02.json, element 3`."""
        return f"{self.part}, {self.unit} {self.line}" if self.part else f"{self.unit} {self.line}"


@dataclass(frozen=True, slots=True)
class Record:
    """One conversation as a source gives it; everything in it can be stored.

    `messages` are as a version stores them, dicts of the strings role, author, text and created_at (ISO 8601 in UTC,
    or empty), `original` where the text came as markup, and of books `unit` and `language`. A role stays as it came, or
    empty, until `speakers.settled` has seen the whole source. `occurred_at` is None when the source gives no time.
    `names` are what the customer is called among the authors. `has_made_id`: the source gives none, so it is made of
    the content, and equal conversations get different ones where they are stored. `is_gathered`: its messages name
    this id; what the conversation is about may stand in another file.
    """

    line: int
    external_id: str
    messages: list[dict[str, str]]
    occurred_at: datetime | None = None
    customer: str = ""
    url: str = ""
    label: str = ""
    metadata: dict[str, Any] | None = None
    classified_at: datetime | None = None
    raw: bytes = b""
    unit: str = "line"
    part: str = ""
    names: tuple[str, ...] = ()
    has_made_id: bool = False
    is_gathered: bool = False

    @property
    def place(self) -> str:
        """Where it stands: `line 7`, or `support/2026-05-02.json, element 3`."""
        return f"{self.part}, {self.unit} {self.line}" if self.part else f"{self.unit} {self.line}"

    def reject(self, reason: str) -> Reject:
        """Return the reject that this record becomes when it cannot be stored after all."""
        return Reject(self.line, reason, self.external_id, excerpt(self.raw), self.unit, self.part)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Stands behind rows of a source that can be continued: once they are stored, `cursor` says where to go on."""

    cursor: str


Row = Record | Reject | Checkpoint
Rows = Iterator[Row]


class RecordSource(Protocol):
    """Gives the conversations of the source `kind:name`."""

    kind: str
    name: str
    is_live: bool  # its name alone says where to read, so a run first imports what is new

    def records(self) -> Rows:
        """Return the records one by one, in their order; UnreadableSource, at once, if there is nothing to read."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A live source that goes on where it stopped: at `cursor`, which is empty at first. Its rows hold checkpoints.

    `notes` are sentences for the person who imports, complete behind the last row.
    """

    cursor: str
    notes: list[str]


def get_source(kind: str) -> Callable[..., RecordSource]:
    """Return the registered class of that kind; UnknownSource names the registered ones."""
    try:
        path = settings.SOURCES[kind]
    except KeyError:
        known = ", ".join(sorted(settings.SOURCES))
        raise UnknownSource(f"there is no kind of source {kind!r}. Kinds: {known}") from None
    source: Callable[..., RecordSource] = import_string(path)
    return source


def is_live(kind: str) -> bool:
    """Return whether that kind is registered and its sources can be read by their name alone."""
    return kind in settings.SOURCES and bool(getattr(import_string(settings.SOURCES[kind]), "is_live", False))


# --- What a record may hold ---------------------------------------------------------------------------------------

Moment = Any
"""A time as it comes. It is read behind the validation (`_utc`): most are in one form, which costs less to read so."""

Word = Annotated[str, Field(coerce_numbers_to_str=True, max_length=200)]


class _Message(TypedDict, total=False):
    """A message as it comes; what it holds besides is not kept. A dict, for it costs half of what a model does."""

    role: str | None
    author: str | None
    text: str | None
    content: str | None
    created_at: Moment


class _Incoming(BaseModel):
    """A record as it comes; fields we do not know are kept in the metadata."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[
        str, Field(coerce_numbers_to_str=True), StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
    ]
    text: str | None = None
    messages: list[_Message] | None = None
    created_at: Moment = None
    customer: Word | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None
    label: Word | None = None
    metadata: dict[str, Any] | None = None
    classified_at: Moment = None


class _Refused(Exception):
    """The record cannot be taken; the message is the reason."""


# A NUL as JSON writes it, and not the six characters of an escaped backslash before u0000; PostgreSQL's text holds
# none.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def read_record(raw: bytes, *, line: int, unit: str = "line", part: str = "") -> Record | Reject:
    """Return the record that a JSON object in UTF-8 describes, or the reject that says why there is none."""
    try:
        # the plain search first: it is far cheaper and nearly always says no
        if b"\\u0000" in raw and _NUL.search(raw):
            raise _Refused("it contains a NUL character, which cannot be stored")
        return _record(_Incoming.model_validate_json(raw), raw, line, unit, part)
    except ValidationError as error:
        reason = _reason(error, raw)
    except _Refused as error:
        reason = str(error)
    return Reject(line, reason, _id_in(raw), excerpt(raw), unit, part)


def excerpt(raw: bytes) -> str:
    """Return the beginning of a row, to recognise it by."""
    return raw[: 4 * RAW_LENGTH].decode(errors="replace").strip()[:RAW_LENGTH]


def _record(incoming: _Incoming, raw: bytes, line: int, unit: str, part: str) -> Record:
    messages = oldest_first(_messages(incoming))
    return Record(
        line=line,
        external_id=incoming.id,
        messages=messages or _single(incoming.text),
        occurred_at=_utc(incoming.created_at, "created_at") or _first_time(messages),
        customer=incoming.customer or "",
        url=incoming.url or "",
        label=incoming.label or "",
        metadata=_metadata(incoming, bool(messages)),
        classified_at=_utc(incoming.classified_at, "classified_at"),
        raw=raw[: 4 * RAW_LENGTH],
        unit=unit,
        part=part,
        names=(incoming.customer,) if incoming.customer else (),
    )


def _metadata(incoming: _Incoming, has_messages: bool) -> dict[str, Any]:
    """Return the metadata with all that has no column: unknown fields, and the text of a record that has messages."""
    unknown = incoming.model_extra or {}
    if has_messages and incoming.text:
        unknown = {**unknown, "text": incoming.text}
    return {**unknown, **(incoming.metadata or {})}


# --- Messages -----------------------------------------------------------------------------------------------------


def _messages(incoming: _Incoming) -> list[dict[str, str]]:
    """Return the messages as a version stores them; those without text are left out."""
    stored: list[dict[str, str]] = []
    for number, message in enumerate(incoming.messages or (), start=1):
        original = message.get("text") or message.get("content") or ""
        if not original or original.isspace() or not (text := plain_text(original)):
            continue
        role, author = (message.get("role") or "").strip(), (message.get("author") or "").strip()
        # who speaks is not said at all: then it is the person that the conversation is with
        if not role and not author:
            role = CUSTOMER
        elif not role and (role := role_of(author) or "") and is_role_word(author):
            author = ""
        created_at = _iso(at, number) if (at := message.get("created_at")) else ""
        stored.append(stored_message(role, author, original, text, created_at))
    return stored


def oldest_first(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the messages in the order of their times; as they are where not all have one. Many exports give the
    newest first, and who speaks first matters.
    """
    times = [each["created_at"] for each in messages]
    if not all(times) or times == sorted(times):
        return messages
    given = messages[::-1] if times == sorted(times, reverse=True) else messages  # of one time: as the others stand
    return sorted(given, key=lambda each: each["created_at"])


def stored_message(role: str, author: str, original: str, text: str, created_at: str = "") -> dict[str, str]:
    """Return a message as a version stores it: `original` is there where it differs from the plain text of it."""
    message = {"role": role, "author": author, "text": text, "created_at": created_at}
    return message if text == original else {**message, "original": original}


def _single(text: str | None) -> list[dict[str, str]]:
    """Return a text alone as one message of the customer."""
    if not text or text.isspace() or not (plain := plain_text(text)):
        raise _Refused("no text")
    return [stored_message(CUSTOMER, "", text, plain)]


# --- Times --------------------------------------------------------------------------------------------------------


_MOMENT = TypeAdapter(datetime)
_IN_UTC = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:Z|\+00:00)", re.ASCII)
"""The commonest way to write a time: `2026-05-02T08:00:00Z`."""


def _utc(moment: Moment, field: str) -> datetime | None:
    """Return a moment in UTC; one without a zone is taken to be in UTC. _Refused if it is none."""
    if moment is None or moment == "":
        return None
    try:
        if type(moment) is str and _IN_UTC.fullmatch(moment):
            return datetime.fromisoformat(moment)
        at = _MOMENT.validate_python(moment)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise _Refused(f"{field} is out of range: {moment}") from None
    except ValueError:
        raise _Refused(f"{field} is not a date: {str(moment)[:50]!r}") from None


def _iso(moment: Moment, number: int) -> str:
    if type(moment) is str and _IN_UTC.fullmatch(moment):
        with suppress(ValueError):  # the thirteenth month: said below
            datetime.fromisoformat(moment)
            return f"{moment[:10]}T{moment[11:19]}+00:00"
    at = _utc(moment, f"created_at of message {number}")
    return at.isoformat() if at else ""


def _first_time(messages: Iterable[dict[str, str]]) -> datetime | None:
    """Return the time of the first message that has one."""
    return next((datetime.fromisoformat(each["created_at"]) for each in messages if each["created_at"]), None)


# --- Reasons ------------------------------------------------------------------------------------------------------

_WORDS = {
    "string_type": "is not a string",
    "list_type": "is not a list",
    "dict_type": "is not an object",
    "model_type": "is not an object",
}


def _reason(error: ValidationError, raw: bytes) -> str:
    """Return in plain words what is wrong first."""
    first = error.errors(include_url=False)[0]
    kind, given, field = first["type"], first["input"], _field(first["loc"])
    if kind == "json_invalid":
        return _broken(first["msg"], raw)
    if field == "id" and (kind in ("missing", "string_too_short") or given is None):
        return "no id"
    if kind == "string_too_long":
        return f"{field} is longer than {first['ctx']['max_length']} characters"
    return f"{field} {_WORDS.get(kind, first['msg'])}"


def _field(loc: tuple[str | int, ...]) -> str:
    """Return `text of message 2` for ("messages", 1, "text")."""
    match list(loc):
        case []:
            return "the record"
        case ["messages", int(place), *rest]:
            return " of ".join([*map(str, rest), f"message {place + 1}"])
        case parts:
            return ".".join(map(str, parts))


def _broken(message: str, raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"invalid UTF-8 at byte {error.start + 1}"
    if b"\0" in raw:
        return "it contains a NUL byte, which cannot be stored"
    what = message.removeprefix("Invalid JSON: ").replace(" at line 1 column ", " at column ")
    return f"broken JSON: {what.replace(' at line 2 column 0', ' at its end')}"


class _Named(BaseModel):
    id: Word | None = None


def _id_in(raw: bytes) -> str:
    """Return the id of a rejected row, if it can be read."""
    try:
        return _Named.model_validate_json(raw).id or ""
    except ValidationError:
        return ""
