"""Files that people brought through the page New run, and what became of their rows."""

import uuid

from django.conf import settings
from django.db import models

from pipeline.models.run import Run


class Upload(models.Model):
    """One file that a person uploaded; it lies in the uploads' folder under its token until it is a week old."""

    token = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, help_text="as the person's machine called it")
    size = models.PositiveBigIntegerField(help_text="bytes")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="uploads")
    imported = models.CharField(max_length=200, blank=True, help_text="what became of its rows, in words")
    rejects = models.JSONField(
        default=list, blank=True, help_text="the first rejected rows, as {line, unit, reason, raw}"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token"], name="one_upload_per_token"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name
