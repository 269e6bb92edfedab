"""Read a chunk by handing its questions to the provider in one file, which costs half and may take a day.

Each conversation is taken as far as its stored answers go. The questions it stands at are sent together; the chunk then
waits without a worker. Whoever looks after the run (`collect`) asks now and then whether the provider is done, stores
the answers as calls, and the chunk is sent out again: to the next questions, or to the end. What an expired batch did
not answer is asked again in the next one, and only that.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from pipeline.extract.base import Answer, Asking
from pipeline.extract.llm.abilities import abilities_of
from pipeline.extract.llm.answers import Reply, envelope_of
from pipeline.extract.llm.budget import Allowance, Most, Owner, let_go, reserve
from pipeline.extract.llm.calls import Paid, add_call, bytes_a_token, hashes_of, stored_bodies
from pipeline.extract.llm.client import BatchDone, Client, fault_of
from pipeline.extract.llm.conduct import Request, as_answer, conduct, go_on
from pipeline.extract.llm.endpoint import Target, target
from pipeline.extract.llm.faults import AnswerFault, RunFault, Unavailable
from pipeline.extract.llm.prices import cost_of, most_of
from pipeline.extract.profiles import Profile
from pipeline.extract.reading import parse
from pipeline.extract.store import Finished, store
from pipeline.ledger.claims import Claimed, Superseded, claim_items, release_items, renew_items
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS
from pipeline.ledger.heartbeat import beating
from pipeline.ledger.states import halt
from pipeline.ledger.watch import touch_heartbeat
from pipeline.models import Batch, Call, Run
from pipeline.models.copy import reserve_ids

log = logging.getLogger(__name__)

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
        if gathered.waiting:
            # Sent before the items are released: until then the claim keeps others from sending the same. If the worker
            # dies between the two, the batch is there and the chunk waits for it.
            _send(run, chunk, gathered.waiting, asked)
            release_items(run=run, token=token, items=[claimed.item_id for claimed, _ in gathered.waiting])
        if not gathered.finished:
            return 0
        try:
            return store(run=run, token=token, finished=gathered.finished, model=extractor.model)
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
        try:
            reading = conduct(prompt.read(claimed.question.transcript, known.get(item)))
            found = go_on(reading, None)
            while isinstance(found, Request):
                at = (found.step, found.unit)
                answer = bodies[item].get(at) or faults.get((item, *at))
                if answer is None:
                    break
                found = go_on(reading, answer)
            if isinstance(found, Request):
                gathered.waiting.append((claimed, found))
                continue
            answered: Answer | Exception = extractor.embed(claimed.question.transcript, as_answer(found), profile)
        except Exception as error:  # an AnswerFault, or a mistake of the profile's
            answered = error
        gathered.finished.append((claimed, parse(claimed.question, answered, profile, extractor)))


def _faults(run: Run, chunk: int, asked: Target) -> dict[tuple[int, str, str], AnswerFault]:
    """Return what the provider refused in earlier batches of the chunk, by item, step and unit."""
    found: dict[tuple[int, str, str], AnswerFault] = {}
    for batch in Batch.objects.filter(run=run, chunk=chunk).order_by("id"):
        for item, step, unit, status, body in batch.faults:
            fault = fault_of(status, body.encode(), asked)
            if isinstance(fault, AnswerFault):
                found[item, step, unit] = fault
    return found


def _send(run: Run, chunk: int, waiting: Sequence[tuple[Claimed, Request]], asked: Target) -> None:
    """Hand the questions to the provider, as many as the budget allows; halt the run if it allows none."""
    if Batch.objects.filter(run=run, chunk=chunk).count() >= MOST_BATCHES:
        raise RunFault(f"chunk {chunk} of run {run.pk} was sent in {MOST_BATCHES} batches without getting all answers")
    abilities, ratio = abilities_of(asked), bytes_a_token(asked.model)
    lines, requests = [], {}
    # the answer's row has the id that the question was sent under, so that a line of the provider's leads to it
    for call_id, (claimed, request) in zip(reserve_ids(Call, len(waiting)), waiting, strict=True):
        words = {"model": asked.model, **abilities.words(request), **asked.extra_body}
        size = len(json.dumps(words, ensure_ascii=False).encode())
        cost = most_of(int(size / ratio) + 1, request.most_tokens, asked) or Decimal(0)
        most = Most(cost * DISCOUNT, int(size / ratio) + 1 + request.most_tokens)
        if reserve(run=run, owner=Owner(claimed.item_id), claim=BY_BATCH, most=most) != Allowance.GO:
            break
        name = f"{CALL}{call_id}"
        lines.append({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": words})
        requests[name] = [claimed.item_id, claimed.request_hash, str(request.step), request.unit, size]
    if not lines:
        halt(run=run, why="its budget is used up. Continue with a larger --budget.")
        return
    # A crash between the two lines below loses sight of a batch that is paid for: the provider has no name of ours to
    # find it by. It is the one place where that can happen.
    remote = async_to_sync(_send_lines)(asked, lines)
    Batch.objects.create(run=run, chunk=chunk, remote_id=remote, requests=requests, faults=[], made_at=timezone.now())


async def _send_lines(asked: Target, lines: Sequence[Mapping[str, Any]]) -> str:
    async with Client(asked) as client:
        return await client.send_batch(lines)


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
            done = async_to_sync(_look)(target(), batch.remote_id)
        except Unavailable as fault:
            log.warning("batch %s of run %s: %s", batch.pk, run.pk, fault)
            continue
        if done is not None:
            _settle(run, batch, done)
            ready.append(batch.chunk)
    return ready


async def _look(asked: Target, remote: str) -> BatchDone | None:
    async with Client(asked) as client:
        return await client.read_batch(remote)


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
        for item in {request[0] for request in batch.requests.values()}:
            let_go(run=run, owner=Owner(item))  # of what was not answered
        Batch.objects.filter(pk=batch.pk).update(settled_at=timezone.now(), faults=faults)
