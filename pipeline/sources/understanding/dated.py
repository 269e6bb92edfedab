"""When a call was, where nothing that is said in it has a date: from its file's name, or from the lines above it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from pipeline.sources.understanding import times

HEAD_LINES: Final = 6
"""Lines above a transcript in which its date may stand."""

_IN_A_NAME: Final = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
    r"(?:[-_ T.]{1,3}([01]\d|2[0-3])[-_.:h]?([0-5]\d)(?:[-_.:m]?([0-5]\d))?)?(?!\d)"
)
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def moment_in_name(name: str) -> datetime | None:
    """Return the day, and the time if there is one, in a name such as `GMT20260901-120500_Recording`.

    Only the year first can be read in one way. None if there is no such day, or several different ones.
    """
    found = {_moment(each) for each in _IN_A_NAME.finditer(name)}
    return found.pop() if len(found) == 1 else None


def _moment(found: re.Match[str]) -> datetime | None:
    year, month, day, hour, minute, second = (int(found[group] or 0) for group in (1, 3, 4, 5, 6, 7))
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # the 31st of June
        return None


def moment_in_head(lines: Iterable[str]) -> datetime | None:
    """Return the first date with a year that is a line by itself, or has a length behind it: `... 2:05PM • 4 min`."""
    for line in islice(lines, HEAD_LINES):
        head = re.split(r"[•·|]", line[:100])[0].strip()
        if _YEAR.search(head) and (at := times.read(head)):
            return at
    return None
