"""Which of a few centres is nearest to each of many others."""

from collections.abc import Sequence

import numpy as np

from pipeline.merge.rules.centres import common_to, directions
from pipeline.merge.rules.records import GroupSum


def nearest(these: Sequence[GroupSum], among: Sequence[GroupSum]) -> dict[int, tuple[int, float]]:
    """Return for the key of each of `these` the key and the cosine of the centre of `among` that is nearest to it.

    What all of `among` have in common is taken away first. One table of len(these) x len(among) cosines; ties go to the
    first. Empty if either is.
    """
    if not these or not among:
        return {}
    origin = common_to(among)
    cosines = directions(these, origin) @ directions(among, origin).T
    # not rounded: this only points people to a story, it decides nothing
    best = cosines.argmax(axis=1)
    return {
        centre.key: (among[column].key, float(np.clip(cosines[row, column], -1.0, 1.0)))
        for row, (centre, column) in enumerate(zip(these, best.tolist(), strict=True))
    }
