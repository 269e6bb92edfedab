"""Front ends: who may call the HTTP API, and what they are told by webhook."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from sessions.models.message import Message


class ApiToken(models.Model):
    """Lets a program call the HTTP API. The token itself is shown once, when it is made; kept is its digest.

    One that counts has no `revoked_at`, and its `expires_at` has not come.
    """

    class Scope(models.TextChoices):
        READ = "read", "read messages, sessions and takeovers"
        WRITE = "write", "send messages, end sessions, take over"
        METRICS = "metrics", "read the metrics"

    name = models.CharField(max_length=200, help_text="the front end that uses it")
    handle = models.CharField(max_length=16, help_text="the first part of the token, used to find its row; not secret")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the whole token, in hexadecimal")
    scopes = ArrayField(
        models.CharField(max_length=20, choices=Scope.choices), help_text="what it can be used for; one or several"
    )
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200, blank=True, help_text="empty: by a command")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="when it expires; empty: never")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=200, blank=True, help_text="empty: by a command")

    class Meta:
        verbose_name = "API token"
        constraints = [
            # tokens.find_token
            models.UniqueConstraint(fields=["handle"], name="one_token_per_handle"),
            # tokens.make_token, revoke_token
            models.UniqueConstraint(
                fields=["name"], condition=Q(revoked_at__isnull=True), name="one_counting_token_per_name"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="a_token_names_its_front_end"),
            models.CheckConstraint(
                condition=~Q(scopes=[]) & Q(scopes__contained_by=["read", "write", "metrics"]),
                name="a_token_may_be_used_for_something_known",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("made_at")),
                name="a_token_expires_after_it_was_made",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=False) | Q(revoked_by=""), name="a_token_that_counts_has_no_revoker"
            ),
        ]
        ordering = ["name", "-made_at"]

    def __str__(self) -> str:
        return self.name

    def counts(self, at: datetime) -> bool:
        """Return whether it may be used at this moment."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class Delivery(models.Model):
    """Tells the front end by webhook what became of a message; made in the transaction that decides it.

    One that waits has neither `delivered_at` nor `given_up_at`, and is sent when `next_try_at` has come. Whoever sends
    it moves that moment first, so two do not send at once, and one who dies is followed by another.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    made_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    try_count = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="what went wrong in the latest attempt")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            # deliveries.announce: what its ON CONFLICT names
            models.UniqueConstraint(fields=["message"], name="one_delivery_per_message"),
            models.CheckConstraint(
                condition=Q(delivered_at__isnull=True) | Q(given_up_at__isnull=True),
                name="a_delivery_ends_once",
            ),
        ]
        indexes = [
            # webhooks.due_deliveries; the health page counts those that wait
            models.Index(
                fields=["next_try_at"],
                condition=Q(delivered_at__isnull=True, given_up_at__isnull=True),
                name="deliveries_that_wait",
            ),
            # the health page
            models.Index(fields=["given_up_at"], condition=Q(given_up_at__isnull=False), name="deliveries_given_up"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"delivery {self.pk} of {self.message_id}"
