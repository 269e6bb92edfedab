"""Parts groups whose themes speak of opposite things or of different errors in the same words.

Vectors hardly tell "the import fails" from "the export fails", or error E101 from E407. Where most themes of a group
take one of two sides, or name one of several codes that come again, each side and each code is a group of its own;
themes that take none go to the nearest. A word that only some of the group say parts nothing, nor do numbers of which
each stands in one theme alone: those of orders and tickets.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from pipeline.merge.rules import normalise
from pipeline.merge.rules.antonyms import FREE_NUMBERS
from pipeline.merge.rules.grouping.neighbours import DECIMALS, Floats, Ints
from pipeline.merge.rules.grouping.vectors import unit

VERSION = "sides-2"

TAKE_SIDES = 0.6
"""Share of a group's themes that must take a side; below, the word is told in passing."""

LEAST_OF_A_SIDE = 2
"""Themes that make a side: one alone may have slipped in, or be misread (test_other_groups_stay_whole)."""

_SIDES = """
import | export
upgrade bigger higher increase | downgrade smaller lower decrease reduce
upload | download
install | uninstall
enable activate | disable deactivate
add | remove delete
join | leave
pickup collection | delivery dropoff
arrival | departure
pause suspend | resume unpause
backup | restore
push | pull
archive | unarchive
link | unlink
follow | unfollow
pin | unpin
publish | unpublish
freeze | unfreeze
zip compress | unzip extract
subscribe | unsubscribe
login signin | logout signout
lock | unlock
connect | disconnect
deposit | withdraw withdrawal
buy purchase | sell
incoming inbound | outgoing outbound
encrypt | decrypt
mute | unmute
ios iphone ipad | android samsung pixel
windows | mac macos macbook
monthly | yearly annual annually
sender | recipient
buyer | seller
"""
"""Actions and things, no symptoms: "does not open" and "closes at once" are one problem, so open and close are not
here, nor start and stop, accept and decline."""

SIDES = tuple(tuple(frozenset(side.split()) for side in line.split("|")) for line in _SIDES.strip().splitlines())

_SIDES_OF: dict[str, list[tuple[int, int]]] = defaultdict(list)  # of a word: the pairs it stands in, and on which side
for _pair, _sides in enumerate(SIDES):
    for _side, _words in enumerate(_sides):
        for _word in _words:
            _SIDES_OF[_word].append((_pair, _side))

_ENDINGS = ("ing", "ed", "es", "s", "d")
_ERROR_WORD = r"(?:errors?|err|codes?|status|fault|exception|sqlstate|http(?:/\d(?:\.\d)?)?)"
_PHRASES = (
    r"(?:bad request|unauthori[sz]ed|forbidden|not found|timeout|conflict|gone|too many|internal|bad gateway"
    r"|service unavail)"
)
_CODES = re.compile(
    r"\b(?P<exception>[A-Z][A-Za-z]*(?:Error|Exception|Failure|Fault))\b"
    r"|\b(?P<constant>(?:ERR|E)_[A-Z][A-Z_]{2,40}|E[A-Z]{5,15})\b"
    r"|\b(?P<hex>0x[0-9A-Fa-f]{4,16})\b"
    rf"|\b(?i:{_ERROR_WORD})\b[\s:#=(\[]{{0,3}}(?P<coded>[A-Za-z]{{0,5}}[-_]?\d{{2,6}}(?:[A-Z]\d{{1,3}})?)\b"
    rf"|\b(?P<status>[1-5]\d\d) (?i:error|status|{_PHRASES})"
    r"|\b(?P<vendor>[A-Z]{2,8}-\d{3,6})\b"
    r"|\b(?P<short>[EF]-?\d{2,5}|[A-Z]{1,3}-?\d{3,6})\b"
)
"""Errors by name, system constants, hexadecimal numbers, what an error word introduces, HTTP 502 and "a 502 bad
gateway", ORA-00942 and SKU-4471, and short ones: E42, P0420, CS0246."""


Marks = tuple[dict[int, set[str]], ...]
"""Of some texts: the codes in each, then for each pair of `SIDES` the sides it takes, by the text's place. Texts that
bear none are left out."""


def marks_of(texts: Sequence[str]) -> Marks:
    """Return which codes and sides each text bears, by its place."""
    marks: Marks = ({}, *({} for _ in SIDES))
    for row, text in enumerate(texts):
        if codes := codes_of(text):
            marks[0][row] = codes
        for word in set(normalise.words(text.lower())):
            for pair, side in _sides_of(word):
                marks[1 + pair].setdefault(row, set()).add(str(side))
    return marks


def part_by_sides(labels: Ints, marks: Marks, points: Floats) -> Ints:
    """Return the labels (n,) with each group parted whose themes take sides; new groups get numbers of their own.

    marks: of what each theme is called and what is told of it. points: (n, d) of unit length.
    """
    # one pair after the other: a group may be parted by a code and again by a side
    for borne in marks:
        labels = _part(labels, borne, points)
    return labels


def of_another_side(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return for each text the side it takes that most of the others take the contrary of; "" if there is none.

    So a theme that is about to join the others can be told to stay away.
    """
    found = [""] * len(texts)
    own = marks_of(texts)
    if not any(own):  # nearly always: then the others, who may be many, need not be read
        return found
    for ours, theirs in zip(own, marks_of(others), strict=True):
        one_side = [next(iter(taken)) for taken in theirs.values() if len(taken) == 1]
        if len(one_side) < max(LEAST_OF_A_SIDE, TAKE_SIDES * len(others)):
            continue
        for row, taken in ours.items():
            if len(taken) == 1 and taken.isdisjoint(one_side):
                found[row] = found[row] or next(iter(taken))
    return found


def codes_of(text: str) -> set[str]:
    """Return the codes of errors in a text: exceptions by name, statuses, numbers that an error word introduces."""
    return {next(filter(None, found.groups())).casefold().replace("-", "") for found in _CODES.finditer(text)}


@lru_cache(maxsize=20_000)  # most words of a set are said again and again
def _sides_of(word: str) -> frozenset[tuple[int, int]]:
    """Return the pairs that a word stands in and its side in each, also without its ending: importing, imports."""
    return frozenset(found for stem in (word, *_without_ending(word)) for found in _SIDES_OF.get(stem, ()))


def _without_ending(word: str) -> Iterator[str]:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word.removesuffix(ending)
            yield stem
            # imported -> import, archived -> archive: both are tried, and what is no word of SIDES is ignored
            yield stem + "e"


def _part(labels: Ints, marks: Mapping[int, set[str]], points: Floats) -> Ints:
    """Part each group most of whose themes bear exactly one mark, but not all the same."""
    sides_of: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, borne in marks.items():
        if len(borne) == 1:
            sides_of[int(labels[row])][next(iter(borne))].append(row)
    parted, unused = labels.copy(), int(labels.max(initial=-1)) + 1
    for label, sides in sorted(sides_of.items()):
        strong = sorted(
            (side for side in sides if len(sides[side]) >= LEAST_OF_A_SIDE), key=lambda s: (-len(sides[s]), s)
        )
        # that many different codes in one group are numbers of orders, not kinds of errors
        if len(strong) < 2 or len(sides) > FREE_NUMBERS:
            continue
        rows = np.flatnonzero(labels == label)
        if sum(len(sides[side]) for side in strong) < TAKE_SIDES * len(rows):
            continue
        numbers = np.array([label, *range(unused, unused + len(strong) - 1)])
        unused += len(strong) - 1
        sums = np.stack([points[sides[side]].sum(axis=0, dtype=np.float64) for side in strong])
        centres = unit(sums).astype(np.float32)
        nearest = (points[rows].astype(np.float64) @ centres.T.astype(np.float64)).round(DECIMALS).argmax(axis=1)
        parted[rows] = numbers[nearest]
        for side, number in zip(strong, numbers.tolist(), strict=True):
            parted[sides[side]] = number
    return parted
