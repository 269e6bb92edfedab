"""Groups vectors with BERTopic's defaults; runs in an environment that has it, started by `benchmarks.bertopic`.

Reads one JSON object a line from standard input, {"vectors": path of a .npy file, "seed": UMAP's}, and answers each
with one, {"topics": [...], "seconds": ...}; the first line it writes tells the version.
"""

import json
import sys
import time
from typing import Any

import bertopic  # type: ignore[import-not-found]
import numpy as np
from numpy.typing import NDArray
from umap import UMAP  # type: ignore[import-not-found]

WARM_UP_ROWS = 200


def main() -> None:
    """Answer until standard input ends. A first small set is grouped unasked, so that no answer waits for compilers."""
    draw = np.random.default_rng(0)
    group(draw.standard_normal((WARM_UP_ROWS, 20)).astype(np.float32), seed=0)
    say(version=bertopic.__version__)
    for line in sys.stdin:
        asked = json.loads(line)
        vectors = np.load(asked["vectors"])
        began = time.monotonic()
        topics = group(vectors, seed=asked["seed"])
        say(topics=topics, seconds=time.monotonic() - began)


def group(vectors: NDArray[np.float32], *, seed: int) -> list[int]:
    """Return the topic of each row, -1 for outliers.

    The model of UMAP is the one BERTopic makes when it is given none, but for the seed, without which no run repeats.
    """
    reducer = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", low_memory=False, random_state=seed)
    texts = [f"text of row {row}" for row in range(len(vectors))]
    topics, _ = bertopic.BERTopic(umap_model=reducer).fit_transform(texts, embeddings=vectors)
    return [int(topic) for topic in topics]


def say(**answer: Any) -> None:
    """Write one line of JSON."""
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
