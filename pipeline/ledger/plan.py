"""Decide what a run will read: one item a conversation, numbered into chunks, before anything is spent."""

import math
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from pipeline.models import Run
from pipeline.sources.books.selection import as_multirange, read_selection

LARGEST_CHUNK = 50
"""Default size of a chunk: at 50 the queue's cost per item is a tenth of what it is at 1, and progress still shows."""

CHUNKS_A_WORKER = 4
"""Small runs are cut so that each reader gets a few chunks, and none waits for one long last chunk."""


class Window(Protocol):
    """What of a source to read; `limit` counts conversations, the newest first."""

    @property
    def since(self) -> datetime | None: ...
    @property
    def until(self) -> datetime | None: ...
    @property
    def limit(self) -> int | None: ...
    @property
    def concurrency(self) -> int | None: ...
    @property
    def chunk_size(self) -> int | None: ...
    @property
    def force_refresh(self) -> bool: ...
    @property
    def select(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Planned:
    """How many conversations will be read, and how many are skipped because nothing would change."""

    to_read: int
    unchanged: int


# A limit takes the newest, so it has to come before skipping: otherwise a run with a limit that is repeated would reach
# one step further back each time (test_a_limit_counts_the_newest_whether_they_changed_or_not). Chapters lie in metadata
# that anybody may have filled: CASE keeps the cast from what is no number.
SELECTED = """
selected AS (
    SELECT id, current_version_id, occurred_at FROM pipeline_conversation
    WHERE source_id = %(source)s AND current_version_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM pipeline_conversationversion version
                      WHERE version.id = current_version_id AND version.erased_at IS NOT NULL)
      AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR occurred_at < %(until)s)
      AND (%(chapters)s::nummultirange IS NULL OR CASE WHEN jsonb_typeof(metadata -> 'chapter') = 'number'
           THEN (metadata ->> 'chapter')::numeric <@ %(chapters)s::nummultirange END)
    ORDER BY occurred_at DESC, id DESC LIMIT %(limit)s
), judged AS (
    SELECT selected.*, NOT %(force)s AND EXISTS (
        SELECT FROM pipeline_item item JOIN pipeline_run run ON run.id = item.run_id
        WHERE item.conversation_id = selected.id AND item.version_id = selected.current_version_id
          AND item.state IN ('extracted', 'filtered') AND run.profile = %(profile)s
          AND run.versions - 'rules' = %(versions)s::jsonb - 'rules'
          AND run.first_finished_at IS NOT NULL
    ) AS is_unchanged FROM selected
)
"""
"""What a run would read: a conversation whose current version was read alike by a finished run is skipped.

Alike: with the same profile and versions, but for the rules of merging, which see the same themes. A run that
never finished does not count: its readings are not current, and to skip on their word would lose the conversation.
"""

_COUNT = (
    f"WITH {SELECTED} SELECT count(*) FILTER (WHERE NOT is_unchanged), count(*) FILTER (WHERE is_unchanged) FROM judged"
)

# Skipped ones are rows too: finished from the start, so that the counts of a run reconcile, and in chunk 0, where
# nobody looks for them. PARTITION BY keeps them from taking a place among those that are read. The empty words and
# zeros are columns whose defaults only Django knows.
_PLAN = f"""
WITH {SELECTED}
INSERT INTO pipeline_item (run_id, conversation_id, version_id, chunk, state, reason, finished_at,
                           stage, error_class, error, category, epoch, claim, delivery_count)
SELECT %(run)s, id, current_version_id,
       CASE WHEN is_unchanged THEN 0
            ELSE (row_number() OVER (PARTITION BY is_unchanged ORDER BY occurred_at, id) - 1) / %(chunk_size)s END,
       CASE WHEN is_unchanged THEN 'skipped' ELSE 'pending' END,
       CASE WHEN is_unchanged THEN 'unchanged' ELSE '' END,
       CASE WHEN is_unchanged THEN now() END,
       '', '', '', '', 0, '', 0
FROM judged ORDER BY occurred_at, id
"""

# Locked in the order an import locks them, so that the two never wait for each other in a circle.
FIRST_RUN = """
UPDATE pipeline_conversation SET first_run_id = %(run)s
WHERE id IN (
    SELECT conversation.id FROM pipeline_conversation conversation
    JOIN pipeline_item item ON item.conversation_id = conversation.id AND item.run_id = %(run)s
    WHERE conversation.first_run_id IS NULL ORDER BY conversation.external_id FOR NO KEY UPDATE OF conversation
)
"""


def count_planned(*, run: Run, window: Window) -> Planned:
    """Return what `plan_items` would plan, without writing."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values_of(run, window))
        return Planned(*cursor.fetchone())


def plan_items(*, run: Run, window: Window, asks: bool = False) -> Planned:
    """Write one item for each selected conversation, in one transaction, and return how many of each kind.

    `asks` says that a language model is asked: see `chunk_size`.
    """
    # the size of a chunk follows from their number
    planned = count_planned(run=run, window=window)
    values = {**values_of(run, window), "chunk_size": chunk_size(planned.to_read, window, asks=asks)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PLAN, values)
        Run.objects.filter(pk=run.pk).update(planned_count=cursor.rowcount)
        cursor.execute("ANALYZE pipeline_conversation, pipeline_item")  # else it plans for yesterday's rows
        cursor.execute(FIRST_RUN, values)
    return planned


ROUNDS = 10
"""Of a chunk whose conversations are asked about side by side: the last round is not full, so there are a few."""


def chunk_size(to_read: int, window: Window, *, asks: bool = False) -> int:
    """Return the asked chunk size, or one that gives every reader a few chunks of at most 50.

    Where a language model is asked, one worker asks about many conversations at once: then a chunk is large enough to
    keep its share of the questions under way, and small enough that each worker has one.
    """
    # what a person asked for holds, whatever it costs
    if window.chunk_size:
        return window.chunk_size
    readers = window.concurrency or os.cpu_count() or 1
    if asks:
        # a worker waits for answers and does not compute, so a chunk may be far larger than one that is computed
        at_once = window.concurrency or settings.LLM_CONCURRENCY
        workers = os.cpu_count() or 1
        readers = at_once if at_once <= 2 * workers else workers
        return max(1, min(max(LARGEST_CHUNK, ROUNDS * at_once // workers), math.ceil(to_read / readers)))
    return max(1, min(LARGEST_CHUNK, math.ceil(to_read / (CHUNKS_A_WORKER * readers))))


_CUT_AGAIN = """
UPDATE pipeline_item item SET chunk = cut.chunk
FROM (
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(chunk_size)s AS chunk
    FROM pipeline_item WHERE run_id = %(run)s AND state = 'pending'
) cut WHERE item.id = cut.id
"""


def cut_again(*, run: Run, chunk_size: int) -> None:
    """Number the run's waiting items into chunks of another size. Requires that nobody reads, as a new life begins."""
    with connection.cursor() as cursor:
        cursor.execute(_CUT_AGAIN, {"run": run.pk, "chunk_size": chunk_size})


def values_of(run: Run, window: Window) -> dict[str, Any]:
    """Return the parameters of SELECTED."""
    return {
        "run": run.pk,
        "source": run.source_id,
        "profile": run.profile,
        "versions": Jsonb(run.versions),
        "since": window.since,
        "until": window.until,
        "limit": window.limit,
        "chapters": as_multirange(read_selection(window.select)) if window.select else None,
        "force": window.force_refresh,
    }
