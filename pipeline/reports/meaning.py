"""Finding conversations by what they mean: the stored vectors of their themes in one file that all processes share.

PostgreSQL without an extension cannot compare vectors. 100,000 of them are 150 MB, which nobody reads for a question;
kept in a file that is mapped into memory they are compared in a tenth of a second. The file is made of the rows and can
be thrown away; what is new is added to it when somebody searches.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import connection

from pipeline.extract.embedding import Embedder
from pipeline.extract.embedding.endpoint import configured_embedder
from pipeline.models import schema

BATCH = 5000
NEAR_ENOUGH = 0.25
"""Cosine below which a theme has nothing to do with a question."""

MOST_NEAR = 400
"""Themes that are looked at for one question."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Near:
    """A conversation near to a question, by the nearest of its themes, with the cosine."""

    conversation: int
    cosine: float


def near_conversations(question: str) -> list[Near]:
    """Return the conversations that mean something like the question, the nearest first; at most MOST_NEAR.

    Raises EmbeddingModelError if the model cannot be used. The first call in a process reads the model.
    """
    embedder = shared_embedder()
    vector: Floats = embedder.encode([question])[0]
    ids, vectors = theme_vectors(embedder.name, embedder.dimension)
    if not len(ids):
        return []
    cosines = vectors @ vector
    count = min(MOST_NEAR, len(ids))
    best = np.argpartition(-cosines, count - 1)[:count]
    near = {int(ids[row]): float(cosines[row]) for row in best if cosines[row] >= NEAR_ENOUGH}
    return _conversations(near)


@cache
def shared_embedder() -> Embedder:
    """Return the embedder of this process."""
    return configured_embedder()


def _conversations(near: dict[int, float]) -> list[Near]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, conversation_id FROM pipeline_theme WHERE id = ANY(%s)", [list(near)])
        best: dict[int, float] = {}
        for theme, conversation in cursor.fetchall():
            best[conversation] = max(best.get(conversation, -1.0), near[theme])
    return [Near(pk, cosine) for pk, cosine in sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))]


# --- The file -----------------------------------------------------------------------------------------------------


def theme_vectors(model: str, dimension: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the ids of all themes with a vector of the model, (n,), and the vectors, (n, dimension), as files say.

    Adds the themes that came since. Ids of themes that are gone may still be there.
    """
    folder = _folder()
    base = folder / hashlib.sha256(f"{schema.identity()} {model} {dimension}".encode()).hexdigest()[:24]
    ids, vectors = base.with_suffix(".ids"), base.with_suffix(".f32")
    newest, count = _newest(model)
    with _held(base.with_suffix(".lock")):
        known = np.fromfile(ids, np.int64) if ids.exists() else np.empty(0, np.int64)
        whole = vectors.exists() and vectors.stat().st_size == 4 * dimension * len(known)
        if not whole or len(known) > 2 * count + BATCH:
            known = np.empty(0, np.int64)
            for file in (ids, vectors):
                with suppress(FileNotFoundError):
                    file.unlink()
        if newest and (not len(known) or known[-1] < newest):
            known = _add(ids, vectors, known, model, dimension)
        if len(known) < count:  # a theme was stored by a transaction that ended later than one with a higher id
            for file in (ids, vectors):
                file.unlink()
            known = _add(ids, vectors, np.empty(0, np.int64), model, dimension)
    if not len(known):
        return known, np.empty((0, dimension), np.float32)
    return known, np.memmap(vectors, np.float32, "r", shape=(len(known), dimension))


def _folder() -> Path:
    folder = Path(settings.CACHE_DIR) / "vectors"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the lock of a file; whoever else wants it waits."""
    with path.open("w") as file:
        flock(file, LOCK_EX)
        yield


def _newest(model: str) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id), count(*) FROM pipeline_theme WHERE vector_model = %s", [model])
        newest, count = cursor.fetchone()
    return newest or 0, count


def _add(ids: Path, vectors: Path, known: npt.NDArray[np.int64], model: str, dimension: int) -> npt.NDArray[np.int64]:
    """Write the themes behind the last known one to the ends of both files, and return all ids."""
    last = int(known[-1]) if len(known) else 0
    with ids.open("ab") as ids_file, vectors.open("ab") as vectors_file, connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT id, vector FROM pipeline_theme WHERE vector_model = %s AND id > %s ORDER BY id LIMIT %s",
                [model, last, BATCH],
            )
            rows = [(pk, bytes(vector)) for pk, vector in cursor.fetchall()]
            if not rows:
                break
            last = rows[-1][0]
            rows = [row for row in rows if len(row[1]) == 4 * dimension]
            vectors_file.write(b"".join(vector for _, vector in rows))
            ids_file.write(np.array([pk for pk, _ in rows], np.int64).tobytes())
        for file in (vectors_file, ids_file):
            file.flush()
            os.fsync(file.fileno())
    return np.fromfile(ids, np.int64)
