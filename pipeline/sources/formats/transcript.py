"""Plain text in which lines say who speaks: `Customer: ...`, `[10:03] Agent: ...`, `Kim  0:03`. One or many.

Many are set apart by a line of signs (`-----`, `=== Chat 12 ===`) or by a heading that counts them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice

from pipeline.sources.formats.base import Head, Options, Stream, limit
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.parsing.chat_lines import LEARNED_LINES, Grammar, learn, messages
from pipeline.sources.parsing.encodings import UnknownEncoding
from pipeline.sources.parsing.lines import text_lines
from pipeline.sources.parsing.parts import DAMAGE, Part
from pipeline.sources.records import Record, Reject
from pipeline.sources.understanding.dated import moment_in_head, moment_in_name
from pipeline.sources.understanding.placeholders import is_placeholder
from pipeline.sources.understanding.roles import AGENT, CUSTOMER, MAX_LINES, Utterance, speaker_of, split_transcript
from pipeline.sources.understanding.threads import Said, Thread, record_of
from pipeline.sources.understanding.times import read as read_time

SNIFFED_LINES = 200
ENOUGH = 0.3
"""Part of the lines that begin with who speaks, from which a text is a transcript though it begins with others."""

HEADING = re.compile(
    r"\s{0,9}(?:[-=_*#~]{3,200}|[-=_*#~\s]{0,9}(?:chat|conversation|ticket|transcript|call|session|gespräch"
    r"|unterhaltung|anruf|"
    r"appel|llamada|conversación|chiamata|conversazione|gesprek|対話|会話|对话|会话)\s{0,3}(?:id|no\.?|nr\.?|number"
    r"|#)?\s{0,3}[:#]?\s{0,3}"
    r"(?P<id>[\w-]{0,20}\d[\w-]{0,20})\s{0,3}[-=_*#~:\s]{0,200})$",
    re.IGNORECASE,
)


_ONLY_CLOCK = re.compile(r"\s{0,9}[\[(]?(?:\d{1,2}:)?\d{1,2}:\d{2}[\])]?\s{0,9}$")
"""How far a call has gone, between what is said: it says nothing about who speaks."""


def is_heading(line: str) -> bool:
    """Return whether a line sets conversations apart: a line of signs, or a heading that counts them."""
    return bool(HEADING.match(line[:300]))


class Transcript:
    """Plain text that is a transcript, or several."""

    name = "Transcript"

    def sniff(self, head: Head) -> float:
        text = head.text.lstrip()
        if not text or (text[0] in "{[<" and not re.match(r"<\d|\[[^\W_]", text)):
            return 0.0
        lines = [line for line in text.splitlines()[:SNIFFED_LINES] if not is_heading(line)]
        if not head.is_whole and len(lines) < SNIFFED_LINES:
            lines = lines[:-1]
        spoken = _spoken(lines, _learned(lines))
        if not spoken or len(spoken) < 2:
            return 0.0
        if 5 * sum(any(map(str.isalpha, each.text)) for each in spoken) < len(spoken):  # measurements
            return 0.0
        return 0.55 if ":" in lines[0] else 0.4  # a first line that nobody says may be the header of a table

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(text="what is said", role="the word or name of who speaks")
        for part in stream.parts:
            try:
                lines = text_lines(part, options)
                first = list(islice(lines, LEARNED_LINES))
                grammar = _learned([line for line in first if not is_heading(line)])
                for block in _blocks(chain(first, lines)):
                    yield _record(block, part, grammar)
            except (*DAMAGE, OSError, UnknownEncoding) as error:
                yield Reject(1, f"it cannot be read: {error}", unit="line", part=part.name)


def _learned(lines: Sequence[str]) -> Grammar | None:
    """Return how the lines of a transcript with clocks begin: `[10:03] Kim: text`, or `Kim  0:03` above the text.

    Two must speak, or one whose word for a role is known, and much of the text must be theirs.
    """
    grammar = learn(lines)
    if grammar is None or (grammar.share < ENOUGH and grammar.starts):
        return None
    return grammar if len(grammar.names) > 1 or any(speaker_of(name)[0] for name in grammar.names) else None


def _spoken(lines: Sequence[str], grammar: Grammar | None) -> list[Utterance] | None:
    """Return what is said in the lines of one conversation; None if nobody is seen to speak."""
    if grammar is None:
        spoken = split_transcript("\n".join(line for line in lines if not _ONLY_CLOCK.match(line[:30])).strip("\n"))
        return _both_sides(spoken) if spoken else None
    said = [each for each in messages(lines, grammar) if each.author and each.text and not is_placeholder(each.text)]
    return (
        _both_sides(
            [Utterance(*speaker_of(each.author), each.text, "" if grammar.is_elapsed else each.when) for each in said]
        )
        or None
    )


def _both_sides(said: Sequence[Utterance]) -> list[Utterance]:
    """Return what is said with the role of the one other speaker beside those of whom a word tells one side."""
    roles = {each.role for each in said if each.role}
    others = {each.author for each in said if not each.role}
    other = {CUSTOMER: AGENT, AGENT: CUSTOMER}.get(next(iter(roles), "")) if len(roles) == 1 else None
    if other is None or len(others) != 1:
        return list(said)
    return [each if each.role else replace(each, role=other) for each in said]


@dataclass(slots=True)
class _Block:
    """The lines of one conversation; `first` is the number of the first one in the file."""

    first: int
    external_id: str = ""
    lines: list[str] = field(default_factory=list)
    size: int = 0


def _blocks(lines: Iterable[str]) -> Iterator[_Block]:
    """Yield the conversations; of one that is too long what is beyond the limit is not kept."""
    block = _Block(1)
    for number, line in enumerate(lines, start=1):
        if heading := HEADING.match(line[:300]):
            if any(each.strip() for each in block.lines):
                yield block
            block = _Block(number + 1, heading["id"] or ("" if block.lines else block.external_id))
            continue
        block.size += len(line) + 1
        if block.size <= limit() and len(block.lines) < MAX_LINES:
            block.lines.append(line)
    if any(each.strip() for each in block.lines):
        yield block


def _record(block: _Block, part: Part, grammar: Grammar | None) -> Record | Reject:
    text = "\n".join(block.lines)
    if block.size > limit() or len(block.lines) >= MAX_LINES:
        reason = f"the conversation is longer than {limit():,} bytes or {MAX_LINES:,} lines"
        return Reject(block.first, reason, block.external_id, text[:500], part=part.name)
    spoken = _spoken(block.lines, grammar)
    if not spoken:
        return Reject(block.first, "no line says who speaks", block.external_id, text[:500], part=part.name)
    said = [Said(each.text, each.role, each.author, _moment(each.time)) for each in spoken]
    raw = text[:2000].encode(errors="replace")
    at = None
    if not any(each.at for each in said):
        # a name is one file's: of several conversations in it none need be of that day
        at = moment_in_head(block.lines) or (moment_in_name(part.basename) if block.first == 1 else None)
    return record_of(Thread(said, block.first, block.external_id, at=at, unit="line", part=part.name, raw=raw))


def _moment(time: str) -> datetime | None:
    """Return when something was said; a clock without a date says nothing about that."""
    return read_time(time) if any(sign in time for sign in "-./") else None
