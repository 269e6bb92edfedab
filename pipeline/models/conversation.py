"""What people said, kept version by version so that a grown thread never breaks old evidence."""

from django.db import models
from django.utils.dateparse import parse_datetime

from pipeline.models.run import Run, Source


class Conversation(models.Model):
    """One thread, chapter or page of a source; its text lives in versions."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="conversations")
    external_id = models.CharField(max_length=200, help_text="its ID in the source")
    customer = models.CharField(max_length=200, blank=True, help_text="empty: unknown, counted as a separate customer")
    occurred_at = models.DateTimeField(help_text="when it started")
    occurred_at_is_import_time = models.BooleanField(default=False, help_text="the source has no time")
    url = models.CharField(max_length=2000, blank=True)
    label = models.CharField(max_length=200, blank=True, help_text="the group a person put it in, for evaluation")
    metadata = models.JSONField(default=dict, blank=True)
    classified_at = models.DateTimeField(null=True, blank=True, help_text="when another system classified it")
    current_version = models.ForeignKey(
        "pipeline.ConversationVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    first_run = models.ForeignKey(
        Run, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="never changed once set"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], name="one_conversation_per_source_and_external_id"
            )
        ]
        indexes = [
            # plan.plan_items: a window of a source, oldest first
            models.Index(fields=["source", "occurred_at", "id"], name="conversations_by_time"),
        ]

    def __str__(self) -> str:
        return self.external_id


class ConversationVersion(models.Model):
    """The text of a conversation as it stood once. Rows are added, never changed; text may be erased for good.

    A message of a book also has its `unit` (the verse `3:12`) and its `language`.
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="versions")
    content_hash = models.CharField(max_length=64, help_text="sha256 of the messages")
    messages = models.JSONField(help_text="a list of {role, author, text, created_at}, in order")
    stored_at = models.DateTimeField()
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="since when its text is gone: a customer asked, or it was kept long enough"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "content_hash"], name="one_version_per_conversation_and_content"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.pk}"

    @property
    def text(self) -> str:
        """All messages joined by newlines; evidence offsets count characters of this text."""
        return "\n".join(message["text"] for message in self.messages)

    @property
    def turns(self) -> list[dict[str, object]]:
        """The messages with their times parsed, for screens."""
        return [{**message, "at": parse_datetime(message.get("created_at") or "")} for message in self.messages]
