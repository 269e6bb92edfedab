"""Celery's doors. The chord is assembled here and only here.

A task takes ids, calls one function below and retries while a server is away; what it means that a chunk or a phase is
done twice is decided by claims (`ledger.claims`), not here. `may_run_twice` on each task says why a second delivery is
harmless: with acks_late and a visibility timeout there will be one. `tests/test_rules.py` insists on it.
"""

import logging
from contextlib import suppress
from typing import Any

import redis
from celery import Task, chord, current_app, shared_task
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from pipeline.advance import advance
from pipeline.extract.chunk import read_chunk
from pipeline.extract.llm import left_files
from pipeline.extract.llm.faults import RunFault
from pipeline.extract.versions import OtherVersion, reader_of, versions
from pipeline.extract.visit import read_pages
from pipeline.ledger import queues
from pipeline.ledger.claims import AtLimit, claim_judging, runs_to_judge
from pipeline.ledger.counts import find_run, unfinished_chunks, unfinished_items
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS, RunError
from pipeline.ledger.states import fail
from pipeline.ledger.watch import (
    chunks_to_send_again,
    is_ready_to_advance,
    is_waiting_its_turn,
    lose_if_silent,
    touch_heartbeat,
)
from pipeline.models import Run, schema
from pipeline.reports import theme_map
from pipeline.reports.tallies import renew_tallies
from pipeline.review import asking
from pipeline.review.regroup import consolidate, is_due

log = logging.getLogger(__name__)

SERVER_AWAY = (*INFRASTRUCTURE_ERRORS, BrokerError, redis.ConnectionError, redis.TimeoutError)
"""What PostgreSQL and Redis raise while they restart or refuse; Celery wraps the errors of Redis in its own mostly."""

RETRY = {
    "autoretry_for": SERVER_AWAY,
    "max_retries": None,  # until the server is back, or the run has ended and there is nothing to claim
    "retry_backoff": 1,
    "retry_backoff_max": 10,
    "retry_jitter": True,
}

OTHER_VERSION_TRIES, OTHER_VERSION_PAUSE = 5, 3.0
"""How often, and after how many seconds, a chunk is offered again that a worker of another version refused: while
workers are replaced one of the right version may be there. Then the run fails with the sentence."""

LONGEST_PAUSE = 3.0
"""Seconds after which a chunk that found no place asks again, at most."""

QUEUES = ("extract", "merge", "default")
"""Those a run goes through: it needs a worker on each."""

BACKGROUND = "background"
"""The queue of what may take minutes while no run waits for it: maps, consolidation, imports from pages, retention.

On one of the others it would keep merges, chats and heartbeats waiting.
"""

ALL_QUEUES = (*QUEUES, BACKGROUND)

HEARTBEAT_EXPIRES = 60
"""Seconds after which a heartbeat that nobody took is thrown away: behind a long queue they would pile up."""

ADVANCE_EXPIRES = 30
"""Seconds after which nobody carries on a run because beat asked for it: beat has asked again, and so on."""


class LongTask(Task):
    """A task of the queue `background`: while it works, it is the sign that the queue is consumed."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with queues.busy_with(BACKGROUND):
            return super().__call__(*args, **kwargs)


@shared_task(
    bind=True,
    name="pipeline.extract_chunk",
    may_run_twice="only the holder of an item's claim can write, and what is finished is not claimed",
    **RETRY,
)
def extract_chunk(self: Task, *, run_id: int, epoch: int, chunk: int) -> int:
    """Read one chunk; return how many items this delivery finished."""
    try:
        read = read_pages if find_run(run_id).is_of_pages else read_chunk
        finished = read(run_id=run_id, epoch=epoch, chunk=chunk, delivery=self.request.id)
    # Not a failure: the chunk goes back into the queue, and a place is free as soon as another delivery stored its
    # piece. 0.3 s is short beside the reading of a piece and long beside the statement that asks. Who finds no place
    # again and again asks less often: many messages that all come back at once leave no room for those that could read.
    except AtLimit as full:
        raise self.retry(exc=full, countdown=min(0.3 * (1 + self.request.retries), LONGEST_PAUSE)) from full
    # no row was claimed yet, so any other worker may take it
    except OtherVersion as refusal:
        log.warning("%s", refusal)
        if self.request.retries >= OTHER_VERSION_TRIES:
            fail(run=find_run(run_id), error=refusal)
            return 0
        raise self.retry(exc=refusal, countdown=OTHER_VERSION_PAUSE) from refusal
    except RunFault as refusal:
        log.warning("run %s: %s", run_id, refusal)
        fail(run=find_run(run_id), error=refusal)
        return 0
    # The last chunk says so itself, beside the chord's callback: the chord counts in Redis, and a counter that is lost
    # there would leave the run hanging (tests/faults/test_barrier.py, test_with_the_chord_alone_it_would_hang...).
    if not unfinished_items(run_id).exists():
        advance_run.delay(run_id=run_id)
    return finished


@shared_task(
    name="pipeline.advance_run", may_run_twice="a phase is claimed, and one that is over is not entered again", **RETRY
)
def advance_run(*, run_id: int) -> str:
    """Take the run as far as it goes; return its state.

    Of a run that is finished the themes join the map, a profile that has grown much is consolidated, and a language
    model judges what was found, if the run asks for that.
    """
    run = advance(run_id=run_id)
    if run.state in Run.FINISHED:
        send_to_be_judged(run=run)
        if is_due(run.profile):
            consolidate_profile.delay(profile=run.profile)
        if settings.THEME_MAP:
            draw_map.apply_async(kwargs={"profile": run.profile}, ignore_result=True)
    return run.state


@shared_task(
    base=LongTask,
    name="pipeline.consolidate_profile",
    may_run_twice="it does nothing unless it is due, and writes only if the registry has not changed meanwhile",
    **RETRY,
)
def consolidate_profile(*, profile: str) -> int | None:
    """Group all themes of a profile again if that is due; return the number of the pass."""
    done = consolidate(profile=profile)
    return done.pk if done else None


@shared_task(
    name="pipeline.judge_run",
    may_run_twice="a question is claimed before it is asked, and one that was answered is not asked again",
    **RETRY,
)
def judge_run(*, run_id: int) -> bool:
    """Have a language model judge a finished run that asks for it; return whether nothing is left to ask."""
    from pipeline.review.judge.after_run import judge_finished_run  # its libraries take a second to load

    return judge_finished_run(run_id=run_id)


@shared_task(
    base=LongTask,
    name="pipeline.draw_map",
    may_run_twice="it writes only on the map it was computed on, and a map that shows all is left as it is",
    **RETRY,
)
def draw_map(*, profile: str) -> int | None:
    """Bring the theme map of a profile up to date; return how many points it has, None if somebody else did so."""
    done = theme_map.draw_map(profile=profile)
    return done.points if done else None


@shared_task(
    name="pipeline.find_pairs", may_run_twice="it keeps what it found in the place of what was found before", **RETRY
)
def find_pairs(*, profile: str) -> int:
    """Look for pairs of signatures that people should judge; return how many were found."""
    return asking.find_pairs(profile=profile)


def dispatch(*, run: Run) -> None:
    """Send the run on its way. RunError if the queue cannot be reached: then the run is ended, and blocks nobody."""
    try:
        # Asked first and with one try: publishing retries by itself, for longer than a person should wait.
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=5, errback=None)
        _send(run)
    except BrokerError as error:
        fail(run=run, error=error)
        raise RunError(
            f"the queue cannot be reached ({error}), so run {run.pk} was stopped. Check REDIS_URL, then continue "
            f"with ./manage.py run_pipeline --resume {run.pk}"
        ) from error


def _send(run: Run) -> None:
    """Send the unfinished chunks as one chord; a run without any continues at once."""
    chunks = unfinished_chunks(run)
    # Before the messages go out: a quick worker's sign of life has to be later than this (`watch.lose_if_silent`).
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(dispatched_at=now, heartbeat_at=now)
    go_on = advance_run.si(run_id=run.pk)
    if run.phase != Run.Phase.EXTRACT or not chunks:
        go_on.delay()
        return
    # Signatures are immutable (`si`): the callback reads the database and takes nothing from the header. It is the
    # errback as well, for a header task that failed leaves rows behind as any other does.
    header = [extract_chunk.si(run_id=run.pk, epoch=run.epoch, chunk=chunk) for chunk in chunks]
    chord(header)(go_on.on_error(advance_run.si(run_id=run.pk)))


@shared_task(name="pipeline.heartbeat", may_run_twice="it writes nothing")
def heartbeat(*, profile: str = "", extractor: str = "") -> dict[str, str]:
    """Say on which database this worker works and, asked with a profile and an extractor, how it would read.

    Pre-flight sends it through every queue and waits for the answer.
    """
    database, reader = schema.identity(), ""
    if extractor:
        with suppress(DatabaseError):  # of tables that are not ours: whoever asks compares the databases first
            reader = reader_of(versions(profile, extractor))
    return {"database": database, "reader": reader}


@shared_task(name="pipeline.send_heartbeats", may_run_twice="an extra heartbeat only updates the time")
def send_heartbeats() -> None:
    """Send a heartbeat into every queue. Beat calls it; `ledger.queues` reads what comes of it."""
    for queue in ALL_QUEUES:
        note_heartbeat.apply_async(kwargs={"queue": queue}, queue=queue, expires=HEARTBEAT_EXPIRES, ignore_result=True)


@shared_task(name="pipeline.note_heartbeat", may_run_twice="it writes the current time")
def note_heartbeat(*, queue: str) -> None:
    """Send a heartbeat of the queue that this came through."""
    queues.note_heartbeat(queue=queue)


@shared_task(name="pipeline.count_tallies", may_run_twice="the later count stands")
def count_tallies() -> bool:
    """Count what `/metrics` shows, unless that was done a moment ago; return whether it was due."""
    return renew_tallies(at=timezone.now())


@shared_task(name="pipeline.watch_runs", may_run_twice="receiving what it sends twice does no harm")
def watch_runs() -> list[int]:
    """Look after every live run; return their ids. Beat calls it (settings.CELERY_BEAT_SCHEDULE).

    What it finds to be merged or grouped is done by a worker of the queue `merge`: here it would keep chats and
    heartbeats waiting.
    """
    live = list(Run.objects.filter(state__in=Run.LIVE).values_list("pk", flat=True))
    for run_id in live:
        try:
            _watch(run_id)
        except SERVER_AWAY:
            raise
        except Exception:  # of one, as when its batch cannot be asked about: the others are looked after all the same
            log.exception("run %s could not be looked after", run_id)
    for run in runs_to_judge():
        send_to_be_judged(run=run)
    left_files.delete()
    return live


def send_to_be_judged(*, run: Run) -> bool:
    """Send a finished run to be judged if it waits for that and nobody is at it; return whether it was sent."""
    if not claim_judging(run=run):
        return False
    judge_run.apply_async(kwargs={"run_id": run.pk}, ignore_result=True)
    return True


def _watch(run_id: int) -> None:
    run = _look_after(run_id)
    if run is None:
        return
    if run.state == Run.State.STOPPING:  # somebody waits for it, and it takes a statement or two
        advance(run_id=run_id)
    elif is_ready_to_advance(run):
        advance_run.apply_async(kwargs={"run_id": run_id}, expires=ADVANCE_EXPIRES, ignore_result=True)


def _answered_by_batch(run: Run) -> list[int]:
    """Return the chunks of a run that waited for a batch and can go on."""
    if not run.parameters.get("batch") or run.phase != Run.Phase.EXTRACT:
        return []
    from pipeline.extract.llm.batching import collect  # its libraries take a second to load

    try:
        return collect(run=run)
    except RunFault as refusal:
        fail(run=run, error=refusal)
        return []


def supervise(*, run_id: int) -> Run:
    """Look after a live run once, and return it; what its chunks finished without saying so is carried on here."""
    run = _look_after(run_id)
    return advance(run_id=run_id) if run else find_run(run_id)


def _look_after(run_id: int) -> Run | None:
    """Send again what was lost of a live run. Return the run if it may be carried on, None if there is nothing to do.

    A run that waits its turn behind another is left in its place in the queue; one that nothing moves any more is lost.
    """
    run = find_run(run_id)
    if not run.is_live:
        return None
    for chunk in _answered_by_batch(run):
        # outside of the chord: nobody waits for their results, the last one calls `advance_run`
        extract_chunk.apply_async(kwargs={"run_id": run.pk, "epoch": run.epoch, "chunk": chunk}, ignore_result=True)
    # Before silence is judged: nothing of it moves, and rightly so. Sending its chunks again would only lengthen the
    # queue (tests/faults/test_worn_out.py, test_a_run_behind_another_is_not_sent_again_and_again).
    if is_waiting_its_turn(run):
        touch_heartbeat(run_id=run_id)
        return None
    if lose_if_silent(run_id=run_id):
        return None
    for chunk in chunks_to_send_again(run=run):
        words = {"run_id": run.pk, "epoch": run.epoch, "chunk": chunk}
        extract_chunk.apply_async(kwargs=words, ignore_result=True)
    return run
