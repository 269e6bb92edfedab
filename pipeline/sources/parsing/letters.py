"""What words are made of, in any script.

A mark that follows a letter (a voiced mark, a vowel sign, a point, a tone) belongs to the word, and to the letter: to
drop it makes another letter of it. Python's `\\w` does not count marks as parts of words.
"""

import re
import unicodedata

_JOINERS = "\u200c\u200d"  # within words of Persian and of Indian scripts


def _marks() -> str:
    """Return all marks of the basic plane as ranges of a character class."""
    points = [point for point in range(0x300, 0xFFFF) if unicodedata.category(chr(point)) in ("Mn", "Mc")]
    ranges: list[list[int]] = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in ranges)


MARKS = _marks() + _JOINERS
"""For a character class in a regular expression."""

WORD = re.compile(rf"[^\W_][^\W_{MARKS}]*(?:[{MARKS}]+[^\W_]*)*")
"""One word: letters and digits with their marks."""


def composed(text: str) -> str:
    """Return a text in the one spelling of its letters: halves joined, wide and ligature forms as usual, lower case."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).replace("i\u0307", "i")
