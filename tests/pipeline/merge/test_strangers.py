"""A group of two populations that are strangers to each other is parted, and nothing else is."""

import numpy as np
import pytest

from pipeline.merge.rules.grouping.graph import neighbour_graph
from pipeline.merge.rules.grouping.neighbours import Floats, Ints, nearest_neighbours
from pipeline.merge.rules.grouping.strangers import part_strangers


def around(middle: Floats, count: int, spread: float, seed: int) -> Floats:
    """Return unit vectors, (count, d), around the direction of `middle`, the wider the spread."""
    noise = np.random.default_rng(seed).standard_normal((count, len(middle))) * spread / len(middle) ** 0.5
    rows = middle / np.linalg.norm(middle) + noise
    found: Floats = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return found


AXES = np.eye(64, dtype=np.float32)


def parted(points: Floats, labels: Ints, count: int = 6) -> Ints:
    """Return the labels after `part_strangers`, where each row has so many neighbours and every row is a member."""
    members = np.arange(len(points))
    graph = neighbour_graph(nearest_neighbours(points, count), members)
    return part_strangers(points, labels, members, graph.mutual)


def test_two_populations_in_one_group_are_parted_and_the_larger_one_keeps_the_label() -> None:
    points = np.vstack([around(AXES[0], 40, 0.7, 1), around(AXES[1], 12, 0.7, 2)])
    found = parted(points, np.zeros(52, np.int64))
    assert found.tolist() == [0] * 40 + [1] * 12


@pytest.mark.parametrize("spread", [0.4, 0.7, 1.0])
def test_one_population_stays_whole(spread: float) -> None:
    points = around(AXES[0], 60, spread, 3)
    assert parted(points, np.zeros(60, np.int64)).tolist() == [0] * 60


def test_wordings_of_one_theme_stay_together_though_no_row_knows_the_other_wording(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of twenty copies of a wording each has six others nearer than any row of the other wording."""
    points = np.vstack([around(AXES[0] + 0.5 * AXES[n], 20, 0.3, n) for n in (1, 2)])
    labels = np.zeros(40, np.int64)
    assert len(set(parted(points, labels).tolist())) == 1
    monkeypatch.setattr("pipeline.merge.rules.grouping.strangers.UNALIKE", 2.0)
    assert len(set(parted(points, labels).tolist())) > 1


def test_two_rows_are_no_population() -> None:
    points = np.vstack([around(AXES[0], 20, 0.5, 4), around(AXES[1], 2, 0.1, 5)])
    assert parted(points, np.zeros(22, np.int64)).tolist() == [0] * 22


def test_other_groups_and_rows_in_none_stay_as_they_are() -> None:
    points = np.vstack([around(AXES[n], 15, 0.6, n) for n in range(4)])
    labels = np.repeat([0, 0, 7, -1], 15)
    assert parted(points, labels).tolist() == [0] * 15 + [8] * 15 + [7] * 15 + [-1] * 15
