"""What the readers of books give: chapters of verses, each with the place it stands at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.sources.records import Reject

MOST_CHARACTERS = 40_000_000
"""Of all the files of a book: the whole Bible in one language has 4.5 million. What is read is held in memory, since a
chapter may be in pieces and a second language has to be put beside the first."""

LONGEST_VERSE = 20_000
"""Characters; no verse comes near, and a longer one is a file that is not what it says."""

_NUMBER = re.compile(r"(\d{1,4})(?:\s*[-\u2013]\s*(\d{1,4})|([a-z]))?", re.IGNORECASE)


@dataclass(slots=True)
class Chapter:
    """A chapter in one language: `verses` by their number as it is written (`7`, `7a`, `7-8`), in order."""

    book: str
    number: int
    language: str = ""
    line: int = 0
    unit: str = "line"
    part: str = ""
    at: object = None
    verses: dict[str, str] = field(default_factory=dict)
    wrong: str = ""
    """Why it cannot be taken."""
    is_piece: bool = False
    """Whether it is a verse of the chapter alone, and others follow."""

    @property
    def name(self) -> str:
        return f"{self.book} {self.number}"

    def add(self, verse: str, text: str) -> None:
        """Add a verse; one that is there already, or too long, makes the chapter wrong, since nobody knows which."""
        if verse in self.verses:
            self.wrong = self.wrong or f"verse {verse} appears twice"
        elif len(text) > LONGEST_VERSE:
            self.wrong = self.wrong or f"verse {verse} is longer than {LONGEST_VERSE:,} characters"
        elif "\0" in text:
            self.wrong = self.wrong or f"verse {verse} contains a NUL character, which cannot be stored"
        else:
            self.verses[verse] = text

    @property
    def gaps(self) -> list[int]:
        """The numbers between the first verse and the last that no verse has."""
        numbers = {number for verse in self.verses for number in numbers_of(verse)}
        return [number for number in range(1, max(numbers, default=0)) if number not in numbers]

    def reject(self, reason: str) -> Reject:
        """Return the reject that the chapter becomes."""
        first = next(iter(self.verses.values()), "")
        return Reject(self.line, reason, self.name[:200], first[:500], self.unit, self.part)


def verse_number(value: object) -> str:
    """Return a verse's number as it is written: `7`, `7a`, `7-8`; empty if there is none in it."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    found = _NUMBER.fullmatch(str(value).strip()) if len(str(value)) < 20 else None
    if not found or not int(found[1]):
        return ""
    first = str(int(found[1]))
    if found[2]:
        return f"{first}-{int(found[2])}" if int(found[2]) > int(first) else first
    return first + (found[3] or "").lower()


def numbers_of(verse: str) -> range:
    """Return the numbers that a verse stands for: `7-9` for three."""
    first, _, last = verse.partition("-")
    start = int(first.rstrip("abcdefghijklmnopqrstuvwxyz"))
    return range(start, int(last or start) + 1)


def in_order(verses: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the verses in the order of their numbers; 7 comes before 7a."""
    yield from sorted(verses.items(), key=lambda verse: (numbers_of(verse[0])[0], verse[0]))
