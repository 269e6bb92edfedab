"""Mail: an mbox, one mail (.eml), a folder or zip of them, or saved as plain text (`headed_text`).

Threads by References, In-Reply-To, Gmail's number of the thread, and the subject.

A file is read twice: first only the headers, to know which mail belongs to which thread, then the texts. Attachments
are counted and not read.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import Header, decode_header
from email.message import EmailMessage, Message
from email.utils import format_datetime, getaddresses, parsedate_to_datetime
from typing import Any

from pipeline.sources.formats.base import Head, Options, Recognised, Stream, limit
from pipeline.sources.formats.json_objects import Rows, time_reader
from pipeline.sources.own_words.html import plain_text
from pipeline.sources.parsing import encodings
from pipeline.sources.parsing.headed_text import Headed, headed_messages, is_headed
from pipeline.sources.parsing.lines import text_lines
from pipeline.sources.parsing.parts import DAMAGE, Part
from pipeline.sources.records import Reject, excerpt
from pipeline.sources.understanding.gathering import Gathered, order_of
from pipeline.sources.understanding.threads import ID_LENGTH, Said, Thread, record_of
from pipeline.sources.understanding.times import TimeColumn

HEADER_LENGTH = 4000
"""Characters of a header that are looked at: no reader of addresses or encoded words is asked to go through more."""

HEADERS_LENGTH = 256 * 1024
MAX_DEPTH = 30
_DESK = re.compile(
    r"(?:support|help|helpdesk|service|kundenservice|customer\W?(?:care|service|support)|info|kontakt|contact|hello"
    r"|hallo|team|sales|"
    r"office|billing|feedback|no\W?reply|do\W?not\W?reply|soporte|ayuda|atencion|assistance|assistenza|suporte"
    r"|hilfe)\d{0,3}@"
)
TEAM_SHARE = 0.3
"""An address to which so many of the mails go is the team's own."""

_POSTMARK = re.compile(rb"From \S{1,300} +[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d")
_HEADER_LINE = re.compile(rb"([A-Za-z][A-Za-z0-9-]{1,60}):[ \t\r\n]")
_OF_MAIL = frozenset(
    (b"from", b"date", b"message-id", b"received", b"mime-version", b"return-path", b"delivered-to", b"in-reply-to")
)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,400}>")
_REPLY = re.compile(
    r"^\s{0,5}(?:(?:re|aw|sv|vs|antw|antwort|rif|res|enc|odp|ynt|r|回复|回覆|答复|返信|תגובה"
    r"|השב)(?:\[\d{1,3}\])?\s?[:：]\s{0,5})+",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"\s+")


class Mail:
    """Mail in the form of RFC 5322, one or many to a file."""

    name = "Mail"

    def sniff(self, head: Head) -> float:
        if _POSTMARK.match(head.raw):
            return 0.98
        if _is_mail(head.raw):
            return 0.95
        return 0.94 if _is_saved_as_text(head.text) else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(customer="From", text="text parts", times="Date", conversation="References")
        threads, counts, reader = Threads(), Counter[str](), time_reader(options)
        for mail in _all_mails(stream, options):
            if isinstance(mail, _RawMail):
                threads.add(_envelope(mail.raw[:HEADERS_LENGTH]))
        with Gathered() as gathered:
            number = 0
            for mail in _all_mails(stream, options):
                if isinstance(mail, _RawMail):
                    yield from _gather(mail, threads.key(number), gathered, counts)
                    number += 1
                else:
                    yield mail
            team = threads.team()
            for key, things in gathered.groups(limit()):
                if things is None:
                    yield Reject(0, f"the thread is longer than {limit():,} bytes", key, unit="mail")
                else:
                    yield record_of(_thread(things, team), reader)
        _say(counts, stream.summary)


def _say(counts: Counter[str], summary: Recognised) -> None:
    if attachments := counts["attachments"]:
        summary.note(f"{attachments:,} attachments were left out.")
    if automatic := counts["automatic"]:
        summary.note(f"{automatic:,} mails are marked as sent by a program and count as written by a bot.")


def _is_mail(raw: bytes) -> bool:
    """Return whether the first lines are headers of mail, From among them."""
    top = raw.lstrip(b"\xef\xbb\xbf\r\n")[:HEADERS_LENGTH].replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
    if not _HEADER_LINE.match(top):
        return False
    names = {found[1].lower() for line in top.split(b"\n") if (found := _HEADER_LINE.match(line + b"\n"))}
    return b"from" in names and len(names & _OF_MAIL) >= 2


# --- One mail after the other -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _RawMail:
    """A mail as it stands in a file; of a longer one than a conversation may be, the beginning."""

    raw: bytes
    number: int
    part: str
    postmark: bytes = b""


def _all_mails(stream: Stream, options: Options) -> "Iterator[_RawMail | Reject]":
    return (mail for part in stream.parts for mail in _mails(part, options))


def _mails(part: Part, options: Options) -> Iterator[_RawMail | Reject]:
    """Yield the mails of a file, in pieces of bounded size; damage ends them with a reject."""
    number = 0
    try:
        with closing(part.open()) as file:
            begin = file.peek(HEADERS_LENGTH)[:HEADERS_LENGTH]
        if not _POSTMARK.match(begin) and not _is_mail(begin):
            for mail in _mails_in_text(part, options):
                number = mail.number
                yield mail
            return
        with closing(part.open()) as file:
            for postmark, raw in _split(file):
                number += 1
                yield _RawMail(raw, number, part.name, postmark)
    except (*DAMAGE, OSError, encodings.UnknownEncoding) as error:
        yield Reject(
            number + 1, f"the file is damaged; the rest could not be read: {error}", unit="mail", part=part.name
        )


def _is_saved_as_text(text: str) -> bool:
    """Return whether a text is mail that a program saved without its own form: heads that name a subject."""
    begin = text[:20_000].splitlines()
    return is_headed(begin) and any(each.subject is not None for each in headed_messages(lambda: begin))


def _mails_in_text(part: Part, options: Options) -> Iterator[_RawMail]:
    """Yield the mails of a text as they would stand in an mbox, so that they are read like any other.

    Such texts name who receives a mail by name alone; their address is that which they write from elsewhere.
    """

    def read() -> Iterator[Headed]:
        return headed_messages(lambda: text_lines(part, options))

    # all times together show what is the day and what the month
    addresses, column = dict[str, str](), TimeColumn()
    for each in read():
        addresses |= {name.casefold(): address for name, address in getaddresses([each.sender]) if name}
        column.see(each.sent)
    times = column.reader(options.date_format)
    for each in read():
        to = ", ".join(addresses.get(name.strip().casefold(), name.strip()) for name in each.to.split(";"))
        at = times.read(each.sent)
        head = EmailMessage(policy.compat32)
        for name, value in (("From", each.sender), ("To", to), ("Subject", each.subject or "")):
            head[name] = Header(value, "utf-8").encode(maxlinelen=10_000) if not value.isascii() else value
        head["Date"] = format_datetime(at) if at else ""
        head["Content-Type"] = 'text/plain; charset="utf-8"'
        yield _RawMail(head.as_bytes() + each.text.encode(errors="replace"), each.line, part.name)


def _split(file: Any) -> Iterator[tuple[bytes, bytes]]:
    """Yield (line `From ...`, mail) of an mbox; a file without such lines is one mail."""
    most, kept, size, postmark = limit(), list[bytes](), 0, b""
    # A line `From ...` begins a mail only below an empty line and with a date in it: people begin sentences so.
    # `at_line` is False within a line that is longer than what is read at once.
    after_blank, at_line = True, True
    while line := file.readline(1 << 16):
        if at_line and after_blank and line.startswith(b"From ") and _POSTMARK.match(line):
            if size:
                yield postmark, b"".join(kept)
            kept, size, postmark = [], 0, line
            after_blank = False
            continue
        after_blank = at_line and line in (b"\n", b"\r\n")
        at_line = line.endswith(b"\n")
        if postmark and line.startswith(b">From "):
            line = line[1:]
        size += len(line)
        if size <= most:
            kept.append(line)
    if size:
        yield postmark, b"".join(kept)


# --- Headers ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Envelope:
    """What the headers say. `ids` begin with the mail's own, as it stands there or made of the content."""

    own_id: str
    references: list[str]
    subject: str
    sender: tuple[str, str]  # name, address
    receivers: list[str]
    date: str
    is_automatic: bool
    headers: Message = field(repr=False)
    thread: str = ""
    """Gmail's own number of the thread, where there is one."""


def _envelope(raw: bytes) -> _Envelope:
    top = raw.lstrip(b"\xef\xbb\xbf\r\n")
    end = min((place for gap in (b"\n\n", b"\r\n\r\n") if (place := top.find(gap)) >= 0), default=len(top))
    message = message_from_bytes(top[: end + 2], policy=policy.compat32)
    own = _MESSAGE_ID.search(_header(message, "Message-ID"))
    references = _MESSAGE_ID.findall(_header(message, "References"))
    replied = _MESSAGE_ID.findall(_header(message, "In-Reply-To"))
    senders = _addresses(message, "From") or _addresses(message, "Sender") or _addresses(message, "Reply-To")
    automatic = _header(message, "Auto-Submitted").strip().lower()
    return _Envelope(
        own_id=own[0] if own else f"<made-{hashlib.sha256(raw).hexdigest()[:20]}>",
        references=list(dict.fromkeys([*references, *replied])),
        subject=_decoded(_header(message, "Subject")),
        sender=senders[0] if senders else ("", ""),
        receivers=[address for name in ("To", "Cc", "Delivered-To") for _, address in _addresses(message, name)],
        date=_header(message, "Date"),
        is_automatic=bool(automatic) and not automatic.startswith("no"),
        headers=message,
        thread=_header(message, "X-GM-THRID").strip(),
    )


def _header(message: Message, name: str) -> str:
    """Return the beginning of a header as it stands there; bytes that are not ASCII as far as they can be read."""
    value = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    text = str(value)[:HEADER_LENGTH]
    if text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _decoded(value: str) -> str:
    """Return a header with its encoded words (`=?utf-8?...?=`) decoded, in one line."""
    try:
        pieces = [
            piece if isinstance(piece, str) else _text(piece, charset or "ascii")
            for piece, charset in decode_header(_BLANKS.sub(" ", value))
        ]
    except (ValueError, LookupError):  # broken base64
        pieces = [value]
    return _BLANKS.sub(" ", "".join(pieces)).strip()


def _addresses(message: Message, name: str) -> list[tuple[str, str]]:
    """Return (name, address) of those a header names; addresses in small letters."""
    value = _BLANKS.sub(" ", _header(message, name))
    if not value:
        return []
    found = [(_decoded(who), address.strip().lower()) for who, address in getaddresses([value])]
    return [(who, address) for who, address in found if who or address][:50]


# --- Threads ------------------------------------------------------------------------------------------------------


class Threads:
    """Which mail belongs to which thread: mails are added in their order and asked for by their number.

    Eight bytes for each id instead of the id; of a million mails it remembers about 200 MB.
    """

    def __init__(self) -> None:
        self._above: dict[int, int] = {}
        self._mails: list[int] = []
        self.received: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()

    def add(self, envelope: _Envelope) -> None:
        """Join a mail with those it names; a reply that names none with those of its subject and people."""
        own = _number(envelope.own_id)
        self._mails.append(own)
        for reference in envelope.references:
            self._join(own, _number(reference))
        if envelope.thread:
            self._join(own, _number(f"thread {envelope.thread}"))
        people = sorted({envelope.sender[1], *envelope.receivers[:1]})
        topic = _number(f"{_bare(envelope.subject).casefold()} {people}")
        # mails without a subject have nothing in common
        if _bare(envelope.subject) == "":
            topic = own
        if _REPLY.match(envelope.subject) and not envelope.references:
            self._join(own, topic)
        # the first of its subject and people: later replies without references are joined to it
        elif topic not in self._above:
            self._join(topic, own)
        self.received.update(set(envelope.receivers))
        self.sent[envelope.sender[1]] += 1

    def key(self, number: int) -> str:
        """Return the key of the thread to which a mail belongs."""
        return f"{self._root(self._mails[number]):x}"

    def team(self) -> frozenset[str]:
        """Return the addresses that are the team's: by their name, or because so many mails go to them."""
        known = self.received.keys() | self.sent.keys()
        desks = {address for address in known if _DESK.match(address)}
        needed = max(3 if desks else 2, TEAM_SHARE * len(self._mails))
        return frozenset(desks.union(address for address, count in self.received.items() if count >= needed))

    def _root(self, node: int) -> int:
        root = node
        while (above := self._above.get(root, root)) != root:
            root = above
        while (above := self._above.get(node, node)) != root:
            self._above[node] = root
            node = above
        return root

    def _join(self, one: int, other: int) -> None:
        # the lower number becomes the root, so that the key of a thread does not depend on the order of its mails
        first, second = sorted((self._root(one), self._root(other)))
        self._above[second] = first
        self._above.setdefault(first, first)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest())


def _bare(subject: str) -> str:
    return _REPLY.sub("", subject).strip()


def _gather(mail: _RawMail, key: str, gathered: Gathered, counts: Counter[str]) -> Iterator[Reject]:
    """Keep a mail under its thread's key; yield a reject if it cannot be read."""
    try:
        envelope = _envelope(mail.raw[:HEADERS_LENGTH])
        body = _Body()
        body.read(message_from_bytes(mail.raw.lstrip(b"\xef\xbb\xbf\r\n"), policy=policy.compat32))
    except (RecursionError, ValueError, LookupError, AttributeError, TypeError, IndexError) as error:
        reason = f"the mail cannot be read: {type(error).__name__}"
        yield Reject(mail.number, reason, raw=excerpt(mail.raw[:2000]), unit="mail", part=mail.part)
        return
    counts["attachments"] += body.attachments
    counts["automatic"] += envelope.is_automatic
    at = _moment(envelope.date) or _moment(mail.postmark.decode(errors="replace").partition(" ")[2].partition(" ")[2])
    thing = {
        "id": envelope.own_id.strip("<>"),
        "root": (envelope.references or [envelope.own_id])[0].strip("<>"),
        "subject": envelope.subject,
        "name": envelope.sender[0],
        "address": envelope.sender[1],
        "text": body.text,
        "attachments": body.attachments,
        "automatic": envelope.is_automatic,
        "at": at.isoformat() if at else "",
        "line": mail.number,
        "part": mail.part,
    }
    gathered.add(key, thing, order=order_of(at))


def _moment(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value.strip())
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def _thread(things: Sequence[dict[str, Any]], team: frozenset[str]) -> Thread:
    """Return a thread's mails, each once; who began it, unless that is the team, is the customer."""
    mails = list({thing["id"]: thing for thing in reversed(things)}.values())[::-1]
    senders = [mail["address"] for mail in mails if mail["address"]]
    customer = next((address for address in senders if address not in team), "")
    first = mails[0]
    root = first["root"] if len(first["root"]) <= ID_LENGTH else f"mail-{_number(first['root']):x}"
    name = next((mail["name"] for mail in mails if mail["address"] == customer and mail["name"]), "")
    return Thread(
        [
            Said(mail["text"], _role(mail, customer, team), mail["name"] or mail["address"], mail["at"])
            for mail in mails
        ],
        external_id=root,
        subject=_bare(first["subject"]),
        customer={"email": customer, "name": name} if customer else None,
        at=first["at"],
        metadata={"subject": first["subject"], "attachments": sum(mail["attachments"] for mail in mails) or None},
        line=first["line"],
        part=first["part"],
        unit="mail",
    )


def _role(mail: dict[str, Any], customer: str, team: frozenset[str]) -> str:
    """Return the role of a mail's sender; empty if nothing tells: then the census of the whole file decides."""
    address = mail["address"]
    if mail["automatic"]:
        return "bot"
    if customer and address == customer:
        return "customer"
    domain = address.rpartition("@")[2]
    is_colleague = (
        domain and domain != customer.rpartition("@")[2] and any(each.endswith(f"@{domain}") for each in team)
    )
    return "agent" if address in team or is_colleague else ""


# --- Texts --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Body:
    """The text of a mail: of alternatives the plain one, unless it is empty; attachments are only counted."""

    pieces: list[str] = field(default_factory=list)
    attachments: int = 0

    @property
    def text(self) -> str:
        return "\n\n".join(self.pieces)

    def read(self, message: Message, depth: int = 0) -> None:
        kind = message.get_content_type()
        children = message.get_payload() if message.is_multipart() else None
        if isinstance(children, list):
            parts = [child for child in children if isinstance(child, Message)]
            if kind == "message/rfc822" and depth:
                self.attachments += 1
            elif depth > MAX_DEPTH:
                raise RecursionError
            elif kind == "multipart/alternative":
                self._read_best(parts, depth)
            else:
                for part in parts:
                    self.read(part, depth + 1)
        elif message.get_content_maintype() != "text" or _is_attached(message) or kind == "text/calendar":
            self.attachments += bool(depth or message.get_content_maintype() != "text")
        elif text := _part_text(message, kind):
            self.pieces.append(text)

    def _read_best(self, parts: Sequence[Message], depth: int) -> None:
        """Read the plain text among alternatives, else the first other one that holds any."""
        readings = []
        for part in parts[:20]:
            body = _Body()
            body.read(part, depth + 1)
            self.attachments += body.attachments
            if body.text.strip():
                readings.append((part.get_content_type() != "text/plain", body.text))
        if readings:
            self.pieces.append(min(readings, key=lambda reading: reading[0])[1])


def _is_attached(message: Message) -> bool:
    return message.get_content_disposition() == "attachment" or bool(message.get_filename())


def _part_text(message: Message, kind: str) -> str:
    """Return a text part as plain text, with the line ends of a text."""
    payload = message.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = message.get_content_charset() or ""
    text = _text(payload, charset).replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\0", "")
    if kind == "text/html":
        return plain_text(text if "<" in text else f"<p>{text}</p>")
    return text.strip("\n")


def _text(raw: bytes, charset: str) -> str:
    """Return bytes as text: in the charset that is said, if it fits, else in the one they are probably in."""
    # what is said is often wrong, and UTF-8 that decodes is nearly never anything else
    for name in (charset, "utf-8"):
        try:
            return raw.decode(name) if name else raw.decode()
        except (LookupError, ValueError):
            continue
    try:
        return "".join(encodings.decoded([raw], encodings.choose(lambda: [raw])))
    except encodings.UnknownEncoding:
        return raw.decode("cp1252", "replace")
