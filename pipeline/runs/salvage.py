"""Bring an ended run back to where it can go on: what is stored is used, nothing is asked twice."""

from dataclasses import dataclass
from itertools import islice

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from pipeline.extract.base import asks, get_extractor
from pipeline.extract.knowledge import profile_of
from pipeline.extract.llm.replay import must_ask
from pipeline.group.conservation import extracted_items_without_a_theme, homes_of_themes
from pipeline.ledger.claims import questions_of
from pipeline.ledger.counts import failed_items, find_run, item_counts, unfinished_items
from pipeline.ledger.errors import RunError
from pipeline.models import Call, Item, Run
from pipeline.models.theme import PASSED
from pipeline.runs.create import Throughput
from pipeline.runs.reopen import reopen, reopenable
from pipeline.runs.reparse import forget_themes, items_read_otherwise

PHASES = (Run.Phase.EXTRACT, Run.Phase.MERGE, Run.Phase.GROUP)

_REREAD_TOGETHER = 200
"""Items whose answers are gone through together."""

BYTES_A_TOKEN = 4
"""English prose, roughly; see preview.CHARACTERS_A_TOKEN."""


class NothingToDo(RunError):
    """Nothing of the run is missing."""


@dataclass(frozen=True, slots=True)
class SalvageOptions:
    """What of a run to take up again. By default all that failed or never ended, from the first phase with a gap.

    `phase` re-enters there, gap or not; at extract it takes up filtered conversations as well, unless `only_failed`.
    `error_class` and `item` narrow it to those; what never ended is always finished first. `pace` replaces the run's.
    `ask_again` puts the stored answers of what is taken up aside: it is asked about, and paid for, once more.
    `reparse` also takes up extracted conversations whose stored answers say something else today than their themes.
    """

    phase: str | None = None
    only_failed: bool = False
    error_class: str = ""
    item: int | None = None
    pace: Throughput | None = None
    ask_again: bool = False
    reparse: bool = False


@dataclass(frozen=True, slots=True)
class SalvagePlan:
    """What a run has, what is missing, and what salvaging would reuse and redo. Counts are conversations or themes."""

    phase: str
    is_complete: bool
    finished: int
    failed: int
    unfinished: int
    errors: dict[str, int]
    answers: int
    to_parse: int
    to_ask: int
    tokens_to_ask: int
    themes: int
    themes_lost: int
    themes_unassigned: int
    themes_homeless: int

    @property
    def is_worth_it(self) -> bool:
        """Whether anything would be done."""
        gaps = (self.failed, self.unfinished, self.themes_lost, self.themes_unassigned, self.themes_homeless)
        return not self.is_complete or any(gaps)


def runs_to_salvage() -> QuerySet[Run]:
    """Ended runs of which something may be missing, the newest first."""
    ended = Run.objects.filter(state__in=Run.RESUMABLE, is_preview=False)
    return ended.exclude(phase=Run.Phase.PLAN).select_related("source")


def plan_salvage(*, run: Run, choice: SalvageOptions | None = None) -> SalvagePlan:
    """Say what salvaging would reuse and redo, without changing anything. Raises RunError for what cannot be chosen."""
    choice = choice or SalvageOptions()
    phase = choice.phase or _phase_to_enter(run, choice)
    states = item_counts(run)
    again = _taken_up(run, choice) | unfinished_items(run)
    if phase != Run.Phase.EXTRACT:
        again = again.none()
    is_answered = Exists(Call.objects.filter(item=OuterRef("pk")))
    # an answer whose vectors went into themes cannot make them again, unless it was paid for and keeps them
    is_usable = Exists(Call.objects.filter(Q(vectors_hash="") | ~Q(vectors=b""), item=OuterRef("pk")))
    if choice.ask_again:
        unanswered = again
    elif asks(get_extractor(run.extractor)):
        unanswered = _must_be_asked(run, again)
    else:
        unanswered = again.filter(~is_usable)
    homes, to_ask = homes_of_themes(run), unanswered.count()
    return SalvagePlan(
        phase=phase,
        is_complete=run.phase == Run.Phase.DONE and not run.error,  # which names groups that could not be settled
        finished=states.finished,
        failed=states.failed,
        unfinished=states.planned - states.finished,
        errors=_errors(run),
        answers=run.items.filter(is_answered).count(),
        to_parse=again.count() - to_ask,
        to_ask=to_ask,
        tokens_to_ask=_tokens(unanswered),
        themes=homes.total,
        themes_lost=extracted_items_without_a_theme(run).count(),
        themes_unassigned=homes.unassigned,
        themes_homeless=homes.missed,
    )


def _must_be_asked(run: Run, items: QuerySet[Item]) -> QuerySet[Item]:
    """Return those of the items of a run by a language model whose stored answers do not make a reading to its end."""
    extractor = get_extractor(run.extractor)
    assert asks(extractor)
    profile, waiting, found = profile_of(run), questions_of(run, items), set[int]()
    while batch := list(islice(waiting, _REREAD_TOGETHER)):
        found |= must_ask(batch, profile, extractor)
    return items.filter(pk__in=found)


def plan_worth_doing(*, run_id: int, choice: SalvageOptions) -> SalvagePlan:
    """Return what salvaging would do. NothingToDo if no phase was chosen and nothing is missing; RunError as above."""
    run = find_run(run_id)
    plan = plan_salvage(run=run, choice=choice)
    is_worth_it = plan.is_worth_it or (choice.reparse and plan.to_parse > 0)
    if not is_worth_it and choice.phase is None and not run.is_live:
        raise NothingToDo(
            f"run {run.pk} is {run.state}; nothing is missing. To parse its stored answers again, run ./manage.py "
            f"salvage {run.pk} --phase extract"
        )
    return plan


def reopen_to_salvage(*, run_id: int, choice: SalvageOptions | None = None) -> tuple[Run, SalvagePlan]:
    """Reopen an ended run at the chosen phase, or where its first gap is. Nothing is dispatched.

    Conversations whose answer is stored are parsed and stored again; only those without an answer are asked about.
    Raises RunError, and NothingToDo if no phase was chosen and there is no gap.
    """
    choice = choice or SalvageOptions()
    plan = plan_worth_doing(run_id=run_id, choice=choice)
    again = _taken_up(find_run(run_id), choice) if plan.phase == Run.Phase.EXTRACT else None
    if again is not None and choice.reparse:
        reopenable(run_id=run_id, phase=plan.phase)
        ids = list(again.values_list("pk", flat=True))
        forget_themes(run=find_run(run_id), items=ids)
        again = Item.objects.filter(pk__in=ids)
    # the ids are taken now: once reopened these items are pending, and the query finds them no more
    aside = list(again.values_list("pk", flat=True)) if again is not None and choice.ask_again else []
    run = reopen(run_id=run_id, phase=plan.phase, again=again, pace=choice.pace)
    Call.objects.filter(item__in=aside).update(request_hash="")  # which no question has
    return run, plan


def _phase_to_enter(run: Run, choice: SalvageOptions) -> str:
    if choice.item or choice.error_class or choice.only_failed or choice.reparse:
        return Run.Phase.EXTRACT
    if run.items.filter(state__in=(*Item.UNFINISHED, Item.State.FAILED)).exists():
        return Run.Phase.EXTRACT
    if extracted_items_without_a_theme(run).exists():
        return Run.Phase.EXTRACT
    if run.themes.filter(PASSED, signature__isnull=True).exists():
        return Run.Phase.MERGE
    return Run.Phase.GROUP


def _taken_up(run: Run, choice: SalvageOptions) -> QuerySet[Item]:
    """Return the ended items that are to be read or parsed again."""
    failed = Q(state=Item.State.FAILED)
    wanted = failed
    if choice.error_class:
        wanted &= Q(error_class=choice.error_class)
    elif choice.phase == Run.Phase.EXTRACT and not choice.only_failed:
        wanted |= Q(state=Item.State.FILTERED)
    if choice.item:
        wanted = Q(pk=choice.item, state__in=(Item.State.FAILED, Item.State.FILTERED))
    if not (choice.item or choice.error_class or choice.only_failed):
        wanted |= Q(pk__in=extracted_items_without_a_theme(run).values("pk"))
    if choice.reparse:
        wanted |= Q(pk__in=items_read_otherwise(run))
    items = Item.objects.filter(wanted, run=run)
    if (choice.item or choice.error_class) and not items.exists():
        raise RunError(_no_such_items(run, choice))
    return items


def _no_such_items(run: Run, choice: SalvageOptions) -> str:
    if choice.item:
        item = Item.objects.filter(pk=choice.item).first()
        if item is None or item.run_id != run.pk:
            whose = f"item {choice.item} belongs to run {item.run_id}" if item else f"there is no item {choice.item}"
            return f"{whose}; the page of run {run.pk} in the admin lists the items that failed."
        return f"item {item.pk} is {item.state}; only failed and filtered items can be retried."
    known = ", ".join(f"{name} ({count})" for name, count in _errors(run).items()) or "none"
    return f"run {run.pk} has no failed conversation with the error class {choice.error_class}; it has: {known}."


def _errors(run: Run) -> dict[str, int]:
    failed = failed_items(run).order_by().values_list("error_class")
    return dict(failed.annotate(number=Count("pk")).order_by("-number", "error_class"))


_BYTES = """
SELECT coalesce(sum(octet_length(version.messages::text)), 0)
FROM pipeline_conversationversion version JOIN pipeline_item item ON item.version_id = version.id
WHERE item.id = ANY(%s)
"""


def _tokens(items: QuerySet[Item]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_BYTES, [list(items.values_list("pk", flat=True))])
        return int(cursor.fetchone()[0]) // BYTES_A_TOKEN
