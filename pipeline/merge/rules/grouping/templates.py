"""Groups of one wording each, brought together: forms, templates, the same sentence with another number.

Where most texts are copies with small changes, each row's nearest neighbours are copies of its own wording. The graph
then falls apart between wordings, and no resolution brings together what two of them mean. So each such group is taken
for one text, with its rows as its weight, and these few texts are grouped as a small set is: by average linkage.
"""

import numpy as np
import scipy  # loads its parts when they are first used

from pipeline.merge.rules.grouping.neighbours import Doubles, Floats, Ints
from pipeline.merge.rules.grouping.sight import USUAL, Sight
from pipeline.merge.rules.grouping.tightness import TIGHTNESS, fit, inner_cosines
from pipeline.merge.rules.grouping.vectors import MIN_STORY, group_sizes, group_sums, numbered_from_zero

ONE_WORDING = TIGHTNESS + 0.18  # mean cosine inside a group; own words for one theme reach 0.50 to 0.77
NEARLY_ONE = TIGHTNESS + 0.10  # that of groups that are joined where most rows are in groups of one wording
MOSTLY_COPIES = 0.5  # share of rows in such groups from which on a set consists of templates; others have 0 to 0.35
WORTH_JOINING = 0.05  # gain in fit; templates of one problem gain 0.17 to 0.19, tight problems of their own up to 0.03
CUTS = np.arange(4, 11) / 20  # mean cosines between groups at which joining may stop, as in a small set


def join_wordings(points: Floats, rows: Floats, labels: Ints, sight: Sight = USUAL) -> Ints:
    """Return the groups (n,) with those of one wording each joined, if most rows are in such groups.

    They are joined only where that fits clearly better: tight groups may as well be problems of their own.
    `points` are the `rows` seen from their common origin. Rows with a label of -1 stay without a group.
    """
    inside = labels >= 0
    numbered = np.where(inside, 0, -1)
    numbered[inside] = numbered_from_zero(labels[inside])
    sizes = group_sizes(numbered)
    inner, is_story = inner_cosines(rows, numbered), sizes >= MIN_STORY
    # a set of people's own words is left alone: only templates have most of their rows in such groups
    if sizes[is_story & (inner > ONE_WORDING)].sum() < MOSTLY_COPIES * len(labels):
        return labels
    tight = np.flatnonzero(is_story & (inner > NEARLY_ONE))
    if len(tight) < 2:
        return labels
    # means of their rows and not unit centres: their products are the mean cosines between rows, as in a small set
    means = group_sums(points, numbered)[tight] / sizes[tight][:, None]
    distances = np.maximum(1.0 - (means.astype(np.float64) @ means.T.astype(np.float64)).round(5), 0.0)
    np.fill_diagonal(distances, 0.0)
    tree = scipy.cluster.hierarchy.linkage(scipy.spatial.distance.squareform(distances, checks=False), method="average")
    joined = [_joined(numbered, tight, _cut(tree, cut)) for cut in CUTS]
    fits = [fit(points, rows, labels, sight) for labels in joined]
    best = int(np.argmax(fits))
    return joined[best] if fits[best] >= fit(points, rows, numbered, sight) + WORTH_JOINING else numbered


def _cut(tree: Doubles, cut: float) -> Ints:
    return scipy.cluster.hierarchy.fcluster(tree, 1.0 - cut, criterion="distance").astype(np.int64)


def _joined(labels: Ints, groups: Ints, families: Ints) -> Ints:
    """Return the labels where each of these groups bears the number of the first group of its family."""
    number = np.arange(int(labels.max()) + 1)
    for family in np.unique(families):
        members = groups[families == family]
        number[members] = members[0]
    joined = np.where(labels >= 0, number[labels], -1)
    joined[labels >= 0] = numbered_from_zero(joined[labels >= 0])
    return joined
