"""Learn what sentences of web pages say of a company, write the weights, and say how well pages are told apart.

    python -m benchmarks.company_signals [--cross] [FILE ...]

Learns from `pipeline/extract/profiles/company_sentences.txt` and writes `company_weights.npz` beside it; run it after
any change of the sentences, the words or the marks. FILEs are labelled pages, as `manage.py companies evaluate` takes
them: none of them is learned from. `--cross` says besides how well a fifth of the lines is judged by the other four.
The result is the same on every run with the same libraries.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

import django
import numpy as np

FREEDOM = 2.0
"""How freely the weights may grow, the inverse of their penalty (`C` of scikit-learn). 1 to 4 judge alike."""

FOLDS = 5


def main(arguments: Sequence[str]) -> None:
    """Learn, write, and print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from pipeline.extract.profiles.company_meaning import WEIGHTS, Weights, examples, features, hash_of_sentences
    from pipeline.reports.page_scores import score_pages

    learned = list(examples())
    table = features([each.text for each in learned])
    signals = np.array([each.signal for each in learned])
    print(
        f"{len(learned)} sentences: " + ", ".join(f"{(signals == each).sum()} {each}" for each in sorted(set(signals)))
    )
    if "--cross" in arguments:
        _cross(table, signals, np.array([each.line for each in learned]))
    model = _fitted(table, signals)
    Weights(tuple(model.classes_.tolist()), model.coef_.T, model.intercept_, hash_of_sentences()).write()
    print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1000:.0f} kB")
    for path in (each for each in arguments if not each.startswith("--")):
        scores = score_pages([path])
        print(f"{path}: recall {scores.recall:.2f}, precision {scores.precision:.2f} on {scores.pages} pages")
        print(f"  missed {', '.join(scores.missed) or 'none'}; in vain {', '.join(scores.in_vain) or 'none'}")


def _fitted(table: Any, signals: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=FREEDOM, max_iter=1000).fit(table, signals)


def _cross(table: Any, signals: Any, lines: Any) -> None:
    """Say how well sentences are judged that were not learned from, nor any variant of them."""
    from pipeline.extract.profiles.company import NEGATIVE

    found = np.empty(len(signals))
    for fold in range(FOLDS):
        left_out = lines % FOLDS == fold
        model = _fitted(table[~left_out], signals[~left_out])
        bad = [place for place, signal in enumerate(model.classes_) if signal in NEGATIVE]
        found[left_out] = model.predict_proba(table[left_out])[:, bad].sum(axis=1)
    needs = np.isin(signals, NEGATIVE)
    for least in (0.3, 0.5, 0.7):
        flagged = found >= least
        right = (flagged & needs).sum()
        print(f"left out, from {least}: recall {right / needs.sum():.2f}, precision {right / flagged.sum():.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
