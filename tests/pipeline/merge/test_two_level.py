"""Grouping in parts gives what grouping at once gives, where no problem is in two parts."""

import numpy as np
import pytest

from benchmarks.two_level import partition_in_parts
from pipeline.merge.rules.grouping.neighbours import Floats, Ints
from pipeline.merge.rules.grouping.partition import partition

WIDTH = 64


def planted(problems: int, each: int, seed: int = 3) -> Floats:
    """Return `each` rows around each of so many directions, problem by problem."""
    draw = np.random.default_rng(seed)
    centres = draw.standard_normal((problems, WIDTH))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    rows = np.repeat(centres, each, axis=0) + 0.5 * draw.standard_normal((problems * each, WIDTH)) / np.sqrt(WIDTH)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def sets_of(labels: Ints) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_parts_that_do_not_touch_give_what_one_level_gives(parts: int) -> None:
    rows = planted(problems=20, each=30)
    part_of = [f"area {problem % parts}" for problem in range(20) for _ in range(30)]

    assert sets_of(partition_in_parts(rows, part_of)) == sets_of(partition(rows).labels)


def test_a_problem_that_lies_in_two_parts_is_put_together_again() -> None:
    rows = planted(problems=20, each=30)
    part_of = [f"area {row % 2}" for row in range(len(rows))]

    assert sets_of(partition_in_parts(rows, part_of)) == sets_of(partition(rows).labels)


def test_it_gives_the_same_groups_in_any_order() -> None:
    rows = planted(problems=12, each=25)
    part_of = np.array([f"area {row % 3}" for row in range(len(rows))])
    found = sets_of(partition_in_parts(rows, part_of.tolist()))
    order = np.random.default_rng(1).permutation(len(rows))
    shuffled = partition_in_parts(np.ascontiguousarray(rows[order]), part_of[order].tolist())
    back = np.empty(len(rows), np.int64)
    back[order] = shuffled

    assert sets_of(back) == found
