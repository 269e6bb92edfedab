"""Reads of the ledger. Progress and counters are questions to it, never stored sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import (
    Count,
    QuerySet,
)

from pipeline.ledger.errors import RunError
from pipeline.models import (
    Item,
    Run,
)


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """What became of a run's conversations."""

    planned: int
    pending: int
    reading: int
    extracted: int
    filtered: int
    skipped: int
    failed: int

    @property
    def finished(self) -> int:
        return self.planned - self.pending - self.reading


READ = ("pipeline_item", "pipeline_theme", "pipeline_evidence")
GROUPED = ("pipeline_signature", "pipeline_story", "pipeline_storyevidence", "pipeline_orphan")
"""Tables that a run fills by reading, and by merging and grouping."""


def refresh_statistics(tables: Sequence[str]) -> None:
    """Tell PostgreSQL's planner how large tables have become: a run fills them faster than autovacuum looks."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")


def find_run(run_id: int) -> Run:
    """Return the run with its source; RunError says what to do if there is none of that number."""
    run = Run.objects.select_related("source").filter(pk=run_id).first() if run_id > 0 else None
    if run is None:
        raise RunError(f"there is no run {run_id}; `./manage.py run_status` lists the newest.")
    return run


def unfinished_items(run: Run | int) -> QuerySet[Item]:
    """Items of the run that nobody has finished yet."""
    return Item.objects.filter(run=run, state__in=Item.UNFINISHED)


def unfinished_chunks(run: Run) -> list[int]:
    """The numbers of the chunks with unfinished items, rising."""
    return list(unfinished_items(run).values_list("chunk", flat=True).distinct().order_by("chunk"))


def item_counts(run: Run | int) -> ItemCounts:
    """How many conversations of the run are in which state."""
    by_state = dict(Item.objects.filter(run=run).values_list("state").annotate(number=Count("id")).order_by())
    states = {str(state): by_state.get(state, 0) for state in Item.State.values}
    if isinstance(run, int):
        run = Run.objects.only("removed_count").get(pk=run)
    states[Item.State.SKIPPED] += run.removed_count  # retention removed these rows; they stay counted
    return ItemCounts(planned=sum(states.values()), **states)


def commonest_reason(run: Run) -> str:
    """Return the reason that most items without a theme share, with how many do, as `12 filtered: too short`."""
    # skipped ones say nothing about this run: they were not read in it
    reasons = run.items.exclude(state=Item.State.EXTRACTED).exclude(state=Item.State.SKIPPED).values("state", "reason")
    top = reasons.annotate(number=Count("id")).order_by("-number", "reason").first()
    return f"{top['number']} {top['state']}: {top['reason']}" if top else "no reason is recorded"


def failed_items(run: Run | int) -> QuerySet[Item]:
    """Failed items of the run with their conversations, in the order they were planned."""
    return Item.objects.filter(run=run, state=Item.State.FAILED).select_related("conversation").order_by("id")


def seconds_worked(run: Run) -> float:
    """Seconds from each start of the run to its end or last heartbeat; the pauses between its lives do not count."""
    ended: datetime | None = run.finished_at or run.heartbeat_at
    this_life = (ended - run.started_at).total_seconds() if run.started_at and ended else 0.0
    return run.seconds_before + this_life
