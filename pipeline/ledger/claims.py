"""Who may write: claims on a chunk's items, and on a run's phase.

A delivery claims a few items at a time under a token of its own and writes only while the token still stands; whoever
takes an item over changes the token, and the earlier holder's writes find nothing to change. Whoever merges or groups
claims the phase in the same way. A claim without a heartbeat for CLAIM_TIMEOUT seconds is anybody's.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from pipeline.ledger.transcript import Question, Transcript, transcript_of
from pipeline.models import Item, Run
from pipeline.sources.own_words.repeated import NOTHING_REPEATED, Repeated
from pipeline.sources.repetition import repeated_of

PIECE = 50
"""Items claimed and stored together, as many as a default chunk has: one claim, one read and one COPY for all of it."""


class AtLimit(Exception):
    """The run already has as many chunks in flight as it may; try again soon."""


class Superseded(Exception):
    """Another delivery took these items over; what this one read is dropped."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An item this delivery may read and write; the key of its question is the item's id."""

    run_id: int
    item_id: int
    conversation_id: int
    version_id: int
    delivery_count: int
    request_hash: str
    question: Question
    attempts: int = 0
    """The number of its last answer, when it was claimed; 0: it has none."""
    is_more: bool = True
    """Whether its chunk had other unfinished items when it was claimed."""


def new_token(delivery: str) -> str:
    """Return the token of a claim: the id of the task's message, by which a redelivery is recognised, and a nonce.

    Each claim has a token of its own, so that a worker that comes back from the dead is not taken for its successor.
    """
    return f"{delivery}:{uuid4().hex[:12]}"


def delivery_of(token: str) -> str:
    """Return the id of the task that claimed. `_takeable` takes a token apart in the same way, in SQL."""
    return token.partition(":")[0]


def stale_before() -> datetime:
    """Return the moment before which a claim without a heartbeat has lapsed."""
    return timezone.now() - timedelta(seconds=settings.CLAIM_TIMEOUT)


# One statement finds, takes and reads, so that no crash can fall between. It is true of a run only while its epoch and
# state are those the message was sent for: a message of an earlier life finds no row. An item that is being read is
# taken from a holder that fell silent, or from an earlier delivery of this same message: a worker that died never comes
# back for it, and waiting for CLAIM_TIMEOUT would only cost time. SKIP LOCKED, because two messages for one chunk are
# harmless and should share it, not wait for each other. A page that was not fetched yet has no version and is claimed
# in `pages`.
def _takeable(where: str, begun: str, limit: str) -> str:
    """Return the query for the items that may be taken now, of those that meet both conditions."""
    return f"""
    SELECT item.id FROM pipeline_item item JOIN pipeline_run run ON run.id = item.run_id
    WHERE run.id = %(run)s AND run.epoch = %(epoch)s AND run.state = 'running' AND {where}
      AND (item.state = 'pending' OR (item.state = 'reading' AND item.claim <> %(token)s
           AND (item.claimed_at < %(stale)s OR split_part(item.claim, ':', 1) = %(delivery)s)))
      AND item.version_id IS NOT NULL AND {begun}
    ORDER BY item.id LIMIT {limit} FOR UPDATE OF item SKIP LOCKED
"""


# `again`: what was begun before is perhaps the cause of its worker's death. `is_more` is of the moment before the
# claim, so the other items are those that this claim did not take; whoever holds some of them may give them back.
# `attempts` says whether there are answers to look for, which hardly ever is so.
def _claim_of(where: str) -> str:
    """Return the statement that claims a piece of the run's items that meet the condition."""
    fresh = _takeable(where, "item.delivery_count < %(together)s", "%(most)s")
    begun = "item.delivery_count >= %(together)s AND %(alone)s AND NOT EXISTS (SELECT FROM fresh)"
    again = _takeable(where, begun, "1")
    return f"""
WITH fresh AS ({fresh}), again AS ({again}), claimed AS (
    UPDATE pipeline_item item SET state = 'reading', claim = %(token)s, claimed_at = %(now)s, epoch = %(epoch)s,
           delivery_count = delivery_count + 1
    FROM (SELECT id FROM fresh UNION ALL SELECT id FROM again) takeable WHERE item.id = takeable.id
    RETURNING item.run_id, item.id, item.conversation_id, item.version_id, item.delivery_count
)
SELECT claimed.*, version.content_hash, version.messages, conversation.customer,
       coalesce((SELECT max(attempt) FROM pipeline_call call
                 WHERE call.item_id = claimed.id AND call.step = 'extract' AND call.unit = ''), 0),
       EXISTS (SELECT FROM pipeline_item item
               WHERE item.run_id = %(run)s AND {where} AND item.state IN ('pending', 'reading')
                 AND item.id NOT IN (SELECT id FROM claimed))
FROM claimed JOIN pipeline_conversationversion version ON version.id = claimed.version_id
     JOIN pipeline_conversation conversation ON conversation.id = claimed.conversation_id ORDER BY claimed.id
"""


_CLAIM_IN_CHUNK = _claim_of("item.chunk = %(chunk)s")
_CLAIM_ANYWHERE = _claim_of("TRUE")
"""For a reader that has finished its own chunk."""


def claim_items(
    *, run: Run, epoch: int, chunk: int | None, token: str, most: int = PIECE, together: int = 1, alone: bool = True,
    by_chunks: bool = True,
) -> list[Claimed]:  # fmt: skip
    """Claim the next piece of a chunk, committed before anything is read; empty when there is none. Raises AtLimit.

    `chunk` None takes from any chunk of the run: a message that comes for one of them later finds less, or nothing.
    Items that were begun fewer than `together` times come as a piece of at most so many; one that was begun more often
    comes by itself, and only if `alone` says that nothing else is being read here, so that one that ends its worker is
    found out and others are not blamed. `by_chunks` says that the run's concurrency counts chunks.
    """
    values: dict[str, Any] = {
        "run": run.pk, "epoch": epoch, "chunk": chunk, "token": token, "now": timezone.now(), "most": most,
        "together": together, "alone": alone, "delivery": delivery_of(token), "stale": stale_before(),
    }  # fmt: skip
    # Committed before anything is read: the count of deliveries has to outlive the worker, or an item that kills every
    # worker would be given out for ever (tests/faults/test_lost_parts.py).
    claim = _CLAIM_ANYWHERE if chunk is None else _CLAIM_IN_CHUNK
    if by_chunks and run.parameters.get("concurrency"):
        with transaction.atomic():
            _respect_limit(run, values)
            rows = _rows(claim, values)
    else:
        rows = _rows(claim, values)  # a transaction by itself
    repeated = repeated_of(run.source) if rows else NOTHING_REPEATED
    return [_claimed(run, row, repeated) for row in rows]


def renew_items(*, run: Run, token: str) -> None:
    """Say that the items of this token are still being read, and that the run is alive.

    Called from a thread of its own (`heartbeat.beating`). Another epoch's run gets no sign of life from us.
    """
    now = timezone.now()
    Item.objects.filter(run=run, claim=token, state=Item.State.READING).update(claimed_at=now)
    Run.objects.filter(pk=run.pk, epoch=run.epoch, state__in=Run.LIVE).update(heartbeat_at=now)


# The delivery is taken back too: the item was claimed and not begun, and must not be counted among those that end
# workers.
_RELEASE = """
UPDATE pipeline_item SET state = 'pending', claim = '', delivery_count = delivery_count - 1
WHERE run_id = %(run)s AND id = ANY(%(ids)s) AND claim = %(token)s AND state = 'reading'
"""


def release_items(*, run: Run, token: str, items: Sequence[int]) -> int:
    """Give claimed items back unread, as if nobody had begun them; return how many were still this token's."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"run": run.pk, "ids": list(items), "token": token})
        return int(cursor.rowcount)


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


# A claim is a chunk in flight: each delivery has one token. One that fell silent takes no place, or a dead worker would
# hold back the others until somebody takes its items over.
_IN_FLIGHT = """
SELECT count(DISTINCT claim) FROM pipeline_item
WHERE run_id = %(run)s AND state = 'reading' AND claim <> %(token)s AND claimed_at >= %(stale)s
"""


def _respect_limit(run: Run, values: dict[str, Any]) -> None:
    """Raise AtLimit when other deliveries use the concurrency up. Needs a transaction: claims queue on its lock."""
    limit = run.parameters["concurrency"]
    with connection.cursor() as cursor:
        # Counting and claiming must be one step, or two deliveries both see the last free place and both take it. The
        # lock is one for each run, is held for the one statement that claims, and ends with the transaction.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('leitmotif.claim'), %s)", [run.pk])
        cursor.execute(_IN_FLIGHT, values)
        in_flight = cursor.fetchone()[0]
    if in_flight >= limit:
        raise AtLimit(f"run {run.pk} has {in_flight} chunks in progress; its limit is {limit}")


def _claimed(run: Run, row: tuple[Any, ...], repeated: Repeated) -> Claimed:
    run_id, item_id, conversation_id, version_id, delivery_count, content_hash, messages, customer, *rest = row
    transcript = transcript_of(f"conversation {conversation_id}", messages, repeated, customer)
    return Claimed(
        run_id=run_id,
        item_id=item_id,
        conversation_id=conversation_id,
        version_id=version_id,
        delivery_count=delivery_count,
        request_hash=_request_hash(run, content_hash, transcript),
        question=Question(item_id, transcript),
        attempts=rest[0],
        is_more=rest[1],
    )


def _request_hash(run: Run, content_hash: str, transcript: Transcript) -> str:
    """Return what tells whether a stored answer is to the same question."""
    # the rules decide names, not answers: other rules are no reason to ask again (test_plan.py,
    # test_other_rules_for_names_are_no_reason_to_read_again)
    readers = sorted((part, version) for part, version in run.versions.items() if part != "rules")
    # what is left out is part of the question: it changes when an import finds that more is repeated
    left_out = [message.left_out for message in transcript.messages]
    return hashlib.sha256(f"{content_hash} {readers} {left_out}".encode()).hexdigest()


def questions_of(run: Run, items: QuerySet[Item]) -> Iterator[tuple[Question, str]]:
    """Yield the question of each of the run's items, with its hash, as a claim would give them; nothing is claimed."""
    repeated = repeated_of(run.source)
    read = items.filter(version__isnull=False).select_related("version", "conversation")
    for item in read.order_by("id").iterator(chunk_size=500):
        assert item.version
        name, customer = f"conversation {item.conversation_id}", item.conversation.customer
        transcript = transcript_of(name, item.version.messages, repeated, customer)
        yield Question(item.pk, transcript), _request_hash(run, item.version.content_hash, transcript)


def claim_phase(*, run: Run) -> bool:
    """Take the work of the run's phase; False while somebody else has it, or the run is elsewhere by now.

    Counts in `phase_count` how often that was done without an end, as when the work ends its worker.
    """
    now = timezone.now()
    # The condition and the claim are one UPDATE: of several that call `advance` at the same moment one changes the row.
    free = Q(advance_claimed_at__isnull=True) | Q(advance_claimed_at__lt=stale_before())
    mine = Run.objects.filter(free, pk=run.pk, epoch=run.epoch, phase=run.phase, state=Run.State.RUNNING)
    return mine.update(advance_claimed_at=now, heartbeat_at=now, phase_count=F("phase_count") + 1) == 1


def renew_phase(*, run: Run) -> None:
    """Say that the phase is still worked on."""
    now = timezone.now()
    mine = Run.objects.filter(pk=run.pk, epoch=run.epoch, phase=run.phase, state__in=Run.LIVE)
    mine.update(advance_claimed_at=now, heartbeat_at=now)


def release_phase(*, run: Run) -> None:
    """Let somebody else take the phase at once."""
    # Whoever gets here lives, so this beginning is none of those that ended a worker: the count starts again.
    Run.objects.filter(pk=run.pk, epoch=run.epoch, phase=run.phase).update(advance_claimed_at=None, phase_count=0)


def runs_to_judge() -> QuerySet[Run]:
    """Return finished runs that ask for a language model's judgement, were not judged since, and at which nobody is."""
    free = Q(advance_claimed_at__isnull=True) | Q(advance_claimed_at__lt=stale_before())
    waiting = Run.objects.filter(free, state__in=Run.FINISHED, judged_at__isnull=True, is_preview=False)
    return waiting.filter(parameters__judge=True).order_by("id")


def claim_judging(*, run: Run) -> bool:
    """Take the judging of a finished run that asks for it; False if it does not, was judged, or somebody is at it."""
    # One UPDATE, as with phases: of several that find the run finished one sends it to be judged. Where its message is
    # lost, or its worker dies, the claim lapses and beat sends it again.
    return runs_to_judge().filter(pk=run.pk, epoch=run.epoch).update(advance_claimed_at=timezone.now()) == 1
