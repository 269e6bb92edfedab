"""One batch of an import: by COPY into a staging table, where SQL decides what is new, changed or a duplicate.

A batch is one short transaction. Nothing here knows where the rows come from.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import DataError, connection, transaction
from pydantic_core import to_json

from pipeline.models import Source
from pipeline.sources import erased
from pipeline.sources.own_words.repeated import Passage
from pipeline.sources.records import Record, Reject, excerpt


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


# The columns of the staging table, the first a number and the id; then raw, line, unit, part of the reject it may be.
# A batch holds thousands: flat tuples of plain values are what costs the garbage collector nothing.
Staged = tuple[Any, ...]


def _metadata(found: dict[str, Any]) -> str:
    """Return metadata as JSON; ValueError if it holds a number that is none."""
    encoded = to_json(found, inf_nan_mode="constants")
    # the plain search first: hardly any metadata holds such a word, and the encoder of the library is slow
    if b"NaN" in encoded or b"Infinity" in encoded:
        return json.dumps(found, ensure_ascii=False, allow_nan=False)
    return encoded.decode()


def staged_row(record: Record, number: int) -> tuple[Staged, int]:
    """Return the row and its size; ValueError if the metadata holds a number that is none."""
    messages = to_json(record.messages)
    metadata = _metadata(record.metadata) if record.metadata else "{}"
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

CREATE = """
DROP TABLE IF EXISTS staged_conversation, seen_conversation, made_id;
CREATE TEMPORARY TABLE staged_conversation (
    number bigint, external_id text, customer text, occurred_at timestamptz, url text, label text, metadata jsonb,
    classified_at timestamptz, content_hash text, messages jsonb, has_made_id boolean, place text
);
CREATE TEMPORARY TABLE seen_conversation (external_id text PRIMARY KEY, number bigint, place text);
CREATE TEMPORARY TABLE made_id (external_id text PRIMARY KEY, count bigint)
"""
DROP = "DROP TABLE IF EXISTS staged_conversation, seen_conversation, made_id"
_COPY = "COPY staged_conversation FROM STDIN"


def store(rows: Sequence[Staged], source: Source, imported_at: datetime) -> tuple[ImportCounts, list[Reject]]:
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
    first, refused = store(rows[:half], source, imported_at)
    second, refused_too = store(rows[half:], source, imported_at)
    return first.plus(second), refused + refused_too


def _store_together(rows: Sequence[Staged], source: Source, imported_at: datetime) -> tuple[ImportCounts, list[Reject]]:
    """Needs a transaction."""
    values = {"source": source.pk, "now": imported_at}
    rows, known = _without_erased(rows, source)
    if not rows:
        return ImportCounts(), known
    _stage(rows)
    if has_made_ids := any(row[_HAS_MADE_ID] for row in rows):
        execute(_TELL_EQUAL_ONES_APART)
    duplicates = _take_duplicates_out(rows, ids_are_known=not has_made_ids)
    new = execute(_ADD, values)
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

# The first row of an id is noted. A batch of different ids, which is nearly every one, needs no sorting for that.
_NOTE_FIRST = """
INSERT INTO seen_conversation (external_id, number, place)
SELECT {distinct} external_id, number, place FROM staged_conversation {order} ON CONFLICT DO NOTHING
"""
_NOTE_EACH = _NOTE_FIRST.format(distinct="", order="")
_NOTE_FIRST_OF_EACH = _NOTE_FIRST.format(distinct="DISTINCT ON (external_id)", order="ORDER BY external_id, number")
# Every other row of an id is taken out.
_TAKE_DUPLICATES_OUT = """
DELETE FROM staged_conversation staged
WHERE NOT EXISTS (SELECT FROM seen_conversation seen
                  WHERE seen.external_id = staged.external_id AND seen.number = staged.number)
RETURNING number
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


def _take_duplicates_out(rows: Sequence[Staged], *, ids_are_known: bool) -> list[Reject]:
    """`ids_are_known`: the ids of the rows are those in the staging table; made ones may have been told apart there."""
    are_different = ids_are_known and len({row[1] for row in rows}) == len(rows)
    if execute(_NOTE_EACH if are_different else _NOTE_FIRST_OF_EACH) == len(rows):
        return []
    numbers = {number for (number,) in _fetch(_TAKE_DUPLICATES_OUT)}
    duplicates = [row for row in rows if row[0] in numbers]
    first_places = dict(_fetch(_FIRST_PLACES, [[row[1] for row in duplicates]]))
    return [_refuse(row, f"duplicate id: already in {first_places[row[1]]}") for row in duplicates]


def _update(changed: Sequence[int], values: dict[str, object]) -> int:
    """Bring locked conversations up to date and return how many that were not; another import may have done it."""
    execute(_ADD_VERSIONS, {**values, "changed": changed})
    return execute(_UPDATE, {**values, "changed": changed})


def execute(sql: str, values: Any = None) -> int:
    """Run a statement and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def _fetch(sql: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
