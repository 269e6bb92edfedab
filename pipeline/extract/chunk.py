"""Read the conversations of a chunk: claim, ask, keep the raw answer, parse, store.

Claims make every step safe to run twice (`claims.py`). Answers are stored before they are parsed, so a mistake in
parsing or storing never costs a second question. Whatever goes wrong with a conversation becomes a row, never an
exception that leaves the task; only errors of the infrastructure do, and the task is tried again.
"""

import time
from collections.abc import Callable, Sequence

from django.db.models import Q

from pipeline.extract.base import Answer, Extractor, asks, get_extractor
from pipeline.extract.knowledge import profile_of
from pipeline.extract.profiles import Profile
from pipeline.extract.reading import ask, most_deliveries, parse, worn_out_outcome
from pipeline.extract.store import store, store_as_they_come
from pipeline.extract.versions import refuse_other_reader
from pipeline.ledger.claims import Claimed, Superseded, claim_items, new_token, release_items, renew_items
from pipeline.ledger.counts import find_run
from pipeline.ledger.heartbeat import beating
from pipeline.models import Call, Run

LOOK_EVERY = 0.5
"""Seconds between two looks whether the run still wants answers: a stop is honoured at the next item's edge."""


def read_chunk(*, run_id: int, epoch: int, chunk: int, delivery: str) -> int:
    """Read what is unfinished in a chunk and return how many items this delivery finished.

    `delivery` names the message: when the same message is delivered again, its items are taken over at once; those
    of another delivery only after CLAIM_TIMEOUT seconds without a heartbeat. A run that was stopped,
    superseded or ended claims nothing. Raises AtLimit when the run's concurrency is used up, OtherVersion if this
    process would read otherwise than the run's others, RunFault if no question to a language model can be answered, and
    RunError if there is no such run.
    """
    run = find_run(run_id)
    refuse_other_reader(run)
    profile = profile_of(run)
    extractor = get_extractor(run.extractor)
    # as of the run's start: a vocabulary that people changed meanwhile holds for the next run
    token, finished = new_token(delivery), 0
    if asks(extractor):
        from pipeline.extract.llm.asking import read_by_asking  # its libraries take a second to load
        from pipeline.extract.llm.batching import read_by_batch

        read = read_by_batch if run.parameters.get("batch") else read_by_asking
        return read(run=run, epoch=epoch, chunk=chunk, token=token, profile=profile, extractor=extractor)
    # A piece at a time, so that a stop, a death or a takeover costs one piece and not the chunk.
    while piece := claim_items(run=run, epoch=epoch, chunk=chunk, token=token):
        try:
            finished += finish_piece(run, piece, token, profile, extractor, asking_now_and_then(run))
        except Superseded:
            break
        if not piece[0].is_more:  # it was all of the chunk, as nearly always: nothing to ask for again
            break
    return finished


def finish_piece(
    run: Run,
    piece: Sequence[Claimed],
    token: str,
    profile: Profile,
    extractor: Extractor,
    is_wanted: Callable[[], bool],
) -> int:
    """Ask about claimed items while answers are wanted, store what comes, and return how many items that finished.

    Raises Superseded where somebody took them over.
    """
    # An answer that is there is parsed and not asked for again, whoever got it: an earlier delivery or an earlier life.
    answers = _stored_answers(piece)
    worn_out = [claimed for claimed in piece if claimed.delivery_count > most_deliveries(claimed, answers)]
    asked = [claimed for claimed in piece if claimed not in worn_out and claimed.item_id not in answers]
    # Signs of life while answers are awaited. Parsing and storing take less than a claim lasts.
    with beating(lambda: renew_items(run=run, token=token)):
        questions = [claimed.question for claimed in asked]
        coming = ask(questions, profile, extractor, is_wanted)
        answers |= store_as_they_come(run, asked, coming, each=extractor.is_paid)
    finished = [(claimed, worn_out_outcome(claimed, is_answered=claimed.item_id in answers)) for claimed in worn_out]
    finished += [
        (claimed, parse(claimed.question, answers[claimed.item_id], profile, extractor))
        for claimed in piece
        if claimed.item_id in answers and claimed not in worn_out
    ]
    # asking ended early, for the run was stopped: the rest waits again as if never claimed
    if unread := [claimed.item_id for claimed in asked if claimed.item_id not in answers]:
        release_items(run=run, token=token, items=unread)
    if not finished:
        return 0
    return store(run=run, token=token, finished=finished, model=extractor.model, keeps_vectors=extractor.is_paid)


def asking_now_and_then(run: Run) -> Callable[[], bool]:
    """Return a question to the database, asked every LOOK_EVERY seconds: does the run still want answers?"""
    wanted, looked_at = True, time.monotonic()

    def is_wanted() -> bool:
        nonlocal wanted, looked_at
        if wanted and time.monotonic() - looked_at >= LOOK_EVERY:
            wanted = Run.objects.filter(pk=run.pk, epoch=run.epoch, state=Run.State.RUNNING).exists()
            looked_at = time.monotonic()
        return wanted

    return is_wanted


def _stored_answers(piece: Sequence[Claimed]) -> dict[int, Answer | Exception]:
    """Return the newest stored answer of each item that has one to the same question, with its vectors.

    One whose vectors went into themes is of no use any more: where those themes are lost, it has to be read again. An
    answer that was paid for keeps its vectors.
    """
    hashes = {claimed.item_id: claimed.request_hash for claimed in piece if claimed.attempts}
    if not hashes:
        return {}
    # in the order of attempts, so that in the dict below the newest stays
    calls = Call.objects.filter(Q(vectors_hash="") | ~Q(vectors=b""), item_id__in=hashes).order_by("attempt")
    return {
        call.item_id: Answer(text=call.answer, vectors=bytes(call.vectors))
        for call in calls
        if call.item_id is not None and call.request_hash == hashes[call.item_id]
    }
