"""Keep raw answers, themes and evidence, and finish the items: by COPY, guarded by the claim.

Two steps with a commit between: `store_answers` keeps what came, `store` what it means. So a crash, a mistake in
parsing or a row that is refused never costs a second question. In: claimed items with answers or outcomes. Out: rows of
Call, Theme, Evidence, ContextUsage, and items that are finished. `chunk`, `visit` and `llm.asking` call it.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from psycopg.types.json import Jsonb

from pipeline.extract.base import Answer
from pipeline.extract.reading import Draft, Outcome, failed_outcome
from pipeline.ledger.claims import Claimed, Superseded
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS, REFUSED
from pipeline.merge.rules.normalise import normal_form
from pipeline.models import Call, ContextUsage, Evidence, Item, Run, Theme
from pipeline.models.copy import copy_rows, reserve_ids

log = logging.getLogger(__name__)

MOST_UNKEPT = 8
LONGEST_UNKEPT = 1.0
WORTH_A_COMMIT = 0.02
"""Answers and seconds. What has to be asked again after a worker's death is worth less than LONGEST_UNKEPT, or is at
most MOST_UNKEPT answers. What took less than WORTH_A_COMMIT is asked again for less than a commit costs.
"""

Finished = tuple[Claimed, Outcome]
"""An item and what became of it."""


class WrongRun(Exception):
    """Results of one run were handed in for another; nothing was written."""


def _refuse_foreign(run: Run, claimed: Sequence[Claimed]) -> None:
    foreign = next((one for one in claimed if one.run_id != run.pk), None)
    if foreign:
        raise WrongRun(
            f"a result of run {foreign.run_id} (item {foreign.item_id}) was handed in for run {run.pk}; nothing was "
            f"written. Results go into the run whose item they answer."
        )


def store_as_they_come(
    run: Run, asked: Sequence[Claimed], coming: Iterable[tuple[int, Answer | Exception]], *, each: bool
) -> dict[int, Answer | Exception]:
    """Keep the answers while others are still being asked for, and return them all, as `store_answers` does.

    `each` keeps every one before the next is asked for. Else MOST_UNKEPT wait for each other, if they took long enough
    to be worth a commit, and none waits longer than LONGEST_UNKEPT seconds for the next: a worker that dies costs no
    more than those. What came is kept also where asking ends in an error of the infrastructure.
    """
    kept: dict[int, Answer | Exception] = {}
    waiting: dict[int, Answer | Exception] = {}
    since = time.monotonic()
    try:
        for key, answer in coming:
            waiting[key] = answer
            waited = time.monotonic() - since
            if each or waited >= LONGEST_UNKEPT or (len(waiting) >= MOST_UNKEPT and waited >= WORTH_A_COMMIT):
                kept |= store_answers(run, asked, waiting)
                waiting, since = {}, time.monotonic()
    finally:
        if waiting:
            kept |= store_answers(run, asked, waiting)
    return kept


def store_answers(
    run: Run, asked: Sequence[Claimed], answers: dict[int, Answer | Exception]
) -> dict[int, Answer | Exception]:
    """Keep the raw answers, committed, before anybody tries to understand them, and return them all.

    An answer that PostgreSQL refuses comes back as that error; the others are kept. Answers of a life that is over are
    kept as well: they are paid for, and the next life finds them.
    """
    _refuse_foreign(run, asked)
    answered_at = timezone.now()
    kept = [(claimed, answer) for claimed in asked if isinstance(answer := answers.get(claimed.item_id), Answer)]
    rows = [_call_row(claimed, answer, answered_at, claimed.attempts + 1) for claimed, answer in kept]
    try:
        copy_rows(Call, _CALL_COLUMNS, rows)
    except INFRASTRUCTURE_ERRORS:
        raise
    except REFUSED:
        # PostgreSQL refuses a COPY as a whole; one by one it shows which row it was, and the others are kept.
        return answers | _store_singly(kept, answered_at)
    return answers


def _attempts(items: Iterable[int]) -> dict[int, int]:
    """Return the number of the last attempt of each of these items that was answered before."""
    calls = Call.objects.filter(item_id__in=list(items), step=Call.Step.EXTRACT, unit="")
    return dict(calls.values_list("item_id").annotate(Max("attempt")).order_by())


def _store_singly(kept: Sequence[tuple[Claimed, Answer]], answered_at: datetime) -> dict[int, Answer | Exception]:
    """Keep the answers one by one and return the errors of those that are refused.

    Attempts are counted again: an earlier holder that was thought dead may have kept its answers since the claim.
    """
    refused: dict[int, Answer | Exception] = {}
    last = _attempts(claimed.item_id for claimed, _ in kept)
    for claimed, answer in kept:
        row = _call_row(claimed, answer, answered_at, last.get(claimed.item_id, 0) + 1)
        try:
            copy_rows(Call, _CALL_COLUMNS, [row])
        except INFRASTRUCTURE_ERRORS:
            raise
        except REFUSED as error:
            refused[claimed.item_id] = error
    return refused


_CALL_COLUMNS = (
    "item_id", "step", "unit", "attempt", "request_hash", "answer", "vectors", "finish_reason", "input_tokens",
    "output_tokens", "answered_at",
)  # fmt: skip


def _call_row(claimed: Claimed, answer: Answer, answered_at: datetime, attempt: int) -> tuple[object, ...]:
    text = answer.text.replace("\0", "\ufffd")  # PostgreSQL's text holds no NUL
    # At least the number of this delivery, so that attempts tell how often a worker began, also where the first one
    # died without an answer.
    question = (claimed.item_id, str(Call.Step.EXTRACT), "", max(attempt, claimed.delivery_count), claimed.request_hash)
    tokens = (answer.input_tokens, answer.output_tokens)
    return (*question, text, answer.vectors, answer.finish_reason[:50], *tokens, answered_at)


# The guard is in the statement and not before it: between a look and a write somebody could take the items over. It
# also holds while a run is stopping, for what was read is kept. The run's epoch is compared with the item's, which the
# claim wrote: in a new life no claim of an old one matches. `unnest` finishes a whole piece in one round trip, in which
# the answers let their vectors go, for their themes have them. The run's sign of life comes at most once a second: all
# its chunks would queue for its row otherwise.
_FINISH = """
WITH done AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(categories)s::text[], %(reasons)s::text[],
                         %(stages)s::text[], %(errors)s::text[], %(classes)s::text[], %(languages)s::text[],
                         %(flaws)s::jsonb[], %(hashes)s::text[])
           AS done (id, state, category, reason, stage, error, error_class, language, flaws, hash)
), let_go AS (
    UPDATE pipeline_call call SET vectors = CASE WHEN %(keeps)s THEN call.vectors ELSE '' END, vectors_hash = done.hash
    FROM done WHERE call.item_id = done.id AND done.hash <> '' AND call.vectors <> ''
), alive AS (
    UPDATE pipeline_run SET heartbeat_at = %(now)s WHERE id = %(run)s AND heartbeat_at < %(a_second_ago)s
)
UPDATE pipeline_item item
SET state = done.state, category = done.category, reason = done.reason, stage = done.stage, error = done.error,
    error_class = done.error_class, language = done.language, flaws = done.flaws, finished_at = %(now)s
FROM done, pipeline_run run
WHERE item.id = done.id AND item.claim = %(token)s AND item.state = 'reading'
  AND run.id = item.run_id AND run.epoch = item.epoch AND run.state IN ('running', 'stopping')
"""


def store(*, run: Run, token: str, finished: Sequence[Finished], model: str, keeps_vectors: bool = False) -> int:
    """Store a piece in one transaction and return how many items it finished.

    The answers let their vectors go, for their themes have them; not with `keeps_vectors`: what was paid for is kept,
    so that a lost theme can be made again without paying for it a second time.

    If a row is refused, each item goes into a transaction of its own, so that only the bad one fails. Raises WrongRun
    for results of another run, and Superseded when the items are no longer this token's: then nothing was written.
    """
    _refuse_foreign(run, [claimed for claimed, _ in finished])
    try:
        _store_together(run, token, finished, model, keeps_vectors)
    except INFRASTRUCTURE_ERRORS:
        raise
    except REFUSED as error:
        if len(finished) > 1:
            # Nothing of the piece was written. The same one by one: only the bad item fails, and that is written in its
            # place.
            words: dict[str, Any] = {"run": run, "token": token, "model": model, "keeps_vectors": keeps_vectors}
            return sum(store(finished=[one], **words) for one in finished)
        _store_together(run, token, [(finished[0][0], failed_outcome(Item.Stage.STORE, error))], model, keeps_vectors)
    return len(finished)


def _store_together(run: Run, token: str, finished: Sequence[Finished], model: str, keeps_vectors: bool) -> None:
    """Open a transaction; raise Superseded, and write nothing, unless every item is still this delivery's."""
    with transaction.atomic():
        # Themes first, then the guard: if the items are not ours any more it raises, and the themes go with the
        # transaction.
        _store_themes(run, finished, model)
        _finish_items(run, token, finished, keeps_vectors)
    _log_failures(run, finished)


def _log_failures(run: Run, finished: Sequence[Finished]) -> None:
    """Note each item that failed, by its number and the class of its error: its words may be the conversation's."""
    for claimed, outcome in finished:
        if outcome.state == Item.State.FAILED:
            fields = {
                "run": run.pk,
                "item": claimed.item_id,
                "stage": str(outcome.stage),
                "error_class": outcome.error_class,
            }
            told = outcome.error_class or "no error"
            log.info(
                "run %s: item %s failed to be %s: %s", run.pk, claimed.item_id, _DONE[outcome.stage], told, extra=fields
            )


_DONE = {"": "read", "fetch": "fetched", "read": "read", "parse": "parsed", "store": "stored"}
"""What failed at a stage, in words."""


def _finish_items(run: Run, token: str, finished: Sequence[Finished], keeps_vectors: bool) -> None:
    """Finish the items, and note that their themes have the vectors of their answers."""
    now = timezone.now()
    values: dict[str, Any] = {
        "now": now,
        "token": token,
        "ids": [claimed.item_id for claimed, _ in finished],
        "states": [str(outcome.state) for _, outcome in finished],
        "categories": [outcome.category[:50] for _, outcome in finished],
        "reasons": [outcome.reason[:200] for _, outcome in finished],
        "stages": [str(outcome.stage) for _, outcome in finished],
        "errors": [outcome.error.replace("\0", "") for _, outcome in finished],
        "classes": [outcome.error_class[:200] for _, outcome in finished],
        "languages": [claimed.question.transcript.language for claimed, _ in finished],
        "flaws": [Jsonb(outcome.flaws) if outcome.flaws else None for _, outcome in finished],
        "hashes": [hash_of_vectors(outcome.themes) if outcome.themes else "" for _, outcome in finished],
        "keeps": keeps_vectors,
        "run": run.pk,
        "a_second_ago": now - timedelta(seconds=1),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, values)
        # all or none: a piece of which some were taken over is dropped, its answers are kept for whoever has it now
        if cursor.rowcount != len(finished):
            raise Superseded(f"run {run.pk}: {len(finished) - cursor.rowcount} items were taken over")


def hash_of_vectors(themes: Sequence[Draft]) -> str:
    """Return what tells whether a conversation's themes still have the vectors of its answer."""
    return sha256(b"".join(draft.vector for draft in themes)).hexdigest()


_THEME_COLUMNS = (
    "id", "run_id", "item_id", "conversation_id", "profile", "raw_signature", "raw_key", "category", "summary",
    "confidence", "vector", "vector_model", "unread_language", "signature_rule", "gate_score", "gate_reason",
    "details",
)  # fmt: skip


CONTEXT = "context"
"""Under which name a reader says what it took from documents: {offered, used, missing}."""

_CONTEXT_COLUMNS = ("theme_id", "conversation_id", "offered", "used", "missing")
_EVIDENCE_COLUMNS = ("theme_id", "version_id", "quote", "start", "end", "details")


def _store_themes(run: Run, finished: Sequence[Finished], model: str) -> None:
    drafts = [(claimed, draft) for claimed, outcome in finished for draft in outcome.themes]
    if not drafts:
        return
    # evidence needs the ids of its themes, and COPY returns none: so they are taken beforehand
    ids = reserve_ids(Theme, len(drafts))
    themes = [_theme_row(pk, run, *draft, model) for pk, draft in zip(ids, drafts, strict=True)]
    copy_rows(Theme, _THEME_COLUMNS, themes)
    evidence = [
        (pk, claimed.version_id, quote, start, end, _json(details))
        for pk, (claimed, draft) in zip(ids, drafts, strict=True)
        for (quote, start, end), details in zip(draft.quotes, draft.details, strict=True)
    ]
    copy_rows(Evidence, _EVIDENCE_COLUMNS, evidence)
    used = [
        (pk, claimed.conversation_id, Jsonb(context["offered"]), Jsonb(context["used"]), context["missing"])
        for pk, (claimed, draft) in zip(ids, drafts, strict=True)
        if (context := draft.proposed.details.get(CONTEXT))
    ]
    if used:
        copy_rows(ContextUsage, _CONTEXT_COLUMNS, used)


def _theme_row(pk: int, run: Run, claimed: Claimed, draft: Draft, model: str) -> tuple[object, ...]:
    proposed = draft.proposed
    place = (pk, run.pk, claimed.item_id, claimed.conversation_id, run.profile)
    names = (proposed.signature, normal_form(proposed.signature), proposed.category, proposed.summary)
    read = (proposed.confidence, draft.vector, model, draft.unread_language)
    told = {key: value for key, value in proposed.details.items() if key != CONTEXT}
    return (*place, *names, *read, "", draft.gate_score, draft.gate_reason[:200], _json(told))


def _json(details: dict[str, Any]) -> Jsonb | None:
    return Jsonb(details) if details else None
