"""What was erased at a customer's request: the record of it, and how it is recognised if it is brought again."""

from enum import StrEnum

from django.conf import settings
from django.db import models


class Fate(StrEnum):
    """What becomes of what a column holds when a customer is erased."""

    EMPTIED = "emptied in the rows that are the customer's, or made again from those of others"
    HIDDEN = "searched in every row, and what quotes or names the customer is hidden"
    OURS = "our own words, codes, hashes, times and settings: nothing that a customer said can get there"
    OPERATORS = "what operators name and configure: left, and listed after an erasure if the name stands in it"


class Erasure(models.Model):
    """One request of a customer that was met: who met it, when, and how many rows lost their text. Never the text."""

    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    operator = models.CharField(
        max_length=200, blank=True, help_text="account on the machine that ran the command; empty if done on a page"
    )
    counts = models.JSONField(default=dict, help_text="number of rows by kind: conversations, quotes, messages ...")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class ErasedMark(models.Model):
    """Recognises what was erased when an import brings it again, without saying what it was."""

    class Kind(models.TextChoices):
        CONVERSATION = "conversation"  # a conversation's id in its source
        CUSTOMER = "customer"  # a customer, in whatever source

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="marks")
    kind = models.CharField(max_length=20, choices=Kind)
    digest = models.CharField(max_length=64, help_text="HMAC-SHA256 under SECRET_KEY, in hexadecimal")

    class Meta:
        constraints = [
            # sources.erased._marked
            models.UniqueConstraint(fields=["kind", "digest"], name="one_mark_per_erased_thing"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.erasure}"
