"""An extractor whose answers are odd where the text says `odd=...`: what no reader should say, and some do."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.extract.base import Answer
from pipeline.extract.profiles import Profile
from pipeline.ledger.transcript import Transcript
from tests.fakes.scripted import DIMENSION, ScriptedExtractor

LONELY = "\ud800"
"""Half of a surrogate pair: Python holds it in a str, UTF-8 cannot."""


class OddExtractor(ScriptedExtractor):
    """Answers as the scripted one does, and then spoils the answer as `odd=` says; see ODDITIES."""

    name = "odd"
    version = "odd-1"

    def read(self, transcripts: Sequence[Transcript], profile: Profile) -> Iterator[Answer]:
        for transcript, answer in zip(transcripts, super().read(transcripts, profile), strict=True):
            words = [word for word in transcript.customer_text.split() if word.startswith("odd=")]
            yield ODDITIES[words[0].removeprefix("odd=")](answer) if words else answer


def _with_theme(**columns: Any) -> Callable[[Answer], Answer]:
    def changed(answer: Answer) -> Answer:
        reading = json.loads(answer.text)
        reading["themes"][0].update(columns)
        return replace(answer, text=json.dumps(reading))

    return changed


def _with_vector(values: Callable[[np.ndarray], np.ndarray]) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, vectors=values(np.frombuffer(answer.vectors, np.float32)).tobytes())


def _twins(answer: Answer) -> Answer:
    """Two themes under spelling twins, each with a quote of its own."""
    reading = json.loads(answer.text)
    theme = reading["themes"][0]
    words = theme["quotes"][0].split()
    reading["themes"] = [
        {**theme, "signature": "sync_failure", "quotes": [words[0]]},
        {**theme, "signature": "SyncFailures", "quotes": [words[1], words[0]]},
    ]
    return replace(answer, text=json.dumps(reading), vectors=answer.vectors * 2)


ODDITIES: dict[str, Callable[[Answer], Answer]] = {
    "narrow_vector": _with_vector(lambda row: row[:60] / np.linalg.norm(row[:60])),
    "no_vector": _with_vector(lambda row: row[:0]),
    "wide_vector": _with_vector(lambda row: np.tile(row, 2) / np.float32(2**0.5)),
    "two_vectors": _with_vector(lambda row: np.tile(row, 2)),
    "long_vector": _with_vector(lambda row: row * np.float32(1.5)),
    "huge_vector": _with_vector(lambda row: np.full(DIMENSION, 3e38, np.float32)),
    "zero_vector": _with_vector(np.zeros_like),
    "nan_vector": _with_vector(lambda row: row * np.float32("nan")),
    "lone_surrogate": lambda answer: replace(answer, text=answer.text + LONELY),
    "negative_tokens": lambda answer: replace(answer, input_tokens=-1),
    "vast_tokens": lambda answer: replace(answer, output_tokens=2**31),
    "strange_theme": _with_theme(category="nonsense"),
    "strange_reading": lambda answer: replace(answer, text=answer.text.replace("product_issue", "nonsense")),
    "nan_confidence": _with_theme(confidence=float("nan")),
    "over_confident": _with_theme(confidence=1.5),
    "nul_summary": _with_theme(summary="a\0b"),
    "nul_quote": _with_theme(quotes=["a\0b"]),
    "nul_filtered": lambda answer: Answer(json.dumps({"category": "spam", "filtered_because": "a\0b"})),
    "nul_text": lambda answer: replace(answer, text=answer.text + "\0"),
    "long_finish": lambda answer: replace(answer, finish_reason="x" * 60),
    "misquoted": _with_theme(quotes=["words that nobody wrote", ""]),
    "fenced": lambda answer: replace(answer, text=f"```json\n{answer.text}\n```"),
    "twins": _twins,
}
