"""The elements of JSON, cut out of a file within bounds: no parser sees more than one element, or one that is too deep.

A scanner follows strings and brackets only. So an element that is broken, too long or too deep costs itself and not the
file, memory stays that of one element, and the time grows with the file's length, whatever is in it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

MAX_DEPTH = 200
"""Brackets within brackets; what goes deeper is a reject. No export comes near, and parsers pay for depth in memory."""

KEY_BYTES = 1000
"""A key outside of elements is compared up to this length."""

AROUND_KEYS = 100

LOOK_BACK = 100
"""Bytes before a brace in which its indentation is looked for."""

Path = tuple[str, ...]
"""The keys that lead to the elements; lists on the way are entered, and ANY stands for each key of an object."""

ANY = "*"


@dataclass(frozen=True, slots=True)
class Element:
    """A JSON value as it stands in the file, or, with a `reason`, why there is none and its beginning."""

    number: int
    raw: bytes
    reason: str = ""
    key: str = ""
    """The last key on the way to it."""

    around: Mapping[str, Any] = field(default_factory=dict)
    """Short values that came before it in the object around it, such as the name of a chat."""


# Each of them takes time in proportion to what it passes over: they never give back what they took.
_STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+", re.DOTALL)
_STRING_REST = re.compile(rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+', re.DOTALL)
_BLANK = re.compile(rb"[\s,:]*+")
_SCALAR = re.compile(rb'[^\s,:\[\]{}"]++')
_OPENING, _CLOSING = b"{[", b"}]"


class Scanner:
    """Yields the elements at `path` of the JSON values in a stream of pieces of bytes."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._keys: list[
            str | None
        ] = []  # for each open bracket outside of elements: the key in force, None for a list
        self._around: list[dict[str, Any]] = []  # the short values in each open object
        self._key_comes = False
        self._kept = bytearray()  # of the element, or of the string or scalar outside of elements
        self._is_kept = True
        self._in_string = self._in_scalar = False
        self._is_escaped = False  # the piece ended behind a backslash
        self._depth = 0  # within an element; 0 is outside
        self._deepest = 0
        self._indent: bytes | None = None
        self._before = b""  # the end of the pieces before this one
        self._number = 0
        self._is_rubbish = False
        self._key = ""

    def scan(self, pieces: Iterable[bytes]) -> Iterator[Element]:
        for piece in pieces:
            place = 0
            while place < len(piece):
                if self._depth:
                    place, element = self._within(piece, place)
                else:
                    place, element = self._outside(piece, place)
                if element:
                    yield element
            self._before = (self._before + piece)[-LOOK_BACK:] if len(piece) < LOOK_BACK else piece[-LOOK_BACK:]
        yield from self._end()

    # --- Within an element ---------------------------------------------------------------------------------------

    def _within(self, piece: bytes, start: int) -> tuple[int, Element | None]:
        """Pass over the rest of the element, or of the piece."""
        place = start
        if self._in_string:
            place = self._string(piece, place)
        while place < len(piece) and not self._in_string:
            place = _TO_BRACKET.match(piece, place).end()  # type: ignore[union-attr]
            if place == len(piece):
                break
            mark = piece[place]
            if mark == 0x22:  # a string that the piece cuts, or a line end: then it is broken, and ends there
                self._in_string = True
                place = self._string(piece, place + 1)
            elif mark in _OPENING:
                if mark == 0x7B and self._begins_anew(piece, start, place):
                    self._keep(piece[start:place])
                    return place, self._cut("it is not closed before the next one starts")
                self._depth += 1
                self._deepest = max(self._deepest, self._depth)
                place += 1
            else:
                self._depth -= 1
                place += 1
                if not self._depth:
                    self._keep(piece[start:place])
                    return place, self._cut()
        self._keep(piece[start:])
        return len(piece), None

    def _begins_anew(self, piece: bytes, start: int, place: int) -> bool:
        """Return whether a brace stands where elements begin: then the element before it was never closed.

        It has the indentation of the element's own first brace; without indentation the element was one line.
        """
        indent = self._indent
        if indent is None or not self._behind(piece, place).endswith(b"\n" + indent):
            return False
        return bool(indent) or self._kept.count(b"\n") + piece.count(b"\n", start, place) == 1

    def _behind(self, piece: bytes, place: int) -> bytes:
        """Return what stands before a place, at most LOOK_BACK bytes."""
        return piece[place - LOOK_BACK : place] if place >= LOOK_BACK else (self._before + piece[:place])[-LOOK_BACK:]

    def _string(self, piece: bytes, place: int) -> int:
        """Pass over a string to behind its end, or to the end of the piece."""
        if self._is_escaped:
            self._is_escaped = False
            place += 1
        place = _STRING_REST.match(piece, place).end()  # type: ignore[union-attr]
        if place < len(piece):
            if piece[place] == 0x5C:  # the escape is the piece's last byte
                self._is_escaped = True
                return len(piece)
            self._in_string = False
            return place + (piece[place] == 0x22)
        return place

    def _keep(self, data: bytes) -> None:
        if not self._is_kept:
            return
        self._kept += data
        if len(self._kept) > self._limit:
            del self._kept[2000:]
            self._is_kept = False

    def _begin(self, piece: bytes, place: int) -> None:
        behind = self._behind(piece, place)
        line = behind.rfind(b"\n")
        indent = behind[line + 1 :]
        if not indent.strip(b" \t\xef\xbb\xbf") and (line >= 0 or len(behind) < LOOK_BACK):
            self._indent = indent
        elif line >= 0:
            self._indent = None
        self._depth = self._deepest = 1
        self._is_rubbish = False
        self._keep(piece[place : place + 1])
        self._key = next((key for key in reversed(self._keys) if key is not None), "")

    def _cut(self, reason: str = "") -> Element:
        """Return the element that ends here, and be outside."""
        if not self._is_kept:
            reason = f"it is longer than {self._limit:,} bytes"
        elif self._deepest + len(self._keys) > MAX_DEPTH:
            reason = f"it is nested more than {MAX_DEPTH} deep"
        elif reason:
            reason = f"broken JSON: {reason}"
        self._number += 1
        around = self._around[-1] if self._around else {}
        element = Element(
            self._number, bytes(self._kept if not reason else self._kept[:2000]), reason, self._key, around
        )
        self._kept.clear()
        self._is_kept, self._depth, self._in_string, self._is_escaped = True, 0, False, False
        self._after_value()
        return element

    # --- Outside -------------------------------------------------------------------------------------------------

    def _outside(self, piece: bytes, place: int) -> tuple[int, Element | None]:
        """Take one step: a bracket, a key, a value that is no element, or what separates them."""
        if self._in_string or self._in_scalar:
            return self._rest_of_value(piece, place)
        end = _BLANK.match(piece, place).end()  # type: ignore[union-attr]
        if end > place:
            if self._keys and self._keys[-1] is not None and b"," in piece[place:end]:
                self._key_comes = True
            return end, None
        mark = piece[place]
        if mark == 0x22:
            self._in_string = True
            return place + 1, None
        if mark in _OPENING:
            return self._opened(piece, place, mark), None
        if mark in _CLOSING:
            return place + 1, self._closed(piece[place : place + 1])
        self._in_scalar = True
        return place, None

    def _rest_of_value(self, piece: bytes, place: int) -> tuple[int, Element | None]:
        """Pass over the rest of a key or value that began before, or of the piece."""
        if self._in_string:
            end = self._string(piece, place)
            self._keep(piece[place:end])
            return end, None if self._in_string else self._string_ended()
        scalar = _SCALAR.match(piece, place)
        end = scalar.end() if scalar else place
        self._keep(piece[place:end])
        return end, self._scalar_ended() if end < len(piece) else None

    def _opened(self, piece: bytes, place: int, mark: int) -> int:
        """Go into an object or a list. What is too deep is passed over as an element, and rejected as one."""
        is_object = mark == 0x7B
        if (is_object and self._is_target()) or len(self._keys) >= MAX_DEPTH:
            self._begin(piece, place)
            return place + 1
        self._keys.append("" if is_object else None)
        if is_object:
            self._around.append({})
        self._key_comes = is_object
        return place + 1

    def _closed(self, raw: bytes) -> Element | None:
        if self._keys:
            if self._keys.pop() is not None:
                self._around.pop()
            self._after_value()
            return None
        stray = None if self._is_rubbish else self._stray(raw)
        self._is_rubbish = True
        return stray

    def _is_target(self) -> bool:
        keys = [key for key in self._keys if key is not None]
        return len(keys) == len(self._path) and all(
            want in (key, ANY) for key, want in zip(keys, self._path, strict=True)
        )

    def _after_value(self) -> None:
        self._key_comes = False

    def _string_ended(self) -> Element | None:
        text = bytes(self._kept).removesuffix(b'"')
        if self._key_comes:
            self._kept.clear()
            self._is_kept, self._key_comes = True, False
            self._keys[-1] = _text(text[:KEY_BYTES])
            return None
        return self._value_ended(b'"' + text + b'"')

    def _scalar_ended(self) -> Element | None:
        self._in_scalar = False
        return self._value_ended(bytes(self._kept))

    def _value_ended(self, raw: bytes) -> Element | None:
        """A value that is no object counts where elements stand side by side; elsewhere it is some field."""
        is_element = ((not self._keys or self._keys[-1] is None) and self._is_target()) or not self._keys
        is_long, self._is_kept = not self._is_kept, True
        self._kept.clear()
        if not self._keys:
            if self._is_rubbish:  # what stands between values, however long, is one mistake
                return None
            self._is_rubbish = True
        if not is_element:
            if self._keys[-1] and len(raw) <= KEY_BYTES and len(self._around[-1]) < AROUND_KEYS:
                with suppress(ValueError):
                    self._around[-1][self._keys[-1]] = from_json(raw)
            return None
        self._number += 1
        reason = f"it is longer than {self._limit:,} bytes" if is_long else _no_object(raw)
        return Element(self._number, raw[:2000], reason)

    def _stray(self, raw: bytes) -> Element:
        self._number += 1
        return Element(self._number, raw, f"broken JSON: {raw.decode()} does not match an opening bracket")

    def _end(self) -> Iterator[Element]:
        """Say what is left open at the end of the file."""
        if self._depth:
            yield self._cut("the file ends in the middle of it")
        elif self._in_scalar:
            if element := self._scalar_ended():
                yield element
        elif self._in_string or self._keys:
            self._number += 1
            yield Element(
                self._number, bytes(self._kept[:2000]), ("broken JSON: the file ends before the list is closed")
            )


def _no_object(raw: bytes) -> str:
    try:
        value = from_json(raw)
    except ValueError:
        return "broken JSON: expected an object"
    return f"it is not an object but {'text' if isinstance(value, str) else 'a single value'}"


def _text(raw: bytes) -> str:
    try:
        return str(from_json(b'"' + raw + b'"'))
    except ValueError:
        return raw.decode(errors="replace")


def parse(element: Element) -> dict[str, Any] | str:
    """Return the object, or the reason why there is none."""
    return element.reason or parse_object(element.raw)


_BARE_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def parse_object(raw: bytes) -> dict[str, Any] | str:
    """Return the object that `raw` is, or the reason why it is none. Line ends may stand in texts as they are."""
    if b"\0" in raw:
        return "it contains a NUL byte, which cannot be stored"
    if b"\\u0000" in raw and _BARE_NUL.search(raw):
        return "it contains a NUL character, which cannot be stored"
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        try:
            text = raw.decode()
        except UnicodeDecodeError as wrong:
            return f"invalid UTF-8 at byte {wrong.start + 1}"
        if "control character" not in str(error):
            return f"broken JSON: {error}"
        try:
            value = json.loads(text, strict=False)
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as wrong:
            return f"broken JSON: {wrong}"
    return value if isinstance(value, dict) else "it is not an object"
