"""The source `books:NAME`: a chapter is a conversation, a verse a message; several languages stand side by side."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.models.wording import counted
from pipeline.sources.books.chapters import MOST_CHARACTERS, Chapter, in_order, numbers_of
from pipeline.sources.books.json_books import JsonBook
from pipeline.sources.books.osis import is_osis, osis_chapters
from pipeline.sources.books.selection import in_words
from pipeline.sources.file import name_of_files
from pipeline.sources.formats import Options, Recognised, Stream
from pipeline.sources.formats.base import limit
from pipeline.sources.formats.json_objects import time_reader
from pipeline.sources.own_words.reading import VERSE
from pipeline.sources.parsing.heads import head_of
from pipeline.sources.parsing.parts import DAMAGE, Part, parts_of
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.understanding.language import language_name, language_of
from pipeline.sources.understanding.times import TimeReader

_A_VERSE_COSTS = 150
"""Characters that a verse counts for beside its text: what Python needs to hold it."""


@dataclass(slots=True)
class Text:
    """A book in one language: its chapters by number."""

    book: str
    language: str
    chapters: dict[int, Chapter] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many verses it has."""
        return sum(len(chapter.verses) for chapter in self.chapters.values())

    def __str__(self) -> str:
        chapters = counted(len(self.chapters), "chapter")
        return f"{chapters} and {self.size:,} verses in {language_name(self.language)}"


class BooksSource:
    """Files that are one book or several. `summary` says what they turned out to be."""

    kind = "books"
    is_live = False
    default_profile = "figurative"

    def __init__(
        self, path: str | Path | Sequence[str | Path], name: str | None = None, options: Options | None = None
    ) -> None:
        self.paths = [str(path)] if isinstance(path, str | Path) else [str(each) for each in path]
        self.name = name or name_of_files(self.paths[:1])
        self.options = options or Options()
        self.summary = Recognised()

    def __str__(self) -> str:
        return ", ".join(self.paths[:3]) + (f" and {len(self.paths) - 3} more" if len(self.paths) > 3 else "")

    def records(self) -> Iterator[Record | Reject]:
        """Return the chapters in their order, behind what could not be read.

        UnreadableSource, at once, if there is no book in the files or it is larger than a library of them.
        """
        self.summary = Recognised()
        rejects: list[Reject] = []
        with ExitStack() as opened:
            texts = self._texts(parts_of(self.paths, opened), rejects)
        books: dict[str, list[Text]] = {}
        for text in texts:
            books.setdefault(text.book, []).append(text)
        self._describe(books)
        clock = time_reader(self.options)
        return (each for rows in (rejects, *(self._records(found, clock) for found in books.values())) for each in rows)

    # --- Reading ------------------------------------------------------------------------------------------------

    def _texts(self, parts: Sequence[Part], rejects: list[Reject]) -> list[Text]:
        """Return the books, each once for every language, in the order of the files."""
        if len(parts) > 1:
            parts = [replace(part, label=part.name) for part in parts]
        found: dict[tuple[str, str, str], Text] = {}
        forms: set[str] = set()
        size = 0
        for part in parts:
            for chapter in self._chapters(part, forms):
                if isinstance(chapter, Reject):
                    rejects.append(chapter)
                    continue
                size += sum(len(text) + _A_VERSE_COSTS for text in chapter.verses.values())
                if size > MOST_CHARACTERS:
                    raise UnreadableSource(
                        f"{self} has more than {MOST_CHARACTERS:,} characters, which is too much for one book; "
                        "import it in parts, each with its own name"
                    )
                text = found.setdefault((part.name, chapter.book, chapter.language), Text(chapter.book, ""))
                _put(text, chapter, rejects)
        if not forms:
            raise UnreadableSource(
                f"{self} contains no readable book. Supported are OSIS XML, and JSON objects with `chapter` and "
                "`verses` (or `verse` and `text`)"
            )
        self.summary.format = " and ".join(sorted(forms))
        return _joined(_whole(found, rejects), self.name)

    def _chapters(self, part: Part, forms: set[str]) -> Iterator[Chapter | Reject]:
        try:
            head = head_of(part, self.options)
        except DAMAGE as error:
            raise UnreadableSource(f"{part.name} cannot be unpacked: {error}") from error
        except OSError as error:
            raise UnreadableSource(f"{part.name} cannot be read: {error.strerror or error}") from error
        form = JsonBook()
        if is_osis(head.text):
            forms.add("a book in OSIS")
            yield from osis_chapters(part)
        elif form.sniff(head):
            forms.add("a book in JSON")
            yield from form.chapters(Stream([part], self.summary), self.options)
        elif head.raw.strip():
            self.summary.passed_over.append(part.name)

    # --- Side by side -------------------------------------------------------------------------------------------

    def _describe(self, books: dict[str, list[Text]]) -> None:
        for book, (first, *others) in books.items():
            self.summary.note(f"{book}: {first}.")
            for other in others:
                self.summary.note(f"Second language: {other}. {_how_aligned(first, other)}")
            for text in (first, *others):
                for number, chapter in sorted(text.chapters.items()):
                    if chapter.gaps:
                        verses = in_words(chapter.gaps)
                        self.summary.note(f"{book} {number} in {language_name(text.language)} has no verse {verses}.")
        self.summary.fields.update(text="verses")

    def _records(self, texts: list[Text], clock: TimeReader) -> Iterator[Record | Reject]:
        """Yield a record a chapter of the first text, with the others beside it, verse by verse."""
        first, *others = texts
        beside = [_partners(first, other) for other in others]
        alone = sorted({number for other in others for number in other.chapters} - set(first.chapters))
        for number in sorted([*first.chapters, *alone]):
            chapter = first.chapters.get(number) or Chapter(first.book, number)
            messages = []
            for verse, text in in_order(chapter.verses):
                messages.append(_message(f"{number}:{verse}", f"{number}:{verse}", text, first.language))
                for other, partners in zip(others, beside, strict=True):
                    messages += [
                        _message(f"{number}:{verse}", place, said, other.language)
                        for place, said in partners.pop((number, verse), ())
                    ]
            for other, partners in zip(others, beside, strict=True):
                # what no verse of the first text took, verse by verse, comes behind them
                left = sorted((key for key in partners if key[0] == number), key=lambda key: numbers_of(key[1])[0])
                for key in left:
                    messages += [
                        _message(f"{number}:{key[1]}", place, said, other.language) for place, said in partners.pop(key)
                    ]
            yield self._record(chapter, messages, clock, [text.language for text in texts])

    def _record(
        self, chapter: Chapter, messages: list[dict[str, str]], clock: TimeReader, languages: list[str]
    ) -> Record | Reject:
        if not messages:
            return chapter.reject("no text")
        if "\0" in chapter.book:
            return chapter.reject("its name contains a NUL character, which cannot be stored")
        if sum(len(message["text"]) for message in messages) > limit():
            return chapter.reject(f"the chapter is longer than {limit():,} characters")
        self.summary.count += 1
        return Record(
            line=chapter.line,
            external_id=chapter.name,
            messages=messages,
            occurred_at=clock.read(chapter.at),
            metadata={
                "book": chapter.book,
                "chapter": chapter.number,
                "verses": len({message["unit"] for message in messages}),
                "languages": [language for language in languages if any(m["language"] == language for m in messages)],
            },
            unit=chapter.unit,
            part=chapter.part,
        )


def _message(unit: str, place: str, text: str, language: str) -> dict[str, str]:
    """Return a verse as a version stores it: `author` is its place by the numbers of its own language."""
    return {"role": VERSE, "author": place, "text": text, "created_at": "", "unit": unit, "language": language}


def _put(text: Text, chapter: Chapter, rejects: list[Reject]) -> None:
    """Add a chapter, or a verse of one, to a text; a chapter that comes a second time is a reject."""
    known = text.chapters.get(chapter.number)
    if known is None:
        text.chapters[chapter.number] = chapter
    elif chapter.is_piece and known.is_piece:
        for verse, said in chapter.verses.items():
            known.add(verse, said)
        known.wrong = known.wrong or chapter.wrong
    else:
        rejects.append(chapter.reject(f"duplicate chapter: already in {known.unit} {known.line}"))


def _whole(found: dict[tuple[str, str, str], Text], rejects: list[Reject]) -> Iterator[Text]:
    """Yield the texts without the chapters that cannot be taken, each with its language."""
    for (_, _, said), text in found.items():
        for number, chapter in list(text.chapters.items()):
            if chapter.wrong or not chapter.verses:
                rejects.append(chapter.reject(chapter.wrong or "no text"))
                del text.chapters[number]
        if text.chapters:
            text.language = said.partition("-")[0].lower() or _language(text.chapters.values())
            yield text


def _language(chapters: Iterable[Chapter]) -> str:
    """Return the language most chapters are in."""
    votes = Counter(language_of(" ".join(chapter.verses.values())) for chapter in chapters)
    return votes.most_common(1)[0][0]


def _joined(texts: Iterable[Text], name: str) -> list[Text]:
    """Return the texts with those joined that are pieces of one: of a book, in one language, with other chapters.

    A text that names no book is of the only one that is named, or of that which the source is named after.
    """
    found = list(texts)
    named = {text.book for text in found if text.book}
    fallback = named.pop() if len(named) == 1 else name[:150]
    joined: list[Text] = []
    for text in found:
        text.book = text.book or fallback
        for chapter in text.chapters.values():
            chapter.book = text.book
        same = (
            known
            for known in joined
            if (known.book, known.language) == (text.book, text.language) and not known.chapters.keys() & text.chapters
        )
        if known := next(same, None):
            known.chapters |= text.chapters
        else:
            joined.append(text)
    return joined


def _is_counted_alike(first: Text, other: Text) -> bool:
    """Whether the chapters that both have consist of the same verses."""
    common = first.chapters.keys() & other.chapters
    return all(first.chapters[number].verses.keys() == other.chapters[number].verses.keys() for number in common)


def _is_in_step(first: Text, other: Text) -> bool:
    """Whether both have the same verses, only divided into chapters otherwise: as many of the same chapters."""
    return first.chapters.keys() == other.chapters.keys() and first.size == other.size


def _how_aligned(first: Text, other: Text) -> str:
    if _is_counted_alike(first, other):
        return "Verses are aligned by their numbers."
    common = first.chapters.keys() & other.chapters
    unlike = [
        number for number in common if first.chapters[number].verses.keys() != other.chapters[number].verses.keys()
    ]
    chapters = in_words(unlike)
    if _is_in_step(first, other):
        return f"Chapters {chapters} are divided differently, so verses are aligned in the order of the book."
    return f"Chapters {chapters} have different verses; they are aligned by their numbers, so check them."


def _partners(first: Text, other: Text) -> dict[tuple[int, str], list[tuple[str, str]]]:
    """Return for each verse of the first text (chapter, number) the other's: its own place, and what it says."""
    theirs = [
        (number, verse, said)
        for number, chapter in sorted(other.chapters.items())
        for verse, said in in_order(chapter.verses)
    ]
    keys = [(number, verse) for number, verse, _ in theirs]
    if not _is_counted_alike(first, other) and _is_in_step(first, other):
        keys = [
            (number, verse)
            for number, chapter in sorted(first.chapters.items())
            for verse, _ in in_order(chapter.verses)
        ]
    found: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for key, (number, verse, said) in zip(keys, theirs, strict=True):
        place = f"{number}:{verse} ({language_name(other.language)})"
        found.setdefault(key, []).append((place, said))
    return found
