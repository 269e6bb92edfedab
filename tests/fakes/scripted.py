"""An extractor that does what each conversation's text tells it: real answers, real failures, real deaths.

The customer's text holds words like `name=calendar_sync_fails problem=7`; see `_Script` for all of them. Each asked
transcript leaves a line in the file that SCRIPTED_LOG names, so that tests can count questions over all processes.
"""

import json
import os
import re
import signal
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.extract.base import Answer
from pipeline.extract.profiles import Profile
from pipeline.ledger.transcript import Transcript

DIMENSION = 64
_WORD = re.compile(r"(\w+)=(\S+)")


@dataclass(frozen=True, slots=True)
class _Script:
    """What one text asks for."""

    name: str = "unnamed_problem"
    problem: int = 0
    noise: float = 0.2  # length of what is its own in the vector, beside 1 of the problem
    category: str = "product_issue"
    confidence: float = 0.9
    slow: float = 0.0
    until: str = ""  # a file: it is read once that exists, after two minutes in any case
    match: float = -1.0  # how well the name fits; negative: it does not say
    missing: str = ""  # in the documents
    act: str = ""  # raise, kill, malformed

    @classmethod
    def of(cls, text: str) -> "_Script":
        found = dict(_WORD.findall(text))
        types = {"problem": int, "noise": float, "confidence": float, "slow": float, "match": float}
        return cls(**{key: types.get(key, str)(value) for key, value in found.items() if key in cls.__slots__})


class ScriptedExtractor:
    """Reads scripts; `problem` chooses the direction of the vector, the text a little noise around it."""

    name = "scripted"
    version = "scripted-1"
    is_paid = False
    model = "scripted"
    dimension = DIMENSION

    def read(self, transcripts: Sequence[Transcript], profile: Profile) -> Iterator[Answer]:
        for transcript in transcripts:
            yield _answer(transcript.customer_text)


def _answer(text: str) -> Answer:
    script = _Script.of(text)
    _leave_a_line(text)
    if script.slow:
        time.sleep(script.slow)
    if script.until:
        _wait_for(Path(script.until))
    if script.act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if script.act == "raise":
        raise RuntimeError(f"asked to raise by {text!r}")
    if script.act == "malformed":
        return Answer(text='{"category": "product_issue", "themes": [{"signature"')
    theme = {
        "signature": script.name,
        "category": script.category,
        "summary": f"Problem {script.problem}.",
        "quotes": [text],
        "confidence": script.confidence,
        "details": _details(script),
    }
    return Answer(
        text=json.dumps({"category": script.category, "themes": [theme]}),
        vectors=vector_of(script.problem, text, script.noise).tobytes(),
    )


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 120
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def _details(script: _Script) -> dict[str, object]:
    details: dict[str, object] = {}
    if script.match >= 0:
        details["match"] = script.match
    if script.missing:
        details["context"] = {"offered": ["a.md"], "used": [], "missing": script.missing}
    return details


def vector_of(problem: int, text: str, noise: float = 0.2) -> np.ndarray:
    """Return a (64,) float32 unit vector: cosine about 0.96 within a problem, about 0 between two."""
    centre = np.random.default_rng(problem).standard_normal(DIMENSION)
    jitter = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(DIMENSION)
    vector = centre / np.linalg.norm(centre) + noise * jitter / np.linalg.norm(jitter)
    unit: np.ndarray = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def _leave_a_line(text: str) -> None:
    if path := os.environ.get("SCRIPTED_LOG"):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{os.getpid()} {text[:200]}\n".encode())
        os.close(descriptor)
