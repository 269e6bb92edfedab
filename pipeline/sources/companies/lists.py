"""A list of companies in a table (CSV, XLSX, ODS): which column is the id, which the name, which hold addresses.

Rows with one id are one company, so a list may have a row for each address. A cell may hold several addresses.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, Protocol

from pipeline.sources.companies.urls import BadUrl, normal_url
from pipeline.sources.formats.base import Options, Stream
from pipeline.sources.formats.table import TableFormat
from pipeline.sources.formats.xlsx import WorkbookFormat
from pipeline.sources.parsing.heads import head_of
from pipeline.sources.parsing.parts import DAMAGE, Part, parts_of
from pipeline.sources.records import UnreadableSource
from pipeline.sources.tables.header import find_header
from pipeline.sources.tables.rows import Row, Table
from pipeline.sources.understanding.column_names import UnknownColumn, compact

FIELDS: Final = ("id", "name", "url")
"""What a person can map; `url` may be given again for more columns."""

SAMPLE: Final = 200
"""Rows by whose values the columns of addresses are found where no name tells."""

MOSTLY: Final = 0.5
"""Share of a column's values that must look like addresses."""

LONGEST_ID, LONGEST_NAME = 100, 200

_NAMES: Final = {
    "id": "id recordid record companyid externalid airtableid accountid uuid key kennung nummer identifiant",
    "name": "name company companyname organisation organization firm firma firmenname unternehmen unternehmensname "
    "account accountname customer client entreprise societe raisonsociale empresa azienda bedrijf",
}
_URL_NAME: Final = re.compile(
    r"url|website|webseite|webpage|homepage|web$|domain|link|siteweb|sitoweb|paginaweb|^site$"
)
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,24}(?:[:/]\S*)?", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s;|<>\"]+|,(?=\s|https?:|www\.|$)")


@dataclass(frozen=True, slots=True)
class Listed:
    """One company as a list has it; `urls` are normal (see `normal_url`) and distinct, in their order."""

    external_id: str
    name: str
    urls: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reading:
    """A list that was read. `notes` say how its columns were understood, `rejects` which rows or addresses were not."""

    companies: list[Listed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rejects: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a table by their place; `id` is None where the list has none."""

    names: tuple[str, ...]
    id: int | None
    name: int
    urls: tuple[int, ...]


class _Tables(Protocol):
    def tables(self, stream: Stream, options: Options) -> Iterator[Table]: ...


def read_list(paths: Sequence[str], mapping: Mapping[str, str], options: Options) -> Reading:
    """Read one or several tables as a list of companies.

    `mapping` gives a field (FIELDS) the name of its column, of several columns one a line. UnreadableSource if there is
    no table or no column that can be the name; UnknownColumn if a mapped one is not there.
    """
    found = Reading()
    rows: dict[str, _Gathered] = {}
    try:
        with ExitStack() as opened:
            for part in parts_of(list(paths), opened):
                for table in _form_of(part, options).tables(Stream([part]), options):
                    _read_table(table, mapping, rows, found)
    except DAMAGE as error:
        raise UnreadableSource(f"{', '.join(paths)} is damaged: {error}") from error
    except OSError as error:
        raise UnreadableSource(f"{', '.join(paths)} cannot be read: {error.strerror or error}") from error
    if not rows and not found.rejects:
        raise UnreadableSource(f"{', '.join(paths)} contains no companies")
    found.companies = [each.listed() for each in rows.values()]
    return found


def read_rows(names: Sequence[str], rows: Sequence[Sequence[object]], mapping: Mapping[str, str]) -> Reading:
    """Read rows under known names of columns as a list of companies; otherwise as `read_list`."""
    found, gathered = Reading(), dict[str, _Gathered]()
    lines = [Row(number, cells) for number, cells in enumerate(rows, start=1)]
    columns = _columns(tuple(names), lines[:SAMPLE], mapping)
    found.notes.append(_told(columns))
    for row in lines:
        _read_row(row, columns, gathered, found, f"row {row.line}")
    found.companies = [each.listed() for each in gathered.values()]
    return found


def parse_company_mapping(given: Iterable[str]) -> dict[str, str]:
    """Return the field and column of each `url=Website`; UnknownColumn if one is not written so."""
    mapping: dict[str, str] = {}
    for each in given:
        name, sign, column = each.partition("=")
        name = name.strip().casefold()
        if not sign or name not in FIELDS:
            raise UnknownColumn(f"--map {each!r}: write FIELD=COLUMN, where FIELD is one of {', '.join(FIELDS)}")
        mapping[name] = f"{mapping[name]}\n{column.strip()}" if name in mapping else column.strip()
    return mapping


def _form_of(part: Part, options: Options) -> _Tables:
    head = head_of(part, options)
    workbook = WorkbookFormat()
    return workbook if workbook.sniff(head) else TableFormat()


# --- Columns ------------------------------------------------------------------------------------------------------


def _read_table(table: Table, mapping: Mapping[str, str], rows: "dict[str, _Gathered]", found: Reading) -> None:
    sample = [row for _, row in zip(range(SAMPLE), table.open(), strict=False)]
    header = find_header(sample)
    if header is None:
        return
    data = [row for row in sample if row.line > header.line and not row.reason]
    columns = _columns(header.names, data, mapping)
    named = [f"name = {columns.names[columns.name]}"]
    named.append(
        f"id = {columns.names[columns.id]}" if columns.id is not None else "id = the name (no ID column found)"
    )
    named.append(f"addresses = {', '.join(columns.names[place] for place in columns.urls) or 'none'}")
    found.notes.append(f"{table.name + ': ' if table.name else ''}{'; '.join(named)}.")
    for row in table.open():
        if row.line > header.line:
            _read_row(row, columns, rows, found, f"{table.unit} {row.line}")


def _told(columns: _Columns) -> str:
    """Return how the columns were understood, in a sentence."""
    identity = columns.names[columns.id] if columns.id is not None else "the name (no ID column found)"
    urls = ", ".join(columns.names[place] for place in columns.urls) or "none"
    return f"Name = {columns.names[columns.name]}; id = {identity}; addresses = {urls}."


def _columns(names: tuple[str, ...], data: Sequence[Row], mapping: Mapping[str, str]) -> _Columns:
    given = {name: [_place(names, column) for column in mapping[name].split("\n")] for name in mapping}
    urls = given.get("url")
    if urls is None:
        urls = [place for place, name in enumerate(names) if _is_of_urls(name, _values(data, place))]
    by_name = {
        field: next(
            (place for word in words.split() for place, name in enumerate(names) if compact(name) == word), None
        )
        for field, words in _NAMES.items()
    }
    identity = given["id"][0] if "id" in given else by_name["id"]
    name = given["name"][0] if "name" in given else by_name["name"]
    if name is None:  # the first column of words
        free = [place for place in range(len(names)) if place not in urls and place != identity]
        name = free[0] if free else identity
    if name is None:
        raise UnreadableSource(
            f"no column was recognised as the company's name. Columns: {', '.join(names)}. Choose one with --map "
            "name=COLUMN"
        )
    return _Columns(names, identity, name, tuple(urls))


def _place(names: tuple[str, ...], column: str) -> int:
    wanted = compact(column)
    for place, name in enumerate(names):
        if compact(name) == wanted:
            return place
    raise UnknownColumn(f"there is no column {column!r}. Columns: {', '.join(names)}")


def _is_of_urls(name: str, values: Sequence[str]) -> bool:
    """Whether a column holds addresses: most of its values look so, or all do whose column is called so."""
    if not values:
        return bool(_URL_NAME.search(compact(name)))
    alike = sum(all(_ADDRESS.fullmatch(word) for word in _words(value)) for value in values)
    return alike >= MOSTLY * len(values) and (
        bool(_URL_NAME.search(compact(name))) or all("://" in value or "www." in value for value in values)
    )


def _values(rows: Iterable[Row], place: int) -> list[str]:
    return [text for row in rows if (text := _cell(row, place))]


def _cell(row: Row, place: int) -> str:
    value = row.cells[place] if place < len(row.cells) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a workbook's numbers are floats
    return "" if value is None else str(value).replace("\0", "").strip()


def _words(text: str) -> list[str]:
    words = [word for word in _BETWEEN.split(text) if word]
    return [part for word in words for part in (word.split(",") if "/" not in word else [word]) if part]


# --- Rows ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Gathered:
    """What the rows of one company say together; the first row's name and cells count."""

    external_id: str
    name: str
    metadata: dict[str, str]
    urls: dict[str, None] = field(default_factory=dict)

    def listed(self) -> Listed:
        return Listed(self.external_id, self.name, tuple(self.urls), self.metadata)


def _read_row(row: Row, columns: _Columns, rows: dict[str, _Gathered], found: Reading, place: str) -> None:
    if row.reason:
        found.rejects.append(f"{place}: {row.reason}")
        return
    if not row.filled:
        return
    name = _cell(row, columns.name)
    identity = _cell(row, columns.id) if columns.id is not None else " ".join(name.casefold().split())
    if not identity:
        found.rejects.append(f"{place}: no {'id' if columns.id is not None else 'name'}")
        return
    if len(identity) > LONGEST_ID:
        found.rejects.append(f"{place}: its id is longer than {LONGEST_ID} characters")
        return
    gathered = rows.setdefault(
        identity, _Gathered(identity, (name or identity)[:LONGEST_NAME], _metadata(row, columns))
    )
    for column in columns.urls:
        for word in _words(_cell(row, column)):
            try:
                gathered.urls[normal_url(word)] = None
            except BadUrl as error:
                found.rejects.append(f"{place}: {word[:100]!r} is not a valid page address: {error}")


def _metadata(row: Row, columns: _Columns) -> dict[str, str]:
    used = {columns.id, columns.name, *columns.urls}
    cells = {name: _cell(row, place) for place, name in enumerate(columns.names) if place not in used}
    return {name: value[:1000] for name, value in cells.items() if value}
