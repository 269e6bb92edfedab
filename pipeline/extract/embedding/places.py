"""Where a multilingual model places each language, measured once and then frozen with the model's files.

Less its language's place, a text in German is where the same text in English is. See `parallel`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.extract.embedding.files import EmbeddingModelError
from pipeline.extract.embedding.parallel import PARALLEL
from pipeline.merge.rules.grouping.vectors import unit_vector

PLACES = "places.npz"

Vectors = npt.NDArray[np.float32]


class Places:
    """The mean vector of each language's sentences."""

    def __init__(self, folder: Path) -> None:
        """Read them from the model's folder; EmbeddingModelError if they are not there."""
        try:
            with np.load(folder / PLACES) as stored:
                self._rows = {language: stored[language] for language in sorted(stored.files)}
        except (OSError, ValueError) as error:
            raise EmbeddingModelError(
                f"{folder / PLACES} cannot be read ({error}). Download the model again with ./manage.py "
                "get_model multilingual"
            ) from error
        self._directions = np.stack([unit_vector(row) for row in self._rows.values()])

    def without_language(self, vector: Vectors, language: str) -> Vectors:
        """Return a unit vector seen from its language's place, at unit length again.

        A language of which there is no place, or an unknown one, is taken for the one whose place is nearest.
        """
        place = self._rows.get(language)
        if place is None:
            products = (self._directions * vector).sum(axis=1, dtype=np.float64)  # no BLAS: its kernels differ in bits
            place = list(self._rows.values())[int(products.argmax())]
        return unit_vector(vector - place)


def write_places(encode: Callable[[Sequence[str]], Vectors], folder: Path) -> None:
    """Measure all places with a model's `encode` and write them into its folder."""
    rows = {language: encode(texts).mean(axis=0, dtype=np.float64) for language, texts in PARALLEL.items()}
    np.savez(folder / PLACES, **{language: row.astype(np.float32) for language, row in rows.items()})
