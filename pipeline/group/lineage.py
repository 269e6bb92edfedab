"""What became of groups between two moments: which are new, grew, shrank, merged, were split, or are gone.

Pure; `regroup` tells by it what a consolidation would change, and `compare` what changed between two runs.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

LINK_SHARE = 0.5
"""Two groups are linked if at least this share of the earlier one's members went to the later one, or of the later
one's came from there. So a small group that a large one swallowed is linked, and two that swapped a few are not.

A definition, and not measured: "most of it". It decides how a change is told, and moves no theme."""

Flows = Mapping[tuple[str, str], int]


class Kind(StrEnum):
    """What became of a group, in the order in which changes are told."""

    NEW = "new"
    GROWN = "grown"
    SHRUNK = "shrunk"
    MERGED = "merged"
    SPLIT = "split"
    GONE = "gone"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class GroupSize:
    """A group by its name, with how many members it has."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Change:
    """What became of the groups `before`; empty for a new one, as `after` is for one that is gone."""

    kind: Kind
    before: tuple[GroupSize, ...]
    after: tuple[GroupSize, ...]


def changes(before: Mapping[str, int], after: Mapping[str, int], went: Flows, came: Flows) -> list[Change]:
    """Return what became of each group, by kind and the largest first.

    before, after: the size of each group, by name. went: how many members of an earlier group (first of the pair) are
    in a later one. came: how many members of a later group (second of the pair) were in an earlier one. Both are the
    same where the same members are seen twice. A group that was merged and split as well is told of in both.
    """
    family = _Family(before, after, _links(before, after, went, came))
    found = [*family.partings(), *family.arrivals()]
    order = list(Kind)
    return sorted(found, key=lambda change: (order.index(change.kind), -_largest(change), _names(change)))


def _links(before: Mapping[str, int], after: Mapping[str, int], went: Flows, came: Flows) -> Iterator[tuple[str, str]]:
    for one, other in sorted(went.keys() | came.keys()):
        if one in before and other in after:
            share = max(went.get((one, other), 0) / before[one], came.get((one, other), 0) / after[other])
            if share >= LINK_SHARE:
                yield one, other


class _Family:
    """Groups of two moments with the links between them."""

    def __init__(self, before: Mapping[str, int], after: Mapping[str, int], links: Iterator[tuple[str, str]]) -> None:
        self.before, self.after = before, after
        self.children: dict[str, list[str]] = defaultdict(list)
        self.parents: dict[str, list[str]] = defaultdict(list)
        for one, other in links:
            self.children[one].append(other)
            self.parents[other].append(one)

    def partings(self) -> Iterator[Change]:
        """Yield the earlier groups that are gone or were split."""
        for one in self.before:
            if one not in self.children:
                yield Change(Kind.GONE, _sized([one], self.before), ())
            elif len(self.children[one]) > 1:
                yield Change(Kind.SPLIT, _sized([one], self.before), _sized(self.children[one], self.after))

    def arrivals(self) -> Iterator[Change]:
        """Yield the later groups that are new or merged, and those that go on by themselves."""
        for other in self.after:
            if other not in self.parents:
                yield Change(Kind.NEW, (), _sized([other], self.after))
            elif len(self.parents[other]) > 1:
                yield Change(Kind.MERGED, _sized(self.parents[other], self.before), _sized([other], self.after))
            elif len(self.children[self.parents[other][0]]) == 1:
                yield self._gone_on(self.parents[other][0], other)

    def _gone_on(self, one: str, other: str) -> Change:
        more = self.after[other] - self.before[one]
        kind = Kind.GROWN if more > 0 else Kind.SHRUNK if more < 0 else Kind.SAME
        return Change(kind, _sized([one], self.before), _sized([other], self.after))


def _sized(names: list[str], sizes: Mapping[str, int]) -> tuple[GroupSize, ...]:
    return tuple(sorted((GroupSize(name, sizes[name]) for name in names), key=lambda group: (-group.size, group.name)))


def _largest(change: Change) -> int:
    return max(group.size for group in (*change.before, *change.after))


def _names(change: Change) -> list[str]:
    return [group.name for group in (*change.after, *change.before)]
