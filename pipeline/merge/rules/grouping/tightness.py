"""How well groups fit: tight inside, apart from each other, and what each row is to its group."""

import numpy as np
from numpy.typing import NDArray

from pipeline.merge.rules.grouping.neighbours import DECIMALS, Doubles, Floats, Ints, evenly, products
from pipeline.merge.rules.grouping.sight import USUAL, Sight
from pipeline.merge.rules.grouping.vectors import (
    MIN_STORY,
    group_centres,
    group_sizes,
    group_sums,
    numbered_from_zero,
    row_dots,
    unit,
)

LEAST_HOLD = 0.10  # floor of what `Sight.hold` asks for
UNSURE = 0.10  # share of rows below the matching threshold; held out: 84 % of old themes pass, 27 % of new
TIGHTNESS = 0.63  # mean cosine inside groups as the model places them; F1 was best at 0.60-0.67 (once 0.58, once 0.44)
FEW_TOO_TIGHT = 0.6  # weight of it in a small set, whose groups of a few rows are the tighter the fewer they are
SEEN_ROWS = 20_000  # rows, evenly spread, that the next group is looked up for when a resolution is judged


def fit(points: Floats, rows: Floats, labels: Ints, sight: Sight = USUAL) -> float:
    """Tell how well groups fit: how clearly each row prefers its own, less how far they are from TIGHTNESS.

    The first part alone would not settle where themes shade into each other: its curve is flat there. Rows with a label
    of -1 are left out of both.
    """
    return clearness(points, labels) - off_tightness(rows, labels, sight)


def clearness(points: Floats, labels: Ints) -> float:
    """Tell how clearly rows prefer their own group to the next one, -1 to 1.

    The mean silhouette by centres of the centred `points` (Rousseeuw 1987; own centre without the row itself), 0 for
    rows in groups too small for a story.
    """
    return float(_silhouettes(points, labels).mean())


def off_tightness(rows: Floats, labels: Ints, sight: Sight = USUAL) -> float:
    """Tell how far groups are from TIGHTNESS; off on either side costs, each by the model's own weight.

    Looks at `rows` as the model places them: how alike two texts of one theme are depends on the model and hardly on
    what else is in the set, while seen from the set's own middle the same theme looks the looser the fewer other themes
    there are.
    """
    beyond = _mean_inner_cosine(rows, labels) - TIGHTNESS
    return (sight.too_tight if beyond > 0 else sight.too_loose) * abs(beyond)


def _silhouettes(points: Floats, labels: Ints) -> Floats:
    """Return the silhouette of rows spread evenly over the canonical order, at most SEEN_ROWS of them."""
    inside = np.flatnonzero(labels >= 0)
    seen = inside[evenly(len(inside), SEEN_ROWS)]
    rows, groups, sums, sizes = points[seen], labels[seen], group_sums(points, labels), group_sizes(labels)
    own = _cosine_to_others(rows, groups, sums, sizes)
    other = _cosine_to_next_group(rows, groups, unit(sums))
    clearer = (own - other) / np.maximum(1.0 - np.minimum(own, other), 1e-6)
    return np.where(sizes[groups] < MIN_STORY, 0.0, clearer).astype(np.float32)


def _mean_inner_cosine(rows: Floats, labels: Ints) -> float:
    """Return the mean over rows of unit length of their mean cosine to the other rows of their group; 0 if alone.

    The cosines of all pairs of a group, each row with itself included, add up to the square of the group's sum.
    """
    sizes = group_sizes(labels)
    return float((inner_cosines(rows, labels) * sizes).sum() / sizes.sum())


def inner_cosines(rows: Floats, labels: Ints) -> Doubles:
    """Return the mean cosine between two rows of each group, (g,); 0 for a group of one."""
    sizes = group_sizes(labels)
    pairs = np.square(group_sums(rows, labels), dtype=np.float64).sum(axis=1) - sizes
    found: Doubles = pairs / np.maximum(sizes * (sizes - 1), 1)
    return found


def _cosine_to_next_group(points: Floats, labels: Ints, centres: Floats) -> Floats:
    """Return each row's cosine to the nearest centre of another group, (n,); 0, as of a stranger, if there is none."""
    if len(centres) == 1:
        return np.zeros(len(points), np.float32)
    nearest = []
    for part, cosines in products(points, centres):
        cosines[np.arange(len(cosines)), labels[part]] = -1.0
        nearest.append(cosines.max(axis=1))
    return np.concatenate(nearest)


def unlike_the_rest(points: Floats, labels: Ints, sight: Sight = USUAL) -> NDArray[np.bool_]:
    """Return which rows, (n,), are too unlike the rest of their group to stay; a row that is alone is none of them.

    Too unlike is less than the share `sight.hold` of the median cosine that rows have to the rest of their group.
    """
    cosines, shared = cosine_to_rest(points, labels), group_sizes(labels)[labels] > 1
    if not shared.any():
        return np.zeros(len(labels), bool)
    found: NDArray[np.bool_] = shared & (cosines < max(float(sight.hold * np.median(cosines[shared])), LEAST_HOLD))
    return found


def let_outliers_leave(points: Floats, labels: Ints, sight: Sight = USUAL) -> Ints:
    """Give each row that is `unlike_the_rest` of its group a group of its own."""
    labels = numbered_from_zero(labels)
    return np.where(unlike_the_rest(points, labels, sight), len(labels) + np.arange(len(labels)), labels)


def matching_threshold(points: Floats, labels: Ints) -> float:
    """Return the cosine that all but UNSURE of the rows in groups of at least MIN_STORY reach to the rest; else 1."""
    in_story = group_sizes(labels)[labels] >= MIN_STORY
    return float(np.quantile(cosine_to_rest(points, labels)[in_story], UNSURE)) if in_story.any() else 1.0


def cosine_to_rest(points: Floats, labels: Ints) -> Floats:
    """Return each row's cosine to the centre of the other rows of its group, (n,); 0 where it is alone."""
    return _cosine_to_others(points, labels, group_sums(points, labels), group_sizes(labels))


def _cosine_to_others(rows: Floats, labels: Ints, sums: Floats, sizes: Ints) -> Floats:
    """The same for some of the rows, given the sums and sizes of whole groups."""
    onto = row_dots(rows, sums, labels)
    lengths = np.square(sums, dtype=np.float64).sum(axis=1)[labels]
    # the row itself is taken out of the sum: s.x - 1 over the length of s - x, both from s alone
    rest = (onto - 1.0) / np.sqrt(np.maximum(lengths - 2.0 * onto + 1.0, 1e-12))
    return np.where(sizes[labels] > 1, rest.round(DECIMALS), 0.0).astype(np.float32)


def cosine_to_centre(points: Floats, labels: Ints) -> Floats:
    """Return each row's cosine to the centre of its group, itself included, (n,)."""
    return row_dots(points, group_centres(points, labels), labels).round(DECIMALS).astype(np.float32)
