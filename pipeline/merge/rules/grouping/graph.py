"""The graph of nearest neighbours, who is in it, and what groups tear apart in it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # loads its parts when they are first used

from pipeline.merge.rules.grouping.neighbours import (
    DECIMALS,
    Doubles,
    Floats,
    Ints,
    Neighbours,
    evenly,
    nearest_neighbours,
    neighbour_count,
)
from pipeline.merge.rules.grouping.sight import USUAL, Sight
from pipeline.merge.rules.grouping.vectors import MIN_STORY, group_sizes

COMPANY = 0.70  # share of the typical similarity to the second neighbour below which a row has no company
LEAST_COMPANY = 0.30  # floor of it, for sets of nothing but noise: unrelated short texts reach 0.1-0.3
USUAL_SPREAD = 2.0  # standard deviations below the typical similarity within which a row is no stranger all the same
LEAST_USUAL = 0.25  # floor of that
DEVIATIONS_PER_SPREAD = 1.4826  # standard deviations in a median absolute one, of normal numbers
TOGETHER_ROWS, TOGETHER_RISE = 1_000, 0.01  # rows `Sight.together` is for; rise per doubling: the nearest are nearer
SAMPLED = 5_000  # rows, evenly spread, that show what groups keep together; 3,000 do alike


def rows_with_company(near: Neighbours, copies: Ints) -> tuple[Ints, Ints]:
    """Return the rows that make the groups, and those that may join one.

    The first have two others near enough to make a story with; copies of a row are its nearest company. Near enough
    adapts to the set: see `least_company`. The others would blur the graph. Yet where texts are alike to very different
    degrees, as under broad themes, many of them are nothing unusual: see `least_usual`.
    """
    second = near.cosine[:, 1]
    # A row that was said twice needs one other, one said three times none: MIN_STORY rows that mean the same are a
    # story.
    company = np.choose(np.minimum(copies, MIN_STORY) - 1, [second, near.cosine[:, 0], np.ones_like(second)])
    least, usual = (_settled(cosine, second) for cosine in (least_company, least_usual))
    return np.flatnonzero(company >= least), np.flatnonzero((company < least) & (company >= usual))


def least_company(second: Floats) -> float:
    """Return the cosine to the second neighbour, given as (n,), that a row needs: COMPANY of what is typical.

    What is typical rises with the number of rows and with how alike the texts are.
    """
    return max(COMPANY * float(np.median(second)), LEAST_COMPANY)


def least_usual(second: Floats) -> float:
    """Return the cosine to the second neighbour, given as (n,), below which a row is unusual for the set."""
    typical = float(np.median(second))
    spread = float(np.median(np.abs(second - typical))) * DEVIATIONS_PER_SPREAD
    return max(typical - USUAL_SPREAD * spread, LEAST_USUAL)


def _settled(least: Callable[[Floats], float], second: Floats) -> float:
    """Return the least cosine measured again over the rows it keeps, so that noise does not lower it."""
    first = least(second)
    kept = second[second >= first]
    return least(kept) if len(kept) else first


@dataclass(frozen=True)
class Graph:
    """The symmetric weights between the m members, (m, m).

    either: a tie counts from either side. That is a + b - ab, as in UMAP's fuzzy graph (McInnes, Healy, Melville 2018,
    arXiv 1802.03426, section 3.1). mutual: it counts where each is among the other's nearest, with the weaker weight.
    """

    either: "scipy.sparse.csr_array"
    mutual: "scipy.sparse.csr_array"


def neighbour_graph(near: Neighbours, members: Ints) -> Graph:
    """Return the ties between members, given the neighbours of all rows."""
    weights = tie_weights(near.cosine[members])
    place = np.full(len(near.index), -1)
    place[members] = np.arange(len(members))
    columns = place[near.index[members]]
    rows = np.broadcast_to(np.arange(len(members))[:, None], columns.shape)
    inside = columns >= 0
    shape = (len(members), len(members))
    toward = scipy.sparse.csr_array((weights[inside].astype(np.float64), (rows[inside], columns[inside])), shape=shape)
    back = toward.T.tocsr()
    mutual = toward.minimum(back).astype(np.float32)  # half the memory, beside Leiden's
    either = scipy.sparse.csr_array(toward + back - toward.multiply(back))
    either.sort_indices()
    return Graph(either, mutual)


def tie_weights(cosine: Floats) -> Floats:
    """Return the weight of each neighbour to each row, (n, k), given their cosines, the nearest first; that has 1.

    It falls with the distance beyond the nearest one, in units of the row's own mean such distance, so that dense and
    sparse regions weigh alike: UMAP's weight, with a mean in place of its searched scale.
    """
    beyond = cosine[:, :1] - cosine
    weights: Floats = np.exp(-beyond / np.maximum(beyond.mean(axis=1, keepdims=True), 1e-6)).round(DECIMALS)
    return weights


@dataclass(frozen=True)
class Sample:
    """Some of the rows, spread evenly, and their ties to each other, by which one sees what groups tear apart.

    rows: (s,) which ones; index: (s, k) each one's nearest others among them, by their places; weight: (s, k) of each
    tie. Never more than SAMPLED rows, so that a neighbour is as far away in a large set as in a small one.
    """

    rows: Ints
    index: Ints
    weight: Floats

    def due(self, sight: Sight = USUAL) -> float:
        """Return how much groups should keep together of what they could, see `kept`."""
        return sight.together + TOGETHER_RISE * float(np.log2(len(self.rows) / TOGETHER_ROWS))

    def kept(self, labels: Ints) -> float:
        """Return the share of all weight that is inside groups, of what groups of their sizes could hold.

        `labels` are those of all rows. So small groups are not blamed for being small. Rows with a label of -1 are in
        no group: their own ties do not count, and those to them are torn.
        """
        own = labels[self.rows]
        grouped = own >= 0
        if not grouped.any():
            return 0.0
        weight, theirs, own = self.weight[grouped], own[self.index[grouped]], own[grouped]
        inside = weight[theirs == own[:, None]].sum(dtype=np.float64) / weight.sum(dtype=np.float64)
        others = np.minimum(group_sizes(own)[own] - 1, weight.shape[1])
        return float(inside / max(_reach(weight)[others].mean(), 1e-6))


def sample(points: Floats, near: Neighbours) -> Sample:
    """Return SAMPLED of the points, or all, and their ties."""
    rows = evenly(len(points), SAMPLED)
    # Neighbours are looked for again among the sample: in the whole set they are nearer, and a tie in a large set would
    # mean something else than in a small one.
    if len(rows) < len(points):
        near = nearest_neighbours(points[rows], neighbour_count(len(rows)))
    return Sample(rows, near.index, tie_weights(near.cosine))


def _reach(weight: Floats) -> Doubles:
    """Return the share of a row's weight that its nearest 0 to k others have, as a mean over rows, (k + 1,)."""
    nearest = weight.cumsum(axis=1, dtype=np.float64)
    return np.concatenate([[0.0], (nearest / nearest[:, -1:]).mean(axis=0)])
