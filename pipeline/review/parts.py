"""What a signature falls into when its themes must be more alike."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import scipy  # loads its parts when they are first used

from pipeline.models import Theme

MOST_THEMES = 2000
"""Of a signature that can be taken apart by a threshold: it takes a table of themes x themes."""


def alike(themes: Sequence[Theme], threshold: float) -> list[list[Theme]]:
    """Return the themes in parts whose members have at least this cosine on average, the largest part first.

    Average linkage from below: two parts join while the mean cosine between them reaches the threshold, the most alike
    first. At most MOST_THEMES themes.
    """
    if len(themes) < 2:
        return [list(themes)] if themes else []
    vectors = np.stack([np.frombuffer(bytes(theme.vector), np.float32) for theme in themes]).astype(np.float64)
    # rounded, so that ties are ties on every machine
    distances = np.clip(1.0 - np.round(vectors @ vectors.T, 6), 0.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    tree = scipy.cluster.hierarchy.linkage(scipy.spatial.distance.squareform(distances), method="average")
    labels = scipy.cluster.hierarchy.fcluster(tree, 1.0 - threshold, criterion="distance")
    parts: dict[int, list[Theme]] = defaultdict(list)
    for theme, label in zip(themes, labels.tolist(), strict=True):
        parts[label].append(theme)
    return sorted(parts.values(), key=lambda part: (-len(part), part[0].pk))
