"""Store what a source gives: new conversations, new versions of known ones, and a note of each row that was refused.

Rows go by COPY into a staging table, a batch at a time, and SQL decides what is new, changed or a duplicate. A batch is
one short transaction, so an import that was cut off keeps what it stored, and importing again finishes it.

A record says all there is about its conversation: what it no longer names is emptied; only a time is kept. Equal
messages make no new version, and a return to an earlier text makes that version current again.

Two imports may run at the same time: both insert, and then lock, in the order of the ids, so they never wait for each
other in a circle.
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from django.utils import timezone

from pipeline.models import Source
from pipeline.sources.books.source import BooksSource
from pipeline.sources.file import FileSource
from pipeline.sources.formats import Options, Recognised
from pipeline.sources.reasons import Reasons
from pipeline.sources.records import Checkpoint, Record, Reject, Resumable, Row, UnreadableSource, get_source
from pipeline.sources.rejects import RejectsFile
from pipeline.sources.remembered import remember, with_remembered
from pipeline.sources.repetition import remember_repeated
from pipeline.sources.staging import CREATE, DROP, ImportCounts, Staged, execute, staged_row, store
from pipeline.sources.understanding.speakers import settled

BATCH_ROWS = 5000
BATCH_CHARACTERS = 8 * 1024 * 1024
"""A batch ends with whichever comes first. It bounds what is in memory and how long a transaction is open."""


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
    execute(CREATE)
    batches = _batches(records)
    for batch in _read_ahead(batches) if reads_ahead else batches:
        stored, refused = store(batch.rows, source, imported_at)
        for reject in batch.rejects + refused:
            on_reject(reject)
        counts = counts.plus(stored).plus(ImportCounts(rejected=len(batch.rejects) + len(refused)))
        on_batch(counts)
        # After the batch is committed, never before: a crash between the two reads some rows again, which changes
        # nothing, where the other order would lose them.
        if batch.cursor:
            Source.objects.filter(pk=source.pk).update(cursor=batch.cursor)
            execute("TRUNCATE seen_conversation")  # behind a checkpoint a conversation may come again, and be newer
    execute(DROP)
    # where no conversation changed, what they share is what it was
    if counts.new or counts.updated:
        counts = replace(counts, repeated=tuple(remember_repeated(source)))
    return counts


# --- Rows ---------------------------------------------------------------------------------------------------------


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
        row, size = staged_row(record, number)
    except (ValueError, RecursionError) as error:
        batch.rejects.append(record.reject(f"metadata contains something that cannot be stored: {error}"))
    else:
        batch.rows.append(row)
        batch.characters += size
