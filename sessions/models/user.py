"""What outlives a user's sessions: zone, what they are at work on, and who has taken over from the automation."""

from django.db import models
from django.db.models import F, Q


class ChatUser(models.Model):
    """A user of a front end. Ids of projects and tasks are the front end's too; empty when none was chosen.

    What was chosen counts until its moment passes: `context.context_of` reads it, nobody else compares times.
    """

    user_id = models.CharField("user id", max_length=200, help_text="the user's ID in the front end")
    zone = models.CharField(max_length=64, blank=True, help_text="IANA time zone; empty: the setting SESSION_ZONE")
    project_id = models.CharField("project", max_length=200, blank=True)
    project_until = models.DateTimeField("project valid until", null=True, blank=True)
    task_id = models.CharField("task", max_length=200, blank=True)
    task_until = models.DateTimeField("task valid until", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id"], name="one_row_per_chat_user"),
            models.CheckConstraint(condition=~Q(user_id=""), name="a_chat_user_has_an_id"),
            models.CheckConstraint(
                condition=Q(project_id="", project_until__isnull=True)
                | ~Q(project_id="") & Q(project_until__isnull=False),
                name="a_chosen_project_counts_until_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(task_id="", task_until__isnull=True) | ~Q(task_id="") & Q(task_until__isnull=False),
                name="a_chosen_task_counts_until_a_moment",
            ),
        ]
        ordering = ["user_id"]

    def __str__(self) -> str:
        return self.user_id


class ContextLoss(models.Model):
    """A user was at work on one thing and we thought it was another, or none. Each is a defect to look into."""

    class What(models.TextChoices):
        PROJECT = "project"
        TASK = "task"

    user_id = models.CharField("user id", max_length=200)
    session = models.ForeignKey("chat.Session", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    what = models.CharField(max_length=20, choices=What)
    expected = models.CharField(max_length=200, blank=True, help_text="what the front end showed the user")
    actual = models.CharField(max_length=200, blank=True, help_text="what was remembered")
    has_run_out = models.BooleanField(
        default=False, help_text="the remembered one had expired; this is normal and not counted"
    )
    noticed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "context losses"
        constraints = [
            models.CheckConstraint(condition=~Q(expected=F("actual")), name="a_context_loss_is_a_difference"),
        ]
        indexes = [
            # metrics of a window; retention, from the other end; the admin's list
            models.Index(fields=["-noticed_at"], name="context_losses_by_time"),
        ]
        ordering = ["-noticed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.what} {self.expected or 'none'} of {self.user_id} was {self.actual or 'none'}"


class Takeover(models.Model):
    """A person answers a user instead of the automation, until it is released or its time is over.

    One without a person waits for one: a session of the user was escalated, and nobody has come yet. One that stands
    has no `ended_at`. It holds back the automation while `until` lies ahead; housekeeping ends it afterwards.
    """

    class EndedReason(models.TextChoices):
        RELEASED = "released"
        TIME_OVER = "time_over"

    user_id = models.CharField("user id", max_length=200)
    taken_by = models.CharField(max_length=200, blank=True, help_text="who is answering; empty: nobody yet")
    taken_at = models.DateTimeField()
    until = models.DateTimeField(help_text="when the automation takes over again by itself")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True, help_text="who released it; empty: it expired")
    ended_reason = models.CharField(max_length=20, choices=EndedReason, blank=True)

    class Meta:
        constraints = [
            # takeover.take_over: what its ON CONFLICT names
            models.UniqueConstraint(
                fields=["user_id"], condition=Q(ended_at__isnull=True), name="one_standing_takeover_per_user"
            ),
            models.CheckConstraint(condition=~Q(user_id=""), name="a_takeover_names_its_user"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_reason="", ended_by="")
                | Q(ended_at__isnull=False, ended_reason="time_over", ended_by="")
                | Q(ended_at__isnull=False, ended_reason="released") & ~Q(ended_by=""),
                name="a_takeover_stands_or_says_who_ended_it",
            ),
        ]
        indexes = [
            # the admin's list; one user's history
            models.Index(fields=["-taken_at"], name="takeovers_by_time"),
            # the health page
            models.Index(
                fields=["taken_at"],
                condition=Q(ended_at__isnull=True, taken_by=""),
                name="users_who_wait_for_a_person",
            ),
        ]
        ordering = ["-taken_at", "-id"]

    def __str__(self) -> str:
        return f"takeover of {self.user_id} by {self.taken_by or 'nobody yet'}"
