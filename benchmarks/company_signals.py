"""Learn what sentences of web pages say of a company, write the weights, and say how well pages are told apart.

    python -m benchmarks.company_signals [--cross] [FILE ...]

Learns from `pipeline/extract/profiles/company_sentences.txt` and writes `company_weights.npz` beside it; run it after
any change of the sentences, the words or the marks. FILEs are labelled pages, as `manage.py companies evaluate` takes
them: none of them is learned from. The result is the same on every run with the same libraries.

`--cross` says besides how well sentences are judged that are like none that were learned from: they are put into groups
of like meaning, and each sixth of the groups is judged by weights learned from the others. Left out at random, nearly
every sentence would have a sibling among those learned from, and any model would look good.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import django
import numpy as np

FREEDOM: Final = 2.0
"""How freely the weights may grow, the inverse of their penalty (`C` of scikit-learn). 0.7 to 6 judge alike."""

FEWEST_SENTENCES: Final = 2
"""A word or pair of words that fewer sentences have is not learned: it says more of that sentence than of others."""

GROUPS, FOLDS = 80, 6


def main(arguments: Sequence[str]) -> None:
    """Learn, write, and print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from pipeline.extract.profiles.company_meaning import (
        MARK_COUNT,
        WEIGHTS,
        Weights,
        dense_features,
        examples,
        hash_of_sentences,
    )
    from pipeline.extract.profiles.company_reading import NO_SIGNAL
    from pipeline.reports.page_scores import score_pages

    learned = list(examples())
    dense = dense_features([each.text for each in learned])
    words, places = _word_table([each.text for each in learned])
    signals = np.array([each.signal for each in learned])
    print(
        f"{len(learned)} sentences: " + ", ".join(f"{(signals == each).sum()} {each}" for each in sorted(set(signals)))
    )
    table = _side_by_side(dense, words)
    if "--cross" in arguments:
        _cross(table, signals, dense, np.array([each.line for each in learned]))
    model = _fitted(table, signals)
    matrix, width = model.coef_.T, dense.shape[1]
    sieve = _fitted(_side_by_side(dense[:, -MARK_COUNT:], words), signals != NO_SIGNAL)
    Weights(
        signals=tuple(model.classes_.tolist()),
        dense=matrix[:width],
        places=places,
        words=matrix[width:],
        bias=model.intercept_,
        sieve_marks=sieve.coef_[0, :MARK_COUNT],
        sieve_words=sieve.coef_[0, MARK_COUNT:],
        sieve_bias=float(sieve.intercept_[0]),
        learned_from=hash_of_sentences(),
    ).write()
    print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1000:.0f} kB, {len(places):,} words and pairs of words")
    for path in (each for each in arguments if not each.startswith("--")):
        scores = score_pages([path])
        print(f"{path}: recall {scores.recall:.2f}, precision {scores.precision:.2f} on {scores.pages} pages")
        print(f"  missed {', '.join(scores.missed) or 'none'}; in vain {', '.join(scores.in_vain) or 'none'}")


def _word_table(texts: Sequence[str]) -> tuple[Any, Any]:
    """Return the words of sentences, a sparse (n, p), and the places (p,) that enough of the sentences have."""
    from scipy.sparse import csr_matrix

    from pipeline.extract.profiles.company_meaning import WORD_PLACES, share_of_a_word, words_of

    found = [words_of(text) for text in texts]
    shares = np.concatenate([np.full(len(each), share_of_a_word(len(each))) for each in found])
    ends = np.cumsum([0, *map(len, found)])
    table = csr_matrix((shares, np.concatenate(found), ends), shape=(len(texts), WORD_PLACES))
    places = np.flatnonzero(np.bincount(table.indices, minlength=WORD_PLACES) >= FEWEST_SENTENCES)
    return table[:, places], places


def _side_by_side(dense: Any, words: Any) -> Any:
    """Return what sentences are judged by, sparse, a row a sentence."""
    from scipy.sparse import csr_matrix, hstack

    return hstack([csr_matrix(dense), words]).tocsr()


def _fitted(table: Any, signals: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=FREEDOM, max_iter=1000).fit(table, signals)


def _cross(table: Any, signals: Any, dense: Any, lines: Any) -> None:
    """Say how well sentences are judged whose group of like meaning was not learned from, nor any variant of them.

    dense: the part of the table by which sentences are alike in meaning.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import average_precision_score

    from pipeline.extract.profiles.company import NEGATIVE

    like = KMeans(GROUPS, n_init=1, random_state=0).fit_predict(dense)
    # variants of one line stay together, in the group of its first
    _, first, variants = np.unique(lines, return_index=True, return_inverse=True)
    folds = like[first][variants] % FOLDS
    found = np.empty(len(signals))
    for fold in range(FOLDS):
        left_out = folds == fold
        model = _fitted(table[~left_out], signals[~left_out])
        bad = [place for place, signal in enumerate(model.classes_) if signal in NEGATIVE]
        found[left_out] = model.predict_proba(table[left_out])[:, bad].sum(axis=1)
    needs = np.isin(signals, NEGATIVE)
    print(f"left out: average precision {average_precision_score(needs, found):.3f}")
    for least in (0.3, 0.4, 0.5, 0.6, 0.7):
        flagged = found >= least
        right = (flagged & needs).sum()
        print(f"left out, from {least}: recall {right / needs.sum():.2f}, precision {right / flagged.sum():.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
