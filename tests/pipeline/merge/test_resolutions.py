"""Which of the resolutions that were looked at is taken, and when a grouping that stands gives way."""

import numpy as np
import pytest
import scipy

from pipeline.merge.rules.grouping.graph import Sample
from pipeline.merge.rules.grouping.neighbours import Floats
from pipeline.merge.rules.grouping.resolutions import (
    COARSEST,
    Candidate,
    Resolutions,
    _beyond_the_valley,
    is_clearly_better,
)

NOBODY = np.zeros(0, np.int64)


def looked_at(*looks: tuple[float, float]) -> Resolutions:
    """Return resolutions from COARSEST on, a factor of 2 apart, of which clearness and fit are known."""
    some = np.zeros((300, 3))
    sampled = Sample(np.arange(300), some.astype(np.int64), some.astype(np.float32))
    found = {COARSEST * 2**step: Candidate(NOBODY, clear, fit, kept=1.0) for step, (clear, fit) in enumerate(looks)}
    nothing = np.zeros((0, 8), np.float32)
    return Resolutions(scipy.sparse.csr_array((0, 0)), nothing, nothing, NOBODY, sampled, found=found)


@pytest.mark.parametrize(
    ("looks", "taken"),
    [
        ([(0.61, 0.54), (0.58, 0.52), (0.34, 0.24), (0.31, 0.19)], 1),  # three labels in 14 pieces; the finer of two
        ([(0.61, 0.54), (0.45, 0.33), (0.34, 0.24), (0.31, 0.19)], 0),
        ([(0.60, 0.59), (0.61, 0.58), (0.59, 0.55), (0.59, 0.55)], 3),  # families: less tight, and hardly clearer
        ([(0.40, 0.10), (0.42, 0.12), (0.41, 0.20), (0.35, 0.27)], 2),  # nearly as well
        ([(0.40, 0.10), (0.42, 0.12), (0.41, 0.15), (0.35, 0.27)], 3),  # clearer, but fitting much worse
        ([(0.29, -0.22), (0.18, -0.33), (0.18, -0.30), (0.18, -0.28)], 3),  # nothing fits
    ],
)
def test_coarser_groups_beyond_a_valley_are_taken_where_rows_prefer_them_clearly(
    looks: list[tuple[float, float]], taken: int
) -> None:
    assert _beyond_the_valley(looked_at(*looks), COARSEST * 2**3) == COARSEST * 2**taken


def around(count: int, each: int, seed: int) -> Floats:
    """Return `each` unit vectors, (count * each, 64), around each of so many directions."""
    draw = np.random.default_rng(seed)
    rows = np.repeat(draw.standard_normal((count, 64)), each, axis=0) + draw.standard_normal((count * each, 64)) * 0.7
    found: Floats = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return found


def test_whole_groups_are_clearly_better_than_their_pieces_and_not_the_other_way() -> None:
    rows, whole = around(6, 30, seed=3), np.repeat(np.arange(6), 30)
    pieces = 2 * whole + np.arange(180) % 2
    assert is_clearly_better(whole, pieces, points=rows, rows=rows)
    assert not is_clearly_better(pieces, whole, points=rows, rows=rows)
    assert not is_clearly_better(whole, whole, points=rows, rows=rows)


@pytest.mark.parametrize(
    ("clearer", "fits_better", "is_better"),
    [(0.06, 0.06, True), (0.06, 0.04, False), (0.04, 0.06, False), (0.0, 0.11, True), (0.2, -0.1, False)],
)
def test_what_stands_gives_way_to_what_fits_a_little_better_only_where_rows_clearly_prefer_it(
    monkeypatch: pytest.MonkeyPatch, clearer: float, fits_better: float, is_better: bool
) -> None:
    rows, standing = around(6, 30, seed=3), np.repeat(np.arange(6), 30)
    again = np.roll(standing, 1)

    def gain(labels: np.ndarray, amount: float) -> float:
        return amount if np.array_equal(labels, again) else 0.0

    module = "pipeline.merge.rules.grouping.resolutions"
    monkeypatch.setattr(f"{module}.clearness", lambda _, labels: 0.4 + gain(labels, clearer))
    monkeypatch.setattr(f"{module}.off_tightness", lambda _, labels, sight: gain(labels, clearer - fits_better))
    monkeypatch.setattr(f"{module}.TORN_WEIGHT", 0.0)
    assert is_clearly_better(again, standing, points=rows, rows=rows) is is_better
