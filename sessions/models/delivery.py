"""What front ends are told by webhook."""

from django.db import models
from django.db.models import Q

from sessions.models.message import Message


class Delivery(models.Model):
    """Tells the front end by webhook what became of a message; made in the transaction that decides it.

    One that waits has neither `delivered_at` nor `given_up_at`, and is sent when `next_try_at` has come. Whoever sends
    it moves that moment first, so two do not send at once, and one who dies is followed by another.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    made_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    try_count = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="what went wrong in the latest attempt")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            # deliveries.announce: what its ON CONFLICT names
            models.UniqueConstraint(fields=["message"], name="one_delivery_per_message"),
            models.CheckConstraint(
                condition=Q(delivered_at__isnull=True) | Q(given_up_at__isnull=True),
                name="a_delivery_ends_once",
            ),
        ]
        indexes = [
            # webhooks.due_deliveries; the health page counts those that wait
            models.Index(
                fields=["next_try_at"],
                condition=Q(delivered_at__isnull=True, given_up_at__isnull=True),
                name="deliveries_that_wait",
            ),
            # the health page
            models.Index(fields=["given_up_at"], condition=Q(given_up_at__isnull=False), name="deliveries_given_up"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"delivery {self.pk} of {self.message_id}"
