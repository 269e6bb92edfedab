"""Which pairs of groups are proposed to people: the closest for their sizes, whatever the order they come in."""

import numpy as np
import pytest

from pipeline.merge.rules.doubt import candidate_pairs, nearest_groups
from pipeline.merge.rules.records import GroupSum
from tests.fakes.scripted import vector_of


def group(key: int, problem: int, size: int = 2) -> GroupSum:
    vectors = [vector_of(problem, f"{key} {number}") for number in range(size)]
    return GroupSum(key, np.sum(vectors, axis=0).astype(np.float32).tobytes(), size)


GROUPS = [group(1, 10), group(2, 20), group(3, 10, 5), group(4, 30), group(5, 20, 4), group(6, 40)]


def keys(groups: list[GroupSum], apart: set[frozenset[int]] | None = None, limit: int = 10) -> set[tuple[int, int]]:
    found = candidate_pairs(groups, apart or set(), least=0.7, limit=limit)
    assert [doubt.closeness for doubt in found] == sorted((doubt.closeness for doubt in found), reverse=True)
    return {(doubt.first, doubt.second) for doubt in found}


def test_pairs_of_one_problem_are_found_and_others_are_not() -> None:
    assert keys(GROUPS) == {(1, 3), (2, 5)}


def test_the_order_of_the_groups_does_not_matter() -> None:
    assert candidate_pairs(GROUPS, set(), least=0.0, limit=99) == candidate_pairs(
        GROUPS[::-1], set(), least=0.0, limit=99
    )


def test_what_is_kept_apart_is_not_proposed_and_takes_no_place() -> None:
    assert keys(GROUPS, {frozenset((3, 1))}) == {(2, 5)}
    assert keys(GROUPS, {frozenset((3, 1))}, limit=1) == {(2, 5)}


@pytest.mark.parametrize("groups", [[], GROUPS[:1]])
def test_fewer_than_two_groups_make_no_pair(groups: list[GroupSum]) -> None:
    assert candidate_pairs(groups, set(), least=0.0, limit=9) == []


def test_small_groups_need_less_than_large_ones_to_be_as_close() -> None:
    """Two centres at the same angle: of single themes that is near, of well-known groups it is far."""
    one, other = np.zeros(64, np.float32), np.zeros(64, np.float32)
    one[0], other[:2] = 1, (0.6, 0.8)
    [few] = candidate_pairs([_of(1, one, 1), _of(2, other, 1)], set(), least=-9, limit=1)
    [many] = candidate_pairs([_of(1, one, 50), _of(2, other, 50)], set(), least=-9, limit=1)
    assert few.closeness > many.closeness


def _of(key: int, direction: np.ndarray, size: int) -> GroupSum:
    return GroupSum(key, (direction * size).astype(np.float32).tobytes(), size)


def test_the_nearest_of_one_group_come_first_and_it_is_not_among_them() -> None:
    near = nearest_groups(GROUPS[0], GROUPS, limit=3)
    assert near[0][0] == 3
    assert len(near) == 3
    assert 1 not in {key for key, _ in near}
