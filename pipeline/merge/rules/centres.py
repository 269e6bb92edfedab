"""Centres of groups: where they are, how tight their groups are, and how near another one must be."""

from collections.abc import Sequence

import numpy as np

from pipeline.merge.rules.grouping.neighbours import Floats, Ints
from pipeline.merge.rules.grouping.vectors import SHRINKAGE_ROWS

SLACK = 0.35
"""Share of the expected cosine that a theme may lack and still belong to a signature. See `least_cosine`.

Pairwise F1 of our sample, 1,000 rows of STAR and 3,000 of Banking77 when they come in 1, 2, 11 and 50 imports: .54 .43
.41 .46, .91 .94 .83 .84, .58 .54 .44 .38. At 0.25 they stay finer (more, smaller stories), at 0.45 they grow coarser.
"""


FAMILIAR_THEMES = 5
"""A signature's own tightness counts as if this many themes of a usual signature came on top."""


USUAL_TIGHTNESS = 0.55
"""Mean cosine between two recentred themes of a signature, as long as no signature shows a usual one."""


def vector_table(rows: Sequence[bytes], width: int) -> Floats:
    """Return rows of float32 bytes as a table, (n, width); ValueError if they differ in length."""
    if any(len(row) != 4 * width for row in rows):
        raise ValueError(f"vectors of different lengths meet: expected {width} numbers in each")
    return np.frombuffer(b"".join(rows), np.float32).reshape(len(rows), width)


def common_origin(vectors: Floats, old_sums: Floats, registered: int) -> Floats:
    """Return what all themes so far have in common, (d,), less of it the fewer they are: see `shrunken_mean`."""
    count = registered + len(vectors)
    total = vectors.sum(axis=0, dtype=np.float64) + old_sums.sum(axis=0, dtype=np.float64)
    origin: Floats = (total / (count + SHRINKAGE_ROWS)).astype(np.float32)
    return origin


def sums_from(origin: Floats, sums: Floats, sizes: Ints) -> Floats:
    """Return the (c, d) sums of the recentred rows of each centre, all taken as equally far from the origin."""
    shifted = sums - sizes[:, None] * origin
    apart = 1 - 2 * (sums @ origin) / np.maximum(sizes, 1) + origin @ origin
    return (shifted / np.sqrt(np.maximum(apart, 1e-6))[:, None]).astype(np.float32)


def tightness_of(sums: Floats, sizes: Ints) -> Floats:
    """Return the mean cosine between two rows of each group, (g,), drawn towards the usual one.

    The usual one is the median over groups of at least three, or USUAL_TIGHTNESS while there are none.
    """
    n = sizes.astype(np.float64)
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
