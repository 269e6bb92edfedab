"""A glance at a message, before anybody looks closely: which kinds of framing may stand in it at all.

Most messages hold none, and to find that out by the patterns themselves took 0.1 to 0.2 ms a message, as long as all
else that is done with it until it is read. RE2 looks for all of them in one pass of some 20 ns a character.
What it looks for is derived from the patterns and always finds at least what they find (`widened`), so a glance never
changes an answer: tests/pipeline/sources/own_words/test_glance.py compares both over every text of the tests.
"""

import re
from collections.abc import Sequence

import re2

from pipeline.sources.own_words import forms, legal, notices, quotes
from pipeline.sources.own_words.spans import READ_LENGTH, UNSEEN

# --- Patterns that find more ----------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<ahead>\(\?<?[=!])|(?P<open>\((?:\?(?:P<\w+>|-i:|:))?)|(?P<close>\))|(?P<or>\|)|(?P<edge>\\[bB]|[\^$])"
    r"|(?P<many>[*+]\??|\{\d+,\}\??|\{\d*,\d{2,}\}\??|\{\d*,[4-9]\}\??)|(?P<few>\?\??|\{[\d,]+\}\??)"
    r"|(?P<atom>\[\^?(?:\\.|[^\]\\])+\]|\\.|.)",
    re.DOTALL,
)
_KINDS = {"w": r"\pL\pN_", "d": r"\pN", "s": r"\s\pZ\x0b\x1c-\x1f\x{85}"}
"""Python's classes in the words of RE2, whose own know ASCII alone."""


_DOTTED = str.maketrans("\u0130\u0131", "ii")
"""The Turkish letters that Python, where case does not count, takes for an i, and RE2 does not."""


class NothingToLookFor(ValueError):
    """A pattern of which nothing is left that RE2 could look for: it would find itself everywhere."""


def widened(pattern: re.Pattern[str]) -> str:
    """Return what RE2 finds in every text in which `pattern` finds something, and perhaps in others.

    Edges of words and looks around are left out, and of a sequence all that follows a repetition without a close bound
    ("from .{0,40} device"): it multiplies the states RE2 needs, until it gives up and takes 1,000 times as long.
    """
    tokens = [(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(pattern.pattern)]
    source, _, _ = _alternatives(tokens, 0, at_start=True)
    return f"(?i){source.translate(_DOTTED)}"


def _alternatives(tokens: Sequence[tuple[str, str]], place: int, *, at_start: bool) -> tuple[str, int, bool]:
    """Return the alternatives from `place` to their bracket's end, the place behind that, and whether any was cut."""
    kept: list[str] = []
    any_cut = False
    while True:
        source, place, is_cut = _sequence(tokens, place, at_start=at_start)
        if at_start and not source:
            raise NothingToLookFor("".join(token for _, token in tokens))
        kept.append(source)
        any_cut |= is_cut
        if place >= len(tokens) or tokens[place][0] == "close":
            return "|".join(kept), place + 1, any_cut
        place += 1  # behind the |


def _sequence(tokens: Sequence[tuple[str, str]], place: int, *, at_start: bool) -> tuple[str, int, bool]:
    """Return what is kept of one alternative, the place of what ends it, and whether it was cut."""
    kept: list[str] = []
    is_cut = False
    while place < len(tokens) and tokens[place][0] not in ("close", "or"):
        kind, token = tokens[place]
        atom, ends = "", False
        if kind == "ahead":
            place = _behind_bracket(tokens, place)
            continue
        if kind == "open":
            source, place, ends = _alternatives(tokens, place + 1, at_start=at_start and not kept)
            atom = f"(?:{source})"
        else:
            atom, place = "" if kind == "edge" else _wide(token), place + 1
        if place < len(tokens) and tokens[place][0] in ("many", "few"):
            repetition, place = tokens[place], place + 1
            if repetition[0] == "many":
                # before anything else a search finds what follows as well without it; later it ends what is looked for
                atom, ends = "", bool(kept) or not at_start
            else:
                atom += repetition[1]
        if not is_cut:
            kept += [atom] if atom else []
            is_cut = ends
    return "".join(kept), place, is_cut


def _behind_bracket(tokens: Sequence[tuple[str, str]], place: int) -> int:
    depth = 0
    while True:
        depth += {"ahead": 1, "open": 1, "close": -1}.get(tokens[place][0], 0)
        place += 1
        if not depth:
            return place


def _wide(atom: str) -> str:
    """Return an atom in the words of RE2; one that is a class may be wider."""
    if atom[0] == "[":
        if re.search(r"\\[WDS]", atom):  # RE2's are of ASCII: inside a class that may find less
            raise NothingToLookFor(atom)
        return re.sub(r"\\([wds])", lambda found: _KINDS[found[1]], atom)
    return f"[{_KINDS[atom[1]]}]" if atom[0] == "\\" and atom[1] in _KINDS else atom


# --- Looking --------------------------------------------------------------------------------------------------------

PATTERNS: dict[str, re.Pattern[str]] = {**quotes.CLUES, **forms.CLUES, **legal.CLUES, **notices.CLUES}
"""What is looked for, by the name of its clue."""

_NAMES = tuple(PATTERNS)
_NONE: frozenset[str] = frozenset()


MEMORY = 32 * 1024 * 1024
"""Bytes at most for what RE2 remembers of its way through texts. The worst found took 15 MB and 0.5 us a character."""


def _compiled() -> "re2.Set":
    options = re2.Options()
    options.never_capture = True
    options.max_mem = MEMORY
    found = re2.Set.SearchSet(options)
    for pattern in PATTERNS.values():
        source = widened(pattern)
        if re2.search(source, "") is not None:
            raise NothingToLookFor(pattern.pattern)
        found.Add(source)
    found.Compile()
    return found


_SET = _compiled()


def clues_in(text: str) -> frozenset[str]:
    """Return the names in CLUES of the modules here whose patterns may find something in a text; no other one does.

    Looked at is the text with every run of blanks as one space, which is no less than the patterns see: lines, lines
    joined by a space, sentences across lines, all without invisible characters.
    """
    seen = text[:READ_LENGTH]
    if not seen.isascii():
        seen = UNSEEN.sub("", seen).translate(_DOTTED)
    found = _SET.Match(" ".join(seen.split()).encode(errors="replace"))
    return frozenset(_NAMES[number] for number in found) if found else _NONE
