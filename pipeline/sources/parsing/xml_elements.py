"""The elements of XML, one by one and within bounds: no entity is expanded, nothing outside the file is fetched."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

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
