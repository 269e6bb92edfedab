"""What people, rules and language models did and people may undo: it stands until then; both are kept, who and when."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Undoable(models.Model):
    """Stands until it is undone; no row is deleted by that.

    `undone_by` stays empty where a rule ended what a rule had done: only a person's undoing is a decision.
    """

    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor = models.CharField(
        max_length=120, blank=True, db_default="",
        help_text="model:NAME where a language model decided; empty: a person did, or a rule",
    )  # fmt: skip
    judgement = models.ForeignKey(
        "pipeline.Judgement", null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="the answer by which a language model decided",
    )  # fmt: skip
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        abstract = True
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(undone_by__isnull=True) | Q(undone_at__isnull=False),
                name="a_%(class)s_undone_by_someone_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(actor="") | Q(created_by__isnull=True), name="a_%(class)s_is_by_a_person_or_a_model"
            ),
        ]

    @property
    def stands(self) -> bool:
        return self.undone_at is None
