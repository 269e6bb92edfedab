"""The record of runs whose themes were assigned anew."""

from django.conf import settings
from django.db import models

from pipeline.models.run import Run


class Regroup(models.Model):
    """A run's themes were assigned anew, by other rules: the ledger's entry that says which, when and why."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="regroups")
    rules_before = models.CharField(max_length=100, help_text="version of the rules whose result this replaced")
    rules = models.CharField(max_length=100, help_text="version of the rules that reassigned the themes")
    registry_version = models.PositiveBigIntegerField(help_text="which change of the registry this was")
    themes = models.PositiveIntegerField(help_text="how many were reassigned")
    pairs_joined = models.PositiveBigIntegerField(help_text="pairs of themes that are together only since")
    pairs_split = models.PositiveBigIntegerField(help_text="pairs of themes that were together only before")
    reason = models.TextField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.run} by {self.rules}"
