"""What people and rules did and may undo: it stands until then, and both are kept with who and when."""

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
        ]

    @property
    def stands(self) -> bool:
        return self.undone_at is None
