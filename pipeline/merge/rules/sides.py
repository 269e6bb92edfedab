"""Parts groups whose themes speak of opposite things or of different errors in the same words.

Vectors hardly tell "the import fails" from "the export fails", or error E101 from E407. Where most themes of a group
take one of two sides, or name one of several codes that come again, each side and each code is a group of its own;
themes that take none go to the nearest. A word that only some of the group say parts nothing, nor do numbers of which
each stands in one theme alone: those of orders and tickets.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.merge.rules import normalise
from pipeline.merge.rules.antonyms import FREE_NUMBERS
from pipeline.merge.rules.grouping.neighbours import DECIMALS, Floats, Ints
from pipeline.merge.rules.grouping.vectors import unit

VERSION = "sides-2"

TAKE_SIDES = 0.6
"""Share of a group's themes that must take a side; below, the word is told in passing."""

LEAST_OF_A_SIDE = 2

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


def part_by_sides(labels: Ints, texts: Sequence[str], points: Floats) -> Ints:
    """Return the labels (n,) with each group parted whose themes take sides; new groups get numbers of their own.

    texts: what each theme is called and what is told of it. points: (n, d) of unit length.
    """
    labels = _part(labels, [codes_of(text) for text in texts], points)
    words = [_stems(text) for text in texts]
    for sides in SIDES:
        labels = _part(labels, _taken(words, sides), points)
    return labels


def of_another_side(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return for each text the side it takes that most of the others take the contrary of; "" if there is none.

    So a theme that is about to join the others can be told to stay away.
    """
    found = [""] * len(texts)
    for marks, those in _sides_taken(texts, others):
        one_side = [next(iter(taken)) for taken in those if len(taken) == 1]
        if len(one_side) < max(LEAST_OF_A_SIDE, TAKE_SIDES * len(others)):
            continue
        for row, taken in enumerate(marks):
            if len(taken) == 1 and taken.isdisjoint(one_side):
                found[row] = found[row] or next(iter(taken))
    return found


def _sides_taken(texts: Sequence[str], others: Sequence[str]) -> Iterator[tuple[list[set[str]], list[set[str]]]]:
    """Yield for the codes, and for each pair of sides, which of them the texts and the others take."""
    yield [codes_of(text) for text in texts], [codes_of(text) for text in others]
    words, theirs = [_stems(text) for text in texts], [_stems(text) for text in others]
    for sides in SIDES:
        yield _taken(words, sides), _taken(theirs, sides)


def _taken(words: Sequence[set[str]], sides: tuple[frozenset[str], ...]) -> list[set[str]]:
    return [{str(number) for number, side in enumerate(sides) if not side.isdisjoint(said)} for said in words]


def codes_of(text: str) -> set[str]:
    """Return the codes of errors in a text: exceptions by name, statuses, numbers that an error word introduces."""
    return {next(filter(None, found.groups())).casefold().replace("-", "") for found in _CODES.finditer(text)}


def _stems(text: str) -> set[str]:
    """Return the words of a text, each also without its ending: importing, imported, imports -> import."""
    words = set(normalise.words(text.lower()))
    return words | {stem for word in words for stem in _without_ending(word)}


def _without_ending(word: str) -> Iterator[str]:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word.removesuffix(ending)
            yield stem
            yield stem + "e"


def _part(labels: Ints, marks: Sequence[set[str]], points: Floats) -> Ints:
    """Part each group most of whose themes bear exactly one mark, but not all the same."""
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(labels.tolist()):
        rows_of[label].append(row)
    parted, unused = labels.copy(), int(labels.max(initial=-1)) + 1
    for label, rows in sorted(rows_of.items()):
        sides: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            if len(marks[row]) == 1:
                sides[next(iter(marks[row]))].append(row)
        strong = sorted(
            (side for side in sides if len(sides[side]) >= LEAST_OF_A_SIDE), key=lambda s: (-len(sides[s]), s)
        )
        if len(strong) < 2 or len(sides) > FREE_NUMBERS:
            continue
        if sum(len(sides[side]) for side in strong) < TAKE_SIDES * len(rows):
            continue
        numbers = np.array([label, *range(unused, unused + len(strong) - 1)])
        unused += len(strong) - 1
        centres = unit(np.stack([points[sides[side]].sum(axis=0, dtype=np.float64) for side in strong]))
        nearest = (points[rows].astype(np.float64) @ centres.T.astype(np.float64)).round(DECIMALS).argmax(axis=1)
        parted[rows] = numbers[nearest]
        for side, number in zip(strong, numbers.tolist(), strict=True):
            parted[sides[side]] = number
    return parted
