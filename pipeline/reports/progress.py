"""How far a run is, for its page: phases, rate, time left, cost, failures; and a tag that changes when they do."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.utils import timezone

from pipeline.extract.base import UnknownExtractor, get_extractor
from pipeline.extract.llm.budget import calls_of
from pipeline.ledger.counts import ItemCounts, item_counts, seconds_worked
from pipeline.models import Item, Run
from pipeline.models.wording import duration, words

PHASES = (
    (Run.Phase.PLAN, "Plan"),
    (Run.Phase.EXTRACT, "Read"),
    (Run.Phase.MERGE, "Merge"),
    (Run.Phase.GROUP, "Stories"),
)
ORDER = list(Run.Phase.values)


@dataclass(frozen=True, slots=True)
class PhaseLine:
    """A phase as a line: its name, how far it is (done of total), and a few words."""

    name: str
    done: int
    total: int
    told: str


@dataclass(frozen=True, slots=True)
class FailureClass:
    """Failed conversations that share a class of errors, with one of the errors."""

    error_class: str
    count: int
    example: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What the live part of a run's page shows."""

    run: Run
    counts: ItemCounts
    phases: list[PhaseLine]
    failures: list[FailureClass]
    input_tokens: int
    output_tokens: int
    cost: Any
    is_free: bool
    took: str
    silent: bool
    tag: str

    @property
    def others(self) -> list[tuple[str, int]]:
        """How many conversations ended otherwise, by state."""
        return [
            (state, getattr(self.counts, state)) for state in ("filtered", "skipped") if getattr(self.counts, state)
        ]


def progress_of(run: Run) -> Progress:
    """Return how far the run is now; six questions."""
    counts, seconds = item_counts(run), seconds_worked(run)
    sums = [
        calls.aggregate(read=Sum("input_tokens"), written=Sum("output_tokens"), cost=Sum("cost"))
        for calls in calls_of(run)
    ]
    tokens = {name: sum(one[name] for one in sums if one[name] is not None) for name in ("read", "written")}
    costs = [one["cost"] for one in sums if one["cost"] is not None]
    failures = _failures(run) if counts.failed else []
    silent_since = run.heartbeat_at or run.created_at
    silent = run.is_live and silent_since < timezone.now() - timedelta(seconds=settings.RUN_LOST_AFTER)
    told = (
        run.state,
        run.phase,
        run.epoch,
        counts,
        tokens,
        costs,
        [f.count for f in failures],
        silent,
        run.attention,
        run.error,
    )
    return Progress(
        run=run,
        counts=counts,
        phases=_phases(run, counts, seconds),
        failures=failures,
        input_tokens=tokens["read"],
        output_tokens=tokens["written"],
        cost=sum(costs) if costs else None,
        is_free=_is_free(run),
        took=duration(seconds) if run.started_at else "",
        silent=silent,
        tag=f'"{hashlib.sha256(repr(told).encode()).hexdigest()[:20]}"',
    )


def _is_free(run: Run) -> bool:
    """Whether the reader works on this machine or asks nobody; a reader that is gone may have cost something."""
    try:
        return not get_extractor(run.extractor).is_paid
    except UnknownExtractor:
        return False


def _phases(run: Run, counts: ItemCounts, seconds: float) -> list[PhaseLine]:
    now = ORDER.index(run.phase)
    lines = []
    for phase, name in PHASES:
        place = ORDER.index(phase)
        if phase == Run.Phase.GROUP and not run.makes_stories:
            lines.append(PhaseLine(name, 0, 1, "not requested"))
        elif phase == Run.Phase.EXTRACT:
            lines.append(PhaseLine(name, counts.finished, counts.planned or 1, _reading(run, counts, seconds)))
        elif place < now:
            told = f"{counts.planned:,} conversations" if phase == Run.Phase.PLAN else "done"
            lines.append(PhaseLine(name, 1, 1, told))
        else:
            lines.append(PhaseLine(name, 0, 1, "in progress" if place == now and run.is_live else ""))
    return lines


def _reading(run: Run, counts: ItemCounts, seconds: float) -> str:
    told = f"{counts.finished:,} of {counts.planned:,}"
    if not run.is_live or run.phase != Run.Phase.EXTRACT:
        return told
    rate = (counts.finished - counts.skipped) / seconds if seconds > 0 else 0.0
    if not rate:
        return f"{told}, just started" if counts.reading else f"{told}, waiting for a worker"
    return f"{told}, {rate:.1f}/s, about {duration((counts.planned - counts.finished) / rate)} left"


def _failures(run: Run) -> list[FailureClass]:
    rows: Any = run.items.filter(state=Item.State.FAILED).order_by().values("error_class")
    counted = rows.annotate(number=Count("id")).order_by("-number", "error_class")[:20]
    found = []
    for row in counted:
        first = run.items.filter(state=Item.State.FAILED, error_class=row["error_class"]).order_by("id").first()
        if first is not None:
            found.append(FailureClass(row["error_class"], row["number"], first.error[:300], words(first.reason)))
    return found
