"""Which rows speak of the same thing: from vectors to groups, as a pure function.

The way of a row through `partition`:

1. equal rows are folded into one and put in canonical order, so that neither order nor repetition matters;
2. what all rows have in common is taken away: at a bank, being about banking tells nothing;
3. a row without company (nobody near enough to be a group of three with) makes no group;
4. the others form a graph of nearest neighbours, which Leiden cuts into communities at several resolutions;
5. the data choose the resolution: groups should be tight inside, apart from each other, and not tear neighbours apart;
   a group of two populations that are strangers to each other is parted (`strangers`);
   where most rows are copies of a few wordings, groups of one wording each are joined by meaning (`templates`);
6. rows without company that are nothing unusual join the nearest group, the others stay alone;
7. a row unlike the rest of its group leaves it, so that no group holds by a chain of neighbours.

A small set has too few neighbours for a graph: there, average linkage over all pairs takes the place of 3 to 6.

Repeatable: rows are sorted by content, products have fixed block shapes and are rounded, the one seed is a constant.
Where a constant names no other source it was chosen on questions, dialogues, titles, newsgroups, news, descriptions and
docstrings with 3 to 200 labels, narrow and broad, whole, cut to 300-18,000 rows, mixed with each other and with noise
(benchmarks/QUALITY.md): the middle of a plateau over all of them, not the best of one.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy  # loads its parts when they are first used

from pipeline.merge.rules.grouping.graph import neighbour_graph, rows_with_company, sample
from pipeline.merge.rules.grouping.neighbours import (
    Doubles,
    Floats,
    Ints,
    blocks,
    nearest_neighbours,
    neighbour_count,
    products,
)
from pipeline.merge.rules.grouping.resolutions import Resolutions, best_communities
from pipeline.merge.rules.grouping.sight import USUAL, Sight
from pipeline.merge.rules.grouping.strangers import part_strangers
from pipeline.merge.rules.grouping.templates import join_wordings
from pipeline.merge.rules.grouping.tightness import (
    FEW_TOO_TIGHT,
    cosine_to_centre,
    fit,
    let_outliers_leave,
    matching_threshold,
)
from pipeline.merge.rules.grouping.vectors import (
    MIN_STORY,
    centred,
    group_centres,
    group_sizes,
    numbered_by_first_row,
    numbered_from_zero,
    shrunken_mean,
)

VERSION = "groups-9"
SMALL_SET = 150  # distinct rows; below, average linkage groups better than a graph of so few neighbours
SMALL_SET_CUTS = np.arange(4, 11) / 20  # mean cosines at which average linkage may stop; below 0.2 it follows chains


@dataclass(frozen=True)
class Partition:
    """How n rows of d numbers fall into groups.

    labels: (n,) group of each row; groups are numbered by their first row in canonical order (bytes of the vector). A
        row that is in no group of several has one of its own.
    cohesion: (n,) cosine of each row to the centre of its group, seen from `origin`; 1 where it is alone.
    threshold: the cosine to the rest of its group that nine of ten rows reach in groups large enough for a story; a new
        row this near to an old group's centre belongs to it. 1 where there is no such group.
    origin: (d,) what all rows had in common; see new rows from it (`vectors.centred`) before comparing them.
    """

    labels: Ints
    cohesion: Floats
    threshold: float
    origin: Floats


@dataclass(frozen=True)
class Folded:
    """Distinct rows in canonical order: rows (m, d), place (n,) of each input row among them, copies (m,) of each."""

    rows: Floats
    place: Ints
    copies: Ints


def partition(vectors: Floats, strictness: float = 1.0, sight: Sight = USUAL) -> Partition:
    """Group the rows of `vectors` ((n, d), unit length, n from 0) by what they mean.

    The same rows in any order give the same groups. `strictness` is a factor on how alike the rows of a group are to
    be: above 1 groups are finer. `sight` is how the model's vectors are judged. Raises ValueError for anything but a
    table of finite numbers.
    """
    # Equal rows are grouped once and weigh as one: what a form sends a hundred times is no hundred voices.
    _refuse_what_is_no_table(vectors)
    folded = fold_equal_rows(vectors)
    origin = shrunken_mean(folded.rows)
    points = centred(folded.rows, origin)
    if len(points) < SMALL_SET:
        labels = _groups_of_few(points, folded.rows, strictness, sight)
    else:
        labels = _groups_of_many(points, folded, strictness, sight)
    labels = numbered_by_first_row(let_outliers_leave(points, labels, sight))
    cohesion = cosine_to_centre(points, labels)
    return Partition(labels[folded.place], cohesion[folded.place], matching_threshold(points, labels), origin)


def fold_equal_rows(vectors: Floats) -> Folded:
    """Fold rows with equal bytes into one; sort by bytes, which is the canonical order.

    Nothing of the size of the table is held but the result: as `np.unique` does it, a large set would need four more.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if not rows.size:
        return Folded(rows, np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64))
    if any((np.signbit(rows[part]) & (rows[part] == 0)).any() for part in blocks(len(rows))):
        rows = rows + np.float32(0)  # -0.0 becomes 0.0: equal rows, equal bytes
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    order = np.argsort(keys, kind="stable")
    is_new = np.ones(len(rows), bool)
    for part in blocks(len(rows) - 1):
        is_new[1:][part] = (rows[order[1:][part]] != rows[order[:-1][part]]).any(axis=1)
    number = is_new.cumsum() - 1
    place = np.empty(len(rows), np.int64)
    place[order] = number
    return Folded(rows[order[is_new]], place, np.bincount(number).astype(np.int64))


def _groups_of_few(points: Floats, rows: Floats, strictness: float, sight: Sight) -> Ints:
    """Group by average linkage over all pairs: two groups join while their mean cosine is at least the best cut.

    The best cut is the one whose groups fit best, the middle one of equals. Of few themes, little is left of a theme
    once what is common to all is taken away, so the same cut does not serve 3 themes and 30.
    """
    if len(points) < 2:
        return np.arange(len(points))
    # below SMALL_SET rows all pairs fit into memory and cost nothing
    cosines = np.vstack([block for _, block in products(points, points)])
    # made symmetric: rounding may differ between a pair and its mirror, and scipy refuses that
    distances = np.maximum(1.0 - (cosines + cosines.T) / 2.0, 0.0).astype(np.float64)
    np.fill_diagonal(distances, 0.0)
    tree = scipy.cluster.hierarchy.linkage(scipy.spatial.distance.squareform(distances, checks=False), method="average")
    sight = replace(sight, too_tight=min(sight.too_tight, FEW_TOO_TIGHT))
    fits = np.array([fit(points, rows, _cut_tree(tree, cut), sight) for cut in SMALL_SET_CUTS])
    # of equals the middle one: the ends of a plateau are where groups begin to fall apart or together
    best = SMALL_SET_CUTS[fits == fits.max()]
    return _cut_tree(tree, best[len(best) // 2] * strictness)


def _cut_tree(tree: Doubles, cut: float) -> Ints:
    return numbered_from_zero(scipy.cluster.hierarchy.fcluster(tree, 1.0 - cut, criterion="distance").astype(np.int64))


def _groups_of_many(points: Floats, folded: Folded, strictness: float, sight: Sight) -> Ints:
    """Group by communities of the graph of neighbours; rows without company join one or stay alone."""
    near = nearest_neighbours(points, neighbour_count(len(points)))
    members, loose = rows_with_company(near, folded.copies)
    graph, sampled = neighbour_graph(near, members), sample(points, near)
    del near  # the largest tables go as soon as they can: what is left of memory is for Leiden
    seen = Resolutions(graph.either, points, folded.rows, members, sampled, sight)
    found = part_strangers(points, best_communities(seen, strictness), members, graph.mutual)
    # templates are joined before loose rows join: those look for the nearest of the final groups
    found = join_wordings(points, folded.rows, found, sight)
    found = _let_join(points, found, loose)
    # who is in no group gets a number of their own, below those of all groups
    return np.where(found < 0, np.arange(len(points)), len(points) + found)


def _let_join(points: Floats, labels: Ints, rows: Ints) -> Ints:
    """Give each of the rows to the nearest centre of a group large enough for a story, if there is one."""
    large = np.flatnonzero(group_sizes(labels) >= MIN_STORY)
    if not len(large) or not len(rows):
        return labels
    joined, centres = labels.copy(), group_centres(points, labels)[large]
    for part, cosines in products(points[rows], centres):
        joined[rows[part]] = large[cosines.argmax(axis=1)]
    return joined


def _refuse_what_is_no_table(vectors: Floats) -> None:
    if vectors.ndim != 2:
        raise ValueError(f"Cannot group vectors of shape {vectors.shape}: give a table, one row per theme.")
    if not np.isfinite(vectors).all():
        raise ValueError("Cannot group vectors that hold NaN or infinity: embed those rows again.")
