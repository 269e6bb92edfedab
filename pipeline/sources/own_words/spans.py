"""Lines of a text with their places, and the spans of it that are left out."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Span = tuple[int, int, str]
"""(start, end, reason): the characters start..end of a stored text, and in a few words why nobody reads them."""

QUOTED = "quoted reply"
SIGNATURE = "signature"
LEGAL = "legal notice"
FORM = "form label"
NOTICE = "automatic notice"
AUTO_REPLY = "automatic reply"
REPEATED = "repeated passage"

WHOLE = frozenset((QUOTED, NOTICE, AUTO_REPLY))
"""Reasons good enough to leave a message without any word of its own; for another one the message is read as it is."""

READ_LENGTH = 200_000
"""Characters of a message in which something is looked for; what follows is read as it is."""

LINE_LENGTH = 400
"""Characters of a line that patterns see, so that no line, however long, can make a pattern slow."""

UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # marks of direction and of width zero
_MARKS = re.compile(r"\s*(?:>\s?)+")


@dataclass(frozen=True, slots=True)
class Line:
    """A line at start..end of the text, its end of line not counted.

    `text` is what patterns see: without the marks `>` in front, invisible characters and blanks at both ends, and at
    most LINE_LENGTH characters. `depth` is how many `>` stood there.
    """

    start: int
    end: int
    text: str
    depth: int = 0

    @property
    def is_cut(self) -> bool:
        """Whether there is more of the line than patterns see."""
        return self.end - self.start > LINE_LENGTH


def lines_of(text: str) -> list[Line]:
    """Return the lines of the first READ_LENGTH characters."""
    lines, start = [], 0
    for raw in text[:READ_LENGTH].split("\n"):
        lines.append(_line(start, raw))
        start += len(raw) + 1
    return lines


def _line(start: int, raw: str) -> Line:
    seen = raw[:LINE_LENGTH]
    if not seen.isascii():
        seen = UNSEEN.sub("", seen).replace("\xa0", " ")
    depth = 0
    if (stripped := seen.lstrip()).startswith(">"):
        marks = _MARKS.match(stripped)
        depth, seen = (marks[0].count(">"), stripped[marks.end() :]) if marks else (0, seen)
    return Line(start, start + len(raw), seen.strip(), depth)


def free_lines(lines: Sequence[Line], spans: Sequence[Span]) -> Iterator[list[Line]]:
    """Yield the runs of lines that no span touches; spans are sorted."""
    run: list[Line] = []
    place = 0
    for line in lines:
        while place < len(spans) and spans[place][1] <= line.start:
            place += 1
        if place < len(spans) and spans[place][0] < max(line.end, line.start + 1):
            if run:
                yield run
            run = []
        else:
            run.append(line)
    if run:
        yield run


def over(first: Line, last: Line, reason: str) -> Span:
    """Return the span of the lines first..last."""
    return first.start, last.end, reason


def tidy(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans sorted and disjoint; neighbours of one reason with only blanks between them become one.

    Where two overlap, the one that begins first keeps its whole length.
    """
    result: list[Span] = []
    for start, end, reason in sorted(spans):
        if result:
            last_start, last_end, last_reason = result[-1]
            start = max(start, last_end)
            if start >= end:
                continue
            if reason == last_reason and (start == last_end or not text[last_end:start].strip()):
                result[-1] = (last_start, end, reason)
                continue
        if start < end:
            result.append((start, end, reason))
    return tuple(result)


def own_parts(text: str, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Return (start, end) of what is left of a text beside sorted, disjoint spans; empty parts are left out."""
    parts, place = [], 0
    for start, end, _ in spans:
        if place < start:
            parts.append((place, start))
        place = end
    if place < len(text):
        parts.append((place, len(text)))
    return parts


def has_words(text: str, spans: Sequence[Span] = ()) -> bool:
    """Return whether a letter or digit is left beside the spans."""
    return any(any(map(str.isalnum, text[start:end])) for start, end in own_parts(text, spans))
