"""Centres of groups: where they are, how tight their groups are, and how near another one must be."""

from collections.abc import Sequence

import numpy as np

from pipeline.merge.rules.grouping.neighbours import Doubles, Floats, Ints
from pipeline.merge.rules.grouping.vectors import SHRINKAGE_ROWS, unit
from pipeline.merge.rules.records import GroupSum

SLACK = 0.35
"""Share of the expected cosine that may be missing between two groups that are one. See `least_cosine`.

It decides which groups of one name are joined (`meaning`) and, as a measure, which pairs people are asked about
(`doubt`). Of eleven draws of five sets, five of them held out, none changes from 0 to 0.35, and from 0.5 on one loses
0.045 (benchmarks/QUALITY.md): the local reader's names seldom dominate two groups. For pairs it is a guess.
"""


FAMILIAR_THEMES = 5
"""A signature's own tightness counts as if this many themes of a usual signature came on top.

A guess that decides nothing: from 0 to 30 none of eleven draws changes by 0.001."""


USUAL_TIGHTNESS = 0.55
"""Mean cosine between two themes of a signature, seen from their common middle, until signatures show another.

As within the labels of SGD and STAR (0.54 and 0.62); short texts have 0.3 to 0.5. It only serves a set without any
group of three: with 0.3 or 0.7 none of eleven draws changes."""


def common_to(groups: Sequence[GroupSum]) -> Doubles:
    """Return what all rows of the groups have in common, (d,): at a bank, being about banking brings nobody nearer.

    It is their mean, taken as if SHRINKAGE_ROWS rows more had nothing in common: few rows do not show what is.
    """
    common: Doubles = _sums(groups).sum(axis=0) / (sum(group.size for group in groups) + SHRINKAGE_ROWS)
    return common


def directions(groups: Sequence[GroupSum], origin: Doubles) -> Doubles:
    """Return where the groups' centres lie from the origin, (n, d) at unit length; one at the origin is all zeros."""
    sizes = np.array([group.size for group in groups], np.float64)
    return unit(_sums(groups) / sizes[:, None] - origin)


def _sums(groups: Sequence[GroupSum]) -> Doubles:
    rows = np.frombuffer(b"".join(group.vector_sum for group in groups), np.float32)
    return rows.reshape(len(groups), -1).astype(np.float64)


def tightness_of(sums: Floats, sizes: Ints) -> Floats:
    """Return the mean cosine between two rows of each group, (g,), drawn towards the usual one.

    The usual one is the median over groups of at least three, or USUAL_TIGHTNESS while there are none.
    """
    n = sizes.astype(np.float64)
    # the square of a sum of n unit rows is n plus the cosines of all pairs, each counted twice
    own = (np.einsum("ij,ij->i", sums, sums) - n) / np.maximum(n * (n - 1), 1)
    own = np.clip(own, 0.0, 1.0)
    usual = float(np.median(own[sizes >= 3])) if (sizes >= 3).any() else USUAL_TIGHTNESS
    drawn: Floats = (((n - 1) * own + FAMILIAR_THEMES * usual) / (n - 1 + FAMILIAR_THEMES)).astype(np.float32)
    return drawn


def least_cosine(tightness: Floats, sizes: Ints, others: Ints | int = 1) -> Floats:
    """Return the cosine, (g,), that centres of `sizes` rows and of `others` rows must have to be one group.

    If two rows of a group have the cosine p on average, the centres of n and of m of its rows have
    n m p / sqrt((n + n (n - 1) p) (m + m (m - 1) p)); SLACK of it may be missing. So one theme and one orphan need less
    than a theme and the well-known centre of a large story.
    """

    def length(count: Ints | int) -> Floats:
        return np.sqrt(count + count * (count - 1) * tightness)

    expected: Floats = sizes * others * tightness / (length(sizes) * length(others))
    return ((1 - SLACK) * expected).astype(np.float32)
