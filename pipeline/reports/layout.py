"""Where vectors lie in a plane, so that what is near in many dimensions is near in two. Pure: no Django, no database.

t-SNE by openTSNE (Policar, Strazar, Zupan, "openTSNE: A Modular Python Library for t-SNE Dimensionality Reduction and
Embedding", Journal of Statistical Software 109, 2024). All points are laid out together once; later ones are placed
among them by its `transform`, which moves nothing that lies there. Imported where it is used: it brings scikit-learn.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

MOST_TOGETHER = 30_000
"""Points that are laid out together; of more, so many are, and the others are placed among them. Measured: 22 s of
processor time for 20,000; the time grows a little faster than the number."""

FEWEST = 8
"""Below that there is nothing t-SNE could weigh against something: the two widest directions are the plane."""

PERPLEXITY = 30
"""About how many neighbours a point is kept near to: the usual choice, van der Maaten and Hinton 2008."""

DIMENSIONS = 50
"""Directions that are kept before neighbours are looked for; what is left out is mostly noise, and costs most time."""

PLACED_AT_ONCE = 2_000
"""New points that are compared with all that lie there, at a time: bounds the memory to a few hundred megabytes."""

NEIGHBOURS = 10
"""Of a new point: in the middle of them it begins."""

PLACED_PERPLEXITY = 10
"""About how many neighbours draw a new point: fewer than of all together, so that it lands within its own group."""

SEED = 20_260


def lay_out(vectors: Floats, before: Points | None = None) -> Points:
    """Return a place for each vector: (n, d) of unit length in, (n, 2) out; the same for the same input.

    `before` (n, 2) says where points lay until now, with NaN for those that are new: the picture is turned, mirrored
    and scaled so that it resembles that one as much as it can.
    """
    if len(vectors) < FEWEST:
        places = _plane(vectors)
    elif len(vectors) <= MOST_TOGETHER:
        places = _together(vectors, before)
    else:
        chosen = np.sort(np.random.default_rng(SEED).choice(len(vectors), MOST_TOGETHER, replace=False))
        others = np.setdiff1d(np.arange(len(vectors)), chosen)
        places = np.empty((len(vectors), 2))
        places[chosen] = _together(vectors[chosen], None if before is None else before[chosen])
        places[others] = place_among(vectors[others], vectors[chosen], places[chosen])
    return places if before is None else _turned(places, before)


def place_among(new: Floats, known: Floats, places: Points) -> Points:
    """Return where new vectors lie among known ones, whose places (n, 2) stay: (m, d), (n, d) in, (m, 2) out."""
    if not len(new):
        return np.empty((0, 2))
    if len(known) < FEWEST:
        return _beside_the_nearest(new, known, places)
    batches = [new[start : start + PLACED_AT_ONCE] for start in range(0, len(new), PLACED_AT_ONCE)]
    return np.vstack([_transformed(batch, known, places) for batch in batches])


def _plane(vectors: Floats) -> Points:
    """Return the places along the two widest directions."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(vectors), 2))
    count = min(2, len(sizes))
    places[:, :count] = 10 * left[:, :count] * sizes[:count]
    return places


def _together(vectors: Floats, before: Points | None) -> Points:
    from openTSNE import TSNE
    from openTSNE.initialization import rescale

    reduced = _reduced(vectors)
    begin = reduced[:, :2].copy()
    if before is not None and np.isfinite(before).all(axis=1).sum() > len(vectors) / 2:
        begin = _filled(before, vectors)
    tsne = TSNE(
        perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
        initialization=rescale(begin + np.random.default_rng(SEED).normal(0, 1e-6, begin.shape)),
        random_state=SEED,
        n_jobs=1,
    )
    return np.array(tsne.fit(reduced), dtype=np.float64)


def _reduced(vectors: Floats) -> Points:
    """Return the vectors in at most DIMENSIONS directions, the widest first: (n, d) in, (n, k) out.

    From the d x d matrix of covariances, which is small however many vectors there are.
    """
    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    widest = directions[:, ::-1][:, :DIMENSIONS]
    signs = np.sign(widest[np.abs(widest).argmax(axis=0), np.arange(widest.shape[1])])
    return np.ascontiguousarray(centred @ (widest * signs))


def _filled(before: Points, vectors: Floats) -> Points:
    """Return the places until now, new points where the nearest known one lies."""
    is_known = np.isfinite(before).all(axis=1)
    filled = before.copy()
    filled[~is_known] = _beside_the_nearest(vectors[~is_known], vectors[is_known], before[is_known])
    return filled


def _nearest(new: Floats, known: Floats, count: int) -> tuple[npt.NDArray[np.int64], Points]:
    """Return the rows of the nearest known vectors and their distances, the nearest first: both (m, count)."""
    cosines = new @ known.T
    rows = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    near = np.take_along_axis(cosines, rows, axis=1)
    order = np.argsort(-near, axis=1, kind="stable")
    rows, near = np.take_along_axis(rows, order, axis=1), np.take_along_axis(near, order, axis=1)
    return rows, np.sqrt(np.maximum(2 - 2 * near.astype(np.float64), 1e-12))


def _beside_the_nearest(new: Floats, known: Floats, places: Points) -> Points:
    spread = float(np.ptp(places, axis=0).max()) if len(places) else 1.0
    shift = np.random.default_rng(SEED).normal(0, 0.01 * (spread or 1.0), (len(new), 2))
    found = [
        places[_nearest(new[start : start + PLACED_AT_ONCE], known, 1)[0][:, 0]]
        for start in range(0, len(new), PLACED_AT_ONCE)
    ]
    return np.vstack(found) + shift if found else np.empty((0, 2))


def _transformed(new: Floats, known: Floats, places: Points) -> Points:
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import Affinities, joint_probabilities_nn

    count = min(3 * PLACED_PERPLEXITY, len(known) - 1)

    class Exact(Affinities):
        """Neighbours of new points by comparing them with all: of one batch that is faster than building an index."""

        def to_new(self, data: Floats, perplexity: float = PLACED_PERPLEXITY, return_distances: bool = False) -> Any:
            rows, distances = _nearest(data, known, count)
            weights = joint_probabilities_nn(
                rows, distances, [min(perplexity, count / 3)], symmetrize=False, normalization="point-wise",
                n_reference_samples=len(known), n_jobs=1,
            )  # fmt: skip
            return (weights, rows, distances) if return_distances else weights

    affinities = Exact()
    affinities.P = np.empty((len(known), 0))  # of those that stand nothing is moved, so nothing draws them
    standing = TSNEEmbedding(places, affinities, random_state=SEED, n_jobs=1)
    placed = np.array(standing.transform(new, perplexity=PLACED_PERPLEXITY, k=min(NEIGHBOURS, count)), dtype=np.float64)
    # it centres what stands there for its own arithmetic: take that back
    moved_back: Points = placed + (places[0] - np.asarray(standing[0]))
    return moved_back


def _turned(places: Points, before: Points) -> Points:
    """Return the places turned, mirrored, scaled and moved as near to those before as that alone can bring them.

    Orthogonal Procrustes: Schonemann, "A generalized solution of the orthogonal Procrustes problem", 1966.
    """
    known = np.isfinite(before).all(axis=1)
    if known.sum() < 2:
        return places
    mean, wanted = places[known].mean(axis=0), before[known].mean(axis=0)
    here, there = places[known] - mean, before[known] - wanted
    left, sizes, right = np.linalg.svd(here.T @ there)
    scale = sizes.sum() / max((here**2).sum(), 1e-12)
    turned: Points = (places - mean) @ (left @ right) * (scale or 1.0) + wanted
    return turned
