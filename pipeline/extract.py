"""Read the conversations of a chunk: claim, ask, keep the raw answer, parse, store.

Claims make every step safe to run twice (`claims.py`). Answers are stored before they are parsed, so a mistake in
parsing or storing never costs a second question. Whatever goes wrong with a conversation becomes a row, never an
exception that leaves the task; only errors of the infrastructure do, and the task is tried again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from pipeline import claims, queries
from pipeline.bulk import copy_rows, reserve_ids
from pipeline.claims import Claimed
from pipeline.extractors.base import Answer, Extractor, ProposedTheme, Reading, Transcript, get_extractor
from pipeline.models import Call, Evidence, Item, Run, Theme
from pipeline.profiles import Profile, get_profile
from pipeline.pulse import pulse
from pipeline.refusals import INFRASTRUCTURE_ERRORS, REFUSED
from pipeline.signatures.normalise import normal_form

MAX_DELIVERIES = 3
"""An item whose reading ended its worker this often is failed instead of read again, and so for its parsing."""


UNIT_TOLERANCE = 1e-3
"""How far a vector's length may be from 1: float32 sums of some hundred squares stay far below."""

LOOK_EVERY = 0.5
"""Seconds between two looks whether the run still wants answers: a stop is honoured at the next item's edge."""


class WrongRun(Exception):
    """Results of one run were handed in for another; nothing was written."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A theme before it is a row; `quotes` are verified (quote, start, end)."""

    proposed: ProposedTheme
    vector: bytes
    quotes: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item."""

    claimed: Claimed
    state: str
    category: str = ""
    reason: str = ""
    stage: str = ""
    error: str = ""
    error_class: str = ""
    themes: tuple[Draft, ...] = ()


def extract_chunk(*, run_id: int, epoch: int, chunk: int, delivery: str) -> int:
    """Read what is unfinished in a chunk and return how many items this delivery finished.

    `delivery` names the message: when the same message is delivered again, its items are taken over at once; those
    of another delivery only after CLAIM_TIMEOUT seconds without a sign of life. A run that was stopped,
    superseded or ended claims nothing. Raises AtLimit when the run's concurrency is used up, and RunError if there is
    no such run.
    """
    run = queries.find_run(run_id)
    profile, extractor = get_profile(run.profile), get_extractor(run.extractor)
    token, finished = f"{delivery}:{uuid4().hex[:12]}", 0
    while piece := claims.claim_items(run=run, epoch=epoch, chunk=chunk, token=token):
        try:
            finished += _finish_piece(run, piece, token, profile, extractor)
        except claims.Superseded:
            break
    return finished


def _finish_piece(run: Run, piece: Sequence[Claimed], token: str, profile: Profile, extractor: Extractor) -> int:
    answers = _stored_answers(piece)
    worn_out = [claimed for claimed in piece if claimed.delivery_count > _most_deliveries(claimed, answers)]
    asked = [claimed for claimed in piece if claimed not in worn_out and claimed.item_id not in answers]
    with pulse(lambda: claims.renew_items(run=run, token=token)):
        answers |= _store_answers(run, asked, ask(asked, profile, extractor, _asking_now_and_then(run)))
    outcomes = [_worn_out(claimed, is_answered=claimed.item_id in answers) for claimed in worn_out]
    outcomes += [
        parse(claimed, answers[claimed.item_id], profile, extractor)
        for claimed in piece
        if claimed.item_id in answers and claimed not in worn_out
    ]
    if unread := [claimed.item_id for claimed in asked if claimed.item_id not in answers]:
        claims.release_items(run=run, token=token, items=unread)
    return store(run=run, token=token, outcomes=outcomes, model=extractor.model) if outcomes else 0


def _asking_now_and_then(run: Run) -> Callable[[], bool]:
    """Return a question to the database, asked every LOOK_EVERY seconds: does the run still want answers?"""
    wanted, looked_at = True, time.monotonic()

    def is_wanted() -> bool:
        nonlocal wanted, looked_at
        if wanted and time.monotonic() - looked_at >= LOOK_EVERY:
            wanted = Run.objects.filter(pk=run.pk, epoch=run.epoch, state=Run.State.RUNNING).exists()
            looked_at = time.monotonic()
        return wanted

    return is_wanted


def _refuse_foreign(run: Run, claimed: Sequence[Claimed]) -> None:
    foreign = next((one for one in claimed if one.run_id != run.pk), None)
    if foreign:
        raise WrongRun(
            f"a result of run {foreign.run_id} (item {foreign.item_id}) was handed in for run {run.pk}; nothing was "
            f"written. Results go into the run whose item they answer."
        )


# --- Asking -------------------------------------------------------------------------------------------------------


def _stored_answers(piece: Sequence[Claimed]) -> dict[int, Answer | Exception]:
    """Return the newest stored answer of each item that has one to the same question."""
    hashes = {claimed.item_id: claimed.request_hash for claimed in piece}
    calls = Call.objects.filter(item_id__in=hashes).order_by("attempt")
    return {
        call.item_id: Answer(text=call.answer, vectors=bytes(call.vectors))
        for call in calls
        if call.request_hash == hashes[call.item_id]
    }


def ask(
    asked: Sequence[Claimed], profile: Profile, extractor: Extractor, is_wanted: Callable[[], bool] = lambda: True
) -> dict[int, Answer | Exception]:
    """Ask about all at once and return the answers by item, up to where they are wanted no more.

    If that fails, keep the answers that came, and ask about each of the others alone, so that a bad conversation costs
    only itself. Errors of the infrastructure rise.
    """
    answers: dict[int, Answer | Exception] = {}
    try:
        for claimed, answer in zip(asked, extractor.read([c.transcript for c in asked], profile), strict=True):
            answers[claimed.item_id] = answer
            if not is_wanted():
                return answers
    except INFRASTRUCTURE_ERRORS:
        raise
    except Exception as error:
        if len(asked) == 1:
            return {asked[0].item_id: error}
    for claimed in asked:
        if claimed.item_id not in answers and is_wanted():
            answers |= ask([claimed], profile, extractor)
    return answers


def _store_answers(
    run: Run, asked: Sequence[Claimed], answers: dict[int, Answer | Exception]
) -> dict[int, Answer | Exception]:
    """Keep the raw answers, committed, before anybody tries to understand them, and return them all.

    An answer that PostgreSQL refuses comes back as that error; the others are kept. Answers of a life that is over are
    kept as well: they are paid for, and the next life finds them.
    """
    _refuse_foreign(run, asked)
    answered_at = timezone.now()
    rows = {
        claimed.item_id: _call_row(claimed, answer, answered_at)
        for claimed in asked
        if isinstance(answer := answers.get(claimed.item_id), Answer)
    }
    try:
        copy_rows(Call, _CALL_COLUMNS, list(rows.values()))
    except INFRASTRUCTURE_ERRORS:
        raise
    except REFUSED:
        return answers | _store_singly(rows)
    return answers


def _store_singly(rows: dict[int, tuple[object, ...]]) -> dict[int, Answer | Exception]:
    refused: dict[int, Answer | Exception] = {}
    for item_id, row in rows.items():
        try:
            copy_rows(Call, _CALL_COLUMNS, [row])
        except INFRASTRUCTURE_ERRORS:
            raise
        except REFUSED as error:
            refused[item_id] = error
    return refused


_CALL_COLUMNS = (
    "item_id", "step", "unit", "attempt", "request_hash", "answer", "vectors", "finish_reason", "input_tokens",
    "output_tokens", "answered_at",
)  # fmt: skip


def _call_row(claimed: Claimed, answer: Answer, answered_at: datetime) -> tuple[object, ...]:
    text = answer.text.replace("\0", "\ufffd")  # PostgreSQL's text holds no NUL
    question = (claimed.item_id, str(Call.Step.EXTRACT), "", claimed.delivery_count, claimed.request_hash)
    tokens = (answer.input_tokens, answer.output_tokens)
    return (*question, text, answer.vectors, answer.finish_reason[:50], *tokens, answered_at)


# --- Parsing ------------------------------------------------------------------------------------------------------


def parse(claimed: Claimed, answer: Answer | Exception, profile: Profile, extractor: Extractor) -> Outcome:
    """Turn a raw answer into an outcome; an answer nobody can read, and an error, are outcomes too."""
    if isinstance(answer, Exception):
        return _failed(claimed, Item.Stage.READ, answer)
    try:
        reading = Reading.model_validate_json(answer.text)
        if not profile.category(reading.category).goes_on:
            return Outcome(claimed, Item.State.FILTERED, reading.category, reading.filtered_because or reading.category)
        vectors = _vectors(answer.vectors, len(reading.themes), extractor.dimension)
        drafts = tuple(_drafts(claimed.transcript, reading, vectors, profile))
    except Exception as error:  # a mistake of ours included: salvage parses anew once it is mended
        return _failed(claimed, Item.Stage.PARSE, error)
    if not drafts:
        return Outcome(claimed, Item.State.FILTERED, reading.category, reading.filtered_because or "no theme found")
    return Outcome(claimed, Item.State.EXTRACTED, reading.category, themes=drafts)


def _vectors(stored: bytes, count: int, dimension: int) -> np.ndarray:
    """Return the (count, dimension) vectors; ValueError unless they are that many, finite, and of length 1."""
    if len(stored) != 4 * count * dimension:
        raise ValueError(f"{len(stored)} bytes of vectors do not fit {count} themes of {dimension} numbers each")
    rows = np.frombuffer(stored, np.float32).reshape(count, dimension)
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    if not np.all(np.abs(lengths - 1) < UNIT_TOLERANCE):
        raise ValueError(f"vectors must have length 1; these have {', '.join(f'{length:.3g}' for length in lengths)}")
    return rows


def _drafts(transcript: Transcript, reading: Reading, vectors: np.ndarray, profile: Profile) -> list[Draft]:
    """Return one draft a distinct name; twins in one answer become one, with the quotes of all."""
    drafts: dict[str, Draft] = {}
    for proposed, vector in zip(reading.themes, vectors, strict=True):
        profile.category(proposed.category)
        form, quotes = normal_form(proposed.signature), _verified(transcript.text, proposed.quotes)
        if twin := drafts.get(form):
            drafts[form] = replace(twin, quotes=tuple(dict.fromkeys(twin.quotes + quotes)))
        else:
            drafts[form] = Draft(proposed, vector.tobytes(), quotes)
    return list(drafts.values())


def _verified(text: str, quotes: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """Return the quotes that stand in the text letter for letter, with their places; others are left out."""
    found: dict[tuple[int, int], str] = {}
    for quote in quotes:
        start = text.find(quote) if quote else -1
        if start >= 0:
            found.setdefault((start, start + len(quote)), quote)
    return tuple((quote, start, end) for (start, end), quote in found.items())


def _failed(claimed: Claimed, stage: str, error: Exception) -> Outcome:
    name = type(error).__name__
    return Outcome(
        claimed, Item.State.FAILED, reason=f"could not {stage}: {name}", stage=stage, error=str(error), error_class=name
    )


def _most_deliveries(claimed: Claimed, answers: Mapping[int, object]) -> int:
    """Return how often an item may be begun: as often again once its answer is there."""
    return MAX_DELIVERIES * (2 if claimed.item_id in answers else 1)


def _worn_out(claimed: Claimed, *, is_answered: bool) -> Outcome:
    times = claimed.delivery_count - 1
    return Outcome(
        claimed,
        Item.State.FAILED,
        reason=f"begun {times} times, never finished",
        stage=Item.Stage.PARSE if is_answered else Item.Stage.READ,
        error_class="WorkerLost",
        error=f"{claimed.transcript.key} was begun {times} times and its worker ended each time"
        f"{', though its answer is stored' if is_answered else ''}.",
    )


# --- Storing ------------------------------------------------------------------------------------------------------

_FINISH = """
UPDATE pipeline_item item
SET state = done.state, category = done.category, reason = done.reason, stage = done.stage, error = done.error,
    error_class = done.error_class, finished_at = %(now)s
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(categories)s::text[], %(reasons)s::text[], %(stages)s::text[],
            %(errors)s::text[], %(classes)s::text[])
     AS done (id, state, category, reason, stage, error, error_class), pipeline_run run
WHERE item.id = done.id AND item.claim = %(token)s AND item.state = 'reading'
  AND run.id = item.run_id AND run.epoch = item.epoch AND run.state IN ('running', 'stopping')
"""
_BEAT = "UPDATE pipeline_run SET heartbeat_at = %s WHERE id = %s AND heartbeat_at < %s"


def store(*, run: Run, token: str, outcomes: Sequence[Outcome], model: str) -> int:
    """Store a piece in one transaction and return how many items it finished.

    If a row is refused, each item goes into a transaction of its own, so that only the bad one fails. Raises WrongRun
    for results of another run, and Superseded when the items are no longer this token's: then nothing was written.
    """
    _refuse_foreign(run, [outcome.claimed for outcome in outcomes])
    try:
        _store_together(run, token, outcomes, model)
    except INFRASTRUCTURE_ERRORS:
        raise
    except REFUSED as error:
        if len(outcomes) > 1:
            return sum(store(run=run, token=token, outcomes=[outcome], model=model) for outcome in outcomes)
        _store_together(run, token, [_failed(outcomes[0].claimed, Item.Stage.STORE, error)], model)
    return len(outcomes)


def _store_together(run: Run, token: str, outcomes: Sequence[Outcome], model: str) -> None:
    """Open a transaction; raise Superseded, and write nothing, unless every item is still this delivery's."""
    with transaction.atomic():
        _store_themes(run, outcomes, model)
        _finish_items(run, token, outcomes)


def _finish_items(run: Run, token: str, outcomes: Sequence[Outcome]) -> None:
    now = timezone.now()
    values: dict[str, Any] = {
        "now": now,
        "token": token,
        "ids": [outcome.claimed.item_id for outcome in outcomes],
        "states": [str(outcome.state) for outcome in outcomes],
        "categories": [outcome.category[:50] for outcome in outcomes],
        "reasons": [outcome.reason[:200] for outcome in outcomes],
        "stages": [str(outcome.stage) for outcome in outcomes],
        "errors": [outcome.error.replace("\0", "") for outcome in outcomes],
        "classes": [outcome.error_class[:200] for outcome in outcomes],
    }
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, values)
        if cursor.rowcount != len(outcomes):
            raise claims.Superseded(f"run {run.pk}: {len(outcomes) - cursor.rowcount} items were taken over")
        cursor.execute(_BEAT, [now, run.pk, now - timedelta(seconds=1)])


_THEME_COLUMNS = (
    "id", "run_id", "item_id", "conversation_id", "profile", "raw_signature", "raw_key", "category", "summary",
    "confidence", "vector", "vector_model", "signature_rule",
)  # fmt: skip
_EVIDENCE_COLUMNS = ("theme_id", "version_id", "quote", "start", "end")


def _store_themes(run: Run, outcomes: Sequence[Outcome], model: str) -> None:
    drafts = [(outcome.claimed, draft) for outcome in outcomes for draft in outcome.themes]
    if not drafts:
        return
    ids = reserve_ids(Theme, len(drafts))
    themes = [_theme_row(pk, run, *draft, model) for pk, draft in zip(ids, drafts, strict=True)]
    copy_rows(Theme, _THEME_COLUMNS, themes)
    evidence = [
        (pk, claimed.version_id, quote, start, end)
        for pk, (claimed, draft) in zip(ids, drafts, strict=True)
        for quote, start, end in draft.quotes
    ]
    copy_rows(Evidence, _EVIDENCE_COLUMNS, evidence)


def _theme_row(pk: int, run: Run, claimed: Claimed, draft: Draft, model: str) -> tuple[object, ...]:
    proposed = draft.proposed
    place = (pk, run.pk, claimed.item_id, claimed.conversation_id, run.profile)
    names = (proposed.signature, normal_form(proposed.signature), proposed.category, proposed.summary)
    return (*place, *names, proposed.confidence, draft.vector, model, "")
