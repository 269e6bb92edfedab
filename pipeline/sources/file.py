"""Conversations in a file or on standard input: JSONL, a JSON array or CSV, each also gzipped.

What a file is, is read from its first bytes and not from its name. Nothing here grows with the file.
"""

import codecs
import csv
import gzip
import io
import json
import sys
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import ijson
from django.conf import settings

from pipeline.sources.base import Record, Reject, UnreadableSource, excerpt, read_record

STDIN = "-"
MAX_RECORD_BYTES = 10 * 1024 * 1024
"""A longer row is rejected, unless the setting of this name says otherwise."""

Stream = io.BufferedReader | gzip.GzipFile
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
BOM = codecs.BOM_UTF8
PIECE = 1 << 16


class FileSource:
    """A file, or standard input for `-`. The columns name what is the id and the text in CSV."""

    kind = "file"

    def __init__(
        self, path: str | Path, name: str | None = None, *, text_column: str = "text", id_column: str = "id"
    ) -> None:
        self.path = Path(path)
        self.is_stdin = str(path) == STDIN
        self.name = name or _stem(self.path, self.is_stdin)
        self.text_column = text_column
        self.id_column = id_column
        self.limit: int = getattr(settings, "MAX_RECORD_BYTES", MAX_RECORD_BYTES)

    def __str__(self) -> str:
        return "standard input" if self.is_stdin else str(self.path)

    def records(self) -> Iterator[Record | Reject]:
        """Return what the file holds, row by row. UnreadableSource if it is missing or of no known format."""
        stream = self._open()
        try:
            return self._closing(stream, self._rows(stream))
        except DAMAGE as error:
            self._close(stream)
            raise UnreadableSource(f"{self} begins like gzip and cannot be unpacked: {error}") from error
        except UnreadableSource:
            self._close(stream)
            raise

    # --- Opening --------------------------------------------------------------------------------------------------

    def _open(self) -> Stream:
        try:
            stream = sys.stdin.buffer if self.is_stdin else self.path.open("rb", buffering=PIECE)
        except IsADirectoryError:
            raise UnreadableSource(f"{self} is a folder; name a file.") from None
        except OSError as error:
            raise UnreadableSource(f"{self} cannot be read: {error.strerror}.") from error
        assert isinstance(stream, io.BufferedReader)
        is_gzip = stream.peek(2)[:1] == gzip_magic[:1]  # the second byte may still be on its way; gzip checks it
        return gzip.GzipFile(fileobj=stream) if is_gzip else stream

    def _rows(self, stream: Stream) -> Iterator[Record | Reject]:
        """Choose the reader by the first byte that is not blank."""
        lines_skipped, first = _skip_blank(stream)
        if first == b"":
            return iter(())
        if first == b"[":
            return self._array(stream)
        lines = _numbered_lines(stream, lines_skipped + 1, self.limit)
        return self._json_lines(lines) if first == b"{" else self._csv(lines)

    def _closing(self, stream: Stream, rows: Iterator[Record | Reject]) -> Iterator[Record | Reject]:
        """Pass the rows on; damage in a gzip file ends them with a reject that says so."""
        row = None
        try:
            for row in rows:
                yield row
        except DAMAGE as error:
            line, unit = (row.line, row.unit) if row else (0, "line")
            yield Reject(line + 1, f"the gzip file is damaged here, the rest could not be read: {error}", unit=unit)
        finally:
            self._close(stream)

    def _close(self, stream: Stream) -> None:
        if isinstance(stream, gzip.GzipFile):
            below = stream.fileobj
            stream.close()
            stream = below
        if not self.is_stdin:
            stream.close()

    # --- JSONL ----------------------------------------------------------------------------------------------------

    def _json_lines(self, lines: "Iterable[Line]") -> Iterator[Record | Reject]:
        for line in lines:
            if not line.is_whole:
                yield self._too_long(line.number, line.raw)
            elif not line.raw.isspace():
                yield read_record(line.raw, line=line.number)

    def _too_long(self, number: int, raw: bytes, unit: str = "line") -> Reject:
        return Reject(number, f"the {unit} is longer than {self.limit:,} bytes", "", excerpt(raw), unit)
