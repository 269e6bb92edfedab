"""Bring an ended run back to where it can go on: what is stored is used, nothing is asked twice."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from pipeline import queries, runs, tasks
from pipeline.models import Call, Item, Run

PHASES = (Run.Phase.EXTRACT, Run.Phase.MERGE, Run.Phase.GROUP)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a run has and what it lacks; `to_ask` is how many conversations would be asked about again."""

    phase: str
    failed: int
    unfinished: int
    to_ask: int
    themes_unassigned: int
    themes_homeless: int

    @property
    def is_worth_it(self) -> bool:
        """Whether anything would be done."""
        return any((self.failed, self.unfinished, self.themes_unassigned, self.themes_homeless))


def take_stock(*, run: Run, phase: str | None = None) -> Inventory:
    """Say what salvaging would reuse and redo, without changing anything."""
    open_items = run.items.filter(state__in=(*Item.UNFINISHED, Item.State.FAILED))
    unanswered = open_items.exclude(Exists(Call.objects.filter(item=OuterRef("pk"))))
    return Inventory(
        phase=phase or _phase_to_enter(run),
        failed=run.items.filter(state=Item.State.FAILED).count(),
        unfinished=run.items.filter(state__in=Item.UNFINISHED).count(),
        to_ask=unanswered.count(),
        themes_unassigned=run.themes.filter(signature__isnull=True).count(),
        themes_homeless=queries.themes_without_a_home(run).count(),
    )


def salvage(*, run_id: int, phase: str | None = None) -> tuple[Run, Inventory]:
    """Reopen an ended run at `phase`, or where its first gap is, and send it on its way. Raises RunError.

    Conversations whose answer is stored are parsed and stored anew; only those without an answer are asked about.
    """
    run = Run.objects.filter(pk=run_id).first()
    if run is None:
        raise runs.RunError(f"there is no run {run_id}; `./manage.py run_status` lists the newest.")
    stock = take_stock(run=run, phase=phase)
    run = runs.reopen(run_id=run_id, phase=stock.phase, retry_failed=stock.phase == Run.Phase.EXTRACT)
    tasks.dispatch(run=run)
    return run, stock


def _phase_to_enter(run: Run) -> str:
    if run.items.filter(state__in=(*Item.UNFINISHED, Item.State.FAILED)).exists():
        return Run.Phase.EXTRACT
    if run.themes.filter(signature__isnull=True).exists():
        return Run.Phase.MERGE
    return Run.Phase.GROUP
