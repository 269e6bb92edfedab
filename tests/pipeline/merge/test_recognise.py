"""Which group is which: by the themes it shares with what stood, and by nothing else."""

import numpy as np
import pytest

from pipeline.merge.rules.recognise import recognise


def groups(*rows: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return found and stood of so many themes for each (found, stood, count)."""
    found = [one for one, _, count in rows for _ in range(count)]
    stood = [one for _, one, count in rows for _ in range(count)]
    return np.array(found), np.array(stood)


@pytest.mark.parametrize(
    ("rows", "first", "expected"),
    [
        ([(0, 0, 5), (1, 1, 5), (2, -1, 4)], [], {0: 0, 1: 1}),  # what is new is nobody
        ([(0, 0, 6), (1, 0, 4)], [], {0: 0}),  # of two parts the larger keeps the identity
        ([(0, 0, 6), (0, 1, 5)], [], {0: 0}),  # of two that became one, the larger gives its
        ([(0, 0, 6), (0, 1, 5)], [1], {0: 1}),  # unless people count on the other
        ([(0, 0, 9), (0, 1, 2), (1, 1, 8)], [1], {0: 0, 1: 1}),  # but not where it only left a few
        ([(0, 0, 5), (0, 1, 4), (1, 0, 4)], [], {0: 1, 1: 0}),  # together as many as possible stay what they are
        ([(0, 0, 20), (0, 1, 9), (1, 1, 1)], [], {0: 0}),  # a crumb is not what went elsewhere
        ([(0, 0, 1), (0, -1, 6)], [], {}),  # six new ones are not the one that waited alone
        ([(0, 0, 1), (0, -1, 1)], [], {0: 0}),  # two are
        ([(0, 0, 3), (0, -1, 40)], [], {0: 0}),  # a story may grow as much as it likes
        ([(0, 0, 3), (1, 0, 3)], [], {0: 0}),  # ties: the first
    ],
)
def test_identity(rows: list[tuple[int, int, int]], first: list[int], expected: dict[int, int]) -> None:
    assert recognise(*groups(*rows), first) == expected


def test_without_any_that_stood_nobody_is_recognised() -> None:
    assert recognise(*groups((0, -1, 3)), []) == {}
