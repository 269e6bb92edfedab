"""Parts groups in two where hardly anybody knows anybody of the other part.

One resolution serves the whole graph, and where a set mixes dense and sparse regions, or long dialogues and short
commands, it is too coarse for some of them: a community then holds two populations, or a small theme beside a large
one. A row near to neither of them has to have neighbours all the same, so the graph ties the parts by what only one
side calls near. Mutual ties tell: each is among the other's nearest. Inside a theme most ties are, between strangers
next to none. The rule looks at one group at a time, so that each neighbourhood has a resolution of its own.
"""

import numpy as np
import scipy  # loads its parts when they are first used

from pipeline.merge.rules.grouping.neighbours import DECIMALS, Doubles, Floats, Ints
from pipeline.merge.rules.grouping.resolutions import communities
from pipeline.merge.rules.grouping.vectors import MIN_STORY, group_sizes, group_sums

STRANGERS = 0.01
"""Share of the smaller part's mutual ties that may lead into the other part of what is parted. From 0 to 0.02 every set
gains or stays as it is (benchmarks/QUALITY.md); from 0.04 on themes are torn."""

UNALIKE = 0.60
"""And the mean cosine between them is at most this share of that inside the looser one: where a large set is dense,
each row's nearest are copies of its own wording, so that parts of one theme share no mutual ties either."""

FINER = 4.0
"""Resolution at which the parts of a group are looked for, before those that know each other are joined again."""


def part_strangers(points: Floats, labels: Ints, members: Ints, mutual: "scipy.sparse.csr_array") -> Ints:
    """Return the labels, (n,), of the `points` with each group parted whose parts are strangers to each other.

    mutual: (m, m) weights of the ties that either side has among its nearest, of the m `members` among the n rows; rows
    with a label of -1 are in no group. The largest part keeps the label, and so do the few rows that are no part.
    """
    if not mutual.nnz:
        return labels
    parted, unused = labels.copy(), int(labels.max(initial=-1)) + 1
    order = np.argsort(labels[members], kind="stable")  # groups one after another: blocks along the diagonal
    blocks, own = mutual[order][:, order].tocsr(), labels[members][order]
    numbers, starts = np.unique(own, return_index=True)
    for number, start, end in zip(numbers.tolist(), starts.tolist(), [*starts[1:].tolist(), len(own)], strict=True):
        if number < 0 or end - start < 2 * MIN_STORY:
            continue
        part_of = _parts(blocks[start:end, start:end].astype(np.float64), points[members[order[start:end]]])
        sizes = np.bincount(part_of)
        large = [part for part in np.argsort(-sizes, kind="stable").tolist() if sizes[part] >= MIN_STORY]
        for part in large[1:]:
            parted[members[order[start:end][part_of == part]]] = unused
            unused += 1
    return parted


def _parts(ties: "scipy.sparse.csr_array", points: Floats) -> Ints:
    """Return the part, (n,), of each row of one group: finer communities, joined until all that is left are strangers.

    Those are joined first that share most of the ties of the smaller of them, then those that are most alike.
    """
    if not ties.nnz:
        return np.zeros(ties.shape[0], np.int64)
    ties.sort_indices()
    atoms = communities(ties, FINER)
    part_of, shared = np.arange(int(atoms.max()) + 1), _ties_between(atoms, ties)
    sums, sizes = group_sums(points, atoms).astype(np.float64), group_sizes(atoms)
    products = sums @ sums.T
    while True:
        pair = _highest(_share_of_ties(shared), STRANGERS) or _highest(_likeness(products, sizes), UNALIKE)
        if pair is None:
            return part_of[atoms]
        one, other = pair
        for table in (shared, shared.T, products, products.T, sizes):
            table[one] += table[other]
            table[other] = 0
        part_of[part_of == other] = one


def _highest(table: Doubles, least: float) -> tuple[int, int] | None:
    """Return the first two parts with the highest number in the table, (parts, parts), if that is above `least`."""
    one, other = divmod(int(table.argmax()), len(table))
    return (one, other) if table[one, other] > least else None


def _share_of_ties(shared: Doubles) -> Doubles:
    """Return for each two parts the weight between them as a share of all of the smaller one's, (parts, parts)."""
    every = shared.sum(axis=1)
    share: Doubles = (shared / np.maximum(np.minimum(every[:, None], every[None, :]), 1e-9)).round(DECIMALS)
    np.fill_diagonal(share, 0.0)
    return share


def _likeness(products: Doubles, sizes: Ints) -> Doubles:
    """Return for each two parts the mean cosine across them, of that inside the looser one; 0 for parts that are gone.

    products: those of the parts' sums, (parts, parts). A part of one row has none inside: that of the other counts.
    """
    pairs = sizes * (sizes - 1)
    inside = np.where(pairs > 0, (products.diagonal() - sizes) / np.maximum(pairs, 1), 1.0)
    across = products / np.maximum(sizes[:, None] * sizes[None, :], 1)
    alike: Doubles = (across / np.maximum(np.minimum(inside[:, None], inside[None, :]), 1e-9)).round(DECIMALS)
    np.fill_diagonal(alike, 0.0)
    return alike


def _ties_between(atoms: Ints, ties: "scipy.sparse.csr_array") -> Doubles:
    """Return the weight of all ties from each part to each, (parts, parts)."""
    count = int(atoms.max()) + 1
    rows = np.repeat(atoms, np.diff(ties.indptr))
    found = np.bincount(rows * count + atoms[ties.indices], weights=ties.data, minlength=count * count)
    between: Doubles = found.astype(np.float64).reshape(count, count)
    return between
