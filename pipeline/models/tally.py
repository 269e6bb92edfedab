"""Numbers that would take too long to count whenever somebody looks."""

from django.db import models


class Tally(models.Model):
    """One number of `/metrics` as it was counted last by a task of beat: a scrape reads it and counts nothing."""

    name = models.CharField(max_length=100, help_text="the metric")
    label = models.CharField(max_length=50, blank=True, help_text="the value of its label; empty: it has none")
    number = models.PositiveBigIntegerField()
    counted_at = models.DateTimeField()
    seconds = models.FloatField(help_text="what it took to count all: the longer, the rarer it is done")

    class Meta:
        verbose_name_plural = "tallies"
        constraints = [
            models.UniqueConstraint(fields=["name", "label"], name="one_tally_per_metric_and_label"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.label}".strip()
