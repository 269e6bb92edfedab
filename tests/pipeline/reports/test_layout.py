"""Where points lie: near what they mean, the same each time, and where they lay before when others come."""

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.reports.layout import Points, lay_out, place_among

GROUPS = 4


@cache
def scene() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], Points]:
    """Return 160 vectors of four groups, each one's group, and where they were laid out."""
    vectors, groups = vectors_of(160, 1)
    return vectors, groups, lay_out(vectors)


def vectors_of(count: int, seed: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    middles = np.random.default_rng(0).normal(size=(GROUPS, 32))
    random = np.random.default_rng(seed)
    groups = np.arange(count) % GROUPS
    vectors = middles[groups] + 0.5 * random.normal(size=(count, 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), groups


def nearest_group(places: Points) -> npt.NDArray[np.int64]:
    """Return for each place the group whose middle, in the scene, is nearest."""
    _, groups, known = scene()
    middles = np.array([np.median(known[groups == group], axis=0) for group in range(GROUPS)])
    found: npt.NDArray[np.int64] = ((places[:, None] - middles) ** 2).sum(axis=2).argmin(axis=1)
    return found


def test_what_means_alike_lies_together_and_the_same_each_time() -> None:
    vectors, groups, places = scene()
    assert (nearest_group(places) == groups).all()
    assert np.array_equal(lay_out(vectors[:40]), lay_out(vectors[:40]))


def test_new_points_are_placed_where_their_neighbours_lie() -> None:
    vectors, _, places = scene()
    before = places.copy()
    new, groups = vectors_of(21, 2)
    assert (nearest_group(place_among(new, vectors, places)) == groups).all()
    assert np.array_equal(places, before)


def test_a_new_layout_resembles_the_one_before() -> None:
    vectors, _, places = scene()
    more, _ = vectors_of(24, 3)
    turned = places @ np.array([[0.0, 3.0], [-3.0, 0.0]]) + 100  # as if the picture had once been another way round
    again = lay_out(np.vstack([vectors, more]), np.vstack([turned, np.full((24, 2), np.nan)]))[: len(places)]
    apart = np.ptp(turned, axis=0).max()
    assert np.median(np.linalg.norm(again - turned, axis=1)) < 0.2 * apart
    assert np.median(np.linalg.norm(again - places, axis=1)) > 0.5 * apart


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9])
def test_a_few_points_are_laid_out_too(count: int) -> None:
    vectors, _ = vectors_of(count, 4)
    places = lay_out(vectors)
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    new = place_among(vectors_of(3, 5)[0], vectors, places)
    assert new.shape == (3, 2)
    assert np.isfinite(new).all()
    assert place_among(vectors[:0], vectors, places).shape == (0, 2)
    equal = lay_out(np.repeat(vectors[:1], 12, axis=0))  # twelve times the same words
    assert np.isfinite(equal).all()
