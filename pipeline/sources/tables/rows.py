"""A table as it stands: its rows and cells, whatever they mean."""

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from datetime import time as time_of_day
from itertools import islice
from typing import Any, Final

from pipeline.sources.understanding.columns import NULLS

SAMPLE_ROWS: Final = 1000
"""Rows by which the meaning of the columns is found."""

HEADER_ROWS: Final = 30
"""Rows at the beginning among which the header is looked for."""


@dataclass(slots=True)
class Row:
    """One row as the file has it; with a `reason` there are no cells that could be used. `line` counts from 1."""

    line: int
    cells: Sequence[object] = ()
    reason: str = ""
    raw: bytes = b""

    @property
    def filled(self) -> int:
        """The number of cells that hold something."""
        return sum(not is_blank(cell) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be read again and again. `unit` is what `line` counts; `joint` what cells were separated by."""

    open: Callable[[], Iterator[Row]]
    name: str = ""
    unit: str = "line"
    joint: str = ","
    limit: int = 10 * 1024 * 1024


def first_rows(table: Table) -> list[Row]:
    """Return the rows from which the layout is told: the sample, and as many as a header may stand below."""
    return list(islice(table.open(), SAMPLE_ROWS + HEADER_ROWS))


def raw_of(row: Row) -> bytes:
    """Return what a reject shows of a row."""
    return row.raw[:2000] or ";".join(cell_text(cell)[:200] for cell in row.cells[:20]).encode(errors="replace")[:2000]


def is_blank(cell: object) -> bool:
    """Return whether a cell holds nothing, also as databases write that."""
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace() or cell in NULLS))


def is_frame(cells: Sequence[object]) -> bool:
    """Return whether a row is the line of a drawn table: `|---|---|`, `+----+----+`."""
    signs = "".join(cell for cell in cells if isinstance(cell, str))
    return signs.count("-") >= 3 and not signs.strip("-+=:| \t\r\n")


def cell_text(cell: object) -> str:
    """Return a cell as text: whole numbers without a decimal point, days and times in ISO 8601."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, date | time_of_day):
        return cell.isoformat()
    return json.dumps(cell, ensure_ascii=False, default=str) if isinstance(cell, dict | list) else str(cell)


def plain_cell(cell: object) -> object:
    """Return a cell as JSON can hold it; a time stays readable as one."""
    return cell if isinstance(cell, str | int | float) or cell is None else cell_text(cell)


def object_in(text: str) -> dict[str, Any]:
    """Return the JSON object in a cell; other text stays under the column's name."""
    if not text:
        return {}
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # half a sign, as in "\\ud800", cannot be stored
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"metadata": text}


MAX_LITERAL: Final = 500_000
"""Characters of a cell that is read as Python would write it; its parser is slow, and pays for depth in memory."""


def objects_in(text: str) -> list[Any]:
    """Return the list of objects in a cell: in JSON, or as Python and NumPy print it; empty if it holds none."""
    text = text.strip()
    if not text.startswith("[") or not text.endswith("]") or "{" not in text[:20]:
        return []
    value: object = None
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
    if value is None and len(text) <= MAX_LITERAL and text.count("{") + text.count("[") < MAX_BRACKETS:
        # NumPy prints its arrays without commas between the elements
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            value = ast.literal_eval(re.sub(r"\}\s+\{", "}, {", text))
    return value if isinstance(value, list) else []


MAX_BRACKETS: Final = 20_000


def joined(names: Iterable[str]) -> str:
    """Return names in quotes, as a sentence lists them."""
    return ", ".join(repr(name) for name in names)
