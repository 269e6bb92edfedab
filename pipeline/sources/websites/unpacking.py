"""Unpack a body piece by piece within a bound: a bomb is found out before it is in memory."""

import zlib
from collections.abc import Callable

ENCODINGS = "gzip, deflate"
"""What is asked for: both unpack with a bound on what comes out."""


class TooLarge(Exception):
    """There is more than the bound allows."""


class BadPacking(Exception):
    """The bytes are not packed as the header says, or in a way that nobody asked for."""


def unpacker(encoding: str, most: int) -> "Plain | Packed":
    """Return what unpacks a body of this Content-Encoding to at most so many bytes; BadPacking if it is unknown."""
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if not names:
        return Plain(most)
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        raise BadPacking(f"it is packed as {encoding[:50]}, which was not asked for")
    return Packed(most, names[0])


class Plain:
    """A body that is not packed."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.pieces: list[bytes] = []
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Take the next piece; TooLarge if that is too much."""
        self.size += len(piece)
        if self.size > self.most:
            raise TooLarge
        self.pieces.append(piece)

    def body(self) -> bytes:
        """Return all of it."""
        return b"".join(self.pieces)


class Packed(Plain):
    """A body packed by gzip, in one or several members, or deflate, with its header or without."""

    def __init__(self, most: int, kind: str) -> None:
        super().__init__(most)
        self.came = 0
        self._new: Callable[[], zlib._Decompress] = lambda: zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._unpack = self._new()
        self._may_be_raw = kind == "deflate"

    def add(self, piece: bytes) -> None:
        """Unpack the next piece; TooLarge if what comes in or out is too much, BadPacking if it cannot be."""
        self.came += len(piece)
        if self.came > self.most:
            raise TooLarge
        while piece:
            if self._unpack.eof:  # another member follows, or padding
                if not piece.strip(b"\0"):
                    return
                self._unpack = self._new()
            super().add(self._unpacked(piece))
            if self._unpack.unconsumed_tail:
                raise TooLarge
            piece = self._unpack.unused_data if self._unpack.eof else b""

    def _unpacked(self, piece: bytes) -> bytes:
        room = self.most - self.size + 1
        try:
            return self._unpack.decompress(piece, room)
        except zlib.error as error:
            if self._may_be_raw and not self.size:
                self._may_be_raw, self._unpack = False, zlib.decompressobj(-zlib.MAX_WBITS)
                return self._unpacked(piece)
            raise BadPacking(f"it is not packed as it says: {error}") from error
