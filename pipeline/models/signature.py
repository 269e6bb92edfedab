"""The canonical names of problems, and the record of which names mean the same."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from psqlextra.models import PostgresModel

from pipeline.models.run import Run


class Registry(models.Model):
    """One row a profile. `version` counts the changes of its signatures: who computed on an older one starts over."""

    profile = models.CharField(max_length=50, primary_key=True)
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "registries"

    def __str__(self) -> str:
        return f"{self.profile} {self.version}"


class Signature(PostgresModel):
    """The canonical name of one problem.

    A signature that was merged into another keeps its row and its own themes; what counts for stories is its root
    (`SignatureRoot`). Roots carry the sum of their themes' vectors: later themes are matched against its direction.
    """

    profile = models.CharField(max_length=50)
    key = models.CharField(max_length=200, help_text="snake_case")
    normal_form = models.CharField(max_length=200, help_text="what spelling twins of the key share")
    created_at = models.DateTimeField()
    created_run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="signatures")
    vector_model = models.CharField(max_length=100, blank=True)
    vector_sum = models.BinaryField(null=True, blank=True, help_text="float32, of all its themes; roots only")
    size = models.PositiveIntegerField(default=0, help_text="how many vectors were added up")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["profile", "key"], name="one_signature_per_profile_and_key"),
            models.UniqueConstraint(fields=["profile", "normal_form"], name="one_signature_for_all_spelling_twins"),
        ]

    def __str__(self) -> str:
        return self.key


class Merge(models.Model):
    """A decision that the child means the same as the parent: an edge of a forest, whose roots are derived."""

    child = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="merges")
    parent = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="merged_children")
    rule = models.CharField(max_length=50)
    rule_version = models.CharField(max_length=50)
    score = models.FloatField(help_text="cosine between the child's centre and the group's")
    reason = models.TextField()
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="merges")
    registry_version = models.PositiveBigIntegerField(help_text="which change of the registry recorded it")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["child"], condition=Q(undone_at__isnull=True), name="one_standing_merge_per_signature"
            ),
            models.CheckConstraint(condition=~Q(child=F("parent")), name="no_signature_is_its_own_parent"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.child} into {self.parent}"


class SignatureRoot(models.Model):
    """For each signature the one it means in the end: a view over the standing merges, itself if there are none."""

    signature = models.OneToOneField(
        Signature, primary_key=True, on_delete=models.DO_NOTHING, related_name="root_link", db_column="signature_id"
    )
    root = models.ForeignKey(Signature, on_delete=models.DO_NOTHING, related_name="leaf_links", db_column="root_id")

    class Meta:
        managed = False
        db_table = "pipeline_signature_root"

    def __str__(self) -> str:
        return f"{self.signature} is {self.root}"
