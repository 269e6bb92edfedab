"""Guided progress updates: a user picks a task, sends photos, comments, and completes it."""

from django.db import models
from django.db.models import Q


class ProgressUpdate(models.Model):
    """One guided update of one task by one user; open until it says when and why it was closed. Never deleted.

    Counters change only by guarded updates in `progress.py`, so that two photos at once count two.
    """

    class Step(models.TextChoices):
        CHOOSE_TASK = "choose_task"
        PHOTO = "photo"
        COMMENT = "comment"
        COMPLETE = "complete"

    class ClosedReason(models.TextChoices):
        COMPLETED = "completed"
        OTHER_TASK = "other_task"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    user_id = models.CharField("user id", max_length=200)
    project_id = models.CharField("project", max_length=200, blank=True)
    task_id = models.CharField(
        "task", max_length=200, blank=True, help_text="empty while the user is being asked for it"
    )
    step = models.CharField(max_length=20, choices=Step, help_text="what the user is being asked for")
    images_uploaded = models.PositiveIntegerField(default=0)
    comments_added = models.PositiveIntegerField(default=0)
    status_changed = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField()
    last_change_at = models.DateTimeField(help_text="it expires two hours after this time")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=20, choices=ClosedReason, blank=True)

    class Meta:
        constraints = [
            # progress.open_update: what its ON CONFLICT names; housekeeping lists the open ones by it
            models.UniqueConstraint(
                fields=["user_id"], condition=Q(closed_at__isnull=True), name="one_open_update_per_user"
            ),
            models.CheckConstraint(condition=~Q(user_id=""), name="an_update_names_its_user"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_reason="")
                | Q(closed_at__isnull=False) & ~Q(closed_reason=""),
                name="an_update_is_open_or_says_when_and_why_it_closed",
            ),
            models.CheckConstraint(
                condition=Q(task_id="", step="choose_task") | ~Q(task_id="") & ~Q(step="choose_task"),
                name="an_update_without_a_task_asks_for_it",
            ),
        ]
        indexes = [
            # one user's history in the admin and API
            models.Index(fields=["user_id", "-opened_at"], name="updates_by_user_and_opening"),
            # the admin's list; retention, from the other end
            models.Index(fields=["-opened_at", "-id"], name="updates_by_opening"),
        ]
        ordering = ["-opened_at", "-id"]

    def __str__(self) -> str:
        return f"progress update {self.pk} of {self.user_id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class ProgressTransition(models.Model):
    """What happened to a progress update, written in the same transaction. It outlives the update's row."""

    class What(models.TextChoices):
        OPENED = "opened"
        REOPENED = "reopened"
        TASK_CHOSEN = "task_chosen"
        STEP = "step"
        COUNTED = "counted"
        CLOSED = "closed"

    update = models.ForeignKey(
        ProgressUpdate, null=True, blank=True, on_delete=models.SET_NULL, related_name="transitions"
    )
    user_id = models.CharField("user id", max_length=200)
    task_id = models.CharField("task", max_length=200, blank=True)
    what = models.CharField(max_length=20, choices=What)
    detail = models.CharField(max_length=200, blank=True, help_text="the step, the reason, or what was counted")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # one user's log, also where the update is gone
            models.Index(fields=["user_id", "id"], name="transitions_by_user"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.what} {self.detail}".strip()
