"""Stopping: heard at once, honoured at the next item's edge, and never losing what was read."""

from datetime import timedelta
from itertools import product

import pytest
from django.core.management import CommandError
from django.utils import timezone

from pipeline import tasks
from pipeline.extract.chunk import read_chunk
from pipeline.ledger.counts import item_counts, unfinished_chunks
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import change_state, fail, lose, request_stop
from pipeline.models import Call, Run, Theme
from pipeline.runs.create import RunIsLive
from tests.support.commands import Captured, command, words_for_people
from tests.support.seeding import first_run, scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_honoured_between_two_items_of_a_piece(worker: Worker, capsys: Captured) -> None:
    run = start(seed(scripts(1, 40, slow=0.2)), chunk_size=40)
    tasks.dispatch(run=run)
    until(lambda: item_counts(run).reading == 40)
    assert command("stop_run", str(run.pk)) == 0
    run.refresh_from_db()
    counts = item_counts(run)
    assert (run.state, counts.reading, counts.extracted + counts.pending) == ("stopped", 0, 40)
    assert Call.objects.count() == counts.extracted < 40
    shown = words_for_people(capsys.readouterr().out)
    assert "is stopping after the conversations in progress" in shown
    assert f"{counts.extracted} of 40 conversations are finished, {counts.pending} are waiting" in shown
    assert f"run_pipeline --resume {run.pk}" in shown


def test_a_run_stopped_in_mid_piece_goes_on_and_asks_nobody_twice(worker: Worker) -> None:
    run = start(seed(scripts(2, 10, slow=0.15)), chunk_size=20)
    tasks.dispatch(run=run)
    until(lambda: item_counts(run).reading == 20)
    assert command("stop_run", str(run.pk)) == 0
    assert command("run_pipeline", "--resume", str(run.pk)) == 0
    assert sorted(Call.objects.values_list("attempt", flat=True)) == [1] * 20
    assert Theme.objects.count() == 20


def test_by_force_it_does_not_wait_and_what_comes_late_is_kept_as_an_answer_only(worker: Worker) -> None:
    run = start(seed(scripts(1, 10, slow=0.3)), chunk_size=10)
    tasks.dispatch(run=run)
    until(lambda: item_counts(run).reading == 10)
    assert command("stop_run", str(run.pk), "--force") == 0
    run.refresh_from_db()
    assert (run.state, run.epoch, item_counts(run).pending) == ("stopped", 2, 10)
    until(lambda: Call.objects.exists())
    assert not Theme.objects.exists()
    assert command("run_pipeline", "--resume", str(run.pk)) == 0
    assert (Theme.objects.count(), Call.objects.count()) == (10, 10)


def test_a_stopping_run_still_blocks_a_second_one_of_its_source() -> None:
    source = seed(scripts(1, 3))
    run = start(source)
    request_stop(run_id=run.pk)
    with pytest.raises(RunIsLive, match=rf"live run: {run.pk} \(stopping\)"):
        start(source)


def test_asking_twice_is_asking_once(capsys: Captured) -> None:
    run = start(seed(scripts(1, 3)))
    assert command("stop_run", str(run.pk), "--detach") == 0
    asked_at = Run.objects.get().stop_requested_at
    assert command("stop_run", str(run.pk)) == 0
    assert Run.objects.get().stop_requested_at == asked_at
    assert command("stop_run", str(run.pk)) == 0
    assert "is already stopped" in words_for_people(capsys.readouterr().out)


@pytest.mark.parametrize("words", [[], ["--force"]])
def test_an_ended_run_is_not_stopped(words: list[str]) -> None:
    run = first_run(scripts(1, 3))
    with pytest.raises(CommandError, match=f"run {run.pk} is completed; only a run that is running can be stopped"):
        command("stop_run", str(run.pk), *words)


# --- Guarded transitions ------------------------------------------------------------------------------------------

STATES = [str(state) for state in Run.State]


def in_state(state: str) -> Run:
    run = start(seed(scripts(1, 3)))
    ended = {"finished_at": None if state in Run.LIVE else timezone.now()}
    Run.objects.filter(pk=run.pk).update(state=state, **ended)
    return Run.objects.get(pk=run.pk)


@pytest.mark.parametrize(("old", "new"), list(product(STATES, STATES)))
def test_only_the_transitions_of_the_table_are_made(old: str, new: str) -> None:
    run = in_state(old)
    ended = {"finished_at": None if new in Run.LIVE else timezone.now()}
    if new in Run.MAY_BECOME[Run.State(old)]:
        assert change_state(run=run, to=new, **ended)
        assert Run.objects.get().state == new
    else:
        with pytest.raises(RunError, match=f"is {old} and cannot become {new}"):
            change_state(run=run, to=new, **ended)
        assert Run.objects.get().state == old


@pytest.mark.parametrize("state", STATES)
def test_each_way_to_end_a_run_obeys_the_table(state: str) -> None:
    run = in_state(state)
    may = Run.MAY_BECOME[Run.State(state)]
    is_live = state in Run.LIVE
    assert fail(run=run, error=ValueError("x")) is (Run.State.FAILED in may and is_live)
    Run.objects.filter(pk=run.pk).update(state=state, finished_at=None if is_live else timezone.now())
    assert lose(run_id=run.pk, why="x") is (Run.State.LOST in may and is_live)
    Run.objects.filter(pk=run.pk).update(state=state, finished_at=None if is_live else timezone.now())
    assert request_stop(run_id=run.pk) is (Run.State.STOPPING in may)


# --- Silence ------------------------------------------------------------------------------------------------------


def silent(run: Run, **columns: object) -> Run:
    """Let the run have sent no heartbeat for an hour."""
    then = timezone.now() - timedelta(hours=1)
    Run.objects.filter(pk=run.pk).update(**{"heartbeat_at": then, "dispatched_at": then, **columns})
    return Run.objects.get(pk=run.pk)


def test_a_silent_run_is_sent_out_again_before_it_is_lost(worker: Worker) -> None:
    Worker.end_all()
    run = silent(start(seed(scripts(1, 3))))
    assert tasks.supervise(run_id=run.pk).state == "running"
    sent_at = Run.objects.get().dispatched_at
    assert sent_at is not None
    assert sent_at > timezone.now() - timedelta(minutes=1)
    assert tasks.supervise(run_id=run.pk).state == "running", "it has just been sent out"
    then = timezone.now() - timedelta(minutes=59)
    Run.objects.filter(pk=run.pk).update(dispatched_at=then)
    lost = tasks.supervise(run_id=run.pk)
    assert (lost.state, lost.error) == ("lost", "no heartbeat for more than 180 s")


def test_a_run_whose_callback_never_came_is_finished_however_long_nobody_looked() -> None:
    run = start(seed(scripts(2, 3)))
    for chunk in unfinished_chunks(run):
        read_chunk(run_id=run.pk, epoch=1, chunk=chunk, delivery="x")
    silent(run)
    assert tasks.supervise(run_id=run.pk).state == "completed"


def test_a_run_that_died_while_it_was_planned_is_lost() -> None:
    run = silent(start(seed(scripts(1, 3))), state="pending", phase="plan", dispatched_at=None)
    assert tasks.supervise(run_id=run.pk).state == "lost"


@pytest.mark.parametrize(("claimed_before", "state"), [(0, "running"), (60, "lost")])
def test_a_run_behind_another_in_the_queue_is_not_lost_while_the_other_is_read(claimed_before: int, state: str) -> None:
    waiting, busy = (start(seed(scripts(1, 3), name=name)) for name in ("waiting", "busy"))
    claimed_at = timezone.now() - timedelta(minutes=claimed_before)
    busy.items.update(state="reading", claim="worker:1", claimed_at=claimed_at)
    silent(waiting, dispatched_at=timezone.now() - timedelta(minutes=59))
    for _ in range(2):
        assert tasks.supervise(run_id=waiting.pk).state == state
