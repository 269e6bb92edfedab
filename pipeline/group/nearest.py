"""Which of a few centres is nearest to each of many others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.merge.rules.records import GroupSum

Floats = NDArray[np.float64]


SHRINKAGE = 20
"""Of what n themes have in common, n / (n + 20) is taken away first: few do not show what is common to all."""


def nearest(these: Sequence[GroupSum], among: Sequence[GroupSum]) -> dict[int, tuple[int, float]]:
    """Return for the key of each of `these` the key and the cosine of the centre of `among` that is nearest to it.

    What all of `among` have in common is taken away first: at a bank, being about banking brings nobody nearer. One
    table of len(these) x len(among) cosines; ties go to the first. Empty if either is.
    """
    if not these or not among:
        return {}
    sums = _matrix(among)
    origin = sums.sum(axis=0) / (sum(centre.size for centre in among) + SHRINKAGE)
    cosines = _seen_from(origin, these) @ _seen_from(origin, among).T
    # not rounded: this only points people to a story, it decides nothing
    best = cosines.argmax(axis=1)
    return {
        centre.key: (among[column].key, float(np.clip(cosines[row, column], -1.0, 1.0)))
        for row, (centre, column) in enumerate(zip(these, best.tolist(), strict=True))
    }


def _matrix(centres: Sequence[GroupSum]) -> Floats:
    rows = np.frombuffer(b"".join(centre.vector_sum for centre in centres), np.float32)
    return rows.reshape(len(centres), -1).astype(np.float64)


def _seen_from(origin: Floats, centres: Sequence[GroupSum]) -> Floats:
    """Return the centres as directions from the origin, (n, d) at unit length; one at the origin is all zeros."""
    sizes = np.array([centre.size for centre in centres], np.float64)
    points: Floats = _matrix(centres) / sizes[:, None] - origin
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    directions: Floats = points / np.where(lengths > 0, lengths, 1.0)
    return directions
