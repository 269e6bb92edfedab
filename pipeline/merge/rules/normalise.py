"""Names of problems brought to one form, so that spelling twins are seen to be one name."""

import re
import unicodedata
from functools import lru_cache

from pipeline.sources.parsing.letters import MARKS, composed

VERSION = "names-3"
UNNAMED = "unnamed"
LONGEST_NAME = 180
"""Characters of a name that count; a key has 200, so there is room for a number behind it."""

_WORD_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+")
_EDGE_AMONG_MARKS = re.compile(rf"(?<=[a-z0-9])(?=[A-Z])|(?:(?![{MARKS}])[\W_])+")
_LATIN_ACCENTS = re.compile(r"([A-Za-z])[\u0300-\u036f]+")
_KEEPS_ITS_S = ("ss", "us", "is", "as", "os")


def words(raw: str) -> list[str]:
    """Return the lower-case words of a text; separators and camelCase both split, no letter loses its marks."""
    if raw.isascii():
        return list(map(str.casefold, filter(None, _WORD_EDGE.split(raw))))
    return [composed(word) for word in _parts(raw)]


def _parts(raw: str) -> list[str]:
    """Return the words of a text as they are written."""
    return [word for word in _EDGE_AMONG_MARKS.split(unicodedata.normalize("NFKC", raw)) if word]


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
    """Return the readable key of a name: its words joined by underscores, in small letters that stay what they are.

    Folding, which the normal form is made by, would write straße with ss and end Greek words in the wrong sigma.
    """
    kept = _name_words(raw)
    if raw.isascii() or kept == [UNNAMED]:
        return "_".join(kept)
    return "_".join(small_words(raw)[: len(kept)])[:LONGEST_NAME]


def small_words(raw: str) -> list[str]:
    """Return the words of a text as `words` does, one for one, in small letters that stay what they are."""
    if raw.isascii():
        return words(raw)
    return [unicodedata.normalize("NFC", word.lower()).replace("i\u0307", "i") for word in _parts(raw)]


@lru_cache(maxsize=100_000)
def normal_form(raw: str) -> str:
    """Return what spelling twins share: singular words joined without separators, Latin letters without accents.

    `multi_network_failures`, `multinetwork_failure` and `MultiNetworkFailure` are all `multinetworkfailure`.
    """
    return "".join(singular(_without_latin_accents(word)) for word in _name_words(raw))


def _without_latin_accents(word: str) -> str:
    """Return a word whose Latin letters have no marks: people leave them out. In other scripts marks make letters."""
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", _LATIN_ACCENTS.sub(r"\1", unicodedata.normalize("NFD", word)))
