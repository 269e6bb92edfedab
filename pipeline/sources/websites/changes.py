"""How a page's text changed: lines that are new, gone, or stand elsewhere, and how much that is. Pure.

Lines are compared as multisets, so a page whose lines are only in another order has moved and not changed. Lines that
hold nothing but dates and numbers (a counter, "12 March 2026") are not looked at: users of every such tool ask for it.
"""

import difflib
import re
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.models.company import Fetch

MINOR, MAJOR = 0.10, 0.30
"""Shares of all lines, of both texts, below which a change is minor and above which it is major."""

_WORD: Final = re.compile(r"[^\W\d_]+")
_OF_DATES: Final = frozenset(
    """jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september
    october november december mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday
    st nd rd th am pm utc gmt of on at
    januar februar märz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag uhr
    janvier février mars avril juin juillet août septembre octobre novembre décembre le
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre de
    updated last copyright views comments hits visitors""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two texts, in lines; `share` is that of new and gone lines among those of both texts."""

    added: int
    removed: int
    moved: int
    share: float

    @property
    def magnitude(self) -> str:
        """The change in a word: none, minor, moderate or major."""
        if not self.added and not self.removed:
            return Fetch.Magnitude.NONE
        if self.share < MINOR:
            return Fetch.Magnitude.MINOR
        return Fetch.Magnitude.MAJOR if self.share > MAJOR else Fetch.Magnitude.MODERATE


def change_between(before: str, after: str) -> Change:
    """Return how the lines of `after` differ from those of `before`."""
    old, new = _told(before), _told(after)
    was, now = Counter(old), Counter(new)
    added, removed = (now - was).total(), (was - now).total()
    share = (added + removed) / max(1, len(old) + len(new))
    return Change(added, removed, _moved(old, new, was & now), share)


def _told(text: str) -> list[str]:
    """Return the lines that tell something, with their spaces made even."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in lines if line and not is_of_dates(line)]


def is_of_dates(line: str) -> bool:
    """Whether a line holds nothing but dates, times and numbers."""
    return all(word.casefold() in _OF_DATES for word in _WORD.findall(line))


def _moved(old: Sequence[str], new: Sequence[str], common: Counter[str]) -> int:
    """Return how many of the common lines stand in another order: all but a longest rising run of their old places."""
    places: dict[str, deque[int]] = defaultdict(deque)
    left = Counter(common)
    for place, line in enumerate(old):
        if left[line] > 0:
            places[line].append(place)
            left[line] -= 1
    order = [places[line].popleft() for line in new if places.get(line)]
    tails: list[int] = []
    for place in order:
        at = bisect_left(tails, place)
        tails[at : at + 1] = [place]
    return len(order) - len(tails)


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a readable difference: `kind` is added, removed, same, or gap for lines that are left out."""

    kind: str
    text: str


def readable_diff(before: str, after: str, context: int = 2) -> Iterator[DiffLine]:
    """Yield the lines that differ, each with a few that stay around it, for people."""
    old, new = before.splitlines(), after.splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) + len(new) > 4000)
    for number, group in enumerate(matcher.get_grouped_opcodes(context)):
        if number:
            yield DiffLine("gap", "…")
        for tag, start, end, from_, to in group:
            if tag == "equal":
                yield from (DiffLine("same", line) for line in old[start:end])
                continue
            yield from (DiffLine("removed", line) for line in old[start:end])
            yield from (DiffLine("added", line) for line in new[from_:to])
