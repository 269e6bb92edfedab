"""Answers as rows: found before anybody is asked, committed as soon as they are there."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from pipeline.extract.llm.answers import Envelope, Reply
from pipeline.extract.llm.budget import Owner, settle
from pipeline.ledger.claims import Claimed
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS
from pipeline.models import Call, Run
from pipeline.models.refusal import breaks

log = logging.getLogger(__name__)

STORE_TRIES, STORE_PAUSE = 20, 1.0
"""How often an answer that is paid for is offered to a PostgreSQL that is away, and seconds between."""

ONE_PER_ATTEMPT = ("one_call_per_item_step_unit_attempt", "one_call_per_judgement_step_unit_attempt")

LEARNED_FROM = 200
"""Newest calls of a model from which bytes per token are learned."""

BYTES_A_TOKEN = 3.0
"""Of English text with its JSON, roughly, until it is learned: 4 characters of prose, fewer of names and braces."""


def stored_bodies(hashes: Mapping[int, str]) -> dict[int, dict[tuple[str, str], bytes]]:
    """Return the newest stored answers to the same question of each item, `hashes` by item id."""
    found: dict[int, dict[tuple[str, str], bytes]] = {item: {} for item in hashes}
    for call in Call.objects.filter(item_id__in=hashes).order_by("attempt"):
        assert call.item_id is not None  # asked for by item
        if call.request_hash == hashes[call.item_id]:
            found[call.item_id][call.step, call.unit] = call.body
    return found


def bodies_of(calls: Iterable[Call]) -> dict[tuple[str, str], bytes]:
    """Return the newest answer of each step and unit among the calls of one item."""
    return {(call.step, call.unit): call.body for call in sorted(calls, key=lambda call: call.attempt)}


@dataclass(frozen=True, slots=True)
class Paid:
    """An answer that has come: whose, to what, from whom, and what it costs."""

    owner: Owner
    request_hash: str
    step: str
    unit: str
    reply: Reply
    envelope: Envelope
    prompt: str
    model: str
    cost: Decimal | None
    asked_bytes: int


def store_call(*, run: Run, paid: Paid, is_budgeted: bool = True) -> None:
    """Commit an answer and settle what it cost, in one transaction; waits for a PostgreSQL that is away.

    It is kept whoever holds the item by now, and whatever became of the run: it is paid for.
    """
    for number in range(STORE_TRIES):
        try:
            add_call(run=run, paid=paid, is_budgeted=is_budgeted)
            return
        except INFRASTRUCTURE_ERRORS:
            # a dead connection stays dead: the next try opens a new one
            connection.close()
            if number + 1 == STORE_TRIES:
                raise
            time.sleep(STORE_PAUSE)
        except IntegrityError as error:
            # somebody else was answered the same at the same moment: this one has the next number
            if number + 1 == STORE_TRIES or not any(breaks(error, promise) for promise in ONE_PER_ATTEMPT):
                raise


def store_calls(*, run: Run, paid: Sequence[Paid], is_budgeted: bool = True) -> list[Exception | None]:
    """Commit answers that came at the same time in one transaction; return for each what kept it from being stored.

    Where they cannot be stored together each is stored by itself, as `store_call` does: only the one it is about fails.
    """
    if len(paid) > 1:
        try:
            with transaction.atomic():
                for one in paid:
                    add_call(run=run, paid=one, is_budgeted=is_budgeted)
            return [None] * len(paid)
        except INFRASTRUCTURE_ERRORS:
            connection.close()
        except DatabaseError:
            log.info("run %s: %s answers could not be stored together", run.pk, len(paid))
    return [_error_of(run, one, is_budgeted) for one in paid]


def _error_of(run: Run, paid: Paid, is_budgeted: bool) -> Exception | None:
    try:
        store_call(run=run, paid=paid, is_budgeted=is_budgeted)
    except Exception as error:  # handed to whoever asked, see `store_calls`
        return error
    return None


# The number of the attempt is found by the statement that uses it: one round trip for each answer, where a thousand are
# stored a minute. No lock: who loses the race for a number breaks a constraint and takes the next (see `store_call`).
_ADD = """
INSERT INTO pipeline_call (
    {id_column} {owner}, step, unit, attempt, request_hash, answer, raw, vectors, prompt, model, finish_reason,
    input_tokens, output_tokens, cached_tokens, asked_bytes, cost, seconds, answered_at
)
SELECT {id_value} %(owner)s, %(step)s, %(unit)s, coalesce(max(attempt), 0) + 1, %(request_hash)s, %(answer)s, %(raw)s,
    '', %(prompt)s, %(model)s, %(finish_reason)s, %(input_tokens)s, %(output_tokens)s, %(cached_tokens)s,
    %(asked_bytes)s, %(cost)s, %(seconds)s, %(answered_at)s
FROM pipeline_call WHERE {owner} = %(owner)s AND step = %(step)s AND unit = %(unit)s
"""


def add_call(*, run: Run, paid: Paid, is_budgeted: bool = True, call_id: int | None = None) -> None:
    """Add an answer, with an id that was reserved for it if one was, and settle what it cost, in a transaction; errors
    rise."""
    usage = paid.envelope.usage
    text, raw = _text_or_raw(paid.reply.body)
    ((owner, owner_id),) = paid.owner.columns.items()
    values = {
        "id": call_id,
        "owner": owner_id,
        "step": paid.step,
        "unit": paid.unit,
        "request_hash": paid.request_hash,
        "answer": text,
        "raw": raw,
        "prompt": paid.prompt,
        "model": paid.model[:100],
        "finish_reason": paid.envelope.finish_reason[:50],
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "asked_bytes": paid.asked_bytes,
        "cost": paid.cost,
        "seconds": round(paid.reply.seconds, 3),
        "answered_at": timezone.now(),
    }
    named = {"id_column": "id,", "id_value": "%(id)s,"} if call_id else {"id_column": "", "id_value": ""}
    with transaction.atomic() if is_budgeted else nullcontext():
        with connection.cursor() as cursor:
            cursor.execute(_ADD.format(owner=owner, **named), values)
        if is_budgeted:
            tokens = usage.input_tokens + usage.output_tokens if usage.is_known else None
            settle(run=run, owner=paid.owner, cost=paid.cost, tokens=tokens)


def _text_or_raw(body: bytes) -> tuple[str, bytes]:
    """Return the bytes as text where PostgreSQL can hold them as such, letter for letter; else as they are."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "", body
    return ("", body) if "\0" in text else (text, b"")


def bytes_a_token(model: str) -> float:
    """Return how many bytes of a question made a token for this model lately; BYTES_A_TOKEN if nobody knows."""
    lately = Call.objects.filter(model=model, input_tokens__gt=0, asked_bytes__gt=0).order_by("-id")[:LEARNED_FROM]
    sums = Call.objects.filter(pk__in=lately.values("pk")).aggregate(
        asked=Sum("asked_bytes"), tokens=Sum("input_tokens")
    )
    return sums["asked"] / sums["tokens"] if sums["tokens"] else BYTES_A_TOKEN


def hashes_of(piece: Sequence[Claimed]) -> dict[int, str]:
    """Return by item what tells whether a stored answer is to the same question."""
    return {claimed.item_id: claimed.request_hash for claimed in piece}
