"""The names that a profile knows, what tells them apart, which addresses hint at an area: data and pure functions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.merge.rules.normalise import normal_form

FITS_NONE = "fits_none"
"""The category of a conversation to which, by a strict vocabulary, no known name applies."""

_ADDRESS = re.compile(r"(?<![\w/.-])(?:https?://|www\.|/)[^\s<>\"'()\[\]]{2,300}+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A known name: `key` in snake_case, what it stands for, how people say it, and the area of the product."""

    key: str
    description: str = ""
    examples: tuple[str, ...] = ()
    area: str = ""

    @property
    def text(self) -> str:
        """What its vector is made of: the name in words, what it means and how it is said."""
        return ". ".join([self.key.replace("_", " "), *filter(None, [self.description]), *self.examples[:5]])


@dataclass(frozen=True, slots=True)
class Distinction:
    """Two terms that are taken for each other, and how to tell them apart; it stands in the prompt as it is."""

    terms: tuple[str, ...]
    how: str


@dataclass(frozen=True, slots=True)
class AreaHint:
    """A pattern of addresses (`*/settings/billing*`) and the area of the product that they belong to."""

    pattern: str
    area: str

    def fits(self, address: str) -> bool:
        """Whether an address is of this area; `*` stands for anything, case does not matter."""
        return _parts_stand_in_order(self.pattern.casefold().split("*"), address.casefold())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a profile knows. `number` counts its versions in the database; 0 is what stands in the profile's file.

    `is_strict`: only known names may be given, and what fits none is said to fit none. Else a new name may be made.
    """

    number: int = 0
    entries: tuple[Entry, ...] = ()
    distinctions: tuple[Distinction, ...] = ()
    area_hints: tuple[AreaHint, ...] = ()
    is_strict: bool = False

    def entry(self, signature: str) -> Entry | None:
        """Return the entry of that name or a spelling twin of it."""
        form = normal_form(signature)
        return next((entry for entry in self.entries if normal_form(entry.key) == form), None)

    def areas_of(self, text: str) -> tuple[str, ...]:
        """Return the areas that addresses in a text hint at, in their order."""
        if not self.area_hints:
            return ()
        found = [
            hint.area for address in _ADDRESS.findall(text)[:200] for hint in self.area_hints if hint.fits(address)
        ]
        return tuple(dict.fromkeys(found))


NO_VOCABULARY = Vocabulary()


def _parts_stand_in_order(parts: Sequence[str], text: str) -> bool:
    """Whether the parts stand in the text one behind the other, the first at its beginning and the last at its end.

    The shell's own matching takes exponential time on some patterns; this takes as long as finding each part once.
    """
    if len(parts) == 1:
        return parts[0] == text
    if not text.startswith(parts[0]):
        return False
    place = len(parts[0])
    for part in parts[1:-1]:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return text.endswith(parts[-1]) and len(text) - len(parts[-1]) >= place
