"""Vectors from any endpoint that speaks the OpenAI embeddings API: POST {EMBEDDING_URL}/embeddings.

The key comes from EMBEDDING_KEY and goes into one header; it stands in no message and no log. A redirect is an error,
so that nobody else is sent it. An answer is taken only if it is what was asked for: one finite vector for each text, of
one length. What a busy or restarting server says is tried again a few times, as long as it asks for, within a limit.
"""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from socket import SHUT_RDWR, socket
from threading import Event, Timer

import numpy as np
from django.conf import settings

from pipeline.extract.embedding.embedder import Embedder, Parts, Vectors
from pipeline.extract.embedding.files import EmbeddingModelError
from pipeline.extract.redaction import without_private
from pipeline.sources.live.outbound import ForbiddenAddress, Reach, check_url, open_connection

TRIES = 4
LONGEST_PAUSE = 20.0
"""Tries of one request, and seconds between two at most, whatever Retry-After says."""

DEADLINE = 60.0
"""Seconds for a whole request, from connecting to the last byte."""

MOST_TEXTS = 64
MOST_CHARACTERS = 8_000
"""Texts of one request, and characters of each: within what the usual models read."""

MOST_BYTES = 64_000_000
_TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class EndpointEmbedder(Embedder):
    """Encodes by an endpoint; of a text in parts each part is read by itself."""

    @property
    def name(self) -> str:
        """The model's name: the same model behind another address makes the same vectors."""
        return str(settings.EMBEDDING_MODEL)

    @cached_property
    def dimension(self) -> int:
        """How many numbers a vector has: what the endpoint answers."""
        return int(self._ask(["It works."]).shape[1])

    def can_read(self, language: str) -> bool:
        """Whether the model knows a language: EMBEDDING_LANGUAGES says so, or leaves all to it."""
        known = settings.EMBEDDING_LANGUAGES
        return not known or language in known or language in ("", "und")

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, (n, dimension) float32; EmbeddingModelError if the endpoint gives none."""
        rows = [self._ask(texts[start : start + MOST_TEXTS]) for start in range(0, len(texts), MOST_TEXTS)]
        return np.concatenate([np.zeros((0, self.dimension), np.float32), *rows])

    def encode_parts(self, parts: Sequence[str]) -> Parts:
        """Return the vector of each part, and its words in place of tokens; an empty part has none."""
        words = np.array([len(part.split()) for part in parts], np.int64)
        states = np.zeros((len(parts), self.dimension), np.float32)
        if said := [number for number, count in enumerate(words) if count]:
            states[said] = self.encode([parts[number] for number in said])
        return Parts(states, words)

    def without_language(self, vector: Vectors, language: str) -> Vectors:
        """Return the vector as it is: where an endpoint's model places languages is not known."""
        return vector

    def _ask(self, texts: Sequence[str]) -> Vectors:
        # an empty text is an error to some endpoints; a blank one is not
        said = [without_private(text[:MOST_CHARACTERS]) or " " for text in texts]
        body = {"model": self.name, "input": said, "encoding_format": "float"}
        content = _post("/embeddings", json.dumps(body).encode())
        return _vectors(content, len(texts))


def _vectors(content: bytes, count: int) -> Vectors:
    """Return the vectors of an answer in the order of the texts, at length 1; EmbeddingModelError if it is not one."""
    try:
        data = sorted(json.loads(content)["data"], key=lambda row: row["index"])
        if [row["index"] for row in data] != list(range(count)):
            raise ValueError(f"{len(data)} vectors for {count} texts")
        rows = np.array([row["embedding"] for row in data], np.float64)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if rows.ndim != 2 or not np.isfinite(rows).all() or not lengths.all():
            raise ValueError("vectors that are zero, not finite, or of different lengths")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EmbeddingModelError(f"the answer from EMBEDDING_URL cannot be used: {error!r}"[:500]) from error
    vectors: Vectors = (rows / lengths).astype(np.float32)
    return vectors


def _post(path: str, body: bytes) -> bytes:
    """Return the content of a 200 answer; tried again where that may help, else EmbeddingModelError."""
    problem, pause = "", 0.0
    for number in range(TRIES):
        if number:
            time.sleep(pause)
        try:
            status, wait, content = _once(path, body)
        except ForbiddenAddress as error:
            raise EmbeddingModelError(f"EMBEDDING_URL cannot be used: {error}") from error
        except (OSError, HTTPException) as error:
            problem, pause = f"{type(error).__name__}: {error}", 0.5 * 2**number
            continue
        if status == 200:
            return content
        problem = f"{status} {content[:200].decode(errors='replace')}"
        pause = min(wait if wait is not None else 0.5 * 2**number, LONGEST_PAUSE)
        # without credit the answer is 429 as well, and no waiting helps
        if status not in _TRY_AGAIN or b"insufficient_quota" in content:
            break
    # some servers repeat the header they were sent
    problem = problem.replace(settings.EMBEDDING_KEY, "***") if settings.EMBEDDING_KEY else problem
    raise EmbeddingModelError(
        f"EMBEDDING_URL returned no vectors: {problem}. Check EMBEDDING_URL, EMBEDDING_MODEL and EMBEDDING_KEY."
    )


def _once(path: str, body: bytes) -> tuple[int, float | None, bytes]:
    """Return status, what Retry-After asks for in seconds, and content of one request within DEADLINE."""
    parts = check_url(f"{settings.EMBEDDING_URL.rstrip('/')}{path}", Reach(internal=True))
    connection = open_connection(parts, DEADLINE, Reach(internal=True))
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if settings.EMBEDDING_KEY:
        headers["Authorization"] = f"Bearer {settings.EMBEDDING_KEY}"
    is_late = Event()
    connection.connect()
    # a socket's own time-out starts again with every byte
    timer = Timer(DEADLINE, _hang_up, [connection.sock, is_late])
    timer.daemon = True
    timer.start()
    try:
        connection.request("POST", f"{parts.path}{parts.query and '?' + parts.query}", body, headers)
        answer = connection.getresponse()
        found = answer.status, _retry_after(answer), answer.read(MOST_BYTES)
    except (OSError, HTTPException) as error:
        raise TimeoutError(f"no answer within {DEADLINE:g} s") if is_late.is_set() else error from None
    finally:
        timer.cancel()
        connection.close()
    if is_late.is_set():
        raise TimeoutError(f"no answer within {DEADLINE:g} s")
    return found


def _hang_up(connected: socket, is_late: Event) -> None:
    is_late.set()
    with suppress(OSError):
        connected.shutdown(SHUT_RDWR)  # wakes whoever reads from it


def _retry_after(answer: HTTPResponse) -> float | None:
    try:
        return max(float(answer.headers.get("Retry-After", "")), 0.0)
    except ValueError:
        return None


def configured_embedder() -> Embedder:
    """Return the embedder of the settings: an endpoint's if there is an EMBEDDING_URL, else that of a model here."""
    return EndpointEmbedder() if settings.EMBEDDING_URL else Embedder()
