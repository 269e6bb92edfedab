"""Communities of the graph at several resolutions, and the one that fits the data best."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import log2

import graspologic_native
import numpy as np
import scipy  # loads its parts when they are first used

from pipeline.merge.rules.grouping.graph import Sample, sample
from pipeline.merge.rules.grouping.neighbours import EXACT_ROWS, Floats, Ints, nearest_neighbours, neighbour_count
from pipeline.merge.rules.grouping.sight import USUAL, Sight
from pipeline.merge.rules.grouping.tightness import clearness, off_tightness
from pipeline.merge.rules.grouping.vectors import MIN_STORY, group_sizes, numbered_from_zero

NATURAL = 2.0**-0.5  # resolution whose groups show how much can be kept where themes shade into each other
TORN_WEIGHT = 4.0  # of falling short of it, against silhouette; 3-5 do alike
COARSEST, FINEST = 2.0**-2.5, 2.0**5  # resolutions: from a few broad groups to groups of about five rows
STRICTER_BY = 4  # a strictness of 1.1 raises the resolution by 1.1^4 = 1.5, about as half a step does
CLEARER = 0.03  # how much more clearly rows must prefer coarser groups that lie beyond a valley of the fit; 0.03-0.08
CLEARLY_BETTER = 0.10
"""By how much another grouping must fit better to take the place of what stands. Where a tenth is new it fits better by
0.00 to 0.04, with equal F1; where a quarter and more is new, by 0.10 to 0.32 in the sets in which what stood has fallen
to pieces."""
ALSO_BETTER = 0.05
"""Or by this much, where rows prefer it as clearly as AS_CLEAR_ANYWAY asks. Of about 70 imports of 14 streams 13 were
such, F1 of grouping again was 0.06 higher on average and lower in one; where only the fit was better by as much, it was
0.02 higher, and a quarter of the pairs that people know came apart (benchmarks/QUALITY.md)."""
NEARLY_AS_WELL = 0.08  # how much worse these may fit than the finer ones: 0.04 to 0.10 choose alike
AS_WELL = 0.04  # fits this near to the best of these are as good: the finest of them is taken
PIECES = 1.4
"""Or by so many times fewer groups, on the terms of `_beyond_the_valley`: what began as pieces while rows were few is
whole then. Less would regroup a set at each import."""
AS_CLEAR_ANYWAY = 0.05  # by how much rows prefer what was just grouped to what stands, whatever is better
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
            clear = clearness(self.points, labels)
            fits = clear - off_tightness(self.rows, labels, self.sight)
            self.found[resolution] = Candidate(labels, clear, fits, self.sampled.kept(labels))
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
        """Find the communities at several resolutions, as many at once as there are processors."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self.at, resolutions))  # not `fit_at`: both threads would look for NATURAL


@dataclass(frozen=True)
class Candidate:
    """The communities at one resolution: label of each row (n,), how clearly rows prefer their own, how well they fit,
    the share of ties they keep.
    """

    labels: Ints
    clear: float
    fit: float
    kept: float


def is_clearly_better(one: Ints, other: Ints, *, points: Floats, rows: Floats, sight: Sight = USUAL) -> bool:
    """Whether one grouping of all rows is clearly better than another, which people know.

    It fits better by CLEARLY_BETTER, torn ties counted as in `fit_at`; or by less and rows prefer it clearly; or it
    makes whole what stands in pieces.
    """
    sampled = sample(points, nearest_neighbours(points, min(neighbour_count(len(points)), len(points) - 1)))

    def judged(labels: Ints) -> tuple[float, float, int]:
        torn = max(sampled.due(sight) - sampled.kept(labels), 0.0)
        numbered = numbered_from_zero(labels)
        clear = clearness(points, numbered)
        stories = int((group_sizes(numbered) >= MIN_STORY).sum())
        return clear, clear - off_tightness(rows, numbered, sight) - TORN_WEIGHT * torn, stories

    (clear, fits, stories), (clear_now, fits_now, stories_now) = judged(one), judged(other)
    if clear < clear_now + AS_CLEAR_ANYWAY:
        return fits > fits_now + CLEARLY_BETTER
    is_whole = stories_now >= PIECES * stories and fits >= max(fits_now - NEARLY_AS_WELL, 0.0)
    return fits > fits_now + ALSO_BETTER or is_whole


def spread(labels: Ints, members: Ints, count: int) -> Ints:
    """Return the members' labels as labels of all `count` rows, -1 for the others."""
    labels_of_all = np.full(count, -1, np.int64)
    labels_of_all[members] = labels
    return labels_of_all


def best_communities(seen: Resolutions, strictness: float = 1.0) -> Ints:
    """Return the communities, (n,), of the resolution that fits best; -1 for rows that are no members.

    Climbs: steps of 2 while they fit clearly better, to finer groups first, then to coarser ones; at the top half a
    step to either side, from where it climbs on. Of several tops the best would often be too coarse: clear themes have
    clear families, too. So coarser groups beyond a valley are taken only on terms of their own, see
    `_beyond_the_valley`. Where stricter groups are asked for, the resolution that fits is raised by STRICTER_BY, or
    lowered.
    """
    if not seen.graph.nnz:
        return spread(np.arange(len(seen.members)), seen.members, len(seen.points))
    top, coarser_gain = seen.sight.first_resolution, seen.sight.coarser_gain
    # both are needed in any case, and one run of Leiden keeps one processor busy
    seen.look_at(top, 2 * top)
    top = _climbed(seen, top, 2.0, FINER_GAIN)
    top = _climbed(seen, top, 0.5, coarser_gain)
    # Leiden's result at one resolution may be a poor one, and end the climb beside a slope: twenty other rows of 2,000
    # did that to STAR (F1 0.922 in 26 groups, with this 0.976 in 23).
    while (beside := _half_a_step(seen, top)) != top:
        top = _climbed(seen, beside, 0.5, coarser_gain)
    # In a very large set the looks would cost a third more time and memory, and few labels in few rows are the trouble.
    if len(seen.points) <= EXACT_ROWS:
        top = _beyond_the_valley(seen, top)
    # stricter groups are asked of the graph, and not judged: the fit would pull them back
    return seen.at(top).labels if strictness == 1.0 else seen.labels_at(top * strictness**STRICTER_BY)


def _climbed(seen: Resolutions, start: float, step: float, gain: float) -> float:
    """Return the resolution that is reached by steps (factors) of which each fits better by `gain`."""
    while COARSEST <= start * step <= FINEST:
        # One run of Leiden keeps one processor busy, and the step after the next is often needed as well.
        if start * step not in seen.found:
            seen.look_at(*(one for one in (start * step, start * step**2) if COARSEST <= one <= FINEST))
        if seen.fit_at(start * step) <= seen.fit_at(start) + gain:
            break
        start *= step
    return start


def _half_a_step(seen: Resolutions, top: float) -> float:
    """Return the resolution half a step finer or coarser if it fits better by half of what a step has to gain."""
    # by the exponent, so that half a step there and back is the same number, and is not looked at twice
    halves = round(2 * log2(top))
    finer, coarser, best = min(2.0 ** ((halves + 1) / 2), FINEST), max(2.0 ** ((halves - 1) / 2), COARSEST), top
    seen.look_at(top, finer, coarser)
    for beside, gain in ((finer, FINER_GAIN / 2), (coarser, seen.sight.coarser_gain / 2)):
        if seen.fit_at(beside) > seen.fit_at(best) + gain:
            best = beside
    return best


def _beyond_the_valley(seen: Resolutions, top: float) -> float:
    """Return the coarser resolution that is clearly right where the climb was caught on the fine side of a valley.

    A few labels in a few hundred dialogues fall into pieces that each fit well: six of them into 18 groups, and a step
    to 12 fits no better, though 6 fit best of all. Families of themes fit well, too, but mostly by being less tight;
    whole themes are those that rows prefer more clearly than their pieces.
    """
    coarser = [top]
    while coarser[-1] > COARSEST:
        coarser.append(max(coarser[-1] / 2, COARSEST))
    seen.look_at(*coarser)
    # below 0 nothing fits: two halves of a set that shades into itself everywhere look clear, too
    clear, fits = seen.at(top).clear + CLEARER, max(seen.fit_at(top) - NEARLY_AS_WELL, 0.0)
    better = [one for one in coarser if seen.at(one).clear >= clear and seen.fit_at(one) >= fits]
    best = max((seen.fit_at(one) for one in better), default=0.0)
    return max((one for one in better if seen.fit_at(one) >= best - AS_WELL), default=top)


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
