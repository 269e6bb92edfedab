"""Programs that call the API: what each token may be used for, and which of their writes were answered already."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class ApiToken(models.Model):
    """Lets a program call the HTTP API. The token itself is shown once, when it is made; kept is its digest.

    One that counts has no `revoked_at`, its `expires_at` has not come, and the person it acts for, if any, is active.
    """

    class Scope(models.TextChoices):
        READ = "read", "read stories, orphans, conversations, runs, companies"
        REVIEW = "review", "decide about stories, orphans, signatures and companies"
        IMPORT = "import", "upload files and import them"
        OPERATE = "operate", "start, stop, resume and salvage runs"
        CHAT_READ = "chat_read", "read messages, sessions and takeovers"
        CHAT_WRITE = "chat_write", "send messages, end sessions, take over"
        METRICS = "metrics", "read the metrics"

    CHANGES = (Scope.REVIEW, Scope.IMPORT, Scope.OPERATE)
    """What is recorded with the person who did it: a token for these acts for somebody."""

    CHAT = (Scope.CHAT_READ, Scope.CHAT_WRITE, Scope.METRICS)
    """What the front end of a chat needs."""

    name = models.CharField(max_length=200, help_text="the program that uses it")
    handle = models.CharField(max_length=16, help_text="the first part of the token, used to find its row; not secret")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the whole token, in hexadecimal")
    scopes = ArrayField(
        models.CharField(max_length=20, choices=Scope.choices), help_text="what it can be used for; one or several"
    )
    acts_for = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="api_tokens",
        help_text="in whose name it decides; it may do nothing that this person may not. Empty: it changes nothing",
    )  # fmt: skip
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200, blank=True, help_text="empty: by a command")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="when it expires; empty: never")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=200, blank=True, help_text="empty: by a command")

    class Meta:
        verbose_name = "API token"
        constraints = [
            # access.find_token
            models.UniqueConstraint(fields=["handle"], name="one_token_per_handle"),
            # access.make_token, revoke_token
            models.UniqueConstraint(
                fields=["name"], condition=Q(revoked_at__isnull=True), name="one_counting_token_per_name"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="a_token_names_its_program"),
            models.CheckConstraint(
                condition=~Q(scopes=[])
                & Q(
                    scopes__contained_by=[
                        "read",
                        "review",
                        "import",
                        "operate",
                        "chat_read",
                        "chat_write",
                        "metrics",
                    ]
                ),
                name="a_token_may_be_used_for_something_known",
            ),
            models.CheckConstraint(
                condition=~Q(scopes__overlap=["review", "import", "operate"]) | Q(acts_for__isnull=False),
                name="a_token_that_changes_things_acts_for_somebody",
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
        """Return whether it may be used at this moment. Looks at the person it acts for."""
        is_theirs = self.acts_for is None or self.acts_for.is_active
        return is_theirs and self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class KeyedWrite(models.Model):
    """A write that a program sent under an idempotency key, and how it was answered: the same key does nothing again.

    One without an answer is being done, or broke off without anybody knowing how far it came. Answers hold no text of
    conversations; rows go after a day.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200, help_text="the program's own word for this write")
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, address and body: another one is refused")
    begun_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="of the answer; empty: none yet")
    answer = models.TextField(blank=True, help_text="its body, as it was sent")

    class Meta:
        constraints = [
            # what the INSERT of web.api.once runs into when a key comes a second time
            models.UniqueConstraint(fields=["token", "key"], name="one_write_per_token_and_key"),
            models.CheckConstraint(condition=~Q(key=""), name="a_keyed_write_has_a_key"),
            models.CheckConstraint(
                condition=Q(status__isnull=False) | Q(answer=""), name="an_answer_to_a_keyed_write_has_a_status"
            ),
        ]
        indexes = [
            # once._forget_old: those whose day is over
            models.Index(fields=["begun_at"], name="keyed_writes_by_age"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.key} of {self.token_id}"
