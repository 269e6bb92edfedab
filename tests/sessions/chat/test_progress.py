"""A guided progress update: one at a time for each user, nothing counted is lost."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError

from sessions.chat.progress import (
    OpenedUpdate,
    Outcome,
    UpdateClosedError,
    close_stale_updates,
    close_update,
    count_progress,
    move_on,
    open_progress,
    open_update,
)
from sessions.models import ProgressTransition, ProgressUpdate

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
Step = ProgressUpdate.Step
Closed = ProgressUpdate.ClosedReason


def opened(task_id: str = "t-1", at: datetime = NOON) -> OpenedUpdate:
    return open_update(user_id="alice", task_id=task_id, project_id="p-1", at=at)


def counters(update: ProgressUpdate) -> tuple[int, int, int]:
    return update.images_uploaded, update.comments_added, update.status_changed


def log() -> list[tuple[str, str, str]]:
    return list(ProgressTransition.objects.values_list("task_id", "what", "detail"))


def test_it_is_guided_from_the_task_to_its_completion() -> None:
    found = opened(task_id="")
    assert (found.outcome, found.update.step) == (Outcome.OPENED, Step.CHOOSE_TASK)
    found = opened(at=NOON + MINUTE)
    assert (found.outcome, found.update.step, found.update.task_id) == (Outcome.TASK_CHOSEN, Step.PHOTO, "t-1")
    pk = found.update.pk
    count_progress(update_id=pk, at=NOON + 2 * MINUTE, images=2)
    move_on(update_id=pk, step=Step.COMMENT, at=NOON + 3 * MINUTE)
    count_progress(update_id=pk, at=NOON + 4 * MINUTE, comments=1)
    move_on(update_id=pk, step=Step.COMPLETE, at=NOON + 5 * MINUTE)
    count_progress(update_id=pk, at=NOON + 6 * MINUTE, status_changes=1)
    assert close_update(update_id=pk, at=NOON + 7 * MINUTE, reason=Closed.COMPLETED)
    update = ProgressUpdate.objects.get()
    assert (counters(update), update.closed_at, update.step) == ((2, 1, 1), NOON + 7 * MINUTE, Step.COMPLETE)
    assert log() == [
        ("", "opened", ""),
        ("t-1", "task_chosen", ""),
        ("t-1", "counted", "images_uploaded +2"),
        ("t-1", "step", "comment"),
        ("t-1", "counted", "comments_added +1"),
        ("t-1", "step", "complete"),
        ("t-1", "counted", "status_changed +1"),
        ("t-1", "closed", "completed"),
    ]


def test_the_project_comes_with_the_task_that_is_chosen_later() -> None:
    open_update(user_id="alice", at=NOON)
    assert open_update(user_id="alice", task_id="t-1", project_id="p-1", at=NOON).update.project_id == "p-1"
    open_update(user_id="bob", project_id="p-2", at=NOON)
    assert open_update(user_id="bob", task_id="t-1", at=NOON).update.project_id == "p-2"


@pytest.mark.parametrize("task_id", ["t-1", ""])
def test_opening_the_same_task_again_keeps_progress(task_id: str) -> None:
    """The founding incident: a double click reset what had been collected."""
    first = opened().update
    count_progress(update_id=first.pk, at=NOON, images=3)
    again = opened(task_id, NOON + MINUTE)
    assert (again.outcome, again.update.pk, counters(again.update)) == (Outcome.REOPENED, first.pk, (3, 0, 0))
    assert again.update.last_change_at == NOON + MINUTE


def test_a_new_task_closes_the_old_one_and_begins_at_nothing() -> None:
    first = opened().update
    count_progress(update_id=first.pk, at=NOON, images=3)
    second = opened("t-2", NOON + MINUTE)
    assert (second.outcome, second.closed_id, counters(second.update)) == (Outcome.OPENED, first.pk, (0, 0, 0))
    first.refresh_from_db()
    assert (first.closed_reason, counters(first)) == (Closed.OTHER_TASK, (3, 0, 0))


def test_it_expires_two_hours_after_its_latest_change() -> None:
    first = opened().update
    count_progress(update_id=first.pk, at=NOON + HOUR, images=1)
    assert open_progress("alice", at=NOON + 3 * HOUR) == first
    assert open_progress("alice", at=NOON + 3 * HOUR + MINUTE) is None
    second = opened(at=NOON + 3 * HOUR + MINUTE)
    assert (second.outcome, second.closed_id, counters(second.update)) == (Outcome.OPENED, first.pk, (0, 0, 0))
    first.refresh_from_db()
    assert first.closed_reason == Closed.EXPIRED


def test_one_that_is_closed_or_out_of_time_counts_no_more() -> None:
    update = opened().update
    with pytest.raises(UpdateClosedError, match="is expired"):
        count_progress(update_id=update.pk, at=NOON + 3 * HOUR, images=1)
    close_update(update_id=update.pk, at=NOON, reason=Closed.CANCELLED)
    with pytest.raises(UpdateClosedError, match=r"closed \(cancelled\)"):
        count_progress(update_id=update.pk, at=NOON, images=1)
    with pytest.raises(UpdateClosedError, match=r"closed \(cancelled\)"):
        move_on(update_id=update.pk, step=Step.COMMENT, at=NOON)
    assert not close_update(update_id=update.pk, at=NOON, reason=Closed.COMPLETED)
    assert counters(ProgressUpdate.objects.get()) == (0, 0, 0)


def test_housekeeping_closes_what_is_out_of_time_in_batches() -> None:
    for number in range(3):
        open_update(user_id=f"user {number}", task_id="t-1", at=NOON)
    opened(at=NOON + 2 * HOUR)
    later = NOON + 2 * HOUR + MINUTE
    assert [close_stale_updates(at=later, limit=2) for _ in range(3)] == [2, 1, 0]
    assert ProgressUpdate.objects.get(closed_at=None).user_id == "alice"


def test_the_log_outlives_the_update() -> None:
    opened().update.delete()
    row = ProgressTransition.objects.get()
    assert (row.update, row.user_id, row.task_id, row.what) == (None, "alice", "t-1", "opened")


def test_a_late_message_moves_nothing_back() -> None:
    update = opened().update
    assert count_progress(update_id=update.pk, at=NOON - HOUR, images=1).last_change_at == NOON


def test_what_makes_no_sense_is_refused() -> None:
    update = opened("").update
    with pytest.raises(ValueError, match="nothing to count"):
        count_progress(update_id=update.pk, at=NOON)
    with pytest.raises(ValueError, match="nothing to count"):
        count_progress(update_id=update.pk, at=NOON, images=-1, comments=2)
    with pytest.raises(ValueError, match="no task yet"):
        move_on(update_id=update.pk, step=Step.PHOTO, at=NOON)
    with pytest.raises(ValueError, match="back to choosing a task"):
        move_on(update_id=update.pk, step=Step.CHOOSE_TASK, at=NOON)
    with pytest.raises(ProgressUpdate.DoesNotExist):
        count_progress(update_id=0, at=NOON, images=1)


def test_the_database_refuses_a_second_open_update() -> None:
    opened()
    with pytest.raises(IntegrityError, match="one_open_update_per_user"):
        ProgressUpdate.objects.create(
            user_id="alice", task_id="t-2", step=Step.PHOTO, opened_at=NOON, last_change_at=NOON
        )
