"""Books: figures of speech by book, chapter and verse, marked in the text, with two languages side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from pipeline.ledger.errors import RunError
from pipeline.models import Conversation, Source
from pipeline.reports.chapters import Place, read_place
from pipeline.reports.figures import (
    ChapterLine,
    ChapterText,
    Figure,
    Said,
    VerseLine,
    book_sources,
    chapter_lines,
    chapter_text,
    count_kinds,
    kind_counts,
)
from pipeline.sources.understanding.language import language_name
from pipeline.web.pages.frame import page, show
from pipeline.web.parts.texts import Piece, Span, pieces_of

SIDE_BY_SIDE = 2
"""Languages that are shown at a time; a third is chosen instead of one of them."""


@page("pipeline.view_theme")
def books(request: HttpRequest) -> HttpResponse:
    """List the sources that hold books; the only one is shown at once."""
    found = list(book_sources().annotate(chapters=Count("conversations"))[:200])
    if len(found) == 1:
        return HttpResponseRedirect(reverse("admin:book", args=[found[0].pk]))
    return show(request, "pages/books.html", {"title": "Books", "sources": found})


@page("pipeline.view_theme")
def book(request: HttpRequest, source_id: int) -> HttpResponse:
    """List a source's chapters with the number of their figures; a place such as 3:7-12 leads to its chapter."""
    source = get_object_or_404(Source, pk=source_id, kind="books")
    kinds = kind_counts(source)
    kind = _kind(request, kinds)
    lines = chapter_lines(source, kind)
    if said := request.GET.get("place", "")[:40].strip():
        name = request.GET.get("book", "")
        try:
            found = _at(lines, read_place(said), name)
        except RunError as error:
            messages.warning(request, f"{str(error)[:1].upper()}{str(error)[1:]}")
        else:
            return HttpResponseRedirect(f"{reverse('admin:chapter', args=[found.conversation])}?verses={said}")
    by_book: dict[str, list[ChapterLine]] = {}
    for line in lines:
        by_book.setdefault(line.book, []).append(line)
    context = {
        "title": str(source),
        "source": source,
        "books": by_book.items(),
        "kinds": kinds,
        "kind": kind,
        "total": sum(line.instances for line in lines),
        "unread": sum(1 for line in lines if line.state == "failed"),
        "most": max((line.instances for line in lines), default=0) or 1,
    }
    return show(request, "pages/book.html", context)


def _kind(request: HttpRequest, kinds: Sequence[tuple[str, int]]) -> str:
    asked = request.GET.get("kind", "")
    return asked if asked in {kind for kind, _ in kinds} else ""


def _at(lines: Sequence[ChapterLine], place: Place, book_name: str) -> ChapterLine:
    """Return the chapter of a place, of the book that is named or else the first; RunError if there is none."""
    for line in lines:
        if line.chapter == place.chapter and book_name in ("", line.book):
            return line
    raise RunError(f"this book has no chapter {place.chapter}.")


# --- One chapter --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """What a verse says in one language, cut where figures begin and end; `place` is its number there, if another."""

    language: str
    place: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ShownVerse:
    """A verse as a row: a column for each language that is shown, each with one text or several."""

    unit: str
    label: str
    columns: list[list[Cell]]


@page("pipeline.view_theme")
def chapter(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Show a chapter verse by verse with its figures marked, narrowed to a kind, and what is said of each."""
    found = Conversation.objects.select_related("source", "current_version")
    row = get_object_or_404(found, pk=conversation_id, source__kind="books")
    text = chapter_text(row)
    kinds = count_kinds(text.figures)
    kind = _kind(request, kinds)
    place = _verses(request)
    figures = [figure for figure in text.figures if not kind or kind in figure.kinds]
    languages = _languages(request, text)
    verses = [_shown(verse, figures, languages) for verse in text.verses if _is_in(verse, place)]
    units = {verse.unit for verse in verses}
    lines = chapter_lines(row.source)
    before, after = _around(lines, row.pk)
    name, number = row.metadata.get("book", ""), row.metadata.get("chapter", "")
    context: dict[str, Any] = {
        "title": f"{name} {number}",
        "conversation": row,
        "text": text,
        "kinds": kinds,
        "kind": kind,
        "languages": [(each, language_name(each) or "the text") for each in languages],
        "every": [(each, language_name(each) or each) for each in text.languages],
        "verses": verses,
        "place": place,
        "figures": [figure for figure in figures if not place or figure.verse in units],
        "before": before,
        "after": after,
        "line": next((line for line in lines if line.conversation == row.pk), None),
    }
    return show(request, "pages/chapter.html", context)


def _verses(request: HttpRequest) -> Place | None:
    """Return which verses the address asks for; None for all. BadRequest if they cannot be read."""
    if not (asked := request.GET.get("verses", "")[:40].strip()):
        return None
    try:
        place = read_place(asked)
    except RunError as error:
        raise BadRequest(str(error)) from error
    return place if place.first else None


def _is_in(verse: VerseLine, place: Place | None) -> bool:
    return place is None or place.first <= verse.number <= place.last


def _languages(request: HttpRequest, text: ChapterText) -> list[str]:
    """Return the languages to show side by side: those the address names, else the first two."""
    asked = [name for name in request.GET.getlist("language") if name in text.languages]
    return list(dict.fromkeys([*asked, *text.languages]))[:SIDE_BY_SIDE]


def _shown(verse: VerseLine, figures: Sequence[Figure], languages: Sequence[str]) -> ShownVerse:
    columns = [[_cell(said, figures) for said in verse.in_language(language)] for language in languages]
    return ShownVerse(verse.unit, str(verse.number or verse.unit), columns)


def _cell(said: Said, figures: Sequence[Figure]) -> Cell:
    end = said.start + len(said.text)
    spans = [
        Span(figure.start, figure.end, figure.number)
        for figure in figures
        if figure.start < end and figure.end > said.start
    ]
    return Cell(said.language, said.place, pieces_of(said.text, spans, said.start))


def _around(lines: Sequence[ChapterLine], conversation: int) -> tuple[int | None, int | None]:
    """Return the chapters before and after one."""
    ids = [line.conversation for line in lines]
    if conversation not in ids:
        return None, None
    here = ids.index(conversation)
    return (ids[here - 1] if here else None), (ids[here + 1] if here + 1 < len(ids) else None)


ADDRESSES = [
    ("books/", "books", books),
    ("books/<int:source_id>/", "book", book),
    ("books/chapters/<int:conversation_id>/", "chapter", chapter),
]
