"""A run's life: start, plan, advance through the phases, stop, resume, finish, fail. Guarded updates only.

`advance` is the one idempotent door. It asks the database what is done and does what comes next; the chord's callback
calls it, its errback, the last chunk to finish, and whoever waits for the run.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from pipeline import claims, group, merge, plan, queries
from pipeline.extractors.base import get_extractor
from pipeline.models import Item, Run, Source
from pipeline.profiles import get_profile
from pipeline.pulse import pulse
from pipeline.refusals import INFRASTRUCTURE_ERRORS
from pipeline.refusals import RunError as RunError  # what callers catch is named beside what raises it
from pipeline.signatures.rules import NEWEST
from pipeline.wording import counted

log = logging.getLogger(__name__)

MOST_BEGINNINGS = 3
"""A merge or grouping that ended its worker this often fails its run instead of being begun again."""

ALIKE_FROM = 20
"""From this many items on, one same reason for all of them is a sign of a fault, not a result."""


class RunIsLive(RunError):
    """The source already has a run that is alive."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which conversations a run reads, and how; stored as `Run.parameters`."""

    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    concurrency: int | None = None
    chunk_size: int | None = None
    force_refresh: bool = False
    no_stories: bool = False

    def as_parameters(self) -> dict[str, object]:
        """Return what was given, as JSON."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in values.items()
            if value not in (None, False)
        }


@dataclass(frozen=True, slots=True)
class Pace:
    """How many chunks of a run may be in flight, and how many conversations are in one; None leaves it as it is."""

    concurrency: int | None = None
    chunk_size: int | None = None

    def as_parameters(self) -> dict[str, object]:
        """Return what was given, as JSON."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


# --- Starting -----------------------------------------------------------------------------------------------------


def start(*, source: Source, profile: str, extractor: str, selection: Selection) -> Run:
    """Create a run and plan its items; nothing is read yet. Opens transactions.

    Raises RunIsLive if the source has a run with a recent sign of life (a dead one is marked lost), and UnknownProfile,
    UnknownExtractor or RunError (the profile's signatures have vectors of another model) before any row is written.
    """
    refuse_other_model(profile, extractor)
    _lose_dead_runs(source)
    run = _create(source, profile, extractor, selection)
    try:
        plan.plan_items(run=run, window=selection)
    except Exception as error:
        fail(run=run, error=error)
        raise
    if not change_state(run=run, to=Run.State.RUNNING, phase=Run.Phase.EXTRACT, started_at=timezone.now()):
        raise RunError(
            f"run {run.pk} was marked {queries.find_run(run.pk).state} while it was planned; start a new one."
        )
    run.refresh_from_db()
    return run


def versions(profile: str, extractor: str) -> dict[str, str]:
    """Return all that decides an answer or a name; UnknownProfile or UnknownExtractor if there is no such."""
    reader = get_extractor(extractor)
    profile_version = get_profile(profile).version
    return {
        "profile": profile_version,
        "extractor": reader.version,
        "model": reader.model,
        "rules": NEWEST.version,
    }


def refuse_other_model(profile: str, extractor: str) -> None:
    """Raise RunError if the profile's signatures have vectors of another model than the extractor makes."""
    try:
        merge.refuse_other_model(profile=profile, model=get_extractor(extractor).model)
    except merge.MixedModels as error:
        raise RunError(str(error)) from error


def _create(source: Source, profile: str, extractor: str, selection: Selection) -> Run:
    decided_by = versions(profile, extractor)
    try:
        with transaction.atomic():
            return Run.objects.create(
                source=source,
                profile=profile,
                extractor=extractor,
                parameters=selection.as_parameters(),
                versions=decided_by,
                heartbeat_at=timezone.now(),
            )
    except IntegrityError as error:
        if "one_live_run_per_source" not in str(error):
            raise
        raise RunIsLive(_is_live_message(source)) from error


def _is_live_message(source: Source) -> str:
    live = Run.objects.filter(source=source, state__in=Run.LIVE).values_list("pk", "state").first()
    if live is None:
        return f"another run of {source} was alive a moment ago; try again."
    return (
        f"{source} already has a live run: {live[0]} ({live[1]}). Watch it with `./manage.py run_status {live[0]}`, or "
        f"wait: if it shows no sign of life for {settings.RUN_LOST_AFTER} s, the next start marks it lost."
    )


def refuse_live(*, source: Source) -> None:
    """Raise RunIsLive if the source has a run with a recent sign of life; a dead one is marked lost."""
    _lose_dead_runs(source)
    if Run.objects.filter(source=source, state__in=Run.LIVE).exists():
        raise RunIsLive(_is_live_message(source))


def _lose_dead_runs(source: Source) -> None:
    why = _silence()
    for run in Run.objects.filter(source=source, state__in=Run.LIVE):
        if not is_waiting_its_turn(run) and lose(run_id=run.pk, why=why, silent_for=settings.RUN_LOST_AFTER):
            log.warning("run %s of %s is lost: %s", run.pk, source, why)


def _silence() -> str:
    return f"no sign of life for more than {settings.RUN_LOST_AFTER} s"


# --- The one door -------------------------------------------------------------------------------------------------


def advance(*, run_id: int) -> Run:
    """Take the run as far as it can go now, and return it. Safe to call from anywhere, any number of times.

    A step that fails ends the run as `failed`, with everything stored so far kept; errors of the infrastructure rise.
    """
    while step := _next_step(run := queries.find_run(run_id)):
        try:
            went_on = step(run)
        except INFRASTRUCTURE_ERRORS:
            _release(run)
            raise
        except Exception as error:
            log.exception("run %s failed in phase %s", run.pk, run.phase)
            fail(run=run, error=error)
            continue
        if not went_on:
            break
    return run


def _next_step(run: Run) -> Callable[[Run], bool] | None:
    if run.state == Run.State.STOPPING:
        return _stop_at_the_edge
    if run.state != Run.State.RUNNING:
        return None
    return {
        Run.Phase.EXTRACT: _end_extract,
        Run.Phase.MERGE: _merge,
        Run.Phase.GROUP: _group,
        Run.Phase.FINISH: _finish,
    }.get(Run.Phase(run.phase))


def _end_extract(run: Run) -> bool:
    if queries.unfinished_items(run).exists():
        return False
    queries.refresh_statistics()
    return _move(run, phase=Run.Phase.MERGE, as_of=_recency_base(run))


def _recency_base(run: Run) -> datetime | None:
    if until := run.parameters.get("until"):
        return datetime.fromisoformat(until)
    extracted = run.items.filter(state=Item.State.EXTRACTED)
    newest: datetime | None = extracted.aggregate(newest=Max("conversation__occurred_at"))["newest"]
    return min(newest, timezone.now()) if newest else None


def _begin_phase(run: Run) -> bool:
    """Claim the run's phase; False while somebody else has it. Raises RunError if it ended its worker too often."""
    if not claims.claim_phase(run=run):
        return False
    if run.phase_count >= MOST_BEGINNINGS:
        raise RunError(
            f"the phase {run.phase} was begun {run.phase_count} times and its worker ended each time; is there enough "
            f"memory? What is stored is kept: ./manage.py salvage {run.pk}"
        )
    return True


def _merge(run: Run) -> bool:
    """Merge; go on as well when the registry changed meanwhile: then the next step is to merge again."""
    if not _begin_phase(run):
        return False
    following = Run.Phase.GROUP if run.makes_stories else Run.Phase.FINISH
    with pulse(lambda: claims.renew_phase(run=run)):
        merge.merge_themes(run=run, following=following)
    _release(run)
    return True


def _group(run: Run) -> bool:
    if not _begin_phase(run):
        return False
    with pulse(lambda: claims.renew_phase(run=run)):
        unsettled = group.settle_run(run=run)
    if not _move(run, phase=Run.Phase.FINISH, advance_claimed_at=None, phase_count=0, error=_unsettled(unsettled)):
        _release(run)  # it was stopped meanwhile
    return True


def _unsettled(keys: list[str]) -> str:
    if not keys:
        return ""
    more = f" and {len(keys) - 10} more" if len(keys) > 10 else ""
    return f"could not be made stories or orphans, see the worker's log: {', '.join(keys[:10])}{more}"


def _release(run: Run) -> None:
    try:
        claims.release_phase(run=run)
    except INFRASTRUCTURE_ERRORS:
        log.warning("run %s: could not release its phase; it is free again in %s s", run.pk, settings.CLAIM_TIMEOUT)


def change_state(*, run: Run, to: str, **changes: object) -> bool:
    """Bring the run from the state, phase and epoch we know it in to another state; say whether it was still there.

    Raises RunError for a transition that does not exist (`Run.MAY_BECOME`).
    """
    if to not in Run.MAY_BECOME[Run.State(run.state)]:
        raise RunError(f"run {run.pk} is {run.state}; from there it cannot become {to}.")
    return _move(run, state=to, **changes)


def _move(run: Run, **changes: object) -> bool:
    """Change the run if it is still in the state, phase and epoch we know it in; say whether it was."""
    now = timezone.now()
    mine = Run.objects.filter(pk=run.pk, epoch=run.epoch, phase=run.phase, state=run.state)
    return mine.update(heartbeat_at=now, **changes) == 1


# --- Ending -------------------------------------------------------------------------------------------------------


def _finish(run: Run) -> bool:
    """Reconcile, and only then call the run finished."""
    state, attention = _verdict(run)
    return change_state(
        run=run,
        to=state,
        attention=attention,
        phase=Run.Phase.DONE,
        finished_at=(now := timezone.now()),
        first_finished_at=run.first_finished_at or now,
        advance_claimed_at=None,
    )


def _verdict(run: Run) -> tuple[str, str]:
    """Return the state a run ends in and, unless all is well, why a person should look."""
    counts = queries.item_counts(run)
    for doubt in (_unreconciled(run, counts), run.error, _unlikely(run, counts)):
        if doubt:
            return Run.State.NEEDS_ATTENTION, doubt
    if counts.failed:
        return Run.State.COMPLETED_WITH_ERRORS, f"{counts.failed} of {counted(counts.planned, 'conversation')} failed"
    return Run.State.COMPLETED, ""


def _unreconciled(run: Run, counts: queries.ItemCounts) -> str:
    planned = counts.planned if run.planned_count is None else run.planned_count
    finished = counts.extracted + counts.filtered + counts.failed + counts.skipped
    if finished != planned:
        return f"{counted(planned, 'conversation was', 'conversations were')} planned, but {finished} ended"
    if empty := queries.extracted_items_without_a_theme(run).count():
        return f"{empty} of {counts.extracted} extracted conversations have no theme; they had one"
    homes = queries.homes_of_themes(run)
    if homes.missed:
        missed = counted(homes.missed, "theme is", "themes are")
        return f"{missed} in no story and no orphan; `./manage.py salvage {run.pk}` tries again"
    if run.makes_stories and homes.in_two_stories:
        return counted(homes.in_two_stories, "theme is", "themes are") + " in two stories of one signature"
    return ""


def _unlikely(run: Run, counts: queries.ItemCounts) -> str:
    read = counts.planned - counts.skipped
    if read == 0:
        return ""
    if counts.extracted == 0:
        return f"none of {counted(read, 'conversation')} gave a theme: {queries.commonest_reason(run)}"
    names = run.themes.values("raw_key").distinct().count()
    if counts.extracted >= ALIKE_FROM and names == 1:
        return f"all {counts.extracted} conversations with a theme gave one and the same signature"
    return ""


def fail(*, run: Run, error: BaseException) -> bool:
    """End a live run as failed, with the error; say whether it was live, in the epoch we know it in."""
    return _end(run, Run.State.FAILED, f"{type(error).__name__}: {error}".replace("\0", ""))


def lose(*, run_id: int, why: str, silent_for: float = 0.0) -> bool:
    """Mark a live run lost if it gave no sign of life for so many seconds; say whether it was marked."""
    silent = Q(heartbeat_at__lte=timezone.now() - timedelta(seconds=silent_for))
    return _end(queries.find_run(run_id), Run.State.LOST, why, silent)


def _end(run: Run, state: str, error: str, condition: Q | None = None) -> bool:
    """End a run from whichever live state it is in by now, in the epoch we know it in; say whether it was live."""
    living = Run.objects.filter(condition or Q(), pk=run.pk, epoch=run.epoch, state__in=_states_before(state))
    return living.update(state=state, error=error, finished_at=timezone.now(), advance_claimed_at=None) == 1


def _states_before(state: str) -> list[str]:
    """Return the live states from which a run may come to this one."""
    return [str(live) for live in Run.LIVE if state in Run.MAY_BECOME[live]]


# --- Stopping and going on ----------------------------------------------------------------------------------------


def request_stop(*, run_id: int) -> bool:
    """Ask a running run to stop at the next item's edge; say whether it was running. RunError if there is no such."""
    running = Run.objects.filter(pk=queries.find_run(run_id).pk, state=Run.State.RUNNING)
    return running.update(state=Run.State.STOPPING, stop_requested_at=timezone.now()) == 1


def _stop_at_the_edge(run: Run) -> bool:
    """Stop once no item is being read and nobody merges or groups."""
    alive = claims.stale_before()
    if run.items.filter(state=Item.State.READING, claimed_at__gte=alive).exists():
        return False
    if run.advance_claimed_at and run.advance_claimed_at >= alive:
        return False
    return change_state(run=run, to=Run.State.STOPPED, finished_at=timezone.now())


def stop_at_once(*, run_id: int) -> Run:
    """Stop a running or stopping run without waiting for those who read, and return it; opens a transaction.

    Its epoch rises, so that they cannot write any more, and their items are pending again; an answer that is under way
    is still kept. Raises RunError if the run is not running or stopping.
    """
    run = queries.find_run(run_id)
    now = timezone.now()
    with transaction.atomic():
        stopped = Run.objects.filter(pk=run.pk, state__in=_states_before(Run.State.STOPPED)).update(
            state=Run.State.STOPPED,
            epoch=F("epoch") + 1,
            advance_claimed_at=None,
            stop_requested_at=now,
            finished_at=now,
        )
        if stopped:
            _free_claims(run)
    if not stopped:
        raise RunError(f"run {run.pk} is {queries.find_run(run_id).state}; only a run that is running can be stopped.")
    return queries.find_run(run_id)


def reopen(
    *,
    run_id: int,
    phase: str | None = None,
    again: QuerySet[Item] | None = None,
    pace: Pace | None = None,
    with_stories: bool = False,
) -> Run:
    """Let an ended run live again in a new epoch, at the phase it was in or at `phase`; return it.

    Those of its items in `again` are pending again; answers that are stored are not asked for again. `pace` replaces
    the one it had. With `with_stories` a run that was to stop before its stories makes them now.

    Raises RunError if there is no such run, it is live, a preview or was never planned, it completed (unless a phase is
    given), its reader changed, or its source has another live run.
    """
    run = reopenable(run_id=run_id, phase=phase)
    changes = _new_life(run, phase or _resume_phase(run), _parameters(run, pace, with_stories=with_stories))
    try:
        with transaction.atomic():
            changed = Run.objects.filter(pk=run.pk, epoch=run.epoch, state=run.state).update(**changes)
            if changed:
                _prepare_items(run, again, pace)
    except IntegrityError as error:
        if "one_live_run_per_source" not in str(error):
            raise
        raise RunIsLive(_is_live_message(run.source)) from error
    if not changed:
        raise RunError(f"run {run.pk} was changed by someone else just now; look at `./manage.py run_status {run.pk}`.")
    run.refresh_from_db()
    return run


def _new_life(run: Run, phase: str, parameters: dict[str, object]) -> dict[str, Any]:
    """Return the columns of a run that begins to live again."""
    now = timezone.now()
    return {
        "state": Run.State.RUNNING,
        "phase": phase,
        "parameters": parameters,
        "epoch": run.epoch + 1,
        "heartbeat_at": now,
        "advance_claimed_at": None,
        "phase_count": 0,
        "finished_at": None,
        "started_at": now,
        "seconds_before": queries.seconds_worked(run),
        "stop_requested_at": None,
        "error": "",
        "attention": "",
    }


def _prepare_items(run: Run, again: QuerySet[Item] | None, pace: Pace | None) -> None:
    _free_claims(run)
    if again is not None:
        _take_up_again(again.filter(run=run))
    if pace and pace.chunk_size:
        plan.cut_anew(run=run, chunk_size=pace.chunk_size)


def _parameters(run: Run, pace: Pace | None, *, with_stories: bool) -> dict[str, object]:
    kept = {name: value for name, value in run.parameters.items() if name != "no_stories" or not with_stories}
    return kept | (pace.as_parameters() if pace else {})


def reopenable(*, run_id: int, phase: str | None = None) -> Run:
    """Return the run if `reopen` would take it; RunError says why not. Whether its source is free is seen there."""
    run = queries.find_run(run_id)
    if run.is_preview:
        raise RunError(f"run {run_id} is a dry run: it read nothing. Start a real one with `./manage.py run_pipeline`.")
    if run.is_live:
        raise RunError(
            f"run {run_id} is {run.state}; it needs no help. Watch it with `./manage.py run_status {run_id}`."
        )
    if run.phase == Run.Phase.PLAN:
        raise RunError(f"run {run_id} failed before it was planned: {run.error} Start a new one instead.")
    if _reader(run.versions) != _reader(versions(run.profile, run.extractor)):
        raise RunError(
            f"run {run_id} was read with {_reader(run.versions)}; this installation reads with "
            f"{_reader(versions(run.profile, run.extractor))}. Start a new run instead."
        )
    if run.state == Run.State.COMPLETED and phase is None:
        raise RunError(f"run {run_id} is completed; there is nothing left to do. Start a new one instead.")
    return run


def _reader(decided_by: dict[str, str]) -> str:
    return ", ".join(decided_by.get(part, "") for part in ("extractor", "profile", "model"))


def _resume_phase(run: Run) -> str:
    return Run.Phase.EXTRACT if run.phase == Run.Phase.DONE else run.phase


def _free_claims(run: Run) -> None:
    run.items.filter(state=Item.State.READING).update(state=Item.State.PENDING, claim="")


def _take_up_again(items: QuerySet[Item]) -> None:
    items.exclude(state__in=Item.UNFINISHED).update(
        state=Item.State.PENDING,
        reason="",
        stage="",
        error="",
        error_class="",
        claim="",
        delivery_count=0,
        finished_at=None,
    )


# --- Looking after ------------------------------------------------------------------------------------------------


def beat(*, run_id: int) -> None:
    """Leave a sign of life."""
    Run.objects.filter(pk=run_id, state__in=Run.LIVE).update(heartbeat_at=timezone.now())


def is_waiting_its_turn(run: Run) -> bool:
    """Whether nobody reads this run's items because the workers read another run's just now."""
    if run.phase != Run.Phase.EXTRACT or run.state != Run.State.RUNNING:
        return False
    unfinished = queries.unfinished_items(run)
    if not unfinished.exists() or unfinished.filter(state=Item.State.READING).exists():
        return False
    return Item.objects.filter(state=Item.State.READING, claimed_at__gte=claims.stale_before()).exists()


def lose_if_silent(*, run_id: int) -> bool:
    """Mark a live run lost if it gave no sign of life for RUN_LOST_AFTER, though it was sent out again; say whether.

    Silence alone is not enough: after a night in which nobody looked after any run, it is first sent out again, and is
    lost only when that moves nothing for CLAIM_TIMEOUT. A run that died while it was planned cannot be sent out.
    """
    sent_in_vain = Q(dispatched_at__gt=F("heartbeat_at"), dispatched_at__lte=claims.stale_before())
    silent_since = timezone.now() - timedelta(seconds=settings.RUN_LOST_AFTER)
    hopeless = Q(heartbeat_at__lte=silent_since) & (sent_in_vain | Q(phase=Run.Phase.PLAN))
    return _end(queries.find_run(run_id), Run.State.LOST, _silence(), hopeless)


def chunks_to_send_again(*, run: Run) -> list[int]:
    """Return the chunks whose messages or workers are gone, and note that they are sent now; empty when all is well.

    A chunk is sent again when its claims are stale, or when it waits and nothing of the run moved for CLAIM_TIMEOUT:
    sending one that was only queued is harmless, for the second message finds nothing to claim.
    """
    if run.phase != Run.Phase.EXTRACT:
        return []
    stale = claims.stale_before()
    moving = Q(state=Item.State.READING, claimed_at__gte=stale) | Q(finished_at__gte=stale)
    abandoned = Q(state=Item.State.READING, claimed_at__lt=stale)
    if not run.items.filter(moving).exists():
        abandoned |= Q(state=Item.State.PENDING)
    chunks = list(queries.unfinished_items(run).filter(abandoned).values_list("chunk", flat=True).distinct())
    if not chunks:
        return []
    due = Run.objects.filter(Q(dispatched_at__isnull=True) | Q(dispatched_at__lt=stale), pk=run.pk, epoch=run.epoch)
    return sorted(chunks) if due.update(dispatched_at=timezone.now()) else []
