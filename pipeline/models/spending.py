"""What reading with a language model may cost, and what the model behind an address can do."""

from django.db import models
from django.db.models import Q

from pipeline.models.judgement import Judgement
from pipeline.models.run import Item, Run


class Endpoint(models.Model):
    """A language model behind an address, and what it was found to be able to do when it was asked something tiny."""

    base_url = models.CharField(max_length=500)
    model = models.CharField(max_length=100)
    abilities = models.JSONField(help_text="which request options it supports; see extract.llm.abilities")
    probed_at = models.DateTimeField(help_text="when this was determined")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["base_url", "model"], name="one_endpoint_per_address_and_model"),
        ]
        ordering = ["base_url", "model"]

    def __str__(self) -> str:
        return f"{self.model} at {self.base_url}"


class Budget(models.Model):
    """What a run may spend at most and what it has spent; a run without a row may spend what it needs."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.CASCADE, related_name="budget")
    most_cost = models.DecimalField(null=True, blank=True, max_digits=16, decimal_places=9, help_text="US dollars")
    most_tokens = models.PositiveBigIntegerField(null=True, blank=True, help_text="input and output")
    spent_cost = models.DecimalField(max_digits=16, decimal_places=9, default=0)
    spent_tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(most_cost__isnull=False) | Q(most_tokens__isnull=False), name="a_budget_has_a_limit"
            ),
        ]

    def __str__(self) -> str:
        return f"budget of run {self.run_id}"


class Batch(models.Model):
    """The questions of a chunk that are handed to the provider in one file, and what it refused of them.

    The row is there before anything is sent, and learns the file before the batch is ordered: whatever dies in between
    leaves a row by which the order is found at the provider (`extract.llm.batching.collect`).
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="batches")
    chunk = models.PositiveIntegerField()
    claim = models.CharField(
        max_length=64, db_default="", help_text="the delivery that sends it; while it lives nobody looks for it"
    )
    file_id = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="the provider's ID for the file of questions"
    )
    remote_id = models.CharField(
        max_length=200, blank=True, help_text="the provider's ID for the batch; empty until it was accepted"
    )
    requests = models.JSONField(help_text="by call-ID, the call it becomes: item, request hash, step, unit, bytes")
    faults = models.JSONField(help_text="requests refused permanently: a list of item, step, unit, status and body")
    made_at = models.DateTimeField()
    looked_at = models.DateTimeField(
        null=True, blank=True, help_text="when its status was last requested from the provider"
    )
    settled_at = models.DateTimeField(null=True, blank=True, help_text="when its answers were stored as calls")

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(
                fields=["run", "chunk"], condition=Q(settled_at__isnull=True), name="one_batch_under_way_per_chunk"
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk} of run {self.run_id}"


class LeftFile(models.Model):
    """A file of ours at a provider that nobody needs any more; the row is deleted when the file is.

    The questions and answers of a batch are what conversations say: they should not stay where they were sent. The row
    is written in the transaction that is done with the file, so that a delete that fails is tried again, whatever
    became of the run.
    """

    base_url = models.CharField(max_length=500)
    file_id = models.CharField(max_length=200, help_text="the provider's ID for it")
    left_at = models.DateTimeField(help_text="when it was no longer needed")
    tried_at = models.DateTimeField(null=True, blank=True, help_text="when it was last tried to delete it")
    problem = models.TextField(blank=True, default="", db_default="", help_text="why that did not succeed")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["base_url", "file_id"], name="one_row_per_file_at_a_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.file_id} at {self.base_url}"


class Reservation(models.Model):
    """What a call that is under way may cost at most; deleted in the transaction that stores its answer."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="reservations")
    item = models.ForeignKey(Item, null=True, blank=True, on_delete=models.CASCADE, related_name="reservations")
    judgement = models.ForeignKey(
        Judgement, null=True, blank=True, on_delete=models.CASCADE, related_name="reservations"
    )
    claim = models.CharField(
        max_length=64, help_text="the delivery that reserved it; the reservation lapses if that worker dies"
    )
    cost = models.DecimalField(max_digits=16, decimal_places=9)
    tokens = models.PositiveBigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(item__isnull=False) ^ Q(judgement__isnull=False),
                name="a_reservation_is_for_an_item_or_a_judgement",
            ),
        ]

    def __str__(self) -> str:
        return f"reservation {self.pk} of budget {self.budget_id}"
