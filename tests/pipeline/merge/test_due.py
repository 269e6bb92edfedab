"""When all themes of a profile are grouped again."""

import pytest

from pipeline.merge.rules.due import LOOKED_AT_AGAIN, NOTHING, Counted, is_due

LARGE = 2 * LOOKED_AT_AGAIN


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        (Counted(1, 0), NOTHING, True),
        (Counted(0, 0), NOTHING, False),
        (Counted(0, 0), Counted(10, 2), False),  # nothing is left to group
        (Counted(149, 9), Counted(100, 9), False),
        (Counted(150, 9), Counted(100, 9), True),  # grown by half
        (Counted(67, 9), Counted(100, 9), False),
        (Counted(66, 9), Counted(100, 9), True),  # a third is gone
        (Counted(LARGE, 124), Counted(LARGE, 100), False),
        (Counted(LARGE, 125), Counted(LARGE, 100), True),  # a quarter more stories: fell into pieces
        (Counted(400, 200), Counted(400, 100), False),  # in a small set fit decides, see `assign`
    ],
)
def test_all_are_grouped_again_when_much_has_changed(now: Counted, last: Counted, due: bool) -> None:
    assert is_due(now, last) is due
