"""Which groups lie so near to each other that a person should say whether they are one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.merge.rules.centres import common_to, directions, least_cosine
from pipeline.merge.rules.grouping.tightness import TIGHTNESS
from pipeline.merge.rules.records import GroupSum


@dataclass(frozen=True, slots=True)
class CandidatePair:
    """Two groups by their keys, the cosine of their centres, and how near that is to what one group would have.

    `closeness` is the cosine divided by the least one at which groups of their sizes would be taken for one: 1 and more
    is as near as the members of one group, 0 has nothing to do with each other.
    """

    first: int
    second: int
    cosine: float
    closeness: float


def candidate_pairs(
    groups: Sequence[GroupSum], apart: Collection[frozenset[int]], *, least: float, limit: int
) -> list[CandidatePair]:
    """Return the pairs of groups that are closest, the closest first, none of them below `least` or named in `apart`.

    Holds a few tables of len(groups)^2 numbers. The same for the groups in any order; ties go to the lower keys.
    """
    if len(groups) < 2:
        return []
    groups = sorted(groups, key=lambda group: group.key)
    sizes = np.array([group.size for group in groups], np.float64)
    centres = directions(groups, common_to(groups))
    cosines = np.round(centres @ centres.T, 5)
    # One tightness for all, as the model places themes of one problem: of two small groups neither knows its own yet.
    tightness = np.full(cosines.shape, TIGHTNESS, np.float32)
    closeness = cosines / least_cosine(tightness, sizes[:, None], sizes[None, :])  # type: ignore[arg-type]
    rows, columns = np.nonzero(np.triu(closeness >= least, k=1))
    # the last key counts most: by closeness, ties by the lower keys
    order = np.lexsort((columns, rows, -closeness[rows, columns]))
    pairs = ((int(rows[number]), int(columns[number])) for number in order)
    found = [
        CandidatePair(groups[one].key, groups[other].key, float(cosines[one, other]), float(closeness[one, other]))
        for one, other in pairs
        if frozenset((groups[one].key, groups[other].key)) not in apart
    ]
    return found[:limit]


def nearest_groups(group: GroupSum, among: Sequence[GroupSum], *, limit: int) -> list[tuple[int, float]]:
    """Return the keys of the groups nearest to this one, itself left out, with the cosines of their centres."""
    others = sorted((other for other in among if other.key != group.key), key=lambda other: other.key)
    everyone = [group, *others]
    centres = directions(everyone, common_to(everyone))
    cosines = centres[1:] @ centres[0]
    order = np.argsort(-np.round(cosines, 5), kind="stable")[:limit]
    return [(others[number].key, float(cosines[number])) for number in order]
