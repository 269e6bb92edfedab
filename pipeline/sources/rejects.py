"""The list of the rows that an import refused, in a file beside the one they stand in."""

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from uuid import uuid4

from pipeline.sources.reasons import Reasons
from pipeline.sources.records import Reject


class RejectsFile:
    """Lists rejected rows in `FILE.rejects.jsonl`, one JSON object a line; without any there is no such file.

    The list of an earlier import is removed first, and the new one appears whole, so that two imports at once do not
    mix theirs. Where the folder cannot be written, it is in a temporary folder: ask `path` afterwards.
    """

    def __init__(self, *, beside: str | Path) -> None:
        stdin = str(beside) == "-"
        self.path = Path("stdin.rejects.jsonl") if stdin else Path(f"{beside}.rejects.jsonl")
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        with suppress(OSError):
            self.path.unlink()
        return self

    def write_and_count(self, reasons: Reasons) -> Callable[[Reject], None]:
        """Return what writes a reject and counts its reason."""

        def note(reject: Reject) -> None:
            reasons.add(reject)
            self.write(reject)

        return note

    def write(self, reject: Reject) -> None:
        if self._file is None:
            self._file = self._open()
        row = {"line": reject.line, "unit": reject.unit, "reason": reject.reason}
        row |= {"file": reject.part} if reject.part else {}
        own = {"id": reject.external_id} if reject.external_id else {}
        print(json.dumps({**row, **own, "raw": reject.raw}, ensure_ascii=False), file=self._file)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            # renamed when complete: whoever looks sees the old list, none, or the whole new one
            Path(self._file.name).replace(self.path)

    def _open(self) -> IO[str]:
        unfinished = f".{self.path.name}.{uuid4().hex[:8]}"
        try:
            return self.path.with_name(unfinished).open("x", encoding="utf-8")
        except OSError:
            self.path = Path(tempfile.mkdtemp(prefix="leitmotif-")) / self.path.name
            return self.path.with_name(unfinished).open("x", encoding="utf-8")
