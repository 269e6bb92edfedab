"""Themes in the same words about opposite things, or different errors, are different problems."""

import numpy as np
import pytest

from pipeline.merge.rules.sides import codes_of, part_by_sides

POINTS = np.tile(np.array([[1.0, 0.0]], np.float32), (12, 1))


def parted(*texts: str) -> list[int]:
    found = part_by_sides(np.zeros(len(texts), np.int64), texts, POINTS[: len(texts)])
    return [found.tolist().index(label) for label in found.tolist()]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the csv import fails", "the csv export fails"),
        ("importing contacts stops", "exporting contacts stops"),
        ("please upgrade our plan", "please downgrade our plan"),
        ("The sync ends with error E101.", "The sync ends with error E407."),
        ("TimeoutError in the nightly job", "PermissionError in the nightly job"),
        ("The page answers HTTP 404.", "The page answers HTTP 500."),
        ("The app does not start on my iPhone", "The app does not start on my Pixel"),
        ("it says ECONNRESET", "it says ETIMEDOUT"),
    ],
)
def test_opposites_and_codes_are_apart(one: str, other: str) -> None:
    assert parted(one, other, one, other) == [0, 1, 0, 1]


def test_who_takes_no_side_goes_to_the_nearest() -> None:
    texts = ["import fails", "export fails", "import stops", "export stops", "the list stops"]
    points = np.array([[1, 0], [0, 1], [1, 0], [0, 1], [0.1, 1]], np.float32)
    assert part_by_sides(np.zeros(5, np.int64), texts, points).tolist() == [0, 1, 0, 1, 1]


@pytest.mark.parametrize(
    "texts",
    [
        ["import fails", "import stops", "import is slow"],
        ["import or export fails", "export and import stop", "import and export stop"],
        ["import fails", "export fails", "list", "rows", "table", "file", "sheet"],  # told in passing
        ["import fails", "import stops", "import ends", "export fails"],  # one alone is no side
        [f"order E{number}00 is late" for number in range(10, 12)],
        [f"error {number}0 of the till" for number in range(10, 22)],  # each another number: a reference
    ],
)
def test_other_groups_stay_whole(texts: list[str]) -> None:
    assert set(parted(*texts)) == {0}


def test_it_reads_codes_as_what_they_are() -> None:
    assert codes_of("Traceback: ValueError, then error code 0x80070005 and status 503; ERR_TOO_MANY_REDIRECTS") == {
        "valueerror", "0x80070005", "503", "err_too_many_redirects",
    }  # fmt: skip
    assert codes_of("Order 4711 of 2024 costs 500 and ERROR is no code") == set()
