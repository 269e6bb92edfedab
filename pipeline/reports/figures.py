"""A book as people read it with its figures of speech: its chapters with their counts, a chapter verse by verse.

`chapters` answers the same for a terminal; here the text is cut into pieces, so that a page can mark what was found.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Func, QuerySet, TextField

from pipeline.group.current import homes_of
from pipeline.ledger.current import current_themes
from pipeline.merge.forest import roots_of
from pipeline.models import Conversation, ConversationVersion, Evidence, Item, Source, Story

PROFILE = "figurative"
MOST_CHAPTERS = 2_000


class _Each(Func):
    """The texts of an array in JSON, a row each."""

    function = "jsonb_array_elements_text"
    output_field = TextField()
    set_returning = True


def book_sources() -> QuerySet[Source]:
    """Return the sources that hold books, by name."""
    return Source.objects.filter(kind="books").order_by("name")


@dataclass(frozen=True, slots=True)
class ChapterLine:
    """A chapter in the list of its source: what became of its newest reading, and how many figures it has."""

    conversation: int
    book: str
    chapter: int
    verses: int
    state: str
    reason: str
    instances: int


def chapter_lines(source: Source, kind: str = "") -> list[ChapterLine]:
    """Return the chapters of a source, book by book in the order in which they came; three questions.

    `kind` counts only the figures of that kind.
    """
    rows: Any = (
        Conversation.objects.filter(source=source, metadata__has_keys=["book", "chapter"])
        .order_by("id").values_list("id", "metadata__book", "metadata__chapter", "metadata__verses")[:MOST_CHAPTERS]
    )  # fmt: skip
    chapters = list(rows)
    states = _states([row[0] for row in chapters])
    counts: Any = _evidence(source, kind).order_by().values_list("theme__conversation").annotate(number=Count("pk"))
    number_of = dict(counts)
    place = {book: number for number, book in enumerate(dict.fromkeys(str(row[1]) for row in chapters))}
    lines = [
        ChapterLine(pk, str(book), _whole(chapter), _whole(verses), *states.get(pk, ("", "")), number_of.get(pk, 0))
        for pk, book, chapter, verses in chapters
    ]
    return sorted(lines, key=lambda line: (place[line.book], line.chapter, line.conversation))


def _states(conversations: list[int]) -> dict[int, tuple[str, str]]:
    """Return for each chapter the state and reason of its newest item under the profile."""
    newest: Any = (
        Item.objects.filter(conversation__in=conversations, run__profile=PROFILE, run__is_preview=False)
        .order_by("conversation", "-id").distinct("conversation").values_list("conversation", "state", "reason")
    )  # fmt: skip
    return {conversation: (state, reason) for conversation, state, reason in newest}


def _evidence(source: Source, kind: str = "") -> QuerySet[Evidence]:
    """Return the figures that the newest readings of a source found."""
    found = Evidence.objects.filter(theme__in=current_themes(PROFILE), theme__conversation__source=source)
    return found.filter(details__kinds__contains=[kind]) if kind else found


def kind_counts(source: Source) -> list[tuple[str, int]]:
    """Return how many figures a source has of each kind, most first; one that is of two kinds counts for both."""
    each: Any = (
        _evidence(source).order_by().annotate(kind=_Each(F("details__kinds"))).values_list("kind")
        .annotate(number=Count("pk"))
    )  # fmt: skip
    return sorted(((str(kind), number) for kind, number in each), key=lambda pair: (-pair[1], pair[0]))


# --- One chapter --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of speech in a chapter: `number` is its mark in the text; `start` and `end` are places in the text
    of the version, in characters. `story` is where figures like it are, if they are one.
    """

    number: int
    verse: str
    kinds: list[str]
    quote: str
    start: int
    end: int
    language: str
    target: str
    vehicle: str
    ground: str
    speaker: str
    explanation: str
    reason: str
    confidence: int
    story: Story | None

    @property
    def verse_label(self) -> str:
        """The verse's number alone, as it stands beside the text."""
        return str(verse_number(self.verse) or self.verse)


@dataclass(frozen=True, slots=True)
class Said:
    """What a verse says in one language: `place` is its number there if it is another, `start` where its text begins
    in the version.
    """

    language: str
    place: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class VerseLine:
    """A verse with what stands there, in the order of the languages."""

    unit: str
    number: int
    said: list[Said]

    def in_language(self, language: str) -> list[Said]:
        """Return what it says in a language; several texts where verses are numbered otherwise there."""
        return [each for each in self.said if each.language == language]


@dataclass(frozen=True, slots=True)
class ChapterText:
    """A chapter to read: its verses and figures, the languages it has, and whether it has changed since it was read."""

    version: ConversationVersion | None
    languages: list[str]
    verses: list[VerseLine]
    figures: list[Figure]
    is_older: bool


def chapter_text(conversation: Conversation) -> ChapterText:
    """Return a chapter with the figures of its newest reading, in the version that was read; five questions."""
    found = _evidence(conversation.source).filter(theme__conversation=conversation)
    rows = list(found.select_related("theme__signature", "version").defer("theme__vector").order_by("start", "pk"))
    version = rows[0].version if rows else conversation.current_version
    if version is None:
        return ChapterText(None, [], [], [], False)
    verses = list(_verses(version))
    rows = [row for row in rows if row.version_id == version.pk]
    return ChapterText(
        version,
        list(dict.fromkeys(said.language for verse in verses for said in verse.said)),
        verses,
        _figures(rows, verses),
        version.pk != conversation.current_version_id,
    )


def _verses(version: ConversationVersion) -> Iterator[VerseLine]:
    lines: dict[str, list[Said]] = {}
    offset = 0
    for number, message in enumerate(version.messages, start=1):
        unit, text = str(message.get("unit") or number), str(message["text"])
        place = str(message.get("author") or "")
        said = Said(str(message.get("language") or ""), "" if place == unit else place, text, offset)
        lines.setdefault(unit, []).append(said)
        offset += len(text) + 1  # messages are joined by newlines
    for unit, texts in lines.items():
        yield VerseLine(unit, verse_number(unit), texts)


def _figures(rows: Sequence[Evidence], verses: Sequence[VerseLine]) -> list[Figure]:
    roots = roots_of([row.theme.signature_id for row in rows if row.theme.signature_id])
    homes = homes_of([root.pk for root in roots.values()])
    figures = []
    for number, row in enumerate(rows, start=1):
        details: Mapping[str, Any] = row.details or {}
        root = roots.get(row.theme.signature_id or 0)
        home = homes.get(root.pk) if root else None
        plain = {key: str(details.get(key) or "") for key in ("target", "vehicle", "ground", "speaker", "explanation")}
        figures.append(
            Figure(
                number=number,
                verse=str(details.get("unit") or ""),
                kinds=[str(kind) for kind in details.get("kinds", [])],
                quote=row.quote,
                start=row.start,
                end=row.end,
                language=_language_at(verses, row.start),
                reason=str(details.get("reason") or ""),
                confidence=round(100 * row.theme.confidence),
                story=home if isinstance(home, Story) else None,
                **plain,
            )
        )
    return figures


def _language_at(verses: Sequence[VerseLine], start: int) -> str:
    """Return the language of the text in which a place lies."""
    for verse in verses:
        for said in verse.said:
            if said.start <= start <= said.start + len(said.text):
                return said.language
    return ""


def count_kinds(figures: Sequence[Figure]) -> list[tuple[str, int]]:
    """Return the kinds among the figures with their numbers, most first."""
    return Counter(kind for figure in figures for kind in figure.kinds).most_common()


def verse_number(unit: str) -> int:
    """Return 12 for `3:12`, and 0 where a unit names no verse."""
    found = re.search(r":(\d+)", unit)
    return int(found[1]) if found else 0


def _whole(value: object) -> int:
    """Return a chapter's number; 0 where a source stored something else."""
    word = str(value)
    return int(word) if word.isdecimal() and len(word) <= 9 else 0
