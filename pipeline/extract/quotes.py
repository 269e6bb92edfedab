"""Find in a conversation what a reader says it quotes: letter for letter, or but for spaces and quotation marks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

_DOUBLE = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\u301d\u301e\u301f\uff02"
_SINGLE = "\u2018\u2019\u201a\u201b\u2039\u203a\u2032\u0060\u00b4\uff07"
_MARKS = str.maketrans(dict.fromkeys(_DOUBLE, '"') | dict.fromkeys(_SINGLE, "'"))


@dataclass(frozen=True)
class Quotable:
    """A text in which quotes are looked for."""

    text: str

    def find(self, quote: str) -> tuple[int, int] | None:
        """Return where a quote stands, (start, end) in the text; None if it does not stand there.

        Models straighten quotation marks and break lines elsewhere, which is no reason to drop what they quote. So what
        does not stand there letter for letter is looked for with every run of spaces as one space and all quotation
        marks alike. Nothing else is forgiven: what stands at (start, end) is what was quoted.
        """
        quote = quote.strip()
        if not quote:
            return None
        start = self.text.find(quote)
        if start >= 0:
            return start, start + len(quote)
        folded = "".join(letter for letter, _ in _fold(quote))
        place = self._folded.find(folded)
        # the place of the last letter plus one, and not that of the next: a run of spaces is one place long when folded
        return (self._places[place], self._places[place + len(folded) - 1] + 1) if place >= 0 else None

    @cached_property
    def _folded(self) -> str:
        return "".join(letter for letter, _ in _fold(self.text))

    @cached_property
    def _places(self) -> list[int]:
        return [place for _, place in _fold(self.text)]


def _fold(text: str) -> Iterator[tuple[str, int]]:
    """Yield the letters of a folded text, each with its place in the text."""
    in_space = False
    for place, letter in enumerate(text):
        if letter.isspace():
            if not in_space:
                yield " ", place
            in_space = True
        else:
            in_space = False
            yield letter.translate(_MARKS), place


def verified(text: str, quotes: Iterable[str]) -> list[tuple[str, int, int] | None]:
    """Return for each quote what stands in the text, and where, (quote, start, end); None where nothing does."""
    quotable = Quotable(text)
    places = [quotable.find(quote) for quote in quotes]
    return [(text[place[0] : place[1]], *place) if place else None for place in places]
