# ruff: noqa: RUF001 (letters of other scripts are meant)
"""Plain text in which each message stands below lines that say from whom it is and when: `From: ...`, `Sent: ...`.

Outlook saves mail so, and keepers of other programs (Signal's, of Notes) do; the words for the lines are those of the
program's language. The heads of one program are written in one way. Where quoted mail has heads as well, these are
written in another, or say again what the head of an earlier message has said.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pipeline.sources.own_words.quotes import FROM_LINE, HEADER_LINE, SUBJECTS
from pipeline.sources.understanding.times import is_time

MESSAGE_LENGTH = 100_000
"""Characters of a message that are kept."""

HEAD_LINES = 16
"""Lines of a head at most."""

HEAD_WITHIN = 6
"""Written lines from the top among which the first head begins."""

_KEY = re.compile(r"(?P<key>[^\W\d_][^\n:：\t<>\"]{0,24}?)\s{0,3}[:：](?P<between>[ \t]*)(?P<value>.*)$")
_RULE = re.compile(r"\s{0,5}[_=*-]{8,200}\s{0,5}$")
_WORDS_TO = frozenset(
    "to an à a para aan til till do кому 宛先 收件人 אל kopie".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Headed:
    """A message with what its head says. `line` is the number of its first line, from 1."""

    line: int
    sender: str
    sent: str
    to: str
    subject: str | None
    text: str

    @property
    def key(self) -> tuple[str, str]:
        return self.sender, self.sent


@dataclass(slots=True)
class _Head:
    """The lines of what may be a head."""

    first: int
    lines: list[str] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)
    style: str = ""

    @property
    def is_one(self) -> bool:
        """Whether it says from whom and when, which no message says by chance."""
        return any(FROM_LINE.match(line) for line in self.lines) and any(is_time(value) for _, value in self.fields)

    def message(self) -> Headed:
        named = [(key.strip("*_ ").casefold(), value) for key, value in self.fields]
        sender = next(value for line, (_, value) in zip(self.lines, self.fields, strict=True) if FROM_LINE.match(line))
        return Headed(
            self.first,
            sender=sender,
            sent=next(value for _, value in named if is_time(value)),
            to=next((value for key, value in named if key in _WORDS_TO), ""),
            subject=next((value for key, value in named if key in SUBJECTS), None),
            text="",
        )


def is_headed(lines: Sequence[str]) -> bool:
    """Return whether one of the first lines begins a head."""
    written = 0
    for each in _pieces(lines):
        if isinstance(each, _Head):
            return True
        written += bool(each.strip())
        if written >= HEAD_WITHIN:
            break
    return False


def headed_messages(lines: Callable[[], Iterable[str]]) -> Iterator[Headed]:
    """Yield the messages of a text, which `lines()` opens."""
    seen = set[tuple[str, str]]()
    style: str | None = None
    current: Headed | None = None
    body: list[str] = []
    size = 0
    for each in _pieces(lines()):
        if isinstance(each, _Head):
            found = each.message()
            style = each.style if style is None else style
            if each.style == style and found.key not in seen:
                if current:
                    yield _with_text(current, body)
                seen.add(found.key)
                current, body, size = found, [], 0
                continue
            each = "\n".join(each.lines)
        size += len(each)
        if current and size <= MESSAGE_LENGTH:
            body.append(each)
    if current:
        yield _with_text(current, body)


def _with_text(message: Headed, body: Sequence[str]) -> Headed:
    """Return a message with its text, without the line of signs that sets it apart from the next."""
    lines = list(body)
    while lines and (not lines[-1].strip() or _RULE.match(lines[-1][:300])):
        lines.pop()
    return replace(message, text="\n".join(lines).strip("\n"))


def _pieces(lines: Iterable[str]) -> Iterator["_Head | str"]:
    """Yield the heads of a text, and each line that is of none."""
    head: _Head | None = None
    for number, line in enumerate(lines, start=1):
        found = _KEY.match(line[:2000])
        begins = found and (FROM_LINE.match(line[:200]) or HEADER_LINE.match(line[:200]))
        if head is None and begins:
            head = _Head(number)
        if head is not None and found and len(head.lines) < HEAD_LINES:
            head.lines.append(line)
            head.fields.append((found["key"], found["value"].strip()))
            # an empty field is written with a tab or without anything: it does not show how the others are
            head.style = head.style or ("tab" if "\t" in found["between"] else "blank" if found["value"] else "")
            continue
        if head is not None:
            yield from [head] if head.is_one else head.lines
            head = None
        yield line
    if head is not None:
        yield from [head] if head.is_one else head.lines
