"""The record of every pass over the themes of a profile, and of the themes that it moved between signatures."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from pipeline.models.run import Run
from pipeline.models.signature import Signature
from pipeline.models.theme import Theme


class MergePass(models.Model):
    """One grouping of the themes of a profile: what kind it was, who or what asked for it, and what it changed."""

    class Kind(models.TextChoices):
        JOIN = "join", "new themes joined the existing groups"
        CONSOLIDATION = "consolidation", "all themes were regrouped"

    profile = models.CharField(max_length=50)
    run = models.ForeignKey(
        Run,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="passes",
        help_text="the run whose merge this was",
    )
    kind = models.CharField(max_length=20, choices=Kind)
    rules = models.CharField(max_length=100, help_text="version of the rules that grouped the themes")
    strict = models.BooleanField(
        default=False, db_default=False, help_text="whether what only loosely fits a story was kept outside"
    )
    registry_version = models.PositiveBigIntegerField(help_text="which change of the registry this was")
    theme_count = models.PositiveIntegerField(help_text="how many themes were covered")
    new_count = models.PositiveIntegerField(help_text="how many of them were new")
    moved_count = models.PositiveIntegerField(help_text="how many moved from one signature to another")
    reason = models.TextField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "merge passes"
        ordering = ["id"]
        constraints = [
            # a second pass on the same version is refused by the database, whoever forgot the lock
            models.UniqueConstraint(fields=["profile", "registry_version"], name="one_pass_per_registry_version"),
            models.CheckConstraint(
                condition=Q(new_count__lte=F("theme_count")), name="a_pass_has_no_more_new_themes_than_themes"
            ),
        ]

    def __str__(self) -> str:
        return f"pass {self.pk} over {self.profile}"


class Reassignment(models.Model):
    """A theme that a pass took from one signature to another, and why. People's own decisions are `Move`."""

    merge_pass = models.ForeignKey(MergePass, on_delete=models.CASCADE, related_name="reassignments")
    theme = models.ForeignKey(Theme, on_delete=models.CASCADE, related_name="reassignments")
    source = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merge_pass", "theme"], name="one_reassignment_per_pass_and_theme"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="a_reassignment_leads_elsewhere"),
        ]

    def __str__(self) -> str:
        return f"{self.theme} from {self.source} to {self.target}"
