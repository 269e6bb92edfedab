"""What people tell the readers beforehand: the names a profile knows, and documents about the product."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from pipeline.models.conversation import Conversation
from pipeline.models.theme import Theme


class VocabularyVersion(models.Model):
    """One version of what a profile knows; rows are added, never changed, and the newest is used by new runs."""

    profile = models.CharField(max_length=50)
    number = models.PositiveIntegerField(help_text="counts the profile's versions from 1")
    content = models.JSONField(help_text="{entries, distinctions, areas}, as the command `vocabulary` writes them")
    is_strict = models.BooleanField(
        default=False, help_text="allow only known names; otherwise a reader may add new ones"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["profile", "number"], name="one_vocabulary_per_profile_and_number"),
            models.CheckConstraint(condition=Q(number__gte=1), name="vocabularies_count_from_one"),
        ]
        ordering = ["profile", "-number"]

    def __str__(self) -> str:
        return f"{self.profile} {self.number}"


class ContextDocument(models.Model):
    """A document about the product that a reader may consult; one that changed takes the place of the earlier one."""

    profile = models.CharField(max_length=50)
    name = models.CharField(max_length=200)
    area = models.CharField(max_length=200, blank=True, help_text="area of the product; empty: any")
    text = models.TextField()
    content_hash = models.CharField(max_length=64, help_text="sha256 of the text")
    stored_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["profile", "name"], name="one_document_per_profile_and_name")]
        ordering = ["profile", "name"]

    def __str__(self) -> str:
        return self.name


class ContextUsage(models.Model):
    """What a reader took from the documents for one theme, and what it looked for there and did not find."""

    theme = models.ForeignKey(Theme, on_delete=models.CASCADE, related_name="context_usage")
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="+")
    offered = models.JSONField(default=list, help_text="names of the documents that were given to the reader")
    used = models.JSONField(default=list, help_text="names of those the reader says it used")
    missing = models.CharField(
        max_length=300, blank=True, help_text="what is missing from the documents; empty: nothing"
    )

    class Meta:
        verbose_name_plural = "context usage"
        constraints = [models.UniqueConstraint(fields=["theme"], name="one_context_usage_per_theme")]

    def __str__(self) -> str:
        return f"context of {self.theme}"
