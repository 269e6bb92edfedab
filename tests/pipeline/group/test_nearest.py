"""The nearest of a few centres, as a pure function."""

import numpy as np
import pytest

from pipeline.group.nearest import nearest
from pipeline.merge.rules.records import GroupSum


def group(key: int, *direction: float, size: int = 1) -> GroupSum:
    """Return a group of so many equal themes that point this way."""
    vector = np.array(direction, np.float64)
    total = size * vector / np.linalg.norm(vector)
    return GroupSum(key, total.astype(np.float32).tobytes(), size)


def test_the_nearest_is_found_by_direction_not_by_size() -> None:
    among = [group(1, 1, 0, 0, size=1), group(2, 0, 1, 0, size=50)]
    assert nearest([group(7, 1, 0.5, 0)], among)[7][0] == 1


def test_what_all_have_in_common_brings_nobody_nearer() -> None:
    among = [group(1, 3, 1, 0, size=50), group(2, 3, 0, 1, size=50)]
    key, cosine = nearest([group(7, 3, -1, -1)], among)[7]
    assert key in (1, 2)
    assert cosine < 0.3  # with what they share, it would be 0.8


def test_of_two_equally_near_the_first_is_taken() -> None:
    among = [group(4, 1, 0), group(2, 1, 0)]
    assert nearest([group(7, 1, 0)], among)[7][0] == 4


@pytest.mark.parametrize(("these", "among"), [([], [group(1, 1, 0)]), ([group(1, 1, 0)], [])])
def test_where_there_is_nothing_there_is_no_nearest(these: list[GroupSum], among: list[GroupSum]) -> None:
    assert nearest(these, among) == {}
