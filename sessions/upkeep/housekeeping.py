"""What nobody comes back to: sessions, progress updates and takeovers whose time is over.

Every step may run twice, and beside itself, and leaves the same rows. It works in batches, each a short transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sessions.chat.opening import expire_sessions
from sessions.chat.progress import close_stale_updates
from sessions.chat.takeover import end_takeovers_whose_time_is_over
from sessions.models import Session
from sessions.upkeep.retention import Removed, in_batches, remove_what_is_old
from sessions.upkeep.tallies import close_days

BATCH = 500


@dataclass(frozen=True)
class Kept:
    """How many rows each step changed, and what was removed."""

    sessions_expired: int
    updates_closed: int
    takeovers_ended: int
    removed: Removed
    days_closed: int = 0


def keep_house(*, at: datetime, batch: int = BATCH) -> Kept:
    """Bring all rows up to date as of `at`. Opens transactions, one for each batch; waits for no user's session."""
    return Kept(
        sessions_expired=_expire_everywhere(at, batch),
        updates_closed=in_batches(partial(close_stale_updates, at=at, limit=batch), batch),
        takeovers_ended=end_takeovers_whose_time_is_over(at=at),
        removed=remove_what_is_old(at=at, batch=batch),
        days_closed=close_days(at=at),
    )


def _expire_everywhere(at: datetime, batch: int) -> int:
    """Each zone has its own clock, so each is a statement of its own."""
    active = Session.objects.filter(state=Session.State.ACTIVE).order_by()
    zones = sorted(set(active.values_list("zone", flat=True).distinct()))
    return sum(in_batches(partial(expire_sessions, zone=zone, at=at, limit=batch), batch) for zone in zones)
