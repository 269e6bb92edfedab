"""Which chapters of a book are meant: `5`, `10-15`, `1,3,5-7`, `all`."""

import re
from collections.abc import Iterable, Sequence

LARGEST_CHAPTER = 9_999
MOST_RANGES = 1_000

_RANGE = re.compile(r"(\d{1,9})(?:\s*[-\u2013]\s*(\d{1,9}))?")

Ranges = tuple[tuple[int, int], ...]
"""First and last chapter of each range, both included, sorted and apart; none of them means all chapters."""


class BadSelection(ValueError):
    """These words choose no chapters; the message says why and how to write it."""


def read_selection(words: str) -> Ranges:
    """Return the chapters that the words mean. BadSelection if they cannot be read."""
    if words.strip().casefold() == "all":
        return ()
    parts = words.split(",")
    if len(parts) > MOST_RANGES:
        raise BadSelection(f"{len(parts):,} ranges of chapters are too many; use at most {MOST_RANGES:,}")
    found = sorted(_range(part.strip()) for part in parts)
    joined: list[tuple[int, int]] = []
    for first, last in found:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def _range(part: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(part)
    if not match:
        raise BadSelection(f"{part[:20]!r} is not a chapter or range; write for example 5, 10-15, 1,3,5-7 or all")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= LARGEST_CHAPTER or not 1 <= last <= LARGEST_CHAPTER:
        raise BadSelection(f"chapter numbers go from 1 to {LARGEST_CHAPTER:,}; {part!r} is outside this range")
    if last < first:
        raise BadSelection(f"{part!r} ends before it starts; write {last}-{first}")
    return first, last


def in_words(chapters: Iterable[int] | Ranges) -> str:
    """Return chapters, or ranges of them, as they are written: `1-10, 12`."""
    ranges: list[list[int]] = []
    for each in sorted(chapters):
        first, last = each if isinstance(each, tuple) else (each, each)
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1][1] = max(ranges[-1][1], last)
        else:
            ranges.append([first, last])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def missing(wanted: Ranges, known: Sequence[int]) -> Ranges:
    """Return which of the wanted chapters are not among those that are known."""
    there = set(known)
    return tuple((number, number) for first, last in wanted for number in range(first, last + 1) if number not in there)


def as_multirange(ranges: Ranges) -> str | None:
    """Return the ranges in PostgreSQL's form of an nummultirange; None for all chapters."""
    return "{" + ",".join(f"[{first},{last}]" for first, last in ranges) + "}" if ranges else None
