"""Workbooks: XLSX, XLS, XLSB and ODS. Times come typed, so nothing about them is open.

They are unpacked by another process (`workbook_rows`), which a hostile or damaged one may cost; its rows wait on disk.
"""

import json
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Head, Options, Stream, limit
from pipeline.sources.parsing import workbook_rows
from pipeline.sources.parsing.parts import OFFICE, PIECE, ZIP, Part
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.tables.header import header_of
from pipeline.sources.tables.reading import records_of
from pipeline.sources.tables.rows import Row, Table, joined

OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAX_SHEET_BYTES: Final = 96 << 20
"""A workbook is unpacked as a whole. One whose largest sheets and texts unpack to more is refused; CSV has no bound."""

MEMORY_MB: Final = 280
"""What unpacking may take beside the code of the process: with it, it stays below 300 MB."""

SECONDS: Final = 120
"""On a processor, that unpacking may take. The largest sheet that is opened, 96 MB, takes 20 to 30."""

PATIENCE: Final = 5 * 60
"""Seconds of the clock after which it is given up on a busy machine, or where nothing bounds the processor's."""


_OUT_OF_TIME: Final = -getattr(signal, "SIGXCPU", 0)
"""How a process ends that used up its seconds."""


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
            with ExitStack() as opened:
                yield from _records(_unpacked(part, opened), part, stream, options)

    def tables(self, stream: Stream, options: Options) -> Iterator[Table]:
        """Return the visible sheets of all workbooks as they stand; each is there until the next is asked for."""
        for part in stream.parts:
            with ExitStack() as opened:
                for sheet in _unpacked(part, opened):
                    yield Table(partial(_Sheet.rows, sheet), f"{part.name}, sheet {sheet.name}", "row", limit=limit())


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A visible sheet with rows. `first` is the number that the program shows for the first of them."""

    name: str
    height: int
    first: int
    path: Path

    def rows(self) -> Iterator[Row]:
        """Yield the rows from the beginning."""
        number = self.first
        with self.path.open("rb") as file:
            while True:
                try:
                    some: list[list[Any]] = pickle.load(file)
                except EOFError:
                    return
                for cells in some:
                    yield Row(number, cells)
                    number += 1


def _unpacked(part: Part, opened: ExitStack) -> list[_Sheet]:
    """Return the sheets of a workbook; their rows are on disk until `opened` ends. UnreadableSource says why not."""
    folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="leitmotif-")))
    copy = folder / "workbook"  # it is read back and forth
    with part.open() as file, copy.open("wb") as written:
        shutil.copyfileobj(file, written, PIECE)
    _check_size(part.name, copy)
    command = [sys.executable, "-I", workbook_rows.__file__, str(copy), str(folder), str(MEMORY_MB), str(SECONDS)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode == _OUT_OF_TIME < 0:
        raise UnreadableSource(f"{part.name} is a workbook that takes too long to unpack; save it as CSV (UTF-8)")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    if failed := next((each for each in said if "error" in each), None):
        why = "locked with a password" if failed["is_locked"] else f"damaged: {failed['error']}"
        raise UnreadableSource(f"{part.name} is a workbook that cannot be opened: it is {why}")
    if done.returncode:
        why = f"it is damaged, or needs more than {MEMORY_MB} MB to unpack; save it as CSV (UTF-8)"
        raise UnreadableSource(f"{part.name} is a workbook that cannot be opened: {why}")
    return [_Sheet(each["name"], each["height"], each["first"], folder / str(each["number"])) for each in said]


def _check_size(name: str, path: Path) -> None:
    """Refuse what unpacks to more than memory should hold."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        largest = max((each.file_size for each in archive.infolist()), default=0)
    if largest > MAX_SHEET_BYTES:
        most = f"the limit is {MAX_SHEET_BYTES >> 20} MB"
        raise UnreadableSource(f"{name} contains a sheet of {largest >> 20} MB, but {most}; save it as CSV (UTF-8)")


def _records(sheets: Sequence[_Sheet], part: Part, stream: Stream, options: Options) -> Iterator[Record | Reject]:
    read: list[str] = []
    others: list[str] = []
    names: tuple[str, ...] | None = None
    problem: UnreadableSource | None = None
    for sheet in sheets:
        where = f"{part.name}, sheet {sheet.name}" if len(sheets) > 1 or len(stream.parts) > 1 else ""
        table = Table(partial(_Sheet.rows, sheet), where, "row", limit=limit())
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
        stream.summary.note(f"Sheets read: {joined(read)}; not read: {', '.join(others)}.")
