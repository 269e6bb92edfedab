"""Files that people and programs uploaded, and what became of their rows."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from pipeline.models.run import Run, Source


class Upload(models.Model):
    """One file that somebody uploaded; it lies in the uploads' folder under its token until it is a week old."""

    class State(models.TextChoices):
        ARRIVING = "arriving"  # in pieces, of which some are here
        KEPT = "kept"
        IMPORTING = "importing"  # a worker stores its conversations, or will
        IMPORTED = "imported"  # and no run was asked for
        STARTED = "started"
        FAILED = "failed"

    token = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, help_text="the file name on the person's machine")
    size = models.PositiveBigIntegerField(help_text="bytes that are here")
    whole_size = models.PositiveBigIntegerField(default=0, help_text="bytes it will have; 0: it came at once")
    state = models.CharField(max_length=10, choices=State, default=State.KEPT)
    error = models.TextField(blank=True, help_text="why it could not be imported")
    row_count = models.PositiveBigIntegerField(default=0, help_text="rows read until now, while it is imported")
    choice = models.JSONField(
        default=dict, blank=True, help_text="how it is to be imported, and what run is wanted of it, if any"
    )
    sent_at = models.DateTimeField(null=True, blank=True, help_text="when a worker was last asked to import it")
    heartbeat_at = models.DateTimeField(
        null=True, blank=True, help_text="the last sign of life of the worker that imports it; empty: none has begun"
    )
    look = models.JSONField(
        null=True,
        blank=True,
        help_text="what a worker recognised it as: {asked, found, problem}; empty: none looked",
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="uploads")
    source = models.ForeignKey(
        Source, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="where its rows went"
    )
    counts = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="rows by what became of them: new, updated, unchanged, rejected",
    )
    imported = models.CharField(max_length=200, blank=True, help_text="the outcome for its rows, in words")
    rejects = models.JSONField(
        default=list, blank=True, help_text="the first rejected rows, as {line, unit, reason, raw}"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token"], name="one_upload_per_token"),
            models.CheckConstraint(
                condition=Q(state="failed") ^ Q(error=""), name="an_upload_says_why_exactly_if_it_failed"
            ),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name
