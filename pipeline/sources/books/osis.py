"""OSIS, the XML that Bible texts are exchanged in: verses as elements or between milestones, in one pass.

https://crosswire.org/osis/. No entity is expanded and nothing outside the file is fetched; depth and the length of a
tag and of a verse are bounded.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from xml.parsers import expat

from pipeline.sources.books.chapters import LONGEST_VERSE, Chapter, verse_number
from pipeline.sources.parsing.parts import DAMAGE, PIECE, Part
from pipeline.sources.parsing.xml_elements import XmlReader, XmlRefused
from pipeline.sources.records import Reject

LONGEST_TAG = 1_000_000

NOT_SAID = frozenset({"note", "rdg", "catchWord", "figure", "header", "title", "head"})
"""Elements within or beside verses whose text is not the verse's: remarks, readings of other manuscripts, headings."""

APART = frozenset({"l", "lg", "lb", "p", "div", "milestone", "item", "list"})
"""Elements that part words without a space between them in the file."""

_PLACE = re.compile(r"(?:[\w.-]{1,40}:)?([\w-]{1,40})\.(\d{1,4})\.(\d{1,4})(?:!([a-z])\w{0,20})?", re.IGNORECASE)


@dataclass(slots=True)
class _Verse:
    book: str
    chapter: int
    number: str
    line: int
    pieces: list[str] = field(default_factory=list)
    size: int = 0

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


class _Reader(XmlReader):
    """Gathers verses; those that are complete wait in `found`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Verse | str] = []
        self.language = ""
        self.verse: _Verse | None = None
        self.last: tuple[str, int] | None = None
        self._silent = 0
        self._ends_by_tag = False  # a verse between two empty tags; the second one ends it
        self._open: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._open.append(name)
        if name in NOT_SAID and not (name == "title" and attributes.get("canonical") == "true"):
            self._silent += 1
            self._open[-1] = "-"
        elif name == "osisText":
            self.language = attributes.get("xml:lang", "")[:20]
        elif name == "verse" and "eID" in attributes:
            self.close()
        elif name == "verse":
            self._begin(attributes.get("osisID") or attributes.get("sID", ""))
            self._ends_by_tag = "sID" in attributes
        elif name in APART and self.verse and not self._silent:
            self.verse.pieces.append(" ")

    def _begin(self, places: str) -> None:
        self.close()
        found = [match for place in places.split()[:200] if (match := _PLACE.fullmatch(place))]
        if not found:
            self.found.append(f"a verse has no readable reference: {places[:60]!r}")
            return
        first, last = found[0], found[-1]
        number = f"{first[3]}-{last[3]}" if int(last[3]) > int(first[3]) else first[3] + (first[4] or "")
        self.verse = _Verse(first[1], int(first[2]), verse_number(number), self.parser.CurrentLineNumber)
        self.last = self.verse.book, self.verse.chapter

    def characters(self, text: str) -> None:
        if self.verse is None or self._silent:
            return
        self.verse.size += len(text)
        if self.verse.size <= 2 * LONGEST_VERSE:
            # some Hebrew texts part the pieces of a word by a stroke, which is nobody's word
            self.verse.pieces.append(text.replace("/", "") if self._open and self._open[-1] == "w" else text)

    def end(self, _tag: str) -> None:
        name = self._open.pop()
        if name == "-":
            self._silent -= 1
        elif name == "verse" and self.verse and not self._ends_by_tag:
            self.close()
        elif name in APART and self.verse and not self._silent:
            self.verse.pieces.append(" ")

    def close(self) -> None:
        """End the verse that is open, if there is one."""
        if self.verse:
            self.found.append(self.verse)
            self.verse = None


def osis_chapters(part: Part) -> Iterator[Chapter | Reject]:
    """Yield the file's verses, each as a chapter of that verse alone; where it is broken, a reject ends them."""
    reader, line = _Reader(), 1
    with closing(part.open()) as file:
        try:
            while piece := file.read(PIECE):
                reader.feed(piece)
                yield from _taken(reader, part)
                line = reader.parser.CurrentLineNumber
                reader.refuse_longer_tags(LONGEST_TAG, longest=LONGEST_TAG)
            reader.parser.Parse(b"", True)
            reader.close()
            yield from _taken(reader, part)
        except (XmlRefused, expat.ExpatError, LookupError) as error:  # the last: an encoding that nobody knows
            yield from _taken(reader, part)
            yield from _cut_off(reader, part, line, f"broken XML; the rest could not be read: {error}")
        except DAMAGE as error:
            yield from _taken(reader, part)
            yield from _cut_off(reader, part, line, f"the file is damaged; the rest could not be read: {error}")


def _cut_off(reader: _Reader, part: Part, line: int, why: str) -> Iterator[Chapter | Reject]:
    """Yield why the file ends, and that its last chapter is not whole: nobody may take its verses for all there are."""
    yield Reject(line, why, part=part.label)
    if reader.last:
        book, number = reader.last
        wrong = "the file ends in the middle of this chapter"
        yield Chapter(book, number, reader.language, line, "line", part.label, wrong=wrong, is_piece=True)


def _taken(reader: _Reader, part: Part) -> Iterator[Chapter | Reject]:
    for found in reader.found:
        if isinstance(found, str):
            yield Reject(reader.parser.CurrentLineNumber, found, part=part.label)
            continue
        chapter = Chapter(found.book, found.chapter, reader.language, found.line, "line", part.label, is_piece=True)
        if found.size > 2 * LONGEST_VERSE:
            chapter.wrong = f"verse {found.number} is longer than {LONGEST_VERSE:,} characters"
        elif found.text:
            chapter.add(found.number, found.text)
        yield chapter
    reader.found.clear()


def is_osis(text: str) -> bool:
    """Whether a file begins as OSIS does."""
    return bool(re.search(r"<(?:\w{1,20}:)?osis(?:Text)?[\s>]", text[:20_000]))
