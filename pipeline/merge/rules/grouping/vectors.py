"""Arithmetic on rows of vectors and labels of groups.

Labels are whole numbers, one a row; unless a function says otherwise they run from 0 without gaps. Sums are taken in
float64 or in the order of the rows, so that they are the same bits each time, and so are lengths: the last bit of a
row may decide a neighbour.
"""

from typing import Any, TypeVar

import numpy as np
import scipy  # loads its parts when they are first used

from pipeline.merge.rules.grouping.neighbours import Doubles, Floats, Ints, blocks

Wide = TypeVar("Wide", Floats, Doubles)


def sums_by_label(rows: Floats, labels: Ints, count: int) -> Floats:
    """Return the (count, d) sums of the rows of each label, added in row order."""
    sums: Floats = membership(labels, count, np.float32) @ rows
    return sums


def unit(rows: Wide) -> Wide:
    """Return the rows, (n, d), at length 1 and as precise as they came; a row of zeros stays one."""
    return rows / row_lengths(rows)


def unit_vector(vector: Floats | Doubles) -> Floats:
    """Return a vector, (d,), at length 1, the same bits on every machine; one of zeros stays one."""
    wide = vector.astype(np.float64)
    length = np.sqrt(np.square(wide).sum())  # no BLAS: its kernels differ in bits from processor to processor
    found: Floats = (wide / (length or 1.0)).astype(np.float32)
    return found


MIN_STORY = 3  # rows that make a story (docs/glossary.md); profiles' gates may ask for more conversations
SHRINKAGE_ROWS = 20  # of the mean of n rows, n / (n + 20) is taken away: few rows do not show what is common to all
BLOCK_COLUMNS = 32  # columns per sum: bounds what is in memory


def shrunken_mean(rows: Floats) -> Floats:
    """Return what to take away from each row, (d,): the mean, less of it the fewer rows there are."""
    if not len(rows):
        return np.zeros(rows.shape[1], np.float32)
    share = len(rows) / (len(rows) + SHRINKAGE_ROWS)
    mean: Doubles = rows.mean(axis=0, dtype=np.float64)
    return (share * mean).astype(np.float32)


def centred(rows: Floats, origin: Floats) -> Floats:
    """Return the rows seen from `origin`, at unit length again."""
    seen: Floats = rows - origin
    seen /= row_lengths(seen)
    return seen


def group_centres(points: Floats, labels: Ints) -> Floats:
    """Return the direction of each group's sum, (groups, d), of rows that are `centred`."""
    return unit(group_sums(points, labels))


def group_sums(points: Floats, labels: Ints) -> Floats:
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


def membership(labels: Ints, count: int, kind: type[np.floating[Any]]) -> "scipy.sparse.csr_array":
    """Return the (count, n) table of this kind of number whose product with rows is the sum of each label's rows.

    Rows with a label of -1 belong to none.
    """
    # A sparse table of ones: its product with the rows adds them up without copying the members of any group.
    inside = np.flatnonzero(labels >= 0)
    return scipy.sparse.csr_array((np.ones(len(inside), kind), (labels[inside], inside)), shape=(count, len(labels)))


def group_sizes(labels: Ints) -> Ints:
    """Return how many rows each label has, (groups,); rows with a label of -1 do not count."""
    return np.bincount(labels[labels >= 0], minlength=_group_count(labels))


def _group_count(labels: Ints) -> int:
    return int(labels.max()) + 1 if len(labels) else 0


def numbered_from_zero(labels: Ints) -> Ints:
    """Return the labels, (n,), numbered from 0 without gaps, in the order of their numbers."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def numbered_by_first_row(labels: Ints) -> Ints:
    """Return the labels, (n,), numbered from 0 by the first row of each."""
    _, first, group = np.unique(labels, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    # the number of each label is the rank of its first row
    number[np.argsort(first)] = np.arange(len(first))
    return number[group]


def row_dots(rows: Floats, groups: Floats, labels: Ints) -> Doubles:
    """Return the product of each row with the vector of its group, (n,)."""
    found = [np.einsum("nd,nd->n", rows[p], groups[labels[p]], dtype=np.float64) for p in blocks(len(rows))]
    return np.concatenate([np.zeros(0), *found])


def row_lengths(rows: Wide) -> Wide:
    """Return the length of each row to divide it by, (n, 1), of the rows' own kind of number; 1 for a row of zeros."""
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))[:, None]
    return np.where(lengths > 0, lengths, 1.0).astype(rows.dtype)
