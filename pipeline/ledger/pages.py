"""The ledger of a run over web pages: which pages it will ask for, and who may.

A page is an item like any other; what differs is that its text is not there when the run is planned. All pages of one
host are in one chunk, so that one delivery alone keeps the pace of a host, and a chunk holds several hosts, so that it
need not wait for one. A delivery claims a few pages at a time and more as answers come: what is claimed is in flight.
"""

import math
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from pipeline.ledger.claims import AtLimit, delivery_of, stale_before
from pipeline.ledger.plan import FIRST_RUN, Planned
from pipeline.models import Run

CONCURRENCY = 15
"""Pages in flight at a time where nobody says otherwise."""

MOST_HOSTS = 40
"""Hosts of a chunk. A message comes back after VISIBILITY_TIMEOUT: forty hosts of fifty pages, each at its pace, are
read in a minute or two."""

CHUNKS_A_READER = 3
"""So that a reader whose hosts were slow leaves the rest of its share to the others."""


class PageWindow(Protocol):
    """Which pages to ask for: those of at most `limit` companies, without those seen in the last `skip_fresh` hours."""

    @property
    def limit(self) -> int | None: ...
    @property
    def concurrency(self) -> int | None: ...
    @property
    def force_refresh(self) -> bool: ...
    @property
    def skip_fresh(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class PagesPlanned:
    """What a run over pages would do; `without_urls` counts all companies that have none, whatever the limit."""

    companies: int
    pages: int
    fresh: int
    hosts: int
    without_urls: int


# The companies longest unasked come first, so that small runs one after the other get round to all.
CHOSEN = """
watched AS (
    SELECT company_id FROM pipeline_companyurl WHERE removed_at IS NULL GROUP BY company_id
    ORDER BY max(checked_at) NULLS FIRST, company_id LIMIT %(limit)s
), chosen AS (
    SELECT page.*, NOT %(force)s AND coalesce(page.good_at >= %(fresh_since)s, false) AS is_fresh
    FROM pipeline_companyurl page JOIN watched USING (company_id) WHERE page.removed_at IS NULL
)
"""

_COUNT = f"""
WITH {CHOSEN}
SELECT count(DISTINCT company_id), count(*), count(*) FILTER (WHERE is_fresh),
       count(DISTINCT host) FILTER (WHERE NOT is_fresh), (
           SELECT count(*) FROM pipeline_company company WHERE NOT EXISTS (
               SELECT FROM pipeline_companyurl page WHERE page.company_id = company.id AND page.removed_at IS NULL))
FROM chosen
"""

# What was seen a short while ago is planned as skipped and not left out, so that the counts of a run reconcile. All of
# it goes into chunk 0, for nobody claims it. Chunks are cut by host (dense_rank), never through one.
# Written so that the hosts of a chunk take turns: the first page of each, then the second of each.
_PLAN = f"""
WITH {CHOSEN}, numbered AS (
    SELECT chosen.*, dense_rank() OVER (PARTITION BY is_fresh ORDER BY host) - 1 AS place,
           row_number() OVER (PARTITION BY host ORDER BY id) AS turn
    FROM chosen
)
INSERT INTO pipeline_item (run_id, conversation_id, version_id, chunk, state, reason, finished_at,
                           stage, error_class, error, category, epoch, claim, delivery_count)
SELECT %(run)s, conversation_id, NULL, CASE WHEN is_fresh THEN 0 ELSE place / %(hosts)s END,
       CASE WHEN is_fresh THEN 'skipped' ELSE 'pending' END, CASE WHEN is_fresh THEN 'fresh' ELSE '' END,
       CASE WHEN is_fresh THEN now() END, '', '', '', '', 0, '', 0
FROM numbered ORDER BY turn, host, id
"""


def count_pages(*, run: Run, window: PageWindow) -> PagesPlanned:
    """Return what `plan_pages` would plan, without writing."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _values(run, window))
        return PagesPlanned(*cursor.fetchone())


def plan_pages(*, run: Run, window: PageWindow) -> Planned:
    """Write one item for each chosen page, in one transaction, and return how many of each kind."""
    planned = count_pages(run=run, window=window)
    concurrency = window.concurrency or CONCURRENCY
    values = {**_values(run, window), "hosts": hosts_a_chunk(planned.hosts, concurrency)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PLAN, values)
        parameters = {**run.parameters, "concurrency": concurrency}
        Run.objects.filter(pk=run.pk).update(planned_count=cursor.rowcount, parameters=parameters)
        # as in `plan.plan_items`
        cursor.execute("ANALYZE pipeline_companyurl, pipeline_conversation, pipeline_item")
        cursor.execute(FIRST_RUN, values)
    return Planned(planned.pages - planned.fresh, planned.fresh)


def hosts_a_chunk(hosts: int, concurrency: int) -> int:
    """Return how many hosts go into a chunk: a few chunks for each reader, and enough hosts to keep one busy."""
    enough = math.ceil(share(concurrency) / 2)  # a host is asked for two pages at a time
    return max(enough, min(MOST_HOSTS, math.ceil(hosts / (CHUNKS_A_READER * readers()))))


def readers() -> int:
    """Return how many deliveries are expected to work at a time on this machine."""
    return os.cpu_count() or 1


def share(concurrency: int) -> int:
    """Return how many of the pages in flight one delivery may have, so that others have something to do as well."""
    return max(1, math.ceil(concurrency / readers()))


def _values(run: Run, window: PageWindow) -> dict[str, Any]:
    fresh_since: datetime | None = None
    if window.skip_fresh:
        fresh_since = timezone.now() - timedelta(hours=window.skip_fresh)
    return {"run": run.pk, "limit": window.limit, "force": window.force_refresh, "fresh_since": fresh_since}


# --- Claims -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClaimedPage:
    """A page that this delivery may ask for and write; the number of its request is the item's id.

    `version_id` is there if an earlier delivery of the run stored what it saw: then only reading is left to do.
    `seen_*` is what was last seen of the page, `is_read` whether that was read as this run reads.
    """

    run_id: int
    item_id: int
    conversation_id: int
    version_id: int | None
    delivery_count: int
    company: str
    page_id: int
    url: str
    etag: str
    last_modified: str
    good_at: datetime | None
    seen_id: int | None
    seen_hash: str
    seen_version_id: int | None
    is_read: bool


# As in `claims`, and besides: what was last seen of the page, so that the request can ask whether it changed since
# (ETag, Last-Modified), and whether that text was read by this reader already: then an unchanged page costs nothing.
_CLAIM = """
WITH takeable AS (
    SELECT item.id FROM pipeline_item item JOIN pipeline_run run ON run.id = item.run_id
    WHERE run.id = %(run)s AND run.epoch = %(epoch)s AND run.state = 'running' AND item.chunk = %(chunk)s
      AND (item.state = 'pending' OR (item.state = 'reading' AND item.claim <> %(token)s
           AND (item.claimed_at < %(stale)s OR split_part(item.claim, ':', 1) = %(delivery)s)))
      AND (%(fetched)s OR item.version_id IS NULL) AND item.delivery_count BETWEEN %(least)s AND %(most)s
    ORDER BY item.id LIMIT %(limit)s FOR UPDATE OF item SKIP LOCKED
), claimed AS (
    UPDATE pipeline_item item SET state = 'reading', claim = %(token)s, claimed_at = %(now)s, epoch = %(epoch)s,
           delivery_count = delivery_count + 1
    FROM takeable WHERE item.id = takeable.id
    RETURNING item.run_id, item.id, item.conversation_id, item.version_id, item.delivery_count
)
SELECT claimed.*, company.name, page.id, page.url, page.etag, page.last_modified, page.good_at, page.snapshot_id,
       coalesce(seen.content_hash, ''), seen.version_id, EXISTS (
           SELECT FROM pipeline_item item JOIN pipeline_run run ON run.id = item.run_id
           WHERE item.conversation_id = claimed.conversation_id AND item.version_id = seen.version_id
             AND item.state IN ('extracted', 'filtered') AND run.profile = %(profile)s
             AND run.versions - 'rules' = %(versions)s::jsonb - 'rules' AND run.first_finished_at IS NOT NULL)
FROM claimed JOIN pipeline_companyurl page ON page.conversation_id = claimed.conversation_id
JOIN pipeline_company company ON company.id = page.company_id
LEFT JOIN pipeline_snapshot seen ON seen.id = page.snapshot_id ORDER BY claimed.id
"""

# Pages nobody began, or that one worker did not finish, come several at a time; one that took two along comes alone.
_CAREFULLY = ((0, 1), (2, 1000))

# In pages, not in chunks as for conversations. Those of this delivery are not counted: it says itself how many it
# holds, and an earlier life of the same message holds none any more. Nor are those that were fetched and wait to be
# read (they have a version), for they are asked for no more. When they were counted, one delivery with a full basket
# kept all others out, whose messages came back three times a second each, until the queue had room for nothing else.
_IN_FLIGHT = """
SELECT count(*) FROM pipeline_item
WHERE run_id = %(run)s AND state = 'reading' AND version_id IS NULL AND claim <> %(token)s AND claimed_at >= %(stale)s
  AND split_part(claim, ':', 1) <> %(delivery)s
"""


def claim_pages(*, run: Run, epoch: int, chunk: int, token: str, held: int, fetched: bool = True) -> list[ClaimedPage]:
    """Claim the next pages of a chunk for a delivery that holds so many, committed before anything is asked.

    Pages that were `fetched` before and are not read yet come too, unless somebody else reads them.
    All deliveries of the run together hold at most its concurrency. Raises AtLimit for one that holds none and may
    have none now; empty also when there is none left, or the run was stopped or superseded.
    """
    concurrency = run.parameters.get("concurrency") or CONCURRENCY
    values: dict[str, Any] = {
        "run": run.pk, "epoch": epoch, "chunk": chunk, "token": token, "now": timezone.now(),
        "delivery": delivery_of(token), "stale": stale_before(), "profile": run.profile,
        "versions": Jsonb(run.versions), "fetched": fetched,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        # the same lock as `claims` takes, for the same reason
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('leitmotif.claim'), %s)", [run.pk])
        cursor.execute(_IN_FLIGHT, values)
        free = min(share(concurrency), concurrency - cursor.fetchone()[0]) - held
        if free <= 0:
            if held:
                return []
            raise AtLimit(f"run {run.pk} has {concurrency} pages in progress, which is its limit")
        for least, most in _CAREFULLY:
            # it would not be alone
            if least > 1 and held:
                break
            cursor.execute(_CLAIM, {**values, "least": least, "most": most, "limit": 1 if least > 1 else free})
            if rows := cursor.fetchall():
                return [ClaimedPage(*row) for row in rows]
    return []


def stand_in_since() -> datetime:
    """Return the moment since when a page must have been seen for that to stand in while it cannot be."""
    return timezone.now() - timedelta(days=settings.WEBSITES_STAND_IN_DAYS)
