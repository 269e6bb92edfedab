"""When a session is out of date. Pure: no clock, no database."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

NEVER = datetime.min.replace(tzinfo=UTC)  # a cut-off that nothing is older than


@dataclass(frozen=True)
class ExpiryRules:
    """How long a session may live; None switches a rule off."""

    idle: timedelta | None = timedelta(hours=7)  # the longest silence
    day_end: time | None = time(20)  # on the user's wall clock
    max_age: timedelta | None = timedelta(hours=24)

    def __post_init__(self) -> None:
        for name in ("idle", "max_age"):
            length = getattr(self, name)
            if length is not None and length <= timedelta(0):
                raise ValueError(
                    f"The session rule {name} is {length}. It must be longer than zero; None turns it off."
                )
        if self.day_end is not None and self.day_end.tzinfo is not None:
            raise ValueError(
                "The session rule day_end has a time zone, but it applies in each user's own zone. Remove it."
            )


@dataclass(frozen=True)
class ExpiryCutoffs:
    """Moments in UTC. A session is out of date if one of them is later than its own moment; equal is still in time."""

    idle_before: datetime  # against last_message_at
    started_before: datetime  # against started_at
    day_end: datetime  # against last_message_at: the latest end of a day that is not in the future


def expiry_cutoffs(at: datetime, zone: tzinfo, rules: ExpiryRules) -> ExpiryCutoffs:
    """Return what is out of date at the moment `at` for a user who lives in `zone`.

    Raises ValueError when `at` has no time zone.
    """
    check_aware(at)
    return ExpiryCutoffs(
        idle_before=_before(at, rules.idle),
        started_before=_before(at, rules.max_age),
        day_end=_latest_day_end(at, zone, rules.day_end) if rules.day_end is not None else NEVER,
    )


def check_aware(at: datetime) -> datetime:
    """Return the moment as it is; ValueError when it has no time zone."""
    if at.utcoffset() is None:
        raise ValueError(f"{at!r} has no time zone, so it is unknown whether a day has ended. Pass an aware datetime.")
    return at


def _before(at: datetime, length: timedelta | None) -> datetime:
    return NEVER if length is None else at.astimezone(UTC) - length


def _latest_day_end(at: datetime, zone: tzinfo, day_end: time) -> datetime:
    """Return the latest end of a working day that is not after `at`.

    A session whose last message is before any day end E <= at is before this one too, so one comparison is enough.
    Compared in UTC, for two times of one zone compare by the wall clock, which repeats an hour each autumn. Three days
    are tried because a zone that jumps the date line leaves one out.
    """
    today = at.astimezone(zone).date()
    ends = (datetime.combine(today - timedelta(days=days), day_end, zone).astimezone(UTC) for days in range(3))
    return next(end for end in ends if end <= at)
