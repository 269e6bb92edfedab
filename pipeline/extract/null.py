"""An extractor that reads nothing: it measures the machinery around reading.

Every conversation gives one theme under one of 1,000 names with one of 1,000 fixed vectors, chosen by its text.
"""

import json
import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.extract.base import Answer
from pipeline.extract.profiles import Profile
from pipeline.ledger.transcript import Transcript

NAME_COUNT = 1000


class NullExtractor:
    """Answers at once, from a checksum of the text."""

    name = "null"
    version = "null-1"
    is_paid = False
    model = "null"
    dimension = 384

    def __init__(self) -> None:
        vectors = np.random.default_rng(0).standard_normal((NAME_COUNT, self.dimension)).astype(np.float32)
        self._vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def read(self, transcripts: Sequence[Transcript], profile: Profile) -> Iterator[Answer]:
        """Yield one answer a transcript; the profile is not looked at."""
        for transcript in transcripts:
            text = transcript.customer_text
            number = zlib.crc32(text.encode()) % NAME_COUNT
            yield Answer(text=_answer(number, text), vectors=self._vectors[number].tobytes())


def _answer(number: int, text: str) -> str:
    theme = {
        "signature": f"null_theme_{number:03}",
        "category": "product_issue",
        "summary": f"Theme {number} of {NAME_COUNT}.",
        "quotes": [text[:80]],
        "confidence": 1.0,
    }
    return json.dumps({"category": "product_issue", "themes": [theme]})
