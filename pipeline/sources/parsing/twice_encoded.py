"""Text in UTF-8 that was read as Windows-1252 and saved as UTF-8 once more: `Ã©` for `é`, `â€™` for an apostrophe.

Nothing in such a file is invalid, so it would be read wrongly without a word. `Evidence` counts over a whole file what
speaks for it; the codec `CODEC`, known to Python's own machinery as soon as this module is imported, reads it.
"""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

CODEC: Final = "utf-8-twice"

MOST: Final = 0.8
"""Of the stretches beyond ASCII in a file so many turn back into letters; the rest was typed in afterwards."""

FEWEST: Final = 3
"""Stretches that turn back, two of them different: `CAFÉ»` alone does so by chance."""

LONGEST: Final = 4096
"""Characters of a stretch that are looked at together; a sequence that is cut there is left as it is."""

_STRETCH: Final = re.compile(r"[^\x00-\x7f]+")
# what UTF-8's bytes are in Windows-1252: the first from C2 to F4, the next from 80 to BF
_SEQUENCE: Final = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d"
    "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]{1,3}"
)


@dataclass(slots=True)
class Evidence:
    """How many of the stretches of a file's letters beyond ASCII turn back into other letters."""

    stretches: int = 0
    turned: int = 0
    different: set[str] = field(default_factory=set)
    example: str = ""

    def see(self, text: str) -> None:
        """Take a piece of the file's text into account."""
        for found in _STRETCH.finditer(text):
            self.stretches += 1
            stretch = found[0][:LONGEST]
            # the first sign tells nearly always: a letter on its own, or of another script, is no such sequence
            if len(stretch) > 1 and _SEQUENCE.search(stretch) and (back := turned_back(stretch)) != stretch:
                self.turned += 1
                if len(self.different) < FEWEST:
                    self.different.add(back)
                self.example = self.example or _shown(text, found.start())

    @property
    def is_enough(self) -> bool:
        """Whether the file is taken for one that was encoded twice."""
        return self.turned >= max(FEWEST, MOST * self.stretches) and len(self.different) > 1


def evidence_in(texts: Iterable[str]) -> Evidence:
    """Return the evidence of a whole text in pieces; a stretch that is cut between two of them counts as two."""
    evidence = Evidence()
    for text in texts:
        evidence.see(text)
    return evidence


def turned_back(text: str) -> str:
    """Return a text with each sequence that is UTF-8 read as Windows-1252 as the letters that it stood for."""
    return _STRETCH.sub(lambda found: _stretch_back(found[0]), text)


@lru_cache(maxsize=4096)
def _stretch_back(stretch: str) -> str:
    try:
        return _bytes_of(stretch).decode()
    except UnicodeError:  # beside what was typed in afterwards: each sequence on its own
        return _SEQUENCE.sub(lambda found: _sequence_back(found[0]), stretch)


def _sequence_back(sequence: str) -> str:
    # the pattern takes up to three signs behind the first: those beyond the letter stand for themselves
    for end in range(len(sequence), 1, -1):
        try:
            return _bytes_of(sequence[:end]).decode() + sequence[end:]
        except UnicodeError:
            continue
    return sequence


def _bytes_of(text: str) -> bytes:
    """Return the bytes that were read as this text. UnicodeError where it has signs that Windows-1252 does not have."""
    try:
        return text.encode("cp1252")
    except UnicodeEncodeError:
        # five bytes stand for nothing there; programs keep them as the control characters of Latin-1
        return b"".join(sign.encode("latin-1") if "\x80" <= sign < "\xa0" else sign.encode("cp1252") for sign in text)


def _shown(text: str, place: int) -> str:
    """Return the words around a place, as they turn back, for a person to check."""
    words = turned_back(text[max(0, place - 15) : place + 60]).split()
    # the last word may be cut within a letter
    return " ".join(words[:-1] or words)[:45]


class _Decoder(codecs.IncrementalDecoder):
    """Decodes UTF-8, and what that gives once more; a stretch beyond ASCII is held back until its end is there."""

    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self._first = codecs.getincrementaldecoder("utf-8")(errors)
        self._held = ""

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
        text = self._held + self._first.decode(data, final)
        end = len(text)
        while not final and end and not text[end - 1].isascii() and len(text) - end < LONGEST:
            end -= 1
        self._held = text[end:]
        return turned_back(text[:end])

    def reset(self) -> None:
        self._first.reset()
        self._held = ""


def _search(name: str) -> codecs.CodecInfo | None:
    # Python asks with the name in one way of writing it or the other, by version
    if name.replace("_", "-") != CODEC:
        return None
    return codecs.CodecInfo(
        name=CODEC,
        encode=codecs.utf_8_encode,
        decode=lambda data, errors="strict": (turned_back(bytes(data).decode("utf-8", errors)), len(data)),
        incrementaldecoder=_Decoder,
    )


codecs.register(_search)
