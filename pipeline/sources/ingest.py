"""Store what a source gives: new conversations, new versions of known ones, and a note of each row that was refused.

Rows go by COPY into a staging table, a batch at a time, and SQL decides what is new, changed or a duplicate. A batch is
one short transaction, so an import that was cut off keeps what it stored, and importing again finishes it.

A record says all there is about its conversation: what it no longer names is emptied; only a time is kept. Equal
messages make no new version, and a return to an earlier text makes that version current again.

Two imports may run at the same time: both insert, and then lock, in the order of the ids, so they never wait for each
other in a circle.
"""

import hashlib
import json
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from uuid import uuid4

from django.db import DataError, connection, transaction
from django.utils import timezone
from pydantic_core import to_json

from pipeline.models import Source
from pipeline.sources import erased
from pipeline.sources.books.source import BooksSource
from pipeline.sources.file import FileSource
from pipeline.sources.formats import Options, Recognised
from pipeline.sources.own_words.repeated import Passage
from pipeline.sources.reasons import Reasons
from pipeline.sources.records import Checkpoint, Record, Reject, Resumable, Row, UnreadableSource, excerpt, get_source
from pipeline.sources.remembered import remember, with_remembered
from pipeline.sources.repetition import remember_repeated
from pipeline.sources.understanding.speakers import settled

BATCH_ROWS = 5000
BATCH_CHARACTERS = 8 * 1024 * 1024
"""A batch ends with whichever comes first. It bounds what is in memory and how long a transaction is open."""


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What became of the rows of an import; `rejects_path` says where the rejected ones are listed.

    `repeated` is what the source's conversations share word for word, if the import changed any. `notes` are sentences
    of a live source about what it left out.
    """

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects_path: Path | None = None
    repeated: tuple[Passage, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """All rows that were read, whatever became of them."""
        return self.new + self.updated + self.unchanged + self.rejected

    def __str__(self) -> str:
        return f"{self.new} new, {self.updated} updated, {self.unchanged} unchanged, {self.rejected} rejected"

    def plus(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(
            new=self.new + other.new,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            rejected=self.rejected + other.rejected,
        )


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought: into which source, what became of the rows, what the files turned out to be.

    `source` is None where there was nothing to store: an import that fails leaves no empty source behind. `reasons` are
    the reasons of the rejects with their counts, and where the first of each stands.
    """

    source: Source | None
    counts: ImportCounts
    summary: Recognised
    reasons: Reasons


class WouldReplace(UnreadableSource):
    """The source has other texts under the same ids; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Import:
    """What a person asks to have imported: one or several files into the source `file:name`, or `books:name`.

    `replaces_texts` says that other texts may take the place of those the source has under the same ids.
    """

    paths: tuple[str, ...]
    name: str | None = None
    options: Options = field(default_factory=Options)
    replaces_texts: bool = False
    kind: str = FileSource.kind

    def file(self) -> FileSource | BooksSource:
        """Return the files as a source of records; UnreadableSource if the name cannot be one."""
        source = BooksSource if self.kind == BooksSource.kind else FileSource
        file = source(self.paths, self.name, self.options)
        if len(file.name) > 200:
            raise UnreadableSource(
                f"the name of a source can have at most 200 characters; replace {file.name} by a shorter one "
                "with --name NAME"
            )
        return file


def import_files(asked: Import, on_batch: Callable[[ImportCounts], object] = lambda _: None) -> Imported:
    """Import files into the source `file:name`; list rejected rows in a file beside the first.

    Tells `on_batch` the counts until then whenever a batch is stored.

    Raises UnreadableSource, before anything is written, if a file is missing or of no known format, and WouldReplace if
    the source has other texts under the ids of the file.
    """
    file = asked.file()
    known = Source.objects.filter(kind=file.kind, name=file.name).first()
    file.options = with_remembered(known, asked.options)
    records = file.records()
    if known and not asked.replaces_texts and not asked.name:
        # Two exports may number their rows from 1: without this the second would take the place of the first. Whoever
        # gave the name themselves is taken at their word.
        records = _unless_it_replaces(known, records)
    # reads the beginning of the file: what cannot be read at all is refused before a source exists
    first = next(records, None)
    if first is None:
        return Imported(known, ImportCounts(), file.summary, Reasons())
    source = known or Source.objects.get_or_create(kind=file.kind, name=file.name)[0]
    remember(source=source, options=asked.options)
    reasons = Reasons()
    try:
        with RejectsFile(beside=asked.paths[0]) as rejects:
            note = rejects.write_and_count(reasons)
            counts = ingest(
                source=source,
                records=chain([first], records),
                on_reject=note,
                reads_ahead=True,
                on_batch=on_batch,
            )
    finally:
        is_empty = known is None and not source.conversations.exists()
        if is_empty:
            source.delete()
    counts = replace(counts, rejects_path=rejects.path if counts.rejected else None)
    return Imported(None if is_empty else source, counts, file.summary, reasons)


LOOKED_AT = 2000
"""First rows of which it is seen whether they would replace the texts that a source has."""


def _unless_it_replaces(source: Source, records: Iterator[Record | Reject]) -> Iterator[Record | Reject]:
    """Return the records again; WouldReplace if most that the source knows begin with another text there.

    A thread that has grown begins as before, so it does not count.
    """
    rows = list(islice(records, LOOKED_AT))
    texts = {row.external_id: row.messages[0]["text"] for row in rows if isinstance(row, Record)}
    known = dict(
        source.conversations.filter(external_id__in=list(texts)).values_list(
            "external_id", "current_version__messages__0__text"
        )
    )
    changed = [key for key, text in known.items() if text is not None and text != texts[key]]
    if 2 * len(changed) > len(known):
        first = changed[0]
        raise WouldReplace(
            f"{source} already has different texts under the same ids: of {len(known):,} checked, {len(changed):,} "
            f"would be replaced, for example {first}: {_short(known[first])!r} by {_short(texts[first])!r}. Import "
            "the file under another name with --name NAME, or replace them with --yes."
        )
    return chain(rows, records)


def _short(text: str) -> str:
    return textwrap.shorten(text, 50, placeholder=" ...")


def import_live(kind: str, name: str) -> tuple[Source, ImportCounts]:
    """Import what a live source (see `is_live`) holds now into `kind:name`; one that can be resumed goes on.

    Raises UnreadableSource if it cannot be read: before anything is written, or after it has stored what it could.
    """
    reader = get_source(kind)(name)
    if isinstance(reader, Resumable):
        known = Source.objects.filter(kind=kind, name=name).first()
        reader.cursor = known.cursor if known else ""
    records = settled(reader.records(), Recognised())
    source, is_new = Source.objects.get_or_create(kind=kind, name=name)
    try:
        counts = ingest(source=source, records=records)
    except BaseException:
        if is_new:  # what failed before anything was stored leaves no empty source behind
            Source.objects.filter(pk=source.pk, cursor="", conversations__isnull=True).delete()
        raise
    return source, replace(counts, notes=tuple(reader.notes) if isinstance(reader, Resumable) else ())


def ingest(
    *,
    source: Source,
    records: Iterable[Row],
    on_reject: Callable[[Reject], object] = lambda _: None,
    reads_ahead: bool = False,
    on_batch: Callable[[ImportCounts], object] = lambda _: None,
) -> ImportCounts:
    """Store the records, in transactions of a batch each, call `on_reject` for each refused row, return the counts.

    `on_batch` is told the counts until then, outside of any transaction, whenever a batch is stored.

    `reads_ahead`: the next batch is read, by another thread, while PostgreSQL stores one. Not for records that ask a
    database or somebody else's server: that is not done while a transaction is open.

    At the end what the source's conversations share is counted, in a transaction of its own.
    """
    counts, imported_at = ImportCounts(), timezone.now()
    # temporary tables belong to this connection, so two imports do not see each other's
    _execute(_CREATE)
    batches = _batches(records)
    for batch in _read_ahead(batches) if reads_ahead else batches:
        stored, refused = _store(batch.rows, source, imported_at)
        for reject in batch.rejects + refused:
            on_reject(reject)
        counts = counts.plus(stored).plus(ImportCounts(rejected=len(batch.rejects) + len(refused)))
        on_batch(counts)
        # After the batch is committed, never before: a crash between the two reads some rows again, which changes
        # nothing, where the other order would lose them.
        if batch.cursor:
            Source.objects.filter(pk=source.pk).update(cursor=batch.cursor)
            _execute("TRUNCATE seen_conversation")  # behind a checkpoint a conversation may come again, and be newer
    _execute(_DROP)
    # where no conversation changed, what they share is what it was
    if counts.new or counts.updated:
        counts = replace(counts, repeated=tuple(remember_repeated(source)))
    return counts


# --- Rows ---------------------------------------------------------------------------------------------------------

# The columns of the staging table, the first a number and the id; then raw, line, unit, part of the reject it may be.
# A batch holds thousands: flat tuples of plain values are what costs the garbage collector nothing.
Staged = tuple[Any, ...]


@dataclass(slots=True)
class Batch:
    """What is stored together."""

    rows: list[Staged] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    characters: int = 0
    cursor: str = ""  # of the checkpoint that ends it

    @property
    def is_full(self) -> bool:
        is_large = len(self.rows) + len(self.rejects) >= BATCH_ROWS or self.characters >= BATCH_CHARACTERS
        return is_large or bool(self.cursor)


def _batches(records: Iterable[Row]) -> Iterator[Batch]:
    batch = Batch()
    for number, record in enumerate(records):
        _add(batch, record, number)
        if batch.is_full:
            yield batch
            batch = Batch()
    yield batch


def _read_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield the batches, the next one of which is being read meanwhile."""
    # One thread and one batch ahead, no more: a queue of batches would make memory grow with the speed of the reader.
    with ThreadPoolExecutor(1, thread_name_prefix="reading ahead") as pool:
        following = pool.submit(next, batches, None)
        while batch := following.result():
            following = pool.submit(next, batches, None)
            yield batch


def _add(batch: Batch, record: Row, number: int) -> None:
    if isinstance(record, Checkpoint):
        batch.cursor = record.cursor
        return
    if isinstance(record, Reject):
        batch.rejects.append(record)
        return
    try:
        row, size = _row(record, number)
    except (ValueError, RecursionError) as error:
        batch.rejects.append(record.reject(f"metadata contains something that cannot be stored: {error}"))
    else:
        batch.rows.append(row)
        batch.characters += size


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _row(record: Record, number: int) -> tuple[Staged, int]:
    """Return the row and its size; ValueError if the metadata holds a number that is none."""
    messages = to_json(record.messages)
    metadata = _encode(record.metadata) if record.metadata else "{}"
    row = (
        number, record.external_id, record.customer, record.occurred_at, record.url, record.label, metadata,
        record.classified_at, hashlib.sha256(messages).hexdigest(), messages.decode(), record.has_made_id, record.place,
        record.raw, record.line, record.unit, record.part,
    )  # fmt: skip
    return row, len(messages) + len(metadata)


def _refuse(row: Staged, reason: str) -> Reject:
    raw, line, unit, part = row[-4:]
    return Reject(line, reason, row[1], excerpt(raw), unit, part)


# --- The staging tables -------------------------------------------------------------------------------------------

_CREATE = """
DROP TABLE IF EXISTS staged_conversation, seen_conversation, made_id;
CREATE TEMPORARY TABLE staged_conversation (
    number bigint, external_id text, customer text, occurred_at timestamptz, url text, label text, metadata jsonb,
    classified_at timestamptz, content_hash text, messages jsonb, has_made_id boolean, place text
);
CREATE TEMPORARY TABLE seen_conversation (external_id text PRIMARY KEY, number bigint, place text);
CREATE TEMPORARY TABLE made_id (external_id text PRIMARY KEY, count bigint)
"""
_DROP = "DROP TABLE IF EXISTS staged_conversation, seen_conversation, made_id"
_COPY = "COPY staged_conversation FROM STDIN"


def _store(rows: Sequence[Staged], source: Source, imported_at: datetime) -> tuple[ImportCounts, list[Reject]]:
    """Store a batch in one transaction; if PostgreSQL refuses a value, by halves, so that only the bad row is lost."""
    if not rows:
        return ImportCounts(), []
    try:
        with transaction.atomic():
            return _store_together(rows, source, imported_at)
    # A value that PostgreSQL refuses ends the whole COPY. Halving finds it in a dozen steps; one by one would take
    # thousands.
    except DataError as error:
        if len(rows) == 1:
            reason = f"PostgreSQL cannot store it: {str(error).splitlines()[0]}"
            return ImportCounts(), [_refuse(rows[0], reason)]
    half = len(rows) // 2
    first, refused = _store(rows[:half], source, imported_at)
    second, refused_too = _store(rows[half:], source, imported_at)
    return first.plus(second), refused + refused_too


def _store_together(rows: Sequence[Staged], source: Source, imported_at: datetime) -> tuple[ImportCounts, list[Reject]]:
    """Needs a transaction."""
    values = {"source": source.pk, "now": imported_at}
    rows, known = _without_erased(rows, source)
    if not rows:
        return ImportCounts(), known
    _stage(rows)
    if any(row[_HAS_MADE_ID] for row in rows):
        _execute(_TELL_EQUAL_ONES_APART)
    duplicates = _take_duplicates_out(rows)
    new = _execute(_ADD, values)
    # a first import has nothing to compare with; this spares it the join
    changed = [] if new == len(rows) else _fetch(_LOCK_CHANGED, values)
    updated = _update([key for (key,) in changed], values) if changed else 0
    unchanged = len(rows) - len(duplicates) - new - updated
    return ImportCounts(new=new, updated=updated, unchanged=unchanged), [*known, *duplicates]


def _without_erased(rows: Sequence[Staged], source: Source) -> tuple[Sequence[Staged], list[Reject]]:
    """Take out what was erased at a customer's request; nothing of its text is kept in the rejects.

    Looked at in the transaction that stores, so that an erasure that ends meanwhile is seen by the next batch.
    """
    refused = erased.refused(source.pk, [erased.Brought(row[1], row[2], row[3]) for row in rows])
    if not refused:
        return rows, []
    rejects = [
        Reject(rows[place][-3], why, unit=rows[place][-2], part=rows[place][-1]) for place, why in refused.items()
    ]
    return [row for place, row in enumerate(rows) if place not in refused], rejects


def _stage(rows: Sequence[Staged]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE staged_conversation")
        with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            for row in rows:
                # without raw, line, unit and part, which only a reject needs
                copy.write_row(row[:-4])


# --- Deciding in SQL ----------------------------------------------------------------------------------------------

# Two people may say the very same and a source may give no ids: the second is `made-...-2`, in each import again.
_TELL_EQUAL_ONES_APART = """
WITH counted AS (
    SELECT number, external_id,
           row_number() OVER (PARTITION BY external_id ORDER BY number) + coalesce(made_id.count, 0) AS place
    FROM staged_conversation LEFT JOIN made_id USING (external_id) WHERE has_made_id
), noted AS (
    INSERT INTO made_id (external_id, count)
    SELECT external_id, count(*) FROM staged_conversation WHERE has_made_id GROUP BY external_id
    ON CONFLICT (external_id) DO UPDATE SET count = made_id.count + excluded.count
)
UPDATE staged_conversation staged SET external_id = staged.external_id || '-' || counted.place
FROM counted WHERE staged.number = counted.number AND counted.place > 1
"""
_HAS_MADE_ID = -6

# The first row of an id is noted; every other row of it is taken out.
_TAKE_DUPLICATES_OUT = """
WITH first AS (
    INSERT INTO seen_conversation (external_id, number, place)
    SELECT DISTINCT ON (external_id) external_id, number, place FROM staged_conversation ORDER BY external_id, number
    ON CONFLICT DO NOTHING RETURNING number
)
DELETE FROM staged_conversation WHERE number NOT IN (SELECT number FROM first) RETURNING number
"""
_FIRST_PLACES = "SELECT external_id, place FROM seen_conversation WHERE external_id = ANY(%s)"

# A conversation and its version name each other: the version's id is drawn first, and the keys are checked at commit.
_ADD = """
WITH added AS (
    INSERT INTO pipeline_conversation
           (source_id, external_id, customer, occurred_at, occurred_at_is_import_time, url, label, metadata,
            classified_at, current_version_id)
    SELECT %(source)s, external_id, customer, coalesce(occurred_at, %(now)s), occurred_at IS NULL, url, label, metadata,
           classified_at, nextval(pg_get_serial_sequence('pipeline_conversationversion', 'id'))
    FROM staged_conversation staged
    WHERE NOT EXISTS (SELECT FROM pipeline_conversation conversation
                      WHERE conversation.source_id = %(source)s AND conversation.external_id = staged.external_id)
    ORDER BY external_id
    ON CONFLICT (source_id, external_id) DO NOTHING
    RETURNING id, external_id, current_version_id
)
INSERT INTO pipeline_conversationversion (id, conversation_id, content_hash, messages, stored_at)
SELECT added.current_version_id, added.id, staged.content_hash, staged.messages, %(now)s
FROM added JOIN staged_conversation staged USING (external_id)
"""

# `version` is the one with the staged messages, if there is one yet. A record without a time does not change the time.
_DIFFERS = """
FROM staged_conversation staged
JOIN pipeline_conversation conversation
  ON conversation.source_id = %(source)s AND conversation.external_id = staged.external_id
LEFT JOIN pipeline_conversationversion version
  ON version.conversation_id = conversation.id AND version.content_hash = staged.content_hash
WHERE ((conversation.current_version_id = version.id) IS NOT TRUE
   OR (staged.occurred_at IS NOT NULL
       AND (conversation.occurred_at <> staged.occurred_at OR conversation.occurred_at_is_import_time))
   OR (conversation.customer, conversation.url, conversation.label, conversation.metadata, conversation.classified_at)
      IS DISTINCT FROM (staged.customer, staged.url, staged.label, staged.metadata, staged.classified_at))
"""
# Locked in the order of the ids, by a statement of its own: an UPDATE locks in whatever order it meets the rows, and
# two imports would wait for each other in a circle. What differs is asked again when it is written, for somebody may
# have changed the rows while we waited for the locks.
_LOCK_CHANGED = f"""
SELECT id FROM pipeline_conversation WHERE id IN (SELECT conversation.id {_DIFFERS})
ORDER BY external_id FOR NO KEY UPDATE
"""
_ADD_VERSIONS = f"""
INSERT INTO pipeline_conversationversion (conversation_id, content_hash, messages, stored_at)
SELECT conversation.id, staged.content_hash, staged.messages, %(now)s
{_DIFFERS} AND version.id IS NULL AND conversation.id = ANY(%(changed)s) ORDER BY staged.external_id
ON CONFLICT (conversation_id, content_hash) DO NOTHING
"""
_UPDATE = f"""
UPDATE pipeline_conversation SET
    customer = differing.customer, url = differing.url, label = differing.label, metadata = differing.metadata,
    classified_at = differing.classified_at, current_version_id = differing.version_id,
    occurred_at = coalesce(differing.occurred_at, pipeline_conversation.occurred_at),
    occurred_at_is_import_time = differing.occurred_at IS NULL AND pipeline_conversation.occurred_at_is_import_time
FROM (
    SELECT staged.*, conversation.id, version.id AS version_id {_DIFFERS} AND conversation.id = ANY(%(changed)s)
) differing
WHERE pipeline_conversation.id = differing.id
"""


def _take_duplicates_out(rows: Sequence[Staged]) -> list[Reject]:
    numbers = {number for (number,) in _fetch(_TAKE_DUPLICATES_OUT)}
    if not numbers:
        return []
    duplicates = [row for row in rows if row[0] in numbers]
    first_places = dict(_fetch(_FIRST_PLACES, [[row[1] for row in duplicates]]))
    return [_refuse(row, f"duplicate id: already in {first_places[row[1]]}") for row in duplicates]


def _update(changed: Sequence[int], values: dict[str, object]) -> int:
    """Bring locked conversations up to date and return how many that were not; another import may have done it."""
    _execute(_ADD_VERSIONS, {**values, "changed": changed})
    return _execute(_UPDATE, {**values, "changed": changed})


def _execute(sql: str, values: Any = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def _fetch(sql: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


# --- Rejects ------------------------------------------------------------------------------------------------------


class RejectsFile:
    """Lists rejected rows in `FILE.rejects.jsonl`, one JSON object a line; without any there is no such file.

    The list of an earlier import is removed first, and the new one appears whole, so that two imports at once do not
    mix theirs. Where the folder cannot be written, it is in a temporary folder: ask `path` afterwards.
    """

    def __init__(self, *, beside: str | Path) -> None:
        stdin = str(beside) == "-"
        self.path = Path("stdin.rejects.jsonl") if stdin else Path(f"{beside}.rejects.jsonl")
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        with suppress(OSError):
            self.path.unlink()
        return self

    def write_and_count(self, reasons: Reasons) -> Callable[[Reject], None]:
        """Return what writes a reject and counts its reason."""

        def note(reject: Reject) -> None:
            reasons.add(reject)
            self.write(reject)

        return note

    def write(self, reject: Reject) -> None:
        if self._file is None:
            self._file = self._open()
        row = {"line": reject.line, "unit": reject.unit, "reason": reject.reason}
        row |= {"file": reject.part} if reject.part else {}
        own = {"id": reject.external_id} if reject.external_id else {}
        print(json.dumps({**row, **own, "raw": reject.raw}, ensure_ascii=False), file=self._file)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            # renamed when complete: whoever looks sees the old list, none, or the whole new one
            Path(self._file.name).replace(self.path)

    def _open(self) -> IO[str]:
        unfinished = f".{self.path.name}.{uuid4().hex[:8]}"
        try:
            return self.path.with_name(unfinished).open("x", encoding="utf-8")
        except OSError:
            self.path = Path(tempfile.mkdtemp(prefix="leitmotif-")) / self.path.name
            return self.path.with_name(unfinished).open("x", encoding="utf-8")
