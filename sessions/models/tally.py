"""Numbers that stay when retention removes the rows they came from."""

from django.db import models


class CountedDay(models.Model):
    """What sessions of one day (UTC, by their start) came to."""

    day = models.DateField()
    created = models.PositiveBigIntegerField(default=0)
    reused = models.PositiveBigIntegerField(default=0)
    rapid_creates = models.PositiveBigIntegerField(default=0)
    context_losses = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class DayTally(CountedDay):
    """What the removed sessions of one day (UTC, by their start) came to; metrics add it to the rows that are there."""

    class Meta(CountedDay.Meta):
        verbose_name_plural = "day tallies"
        constraints = [
            # housekeeping: what its ON CONFLICT names; metrics of a window
            models.UniqueConstraint(fields=["day"], name="one_tally_per_day"),
        ]


class ClosedDay(CountedDay):
    """What all sessions of one day (UTC, by their start) came to, once nothing about it changes any more.

    Other than in `DayTally`, sessions that are still there count too: the numbers of all time begin after these days.
    """

    class Meta(CountedDay.Meta):
        constraints = [
            # tallies.close_days: two at once close a day once; the newest is the end of what is closed
            models.UniqueConstraint(fields=["day"], name="a_day_is_closed_once"),
        ]
