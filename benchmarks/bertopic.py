"""How good the grouping is beside BERTopic's defaults and k-means that is told the true number, on the same vectors.

    python -m benchmarks.bertopic [--variations] FILE [FILE ...]

FILEs and --variations are those of `benchmarks.quality`. BERTopic is no part of the project: it runs in an environment
of its own, whose interpreter BERTOPIC_PYTHON names (default .local/bertopic/bin/python). It is given our vectors, so
neither torch nor a sentence model is needed there.

BERTopic's groups depend on UMAP's seed, so its columns are means over three seeds; all else is its default. What it
calls outliers counts as groups of one, as our orphans do. The texts it is given are made up: it names its topics by
them and does not move a row.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import numpy as np
from numpy.typing import NDArray

from benchmarks import quality
from benchmarks.quality import Floats

SEEDS = (1, 2, 3)
CHILD = Path(__file__).with_name("bertopic_child.py")
PYTHON = ".local/bertopic/bin/python"
WITHOUT_TORCH = "numpy pandas scikit-learn umap-learn hdbscan plotly tqdm pyyaml"


@dataclass(frozen=True, slots=True)
class Result:
    """What a method reached on one set: pairwise F1, groups of at least three, seconds of grouping alone."""

    f1: float
    groups: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.f1:.3f} {self.groups:5.0f} {self.seconds:7.1f} s"


class OtherEnvironment:
    """BERTopic's process, which groups one set of vectors after the other; `version` is BERTopic's."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process, self._vectors = process, folder / "vectors.npy"
        self.version: str = self._answer()["version"]

    def group(self, vectors: Floats, *, seed: int) -> tuple[NDArray[np.int64], float]:
        """Return the topic of each row, -1 for outliers, and the seconds it took."""
        assert self._process.stdin, "the process was started with a pipe"
        np.save(self._vectors, vectors)
        print(json.dumps({"vectors": str(self._vectors), "seed": seed}), file=self._process.stdin, flush=True)
        answer = self._answer()
        return np.array(answer["topics"]), answer["seconds"]

    def _answer(self) -> Any:
        assert self._process.stdout, "the process was started with a pipe"
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"BERTopic's process ended with code {self._process.wait()}; its message is above.")
        return json.loads(line)


def main(arguments: list[str]) -> None:
    """Print a row a set, and the means over all sets. Ends with a sentence where BERTopic is not installed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    files = [quality.read(Path(argument)) for argument in arguments if not argument.startswith("--")]
    sets = [*files, *(quality.variations(files) if "--variations" in arguments else [])]
    with _other_environment() as other:
        print(f"pairwise F1, groups, seconds; BERTopic {other.version}, mean of UMAP seeds {SEEDS}")
        print(f"{'set':<30} {'rows':>6} {'true':>5}   {'Leitmotif':<21} {'BERTopic':<21} k-means, true number")
        rows = [_compare(other, *one) for one in sets]
    _summarise(rows)


@contextmanager
def _other_environment() -> Iterator[OtherEnvironment]:
    python = Path(os.environ.get("BERTOPIC_PYTHON", PYTHON))
    if not python.exists():
        folder = python.parent.parent
        raise SystemExit(
            f"BERTopic is not installed at {python}; make its environment with: python -m venv {folder} && "
            f"{folder}/bin/pip install --no-deps bertopic && {folder}/bin/pip install {WITHOUT_TORCH}"
        )
    with (
        tempfile.TemporaryDirectory() as folder_name,
        subprocess.Popen(
            # -I: this folder has a bertopic.py, which is not the one to import
            [python, "-I", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        yield OtherEnvironment(process, Path(folder_name))


def _compare(other: OtherEnvironment, name: str, vectors: Floats, labels: NDArray[np.str_]) -> tuple[Result, ...]:
    true = quality.groups_true(labels)
    ours = _timed(labels, lambda: quality.leitmotif(vectors))
    theirs = [_of_seed(other, vectors, labels, seed) for seed in SEEDS]
    told = _timed(labels, lambda: quality.k_means(vectors, true))
    found = (ours, _mean(theirs), told)
    print(f"{name:<30} {len(labels):>6} {true:>5}   " + "  ".join(map(str, found)), flush=True)
    return found


def _of_seed(other: OtherEnvironment, vectors: Floats, labels: NDArray[np.str_], seed: int) -> Result:
    topics, seconds = other.group(vectors, seed=seed)
    return _result(labels, quality.alone_where(topics < 0, topics), seconds)


def _timed(labels: NDArray[np.str_], grouping: Any) -> Result:
    began = time.monotonic()
    found = grouping()
    return _result(labels, found, time.monotonic() - began)


def _result(labels: NDArray[np.str_], found: Sequence[int], seconds: float) -> Result:
    from pipeline.reports import evaluate as e

    scores = e.score(labels.tolist(), found)
    return Result(scores.pairwise_f1, scores.groups_found, seconds)


def _mean(results: Sequence[Result]) -> Result:
    return Result(*(float(np.mean([getattr(one, key) for one in results])) for key in ("f1", "groups", "seconds")))


def _summarise(rows: Sequence[tuple[Result, ...]]) -> None:
    f1 = np.array([[result.f1 for result in row] for row in rows])
    ours, bertopic, k_means = f1.mean(axis=0)
    print(f"\nMean F1 over {len(rows)} sets: Leitmotif {ours:.3f}, BERTopic {bertopic:.3f}, k-means {k_means:.3f}")
    for name, column in (("BERTopic", 1), ("k-means", 2)):
        below = f1[:, 0] - f1[:, column]
        print(f"Below {name} on {(below < 0).sum()} sets, by at most {max(-below.min(), 0):.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
