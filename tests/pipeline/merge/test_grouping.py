"""What `pipeline.signatures.cluster` promises, on rows made here; one test measures it on labelled questions."""

import gzip
import itertools
import json
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.extract.embedding import Embedder
from pipeline.merge.rules.grouping import graph, neighbours
from pipeline.merge.rules.grouping.neighbours import Floats
from pipeline.merge.rules.grouping.partition import Partition, _let_join, partition
from pipeline.merge.rules.grouping.sight import STRICT_HOLD, Sight
from pipeline.merge.rules.grouping.tightness import let_outliers_leave
from pipeline.merge.rules.grouping.vectors import centred, group_centres

WIDTH = 384  # of the sentence model's vectors
LABELLED = Path(__file__).resolve().parents[3] / "shared" / "data" / "banking77_train.jsonl.gz"


def unit(rows: NDArray[np.float64]) -> Floats:
    lengths: NDArray[np.float64] = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / lengths, np.float32)


def themes(sizes: list[int], *, spread: float = 0.6, seed: int = 7) -> Floats:
    """Return rows around as many directions as there are sizes; cosine inside a theme is about 1 / (1 + spread**2)."""
    draw = np.random.default_rng(seed)
    centres = unit(draw.standard_normal((len(sizes), WIDTH)))
    noise = draw.standard_normal((sum(sizes), WIDTH)) / np.sqrt(WIDTH)
    return unit(np.repeat(centres, sizes, axis=0) + spread * noise)


def strangers(count: int, *, seed: int = 11) -> Floats:
    return unit(np.random.default_rng(seed).standard_normal((count, WIDTH)))


def sets_of(found: Partition) -> set[frozenset[int]]:
    """Return the groups as sets of row numbers, whatever they are called."""
    return {frozenset(np.flatnonzero(found.labels == label).tolist()) for label in np.unique(found.labels)}


def together(sizes: list[int]) -> set[frozenset[int]]:
    edges = np.cumsum([0, *sizes])
    return {frozenset(range(start, stop)) for start, stop in itertools.pairwise(edges.tolist())}


@pytest.mark.parametrize("sizes", [[5, 4, 3], [12, 10, 8, 5, 3], [40, 35, 30, 25, 20, 15, 10, 5], [60] * 20])
def test_it_finds_planted_themes(sizes: list[int]) -> None:
    assert sets_of(partition(themes(sizes))) == together(sizes)


@pytest.mark.parametrize("sizes", [[20, 15], [12, 10, 8]])
def test_it_keeps_few_loose_themes_whole(sizes: list[int]) -> None:
    """Few themes are most of what their rows have in common, and little of them is left once that is taken away."""
    assert sets_of(partition(themes(sizes, spread=0.9))) == together(sizes)


def broad_themes(count: int, rows: int, *, seed: int = 1) -> tuple[Floats, NDArray[np.int64]]:
    """Return rows and their themes: what is said differs in five directions, of which every theme has all."""
    draw = np.random.default_rng(seed)
    theme = np.repeat(np.arange(count), rows)
    centres = unit(draw.standard_normal((count, WIDTH)))[theme]
    directions = draw.standard_normal((5, WIDTH)) / np.sqrt(WIDTH)
    said = draw.standard_normal((len(theme), 5)) / np.sqrt(5) @ directions
    noise = draw.standard_normal((len(theme), WIDTH)) / np.sqrt(WIDTH)
    return unit(np.sqrt(0.3) * centres + np.sqrt(0.7) * said + 0.3 * noise), theme


def test_it_does_not_tear_broad_themes_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, theme = broad_themes(8, 150)

    def large() -> list[frozenset[int]]:
        return [group for group in sets_of(partition(vectors)) if len(group) >= 3]

    whole = large()
    assert len(whole) == 8
    assert all(max(np.bincount(theme[list(group)])) >= 0.9 * len(group) for group in whole)
    monkeypatch.setattr(
        "pipeline.merge.rules.grouping.resolutions.TORN_WEIGHT", 0.0
    )  # control: by tightness alone they fall to pieces
    assert len(large()) > 40


def test_a_sample_tells_what_groups_tear_apart() -> None:
    sizes = [40] * 10
    vectors = themes(sizes)
    sample = graph.sample(vectors, neighbours.nearest_neighbours(vectors, neighbours.neighbour_count(len(vectors))))
    whole = np.repeat(np.arange(10), sizes)
    halves = whole * 2 + np.random.default_rng(3).integers(0, 2, len(whole))

    assert sample.kept(whole) == pytest.approx(1.0)
    assert sample.kept(np.zeros(len(whole), np.int64)) == pytest.approx(1.0)
    assert sample.kept(halves) == pytest.approx(0.5, abs=0.1)
    assert sample.kept(np.full(len(whole), -1)) == 0.0


def test_a_sample_does_not_blame_small_groups_for_being_small() -> None:
    sizes = [4] * 60
    vectors = themes(sizes)
    sample = graph.sample(vectors, neighbours.nearest_neighbours(vectors, 12))

    assert sample.kept(np.repeat(np.arange(60), sizes)) == pytest.approx(1.0, abs=0.01)


def test_a_sample_of_many_rows_says_what_all_rows_say(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, theme = broad_themes(6, 200)
    near = neighbours.nearest_neighbours(vectors, neighbours.neighbour_count(len(vectors)))
    of_all = graph.sample(vectors, near).kept(theme)
    monkeypatch.setattr(graph, "SAMPLED", 600)

    assert len(graph.sample(vectors, near).rows) == 600
    assert graph.sample(vectors, near).kept(theme) == pytest.approx(of_all, abs=0.05)


def test_what_is_nothing_unusual_joins_the_nearest_group_and_what_is_unlike_it_stays_alone() -> None:
    sizes = [60, 50, 40]
    near, far = themes([1, 1, 1], spread=1.2), strangers(3)
    vectors = np.vstack([themes(sizes), near, far])
    labels = np.concatenate([np.repeat(np.arange(3), sizes), np.full(6, -1)])

    joined = _let_join(vectors, labels, np.arange(150, 156))
    assert joined[150:153].tolist() == [0, 1, 2]
    assert set(joined[153:]) <= {0, 1, 2}
    held = let_outliers_leave(vectors, joined)
    assert held[150:153].tolist() == held[[0, 60, 110]].tolist()
    assert not set(held[153:]) & set(held[:150])


def test_strict_groups_keep_out_what_only_loosely_fits_them_and_nothing_else() -> None:
    sizes = [60, 50, 40]
    loose = themes([1, 1, 1], spread=1.6)
    vectors, labels = np.vstack([themes(sizes), loose]), np.concatenate([np.repeat(np.arange(3), sizes), np.arange(3)])

    usual = let_outliers_leave(vectors, labels)
    assert usual[150:].tolist() == usual[[0, 60, 110]].tolist()
    strict = let_outliers_leave(vectors, labels, Sight(hold=STRICT_HOLD))
    assert strict[:150].tolist() == usual[:150].tolist()
    assert not set(strict[150:]) & set(strict[:150])


def test_it_leaves_strangers_alone() -> None:
    sizes = [60, 40, 30, 25, 20, 15, 10]
    found = partition(np.vstack([themes(sizes), strangers(50)]))

    assert together(sizes) <= sets_of(found)
    assert sum(len(group) for group in sets_of(found) if len(group) >= 3) == sum(sizes)


@pytest.mark.parametrize("rows", [40, 600])
def test_it_gives_the_same_groups_in_any_order(rows: int) -> None:
    vectors = np.vstack([themes([rows // 10] * 9, spread=1.6), strangers(rows // 10)])
    found = partition(vectors)

    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(vectors))
        shuffled = partition(np.ascontiguousarray(vectors[order]))
        assert np.array_equal(shuffled.labels, found.labels[order])
        assert np.array_equal(shuffled.cohesion, found.cohesion[order])
        assert shuffled.threshold == found.threshold


def test_it_gives_the_same_bits_twice() -> None:
    vectors = themes([40] * 10, spread=1.6)

    assert partition(vectors).cohesion.tobytes() == partition(vectors).cohesion.tobytes()


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 10, 149, 150, 151])
def test_it_takes_any_number_of_rows(rows: int) -> None:
    found = partition(strangers(rows))

    assert found.labels.shape == found.cohesion.shape == (rows,)
    assert len(sets_of(found)) == rows
    assert found.origin.shape == (WIDTH,)


def test_it_groups_three_alike_and_not_three_unlike() -> None:
    assert len(sets_of(partition(themes([3], spread=0.5)))) == 1
    assert len(sets_of(partition(strangers(3)))) == 3


@pytest.mark.parametrize("themes_of", [[1], [4, 3, 3], [30] * 10])
def test_it_keeps_equal_rows_together(themes_of: list[int]) -> None:
    vectors = themes(themes_of)
    found = partition(np.repeat(vectors, 4, axis=0))

    assert np.array_equal(found.labels, np.repeat(partition(vectors).labels, 4))


def test_it_keeps_a_stranger_said_three_times() -> None:
    vectors = np.vstack([themes([40] * 8), np.repeat(strangers(1), 3, axis=0)])

    assert frozenset(range(320, 323)) in sets_of(partition(vectors))


def test_it_takes_minus_zero_for_zero() -> None:
    row = np.zeros((1, WIDTH), np.float32)
    row[0, 0] = 1
    twin = row.copy()
    twin[0, 1:] = -0.0

    assert len(sets_of(partition(np.vstack([row, twin])))) == 1


def test_it_does_not_pay_for_repetition() -> None:
    distinct = themes([50] * 20)
    started = time.process_time()
    found = partition(np.tile(distinct, (10, 1)))

    assert len(found.labels) == 10_000
    assert time.process_time() - started < 3  # takes 0.3 s; 10,000 distinct rows take about 5 s


@pytest.mark.parametrize("steps", [3, 40, 400])
def test_it_does_not_follow_a_chain(steps: int) -> None:
    """Neighbours on the arc are alike, its ends are opposite: no group may hold rows that have nothing in common."""
    angles = np.linspace(0, np.pi, steps)
    plane = np.zeros((steps, WIDTH))
    plane[:, 0], plane[:, 1] = np.cos(angles), np.sin(angles)
    vectors = unit(plane)
    found = partition(vectors)

    for group in sets_of(found):
        members = vectors[sorted(group)]
        assert (members @ members.T).min() > 0


def test_it_does_not_join_two_themes_by_a_bridge() -> None:
    ends = themes([40, 40, 40, 40, 40], spread=0.5)
    first, second = ends[:40].mean(axis=0), ends[40:80].mean(axis=0)
    shares = np.linspace(0.2, 0.8, 7)[:, None]
    bridge = unit((1 - shares) * first + shares * second)
    found = partition(np.vstack([ends, bridge]))

    assert len({found.labels[0], found.labels[40]}) == 2
    assert len(np.unique(found.labels[:40])) == len(np.unique(found.labels[40:80])) == 1


def test_it_numbers_groups_by_their_first_row_in_canonical_order() -> None:
    vectors = themes([20] * 10)
    found = partition(vectors)
    canonical = sorted(range(len(vectors)), key=lambda row: vectors[row].tobytes())

    assert list(dict.fromkeys(found.labels[canonical].tolist())) == list(range(10))


def test_it_tells_how_well_rows_fit() -> None:
    sizes = [40] * 8
    found = partition(np.vstack([themes(sizes), strangers(10)]))
    shared, alone = found.cohesion[:320], found.cohesion[320:]

    assert 0 < found.threshold < np.median(shared)
    assert alone == pytest.approx(1.0, abs=1e-5)


def test_it_gives_what_new_rows_need_to_be_matched() -> None:
    old, new = themes([30] * 10)[::2], themes([30] * 10)[1::2]
    found = partition(old)
    centres = group_centres(centred(old, found.origin), found.labels)
    cosines = centred(new, found.origin) @ centres.T

    assert np.array_equal(cosines.argmax(axis=1), found.labels)
    assert np.mean(cosines.max(axis=1) >= found.threshold) > 0.8
    assert (centred(strangers(50), found.origin) @ centres.T).max() < found.threshold


@pytest.mark.parametrize("broken", [np.zeros(WIDTH, np.float32), np.full((2, WIDTH), np.nan, np.float32)])
def test_it_refuses_what_it_cannot_group(broken: Floats) -> None:
    with pytest.raises(ValueError, match="Cannot group vectors"):
        partition(broken)


def pair_f1(truth: list[str], labels: NDArray[np.int64]) -> float:
    """Return F1 over pairs of rows: put together rightly, against wrongly or not at all."""
    from sklearn.metrics.cluster import pair_confusion_matrix  # a second to import, which only one test pays for

    (_, wrong), (missed, right) = pair_confusion_matrix(truth, labels)
    return float(2 * right / (2 * right + wrong + missed))


@pytest.mark.skipif(not LABELLED.exists(), reason=f"labelled questions are not at {LABELLED}")
def test_it_groups_better_than_k_means_that_knows_the_number() -> None:
    from sklearn.cluster import KMeans

    with gzip.open(LABELLED, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][::7]
    truth = [row["label"] for row in rows]
    vectors = Embedder().encode([row["text"] for row in rows])
    found = partition(vectors)
    groups = np.sum(np.bincount(found.labels) >= 3)

    told = KMeans(n_clusters=77, n_init=3, random_state=1).fit_predict(vectors)
    assert pair_f1(truth, found.labels) > pair_f1(truth, told) + 0.03
    assert 0.7 <= groups / 77 <= 1.4


# --- Neighbours -----------------------------------------------------------------------------------------------------


def nearest_of_all_pairs(points: Floats, count: int) -> neighbours.Neighbours:
    """Compare all with all in float64 and sort every row: slow, and plain enough to be right."""
    cosines = np.round(points.astype(np.float64) @ points.T.astype(np.float64), neighbours.DECIMALS).astype(np.float32)
    np.fill_diagonal(cosines, -np.inf)
    index = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return neighbours.Neighbours(index, np.take_along_axis(cosines, index, axis=1))


@pytest.mark.parametrize(
    "points",
    [
        np.vstack([themes([50] * 20, spread=1.4), strangers(100)]),
        np.vstack([themes([90] * 3, spread=1e-3), strangers(300)]),  # float32 cannot tell which of 90 are the nearest
        np.repeat(strangers(8), 40, axis=0),  # nothing but ties
        strangers(16),
    ],
    ids=["loose themes", "tight themes", "ties", "all of them"],
)
def test_it_finds_the_neighbours_that_all_pairs_show_and_of_equal_ones_the_first(points: Floats) -> None:
    found, expected = neighbours.nearest_neighbours(points, 15), nearest_of_all_pairs(points, 15)
    np.testing.assert_array_equal(found.index, expected.index)
    np.testing.assert_array_equal(found.cosine, expected.cosine)


@pytest.mark.parametrize("equals", [1, 5, 4000])
def test_it_finds_the_largest_numbers_of_a_wide_table(equals: int) -> None:
    # so many columns in a row share each number, down to rows that hold nothing but one
    table = np.random.default_rng(5).permuted(np.tile(np.arange(4000) // equals, (7, 1)), axis=1).astype(np.float32)

    columns = neighbours._largest_columns(table, 40)
    largest = np.sort(np.take_along_axis(table, columns, axis=1), axis=1)
    np.testing.assert_array_equal(largest, np.sort(table, axis=1)[:, -40:])
    assert all(len(set(row)) == 40 for row in columns.tolist())


# --- Large sets: an index proposes the neighbours -------------------------------------------------------------------


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sets of a few hundred rows be large ones."""
    monkeypatch.setattr(neighbours, "EXACT_ROWS", 200)


@pytest.mark.usefixtures("indexed")
def test_it_finds_planted_themes_by_an_index() -> None:
    sizes = [60] * 20
    assert sets_of(partition(themes(sizes))) == together(sizes)


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("seed", range(3))
def test_it_gives_the_same_groups_in_any_order_by_an_index(seed: int) -> None:
    vectors = np.vstack([themes([60] * 12, spread=1.6), strangers(60)])
    order = np.random.default_rng(seed).permutation(len(vectors))

    shuffled = partition(np.ascontiguousarray(vectors[order]))
    assert np.array_equal(shuffled.labels, partition(vectors).labels[order])


def test_the_index_finds_nearly_all_neighbours_with_their_exact_cosines(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.vstack([themes([50] * 30, spread=1.4), strangers(100)])
    exact = neighbours.nearest_neighbours(points, 15)
    monkeypatch.setattr(neighbours, "EXACT_ROWS", 0)
    near = neighbours.nearest_neighbours(points, 15)

    shared = [len(set(one) & set(other)) / 15 for one, other in zip(near.index, exact.index, strict=True)]
    assert np.mean(shared) > 0.85
    assert not (near.index == np.arange(len(points))[:, None]).any()
    assert (np.diff(near.cosine, axis=1) <= 0).all()
    np.testing.assert_allclose(near.cosine[7], points[near.index[7]] @ points[7], atol=1e-4)
