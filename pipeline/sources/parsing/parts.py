"""Files to read from, however they are packed: one file, standard input, a folder, a glob, a zip, gzip anywhere.

Each part can be opened again and again (to look at its head, to decide about a whole column, to read), and is read in
pieces: what is unpacked is never held whole.
"""

import glob
import io
import os
import shutil
import stat
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from pipeline.sources.records import UnreadableSource

STDIN = "-"

PIECE = 1 << 16
"""Bytes read at a time."""

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"

LAYERS = 3
"""Gzip within gzip that is unpacked; a file that is packed more often is refused."""

FREE_BYTES, MOST_RATIO = 256 << 20, 200
"""What unpacks to more than the first, and to more than so many times its size, is taken for a bomb and cut off."""

DIRECTORY_BYTES = 16 << 20
"""The largest list of contents of a zip: about 150,000 files."""

DAMAGE = (EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError)
"""What reading a packed file raises where it is damaged, or packed in a way that the standard library does not know."""

OFFICE = ("[Content_Types].xml", "mimetype")
"""A zip that holds one of these is a document (XLSX, ODS), not a folder."""

PASSED_OVER = ("__MACOSX/", ".rejects.jsonl")


class TooMuch(EOFError):
    """The file unpacks to far more than any export does."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file. `name` is for messages: its path, and within a zip the name it has there."""

    name: str
    open_packed: Callable[[], IO[bytes]]
    label: str = ""
    """What its rows say they come from: its name, or nothing where it is the only file."""

    encoding: str = ""
    """In which encoding its text is, where that was found by looking at all of it; else its beginning shows it."""

    def open(self) -> io.BufferedReader:
        """Return its bytes, unpacked, from the beginning; the caller closes it. One of DAMAGE or OSError on reading."""
        # by what it begins with and not by its name: exports are called .gz and are not, and the other way round
        stream: io.BufferedReader = io.BufferedReader(_Raw(self.open_packed()), PIECE)
        for _ in range(LAYERS):
            if stream.peek(2)[:2] != GZIP:
                return stream
            stream = io.BufferedReader(_Raw(_Gunzipped(stream)), PIECE)
        return stream

    def pieces(self) -> Iterator[bytes]:
        """Yield its bytes, unpacked, some at a time; raises as `open` does."""
        with self.open() as file:
            while piece := file.read(PIECE):
                yield piece

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def basename(self) -> str:
        return self.name.rpartition("/")[2].removesuffix(".gz")


class _Raw(io.RawIOBase):
    """Anything with `read`, so that it can be buffered; closes it too."""

    def __init__(self, source: "IO[bytes] | _Gunzipped") -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


class _Gunzipped:
    """The members of a gzip file one after the other, unpacked in pieces; zlib.error or EOFError at damage."""

    def __init__(self, packed: io.BufferedReader) -> None:
        self._packed = packed
        self._inflate = zlib.decompressobj(31)
        self._waiting = b""
        self._taken = self._given = 0

    def read(self, size: int) -> bytes:
        while True:
            if self._inflate.eof:
                # a gzip file may have several members, one after the other: `cat a.gz b.gz` makes such
                self._waiting = (self._inflate.unused_data or self._take()).lstrip(b"\0")  # tapes are padded with NUL
                if not self._waiting:
                    return b""
                self._inflate = zlib.decompressobj(31)
            data = self._waiting or self._take()
            unpacked = self._inflate.decompress(data, size)
            self._waiting = self._inflate.unconsumed_tail
            self._given += len(unpacked)
            if self._given > FREE_BYTES and self._given > MOST_RATIO * self._taken:
                raise TooMuch(f"it unpacks to more than {MOST_RATIO} times its size")
            if unpacked:
                return unpacked
            if not data and not self._inflate.eof:
                raise EOFError("it ends before the packed data is complete")

    def _take(self) -> bytes:
        data = self._packed.read1(PIECE)
        self._taken += len(data)
        return data

    def close(self) -> None:
        self._packed.close()


# --- What a person names ------------------------------------------------------------------------------------------


def parts_of(paths: Sequence[str | Path], opened: ExitStack) -> list[Part]:
    """Return the files that are meant, in the order given and within a folder or zip by name.

    A path is a file, a folder, a pattern such as `exports/*.json`, a zip, or - for standard input. What has to be kept
    open is closed by `opened`. UnreadableSource, which says why, where there is nothing to read.
    """
    found: list[Part] = []
    for path in paths:
        for each in _files(str(path)):
            found += _parts_of_file(each, opened)
    return found


def _files(path: str) -> list[str]:
    if path == STDIN or os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        if not (inside := sorted(_walk(path))):
            raise UnreadableSource(f"{path} is a folder without files")
        return inside
    if not os.path.exists(path) and (matched := sorted(glob.glob(path, recursive=True))):
        return [each for one in matched for each in ([one] if os.path.isfile(one) else sorted(_walk(one)))]
    return [path]


def _walk(folder: str) -> Iterator[str]:
    """Yield the regular files below a folder; hidden ones, lists of rejects and what links lead to are passed over."""
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        for name in names:
            path = os.path.join(here, name)
            if not name.startswith(".") and not name.endswith(PASSED_OVER) and os.path.isfile(path):
                yield path


def _parts_of_file(path: str, opened: ExitStack) -> list[Part]:
    try:
        if path == STDIN:
            part = _kept("standard input", sys.stdin.buffer, opened)
        elif stat.S_ISREG(os.stat(path).st_mode):
            part = Part(path, lambda: open(path, "rb"))  # noqa: SIM115 - Part.open's caller closes it
        else:
            with open(path, "rb") as pipe:
                part = _kept(path, pipe, opened)
        with part.open_packed() as file:
            is_zip = file.read(4) == ZIP
    except OSError as error:
        raise UnreadableSource(f"{path} cannot be read: {error.strerror or error}") from error
    return _parts_of_zip(part, opened) if is_zip else [part]


def _kept(name: str, stream: IO[bytes], opened: ExitStack) -> Part:
    """Return what comes through a pipe as a part: it is copied to a temporary file, so that it can be opened again."""
    copy = opened.enter_context(tempfile.NamedTemporaryFile(prefix="leitmotif-"))  # noqa: SIM115
    shutil.copyfileobj(stream, copy, PIECE)
    copy.flush()
    return Part(name, lambda: open(copy.name, "rb"))


# --- Zip ----------------------------------------------------------------------------------------------------------


def _parts_of_zip(part: Part, opened: ExitStack) -> list[Part]:
    """Return the files in a zip by name; the zip itself if it is a document of an office program."""
    file = opened.enter_context(part.open_packed())
    _check_directory(part.name, file)
    try:
        archive = opened.enter_context(zipfile.ZipFile(file))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError) as error:
        raise UnreadableSource(f"{part.name} looks like a zip file but cannot be unpacked: {error}") from error
    names = set(archive.namelist())
    if names.intersection(OFFICE):
        return [part]
    inside = [each for each in archive.infolist() if not each.is_dir() and not _is_passed_over(each.filename)]
    if any(each.flag_bits & 1 for each in inside):
        raise UnreadableSource(f"{part.name} is protected by a password; unpack it and pass the folder")
    inside.sort(key=lambda each: each.filename)
    return [Part(f"{part.name}/{each.filename}", partial(_Member, archive, each)) for each in inside]  # type: ignore[arg-type]


def _is_passed_over(name: str) -> bool:
    return (
        name.startswith("__MACOSX/")
        or name.endswith(PASSED_OVER)
        or any(piece.startswith(".") for piece in name.split("/"))
    )


class _Member(io.RawIOBase):
    """A file in a zip, cut off where it unpacks to far more than any export does."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._member = archive.open(info)
        self._most = max(FREE_BYTES, MOST_RATIO * info.compress_size)
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._member.read(len(buffer))
        self._given += len(data)
        if self._given > self._most:
            raise TooMuch(f"it unpacks to more than {MOST_RATIO} times its size")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._member.close()
        super().close()


def _check_directory(name: str, file: IO[bytes]) -> None:
    """Refuse a zip whose list of contents would not fit into memory: `zipfile` reads it whole."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - (1 << 16) - 22))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place >= 0 and len(tail) >= place + 16:
        (directory,) = struct.unpack_from("<L", tail, place + 12)
        large = tail.rfind(b"PK\x06\x06", 0, place)  # the form for many or large files
        if directory == 0xFFFFFFFF and large >= 0 and len(tail) >= large + 48:
            (directory,) = struct.unpack_from("<Q", tail, large + 40)
        if min(directory, size) > DIRECTORY_BYTES:
            raise UnreadableSource(f"{name} contains too many files; unpack it and pass the folder")
    file.seek(0)
