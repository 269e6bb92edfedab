"""The beginning of a file, as formats see it to recognise theirs, and the elements of a JSON file behind it."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import IO, Any

from pydantic_core import from_json

from pipeline.sources.formats.base import HEAD_BYTES, Head, Options
from pipeline.sources.parsing import encodings
from pipeline.sources.parsing.elements import ANY, Element, Path, Scanner, parse
from pipeline.sources.parsing.encodings import Encoding
from pipeline.sources.parsing.parts import DAMAGE, PIECE, Part

LIST_OBJECTS = 20
"""First objects of each list that formats look at."""

LIST_DEPTH = 4
"""How many keys may lead to the list of conversations."""

MAP_KEYS = 3
"""An object of so many objects alike is a list that is keyed by ids."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def head_of(part: Part, options: Options) -> Head:
    """Return the beginning of a file. One of DAMAGE or OSError if it cannot be read at all."""
    with part.open() as file:
        # one byte more shows whether there is more
        raw = _read(file, HEAD_BYTES + 1)
    encoding = options.encoding or part.encoding or _encoding(raw)
    return head_from(raw[:HEAD_BYTES], encoding, is_whole=len(raw) <= HEAD_BYTES)


def encoding_of_json(part: Part, head: Head) -> Encoding | None:
    """Return the encoding of a JSON file that is neither UTF-8 nor marked, judged by all of it; None for any other.

    Where that cannot be told, UTF-8 with damage is assumed: then only the rows that hold the damage are rejected.
    """
    if head.encoding != "utf-8" or not _is_json(head.text.lstrip()):
        return None
    try:
        found = encodings.choose(part.pieces, may_be_mixed=False)
    except (encodings.UnknownEncoding, OSError, *DAMAGE):
        return None
    return None if found.codec == "utf-8" else found


def head_in_its_encoding(head: Head) -> Head:
    """Return a head of text with letters that are no UTF-8 as they read best, for formats to look at."""
    if head.encoding != "utf-8" or "\ufffd" not in head.text or _is_json(head.text.lstrip()):
        return head
    try:
        found = encodings.choose(lambda: [head.raw[: head.raw.rfind(b"\n") + 1] or head.raw])
    except encodings.UnknownEncoding:
        return head
    return replace(head, text=_decoded(head.raw, found.codec), encoding=found.codec)


def head_from(raw: bytes, encoding: str, *, is_whole: bool) -> Head:
    """Return the head that these bytes are."""
    text = _decoded(raw, encoding)
    if script := _SCRIPT.match(text[:SCRIPT_LENGTH].encode(errors="replace")):
        text = text[len(script[0].decode(errors="replace")) :]
    objects = _objects(text.lstrip(), is_whole=is_whole) if _is_json(text.lstrip()) else []
    lists: dict[Path, list[dict[str, Any]]] = {}
    for found in objects[:LIST_OBJECTS]:
        _collect(found, (), lists)
    return Head(
        raw=raw, text=text, encoding=encoding, lists=lists, envelope=objects[0] if objects else {}, is_whole=is_whole
    )


def _read(file: IO[bytes], size: int) -> bytes:
    """Return the first bytes; of a damaged file what can be read, unless that is nothing."""
    pieces: list[bytes] = []
    try:
        while size > 0 and (piece := file.read(min(size, PIECE))):
            pieces.append(piece)
            size -= len(piece)
    except DAMAGE:
        if not pieces:
            raise
    return b"".join(pieces)


def _encoding(raw: bytes) -> str:
    """Return the encoding as far as the first bytes tell: by a mark, or by the NULs of ASCII in UTF-16."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return encoding
    if len(raw) >= 4 and raw[0] and not raw[1] and raw[2] and not raw[3]:
        return "utf-16-le"
    if len(raw) >= 4 and not raw[0] and raw[1] and not raw[2] and raw[3]:
        return "utf-16-be"
    return "utf-8"


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(raw)
    except (LookupError, UnicodeError):
        return ""
    return text.removeprefix("\ufeff")


def _objects(text: str, *, is_whole: bool) -> list[dict[str, Any]]:
    """Return the first objects of a JSON text: the elements of its list, its lines, or itself; the last may be cut."""
    found: list[dict[str, Any]] = []
    scanner = Scanner((), HEAD_BYTES)
    for element in scanner.scan([text.encode(errors="replace")]):
        value: object = parse(element)
        if isinstance(value, str):
            value = _partly(_tail(text, element) if "ends within" in element.reason and not is_whole else element.raw)
        if isinstance(value, dict):
            found.append(value)
            if len(found) >= LIST_OBJECTS:
                break
    return found


def _tail(text: str, element: Element) -> bytes:
    """Return the whole of the element at the end of the head, of which its reject keeps only the beginning."""
    raw = text.encode(errors="replace")
    place = raw.rfind(element.raw)
    return raw[place:] if place >= 0 else element.raw


def _partly(raw: bytes) -> object:
    """Return a JSON value as far as it is whole and right; None if that is nothing."""
    # the second time up to the place that was wrong in the first
    for _ in range(2):
        try:
            return from_json(raw, allow_partial="trailing-strings")
        except ValueError as error:
            place = _PLACE.search(str(error))
            if place is None:
                return None
            before = raw.split(b"\n", int(place[1]))[: int(place[1]) - 1]
            raw = raw[: sum(len(line) + 1 for line in before) + int(place[2]) - 1]
    return None


_PLACE = re.compile(r"at line (\d{1,9}) column (\d{1,9})$")


def _collect(found: dict[str, Any], path: Path, lists: dict[Path, list[dict[str, Any]]]) -> None:
    """Note an object under the way to it, and so the objects in it."""
    known = lists.setdefault(path, [])
    if len(known) < LIST_OBJECTS:
        known.append(found)
    if len(path) >= LIST_DEPTH:
        return
    for key, value in found.items():
        inside = value[:LIST_OBJECTS] if isinstance(value, list) else [value]
        for each in inside:
            if isinstance(each, dict):
                _collect(each, (*path, key), lists)
    if _is_keyed_list(found):
        for value in list(found.values())[:LIST_OBJECTS]:
            _collect(value, (*path, ANY), lists)


def _is_keyed_list(found: dict[str, Any]) -> bool:
    """Return whether an object is a list of objects alike by their ids."""
    values = list(found.values())
    # ids hold digits; `requester` and `assignee`, who are also alike, do not
    enough = 2 if all(any(map(str.isdecimal, key)) for key in found) else MAP_KEYS
    return (
        len(values) >= enough
        and all(isinstance(value, dict) and value for value in values)
        and set(values[0]) == set(values[1])
    )


# --- The elements -------------------------------------------------------------------------------------------------


def elements_of(part: Part, path: Path, head: Head, limit: int) -> Iterator[Element]:
    """Yield the elements at `path` of a JSON file; damage of a packed file ends them with one that says so."""
    number = 0
    with part.open() as file:
        try:
            for element in Scanner(path, limit).scan(utf8_pieces(file, head.encoding)):
                number = element.number
                yield element
        except DAMAGE as error:
            yield Element(number + 1, b"", f"the file is damaged; the rest could not be read: {error}")


SCRIPT_LENGTH = 300
_SCRIPT = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,20}[A-Za-z_$][\w.$ ]{0,200}(?:=|\()\s{0,20}(?=[\[{])")
"""How JSON begins that a browser runs as a script: `window.YTD.tweets.part0 = [`, `callback({`."""


def _without_script(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a file without what stands before its JSON to make a script of it."""
    for number, piece in enumerate(pieces):
        script = None if number else _SCRIPT.match(piece[:SCRIPT_LENGTH])
        yield piece[script.end() :] if script else piece


def utf8_pieces(file: IO[bytes], encoding: str) -> Iterator[bytes]:
    """Yield a file in UTF-8. What is not text in its encoding becomes what is not text in UTF-8 either."""
    pieces: Iterable[bytes] = _without_script(iter(lambda: file.read(PIECE), b""))
    if encoding.replace("_", "-").lower() in ("utf-8", "utf8", "ascii"):
        yield from pieces
        return
    if encoding == "utf-8-sig":
        yield from _without_mark(pieces)
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors=_DAMAGE)
    for piece in pieces:
        yield decoder.decode(piece).encode(errors="surrogateescape")
    yield decoder.decode(b"", final=True).encode(errors="surrogateescape")


_DAMAGE = "leitmotif-damage"
codecs.register_error(_DAMAGE, lambda error: ("\udcff", getattr(error, "end", 0)))  # encoded, it is no UTF-8


def as_utf8(file: io.BufferedReader, encoding: str) -> io.BufferedReader:
    """Return a file in UTF-8, without a byte order mark, as a file."""
    if encoding == "utf-8" and not file.peek(3).startswith(codecs.BOM_UTF8):
        return file
    return io.BufferedReader(_Pieces(utf8_pieces(file, encoding)), PIECE)


class _Pieces(io.RawIOBase):
    """A file of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = piece
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def is_lines(head: Head) -> bool:
    """Return whether each line of a JSON file is an object of its own: some of the first lines are one, or begin so."""
    text = head.text.lstrip()
    if not text.startswith("{"):
        return not text.startswith("[") and _is_json(text)
    lines = [line for line in text[:HEAD_BYTES].split("\n", 50)[:50] if line.strip()]
    if len(lines) == 1:
        return True
    return any(line.startswith("{") and _is_object(line) for line in lines) or lines[1].startswith('{"')


def _is_json(text: str) -> bool:
    """Return whether a text is JSON, or lines of it of which the first are broken."""
    if text.startswith(("{", "[")):
        return True
    lines = [line for line in text[:PIECE].split("\n", 20)[:20] if line.strip()]
    return sum(line.startswith('{"') for line in lines) * 2 > len(lines)


def _is_object(line: str) -> bool:
    try:
        return isinstance(from_json(line), dict)
    except ValueError:
        return False


def _without_mark(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for number, piece in enumerate(pieces):
        yield piece.removeprefix(codecs.BOM_UTF8) if not number else piece
