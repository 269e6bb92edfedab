"""Names of problems brought to one form, so that spelling twins are seen to be one name."""

import re
import unicodedata
from functools import lru_cache

VERSION = "names-1"
UNNAMED = "unnamed"
LONGEST_NAME = 180
"""Characters of a name that count; a key has 200, so there is room for a number behind it."""

_WORD_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+")
_KEEPS_ITS_S = ("ss", "us", "is", "as", "os")


def words(raw: str) -> list[str]:
    """Return the lower-case words of a text; separators and camelCase both split, accents are dropped."""
    plain = raw if raw.isascii() else _without_accents(raw)
    return [word.casefold() for word in _WORD_EDGE.split(plain) if word]


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@lru_cache(maxsize=20_000)
def singular(word: str) -> str:
    """Return the singular of an English plural by its ending; a word that is none comes back unchanged."""
    if len(word) <= 3 or not word.endswith("s") or word.endswith(_KEEPS_ITS_S):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "zes", "sses")):
        return word[:-2]
    return word[:-1]


def _name_words(raw: str) -> list[str]:
    """Return the words of a name that count: key and normal form come from the same ones, so equal keys are twins."""
    kept: list[str] = []
    for word in words(raw):
        if sum(map(len, kept)) + len(kept) + len(word) > LONGEST_NAME:
            return kept or [word[:LONGEST_NAME]]
        kept.append(word)
    return kept or [UNNAMED]


def snake_case(raw: str) -> str:
    """Return the readable key of a name: its words joined by underscores."""
    return "_".join(_name_words(raw))


@lru_cache(maxsize=100_000)
def normal_form(raw: str) -> str:
    """Return what spelling twins share: singular words joined without separators.

    `multi_network_failures`, `multinetwork_failure` and `MultiNetworkFailure` are all `multinetworkfailure`.
    """
    return "".join(singular(word) for word in _name_words(raw))
