"""A guided progress update's life: opened by an upsert, counted by guarded updates, closed and never deleted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Greatest

from sessions.chat.durations import lengths
from sessions.chat.expiry import check_aware
from sessions.chat.insert_once import claim
from sessions.chat.users import check_id
from sessions.models import ProgressTransition, ProgressUpdate

TRIES = 20
IS_OPEN = Q(closed_at__isnull=True)
Step = ProgressUpdate.Step
ClosedReason = ProgressUpdate.ClosedReason
What = ProgressTransition.What


class UpdateClosedError(Exception):
    """The progress update is closed, or its time is over."""


class UpdateBusyError(Exception):
    """Others kept opening updates of this user for other tasks. Nothing was written; try again."""


class Outcome(StrEnum):
    OPENED = "opened"
    REOPENED = "reopened"  # the same task, or none was named: progress is kept
    TASK_CHOSEN = "task_chosen"  # the open one was waiting for a task


@dataclass(frozen=True)
class OpenedUpdate:
    """What `open_update` found or made, and which one it closed for it."""

    update: ProgressUpdate
    outcome: Outcome
    closed_id: int | None = None


def open_progress(user_id: str, *, at: datetime) -> ProgressUpdate | None:
    """Return the user's open update, if its time is not over."""
    return _in_time(at).filter(user_id=user_id).first()


def open_update(*, user_id: str, at: datetime, task_id: str = "", project_id: str = "") -> OpenedUpdate:
    """Return the user's open update for the task, opening one if there is none.

    Without a task it is the open one, or a new one that asks for the task. For the task it is about, it keeps all
    progress; for another task the old one is closed and counters begin at nothing. Opens a transaction. Raises
    ValueError for unusable ids, and UpdateBusyError, which may be retried.
    """
    check_id(user_id, "user id")
    check_aware(at)
    for value, what in ((task_id, "task id"), (project_id, "project id")):
        if value:
            check_id(value, what)
    with transaction.atomic():
        closed_id = None
        # READ COMMITTED: another's row may appear between looking and inserting; then look again
        for _ in range(TRIES):
            found = ProgressUpdate.objects.select_for_update().filter(IS_OPEN, user_id=user_id).first()
            if found and not (reason := _out_of_place(found, task_id, at)):
                return _reopen(found, task_id, project_id, at, closed_id)
            if found and reason:
                _close(found, at, reason)
                closed_id = found.pk
            if update := _insert(user_id, project_id, task_id, at):
                return OpenedUpdate(update, Outcome.OPENED, closed_id)
        raise UpdateBusyError(f"No progress update could be opened for user {user_id} in {TRIES} tries. Try again.")


def count_progress(
    *, update_id: int, at: datetime, images: int = 0, comments: int = 0, status_changes: int = 0
) -> ProgressUpdate:
    """Add to the counters and return the update as it is then. Opens a transaction.

    Raises UpdateClosedError if it is closed or its time is over, ValueError if nothing is to be added, and
    ProgressUpdate.DoesNotExist.
    """
    added = {"images_uploaded": images, "comments_added": comments, "status_changed": status_changes}
    if min(added.values()) < 0 or not any(added.values()):
        raise ValueError(f"There is nothing to count in {added}. Pass a number above zero.")
    detail = ", ".join(f"{name} +{count}" for name, count in added.items() if count)
    return _change(
        update_id, at, What.COUNTED, detail, {name: F(name) + count for name, count in added.items() if count}
    )


def move_on(*, update_id: int, step: ProgressUpdate.Step, at: datetime) -> ProgressUpdate:
    """Ask the user for the next thing, and return the update as it is then. Opens a transaction.

    Raises UpdateClosedError, ValueError for `choose_task` and for an update that has no task yet (a task is chosen
    by `open_update`), and ProgressUpdate.DoesNotExist.
    """
    if step == Step.CHOOSE_TASK:
        raise ValueError("An update cannot go back to choosing a task. Open one for the other task instead.")
    with transaction.atomic():
        update = ProgressUpdate.objects.select_for_update().get(pk=update_id)
        if update.is_open and not update.task_id:
            raise ValueError(f"Progress update {update_id} has no task yet. Call open_update with the task first.")
        return _change(update_id, at, What.STEP, step, {"step": step})


def close_update(*, update_id: int, at: datetime, reason: ProgressUpdate.ClosedReason) -> bool:
    """Close the update; return whether this call did, False when it was closed. Opens a transaction.

    Raises ProgressUpdate.DoesNotExist.
    """
    with transaction.atomic():
        update = ProgressUpdate.objects.select_for_update().get(pk=update_id)
        if not update.is_open:
            return False
        _close(update, at, reason)
        return True


def close_stale_updates(*, at: datetime, limit: int) -> int:
    """Close at most so many updates whose time is over; return how many. Opens a transaction; waits for no lock."""
    with transaction.atomic():
        stale = ProgressUpdate.objects.filter(IS_OPEN, last_change_at__lt=at - lengths().progress).order_by("pk")
        found = list(stale.select_for_update(skip_locked=True)[:limit])
        for update in found:
            _close(update, at, ClosedReason.EXPIRED)
        return len(found)


# --- Inside a transaction -----------------------------------------------------------------------------------------


def _in_time(at: datetime) -> QuerySet[ProgressUpdate]:
    return ProgressUpdate.objects.filter(IS_OPEN, last_change_at__gte=at - lengths().progress)


def _out_of_place(update: ProgressUpdate, task_id: str, at: datetime) -> ProgressUpdate.ClosedReason | None:
    """Return why the open update has to make room for another, if it has."""
    if update.last_change_at < at - lengths().progress:
        return ClosedReason.EXPIRED
    return ClosedReason.OTHER_TASK if task_id and update.task_id not in ("", task_id) else None


def _reopen(update: ProgressUpdate, task_id: str, project_id: str, at: datetime, closed_id: int | None) -> OpenedUpdate:
    if task_id and not update.task_id:
        chosen = {"task_id": task_id, "project_id": project_id or update.project_id, "step": Step.PHOTO}
        _change(update.pk, at, What.TASK_CHOSEN, "", chosen)
        outcome = Outcome.TASK_CHOSEN
    else:
        _change(update.pk, at, What.REOPENED, "", {})
        outcome = Outcome.REOPENED
    update.refresh_from_db()
    return OpenedUpdate(update, outcome, closed_id)


def _insert(user_id: str, project_id: str, task_id: str, at: datetime) -> ProgressUpdate | None:
    """Return the new update; None if somebody else's got in the way since we looked."""
    columns = {"user_id": user_id, "project_id": project_id, "task_id": task_id, "opened_at": at, "last_change_at": at}
    step = Step.PHOTO if task_id else Step.CHOOSE_TASK
    update = claim(ProgressUpdate, unique=["user_id"], where=IS_OPEN, step=step, **columns)
    if update is not None:
        _log(update, What.OPENED, "", at)
    return update


def _change(
    update_id: int, at: datetime, what: ProgressTransition.What, detail: str, changes: dict[str, Any]
) -> ProgressUpdate:
    with transaction.atomic():
        latest = Greatest("last_change_at", Value(at))
        changed = _in_time(at).filter(pk=update_id).update(last_change_at=latest, **changes)
        update = ProgressUpdate.objects.get(pk=update_id)
        if not changed:
            why = f"closed ({update.closed_reason})" if update.closed_at else "expired"
            raise UpdateClosedError(f"Progress update {update_id} is {why}. Open one for the task with open_update.")
        _log(update, what, detail, at)
        return update


def _close(update: ProgressUpdate, at: datetime, reason: ProgressUpdate.ClosedReason) -> None:
    """`update` is locked and open."""
    ProgressUpdate.objects.filter(pk=update.pk).update(
        closed_at=Greatest("last_change_at", Value(at)), closed_reason=reason
    )
    _log(update, What.CLOSED, reason, at)


def _log(update: ProgressUpdate, what: ProgressTransition.What, detail: str, at: datetime) -> None:
    ProgressTransition.objects.create(
        update=update, user_id=update.user_id, task_id=update.task_id, what=what, detail=detail, at=at
    )
