"""How good the grouping is beside k-means that is told the true number, on the same vectors.

    python -m benchmarks.quality [--variations] [--noise=OTHER] [--labels=FIELD] FILE [FILE ...]

FILEs have labelled conversations in the import format. K-means groups the vectors of the local reader (scikit-learn,
ten starts, seed 0); the pipeline does not know the number of groups. Nothing is stored. All
themes of a conversation are judged; where conversations have several labels (the list in FIELD), a second line tells
how many are found.

With --variations each file is also cut to fewer rows and to fewer labels, gets conversations of labels that nobody else
has (near noise), and all files are mixed: one setting has to serve them all. QUALITY.md tells what was tried on them.
With --noise each file gets conversations of the file OTHER, a quarter as many as its own, that belong to none of its
labels (far noise): as many of them as possible should be orphans, and of its own as few.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import django
import numpy as np
from numpy.typing import NDArray

from benchmarks import reading

Floats = NDArray[np.float32]
Labelled = tuple[str, Floats, NDArray[np.str_]]

CUTS = (300, 1_000, 3_000)
LABEL_SHARES = (0.15, 0.5)
NOISE_LABELS, NOISE_EACH = 0.4, 2
FAR_NOISE = 0.25
EVENLY = 400


def main(arguments: list[str]) -> None:
    """Print a row a file and method, and with --variations also a row a variation."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    paths = [Path(argument) for argument in arguments if not argument.startswith("--")]
    print(f"{'data':<28} {'method':<24} {'P':>5} {'R':>5} {'F1':>5} {'ARI':>5} {'V':>5} {'groups':>9} {'orphans':>8}")
    several = next((a.removeprefix("--labels=") for a in arguments if a.startswith("--labels=")), "labels")
    for path in paths:
        _report(path, several)
    if "--variations" in arguments:
        for name, vectors, labels in variations([read(path) for path in paths]):
            _compare(name, vectors, labels)
    for other in (argument.removeprefix("--noise=") for argument in arguments if argument.startswith("--noise=")):
        noise = read(Path(other))
        for path in paths:
            _compare(*_with_far_noise(read(path), noise))


def _report(path: Path, several: str) -> None:
    from pipeline.reports import evaluate as e

    found = e.evaluate(path, several=several)
    name, vectors, labels = read(path)
    told = e.score(labels.tolist(), k_means(vectors, found.groups_true))
    _row(name, "Leitmotif", found.pipeline, found.groups_true)
    if found.themes:
        told_of = " ".join(f"{key} {value:.3f}" for key, value in asdict(found.themes).items())
        print(f"{name:<28} themes a conversation: {told_of}")
    _row(name, "k-means, true number", told, found.groups_true)
    _row(name, "equal raw signatures", found.naive, found.groups_true)


def read(path: Path) -> Labelled:
    """Return the vectors of all themes that the reader found, and the labels of their conversations."""
    found = reading.read(path)
    return path.name.split(".")[0], found.vectors, found.labels


def leitmotif(vectors: Floats) -> list[int]:
    """Return the group of each row as the merge makes it from vectors alone; a row in no story has a negative one."""
    from pipeline.merge.rules.grouping.partition import partition
    from pipeline.merge.rules.grouping.vectors import MIN_STORY

    groups = partition(vectors).labels
    return alone_where(np.bincount(groups)[groups] < MIN_STORY, groups)


def k_means(vectors: Floats, told: int) -> list[int]:
    """Return the group of each row among `told` ones."""
    from sklearn.cluster import KMeans

    found: list[int] = KMeans(told, n_init=10, random_state=0).fit_predict(vectors).tolist()
    return found


def alone_where(orphan: NDArray[np.bool_], groups: NDArray[np.int64]) -> list[int]:
    """Return the groups with a negative one of its own for each orphan, as `evaluate.score` wants them."""
    found: list[int] = np.where(orphan, -1 - np.arange(len(groups)), groups).tolist()
    return found


def groups_true(labels: NDArray[np.str_]) -> int:
    """Return how many labels but noise have rows enough for a story."""
    from pipeline.reports import evaluate as e

    _, counts = np.unique(labels[labels != e.NOISE], return_counts=True)
    return int((counts >= e.SMALLEST_TRUE_GROUP).sum())


# --- Variations ---------------------------------------------------------------------------------------------------


def variations(files: Sequence[Labelled]) -> Iterator[Labelled]:
    """Yield each file cut to fewer rows, to fewer labels and with near noise; then all mixed, whole and evenly."""
    for name, vectors, labels in files:
        yield from (_cut((name, vectors, labels), count) for count in CUTS if count < len(labels))
        for share in LABEL_SHARES:
            chosen = np.isin(labels, _some(labels, share))
            yield f"{name} {share:.0%} of labels", vectors[chosen], labels[chosen]
        yield _with_near_noise(name, vectors, labels)
    if len(files) > 1:
        yield _mixed("all together", files)
        yield _mixed(f"{EVENLY} rows of each", [_cut(one, EVENLY) for one in files])


def _mixed(name: str, parts: Sequence[Labelled]) -> Labelled:
    return name, np.vstack([part[1] for part in parts]), np.concatenate([part[2] for part in parts])


def _cut(labelled: Labelled, count: int) -> Labelled:
    name, vectors, labels = labelled
    kept = np.sort(np.random.default_rng(count).permutation(len(labels))[:count])
    return f"{name} {count} rows", vectors[kept], labels[kept]


def _some(labels: NDArray[np.str_], share: float) -> NDArray[np.str_]:
    distinct = np.unique(labels)
    return np.random.default_rng(len(distinct)).permutation(distinct)[: max(2, round(share * len(distinct)))]


def _with_near_noise(name: str, vectors: Floats, labels: NDArray[np.str_]) -> Labelled:
    """Of some labels keep two rows each, too few for a story: they are noise that is near to what is not."""
    from pipeline.reports.evaluate import NOISE

    stray = _some(labels, NOISE_LABELS)
    kept = [np.flatnonzero(labels == label)[:NOISE_EACH] for label in stray]
    rows = np.sort(np.concatenate([np.flatnonzero(~np.isin(labels, stray)), *kept]))
    return f"{name} near noise", vectors[rows], np.where(np.isin(labels[rows], stray), NOISE, labels[rows])


def _with_far_noise(labelled: Labelled, other: Labelled) -> Labelled:
    from pipeline.reports.evaluate import NOISE

    name, vectors, labels = labelled
    _, strange, _ = _cut(other, round(FAR_NOISE * len(labels)))
    labels = np.concatenate([labels, np.full(len(strange), NOISE)])
    return f"{name} + {other[0]}", np.vstack([vectors, strange]), labels


def _compare(name: str, vectors: Floats, labels: NDArray[np.str_]) -> None:
    from pipeline.reports import evaluate as e

    true = groups_true(labels)
    _row(name, "groups by meaning", e.score(labels.tolist(), leitmotif(vectors)), true)
    _row(name, "k-means, true number", e.score(labels.tolist(), k_means(vectors, true)), true)


def _row(name: str, method: str, scores: Any, groups_true: int) -> None:
    values = [
        getattr(scores, key) for key in ("pairwise_precision", "pairwise_recall", "pairwise_f1", "ari", "v_measure")
    ]
    numbers = " ".join(f"{value:5.3f}" for value in values)
    groups = f"{scores.groups_found}/{groups_true}"
    noise = "" if scores.noise_orphan_share is None else f"   noise orphaned {scores.noise_orphan_share:.1%}"
    print(f"{name:<28} {method:<24} {numbers} {groups:>9} {scores.orphan_share:8.1%}{noise}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
