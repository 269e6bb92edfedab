"""Communities of the graph at several resolutions, and the one that fits the data best."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import graspologic_native
import numpy as np
import scipy  # loads its parts when they are first used

from pipeline.merge.rules.grouping.graph import Sample, sample
from pipeline.merge.rules.grouping.neighbours import Floats, Ints, nearest_neighbours, neighbour_count
from pipeline.merge.rules.grouping.sight import USUAL, Sight
from pipeline.merge.rules.grouping.tightness import fit
from pipeline.merge.rules.grouping.vectors import numbered_from_zero

NATURAL = 2.0**-0.5  # resolution whose groups show how much can be kept where themes shade into each other
TORN_WEIGHT = 4.0  # of falling short of it, against silhouette; 3-5 do alike
COARSEST, FINEST = 2.0**-2.5, 2.0**5  # resolutions: from a few broad groups to groups of about five rows
STRICTER_BY = 4  # a strictness of 1.1 raises the resolution by 1.1^4 = 1.5, about as half a step does
HALF_STEP = 2.0**0.5
FINER_GAIN = 0.015  # what a step of 2 to finer groups must gain; below, noise decides where the fit is flat
SWEEPS = 2  # Leiden's runs over the graph, each from the last one's result; a third changes F1 by less than 0.001
SEED = 1  # Leiden's; its node order is the canonical order of rows


@dataclass(frozen=True)
class Resolutions:
    """The communities of a graph at the resolutions looked at so far, and how well each fits.

    The graph is that of the `members` among all rows, `sampled` are some of all; `points` are the `rows` seen
    from their common middle (`vectors.centred`).
    """

    graph: "scipy.sparse.csr_array"
    points: Floats
    rows: Floats
    members: Ints
    sampled: Sample
    sight: Sight = USUAL
    found: dict[float, "Candidate"] = field(default_factory=dict)

    def at(self, resolution: float) -> "Candidate":
        """Return the communities, looked for once."""
        if resolution not in self.found:
            labels = self.labels_at(resolution)
            fits = fit(self.points, self.rows, labels, self.sight)
            self.found[resolution] = Candidate(labels, fits, self.sampled.kept(labels))
        return self.found[resolution]

    def labels_at(self, resolution: float) -> Ints:
        """Return the community of each row, (n,); -1 for rows that are no members."""
        return spread(communities(self.graph, resolution), self.members, len(self.points))

    def fit_at(self, resolution: float) -> float:
        """Return how well the communities fit, less of it the more they tear apart.

        Groups can be made as tight as one likes by cutting through what belongs together. Where themes shade into each
        other no partition keeps all ties: there it is measured by what communities of a middling size keep.
        """
        # what keeps enough together pays nothing, however much more another resolution keeps
        look, due = self.at(resolution), self.sampled.due(self.sight)
        if look.kept >= due:
            return look.fit
        return look.fit - TORN_WEIGHT * max(min(due, self.at(NATURAL).kept) - look.kept, 0.0)

    def look_at(self, *resolutions: float) -> None:
        """Find the communities at several resolutions at once, a thread each."""
        with ThreadPoolExecutor(len(resolutions)) as pool:
            list(pool.map(self.at, resolutions))  # not `fit_at`: both threads would look for NATURAL


@dataclass(frozen=True)
class Candidate:
    """The communities at one resolution: label of each row (n,), how well they fit, the share of ties they keep."""

    labels: Ints
    fit: float
    kept: float


def fits_better(one: Ints, other: Ints, *, points: Floats, rows: Floats, sight: Sight = USUAL) -> float:
    """Return by how much one grouping of all rows fits better than another, torn ties counted as in `fit_at`."""
    sampled = sample(points, nearest_neighbours(points, min(neighbour_count(len(points)), len(points) - 1)))

    def judged(labels: Ints) -> float:
        torn = max(sampled.due(sight) - sampled.kept(labels), 0.0)
        return fit(points, rows, numbered_from_zero(labels), sight) - TORN_WEIGHT * torn

    return judged(one) - judged(other)


def spread(labels: Ints, members: Ints, count: int) -> Ints:
    """Return the members' labels as labels of all `count` rows, -1 for the others."""
    labels_of_all = np.full(count, -1, np.int64)
    labels_of_all[members] = labels
    return labels_of_all


def best_communities(seen: Resolutions, strictness: float = 1.0) -> Ints:
    """Return the communities, (n,), of the resolution that fits best; -1 for rows that are no members.

    Climbs: steps of 2 while they fit clearly better, to finer groups first, then to coarser ones; at the top, half
    a step to either side. Of several tops the best would often be too coarse: clear themes have clear families, too.
    Where stricter groups are asked for, the resolution that fits is raised by STRICTER_BY, or lowered.
    """
    if not seen.graph.nnz:
        return spread(np.arange(len(seen.members)), seen.members, len(seen.points))
    best, coarser_gain = seen.sight.first_resolution, seen.sight.coarser_gain
    # both are needed in any case, and one run of Leiden keeps one processor busy
    seen.look_at(best, 2 * best)
    for step, gain in ((2.0, FINER_GAIN), (0.5, coarser_gain)):
        while COARSEST <= best * step <= FINEST and seen.fit_at(best * step) > seen.fit_at(best) + gain:
            best *= step
    finer, coarser, top = min(best * HALF_STEP, FINEST), max(best / HALF_STEP, COARSEST), best
    seen.look_at(best, finer, coarser)
    for beside, gain in ((finer, FINER_GAIN / 2), (coarser, coarser_gain / 2)):
        if seen.fit_at(beside) > seen.fit_at(top) + gain:
            top = beside
    # stricter groups are asked of the graph, and not judged: the fit would pull them back
    return seen.at(top).labels if strictness == 1.0 else seen.labels_at(top * strictness**STRICTER_BY)


def communities(graph: "scipy.sparse.csr_array", resolution: float) -> Ints:
    """Return the communities, (n,) numbered from 0, that Leiden finds by modularity (Traag et al. 2019, 1810.08473).

    The graph needs at least one edge: graspologic-native panics without.
    """
    nodes = len(graph.indptr) - 1
    _, found = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data,
        nodes,
        resolution=resolution,
        iterations=SWEEPS,
        seed=SEED,
    )
    # Leiden names no community for a node without ties: it gets one of its own
    return numbered_from_zero(np.array([found.get(node, nodes + node) for node in range(nodes)], np.int64))
