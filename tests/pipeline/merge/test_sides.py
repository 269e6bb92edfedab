"""Themes in the same words about opposite things, or different errors, are different problems."""

import numpy as np
import pytest

from pipeline.merge.rules.sides import codes_of, marks_of, of_another_side, part_by_sides

POINTS = np.tile(np.array([[1.0, 0.0]], np.float32), (12, 1))


def parted(*texts: str) -> list[int]:
    found = part_by_sides(np.zeros(len(texts), np.int64), marks_of(texts), POINTS[: len(texts)])
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
        ("the gateway answers 502 Bad Gateway", "the gateway answers 403 Forbidden"),
        ("checkout ends with a 404 error", "checkout ends with a 503 error"),
        ("the nightly job stops with ORA-00942", "the nightly job stops with ORA-12154"),
        ("the query fails with SQLSTATE 42P01", "the query fails with SQLSTATE 23505"),
        ("the engine lamp shows P0420", "the engine lamp shows P0171"),
        ("part SKU-4471 breaks in the wash", "part SKU-9203 breaks in the wash"),
        ("build stops with CS0246", "build stops with TS2345"),
        ("please archive the board", "please unarchive the board"),
        ("I cannot pause my membership", "I cannot resume my membership"),
        ("how do I add a driver", "how do I remove a driver"),
        ("the backup takes for ever", "the restore takes for ever"),
    ],
)
def test_opposites_and_codes_are_apart(one: str, other: str) -> None:
    assert parted(one, other, one, other) == [0, 1, 0, 1]


def test_who_takes_no_side_goes_to_the_nearest() -> None:
    texts = ["import fails", "export fails", "import stops", "export stops", "the list stops"]
    points = np.array([[1, 0], [0, 1], [1, 0], [0, 1], [0.1, 1]], np.float32)
    assert part_by_sides(np.zeros(5, np.int64), marks_of(texts), points).tolist() == [0, 1, 0, 1, 1]


@pytest.mark.parametrize(
    "texts",
    [
        ["import fails", "import stops", "import is slow"],
        ["import or export fails", "export and import stop", "import and export stop"],
        ["import fails", "export fails", "list", "rows", "table", "file", "sheet"],  # told in passing
        ["import fails", "import stops", "import ends", "export fails"],  # one alone is no side
        [f"order E{number}00 is late" for number in range(10, 12)],
        [f"error {number}0 of the till" for number in range(10, 22)],  # each another number: a reference
        [
            "parcel ABC-1001 is late",
            "parcel ABC-1001 is late",
            "parcel ABC-2002 is late",
            "parcel ABC-2002 is late",
            *(f"parcel ABC-{number}000 is late" for number in range(3, 8)),
        ],  # two write twice, most have their own
        ["the app does not open", "the app does not open", "the app closes at once", "the app closes"],
    ],
)
def test_other_groups_stay_whole(texts: list[str]) -> None:
    assert set(parted(*texts)) == {0}


def test_who_takes_the_other_side_does_not_join() -> None:
    standing = ["the import fails", "import stops", "the list stops", "import of a file"]
    assert of_another_side(["export fails", "import fails", "it fails"], standing) == ["1", "", ""]
    assert of_another_side(["error E407 again"], ["error E101", "E101 shows", "shows E101"]) == ["e407"]
    assert of_another_side(["export fails"], ["the list stops", "import stops", "rows", "cells", "sheets"]) == [""]
    assert of_another_side(["export fails"], []) == [""]


def test_it_reads_codes_as_what_they_are() -> None:
    assert codes_of("Traceback: ValueError, then error code 0x80070005 and status 503; ERR_TOO_MANY_REDIRECTS") == {
        "valueerror", "0x80070005", "503", "err_too_many_redirects",
    }  # fmt: skip
    assert codes_of("Order 4711 of 2024 costs 500 and ERROR is no code") == set()
