"""The reader `llm` with vectors that cost nothing: a direction for each text, so that runs of a thousand stay cheap."""

import zlib
from collections.abc import Sequence

import numpy as np

from pipeline.extract.embedding import Embedder, Vectors
from pipeline.extract.llm.reader import LlmExtractor

DIMENSION = 64


class HashedEmbedder(Embedder):
    """Gives the same text the same direction, and different texts directions that have nothing in common."""

    def __init__(self) -> None:
        pass

    @property
    def name(self) -> str:
        return "hashed"

    @property
    def dimension(self) -> int:
        return DIMENSION

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = [np.random.default_rng(zlib.crc32(text.encode())).standard_normal(DIMENSION) for text in texts]
        return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


class AskedExtractor(LlmExtractor):
    """Asks the model of the settings, as `llm` does."""

    name = "asked"

    def __init__(self) -> None:
        super().__init__(HashedEmbedder())
