"""Let an ended run live again in a new epoch."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from pipeline.extract.llm.budget import set_budget
from pipeline.extract.versions import reader_of, versions
from pipeline.ledger import plan
from pipeline.ledger.counts import find_run, seconds_worked
from pipeline.ledger.errors import RunError as RunError
from pipeline.ledger.states import free_claims
from pipeline.models import Item, Run
from pipeline.models.refusal import breaks
from pipeline.runs.create import RunIsLive, Throughput, is_live_message


def reopen(
    *,
    run_id: int,
    phase: str | None = None,
    again: QuerySet[Item] | None = None,
    pace: Throughput | None = None,
    with_stories: bool = False,
) -> Run:
    """Let an ended run live again in a new epoch, at the phase it was in or at `phase`; return it.

    Those of its items in `again` are pending again; stored answers are not asked for again. `pace` replaces
    the one it had. With `with_stories` a run that was to stop before its stories makes them now.

    Raises RunError if there is no such run, it is live, a preview or was never planned, it completed (unless a phase is
    given), its reader changed, or its source has another live run.
    """
    run = reopenable(run_id=run_id, phase=phase)
    changes = _new_life(run, phase or _resume_phase(run), _parameters(run, pace, with_stories=with_stories))
    try:
        with transaction.atomic():
            # Run and items in one transaction: a run that lives again with items that look finished would end at once
            # (test_failed_items_are_pending_again_in_the_same_moment_in_which_the_run_lives_again). Who loses the race
            # changes no row.
            changed = Run.objects.filter(pk=run.pk, epoch=run.epoch, state=run.state).update(**changes)
            if changed:
                _prepare_items(run, again, pace)
    except IntegrityError as error:
        if not breaks(error, "one_live_run_per_source"):
            raise
        raise RunIsLive(is_live_message(run.source)) from error
    if not changed:
        raise RunError(f"run {run.pk} was changed by someone else a moment ago; see `./manage.py run_status {run.pk}`.")
    run.refresh_from_db()
    if pace:
        set_budget(run=run, most_cost=pace.budget, most_tokens=pace.budget_tokens)
    return run


def _new_life(run: Run, phase: str, parameters: dict[str, object]) -> dict[str, Any]:
    """Return the columns of a run that begins to live again."""
    now = timezone.now()
    return {
        "state": Run.State.RUNNING,
        "phase": phase,
        "parameters": parameters,
        # from here on no task of an earlier life can write
        "epoch": run.epoch + 1,
        "heartbeat_at": now,
        "advance_claimed_at": None,
        "phase_count": 0,
        "finished_at": None,
        "started_at": now,
        "seconds_before": seconds_worked(run),
        "stop_requested_at": None,
        "error": "",
        "attention": "",
        # what it finds now is judged again; what was answered once is not asked again
        "judged_at": None,
        "judging_stopped": "",
    }


def _prepare_items(run: Run, again: QuerySet[Item] | None, pace: Throughput | None) -> None:
    free_claims(run)
    if again is not None:
        _take_up_again(again.filter(run=run))
    if pace and pace.chunk_size:
        plan.cut_again(run=run, chunk_size=pace.chunk_size)


def _parameters(run: Run, pace: Throughput | None, *, with_stories: bool) -> dict[str, object]:
    kept = {name: value for name, value in run.parameters.items() if name != "no_stories" or not with_stories}
    return kept | (pace.as_parameters() if pace else {})


def reopenable(*, run_id: int, phase: str | None = None) -> Run:
    """Return the run if `reopen` would take it; RunError says why not. Whether its source is free is seen there."""
    run = find_run(run_id)
    if run.is_preview:
        raise RunError(
            f"run {run_id} is a dry run, so it read nothing. Start a real run with `./manage.py run_pipeline`."
        )
    if run.is_live:
        raise RunError(
            f"run {run_id} is {run.state}; there is nothing to salvage yet. Watch it with "
            f"`./manage.py run_status {run_id}`."
        )
    if run.phase == Run.Phase.PLAN:
        raise RunError(f"run {run_id} failed while it was being planned: {run.error} Start a new run instead.")
    if reader_of(run.versions) != reader_of(versions(run.profile, run.extractor)):
        raise RunError(
            f"run {run_id} was read with {reader_of(run.versions)}, but this installation reads with "
            f"{reader_of(versions(run.profile, run.extractor))}. Start a new run instead."
        )
    if run.state == Run.State.COMPLETED and phase is None:
        raise RunError(f"run {run_id} is completed; there is nothing left to do. Start a new one instead.")
    return run


def _resume_phase(run: Run) -> str:
    return Run.Phase.EXTRACT if run.phase == Run.Phase.DONE else run.phase


def _take_up_again(items: QuerySet[Item]) -> None:
    items.exclude(state__in=Item.UNFINISHED).update(
        state=Item.State.PENDING,
        reason="",
        stage="",
        error="",
        error_class="",
        claim="",
        # a person wants it tried again: what wore it out may be corrected by now
        delivery_count=0,
        finished_at=None,
    )
