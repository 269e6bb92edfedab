"""How good the grouping is beside k-means that is told the true number, on the same vectors.

    python -m benchmarks.quality FILE [FILE ...]

FILEs have labelled conversations in the import format. K-means groups the vectors of the local reader (scikit-learn,
ten starts, seed 0); the pipeline does not know the number of groups. Nothing is stored.
"""

import os
import sys
from pathlib import Path
from typing import Any

import django


def main(paths: list[str]) -> None:
    """Print a row a file and method."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    print(f"{'file':<28} {'method':<24} {'P':>5} {'R':>5} {'F1':>5} {'ARI':>5} {'V':>5} {'groups':>9} {'orphans':>8}")
    for path in paths:
        _report(Path(path))


def _report(path: Path) -> None:
    import numpy as np
    from sklearn.cluster import KMeans

    from pipeline import evaluate as e
    from pipeline.extractors.base import get_extractor
    from pipeline.profiles import get_profile
    from pipeline.sources.base import Record, get_source

    found = e.evaluate(path)
    records = [r for r in get_source("file")(path).records() if isinstance(r, Record) and r.label]
    reads = e.read(records, get_profile("support"), get_extractor("local"))
    themes = [(read.label, read.draft.vector) for read in reads if read.draft]
    vectors = np.stack([np.frombuffer(vector, np.float32) for _, vector in themes])
    means = KMeans(found.groups_true, n_init=10, random_state=0).fit_predict(vectors)
    filtered = [(read.label, -1 - number) for number, read in enumerate(reads) if not read.draft]
    labels = [label for label, _ in themes] + [label for label, _ in filtered]
    groups = [int(mean) for mean in means] + [group for _, group in filtered]
    name = path.name.split(".")[0]
    _row(name, "Leitmotif", found.pipeline, found.groups_true)
    _row(name, "k-means, true number", e.score(labels, groups), found.groups_true)
    _row(name, "equal raw signatures", found.naive, found.groups_true)


def _row(name: str, method: str, scores: Any, groups_true: int) -> None:
    values = [
        getattr(scores, key) for key in ("pairwise_precision", "pairwise_recall", "pairwise_f1", "ari", "v_measure")
    ]
    numbers = " ".join(f"{value:5.3f}" for value in values)
    groups = f"{scores.groups_found}/{groups_true}"
    print(f"{name:<28} {method:<24} {numbers} {groups:>9} {scores.orphan_share:8.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
