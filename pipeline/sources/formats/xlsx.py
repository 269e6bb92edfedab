"""Workbooks: XLSX, XLS, XLSB and ODS. Times come typed, so nothing about them is open."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from django.conf import settings
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum, ZipError

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Head, Options, Stream
from pipeline.sources.formats.tables import Row, Table, header_of, joined, records_of
from pipeline.sources.parsing.parts import OFFICE, PIECE, ZIP, Part
from pipeline.sources.records import Record, Reject, UnreadableSource

OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAX_SHEET_BYTES: Final = 96 << 20
"""A workbook is unpacked as a whole. One whose largest sheets and texts unpack to more is refused; CSV has no bound."""


class WorkbookFormat:
    """A workbook. Its first sheet with a table is read, and the other sheets with the same columns."""

    name = "a workbook (Excel, OpenDocument)"

    def sniff(self, head: Head) -> float:
        """Return 1 for a zip that is a document, or for the signature of old Excel files."""
        if head.raw.startswith(OLD_EXCEL):
            return 1.0
        is_document = any(name.encode() in head.raw[:4096] for name in (*OFFICE, "xl/workbook", "content.xml"))
        return 1.0 if head.raw.startswith(ZIP) and is_document else 0.0

    def records(self, stream: Stream, options: Options) -> Iterator[Record | Reject]:
        """Return the conversations; UnreadableSource for a workbook that cannot be opened or holds no table."""
        for part in stream.parts:
            with _opened(part) as workbook:
                yield from _records(workbook, part, stream, options)


@contextmanager
def _opened(part: Part) -> Iterator[CalamineWorkbook]:
    with ExitStack() as opened:
        copy = opened.enter_context(tempfile.NamedTemporaryFile(prefix="leitmotif-"))  # it is read back and forth
        with part.open() as file:
            shutil.copyfileobj(file, copy, PIECE)
        copy.flush()
        _check_size(part.name, copy.name)
        try:
            workbook = CalamineWorkbook.from_path(copy.name)
        except (CalamineError, ZipError, OSError, ValueError) as error:
            why = "locked with a password" if "assword" in f"{error}{type(error)}" else f"damaged: {error}"
            raise UnreadableSource(f"{part.name} is a workbook that cannot be opened, it is {why}") from error
        yield workbook


def _check_size(name: str, path: str) -> None:
    """Refuse what unpacks to more than memory should hold."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        largest = max((each.file_size for each in archive.infolist()), default=0)
    if largest > MAX_SHEET_BYTES:
        most = f"at most {MAX_SHEET_BYTES >> 20} MB are read"
        raise UnreadableSource(f"{name} holds a sheet of {largest >> 20} MB, and {most}: save it as CSV (UTF-8)")


def _records(workbook: CalamineWorkbook, part: Part, stream: Stream, options: Options) -> Iterator[Record | Reject]:
    limit = int(getattr(settings, "MAX_RECORD_BYTES", 10 * 1024 * 1024))
    read: list[str] = []
    others: list[str] = []
    names: tuple[str, ...] | None = None
    problem: UnreadableSource | None = None
    for sheet in _sheets(workbook, part):
        where = f"{part.name}, sheet {sheet.name}" if len(workbook.sheet_names) > 1 or len(stream.parts) > 1 else ""
        table = Table(partial(_rows, sheet), where, "row", limit=limit)
        header = header_of(table)
        if header is None:
            continue
        if names is not None and header.names != names:
            others.append(f"{sheet.name!r} ({counted(sheet.height, 'row')})")
            continue
        try:
            records = records_of(table, options, stream.summary)
        except UnreadableSource as error:
            problem = problem or error
            others.append(f"{sheet.name!r} ({counted(sheet.height, 'row')})")
            continue
        names = header.names
        read.append(sheet.name)
        yield from records
    if problem and not read:
        raise problem
    if others:
        stream.summary.note(f"Read was sheet {joined(read)}; not read: {', '.join(others)}.")


def _sheets(workbook: CalamineWorkbook, part: Part) -> Iterator[CalamineSheet]:
    """Yield the visible sheets one by one, so that only one is unpacked at a time."""
    for about in workbook.sheets_metadata:
        if about.typ != SheetTypeEnum.WorkSheet or about.visible != SheetVisibleEnum.Visible:
            continue
        try:
            sheet = workbook.get_sheet_by_name(about.name)
        except (CalamineError, ZipError) as error:
            raise UnreadableSource(f"{part.name}: the sheet {about.name!r} is damaged: {error}") from error
        if sheet.height:
            yield sheet


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    """Yield the rows with the number that the program shows."""
    first = sheet.start[0] + 1 if sheet.start else 1
    for number, cells in enumerate(sheet.iter_rows(), start=first):
        yield Row(number, cells)
