"""What a theme's vector should be made of when a model reads: `python -m benchmarks.said FILE [FILE ...]`.

No language model is asked. One that names a conversation is played: it says the conversation's label in words, leaving
out one of them half the time, or with `wrong` of the conversations the label of another; the quote is the beginning of
what the customer wrote. What it says is turned into vectors as `llm` does, with each share of the quotes, and
grouped as the pipeline groups. V-measure (which is NMI) and pairwise F1 against the labels; `text` is the vector of all
the customer wrote, without a model. A played model is no real one: what is told is how much wrong names may cost.
"""

import os
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import django
import numpy as np
from numpy.typing import NDArray

from benchmarks.reading import labelled_records

WRONG = (0.0, 0.15, 0.3)
SHARES = (0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
QUOTED = 160
"""Characters of a quote."""

READ = 1_000
"""Characters of the customer's that make the vector of the text: what the local model takes in at once."""

Floats = NDArray[np.float32]


def main(arguments: Sequence[str]) -> None:
    """Print a line a file and share of wrong names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    print("V-measure / pairwise F1 by the share of the quotes in the vector; 0: only what the model says")
    print(f"{'data':<20} {'wrong':>5}  {'text':>13}" + "".join(f"  {f'quotes {share:g}':>13}" for share in SHARES))
    for path in map(Path, arguments):
        for line in _lines(path):
            print(line, flush=True)


def _lines(path: Path) -> Iterator[str]:
    from pipeline.extract.base import asks, get_extractor

    texts, labels = _labelled(path)
    extractor = get_extractor("llm")
    assert asks(extractor)
    text = _scores(extractor.encode([said[:READ] for said in texts]), labels)
    quotes = extractor.encode([said[:QUOTED] for said in texts])
    for wrong in WRONG:
        names = extractor.encode(_named(labels, wrong))
        scores = [_scores(_mixed(names, quotes, share), labels) for share in SHARES]
        cells = "".join(f"  {score:>13}" for score in (text, *scores))
        yield f"{path.name.split('.')[0]:<20} {wrong:>5.0%}{cells}"


def _labelled(path: Path) -> tuple[list[str], NDArray[np.str_]]:
    """Return what the customer wrote in each labelled conversation of a file, and the labels."""
    records = labelled_records(path)
    texts = ["\n".join(turn["text"] for turn in r.messages if turn["role"] == "customer") for r in records]
    kept = [place for place, text in enumerate(texts) if text.strip()]
    return [texts[place] for place in kept], np.array([records[place].label for place in kept])


def _named(labels: NDArray[np.str_], wrong: float) -> list[str]:
    """Return what the played model says of each conversation."""
    chance = random.Random(0)
    others = sorted(set(labels.tolist()))
    said = []
    for label in labels.tolist():
        name = chance.choice(others) if chance.random() < wrong else label
        words = name.replace("_", " ").split()
        if len(words) > 2 and chance.random() < 0.5:
            words.pop(chance.randrange(len(words)))
        said.append(f"{' '.join(words).capitalize()}.")
    return said


def _mixed(names: Floats, quotes: Floats, share: float) -> Floats:
    mixed = (1 - share) * names + share * quotes
    found: Floats = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return found


def _scores(vectors: Floats, labels: NDArray[np.str_]) -> str:
    from benchmarks.quality import leitmotif
    from pipeline.reports import evaluate as e

    told = e.score(labels.tolist(), leitmotif(np.ascontiguousarray(vectors, np.float32)))
    return f"{told.v_measure:.3f} / {told.pairwise_f1:.3f}"


if __name__ == "__main__":
    main(sys.argv[1:])
