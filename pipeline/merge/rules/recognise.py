"""Which of the groups found now is which of those that stood: identity by shared themes, and nothing else.

A maximum-weight matching (Kuhn 1955, as scipy solves it) between the groups that stood and the groups found; the weight
is how many themes both have. Groups that people count on choose first.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import scipy  # loads its parts when they are first used

from pipeline.merge.rules.grouping.neighbours import Ints
from pipeline.merge.rules.grouping.vectors import MIN_STORY

CRUMB = 1 / 3
"""A group is not recognised in what holds less than this share of the most that any group holds of it: if a large one
took nearly all of its themes, it went there, and the theme left behind is not what people knew by its name."""

FEW_OF_MANY = 1 / 2
"""Nor is one that was no story yet recognised where its themes are less than this share: six complaints about parcels
are not the calendar question that waited alone."""

CLEARLY = 1 / 2
"""Share of either group that both must have for a group that people count on to choose first."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many themes a found group shares with one that stood."""

    found: int
    stood: int
    shared: int


def recognise(found: Ints, stood: Ints, first: Collection[int]) -> dict[int, int]:
    """Return the group that stood for each found one that is recognised.

    found, stood: (n,) both groups of each theme; stood is -1 for new themes. Groups that stood are numbered by key:
    ties go to the lower number. first: those that people count on.
    """
    before, now = np.bincount(stood[stood >= 0]), np.bincount(found)
    eligible = _eligible(_overlaps(found, stood), before, now)
    # those that people count on choose in a round of their own, so that no larger overlap takes theirs away
    clear = [
        overlap
        for overlap in eligible
        if overlap.stood in first
        and overlap.shared >= CLEARLY * min(int(before[overlap.stood]), int(now[overlap.found]))
    ]
    matched = _matched(clear)
    taken = set(matched.values())
    left = [overlap for overlap in eligible if overlap.found not in matched and overlap.stood not in taken]
    return matched | _matched(left)


def _overlaps(found: Ints, stood: Ints) -> list[Overlap]:
    known, width = stood >= 0, int(stood.max(initial=0)) + 1
    pairs, shared = np.unique(found[known] * width + stood[known], return_counts=True)
    rows = zip(pairs.tolist(), shared.tolist(), strict=True)
    return [Overlap(pair // width, pair % width, count) for pair, count in rows]


def _eligible(overlaps: list[Overlap], before: Ints, now: Ints) -> list[Overlap]:
    most: dict[int, int] = defaultdict(int)
    for overlap in overlaps:
        most[overlap.stood] = max(most[overlap.stood], overlap.shared)
    return [
        overlap
        for overlap in overlaps
        if overlap.shared >= CRUMB * most[overlap.stood]
        and (before[overlap.stood] >= MIN_STORY or overlap.shared >= FEW_OF_MANY * now[overlap.found])
    ]


def _matched(overlaps: list[Overlap]) -> dict[int, int]:
    """Return the matching with most shared themes; groups that share none with each other are matched apart."""
    matched = {}
    # Family by family: the matching costs the cube of its table, and groups that share no theme cannot be exchanged.
    for family in _families(overlaps):
        if len(family) == 1:  # nearly all of them: there is nothing to choose
            matched[family[0].found] = family[0].stood
            continue
        rows = sorted({overlap.stood for overlap in family})
        columns = sorted({overlap.found for overlap in family})
        row_of, column_of = ({group: place for place, group in enumerate(groups)} for groups in (rows, columns))
        weights = np.zeros((len(rows), len(columns)), np.int64)
        for overlap in family:
            weights[row_of[overlap.stood], column_of[overlap.found]] = overlap.shared
        for row, column in zip(*scipy.optimize.linear_sum_assignment(weights, maximize=True), strict=True):
            if weights[row, column]:
                matched[columns[column]] = rows[row]
    return matched


def _families(overlaps: list[Overlap]) -> list[list[Overlap]]:
    """Return the overlaps in parts that have no group in common."""
    parent: dict[tuple[str, int], tuple[str, int]] = {}

    def first_of(group: tuple[str, int]) -> tuple[str, int]:
        while parent.setdefault(group, group) != group:
            # halves the path as it goes up (union-find)
            parent[group] = group = parent[parent[group]]
        return group

    for overlap in overlaps:
        parent[first_of(("stood", overlap.stood))] = first_of(("found", overlap.found))
    families: dict[tuple[str, int], list[Overlap]] = defaultdict(list)
    for overlap in overlaps:
        families[first_of(("found", overlap.found))].append(overlap)
    return list(families.values())
