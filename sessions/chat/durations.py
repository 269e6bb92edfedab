"""How long things that outlive a session count; the setting SESSION_LENGTHS says otherwise, by name."""

from dataclasses import dataclass, fields
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

LONGEST_TAKEOVER = timedelta(days=7)
"""A person who forgets to release a user must not silence the automation for ever."""

FOR_EVER = ("retention", "deliveries", "log")
"""What may be kept for ever."""


@dataclass(frozen=True)
class Lengths:
    """Each is counted from the latest time it was chosen, shown, extended or changed."""

    project: timedelta = timedelta(hours=7)
    task: timedelta = timedelta(hours=4)
    menu: timedelta = timedelta(hours=7)  # how long a reply "1" means what was shown
    takeover: timedelta = timedelta(hours=7)
    progress: timedelta = timedelta(hours=2)
    log: timedelta | None = timedelta(days=365)  # of what happened to progress updates; None: for ever
    retention: timedelta | None = timedelta(days=90)  # of sessions that are over; None: for ever
    deliveries: timedelta | None = timedelta(days=30)  # of webhooks that arrived or were given up; None: for ever

    def __post_init__(self) -> None:
        for field in fields(self):
            length = getattr(self, field.name)
            if length is not None and length <= timedelta(0):
                raise ValueError(f"SESSION_LENGTHS[{field.name!r}] is {length}. It must be longer than zero.")
            if length is None and field.name not in FOR_EVER:
                raise ValueError(
                    f"SESSION_LENGTHS[{field.name!r}] is None. Only {', '.join(FOR_EVER)} can be unlimited."
                )
        if self.takeover > LONGEST_TAKEOVER:
            raise ValueError(f"SESSION_LENGTHS['takeover'] is {self.takeover}. It can be at most {LONGEST_TAKEOVER}.")


def lengths() -> Lengths:
    """Return the lengths of this deployment; ImproperlyConfigured if the setting names what there is not."""
    try:
        return Lengths(**getattr(settings, "SESSION_LENGTHS", {}))
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"SESSION_LENGTHS cannot be used: {error}") from error
