"""Conversations as people read them: turns, with the words that are evidence marked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from pipeline.models import ConversationVersion, Evidence

AROUND = 160
"""Characters shown before and after a quote."""


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text, in characters: what `mark` names, or what is not read for a reason, as `left_out` says."""

    start: int
    end: int
    mark: int = 0
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that is a quote of all the `marks` or, without any, of none; `ends` are those that end here.

    `left_out` says why it is not read; it is empty for what is.
    """

    text: str
    marks: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a thread."""

    role: str
    author: str
    at: datetime | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Quotes in the text around them; the first and the last turn may be cut."""

    turns: tuple[Turn, ...]
    goes_before: bool
    goes_on: bool


def pieces_of(text: str, spans: Iterable[Span], offset: int = 0) -> tuple[Piece, ...]:
    """Cut a text that begins at `offset` where spans begin and end; joined, the pieces are the text again."""
    end = offset + len(text)
    inside = [span for span in spans if span.start < end and span.end > offset]
    edges = {offset, end} | {max(span.start, offset) for span in inside} | {min(span.end, end) for span in inside}
    cuts = sorted(edges)
    return tuple(
        Piece(
            text[start - offset : stop - offset],
            tuple(sorted({span.mark for span in inside if _covers(span, start, stop) and not span.left_out})),
            tuple(sorted({span.mark for span in inside if span.end == stop and not span.left_out})),
            next((span.left_out for span in inside if _covers(span, start, stop) and span.left_out), ""),
        )
        for start, stop in pairwise(cuts)
    )


def _covers(span: Span, start: int, end: int) -> bool:
    return span.start <= start and span.end >= end


def turns_of(version: ConversationVersion, spans: Sequence[Span] = (), cut: Span | None = None) -> list[Turn]:
    """Return the version's messages with their quotes marked, or only the stretch `cut` of them.

    Spans count characters of the version's text, in which a newline stands between messages.
    """
    turns, offset = [], 0
    for message in version.turns:
        text = str(message["text"])
        first, last = (max(0, cut.start - offset), max(0, cut.end - offset)) if cut else (0, len(text))
        if first <= len(text) and (last or not cut):
            turns.append(_turn(message, pieces_of(text[first:last], spans, offset + first)))
        offset += len(text) + 1
    return turns


def _turn(message: Mapping[str, object], pieces: tuple[Piece, ...]) -> Turn:
    at = message["at"]
    return Turn(
        role=str(message.get("role") or "unknown"),
        author=str(message.get("author") or ""),
        at=at if isinstance(at, datetime) else None,
        pieces=pieces,
    )


def excerpts_of(quotes: Sequence[Evidence]) -> list[Excerpt]:
    """Return the quotes of one theme in the text around them; those that are near each other share an excerpt."""
    if not quotes:
        return []
    version = quotes[0].version
    spans = sorted((Span(quote.start, quote.end) for quote in quotes), key=lambda span: span.start)
    groups: list[list[Span]] = []
    for span in spans:
        if groups and span.start - groups[-1][-1].end <= 2 * AROUND:
            groups[-1].append(span)
        else:
            groups.append([span])
    return [_excerpt(version, group) for group in groups]


def _excerpt(version: ConversationVersion, spans: Sequence[Span]) -> Excerpt:
    text, last = version.text, max(span.end for span in spans)
    start = _word_edge(text, max(0, spans[0].start - AROUND), spans[0].start, 1)
    end = _word_edge(text, min(len(text), last + AROUND), last, -1)
    turns = turns_of(version, spans, Span(start, end))
    said = tuple(turn for turn in turns if any(piece.text.strip() for piece in turn.pieces))
    return Excerpt(said, goes_before=start > 0, goes_on=end < len(text))


def _word_edge(text: str, place: int, quote: int, step: int) -> int:
    """Return the nearest place towards the quote that does not cut a word."""
    while place != quote and 0 < place < len(text) and not (text[place - 1].isspace() or text[place].isspace()):
        place += step
    return place
