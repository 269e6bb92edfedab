"""Live chats: who talks to us now, and how every earlier talk ended."""

from django.db import models
from django.db.models import Q


class Session(models.Model):
    """One user's chat, from the first message until it ends; a user has at most one that is active.

    Rows are opened by `chat.open_session`, one statement that also expires what is out of date. Every other change is
    a guarded update in `chat.py`: filter on `active`, update, look at the count.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        ENDED = "ended"
        ESCALATED = "escalated"
        EXPIRED = "expired"

    class Reason(models.TextChoices):
        """Why it is no longer active; each belongs to one state (REASONS)."""

        IDLE = "idle"
        END_OF_DAY = "end_of_day"
        MAX_AGE = "max_age"
        USER_REQUEST = "user_request"
        SUPERSEDED = "superseded"
        DUPLICATE_CLEANUP = "duplicate_cleanup"
        ESCALATED = "escalated"

    REASONS = {
        State.EXPIRED: (Reason.IDLE, Reason.END_OF_DAY, Reason.MAX_AGE),
        State.ENDED: (Reason.USER_REQUEST, Reason.SUPERSEDED, Reason.DUPLICATE_CLEANUP),
        State.ESCALATED: (Reason.ESCALATED,),
    }

    user_id = models.CharField("user id", max_length=200, help_text="the user's ID in the front end")
    zone = models.CharField(
        max_length=64,
        default="UTC",
        help_text="the user's time zone at the latest message, used for the end of the day",
    )
    state = models.CharField(max_length=20, choices=State, default=State.ACTIVE)
    started_at = models.DateTimeField(help_text="time of the first message")
    last_message_at = models.DateTimeField(help_text="time of the latest message; never moves back")
    reuse_count = models.PositiveIntegerField(default=0, help_text="how many messages reused this session")
    reply_count = models.PositiveIntegerField(default=0, help_text="how many messages were sent to the user in it")
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="when it stopped being active; for an expired session, when that was noticed"
    )
    ended_reason = models.CharField(max_length=20, choices=Reason, blank=True)

    class Meta:
        constraints = [
            # chat.open_session: what its ON CONFLICT names. It also lists the active sessions, of which there are few
            models.UniqueConstraint(
                fields=["user_id"], condition=Q(state="active"), name="one_active_session_per_user"
            ),
            models.CheckConstraint(
                condition=Q(state="active", ended_at__isnull=True, ended_reason="")
                | Q(ended_at__isnull=False)
                & (
                    Q(state="expired", ended_reason__in=["idle", "end_of_day", "max_age"])
                    | Q(state="ended", ended_reason__in=["user_request", "superseded", "duplicate_cleanup"])
                    | Q(state="escalated", ended_reason="escalated")
                ),
                name="a_session_is_active_or_says_when_and_why_it_ended",
            ),
            models.CheckConstraint(condition=~Q(user_id=""), name="a_session_names_its_user"),
        ]
        # No index has last_message_at: it changes with every message, and without one that stays a cheap (HOT) update
        indexes = [
            # the admin's list, newest first; the metrics of a window; retention, from the other end
            models.Index(fields=["-started_at", "-id"], name="sessions_by_start"),
            # one user's history: the admin's search, the API; rapid creates
            models.Index(fields=["user_id", "-started_at"], name="sessions_by_user_and_start"),
        ]
        ordering = ["-started_at", "-id"]

    def __str__(self) -> str:
        return f"session {self.pk} of {self.user_id}"

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE
