"""Read a chunk by handing its questions to the provider in one file, which costs half and may take a day.

Each conversation is taken as far as its stored answers go. The questions it stands at are sent together: a row says so
before anything is sent, and learns the provider's file before the batch is ordered, so that an order whose sender died
is found again by its file. The chunk then waits without a worker. Whoever looks after the run (`collect`) asks now and
then whether the provider is done, stores the answers as calls, and the chunk is sent out again: to the next questions,
or to the end. What an expired batch did not answer is asked again in the next one, and only that.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from asgiref.sync import async_to_sync
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from pipeline.extract.base import Answer, Asking
from pipeline.extract.llm import left_files
from pipeline.extract.llm.abilities import abilities_of
from pipeline.extract.llm.answers import Reply, envelope_of
from pipeline.extract.llm.budget import Allowance, Most, Owner, let_go, reserve
from pipeline.extract.llm.calls import Paid, add_call, bytes_a_token, hashes_of, stored_bodies
from pipeline.extract.llm.client import BatchDone, Client, fault_of
from pipeline.extract.llm.conduct import Conducted, Conducting, Request, as_answer, conduct, go_on
from pipeline.extract.llm.endpoint import Target, target
from pipeline.extract.llm.faults import AnswerFault, Rejected, RunFault, Unavailable, UnknownModel
from pipeline.extract.llm.prices import cost_of, most_of
from pipeline.extract.profiles import Profile
from pipeline.extract.reading import most_deliveries, parse, worn_out_outcome
from pipeline.extract.store import Finished, store
from pipeline.extract.themes import Reading
from pipeline.ledger.claims import (
    Claimed,
    Superseded,
    claim_items,
    release_items,
    renew_items,
    stale_before,
)
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS
from pipeline.ledger.heartbeat import beating
from pipeline.ledger.states import halt
from pipeline.ledger.watch import touch_heartbeat
from pipeline.models import Batch, Call, Item, Reservation, Run
from pipeline.models.copy import reserve_ids
from pipeline.models.refusal import breaks

log = logging.getLogger(__name__)
T = TypeVar("T")

DISCOUNT = Decimal("0.5")
"""Of the price, what a question in a batch costs."""

LOOK_EVERY = timedelta(seconds=30)
"""Between two looks at a batch."""

MOST_BATCHES = 12
"""Of one chunk: the steps of a profile, each asked once more, and some that expire."""

BY_BATCH = "batch"
"""In place of a claim, on what is reserved for a question that no worker waits for."""


CALL = "call-"
"""Before the id of a call, the name of its question in a batch."""


@dataclass(slots=True)
class _Gathered:
    """What a chunk has come to: readings that are whole, and the questions the others stand at."""

    finished: list[Finished] = field(default_factory=list)
    waiting: list[tuple[Claimed, Request]] = field(default_factory=list)


def read_by_batch(*, run: Run, epoch: int, chunk: int, token: str, profile: Profile, extractor: Asking) -> int:
    """Take a chunk as far as its stored answers go, send what has to be asked, and return how many items finished.

    While a batch of the chunk is out nothing is done. Raises RunFault if no question can be answered.
    """
    # one batch of a chunk at a time: its questions would be asked, and paid for, twice
    if Batch.objects.filter(run=run, chunk=chunk, settled_at=None).exists():
        return 0
    asked, gathered = target(), _Gathered()
    claims: dict[str, Any] = {"run": run, "epoch": epoch, "chunk": chunk, "token": token, "by_chunks": False}
    with beating(lambda: renew_items(run=run, token=token)):
        faults = _faults(run, chunk, asked)
        while piece := claim_items(**claims):
            _gather(piece, profile, extractor, faults, gathered)
        fault = None
        if gathered.waiting:
            # The items stay claimed until the batch has its name: the claim keeps others from sending the same, and
            # says to `collect` that its sender lives.
            try:
                _send(run, chunk, token, gathered.waiting, asked)
            except RunFault as error:
                fault = error
            release_items(run=run, token=token, items=[claimed.item_id for claimed, _ in gathered.waiting])
        stored = _store(run, token, gathered.finished, extractor)
        if fault:
            raise fault
        return stored


def _store(run: Run, token: str, finished: Sequence[Finished], extractor: Asking) -> int:
    if not finished:
        return 0
    try:
        return store(run=run, token=token, finished=finished, model=extractor.model)
    except Superseded:
        return 0


def _gather(
    piece: Sequence[Claimed], profile: Profile, extractor: Asking, faults: Mapping[tuple[int, str, str], AnswerFault],
    gathered: _Gathered,
) -> None:  # fmt: skip
    prompt, bodies = extractor.prompt_of(profile), stored_bodies(hashes_of(piece))
    try:
        known = prompt.prepare(profile, [claimed.question for claimed in piece], extractor.encode)
    except INFRASTRUCTURE_ERRORS:
        raise
    except Exception as error:  # a mistake of the profile's: it must not be met again and again
        gathered.finished += [(one, parse(one.question, error, profile, extractor)) for one in piece]
        return
    for claimed in piece:
        item = claimed.item_id
        if claimed.delivery_count > most_deliveries(claimed, {item: True} if bodies[item] else {}):
            gathered.finished.append((claimed, worn_out_outcome(claimed, is_answered=bool(bodies[item]))))
            continue
        try:
            reading = conduct(prompt.read(claimed.question.transcript, known.get(item)))
            found = _as_far_as_answered(reading, item, bodies[item], faults)
            if isinstance(found, Request):
                gathered.waiting.append((claimed, found))
                continue
            answered: Answer | Exception = extractor.embed(claimed.question.transcript, as_answer(found), profile)
        except Exception as error:  # an AnswerFault, or a mistake of the profile's
            answered = error
        gathered.finished.append((claimed, parse(claimed.question, answered, profile, extractor)))


def _as_far_as_answered(
    reading: Conducting[Reading], item: int, bodies: Mapping[tuple[str, str], bytes],
    faults: Mapping[tuple[int, str, str], AnswerFault],
) -> Request | Conducted[Reading]:  # fmt: skip
    """Return the first request of a reading that nothing is stored for, or what the reading ends with."""
    found = go_on(reading, None)
    while isinstance(found, Request):
        at = (found.step, found.unit)
        answer = bodies.get(at) or faults.get((item, *at))
        if answer is None:
            break
        found = go_on(reading, answer)
    return found


def _faults(run: Run, chunk: int, asked: Target) -> dict[tuple[int, str, str], AnswerFault]:
    """Return what the provider refused in earlier batches of the chunk, by item, step and unit."""
    found: dict[tuple[int, str, str], AnswerFault] = {}
    for batch in Batch.objects.filter(run=run, chunk=chunk).order_by("id"):
        for item, step, unit, status, body in batch.faults:
            fault = fault_of(status, body.encode(), asked)
            if isinstance(fault, AnswerFault):
                found[item, step, unit] = fault
    return found


def _send(run: Run, chunk: int, token: str, waiting: Sequence[tuple[Claimed, Request]], asked: Target) -> None:
    """Hand the questions to the provider, as many as the budget allows; halt the run if it allows none.

    Raises RunFault if the provider takes no batch; then what was reserved is free again. Where nobody knows whether it
    took it, the row stays, and `collect` finds out.
    """
    if Batch.objects.filter(run=run, chunk=chunk).count() >= MOST_BATCHES:
        raise RunFault(f"chunk {chunk} of run {run.pk} was sent in {MOST_BATCHES} batches without getting all answers")
    lines, requests = _lines(run, token, waiting, asked)
    if not lines:
        halt(run=run, why="its budget is used up. Continue with a larger --budget.")
        return
    batch = _noted(run, chunk, token, requests)
    if batch is None:
        _free(run, requests)  # another delivery of this chunk sends: these questions wait for the next batch
        return
    try:
        file_id = async_to_sync(_with_client)(asked, lambda client: client.upload(lines))
        # committed before the order: from here on a batch that exists can be found by this
        Batch.objects.filter(pk=batch.pk).update(file_id=file_id)
        remote = _ordered(run, batch, file_id, asked)
    except (AnswerFault, RunFault) as fault:
        _drop(run, batch)
        raise _not_taken(fault, asked) from fault
    if not Batch.objects.filter(pk=batch.pk).update(remote_id=remote) and remote:
        # we were silent for so long that `collect` took us for dead and the batch for never ordered
        log.warning("batch %s of run %s is cancelled: %s was ordered too late", batch.pk, run.pk, remote)
        async_to_sync(_with_client)(asked, lambda client: client.cancel_batch(remote))


def _noted(run: Run, chunk: int, token: str, requests: Mapping[str, Sequence[Any]]) -> Batch | None:
    """Write down that a batch is about to be sent; None if the chunk has one under way. Opens a transaction.

    From here on what is reserved for its questions belongs to the batch, and does not lapse with the delivery.
    """
    items = {request[0] for request in requests.values()}
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                run=run, chunk=chunk, claim=token, requests=requests, faults=[], made_at=timezone.now()
            )
            Reservation.objects.filter(budget=run.pk, item__in=items, claim=token).update(claim=BY_BATCH)
            return batch
    except IntegrityError as error:
        if not breaks(error, "one_batch_under_way_per_chunk"):
            raise
        return None


def _ordered(run: Run, batch: Batch, file_id: str, asked: Target) -> str:
    """Order a batch and return its name; empty if nobody knows whether the provider took it: `collect` finds out."""
    try:
        return async_to_sync(_with_client)(asked, lambda client: client.order_batch(file_id))
    except Unavailable as fault:
        log.warning("batch %s of run %s: it is not known whether it was accepted: %s", batch.pk, run.pk, fault)
        return ""


def _lines(
    run: Run, token: str, waiting: Sequence[tuple[Claimed, Request]], asked: Target
) -> tuple[list[dict[str, Any]], dict[str, list[Any]]]:
    """Return the lines of a batch's file and what `Batch.requests` says of each, as many as the budget allows."""
    abilities, ratio = abilities_of(asked), bytes_a_token(asked.model)
    lines: list[dict[str, Any]] = []
    requests: dict[str, list[Any]] = {}
    # the answer's row has the id that the question was sent under, so that a line of the provider's leads to it
    for call_id, (claimed, request) in zip(reserve_ids(Call, len(waiting)), waiting, strict=True):
        words = {"model": asked.model, **abilities.words(request), **asked.extra_body}
        size = len(json.dumps(words, ensure_ascii=False).encode())
        cost = most_of(int(size / ratio) + 1, request.most_tokens, asked) or Decimal(0)
        most = Most(cost * DISCOUNT, int(size / ratio) + 1 + request.most_tokens)
        if reserve(run=run, owner=Owner(claimed.item_id), claim=token, most=most) != Allowance.GO:
            break
        name = f"{CALL}{call_id}"
        lines.append({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": words})
        requests[name] = [claimed.item_id, claimed.request_hash, str(request.step), request.unit, size]
    return lines, requests


def _not_taken(fault: Exception, asked: Target) -> RunFault:
    """Return why no batch can be handed over: for the whole run, for the next chunk would be refused as well."""
    if isinstance(fault, RunFault):
        return fault
    return RunFault(
        f"{asked.host} did not take a batch: {fault}. Nothing was ordered. Resume the run later, with a smaller "
        "--chunk-size, or start one without --batch."
    )


def _drop(run: Run, batch: Batch) -> None:
    """Forget a batch that the provider does not have, and free what was reserved for its questions.

    The file of its questions may be there all the same.
    """
    with transaction.atomic():
        # what stands in the table, for the row in hand may be older than its file
        if row := Batch.objects.select_for_update().filter(pk=batch.pk, settled_at=None).first():
            left_files.leave(base_url=target().base_url, file_ids=[row.file_id])
            row.delete()
            _free(run, batch.requests)


def _free(run: Run, requests: Mapping[str, Sequence[Any]]) -> None:
    for item in {request[0] for request in requests.values()}:
        let_go(run=run, owner=Owner(item))


async def _with_client(asked: Target, send: Callable[[Client], Awaitable[T]]) -> T:
    async with Client(asked) as client:
        return await send(client)


# --- Collecting ---------------------------------------------------------------------------------------------------


def collect(*, run: Run) -> list[int]:
    """Look at the run's batches that are out, store what is answered, and return the chunks that can go on.

    Asks the provider about each at most every LOOK_EVERY. An endpoint that is away is asked again the next time.
    """
    now, ready = timezone.now(), []
    due = Q(looked_at=None) | Q(looked_at__lte=now - LOOK_EVERY)
    for batch in Batch.objects.filter(due, run=run, settled_at=None).order_by("id"):
        if not Batch.objects.filter(due, pk=batch.pk, settled_at=None).update(looked_at=now):
            continue  # somebody else looks
        touch_heartbeat(run_id=run.pk)
        try:
            if not batch.remote_id and not _is_found(run, batch):
                ready += [batch.chunk] * (not Batch.objects.filter(pk=batch.pk).exists())
                continue
            done = async_to_sync(_look)(target(), batch.remote_id)
        except Unavailable as fault:
            log.warning("batch %s of run %s: %s", batch.pk, run.pk, fault)
            continue
        if done is not None:
            _settle(run, batch, done)
            ready.append(batch.chunk)
    if ready:
        left_files.delete()
    return ready


async def _look(asked: Target, remote: str) -> BatchDone | None:
    return await _with_client(asked, lambda client: client.read_batch(remote))


def _is_found(run: Run, batch: Batch) -> bool:
    """Whether a batch whose sender fell silent is at the provider; then it has its name. Else it is forgotten.

    While its sender lives, or may, nothing is done. RunFault if the provider cannot be asked for its batches; then the
    questions are asked again when a person resumes the run, and not before.
    """
    sends = Item.objects.filter(run=run, claim=batch.claim, state=Item.State.READING, claimed_at__gte=stale_before())
    # also after the sender gave up by itself: an order may reach the provider late
    if sends.exists() or batch.made_at >= stale_before():
        return False
    batch.refresh_from_db()
    if batch.remote_id:
        return True
    found, asked = "", target()
    if batch.file_id:
        try:
            found = async_to_sync(_with_client)(asked, lambda client: client.find_batch(batch.file_id))
        except (UnknownModel, Rejected) as fault:
            _drop(run, batch)
            raise RunFault(
                f"{asked.host} does not say which batches it has ({fault}), and the worker that ordered one died "
                f"before it was noted. Look there for a batch of the file {batch.file_id} and cancel it; then resume "
                "the run, which asks its questions again."
            ) from fault
    if not found:
        log.info("batch %s of run %s never reached the provider; its questions are sent again", batch.pk, run.pk)
        _drop(run, batch)
        return False
    log.info("batch %s of run %s was found at the provider: %s", batch.pk, run.pk, found)
    batch.remote_id = found
    Batch.objects.filter(pk=batch.pk).update(remote_id=found)
    return True


def _settle(run: Run, batch: Batch, done: BatchDone) -> None:
    """Store a batch's answers as calls and close it, in one transaction."""
    asked, faults = target(), []
    prompt = str(run.versions.get("prompt", ""))
    with transaction.atomic():
        if not Batch.objects.select_for_update().filter(pk=batch.pk, settled_at=None).exists():
            return
        for name, (status, body) in done.answers.items():
            if name not in batch.requests:
                continue
            item, request_hash, step, unit, size = batch.requests[name]
            if status == 200:
                envelope = envelope_of(body)
                cost = cost_of(envelope.usage, asked, discount=DISCOUNT)
                seconds = (timezone.now() - batch.made_at).total_seconds()
                said = (Reply(body, seconds), envelope, prompt, asked.model, cost, size)
                call_id = int(name.removeprefix(CALL))
                add_call(run=run, paid=Paid(Owner(item), request_hash, step, unit, *said), call_id=call_id)
                continue
            let_go(run=run, owner=Owner(item))
            if status and isinstance(fault_of(status, body, asked), AnswerFault):
                faults.append([item, step, unit, status, body.decode(errors="replace")])
        _free(run, batch.requests)  # what was reserved for those that were not answered
        Batch.objects.filter(pk=batch.pk).update(settled_at=timezone.now(), faults=faults)
        left_files.leave(base_url=asked.base_url, file_ids=[batch.file_id, *done.files])
