"""Writes the rows of a workbook down, sheet by sheet, in a process of its own with little memory.

    python -I workbook_rows.py WORKBOOK FOLDER MEGABYTES

python-calamine unpacks a sheet as a rectangle: two cells at its corners fill the memory of any machine, and a damaged
XLS whose sectors follow each other in a circle does so too; then the process is gone. So it is one that may go.
Nothing of Leitmotif or Django is imported here. What it says on standard output is JSON: a line for each visible sheet
with rows, or one `{"error": ...}`. The rows of sheet N are pickled in FOLDER/N, some at a time.
"""

import json
import pickle
import sys
from itertools import islice
from pathlib import Path

ROWS_AT_A_TIME = 500


def main(path: str, folder: str, megabytes: str) -> None:
    """Write all sheets, or say why that is not possible."""
    _bound_memory(int(megabytes) << 20)
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum, ZipError

    try:
        workbook = CalamineWorkbook.from_path(path)
        for number, about in enumerate(workbook.sheets_metadata):
            if about.typ == SheetTypeEnum.WorkSheet and about.visible == SheetVisibleEnum.Visible:
                sheet = workbook.get_sheet_by_name(about.name)
                if sheet.height:
                    _write(sheet.iter_rows(), Path(folder) / str(number))
                    first = sheet.start[0] + 1 if sheet.start else 1
                    _say(number=number, name=about.name, height=sheet.height, first=first)
    except (CalamineError, ZipError, OSError, ValueError) as error:
        _say(error=str(error), is_locked="assword" in f"{error}{type(error)}")


def _bound_memory(size: int) -> None:
    """Let an allocation beyond so many bytes fail, where the system can do that."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    except (ImportError, ValueError, OSError):
        pass


def _write(rows: object, path: Path) -> None:
    remaining = iter(rows)  # type: ignore[call-overload]
    with path.open("wb") as file:
        while some := list(islice(remaining, ROWS_AT_A_TIME)):
            pickle.dump(some, file, pickle.HIGHEST_PROTOCOL)


def _say(**what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
