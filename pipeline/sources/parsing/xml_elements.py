"""The elements of XML, one by one and within bounds: no entity is expanded, nothing outside the file is fetched."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from pipeline.sources.parsing.parts import DAMAGE, PIECE, Part

MAX_DEPTH = 200


@dataclass(slots=True)
class XmlElement:
    """An element with what is in it; `number` counts from 1. With a `reason` it could not be read, and is empty."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: "list[XmlElement]" = field(default_factory=list)
    number: int = 0
    reason: str = ""

    def first(self, name: str) -> "XmlElement":
        """Return the first child of that name, or an empty element."""
        return next((child for child in self.children if child.name == name), XmlElement(name))

    def all(self, name: str) -> "list[XmlElement]":
        return [child for child in self.children if child.name == name]


class XmlRefused(ValueError):
    """The file is not safe to read; the message says why."""


class XmlReader:
    """A parser within bounds; what derives from it says what begins, ends and stands between by its three methods."""

    def __init__(self) -> None:
        self._depth = self._fed = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._enter
        self.parser.EndElementHandler = self._leave
        self.parser.CharacterDataHandler = self.characters
        self.parser.EntityDeclHandler = self._entity
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        raise NotImplementedError

    def end(self, name: str) -> None:
        """An element ends."""
        raise NotImplementedError

    def characters(self, text: str) -> None:
        """Text stands in the innermost element."""
        raise NotImplementedError

    def feed(self, piece: bytes) -> None:
        """Read on; XmlRefused for what is not safe, expat.ExpatError for what is broken."""
        self._fed += len(piece)
        self.parser.Parse(piece, False)

    def refuse_longer_tags(self, limit: int, longest: int) -> None:
        """Raise XmlRefused, which names `longest`, where the parser waits for the end of a tag beyond `limit` bytes."""
        if self._fed - self.parser.CurrentByteIndex > limit:
            raise XmlRefused(f"a tag is longer than {longest:,} bytes")

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise XmlRefused(f"it is nested more than {MAX_DEPTH} deep")
        self.start(name, attributes)

    def _leave(self, name: str) -> None:
        self._depth -= 1
        self.end(name)

    def _entity(self, *_declared: object) -> None:
        raise XmlRefused("it declares entities, which are not expanded")


class _Reader(XmlReader):
    """Gathers the elements of one name; those of it that are too large are passed over, and said to be."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__()
        self._name, self._limit = name, limit
        self._open: list[XmlElement] = []
        self._size = self._number = 0
        self.found: list[XmlElement] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open and name != self._name:
            return
        self._size = self._size if self._open else 0
        element = XmlElement(name, attributes)
        self._grow(sum(map(len, attributes.values())) + 100)
        if self._open and self._size <= self._limit:
            self._open[-1].children.append(element)
        self._open.append(element)

    def characters(self, text: str) -> None:
        if self._open:
            self._grow(len(text))
            if self._size <= self._limit:
                self._open[-1].text += text

    def _grow(self, size: int) -> None:
        self._size += size

    def end(self, name: str) -> None:
        if not self._open:
            return
        element = self._open.pop()
        if not self._open:
            self._number += 1
            if self._size > self._limit:
                element = XmlElement(name, reason=f"it is longer than {self._limit:,} bytes")
            element.number = self._number
            self.found.append(element)


def xml_elements(pieces: Iterable[bytes], name: str, limit: int) -> Iterator[XmlElement]:
    """Yield the elements of that name; where the file is broken, one that says so ends them."""
    reader, number = _Reader(name, limit), 0
    try:
        for piece in pieces:
            reader.feed(piece)
            for element in reader.found:
                number = element.number
                yield element
            reader.found.clear()
            reader.refuse_longer_tags(2 * limit, longest=limit)
        reader.parser.Parse(b"", True)
        yield from reader.found
    except (XmlRefused, expat.ExpatError, LookupError) as error:  # the last: an encoding that nobody knows
        yield from reader.found
        number = reader.found[-1].number if reader.found else number
        yield XmlElement(name, number=number + 1, reason=f"broken XML; the rest could not be read: {error}")


def elements_in(part: Part, name: str, limit: int) -> Iterator[XmlElement]:
    """Yield the elements of that name in an XML file; damage of a packed one ends them with one that says so."""
    number = 0
    with part.open() as file:
        try:
            for element in xml_elements(iter(lambda: file.read(PIECE), b""), name, limit):
                number = element.number
                yield element
        except DAMAGE as error:
            reason = f"the file is damaged; the rest could not be read: {error}"
            yield XmlElement(name, number=number + 1, reason=reason)


def as_object(element: XmlElement, repeated: Collection[tuple[str, str]] = ()) -> dict[str, Any]:
    """Return an element as a JSON object: its attributes and children by their names without a prefix.

    What holds only text is a word, also where its attributes say no more than how it is written. A list is what stands
    side by side under one name (`repeated`: names of parent and child, so that one alone is a list too), and an element
    that holds nothing but such a list is that list.
    """
    # a prefix that is declared, as in xmlns:content="...", says nothing
    attributes = ((key, value) for key, value in element.attributes.items() if not key.startswith("xmlns"))
    found: dict[str, Any] = {local(key): value for key, value in attributes}
    for child in element.children:
        name = local(child.name)
        value = _value_of(child, repeated)
        if (local(element.name), name) in repeated:
            found.setdefault(name, []).append(value)
        elif name not in found or found[name] in ("", {}):
            found[name] = value
    if text := element.text.strip():
        found.setdefault("email" if _ADDRESS.fullmatch(text) else "text", text)
    return found


_HOW_WRITTEN = frozenset(("type", "lang", "nil", "space", "format", "encoding", "xmlns", "array"))
"""Attributes that say how a text is written, and nothing of it."""

_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}")


def _value_of(element: XmlElement, repeated: Collection[tuple[str, str]]) -> Any:
    names = {local(child.name) for child in element.children}
    own = local(element.name)
    if len(names) == 1 and ((own, name := next(iter(names))) in repeated or own.rstrip("s") == name):
        return [_value_of(child, repeated) for child in element.children]
    said = {key: value for key, value in element.attributes.items() if local(key) not in _HOW_WRITTEN}
    if element.children or (said and element.text.strip()):
        return as_object(element, repeated)
    if len(said) == 1 and not element.text.strip():
        return next(iter(said.values()))  # `<thread dsq:id="7"/>` names what it stands for
    return element.text if not said else as_object(element, repeated)


def local(name: str) -> str:
    """Return a name without its prefix."""
    return name.rpartition(":")[2]


class _Tree(XmlReader):
    """Builds the elements of the beginning of a file, also those that it cuts."""

    def __init__(self) -> None:
        super().__init__()
        self.root = XmlElement("")
        self._open = [self.root]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = XmlElement(name, attributes)
        self._open[-1].children.append(element)
        self._open.append(element)

    def characters(self, text: str) -> None:
        self._open[-1].text += text

    def end(self, name: str) -> None:
        self._open.pop()


def tree_of(head: bytes) -> XmlElement:
    """Return the first element of a file as far as its beginning shows it; one without a name if it is no XML."""
    tree = _Tree()
    # what is broken, or refused, shows again when the whole file is read, with the place where it is
    with suppress(XmlRefused, expat.ExpatError, LookupError):
        tree.feed(head)
    return tree.root.children[0] if tree.root.children else tree.root
