"""Plain text in which each line says who speaks: `Customer: ...`, `[10:03] Agent: ...`. One conversation or many.

Many are set apart by a line of signs (`-----`, `=== Chat 12 ===`) or by a heading that counts them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.sources.formats.base import Head, Options, Stream, limit
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.parsing.encodings import UnknownEncoding
from pipeline.sources.parsing.lines import text_lines
from pipeline.sources.parsing.parts import DAMAGE, Part
from pipeline.sources.records import Record, Reject
from pipeline.sources.understanding.roles import MAX_LINES, split_transcript
from pipeline.sources.understanding.threads import Said, Thread, record_of
from pipeline.sources.understanding.times import read as read_time

SNIFFED_LINES = 200
_HEADING = re.compile(
    r"\s{0,9}(?:[-=_*#~]{3,200}|[-=_*#~\s]{0,9}(?:chat|conversation|ticket|transcript|call|session|gespräch"
    r"|unterhaltung|anruf|"
    r"appel|llamada|conversación|chiamata|conversazione|gesprek|対話|会話|对话|会话)\s{0,3}(?:id|no\.?|nr\.?|number"
    r"|#)?\s{0,3}[:#]?\s{0,3}"
    r"(?P<id>[\w-]{0,20}\d[\w-]{0,20})\s{0,3}[-=_*#~:\s]{0,200})$",
    re.IGNORECASE,
)


_SPEAKER_LINE = re.compile(r"\s{0,3}([^\W\d_][^:：\n]{0,40}?)\s{1,9}[(\[]?((?:\d{1,2}:)?\d{1,2}:\d{2})[)\]]?\s{0,9}$")


def _labelled(lines: Sequence[str]) -> list[str]:
    """Return the lines with the speaker in front where a line of its own, with a clock, says who speaks next."""
    if sum(bool(_SPEAKER_LINE.match(line[:80])) for line in lines) < 2:
        return list(lines)
    result, speaker = list[str](), ""
    for line in lines:
        if len(line) <= 80 and (found := _SPEAKER_LINE.match(line)):
            speaker = f"[{found[2]}] {found[1]}"
        elif speaker and line.strip():
            result.append(f"{speaker}: {line.strip()}")
            speaker = ""
        else:
            result.append(line)
    return result


class Transcript:
    """Plain text that is a transcript, or several."""

    name = "Transcript"

    def sniff(self, head: Head) -> float:
        text = head.text.lstrip()
        if not text or (text[0] in "{[<" and not re.match(r"[\[<]\d", text)):
            return 0.0
        lines = [line for line in text.splitlines()[:SNIFFED_LINES] if not _HEADING.match(line[:300])]
        if not head.is_whole and len(lines) < SNIFFED_LINES:
            lines = lines[:-1]
        spoken = split_transcript("\n".join(_labelled(lines)))
        if not spoken or len(spoken) < 2:
            return 0.0
        return 0.55 if ":" in lines[0] else 0.4  # a first line that nobody says may be the header of a table

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(text="what is said", role="the word before the colon")
        for part in stream.parts:
            try:
                for block in _blocks(text_lines(part, options)):
                    yield _record(block, part)
            except (*DAMAGE, OSError, UnknownEncoding) as error:
                yield Reject(1, f"it cannot be read: {error}", unit="line", part=part.name)


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
        if heading := _HEADING.match(line[:300]):
            if any(each.strip() for each in block.lines):
                yield block
            block = _Block(number + 1, heading["id"] or ("" if block.lines else block.external_id))
            continue
        block.size += len(line) + 1
        if block.size <= limit() and len(block.lines) < MAX_LINES:
            block.lines.append(line)
    if any(each.strip() for each in block.lines):
        yield block


def _record(block: _Block, part: Part) -> Record | Reject:
    text = "\n".join(_labelled(block.lines))
    if block.size > limit() or len(block.lines) >= MAX_LINES:
        reason = f"the conversation is longer than {limit():,} bytes or {MAX_LINES:,} lines"
        return Reject(block.first, reason, block.external_id, text[:500], part=part.name)
    spoken = split_transcript(text)
    if not spoken:
        return Reject(block.first, "no line says who speaks", block.external_id, text[:500], part=part.name)
    said = [Said(each.text, each.role, each.author, _moment(each.time)) for each in spoken]
    raw = text[:2000].encode(errors="replace")
    return record_of(Thread(said, block.first, block.external_id, unit="line", part=part.name, raw=raw))


def _moment(time: str) -> datetime | None:
    """Return when something was said; a clock without a date says nothing about that."""
    return read_time(time) if any(sign in time for sign in "-./") else None
