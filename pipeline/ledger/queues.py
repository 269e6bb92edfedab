"""Whether the queues are consumed, by what the workers themselves left behind: for whoever may not wait for an answer.

A heartbeat goes into each queue every few seconds (`tasks.send_heartbeats`), and the worker that takes it out leaves
the time. Behind a thousand chunks it comes late; then work that moves is the heartbeat.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from pipeline.ledger.claims import stale_before
from pipeline.ledger.heartbeat import beating
from pipeline.models import Item, QueueHeartbeat, Run


def note_heartbeat(*, queue: str) -> None:
    """Leave the present time as the last heartbeat of a queue."""
    QueueHeartbeat.objects.update_or_create(queue=queue, defaults={"seen_at": timezone.now()})


@contextmanager
def busy_with(queue: str) -> Iterator[None]:
    """Send heartbeats of a queue while the block runs: it is a long task out of it, and those that wait behind cannot.

    Five times in QUEUE_SILENT_AFTER, so that two long tasks in a row leave no gap between them.
    """
    with beating(lambda: note_heartbeat(queue=queue), every=settings.QUEUE_SILENT_AFTER / 5):
        yield


def heartbeat_ages(*, at: datetime) -> dict[str, timedelta]:
    """Return for each queue that was ever consumed how long ago its last heartbeat came through."""
    return {queue: at - seen_at for queue, seen_at in QueueHeartbeat.objects.values_list("queue", "seen_at")}


def silent_queues(queues: tuple[str, ...], *, at: datetime) -> list[str]:
    """Return the queues that no worker seems to consume: the last heartbeat is old, and nothing of theirs moves."""
    patience = timedelta(seconds=settings.QUEUE_SILENT_AFTER)
    ages = heartbeat_ages(at=at)
    # a queue that was never consumed is as silent as can be
    silent = [queue for queue in queues if ages.get(queue, timedelta.max) > patience]
    return [queue for queue in silent if not _works(queue)]


def _works(queue: str) -> bool:
    """Whether work of this queue left a heartbeat: a chunk its claims, a merge or grouping its run's heartbeat."""
    if queue == "extract":
        return Item.objects.filter(state=Item.State.READING, claimed_at__gte=stale_before()).exists()
    if queue == "merge":
        merging = Run.objects.filter(state__in=Run.LIVE, advance_claimed_at__isnull=False)
        return merging.filter(heartbeat_at__gte=stale_before()).exists()
    # What goes through `default` is short, and what is long in `background` sends its own (`busy_with`): there the
    # heartbeat alone tells.
    return False
