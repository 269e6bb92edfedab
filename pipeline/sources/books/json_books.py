"""Books in JSON: objects that are a chapter with its verses, or a verse; in lines, a list, or deeper in an object."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.sources.books.chapters import Chapter, verse_number
from pipeline.sources.formats.base import Found, Options, Stream
from pipeline.sources.formats.json_objects import JsonFormat, refused
from pipeline.sources.records import Reject
from pipeline.sources.understanding.threads import text_of, word

_VERSE_KEYS = ("v", "verse", "verse_number", "number", "n", "num")
_LANGUAGE_KEYS = ("lang", "language")
_BOOK_KEYS = ("book", "book_name", "title")


class JsonBook(JsonFormat):
    """Chapters or verses. The name of the book may stand in the object, around it, or be the file's."""

    name = "chapters in JSON"

    def fits(self, found: Found) -> float:
        if _chapter_number(found) is None:
            return 0.0
        if isinstance(found.get("verses"), list | Mapping):
            return 1.0
        if not isinstance(found.get("text"), str):
            return 0.0
        return 0.9 if _verse_of(found) else 0.8

    def chapters(self, stream: Stream, options: Options) -> Iterator[Chapter | Reject]:
        """Yield each chapter or, where a row is a verse, a chapter of that verse alone; what is none as a reject."""
        for each in self.objects(stream, options):
            if isinstance(each, Reject):
                yield each
                continue
            element, part, found = each
            number = _chapter_number(found)
            if number is None:
                yield refused(element, part, "it has no chapter number")
                continue
            book = _first_word(found, _BOOK_KEYS) or _first_word(element.around, (*_BOOK_KEYS, "name"))
            chapter = Chapter(
                book[:150], number, _first_word(found, _LANGUAGE_KEYS)[:20], element.number, "row", part.label,
                found.get("created_at"),
            )  # fmt: skip
            _fill(chapter, found)
            yield chapter


def _fill(chapter: Chapter, found: Found) -> None:
    verses = found.get("verses")
    if isinstance(verses, Mapping):
        for key, text in verses.items():
            _add(chapter, key, text)
    elif isinstance(verses, list):
        for place, verse in enumerate(verses, start=1):
            if isinstance(verse, Mapping):
                _add(chapter, _verse_of(verse), verse.get("text", verse.get("content")))
            else:
                _add(chapter, place, verse)
    elif verse := _verse_of(found):
        chapter.is_piece = True
        _add(chapter, verse, found.get("text"))
    else:  # no verses are told apart: its paragraphs are what can be pointed at
        text = found.get("text")
        paragraphs = [each for each in (text if isinstance(text, str) else "").split("\n") if each.strip()]
        for place, paragraph in enumerate(paragraphs, start=1):
            _add(chapter, place, paragraph)


def _add(chapter: Chapter, number: object, text: object) -> None:
    verse = verse_number(number)
    if not verse:
        chapter.wrong = chapter.wrong or f"a verse has no readable number: {str(number)[:20]!r}"
    elif said := " ".join(text_of(text).split()):
        chapter.add(verse, said)


def _chapter_number(found: Found) -> int | None:
    value = found.get("chapter", found.get("chapter_number"))
    digits = word(value)
    if isinstance(value, float) or not digits.isdecimal() or len(digits) > 4 or not int(digits):
        return None
    return int(digits)


def _verse_of(found: Mapping[str, Any]) -> str:
    return next((number for key in _VERSE_KEYS if (number := verse_number(found.get(key)))), "")


def _first_word(found: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((said for key in keys if (said := word(found.get(key)))), "")
