"""Writes the rows of a workbook down, sheet by sheet, in a process of its own with little memory and little time.

    python -I workbook_rows.py WORKBOOK FOLDER MEGABYTES SECONDS

python-calamine unpacks a sheet as a rectangle: two cells at its corners fill the memory of any machine, and a damaged
XLS whose sectors follow each other in a circle does so too; then the process is gone. So it is one that may go. A
thousand sheets that unpack to millions of cells each would keep it busy for hours and fill the disk: both are bounded.
Nothing of Leitmotif or Django is imported here. What it says on standard output is JSON: a line for each visible sheet
with rows, or one `{"error": ...}`. The rows of sheet N are pickled in FOLDER/N, some at a time.
"""

import json
import pickle
import sys
from itertools import islice
from pathlib import Path

ROWS_AT_A_TIME = 500
MAX_WRITTEN = 1 << 30
"""Bytes that all rows may take on disk: ten times the largest sheet that is opened at all."""


def main(path: str, folder: str, megabytes: str, seconds: str) -> None:
    """Write all sheets, or say why that is not possible."""
    _bound(int(megabytes) << 20, int(seconds))
    # behind the bounds: whatever the library takes is within them
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum, ZipError

    try:
        workbook, written = CalamineWorkbook.from_path(path), 0
        for number, about in enumerate(workbook.sheets_metadata):
            if about.typ == SheetTypeEnum.WorkSheet and about.visible == SheetVisibleEnum.Visible:
                sheet = workbook.get_sheet_by_name(about.name)
                if sheet.height:
                    written = _write(sheet.iter_rows(), Path(folder) / str(number), written)
                    first = sheet.start[0] + 1 if sheet.start else 1
                    _say(number=number, name=about.name, height=sheet.height, first=first)
    except TooMuch as error:
        _say(error=str(error), is_locked=False)
    except (CalamineError, ZipError, OSError, ValueError) as error:
        _say(error=str(error), is_locked="assword" in f"{error}{type(error)}")


class TooMuch(Exception):
    """The rows take more room than they may; the message says so."""


def _bound(size: int, seconds: int) -> None:
    """Let an allocation beyond so many bytes fail, and the process end after so long on a processor, where the system
    can do that.
    """
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    except (ImportError, ValueError, OSError):
        pass


def _write(rows: object, path: Path, written: int) -> int:
    """Write the rows of a sheet and return how many bytes all sheets take by now. TooMuch if that is too much."""
    remaining = iter(rows)  # type: ignore[call-overload]
    with path.open("wb") as file:
        while some := list(islice(remaining, ROWS_AT_A_TIME)):
            pickle.dump(some, file, pickle.HIGHEST_PROTOCOL)
            if written + file.tell() > MAX_WRITTEN:
                raise TooMuch(f"its rows take more than {MAX_WRITTEN >> 20:,} MB")
        return written + file.tell()


def _say(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
