"""Which rows are nearest to each row: exactly up to EXACT_ROWS rows, nearly so beyond; and products in blocks.

Repeatable on any processor, with any number of threads: products that decide are of float64 and rounded, float32 and
the index only propose.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import onnxruntime  # noqa: F401  before usearch: imported after it, it ends the process (1.31.1 and 2.26.6)
from numpy.typing import NDArray
from usearch.index import Index

ROOT_SHARE = 2.5  # neighbours = sqrt(n) / 2.5: 7 of 300 rows, 22 of 3,000; groups grow with n, so must the graph
FEWEST_NEIGHBOURS, MOST_NEIGHBOURS = 3, 30
EXACT_ROWS = 20_000  # rows up to which all pairs are compared; beyond, an index proposes the neighbours
INDEX_WIDTH = 128  # numbers of a vector, of the widest directions, that the index sees, each in 8 bits
INDEX_LINKS, INDEX_EFFORT = 16, 48  # a row's links in the index, and how many rows a search holds in hand
REGIONS = 512  # in which rows are searched for; more or fewer change the time and nothing else
ROUGHNESS = 1e-4  # more than float32 and rounding can move a cosine of up to 1,500 numbers
SPARE = 15  # more neighbours than wanted are proposed, and the best by their exact cosines are taken
STRETCH = 64  # columns of a wide table that are looked through together
BLOCK_ROWS = 512  # rows per product: bounds what is in memory
PRODUCT_COLUMNS = 8192  # points per product where neighbours are looked for: 17 MB of cosines with a block of rows
DECIMALS = 5  # similarities are rounded to this: far above the noise of float64 sums, below what matters

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Neighbours:
    """The k most similar other rows of each of m rows, nearest first: index (m, k) and cosine (m, k)."""

    index: Ints
    cosine: Floats


def neighbour_count(rows: int) -> int:
    """Return how many neighbours each of `rows` rows looks at."""
    return int(np.clip(round(rows**0.5 / ROOT_SHARE), FEWEST_NEIGHBOURS, MOST_NEIGHBOURS))


def nearest_neighbours(points: Floats, count: int) -> Neighbours:
    """Find the `count` most similar other rows of each row; of equal ones, the first in canonical order.

    Exactly up to EXACT_ROWS rows, whose time grows with n squared; beyond, nine of ten of them by an index.
    """
    if len(points) > EXACT_ROWS:
        return _by_index(points, count)
    return neighbours_of(points, np.arange(len(points)), count)


def neighbours_of(points: Floats, rows: Ints, count: int) -> Neighbours:
    """Find exactly the `count` most similar other points of these rows only, (len(rows), count)."""
    near = _no_neighbours(len(rows), count)

    def compare(part: slice) -> None:
        index, cosine = _compared_with_all(points, rows[part], count)
        near.index[part], near.cosine[part] = index, cosine

    _in_parallel(compare, len(rows))
    return near


def _compared_with_all(points: Floats, rows: Ints, count: int) -> tuple[Ints, Floats]:
    """Compare these rows with all points roughly, and with those that may be among the nearest exactly."""
    keys, bound = _proposed_by_product(points, rows, count)
    index, cosine = _nearest_of(points, rows, keys, count)
    # If the last one taken is no clearer than what float32 left out may be, noise could have hidden a nearer row: those
    # few are compared with all in float64.
    if (unsure := cosine[:, -1] <= bound + ROUGHNESS).any():
        index[unsure], cosine[unsure] = _nearest_of_all(points, rows[unsure], count)
    return index, cosine


def _no_neighbours(rows: int, count: int) -> Neighbours:
    return Neighbours(np.empty((rows, count), np.int64), np.empty((rows, count), np.float32))


def _proposed_by_product(points: Floats, rows: Ints, count: int) -> tuple[Ints, Floats]:
    """Return the rows nearest to each of `rows` by a product in float32, and a bound on the cosine of all others, (b,).

    float32 takes half as long. Its noise depends on the processor's kernels, so that it may propose and not decide.
    """
    wanted, own = min(count + SPARE, len(points) - 1), points[rows]
    found_keys, found_cosines = [], []
    # A part of the points at a time: the table of cosines with all of 100,000 would be 200 MB of new memory a block.
    for start, end in pairwise(np.linspace(0, len(points), -(-len(points) // PRODUCT_COLUMNS) + 1).astype(np.int64)):
        cosines = own @ points[start:end].T
        among = np.flatnonzero((rows >= start) & (rows < end))
        cosines[among, rows[among] - start] = -np.inf
        keys = _largest_columns(cosines, min(wanted, cosines.shape[1]))
        found_keys.append(keys + start)
        found_cosines.append(np.take_along_axis(cosines, keys, axis=1))
    keys, cosines = np.hstack(found_keys), np.hstack(found_cosines)
    best = np.argpartition(cosines, keys.shape[1] - wanted, axis=1)[:, keys.shape[1] - wanted :]
    rest = -np.inf if wanted == len(points) - 1 else np.take_along_axis(cosines, best, axis=1).min(axis=1)
    return np.take_along_axis(keys, best, axis=1), np.broadcast_to(rest, len(rows))


def _largest_columns(table: Floats, wanted: int) -> Ints:
    """Return the columns of the `wanted` largest numbers of each row, (b, wanted), in no order.

    A partition of whole rows would take longer than the product that made them. So the columns of a wide table are
    dealt out to stretches of STRETCH: at least `wanted` numbers reach the `wanted`-th largest maximum of a stretch, and
    hardly more do, since two of the largest are seldom in one stretch. Only these few are partitioned.
    """
    count = table.shape[1]
    # there every stretch might hold one of them, and looking by stretches saves nothing
    if count <= wanted * STRETCH:
        return np.argpartition(table, count - wanted, axis=1)[:, count - wanted :]
    stretches = count // STRETCH
    # columns that are `stretches` apart make one: so the maximum is taken over whole rows at a time
    dealt = table[:, : stretches * STRETCH].reshape(len(table), STRETCH, stretches)
    least = np.partition(dealt.max(axis=1), stretches - wanted, axis=1)[:, stretches - wanted]
    # as one long row: numpy looks through that eight times as fast as through a table
    rows, columns = np.divmod(np.flatnonzero(table >= least[:, None]), count)
    # row by row they are side by side now; those with fewer than the most are filled up
    first = np.searchsorted(rows, np.arange(len(table) + 1))
    place, width = np.arange(len(rows)) - first[rows], int(np.diff(first).max())
    found, keys = np.full((len(table), width), -np.inf, table.dtype), np.zeros((len(table), width), np.int64)
    found[rows, place], keys[rows, place] = table[rows, columns], columns
    return np.take_along_axis(keys, np.argpartition(found, width - wanted, axis=1)[:, width - wanted :], axis=1)


def _nearest_of(points: Floats, rows: Ints, keys: Ints, count: int) -> tuple[Ints, Floats]:
    """Return index and exact cosine, both (b, count), of the nearest of `keys`, (b, k), to each of `rows`, (b,)."""
    cosine = np.stack([_cosines(points[near], points[row]) for row, near in zip(rows, keys, strict=True)])
    cosine[keys == rows[:, None]] = -np.inf
    # by cosine, equal ones by their place in canonical order
    order = np.lexsort((keys, -cosine), axis=1)[:, :count]
    return np.take_along_axis(keys, order, axis=1), np.take_along_axis(cosine, order, axis=1)


def _nearest_of_all(points: Floats, rows: Ints, count: int) -> tuple[Ints, Floats]:
    """Return the same of all points."""
    _, cosines = next(products(points[rows], points))
    cosines[np.arange(len(rows)), rows] = -np.inf
    index = np.stack([_largest(row, count) for row in cosines])
    return index, np.take_along_axis(cosines, index, axis=1)


def _largest(numbers: Floats, count: int) -> Ints:
    """Return the places of the `count` largest numbers, the largest first; of equal ones, the first ones."""
    # a partition alone picks among equals by chance; this takes all of them and then the first
    places = np.flatnonzero(numbers >= np.partition(numbers, -count)[-count])
    return places[np.argsort(-numbers[places], kind="stable")[:count]]


def _cosines(rows: Floats, row: Floats) -> Floats:
    """Return the rounded cosine of each of the rows to one, (n,); in float64 for the reason of `products`."""
    return (rows.astype(np.float64) @ row.astype(np.float64)).round(DECIMALS).astype(np.float32)


def _by_index(points: Floats, count: int) -> Neighbours:
    """Let an approximate index (HNSW, Malkov and Yashunin 2016, arXiv 1603.09320) propose, and compare exactly.

    Built by one thread with rows in canonical order: with several, the same rows may get other neighbours. Searches
    change nothing, so they take all processors, and rows of one region one after another: what they look at is still
    in the processor's cache then.
    """
    narrow = _widest_directions(points)
    index = Index(
        ndim=narrow.shape[1],
        metric="cos",
        dtype="i8",
        connectivity=INDEX_LINKS,
        expansion_add=INDEX_EFFORT,
        expansion_search=INDEX_EFFORT,
    )
    # threads=1: see above
    index.add(np.arange(len(points)), narrow, threads=1)
    order, near = _by_region(narrow), _no_neighbours(len(points), count)
    # one more than wanted, for a row finds itself
    proposed = index.search(narrow[order], count + 1 + SPARE).keys

    def compare(part: slice) -> None:
        rows = order[part]
        near.index[rows], near.cosine[rows] = _nearest_of(points, rows, proposed[part].astype(np.int64), count)

    _in_parallel(compare, len(points))
    return near


def _by_region(points: Floats) -> Ints:
    """Return the rows in an order in which those that are most like the same one of REGIONS rows are together."""
    seeds = points[evenly(len(points), REGIONS)]
    regions = np.concatenate([(points[part] @ seeds.T).argmax(axis=1) for part in blocks(len(points))])
    return np.argsort(regions, kind="stable")


def _widest_directions(points: Floats) -> Floats:
    """Return the rows along the INDEX_WIDTH directions in which they differ most, (n, INDEX_WIDTH).

    In float64 for the reason of `products`: another neighbour can come of each number that is rounded otherwise.
    """
    square = sum(part.T @ part for part in (points[rows].astype(np.float64) for rows in blocks(len(points))))
    directions = np.linalg.eigh(square)[1][:, -INDEX_WIDTH:]
    narrow = np.empty((len(points), directions.shape[1]), np.float32)
    for rows in blocks(len(points)):
        narrow[rows] = (points[rows].astype(np.float64) @ directions).round(DECIMALS)
    return narrow


# Arithmetic


def evenly(count: int, most: int) -> Ints:
    """Return all places of `count`, or `most` of them, spread evenly."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def blocks(count: int) -> Iterator[slice]:
    """Return slices of at most BLOCK_ROWS that together are `count` rows."""
    return (slice(start, min(start + BLOCK_ROWS, count)) for start in range(0, count, BLOCK_ROWS))


def _in_parallel(work: Callable[[slice], None], count: int) -> None:
    """Do the work of each block of `count` rows, in as many threads as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, blocks(count)))


def products(rows: Floats, others: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield slices of `rows` with their rounded cosines to all `others`, (b, m).

    In float64: the noise of float32 depends on the processor's kernels and moves some roundings, and a graph of a few
    other edges can be cut into other groups.
    """
    wide = others.T.astype(np.float64)
    for part in blocks(len(rows)):
        yield part, np.round(rows[part].astype(np.float64) @ wide, DECIMALS).astype(np.float32)
