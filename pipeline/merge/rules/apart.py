"""What people keep apart, in groups that the rules found: each group that holds both sides is parted."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.merge.rules.grouping.neighbours import DECIMALS, Floats, Ints
from pipeline.merge.rules.grouping.vectors import unit

Apart = Mapping[str, set[str]]
"""For each name, or signature, those it must not be in one group with."""


def part_names(labels: Ints, names: Sequence[str], apart: Apart) -> Ints:
    """Take names that must not meet out of each other's groups: of each pair the one with fewer themes there leaves.

    All of its themes in one group leave together, with those of other names that leave; all others stay.
    """
    parted, unused = labels.copy(), int(labels.max(initial=-1)) + 1
    rows_of: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (label, name) in enumerate(zip(labels.tolist(), names, strict=True)):
        if name in apart:
            rows_of[label][name].append(row)
    for _, found in sorted(rows_of.items()):
        parts: list[set[str]] = [set()]  # the first stays, the others leave; names that may meet leave together
        # The names with most themes choose first and so stay; each other goes into the first part in which it meets
        # nobody.
        for name in sorted(found, key=lambda name: (-len(found[name]), name)):
            place = next((number for number, part in enumerate(parts) if not apart[name] & part), len(parts))
            if place == len(parts):
                parts.append(set())
            parts[place].add(name)
            if place:
                parted[found[name]] = unused + place - 1
        unused += len(parts) - 1
    return parted


def part_sides(labels: Ints, sides: Sequence[str], apart: Apart, points: Floats) -> Ints:
    """Part each group that holds themes of signatures that are kept apart; its other themes go to the nearer side.

    sides: the signature that each theme is known to belong to, "" where nothing is known.
    points: (n, d) of unit length.
    """
    parted, unused = labels.copy(), int(labels.max(initial=-1)) + 1
    rows_of: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (label, side) in enumerate(zip(labels.tolist(), sides, strict=True)):
        if side in apart:
            rows_of[label][side].append(row)
    for label, found in sorted(rows_of.items()):
        opposed = [side for side in sorted(found, key=lambda s: (-len(found[s]), s)) if apart[side] & found.keys()]
        if not opposed:
            continue
        sums = np.stack([points[found[side]].sum(axis=0, dtype=np.float64) for side in opposed])
        centres = unit(sums).astype(np.float32)
        numbers = np.array([label, *range(unused, unused + len(opposed) - 1)])
        unused += len(opposed) - 1
        inside = np.flatnonzero(labels == label)
        # rounded before the largest is taken: noise of the processor must not decide between two that are equal
        cosines = points[inside].astype(np.float64) @ centres.T.astype(np.float64)
        parted[inside] = numbers[cosines.round(DECIMALS).argmax(axis=1)]
        # what is known to be of a side stays there, however near it lies to the other
        for side, number in zip(opposed, numbers.tolist(), strict=True):
            parted[found[side]] = number
    return parted


def dominated(labels: Ints, names: Sequence[str]) -> dict[str, list[int]]:
    """Return for each name the groups in which more than half of the themes bear it; a group has at most one such."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for label, name in zip(labels.tolist(), names, strict=True):
        counts[label][name] += 1
    groups: dict[str, list[int]] = defaultdict(list)
    for label, found in sorted(counts.items()):
        name, number = found.most_common(1)[0]
        if 2 * number > found.total():
            groups[name].append(label)
    return groups
