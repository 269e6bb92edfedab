"""The one door from phase to phase.

`advance` asks the database what is done and does what comes next. The chord's callback calls it, its errback, the last
chunk to finish, and whoever waits for the run.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import DataError
from django.db.models import Count, Max
from django.utils import timezone

from pipeline.group import companies, naming, settle, titling
from pipeline.group.conservation import extracted_items_without_a_theme, homes_of_themes
from pipeline.group.doubts import doubt_of_result
from pipeline.ledger.claims import claim_phase, release_phase, renew_phase, stale_before
from pipeline.ledger.counts import (
    GROUPED,
    READ,
    ItemCounts,
    commonest_reason,
    find_run,
    item_counts,
    refresh_statistics,
    unfinished_items,
)
from pipeline.ledger.errors import INFRASTRUCTURE_ERRORS
from pipeline.ledger.errors import RunError as RunError
from pipeline.ledger.heartbeat import beating
from pipeline.ledger.states import change_state, fail, move_run
from pipeline.merge import apply
from pipeline.models import Item, Run
from pipeline.models.wording import counted
from pipeline.sources.searchable import renew_search_texts
from pipeline.sources.understanding.language import counted_languages

log = logging.getLogger(__name__)


MOST_BEGINNINGS = 3
"""A merge or grouping that ended its worker this often fails its run instead of being begun again. Once or twice may be
a restart or somebody else's memory; the same number as `extract.reading.MAX_DELIVERIES`."""


UNREAD_SHARE = 0.1
"""Share of the conversations in languages the model cannot read from which on a person should know."""

ALIKE_FROM = 20
"""From this many items on, one same reason for all of them is a sign of a fault, not a result."""


def advance(*, run_id: int) -> Run:
    """Take the run as far as it can go now, and return it. Safe to call from anywhere, any number of times.

    A step that fails ends the run as `failed`, with everything stored so far kept; errors of the infrastructure rise.
    """
    # The row is read before each step: what comes next is what the database says, whoever wrote it.
    while step := _next_step(run := find_run(run_id)):
        try:
            went_on = step(run)
        # the task that called is tried again; the phase is given back, or that try would find it claimed for
        # CLAIM_TIMEOUT
        except INFRASTRUCTURE_ERRORS:
            _release(run)
            raise
        # a mistake of ours, or a row that cannot be: the same next time, so the run ends and says so
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
    if unfinished_items(run).exists():
        return False
    # before the merge joins tables that were empty when the planner last looked
    refresh_statistics(READ)
    return move_run(run, phase=Run.Phase.MERGE, as_of=_recency_base(run))


def _recency_base(run: Run) -> datetime | None:
    if until := run.parameters.get("until"):
        return datetime.fromisoformat(until)
    # Of those with a theme: one that gave none, or that is dated in the future, must not make the others look old
    # (test_a_conversation_dated_in_the_future_or_without_a_theme_does_not_age_the_others).
    extracted = run.items.filter(state=Item.State.EXTRACTED)
    newest: datetime | None = extracted.aggregate(newest=Max("conversation__occurred_at"))["newest"]
    return min(newest, timezone.now()) if newest else None


def _begin_phase(run: Run) -> bool:
    """Claim the run's phase; False while somebody else has it. Raises RunError if it ended its worker too often."""
    if not claim_phase(run=run):
        return False
    # as it was read before this claim: how many beginnings ended without a word
    if run.phase_count >= MOST_BEGINNINGS:
        raise RunError(
            f"the phase {run.phase} was started {run.phase_count} times and its worker died each time. Is there "
            f"enough memory? Everything stored so far is kept; continue with ./manage.py salvage {run.pk}"
        )
    return True


def _merge(run: Run) -> bool:
    """Merge; go on as well when the registry changed meanwhile: then the next step is to merge again."""
    if not _begin_phase(run):
        return False
    following = Run.Phase.GROUP if run.makes_stories else Run.Phase.FINISH
    with beating(lambda: renew_phase(run=run)):
        # it moves the run to the next phase itself, in the transaction in which the names are written
        apply.merge_themes(run=run, following=following)
    _release(run)
    return True


def _group(run: Run) -> bool:
    if not _begin_phase(run):
        return False
    with beating(lambda: renew_phase(run=run)):
        unsettled = settle.settle_run(run=run)
        # before titles and the verdict join what was empty when the planner last looked: of 10,000 themes the verdict
        # took 1.3 s of processor time by a plan for empty tables, and less than 0.2 s by the right one
        refresh_statistics(GROUPED)
        # after settling: a title is chosen by contrast with all other stories
        titling.title_stories(profile=run.profile, run=run)
        naming.name_signatures(profile=run.profile)
        if run.is_of_pages:
            companies.conclude_companies(run=run)
    # What could not be settled is kept in `error` until `_verdict` reads it: each group is its own transaction, so one
    # that fails costs itself and not the phase.
    if not move_run(run, phase=Run.Phase.FINISH, advance_claimed_at=None, phase_count=0, error=_unsettled(unsettled)):
        _release(run)  # it was stopped meanwhile
    return True


def _unsettled(keys: list[str]) -> str:
    if not keys:
        return ""
    more = f" and {len(keys) - 10} more" if len(keys) > 10 else ""
    return f"could not be made stories or orphans (see the worker's log): {', '.join(keys[:10])}{more}"


def _release(run: Run) -> None:
    try:
        release_phase(run=run)
    except INFRASTRUCTURE_ERRORS:
        log.warning(
            "run %s: its phase could not be released; another worker can take it in %s s",
            run.pk,
            settings.CLAIM_TIMEOUT,
        )


def _finish(run: Run) -> bool:
    """Reconcile, and only then call the run finished."""
    state, attention = _verdict(run)
    try:
        # outside of the change of state: it may take seconds, and running it twice leaves the same rows
        renew_search_texts(source=run.source)  # now it is known in which languages they are
    except DataError:  # words that cannot be indexed cost the search, and not the run
        log.exception("run %s: the search index of %s could not be updated", run.pk, run.source)
    return change_state(
        run=run,
        to=state,
        attention=attention,
        phase=Run.Phase.DONE,
        finished_at=(now := timezone.now()),
        # kept through a salvage, so that its readings count meanwhile
        first_finished_at=run.first_finished_at or now,
        advance_claimed_at=None,
    )


def _verdict(run: Run) -> tuple[str, str]:
    """Return the state a run ends in and, unless all is well, why a person should look.

    The most serious reason, and only that one: rows that do not add up, then what grouping could not do (`run.error`),
    then results that are too odd to be believed. Failed conversations alone are `completed_with_errors`.
    """
    counts = item_counts(run)
    doubts = (_unreconciled(run, counts), run.error, *_doubts(run, counts))
    for doubt in doubts:
        if doubt:
            return Run.State.NEEDS_ATTENTION, doubt
    if run.is_of_pages:  # that pages are gone is what such a run is there to find
        failed = companies.failed_companies(run)
        said = f"none of the pages of {counted(failed, 'company', 'companies')} could be read" if failed else ""
        return (Run.State.COMPLETED_WITH_ERRORS if failed else Run.State.COMPLETED), said
    if counts.failed:
        return Run.State.COMPLETED_WITH_ERRORS, f"{counts.failed} of {counted(counts.planned, 'conversation')} failed"
    return Run.State.COMPLETED, ""


def _doubts(run: Run, counts: ItemCounts) -> tuple[str, ...]:
    """Return what looks odd about what was read, in sentences."""
    if run.is_of_pages:
        return (companies.doubt_of_pages(run),)
    return _unlikely(run, counts), _unread(run, counts), doubt_of_result(run)


def _unreconciled(run: Run, counts: ItemCounts) -> str:
    # noted when it was planned, so that items that are gone since are missed
    planned = counts.planned if run.planned_count is None else run.planned_count
    finished = counts.extracted + counts.filtered + counts.failed + counts.skipped
    if finished != planned:
        return f"{counted(planned, 'conversation was', 'conversations were')} planned, but {finished} ended"
    if empty := extracted_items_without_a_theme(run).count():
        return f"{empty} of {counts.extracted} extracted conversations are missing their theme"
    homes = homes_of_themes(run)
    if homes.missed:
        missed = counted(homes.missed, "theme is", "themes are")
        return f"{missed} in no story and no orphan; `./manage.py salvage {run.pk}` tries again"
    if run.makes_stories and homes.in_two_stories:
        return counted(homes.in_two_stories, "theme is", "themes are") + " in two stories of one signature"
    return ""


def _unlikely(run: Run, counts: ItemCounts) -> str:
    # a run whose conversations are all unchanged has nothing to say, and is well
    read = counts.planned - counts.skipped
    if read == 0:
        return ""
    if counts.extracted == 0:
        return f"none of {counted(read, 'conversation')} produced a theme: {commonest_reason(run)}"
    names = run.themes.values("raw_key").distinct().count()
    if counts.extracted >= ALIKE_FROM and names == 1:
        return f"all {counts.extracted} conversations with a theme have the same signature"
    return ""


def _unread(run: Run, counts: ItemCounts) -> str:
    """Say that much of the run is in languages that the model does not know, and what to do about it."""
    unread = run.themes.exclude(unread_language="")
    count = unread.values("conversation").distinct().count()
    if count <= UNREAD_SHARE * counts.extracted:
        return ""
    languages = Counter(dict(unread.values_list("unread_language").annotate(Count("conversation", distinct=True))))
    return (
        f"{count} of {counted(counts.extracted, 'conversation')} are in a language that the model cannot read "
        f"({counted_languages(languages.most_common(5))}); they wait as orphans. To read them, run ./manage.py "
        f"get_model multilingual, set EMBEDDING_MODEL=multilingual and run ./manage.py reembed {run.profile}"
    )


def _stop_at_the_edge(run: Run) -> bool:
    """Stop once no item is being read and nobody merges or groups.

    Only claims that show signs of life are waited for: a worker that died would keep the run stopping for ever.
    """
    alive = stale_before()
    if run.items.filter(state=Item.State.READING, claimed_at__gte=alive).exists():
        return False
    if run.advance_claimed_at and run.advance_claimed_at >= alive:
        return False
    return change_state(run=run, to=Run.State.STOPPED, finished_at=timezone.now())
