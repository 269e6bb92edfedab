"""Create a run and plan its items; one live run per source."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from pipeline.extract.base import asks, get_extractor
from pipeline.extract.llm.budget import set_budget
from pipeline.extract.versions import refuse_other_model, versions
from pipeline.ledger import pages, plan
from pipeline.ledger.counts import find_run
from pipeline.ledger.errors import RunError as RunError
from pipeline.ledger.states import change_state, fail, lose
from pipeline.ledger.watch import is_waiting_its_turn, silence_message
from pipeline.models import Run, Source
from pipeline.models.refusal import breaks
from pipeline.sources.books.selection import BadSelection, in_words, missing, read_selection

log = logging.getLogger(__name__)


class RunIsLive(RunError):
    """The source already has a run that is alive."""


class OtherProfile(RunError):
    """The source was read under another profile: under a second one its conversations would make stories twice."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which conversations a run reads, and how; stored as `Run.parameters`."""

    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    concurrency: int | None = None
    chunk_size: int | None = None
    budget: Decimal | None = None
    budget_tokens: int | None = None
    batch: bool = False
    force_refresh: bool = False
    no_stories: bool = False
    judge: bool = False
    """Whether a language model judges the result once the run has finished, within the run's budget."""
    select: str | None = None
    """Of a book: which chapters, as `selection.read_selection` takes them; None is all."""
    skip_fresh: float | None = None
    """Of web pages: those that were seen in the last so many hours are left out."""

    def as_parameters(self) -> dict[str, object]:
        """Return what was given, as JSON."""
        return _as_parameters({name: getattr(self, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True)
class Throughput:
    """How many chunks of a run may be in flight, or questions to a language model, how many conversations are in a
    chunk, and what the whole run may spend, in dollars and in tokens; None leaves it as it is.
    """

    concurrency: int | None = None
    chunk_size: int | None = None
    budget: Decimal | None = None
    budget_tokens: int | None = None

    def as_parameters(self) -> dict[str, object]:
        """Return what was given, as JSON."""
        return _as_parameters({name: getattr(self, name) for name in self.__slots__})


def _as_parameters(values: Mapping[str, Any]) -> dict[str, object]:
    given = {name: value for name, value in values.items() if value not in (None, False)}
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, Decimal) else value


def create_run(*, source: Source, profile: str, extractor: str, selection: Selection) -> Run:
    """Create a run and plan its items; nothing is read yet. Opens transactions.

    Raises RunIsLive if the source has a run with a recent heartbeat (a dead one is marked lost), and UnknownProfile,
    UnknownExtractor or RunError (the profile's signatures have vectors of another model) before any row is written.
    """
    # all that may refuse comes before the first row
    refuse_other_model(profile, extractor)
    refuse_missing_chapters(source=source, select=selection.select)
    refuse_judging(source=source, selection=selection)
    _lose_dead_runs(source)
    run = _create(source, profile, extractor, selection)
    try:
        if source.is_of_pages:
            pages.plan_pages(run=run, window=selection)
        else:
            plan.plan_items(run=run, window=selection, asks=asks(get_extractor(extractor)))
        set_budget(run=run, most_cost=selection.budget, most_tokens=selection.budget_tokens)
    # the row is there and blocks the source: it has to end, whatever went wrong
    except Exception as error:
        fail(run=run, error=error)
        raise
    # planning a very large source may take longer than RUN_LOST_AFTER, and somebody may have called it lost
    if not change_state(run=run, to=Run.State.RUNNING, phase=Run.Phase.EXTRACT, started_at=timezone.now()):
        raise RunError(f"run {run.pk} was marked {find_run(run.pk).state} while it was planned; start a new one.")
    run.refresh_from_db()
    return run


def refuse_missing_chapters(*, source: Source, select: str | None) -> None:
    """Raise RunError if the selection cannot be read, or names chapters that the source does not have."""
    if not select:
        return
    try:
        wanted = read_selection(select)
    except BadSelection as error:
        raise RunError(f"--select: {error}.") from error
    known = chapters_of(source)
    if not known:
        raise RunError(f"--select chooses chapters of a book, but {source} has none. Leave it out.")
    if absent := missing(wanted, known):
        raise RunError(
            f"{source} has no chapter {in_words(absent)}; it has {in_words(known)}. Choose from these with --select."
        )


def refuse_judging(*, source: Source, selection: Selection) -> None:
    """Raise RunError if the run is to be judged by a model, but will have no groups to judge."""
    if selection.judge and source.is_of_pages:
        raise RunError(f"{source} has conclusions about companies, but no groups to judge. Leave out --judge.")
    if selection.judge and selection.no_stories:
        raise RunError("a run without stories has nothing to judge. Leave out --judge or --no-stories.")


def chapters_of(source: Source) -> list[int]:
    """Return the numbers of the chapters that a source has, in order; of what is no book none."""
    numbers = source.conversations.filter(metadata__has_keys=["book", "chapter"]).values_list("metadata__chapter")
    return sorted({number for (number,) in numbers.distinct() if isinstance(number, int)})


def _create(source: Source, profile: str, extractor: str, selection: Selection) -> Run:
    decided_by = versions(profile, extractor)
    try:
        # a savepoint, if whoever called has a transaction: a refused INSERT must not end that
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
        if not breaks(error, "one_live_run_per_source"):
            raise
        raise RunIsLive(is_live_message(source)) from error


def is_live_message(source: Source) -> str:
    """Say which live run of the source stands in the way, and what to do."""
    live = Run.objects.filter(source=source, state__in=Run.LIVE).values_list("pk", "state").first()
    if live is None:
        return f"another run of {source} was live a moment ago; try again."
    return (
        f"{source} already has a live run: {live[0]} ({live[1]}). Watch it with `./manage.py run_status {live[0]}`, "
        f"or wait: if it sends no heartbeat for {settings.RUN_LOST_AFTER} s, the next start marks it as lost."
    )


def refuse_live(*, source: Source) -> None:
    """Raise RunIsLive if the source has a run with a recent heartbeat; a dead one is marked lost."""
    _lose_dead_runs(source)
    if Run.objects.filter(source=source, state__in=Run.LIVE).exists():
        raise RunIsLive(is_live_message(source))


def profile_of(source: Source) -> str:
    """Return the profile of the source's newest run; empty if it was never read."""
    newest = Run.objects.filter(source=source, is_preview=False).order_by("-pk").values_list("profile", flat=True)
    return newest.first() or ""


def refuse_other_profile(*, source: Source, profile: str) -> None:
    """Raise OtherProfile if the source was read before, but never under that profile."""
    known = set(Run.objects.filter(source=source, is_preview=False).values_list("profile", flat=True))
    if known and profile not in known:
        raise OtherProfile(
            f"{source} was read with the profile {', '.join(sorted(known))}; reading it with {profile} as well would "
            "make a second, separate set of stories. Leave out --profile, or add --another-profile if you want both."
        )


def _lose_dead_runs(source: Source) -> None:
    why = silence_message()
    # where beat does not run nobody else says so, and a dead run would block its source for ever
    for run in Run.objects.filter(source=source, state__in=Run.LIVE):
        if not is_waiting_its_turn(run) and lose(run_id=run.pk, why=why, silent_for=settings.RUN_LOST_AFTER):
            log.warning("run %s of %s is lost: %s", run.pk, source, why)
