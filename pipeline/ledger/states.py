"""A run's states: guarded transitions from one to the next, and the ways a run ends or stops."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from pipeline.ledger.counts import find_run
from pipeline.ledger.errors import RunError as RunError
from pipeline.models import Item, Run


def change_state(*, run: Run, to: str, **changes: object) -> bool:
    """Bring the run from the state, phase and epoch we know it in to another state; say whether it was still there.

    Raises RunError for a transition that does not exist (`Run.MAY_BECOME`).
    """
    if to not in Run.MAY_BECOME[Run.State(run.state)]:
        raise RunError(f"run {run.pk} is {run.state} and cannot become {to}.")
    return move_run(run, state=to, **changes)


def move_run(run: Run, **changes: object) -> bool:
    """Change the run if it is still in the state, phase and epoch we know it in; say whether it was."""
    now = timezone.now()
    # Several may try the same step at once. The database lets one of them through: for the others the row is not as
    # they know it any more, nothing is changed, and they look again.
    mine = Run.objects.filter(pk=run.pk, epoch=run.epoch, phase=run.phase, state=run.state)
    return mine.update(heartbeat_at=now, **changes) == 1


def fail(*, run: Run, error: BaseException) -> bool:
    """End a live run as failed, with the error; say whether it was live, in the epoch we know it in."""
    # an error may quote what a conversation said, and PostgreSQL's text holds no NUL
    return end_run(run, Run.State.FAILED, f"{type(error).__name__}: {error}".replace("\0", ""))


def lose(*, run_id: int, why: str, silent_for: float = 0.0) -> bool:
    """Mark a live run lost if it sent no heartbeat for so many seconds; say whether it was marked."""
    silent = Q(heartbeat_at__lte=timezone.now() - timedelta(seconds=silent_for))
    return end_run(find_run(run_id), Run.State.LOST, why, silent)


def end_run(run: Run, state: str, error: str, condition: Q | None = None) -> bool:
    """End a run from whichever live state it is in by now, in the epoch we know it in; say whether it was live."""
    # By epoch and not by state or phase as in `move_run`: an error ends a run wherever it has got to, also one that was
    # asked to stop in between, but never its next life.
    living = Run.objects.filter(condition or Q(), pk=run.pk, epoch=run.epoch, state__in=_states_before(state))
    return living.update(state=state, error=error, finished_at=timezone.now(), advance_claimed_at=None) == 1


def _states_before(state: str) -> list[str]:
    """Return the live states from which a run may come to this one."""
    return [str(live) for live in Run.LIVE if state in Run.MAY_BECOME[live]]


def request_stop(*, run_id: int) -> bool:
    """Ask a running run to stop at the next item's edge; say whether it was running. RunError if there is no such."""
    # without the epoch: a person who presses stop means the run, in whichever life it is
    running = Run.objects.filter(pk=find_run(run_id).pk, state=Run.State.RUNNING)
    return running.update(state=Run.State.STOPPING, stop_requested_at=timezone.now()) == 1


def halt(*, run: Run, why: str) -> bool:
    """Let a running run stop at the next item's edge, and say why; say whether it was running, in this epoch.

    For the machine (a budget that is used up), where `request_stop` is for people: it never stops a later life.
    """
    running = Run.objects.filter(pk=run.pk, epoch=run.epoch, state=Run.State.RUNNING)
    return running.update(state=Run.State.STOPPING, stop_requested_at=timezone.now(), error=why) == 1


def stop_at_once(*, run_id: int) -> Run:
    """Stop a running or stopping run without waiting for those who read, and return it; opens a transaction.

    Its epoch rises, so that they cannot write any more, and their items are pending again; an answer that is under way
    is still kept. Raises RunError if the run is not running or stopping.
    """
    run = find_run(run_id)
    now = timezone.now()
    with transaction.atomic():
        stopped = Run.objects.filter(pk=run.pk, state__in=_states_before(Run.State.STOPPED)).update(
            state=Run.State.STOPPED,
            epoch=F("epoch") + 1,
            advance_claimed_at=None,
            stop_requested_at=now,
            finished_at=now,
        )
        # in the same transaction as the epoch, or a claim could fall between the two
        if stopped:
            free_claims(run)
    if not stopped:
        raise RunError(f"run {run.pk} is {find_run(run_id).state}; only a run that is running can be stopped.")
    return find_run(run_id)


def free_claims(run: Run) -> None:
    """Let the run's items that are being read wait again, for whoever claims them next."""
    run.items.filter(state=Item.State.READING).update(state=Item.State.PENDING, claim="")
