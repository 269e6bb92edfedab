"""Counts of rows by state: what `/metrics` says of runs, items, stories and orphans.

With a million items or orphans each takes a quarter of a second and more to count, and a scrape must not. So a task of
beat counts them (`renew_tallies`), and a scrape reads what it found; where no beat is at work, or nothing was counted
yet, the scrape counts itself, which is quick where there is little.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from pipeline.models import Item, Orphan, Run, Story, Tally

RUNS, LIVE_ITEMS = "leitmotif_runs", "leitmotif_live_items"
STORIES, ORPHANS = "leitmotif_stories", "leitmotif_orphans_waiting"

STALE_AFTER = timedelta(minutes=5)
"""When beat seems to be away, and a scrape counts itself."""

SHARE = 20
"""So many times as long as counting takes is waited before it is done again: a twentieth of one core at most."""

Numbers = Mapping[str, Mapping[str, int]]
"""Of each metric its numbers by label."""


def numbers(*, at: datetime) -> Numbers:
    """Return all numbers, as they were counted last or, where that is long ago, as they are."""
    rows = list(Tally.objects.all())
    if not rows or min(row.counted_at for row in rows) < at - STALE_AFTER:
        return _counted()
    found: dict[str, dict[str, int]] = {name: {} for name in (RUNS, LIVE_ITEMS, STORIES, ORPHANS)}
    for row in rows:
        found.setdefault(row.name, {})[row.label] = row.number
    return found


def renew_tallies(*, at: datetime) -> bool:
    """Count and keep what was counted; return whether it was due. May run twice: the later count stands."""
    last = Tally.objects.order_by("-counted_at").first()
    if last is not None and at < last.counted_at + timedelta(seconds=SHARE * last.seconds):
        return False
    begun = time.perf_counter()
    counted = _counted()
    seconds = time.perf_counter() - begun
    rows = [
        Tally(name=name, label=label, number=number, counted_at=at, seconds=seconds)
        for name, by_label in counted.items()
        for label, number in by_label.items()
    ]
    with transaction.atomic():
        Tally.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["name", "label"],
            update_fields=["number", "counted_at", "seconds"],
        )  # fmt: skip
        Tally.objects.filter(counted_at__lt=at).delete()  # a state that nothing is in any more
    return True


def _counted() -> Numbers:
    live = Item.objects.filter(run__state__in=Run.LIVE)
    return {
        RUNS: _by(Run.objects.all(), "state"),
        LIVE_ITEMS: _by(live, "state"),
        STORIES: _by(Story.objects.standing(), "status"),
        ORPHANS: {"": Orphan.objects.to_review().count()},
    }


def _by(rows: QuerySet[Any], field: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(field).annotate(number=Count("pk")))
