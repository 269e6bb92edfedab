"""Where the header of a table stands, and what its columns are called; surveys have headers of several rows."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.sources.tables.rows import HEADER_ROWS, Row, Table, cell_text, first_rows, is_blank
from pipeline.sources.understanding import column_names, times


@dataclass(frozen=True, slots=True)
class Header:
    """What stands above the rows. `names` has one for each column; equal ones mean that the columns belong together."""

    names: tuple[str, ...]
    line: int
    """The last line above the rows; 0 if the first row is data already."""
    notes: tuple[str, ...] = ()
    answers: frozenset[str] = frozenset()
    """In a survey, the columns of open answers as the export itself says."""
    names_are_given: bool = True
    """Whether the file has a header; else the columns are numbered."""


def header_of(table: Table) -> Header | None:
    """Return the header of a table, None of an empty one."""
    return find_header(first_rows(table))


MIN_COLUMNS: Final = 3
"""Columns of a table without a header whose rows are of different widths; fewer are rather lines of text."""

_KNOWN: Final = {name for names in column_names.NAMES.values() for name in names}


def find_header(sample: Sequence[Row]) -> Header | None:
    """Return the header among the first rows, None of an empty table. Without one, columns are `column 1` ...."""
    rows = [row for row in sample if not row.reason and row.filled]
    if not rows:
        return None
    place = _header_place(rows)
    head = rows[place]
    if _is_data(head, rows[place + 1 : place + 20]):
        widths = [len(row.cells) for row in rows[place : place + 50] if row.filled]
        # a text with commas and no quotes spreads over more cells: the narrowest row shows how many columns there are
        width = min(widths) if min(widths) >= MIN_COLUMNS else max(widths)
        names = tuple(f"column {number}" for number in range(1, width + 1))
        note = "The first row has no column names, so the columns are called column 1, 2, ..."
        return Header(names, head.line - 1, (note,), names_are_given=False)
    names = _names(head.cells)
    notes = []
    if place:
        above = f"{place} row{'s' if place > 1 else ''}"
        notes.append(
            f"{above} above the header were skipped." if place > 1 else f"{above} above the header was skipped."
        )
    after = rows[place + 1 : place + 3]
    return _survey_header(names, head, after, notes) or Header(names, head.line, tuple(notes))


def _header_place(rows: Sequence[Row]) -> int:
    """Return the place of the header: the first of the early rows that is about as wide as those after it.

    A row with more names that are known goes before that: title rows may be wide, and rows ragged.
    """
    early = rows[:HEADER_ROWS]
    known = [
        sum(column_names.compact(cell_text(cell)) in _KNOWN for cell in row.cells if len(cell_text(cell)) <= 100)
        for row in early
    ]
    # two known names are no accident: `date` and `subject` do not meet in a title row
    best = max(known)
    if best >= 2:
        return known.index(best)
    widths = Counter(row.filled for row in rows[:200])
    usual = max(widths, key=lambda width: (widths[width], width))
    if best and known.index(best) == 0:
        return 0
    wide = [place for place, row in enumerate(early) if row.filled >= max(1, 0.6 * usual)]
    return wide[0] if wide else 0


def _is_data(row: Row, following: Sequence[Row]) -> bool:
    """Return whether a row is no header but data: no name is known in it, and a cell is nobody's name for a column."""
    cells = [cell_text(cell) for cell in row.cells if not is_blank(cell)]
    if not following or any(column_names.compact(cell) in _KNOWN for cell in cells):
        return False
    return any(
        times.looks_like_time(cell) or _VALUE.fullmatch(cell) or (len(cell) > 80 and cell[-1] != "?") for cell in cells
    )


_VALUE: Final = re.compile(r"[\d.,-]+|\S+@\S+")


def _names(cells: Sequence[object]) -> tuple[str, ...]:
    """Return the name of each column; one without a name is called by its number."""
    return tuple(
        re.sub(r"\s+", " ", cell_text(cell)).strip(" \ufeff") or f"column {number}"
        for number, cell in enumerate(cells, start=1)
    )


def _survey_header(names: tuple[str, ...], head: Row, after: Sequence[Row], notes: list[str]) -> Header | None:
    """Return the header of a survey that has more than one row: Qualtrics has two or three, SurveyMonkey two."""
    if not after:
        return None
    second = [cell_text(cell) for cell in after[0].cells]
    if len(after) > 1 and any("ImportId" in cell_text(cell) for cell in after[1].cells):
        notes.append("Recognised as an export of Qualtrics: its three header rows are not conversations.")
        return Header(_with_questions(names, second), after[1].line, tuple(notes))
    if any("ImportId" in cell for cell in second):
        notes.append("Recognised as an export of Qualtrics: its header rows are not conversations.")
        return Header(names, after[0].line, tuple(notes))
    if any(cell.casefold() in _OPEN_ENDED for cell in second):
        notes.append("Recognised as an export of SurveyMonkey: its two header rows are not conversations.")
        answers = [name for name, cell in zip(names, second, strict=False) if cell.casefold() in _OPEN_ENDED]
        return Header(names, after[0].line, tuple(notes), frozenset(answers))
    return None


_OPEN_ENDED: Final = frozenset(("open-ended response", "offene antwort", "réponse ouverte", "respuesta abierta"))


def _with_questions(names: Sequence[str], questions: Sequence[str]) -> tuple[str, ...]:
    """Return the questions as names of the columns that are answers (`Q3`), and the other names as they are."""
    named = []
    for place, name in enumerate(names):
        question = re.sub(r"\s+", " ", questions[place]).strip() if place < len(questions) else ""
        is_answer = re.match(r"(?:QID|Q)\d+", name) and not re.search(r"_(?:DO|PageTimer|NPS)", name)
        named.append(question if is_answer and question and question not in named else name)
    return tuple(named)
