"""What a run made of a book, chapter by chapter, and the instances that were found in it, verse by verse."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import Count, F, Q, Sum

from pipeline.ledger.counts import find_run
from pipeline.ledger.current import current_themes
from pipeline.ledger.errors import RunError
from pipeline.models import Call, Evidence, Item, Run, Source

UNREAD = "unread_language"


@dataclass(frozen=True, slots=True)
class ChapterRow:
    """One chapter in one run. `verses_covered`: those the reader answered for; of an extracted or literal chapter that
    is every verse, since one that is missing fails the chapter.

    `seconds` are those of the calls to a model, or from claim to end where there was none. `cost` is in US dollars,
    None where a price is not known; 0 where nothing was paid.
    """

    book: str
    chapter: int
    state: str
    reason: str
    error: str
    item: int
    verses: int
    verses_covered: int
    instances: int
    kinds: dict[str, int]
    seconds: float
    calls: int
    tokens: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class BookReport:
    """All chapters of a run in their order; `retry` is the command that takes up those that failed, if any did."""

    run: int
    source: str
    chapters: list[ChapterRow] = field(default_factory=list)
    retry: str = ""

    @property
    def failures(self) -> list[ChapterRow]:
        return [row for row in self.chapters if row.state == Item.State.FAILED]

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values, the failures apart."""
        return {**asdict(self), "failures": [asdict(row) for row in self.failures]}


def is_book(run: Run) -> bool:
    """Whether a run reads chapters."""
    return run.items.filter(conversation__metadata__has_keys=["book", "chapter"]).exists()


def book_report(run: Run) -> BookReport:
    """Return what became of each chapter. RunError if the run reads no book."""
    if not is_book(run):
        raise RunError(
            f"run {run.pk} of {run.source} did not read a book; `./manage.py run_status {run.pk}` shows what it read."
        )
    items = run.items.select_related("conversation").order_by("id")
    spent = _spent(run)
    found = _instances(run)
    rows = [_row(item, found.get(item.pk, Counter()), spent.get(item.pk, {})) for item in items]
    rows.sort(key=lambda row: (row.book, row.chapter))
    has_failed = any(row.state == Item.State.FAILED for row in rows)
    retry = f"./manage.py salvage {run.pk} --only-failed" if has_failed else ""
    return BookReport(run.pk, str(run.source), rows, retry)


def _row(item: Item, kinds: Counter[str], spent: dict[str, Any]) -> ChapterRow:
    about = item.conversation.metadata
    took = (item.finished_at - item.claimed_at).total_seconds() if item.finished_at and item.claimed_at else 0.0
    verses = int(about.get("verses", 0))
    is_covered = item.state == Item.State.EXTRACTED or (
        item.state == Item.State.FILTERED and item.category not in ("", UNREAD)
    )
    is_priced = not spent.get("unpriced")
    return ChapterRow(
        book=str(about.get("book", "")),
        chapter=int(about.get("chapter", 0)),
        state=item.state,
        reason=item.reason,
        error=item.error,
        item=item.pk,
        verses=verses,
        verses_covered=verses if is_covered else 0,
        instances=kinds.pop("", 0),
        kinds=dict(sorted(kinds.items())),
        seconds=round(spent.get("seconds") or max(took, 0.0), 3),
        calls=spent.get("calls", 0),
        tokens=spent.get("tokens", 0),
        cost=float(spent.get("cost") or 0) if is_priced else None,
    )


def _spent(run: Run) -> dict[int, dict[str, Any]]:
    """Return for each item its calls to a language model, their tokens, seconds and cost."""
    calls = Call.objects.filter(item__run=run).exclude(model="").values("item_id").order_by()
    rows = calls.annotate(
        unpriced=Count("id", filter=Q(cost__isnull=True)),
        calls=Count("id"),
        tokens=Sum(F("input_tokens") + F("output_tokens")),
        seconds=Sum("seconds"),
        cost=Sum("cost"),
    )
    return {row["item_id"]: dict(row) for row in rows}


def _instances(run: Run) -> dict[int, Counter[str]]:
    """Return for each item how many instances there are, under the empty key, and of each kind."""
    found: dict[int, Counter[str]] = {}
    for item, details in Evidence.objects.filter(theme__run=run).values_list("theme__item_id", "details"):
        counts = found.setdefault(item, Counter())
        counts[""] += 1
        counts.update((details or {}).get("kinds", []))
    return found


# --- Verse by verse -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A chapter, or verses of one; `last` is the last verse, both 0 for the whole chapter."""

    chapter: int
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One figure of speech with its place."""

    book: str
    chapter: int
    verse: str
    kinds: list[str]
    quote: str
    target: str
    vehicle: str
    ground: str
    speaker: str
    explanation: str
    verdict: str
    reason: str
    signature: str

    @property
    def place(self) -> str:
        return f"{self.book} {self.verse}"


_PLACE = re.compile(r"(\d{1,4})(?::(\d{1,4})(?:-(\d{1,4}))?)?")


def read_place(words: str) -> Place:
    """Return what `3`, `3:7` or `3:7-12` means; RunError if it cannot be read."""
    found = _PLACE.fullmatch(words.strip())
    if not found:
        raise RunError(f"{words[:20]!r} is not a chapter or verse; write for example 3, 3:7 or 3:7-12.")
    first = int(found[2] or 0)
    return Place(int(found[1]), first, int(found[3] or first))


def instances(source: Source, place: Place | None = None, *, profile: str, kind: str = "") -> Iterator[InstanceRow]:
    """Yield the instances that the newest readings of a book found, by chapter and verse."""
    rows = Evidence.objects.filter(theme__in=current_themes(profile), theme__conversation__source=source)
    if place:
        rows = rows.filter(theme__conversation__metadata__chapter=place.chapter)
    if kind:
        rows = rows.filter(details__kinds__contains=[kind])
    rows = rows.select_related("theme__conversation", "theme__signature").defer("theme__vector")
    found = [_instance(row) for row in rows.iterator(chunk_size=500)]
    # sorted here: a verse is text inside JSON, and 10 would come before 9
    found.sort(key=lambda row: (row.book, row.chapter, _verse_number(row.verse), row.quote))
    for row in found:
        if not place or not place.first or place.first <= _verse_number(row.verse) <= place.last:
            yield row


def _instance(row: Evidence) -> InstanceRow:
    details, about = row.details or {}, row.theme.conversation.metadata
    plain = {key: str(details.get(key, "")) for key in ("target", "vehicle", "ground", "speaker", "explanation")}
    return InstanceRow(
        book=str(about.get("book", "")),
        chapter=int(about.get("chapter", 0)),
        verse=str(details.get("unit", "")),
        kinds=list(details.get("kinds", [])),
        quote=row.quote,
        verdict=str(details.get("verdict", "")),
        reason=str(details.get("reason", "")),
        signature=row.theme.raw_signature,
        **plain,
    )


def _verse_number(unit: str) -> int:
    found = re.search(r":(\d+)", unit)
    return int(found[1]) if found else 0


def find_book(run_id: int) -> tuple[Run, BookReport]:
    """Return a run and its report. RunError if there is no such run, or it reads no book."""
    run = find_run(run_id)
    return run, book_report(run)
