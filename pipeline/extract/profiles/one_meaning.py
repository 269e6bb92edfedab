"""Vectors of themes whose category says it all."""

from collections.abc import Sequence

import numpy as np

from pipeline.extract.profiles import Profile


def category_vectors(categories: Sequence[str], profile: Profile, dimension: int) -> np.ndarray:
    """Return unit vectors, (n, dimension) float32, one for each category named, at right angles to one another.

    Groups then neither fall apart by the wording of their themes nor does one category come into another.
    """
    places = {category.name: place for place, category in enumerate(profile.categories)}
    return np.eye(len(places), dimension, dtype=np.float32)[[places[name] for name in categories]]
