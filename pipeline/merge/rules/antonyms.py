"""Names that look alike and mean the contrary: `light_on` and `light_off`, `error_404` and `error_500`.

Sentence vectors hardly tell them apart, so what differs is looked at word by word.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import combinations

from pipeline.merge.rules import normalise

VERSION = "opposites-1"

NEGATIONS = frozenset({"not", "no", "never", "without", "cannot", "cant", "dont", "doesnt", "wont", "isnt", "non"})

_PAIRS = """
on off, in out, up down, enable disable, enabled disabled, activate deactivate, add remove, add delete, create delete,
open close, opened closed, lock unlock, locked unlocked, start stop, start end, login logout, signin signout,
install uninstall, connect disconnect, connected disconnected, subscribe unsubscribe, import export, upload download,
incoming outgoing, inbound outbound, buy sell, credit debit, deposit withdrawal,
increase decrease, before after, first last, early late, fast slow, high low, hot cold, left right, front back,
allow block, allow deny, accept reject, accept decline, accepted declined, grant revoke, show hide, visible hidden,
mute unmute, online offline, public private, valid invalid, success failure, pass fail, paid unpaid, read unread,
known unknown, able unable, available unavailable, possible impossible, correct incorrect, complete incomplete,
mount unmount, encrypt decrypt, encode decode, compress decompress, push pull, min max, minimum maximum, win lose,
more less, too enough, physical virtual, domestic international, monthly yearly, monthly annual, daily weekly,
upgrade downgrade, top bottom, internal external, input output, source target, sender receiver, buyer seller
"""
OPPOSITES = frozenset(frozenset(pair.split()) for pair in _PAIRS.replace("\n", " ").split(","))

FREE_NUMBERS = 20
"""Names that differ in nothing but a number are different kinds (errors, versions), unless there are more than this:
then the number is a reference (of an order, a ticket) and tells nothing."""

_SIDED = frozenset(word for pair in OPPOSITES for word in pair)
_PARTS = re.compile(r"\d+|[^\W\d_]+")


def are_opposite(one: str, other: str) -> bool:
    """Tell whether two names differ in nothing but opposites, numbers or a negation.

    Two contraries cancel out: `light_not_on` is no opposite of `light_off`.
    """
    left, right = _bag(one) - _bag(other), _bag(other) - _bag(one)
    pairs = _paired(_without_negations(left), _without_negations(right))
    if pairs is None:
        return False
    # Another number is another kind by itself. Opposites and negations turn the meaning round, so that two of them
    # cancel out.
    numbers = [first for first, _ in pairs if first.isdigit()]
    negations = left.total() + right.total() - 2 * len(pairs)
    return bool(numbers) or (len(pairs) + negations) % 2 == 1


def antonym_names(names: Mapping[str, str]) -> dict[str, set[str]]:
    """Return for each name that has opposites which they are; `names` maps forms to keys, and forms come back."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for form in sorted(names):
        alike[_core(names[form])].append(form)
    found: dict[str, set[str]] = defaultdict(set)
    # only names that share all their other words are compared, or all pairs of a registry would be
    for forms in alike.values():
        for one, other in combinations(forms if len(forms) <= FREE_NUMBERS else (), 2):
            if are_opposite(names[one], names[other]):
                found[one].add(other)
                found[other].add(one)
    return found


def _bag(name: str) -> Counter[str]:
    """Return the singular words and the numbers of a name: `error404` has one of each."""
    parts = [part for word in normalise.words(name) for part in _PARTS.findall(word)]
    return Counter(part.lstrip("0") or "0" if part.isdigit() else normalise.singular(part) for part in parts)


def _core(name: str) -> tuple[str, ...]:
    """Return the words of a name that opposites share."""
    bag = _bag(name)
    return tuple(sorted(word for word in bag.elements() if not _is_telling(word)))


def _is_telling(word: str) -> bool:
    return word.isdigit() or word in _SIDED or word in NEGATIONS


def _without_negations(bag: Counter[str]) -> list[str]:
    return sorted(word for word in bag.elements() if word not in NEGATIONS)


def _paired(left: list[str], right: list[str]) -> list[tuple[str, str]] | None:
    """Pair each word on the left with an opposite or another number on the right; None if that leaves a word over."""
    if len(left) != len(right):
        return None
    free, pairs = list(right), []
    for word in left:
        partner = next((other for other in free if _tell(word, other)), None)
        if partner is None:
            return None
        free.remove(partner)
        pairs.append((word, partner))
    return pairs


def _tell(one: str, other: str) -> bool:
    return frozenset({one, other}) in OPPOSITES or (one.isdigit() and other.isdigit())
