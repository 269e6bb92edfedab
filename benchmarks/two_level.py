"""Grouping in parts: what merges on many machines at once would do, simulated in one process.

Each part (a product area, say) is grouped by itself, as one task of a chord would, and the callback merges the
representatives: it sees one sum and one size a group, not the rows. What that costs is in benchmarks/QUALITY.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.merge.rules.centres import least_cosine, tightness_of
from pipeline.merge.rules.grouping.neighbours import Floats, Ints
from pipeline.merge.rules.grouping.partition import partition
from pipeline.merge.rules.grouping.vectors import centred, shrunken_mean, sums_by_label, unit


@dataclass(frozen=True, slots=True)
class Leader:
    """A group that others joined: its number, the direction of its centre, and which parts are in it."""

    group: int
    centre: Floats
    parts: set[str]


def partition_in_parts(vectors: Floats, parts: Sequence[str]) -> Ints:
    """Group the rows of `vectors` ((n, d), unit length) part by part, then merge groups of different parts.

    Returns (n,) group of each row. The same rows in any order give the same groups.
    """
    labels = np.full(len(vectors), -1, np.int64)
    part_of: list[str] = []
    names = np.asarray(parts)
    for name in sorted(set(parts)):
        rows = np.flatnonzero(names == name)
        found = partition(vectors[rows]).labels
        labels[rows] = len(part_of) + found
        part_of += [name] * (int(found.max()) + 1)
    return merge_representatives(centred(vectors, shrunken_mean(vectors)), labels, part_of)[labels]


def merge_representatives(points: Floats, labels: Ints, part_of: Sequence[str]) -> Ints:
    """Return (g,) the group that each of the groups of `labels` joins; `part_of` names the part of each.

    The largest groups lead. A group joins the leader with the nearest centre that holds nothing of its part yet, if the
    two are as alike as centres of one problem are (`centres.least_cosine`). Only leaders are compared with: no chains.
    """
    sizes = np.bincount(labels, minlength=len(part_of))
    sums = sums_by_label(points, labels, len(part_of))
    centres, tightness = unit(sums), tightness_of(sums, sizes)
    joined, leaders = np.arange(len(part_of)), list[Leader]()
    for group in sorted(range(len(part_of)), key=lambda group: (-sizes[group], centres[group].tobytes())):
        bound = _bounds(tightness, sizes, group, leaders)
        leader = _nearest_leader(leaders, centres[group], part_of[group], bound)
        if leader is None:
            leaders.append(Leader(group, centres[group], {part_of[group]}))
        else:
            leader.parts.add(part_of[group])
            joined[group] = leader.group
    return joined


def _bounds(tightness: Floats, sizes: Ints, group: int, leaders: Sequence[Leader]) -> Floats:
    """Return for each leader the cosine of centres that the group needs to join it."""
    others = np.array([leader.group for leader in leaders], np.int64)
    return least_cosine(np.minimum(tightness[others], tightness[group]), sizes[others], sizes[group])


def _nearest_leader(leaders: Sequence[Leader], centre: Floats, part: str, bounds: Floats) -> Leader | None:
    if not leaders:
        return None
    cosines = np.stack([leader.centre for leader in leaders]) @ centre
    near = [
        (-float(cosine), number)
        for number, (cosine, bound) in enumerate(zip(cosines, bounds, strict=True))
        if cosine >= bound and part not in leaders[number].parts
    ]
    return leaders[min(near)[1]] if near else None
