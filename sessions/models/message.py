"""What was said in a session, by the user and to the user."""

from django.db import models
from django.db.models import Q

from sessions.models.session import Session


class Message(models.Model):
    """One thing said. A user's message is claimed by the sender's id of it (`key`): whoever inserts the row, wins.

    What a user's message awaits stands in `state`; ours are SAID. `shown` is what the user could choose from after
    this message, in the order it was shown: a list of {key, label, value}.
    """

    class Role(models.TextChoices):
        CUSTOMER = "customer"
        BOT = "bot"
        AGENT = "agent"

    class State(models.TextChoices):
        RECEIVED = "received"  # the automation will answer
        ANSWERED = "answered"
        HELD = "held"  # a person has taken over and reads it; the automation never answers it
        FAILED = "failed"  # the automation could not answer
        SAID = "said"  # ours: awaits nothing

    session = models.ForeignKey(
        Session,
        null=True,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,
        help_text="empty only inside the transaction that claims the message before it opens the session",
    )
    user_id = models.CharField("user id", max_length=200)
    key = models.CharField(max_length=200, blank=True, help_text="the sender's ID for it; empty for our own messages")
    role = models.CharField(max_length=20, choices=Role)
    author = models.CharField(
        max_length=200, blank=True, help_text="the person who wrote it; empty for the user and the automation"
    )
    text = models.TextField(blank=True)
    image_urls = models.JSONField(default=list, blank=True)
    shown = models.JSONField(default=list, blank=True, help_text="the choices offered: a list of {key, label, value}")
    in_reply_to = models.ForeignKey(
        "chat.Message", null=True, blank=True, on_delete=models.CASCADE, related_name="replies", db_index=False
    )
    state = models.CharField(max_length=20, choices=State)
    try_count = models.PositiveSmallIntegerField(default=0, help_text="how often the automation started to answer")
    error = models.TextField(blank=True, help_text="why the automation could not answer")
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [
            # messages.receive and say: what their ON CONFLICT names
            models.UniqueConstraint(fields=["user_id", "key"], condition=~Q(key=""), name="one_message_per_key"),
            # messages.reply updates the state first, so only one gets here; and this is why it may rely on that
            models.UniqueConstraint(
                fields=["in_reply_to"], condition=Q(in_reply_to__isnull=False), name="one_reply_per_message"
            ),
            models.CheckConstraint(
                condition=Q(role="customer", author="", state__in=["received", "answered", "held", "failed"])
                & ~Q(key="")
                | Q(role__in=["bot", "agent"], state="said"),
                name="a_users_message_has_a_key_and_awaits_something",
            ),
            models.CheckConstraint(condition=Q(state="failed") | Q(error=""), name="a_failed_message_says_why"),
        ]
        indexes = [
            # messages.history_of_session, what was shown last; the source `chats`
            models.Index(fields=["session", "id"], name="messages_of_a_session"),
            # messages.history_of_user
            models.Index(fields=["user_id", "-id"], name="messages_of_a_user"),
            # answers.answer_user and users_who_wait; the health page counts them
            models.Index(fields=["user_id", "id"], condition=Q(state="received"), name="messages_that_wait"),
            # the health page
            models.Index(fields=["-id"], condition=Q(state="failed"), name="messages_that_failed"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"message {self.pk} of {self.user_id}"

    @property
    def awaits_an_answer(self) -> bool:
        return self.state == self.State.RECEIVED
