"""Which rows speak of the same thing: from vectors to groups, as a pure function.

The way of a row through `partition`:

1. equal rows are folded into one and put in canonical order, so that neither order nor repetition matters;
2. what all rows have in common is taken away: at a bank, being about banking tells nothing;
3. a row without company (nobody near enough to be a group of three with) makes no group;
4. the others form a graph of nearest neighbours, which Leiden cuts into communities at several resolutions;
5. the data choose the resolution: groups should be tight inside, apart from each other, and not tear neighbours apart;
6. rows without company that are nothing unusual join the nearest group, the others stay alone;
7. a row unlike the rest of its group leaves it, so that no group holds by a chain of neighbours.

A small set has too few neighbours for a graph: there, average linkage over all pairs takes the place of 3 to 6.

Repeatable: rows are sorted by content, products have fixed block shapes and are rounded, the one seed is a constant.
Where a constant names no other source it was chosen on questions, dialogues, titles, newsgroups, news, descriptions and
docstrings with 3 to 200 labels, narrow and broad, whole, cut to 300-18,000 rows, mixed with each other and with noise
(benchmarks/QUALITY.md): the middle of a plateau over all of them, not the best of one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import graspologic_native  # type: ignore[import-untyped]
import numpy as np
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from pipeline.signatures.neighbours import (
    DECIMALS,
    Doubles,
    Floats,
    Ints,
    Neighbours,
    blocks,
    evenly,
    nearest_neighbours,
    neighbour_count,
    products,
)

VERSION = "groups-4"

MIN_STORY = 3  # rows that make a story (DESIGN.md, glossary)
SMALL_SET = 150  # distinct rows; below, average linkage groups better than a graph of so few neighbours
SMALL_SET_CUTS = np.arange(4, 11) / 20  # mean cosines at which average linkage may stop; below 0.2 it follows chains
FAMILIAR_ROWS = 20  # of the mean of n rows, n / (n + 20) is taken away: few rows do not show what is common to all
COMPANY = 0.70  # share of the typical similarity to the second neighbour below which a row has no company
LEAST_COMPANY = 0.30  # floor of it, for sets of nothing but noise: unrelated short texts reach 0.1-0.3
USUAL_SPREAD = 2.0  # standard deviations below the typical similarity within which a row is no stranger all the same
LEAST_USUAL = 0.25  # floor of that
DEVIATIONS_PER_SPREAD = 1.4826  # standard deviations in a median absolute one, of normal numbers
HOLD = 0.50  # share of the typical similarity to its group below which a row leaves it
LEAST_HOLD = 0.10  # floor of it
UNSURE = 0.10  # share of rows below the matching threshold; held out: 84 % of old themes pass, 27 % of new
TIGHTNESS = 0.63  # mean cosine inside groups as the model places them; F1 was best at 0.60-0.67 (once 0.58, once 0.44)
TOO_LOOSE, TOO_TIGHT = 1.0, 0.8  # weights of being off it, against silhouette; 0.85-1 and 0.8-1 do alike
FEW_TOO_TIGHT = 0.6  # the latter in a small set, whose groups of a few rows are the tighter the fewer they are
TOGETHER = 0.80  # share of the ties that groups of their sizes could keep and should; 0.75 tears broad themes apart
TOGETHER_ROWS, TOGETHER_RISE = 1_000, 0.01  # rows it is for; rise per doubling: of more rows, the nearest are nearer
NATURAL = 2.0**-0.5  # resolution whose groups show how much can be kept where themes shade into each other
TORN_WEIGHT = 4.0  # of falling short of it, against silhouette; 3-5 do alike
COARSEST, FINEST = 2.0**-2.5, 2.0**5  # resolutions: from a few broad groups to groups of about five rows
STRICTER_BY = 4  # a strictness of 1.1 raises the resolution by 1.1^4 = 1.5, about as half a step does
HALF_STEP = 2.0**0.5
FIRST_RESOLUTION = 2.0  # where the search begins; from 4 it ends alike
SWEEPS = 2  # Leiden's runs over the graph, each from the last one's result; a third changes F1 by less than 0.001
SEED = 1  # Leiden's; its node order is the canonical order of rows
SAMPLED = 5_000  # rows, evenly spread, that show what groups keep together; 3,000 do alike
SEEN_ROWS = 20_000  # rows, evenly spread, that the next group is looked up for when a resolution is judged
BLOCK_COLUMNS = 32  # columns per sum: bounds what is in memory


@dataclass(frozen=True)
class Partition:
    """How n rows of d numbers fall into groups.

    labels: (n,) group of each row; groups are numbered by their first row in canonical order (bytes of the vector). A
        row that is in no group of several has one of its own.
    cohesion: (n,) cosine of each row to the centre of its group, after `recentre`; 1 where it is alone.
    threshold: the cosine to the rest of its group that nine of ten rows reach in groups large enough for a story; a new
        row this near to an old group's centre belongs to it. 1 where there is no such group.
    origin: (d,) what all rows had in common; `recentre` new rows with it before comparing them.
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


def partition(vectors: Floats, strictness: float = 1.0) -> Partition:
    """Group the rows of `vectors` ((n, d), unit length, n from 0) by what they mean.

    The same rows in any order give the same groups. `strictness` is a factor on how alike the rows of a group are to
    be: above 1 groups are finer. Raises ValueError for anything but a table of finite numbers.
    """
    _refuse_what_is_no_table(vectors)
    folded = fold_equal_rows(vectors)
    origin = common_part(folded.rows)
    points = recentre(folded.rows, origin)
    if len(points) < SMALL_SET:
        labels = _groups_of_few(points, folded.rows, strictness)
    else:
        labels = _groups_of_many(points, folded, strictness)
    labels = _numbered_by_first_row(_let_strangers_leave(points, labels))
    cohesion = cosine_to_centre(points, labels)
    return Partition(labels[folded.place], cohesion[folded.place], matching_threshold(points, labels), origin)


def fold_equal_rows(vectors: Floats) -> Folded:
    """Fold rows with equal bytes into one; sort by bytes, which is the canonical order."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32) + np.float32(0)  # -0.0 becomes 0.0: equal rows, equal bytes
    if not rows.size:
        return Folded(rows, np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64))
    keys = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, place, copies = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return Folded(rows[first], place.astype(np.int64), copies.astype(np.int64))


def common_part(rows: Floats) -> Floats:
    """Return what to take away from each row, (d,): the mean, less of it the fewer rows there are."""
    if not len(rows):
        return np.zeros(rows.shape[1], np.float32)
    share = len(rows) / (len(rows) + FAMILIAR_ROWS)
    mean: Doubles = rows.mean(axis=0, dtype=np.float64)
    return (share * mean).astype(np.float32)


def recentre(rows: Floats, origin: Floats) -> Floats:
    """Return the rows seen from `origin`, at unit length again."""
    seen: Floats = rows - origin
    seen /= _lengths(seen)
    return seen


# Small sets


def _groups_of_few(points: Floats, rows: Floats, strictness: float) -> Ints:
    """Group by average linkage over all pairs: two groups join while their mean cosine is at least the best cut.

    The best cut is the one whose groups fit best, the middle one of equals. Of few themes, little is left of a theme
    once what is common to all is taken away, so the same cut does not serve 3 themes and 30.
    """
    if len(points) < 2:
        return np.arange(len(points))
    cosines = np.vstack([block for _, block in products(points, points)])
    distances = np.maximum(1.0 - (cosines + cosines.T) / 2.0, 0.0).astype(np.float64)
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), method="average")
    fits = np.array([fit(points, rows, _cut_tree(tree, cut), FEW_TOO_TIGHT) for cut in SMALL_SET_CUTS])
    best = SMALL_SET_CUTS[fits == fits.max()]
    return _cut_tree(tree, best[len(best) // 2] * strictness)


def _cut_tree(tree: Doubles, cut: float) -> Ints:
    return _from_zero(fcluster(tree, 1.0 - cut, criterion="distance").astype(np.int64))


# Large sets


def _groups_of_many(points: Floats, folded: Folded, strictness: float) -> Ints:
    """Group by communities of the graph of neighbours; rows without company join one or stay alone."""
    near = nearest_neighbours(points, neighbour_count(len(points)))
    members, loose = rows_with_company(near, folded.copies)
    graph, sampled = neighbour_graph(near, members), sample(points, near)
    del near  # the largest tables go as soon as they can: what is left of memory is for Leiden
    seen = Resolutions(graph, points, folded.rows, members, sampled)
    found = _let_join(points, best_communities(seen, strictness), loose)
    return np.where(found < 0, np.arange(len(points)), len(points) + found)


def _let_join(points: Floats, labels: Ints, rows: Ints) -> Ints:
    """Give each of the rows to the nearest centre of a group large enough for a story, if there is one."""
    large = np.flatnonzero(_sizes(labels) >= MIN_STORY)
    if not len(large) or not len(rows):
        return labels
    joined, centres = labels.copy(), group_centres(points, labels)[large]
    for part, cosines in products(points[rows], centres):
        joined[rows[part]] = large[cosines.argmax(axis=1)]
    return joined


def rows_with_company(near: Neighbours, copies: Ints) -> tuple[Ints, Ints]:
    """Return the rows that make the groups, and those that may join one.

    The first have two others near enough to make a story with; copies of a row are its nearest company. Near enough
    adapts to the set: see `least_company`. The others would blur the graph. Yet where texts are alike to very different
    degrees, as under broad themes, many of them are nothing unusual: see `least_usual`.
    """
    second = near.cosine[:, 1]
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
    """Return the least cosine measured again over the rows it keeps, lest noise lower it."""
    first = least(second)
    kept = second[second >= first]
    return least(kept) if len(kept) else first


def neighbour_graph(near: Neighbours, members: Ints) -> sparse.csr_array:
    """Return the symmetric weights between members, (len(members), len(members)); a tie counts from either side.

    That is a + b - ab, as in UMAP's fuzzy graph (McInnes, Healy, Melville 2018, arXiv 1802.03426, section 3.1).
    """
    weights = _ties(near.cosine[members])
    place = np.full(len(near.index), -1)
    place[members] = np.arange(len(members))
    columns = place[near.index[members]]
    rows = np.broadcast_to(np.arange(len(members))[:, None], columns.shape)
    inside = columns >= 0
    shape = (len(members), len(members))
    toward = sparse.csr_array((weights[inside].astype(np.float64), (rows[inside], columns[inside])), shape=shape)
    either = sparse.csr_array(toward + toward.T - toward.multiply(toward.T))
    either.sort_indices()
    return either


def _ties(cosine: Floats) -> Floats:
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

    def due(self) -> float:
        """Return how much groups should keep together of what they could, see `kept`."""
        return TOGETHER + TOGETHER_RISE * float(np.log2(len(self.rows) / TOGETHER_ROWS))

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
        others = np.minimum(_sizes(own)[own] - 1, weight.shape[1])
        return float(inside / max(_reach(weight)[others].mean(), 1e-6))


def sample(points: Floats, near: Neighbours) -> Sample:
    """Return SAMPLED of the points, or all, and their ties."""
    rows = evenly(len(points), SAMPLED)
    if len(rows) < len(points):
        near = nearest_neighbours(points[rows], neighbour_count(len(rows)))
    return Sample(rows, near.index, _ties(near.cosine))


def _reach(weight: Floats) -> Doubles:
    """Return the share of a row's weight that its nearest 0 to k others have, as a mean over rows, (k + 1,)."""
    nearest = weight.cumsum(axis=1, dtype=np.float64)
    return np.concatenate([[0.0], (nearest / nearest[:, -1:]).mean(axis=0)])


@dataclass(frozen=True)
class Resolutions:
    """The communities of a graph at the resolutions looked at so far, and how well each fits.

    The graph is that of the `members` among all rows, `sampled` are some of all; `points` are the `rows` seen by
    `recentre`.
    """

    graph: sparse.csr_array
    points: Floats
    rows: Floats
    members: Ints
    sampled: Sample
    found: dict[float, "Look"] = field(default_factory=dict)

    def at(self, resolution: float) -> "Look":
        """Return the communities, looked for once."""
        if resolution not in self.found:
            labels = self.labels_at(resolution)
            fits = fit(self.points, self.rows, labels)
            self.found[resolution] = Look(labels, fits, self.sampled.kept(labels))
        return self.found[resolution]

    def labels_at(self, resolution: float) -> Ints:
        """Return the community of each row, (n,); -1 for rows that are no members."""
        return spread(communities(self.graph, resolution), self.members, len(self.points))

    def fit_at(self, resolution: float) -> float:
        """Return how well the communities fit, less of it the more they tear apart.

        Groups can be made as tight as one likes by cutting through what belongs together. Where themes shade into each
        other no partition keeps all ties: there it is measured by what communities of a middling size keep.
        """
        look, due = self.at(resolution), self.sampled.due()
        if look.kept >= due:
            return look.fit
        return look.fit - TORN_WEIGHT * max(min(due, self.at(NATURAL).kept) - look.kept, 0.0)

    def look_at(self, *resolutions: float) -> None:
        """Find the communities at several resolutions at once, a thread each."""
        with ThreadPoolExecutor(len(resolutions)) as pool:
            list(pool.map(self.at, resolutions))  # not `fit_at`: both threads would look for NATURAL


@dataclass(frozen=True)
class Look:
    """The communities at one resolution: label of each row (n,), how well they fit, the share of ties they keep."""

    labels: Ints
    fit: float
    kept: float


def spread(labels: Ints, members: Ints, count: int) -> Ints:
    """Return the members' labels as labels of all `count` rows, -1 for the others."""
    labels_of_all = np.full(count, -1, np.int64)
    labels_of_all[members] = labels
    return labels_of_all


def best_communities(seen: Resolutions, strictness: float = 1.0) -> Ints:
    """Return the communities, (n,), of the resolution that fits best; -1 for rows that are no members.

    Climbs: steps of 2 while they fit better, to finer groups first, then to coarser ones; at the top, half a step to
    either side. Of several tops the best would often be too coarse: clear themes have clear families, too. Where
    stricter groups are asked for, the resolution that fits is raised by STRICTER_BY, or lowered.
    """
    if not seen.graph.nnz:
        return spread(np.arange(len(seen.members)), seen.members, len(seen.points))
    best = FIRST_RESOLUTION
    seen.look_at(best, 2 * best)
    for step in (2.0, 0.5):
        while COARSEST <= best * step <= FINEST and seen.fit_at(best * step) > seen.fit_at(best):
            best *= step
    around = best, min(best * HALF_STEP, FINEST), max(best / HALF_STEP, COARSEST)
    seen.look_at(*around)
    top = max(sorted(around), key=seen.fit_at)
    return seen.at(top).labels if strictness == 1.0 else seen.labels_at(top * strictness**STRICTER_BY)


def communities(graph: sparse.csr_array, resolution: float) -> Ints:
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
    return _from_zero(np.array([found.get(node, nodes + node) for node in range(nodes)], np.int64))


def fit(points: Floats, rows: Floats, labels: Ints, too_tight: float = TOO_TIGHT) -> float:
    """Tell how well groups fit: how clearly each row prefers its own, less how far they are from TIGHTNESS.

    The first part is the silhouette by centres of the recentred `points` (Rousseeuw 1987; own centre without the row
    itself), 0 for rows in groups too small for a story. It alone would not settle where themes shade into each other:
    its curve is flat there. The second looks at `rows` as the model places them: how alike two texts of one theme are
    depends on the model and hardly on what else is in the set, while seen from the set's own middle the same theme
    looks the looser the fewer other themes there are. Rows with a label of -1 are left out of both.
    """
    beyond = _mean_inner_cosine(rows, labels) - TIGHTNESS
    return float(_silhouettes(points, labels).mean() - (too_tight if beyond > 0 else TOO_LOOSE) * abs(beyond))


def _silhouettes(points: Floats, labels: Ints) -> Floats:
    """Return the silhouette of rows spread evenly over the canonical order, at most SEEN_ROWS of them."""
    inside = np.flatnonzero(labels >= 0)
    seen = inside[evenly(len(inside), SEEN_ROWS)]
    rows, groups, sums, sizes = points[seen], labels[seen], _sums(points, labels), _sizes(labels)
    own = _cosine_to_others(rows, groups, sums, sizes)
    other = _cosine_to_next_group(rows, groups, _unit(sums))
    clearer = (own - other) / np.maximum(1.0 - np.minimum(own, other), 1e-6)
    return np.where(sizes[groups] < MIN_STORY, 0.0, clearer).astype(np.float32)


def _mean_inner_cosine(rows: Floats, labels: Ints) -> float:
    """Return the mean over rows of unit length of their mean cosine to the other rows of their group; 0 if alone.

    The cosines of all pairs of a group, each row with itself included, add up to the square of the group's sum.
    """
    sizes = _sizes(labels)
    pairs = np.square(_sums(rows, labels), dtype=np.float64).sum(axis=1) - sizes
    return float((pairs / np.maximum(sizes - 1, 1)).sum() / sizes.sum())


def _cosine_to_next_group(points: Floats, labels: Ints, centres: Floats) -> Floats:
    """Return each row's cosine to the nearest centre of another group, (n,); 0, as of a stranger, if there is none."""
    if len(centres) == 1:
        return np.zeros(len(points), np.float32)
    nearest = []
    for part, cosines in products(points, centres):
        cosines[np.arange(len(cosines)), labels[part]] = -1.0
        nearest.append(cosines.max(axis=1))
    return np.concatenate(nearest)


# What a group is to its rows; labels are numbered from 0 without gaps


def least_hold(points: Floats, labels: Ints) -> float:
    """Return the cosine to the rest of its group that a row needs to stay: HOLD of the median; 1 if all are alone."""
    shared = _sizes(labels)[labels] > 1
    if not shared.any():
        return 1.0
    return max(float(HOLD * np.median(cosine_to_rest(points, labels)[shared])), LEAST_HOLD)


def _let_strangers_leave(points: Floats, labels: Ints) -> Ints:
    """Give each row that is less like the rest of its group than `least_hold` a group of its own."""
    labels = _from_zero(labels)
    strange = cosine_to_rest(points, labels) < least_hold(points, labels)
    return np.where(strange, len(labels) + np.arange(len(labels)), labels)


def matching_threshold(points: Floats, labels: Ints) -> float:
    """Return the cosine that all but UNSURE of the rows in groups of at least MIN_STORY reach to the rest; else 1."""
    in_story = _sizes(labels)[labels] >= MIN_STORY
    return float(np.quantile(cosine_to_rest(points, labels)[in_story], UNSURE)) if in_story.any() else 1.0


def cosine_to_rest(points: Floats, labels: Ints) -> Floats:
    """Return each row's cosine to the centre of the other rows of its group, (n,); 0 where it is alone."""
    return _cosine_to_others(points, labels, _sums(points, labels), _sizes(labels))


def _cosine_to_others(rows: Floats, labels: Ints, sums: Floats, sizes: Ints) -> Floats:
    """The same for some of the rows, given the sums and sizes of whole groups."""
    onto = _dots(rows, sums, labels)
    lengths = np.square(sums, dtype=np.float64).sum(axis=1)[labels]
    rest = (onto - 1.0) / np.sqrt(np.maximum(lengths - 2.0 * onto + 1.0, 1e-12))
    return np.where(sizes[labels] > 1, rest.round(DECIMALS), 0.0).astype(np.float32)


def cosine_to_centre(points: Floats, labels: Ints) -> Floats:
    """Return each row's cosine to the centre of its group, itself included, (n,)."""
    return _dots(points, group_centres(points, labels), labels).round(DECIMALS).astype(np.float32)


def group_centres(points: Floats, labels: Ints) -> Floats:
    """Return the direction of each group's sum, (groups, d), of rows already seen by `recentre`."""
    return _unit(_sums(points, labels))


def _sums(points: Floats, labels: Ints) -> Floats:
    """Return the sum of the rows of each group, (groups, d), added in float64 in the order of the rows.

    Rows with a label of -1 belong to none.
    A few columns at a time: all of them in float64 would be twice as much as the rows themselves.
    """
    sums = np.empty((_group_count(labels), points.shape[1]), np.float32)
    belongs = membership(labels, len(sums), np.float64)
    for start in range(0, points.shape[1], BLOCK_COLUMNS):
        columns = slice(start, start + BLOCK_COLUMNS)
        sums[:, columns] = belongs @ points[:, columns].astype(np.float64)
    return sums


def membership(labels: Ints, count: int, kind: type[np.floating[Any]]) -> sparse.csr_array:
    """Return the (count, n) table of this kind of number whose product with rows is the sum of each label's rows.

    Rows with a label of -1 belong to none.
    """
    inside = np.flatnonzero(labels >= 0)
    return sparse.csr_array((np.ones(len(inside), kind), (labels[inside], inside)), shape=(count, len(labels)))


def _sizes(labels: Ints) -> Ints:
    return np.bincount(labels[labels >= 0], minlength=_group_count(labels))


def _group_count(labels: Ints) -> int:
    return int(labels.max()) + 1 if len(labels) else 0


def _from_zero(labels: Ints) -> Ints:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _numbered_by_first_row(labels: Ints) -> Ints:
    _, first, group = np.unique(labels, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[group]


# Arithmetic


def _dots(rows: Floats, groups: Floats, labels: Ints) -> Doubles:
    """Return the product of each row with the vector of its group, (n,)."""
    found = [np.einsum("nd,nd->n", rows[p], groups[labels[p]], dtype=np.float64) for p in blocks(len(rows))]
    return np.concatenate([np.zeros(0), *found])


def _unit(rows: Floats) -> Floats:
    """Return the rows at length 1; a row of zeros stays as it is."""
    return np.divide(rows, _lengths(rows))


def _lengths(rows: Floats) -> Floats:
    """Return the length of each row to divide it by, (n, 1); 1 for a row of zeros."""
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))[:, None]
    return np.where(lengths > 0, lengths, 1.0).astype(np.float32)


def _refuse_what_is_no_table(vectors: Floats) -> None:
    if vectors.ndim != 2:
        raise ValueError(f"Cannot group vectors of shape {vectors.shape}: give a table, one row per theme.")
    if not np.isfinite(vectors).all():
        raise ValueError("Cannot group vectors that hold NaN or infinity: embed those rows again.")
