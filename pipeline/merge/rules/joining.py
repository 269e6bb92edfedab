"""The pass of a run: new rows find their place among groups that stand, and nobody else has to move.

The way of a new row:

1. it joins a standing story if its ties to its nearest neighbours, whoever they are, lead mostly into that story, and
   it is as near to its nearest members as they are to each other, and nearly as members of stories usually are.
   Neighbours decide and not centres: among thousands of centres some is near by chance, among neighbours a foreign row
   finds mostly other foreign rows. Where nearly all ties lead into stories, but into several, it is between these and
   not beside them: it joins the one with most. Where fewer than half of the new rows find a story, they speak of
   something else, and who is to join must be nearer: of many strangers some are near enough by chance;
2. what joins nothing is grouped by itself, as the first rows of a registry are. What comes out is a group only if most
   of its new rows have their nearest neighbour in it: among strays some are alike because no other stray is, though a
   standing story is nearer to each of them. Such rows wait alone;
3. what waited alone near the new groups may join them by the same rule as in 1;
4. what is left is grouped once more together with what waits near it.

So a run changes no standing story but by adding to it. Only a consolidation, `partition` of all rows, does.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cached_property

import numpy as np

from pipeline.merge.rules.grouping.graph import tie_weights
from pipeline.merge.rules.grouping.neighbours import (
    Doubles,
    Floats,
    Ints,
    Neighbours,
    evenly,
    neighbour_count,
    neighbours_of,
)
from pipeline.merge.rules.grouping.partition import partition
from pipeline.merge.rules.grouping.sight import HOLD, USUAL, Sight
from pipeline.merge.rules.grouping.tightness import unlike_the_rest
from pipeline.merge.rules.grouping.vectors import MIN_STORY, centred, numbered_from_zero, shrunken_mean

MOSTLY = 0.5  # share of its ties that a row must have into a group; at 0.35, 6 % of a foreign batch joined
AS_NEAR = 0.70  # share of members' typical nearness that a newcomer must have; at 0.6, 5 % of a foreign batch joined
BETWEEN, KNOWN = 0.2, 0.8  # or this share into one story, and this share into any; rows between stories made fragments
BETWEEN_AS_NEAR = 0.85  # the same of one between stories; at 0.7, 10 instead of 3 % of six foreign dialogues joined
FOREIGN = 0.5  # new rows of which fewer than this share find a story speak of something else; of known topics 0.85 do
FOREIGN_AS_NEAR = 0.85  # nearness that these must have: of the rows read, most below it joined wrongly, few above
AS_USUAL = 0.55  # and of what is typical of all stories: in a loose one members are hardly nearer than strangers
NEAREST_MEMBERS = 3  # over which nearness is the mean; over 5 it is alike
LOOKED_AT = 60  # members of a group, spread evenly, that show how near they are to each other
ROUNDS = 3  # in which rows that joined count as members for their neighbours; a fourth changes nothing

Refused = Mapping[int, Collection[int]]


def join(
    vectors: Floats,
    standing: Ints,
    refused: Refused | None = None,
    strictness: float = 1.0,
    points: Floats | None = None,
    sight: Sight = USUAL,
) -> Ints:
    """Return the group (n,) of each row of `vectors` ((n, d), unit length); numbers below n are standing ones.

    standing: (n,) the group of each row until now, -1 for new ones. Rows of standing groups of at least MIN_STORY stay.
    refused: for some rows the standing groups they must not join. points: the rows seen from their mean, if that is
    known already. sight: how the model's vectors are judged. The same rows in any order give the same groups.
    """
    # Of what stood only stories are groups here; smaller ones wait, and their themes may join or be joined by new ones.
    points = centred(vectors, shrunken_mean(vectors)) if points is None else points
    labels = np.where(_sizes_of(standing) >= MIN_STORY, standing, -1)
    new, waiting = np.flatnonzero(standing < 0), np.flatnonzero((labels < 0) & (standing >= 0))
    near = neighbours_of(points, new, min(neighbour_count(len(points)), len(points) - 1))
    _let_join(points, labels, new, near, refused or {})
    if np.count_nonzero(labels[new] >= 0) < FOREIGN * len(new):
        labels[new] = -1
        _let_join(points, labels, new, near, refused or {}, least=FOREIGN_AS_NEAR)
    _let_go(points, labels, new, sight)
    nearest = np.full(len(points), -1, np.int64)
    nearest[new] = near.index[:, :1].ravel()
    left = new[labels[new] < 0]
    if len(left) >= MIN_STORY:
        _group(vectors, labels, left, nearest, strictness, sight, least=MIN_STORY)
        fresh = left[labels[left] >= 0]
        nearby = np.intersect1d(waiting, near.index[np.isin(new, fresh)])
        if len(nearby):
            _let_join(points, labels, nearby, neighbours_of(points, nearby, near.index.shape[1]), {})
    left = new[labels[new] < 0]
    nearby = np.intersect1d(waiting[labels[waiting] < 0], near.index[labels[new] < 0])
    if len(left):
        _group(vectors, labels, np.union1d(left, nearby), nearest, strictness, sight, least=1)
    # who waited and still waits keeps the number they had, so that their name stays
    untouched = labels < 0
    labels[untouched] = standing[untouched]
    return labels


def _sizes_of(labels: Ints) -> Ints:
    """Return for each row how many rows share its label; 0 for those without one."""
    _, group, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.where(labels >= 0, counts[group], 0)


def _group(
    vectors: Floats, labels: Ints, rows: Ints, nearest: Ints, strictness: float, sight: Sight, *, least: int
) -> None:
    """Give these rows labels of groups of their own, from len(labels) on; groups of fewer than `least` get none.

    nearest: (n,) the row nearest to each new one, among all; -1 for rows that stood.
    """
    found = np.full(len(labels), -1, np.int64)
    found[rows] = partition(vectors[rows], strictness, sight).labels
    found[rows] = _without_strays(found, nearest)[rows]
    first = max(int(labels.max(initial=0)) + 1, len(labels))
    labels[rows] = np.where(_sizes_of(found)[rows] >= least, first + found[rows], -1)


def _without_strays(found: Ints, nearest: Ints) -> Ints:
    """Return the groups (n,), -1 for rows in none, with each row alone of a group that only strays make.

    A group is one if more than MOSTLY of its new rows have in it their nearest of all rows. Grouped by themselves, rows
    have only each other for neighbours, so that grouping cannot tell.
    """
    new = np.flatnonzero((found >= 0) & (nearest >= 0))
    at_home = new[found[nearest[new]] == found[new]]
    count = int(found.max(initial=-1)) + 1
    new_ones, near_ones = np.bincount(found[new], minlength=count), np.bincount(found[at_home], minlength=count)
    is_none = near_ones <= MOSTLY * new_ones
    return np.where((found >= 0) & is_none[found], count + np.arange(len(found)), found)


# --- Joining by neighbours ----------------------------------------------------------------------------------------


def _let_join(
    points: Floats, labels: Ints, rows: Ints, near: Neighbours, refused: Refused, *, least: float = 0.0
) -> None:
    """Write into `labels` the group of each of the rows that belongs to one; `near` are the neighbours of these.

    least: the share of members' typical nearness that each must have, however many of its ties lead into the group.
    """
    nearness = _Nearness(points, labels)
    weights = tie_weights(near.cosine)
    all_of_it = weights.sum(axis=1, dtype=np.float64)
    members = labels[near.index]  # as they are now: rows that join do not lower what the next must reach
    # Nearness to members does not change between rounds, so who was turned down at a bar is not measured again.
    turned_down: set[tuple[int, int, float]] = set()
    for _ in range(ROUNDS):
        joining = {}
        for place in np.flatnonzero(labels[rows] < 0).tolist():
            row = int(rows[place])
            group, share, known = _heaviest(labels[near.index[place]], weights[place] / all_of_it[place])
            as_near = AS_NEAR if share > MOSTLY else BETWEEN_AS_NEAR if share > BETWEEN and known > KNOWN else 0.0
            if not as_near or group in refused.get(row, ()) or (row, group, as_near) in turned_down:
                continue
            enough = max(max(as_near, least) * nearness.usual(group), AS_USUAL * nearness.typical)
            if nearness.of(row, group, near.cosine[place][members[place] == group]) >= enough:
                joining[row] = group
            else:
                turned_down.add((row, group, as_near))
        if not joining:
            break
        # after the round, so that the order of the rows within it does not matter
        labels[list(joining)] = list(joining.values())


def _let_go(points: Floats, labels: Ints, rows: Ints, sight: Sight) -> None:
    """Where a profile is strict, take back in `labels` those of the rows that are too unlike the rest of their group.

    Else the ties and the nearness that a row must have to join are bar enough: at the usual `hold` next to none of the
    rows that pass them is below it.
    """
    if sight.hold <= HOLD:
        return
    inside = np.flatnonzero(labels >= 0)
    unlike = inside[unlike_the_rest(points[inside], numbered_from_zero(labels[inside]), sight)]
    labels[np.intersect1d(unlike, rows)] = -1


def _heaviest(groups: Ints, shares: Floats) -> tuple[int, float, float]:
    """Return the group that most of a row's ties lead into, their share, and the share of those into any group.

    -1 and 0 if none leads into a group.
    """
    found: dict[int, float] = defaultdict(float)
    for group, share in zip(groups.tolist(), shares.tolist(), strict=True):
        if group >= 0:
            found[group] += share
    group = max(found, key=lambda group: (found[group], -group), default=-1)
    return group, found.get(group, 0.0), sum(found.values())


class _Nearness:
    """How near the members of groups are to their nearest others, and how near other rows are to them.

    Members are those at the start: rows that join do not lower what the next must reach.
    """

    def __init__(self, points: Floats, labels: Ints) -> None:
        self.points = points
        self.order = np.argsort(labels, kind="stable")
        self.sorted = labels[self.order]
        self.found: dict[int, float] = {}

    def usual(self, group: int) -> float:
        """Return the median nearness of members, some of them looked at."""
        if group not in self.found:
            members = self._members(group)
            some = members[evenly(len(members), LOOKED_AT)]
            self.found[group] = float(np.median(self._nearness(some, members)))
        return self.found[group]

    @cached_property
    def typical(self) -> float:
        """The median over stories of what is usual in them, 0 if there are none; some of very many are looked at."""
        numbers, sizes = np.unique(self.sorted[self.sorted >= 0], return_counts=True)
        stories = numbers[sizes >= MIN_STORY]
        some = stories[evenly(len(stories), LOOKED_AT)] if len(stories) else stories
        return float(np.median([self.usual(story) for story in some.tolist()])) if len(some) else 0.0

    def of(self, row: int, group: int, cosines: Floats) -> float:
        """Return a row's nearness; `cosines` are those to members among its neighbours, the nearest first."""
        members = self._members(group)
        count = min(NEAREST_MEMBERS, len(members) - 1)
        if len(cosines) >= count:
            return float(cosines[:count].mean(dtype=np.float64))
        return float(self._nearness(np.array([row]), members)[0])

    def _members(self, group: int) -> Ints:
        first, end = np.searchsorted(self.sorted, [group, group + 1])
        return np.sort(self.order[first:end])

    def _nearness(self, rows: Ints, members: Ints) -> Doubles:
        """Return the mean cosine of each row to its nearest members other than itself."""
        # float64 and rounded, for the reason of `neighbours.products`
        cosines = (self.points[rows].astype(np.float64) @ self.points[members].astype(np.float64).T).round(5)
        cosines[rows[:, None] == members[None, :]] = -np.inf
        count = min(NEAREST_MEMBERS, len(members) - 1)
        largest = np.partition(cosines, cosines.shape[1] - count, axis=1)[:, cosines.shape[1] - count :]
        # summed from the largest on, so that the last bits are the same whatever order they were found in
        nearest: Doubles = np.sort(largest, axis=1)[:, ::-1].mean(axis=1)
        return nearest
