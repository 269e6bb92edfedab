"""Names of problems brought to one form, so that spelling twins are seen to be one name."""

import re
import unicodedata

VERSION = "names-1"
UNNAMED = "unnamed"
MAX_KEY_LENGTH = 200

_WORD_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+")
_KEEPS_ITS_S = ("ss", "us", "is", "as", "os")


def words(raw: str) -> list[str]:
    """Return the lower-case words of a name; separators and camelCase both split, accents are dropped."""
    plain = unicodedata.normalize("NFKD", raw)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [word.casefold() for word in _WORD_EDGE.split(plain) if word]


def singular(word: str) -> str:
    """Return the singular of an English plural by its ending; a word that is none comes back unchanged."""
    if len(word) <= 3 or not word.endswith("s") or word.endswith(_KEEPS_ITS_S):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "zes", "sses")):
        return word[:-2]
    return word[:-1]


def snake_case(raw: str) -> str:
    """Return the readable key of a name: its words joined by underscores, at most 200 characters."""
    return "_".join(words(raw))[:MAX_KEY_LENGTH].rstrip("_") or UNNAMED


def normal_form(raw: str) -> str:
    """Return what spelling twins share: singular words joined without separators.

    `multi_network_failures`, `multinetwork_failure` and `MultiNetworkFailure` are all `multinetworkfailure`.
    """
    return "".join(singular(word) for word in words(raw))[:MAX_KEY_LENGTH] or UNNAMED
