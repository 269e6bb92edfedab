"""Runs: lists, one, how far it is, and operating it through the one door."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import AwareDatetime, Field

from pipeline.ledger.errors import RunError
from pipeline.ledger.states import request_stop, stop_at_once
from pipeline.models import Item, Run, Source
from pipeline.models.wording import words
from pipeline.reports.progress import Progress, progress_of
from pipeline.reports.summary import run_summary
from pipeline.runs import preview, start
from pipeline.runs.create import Selection, Throughput
from pipeline.runs.salvage import SalvageOptions, plan_salvage
from pipeline.web.api.door import Scope, needs, person_of
from pipeline.web.api.paging import NEWEST, Cursor, Limit, Page, page_of
from pipeline.web.api.shapes import IF_NONE_MATCH, In, Name, Row, RowId, Word, name_of, unless_known
from pipeline.web.parts.figures import RunFigures, run_figures, source_figures

router = Router(tags=["runs"])
sources = Router(tags=["runs"])

Count = Annotated[int, Field(ge=1, le=10_000_000)]
State = Literal[
    "pending", "running", "stopping", "stopped", "completed", "completed_with_errors", "needs_attention", "failed",
    "lost",
]  # fmt: skip
ItemState = Literal["pending", "reading", "extracted", "filtered", "skipped", "failed"]


# --- Sources ------------------------------------------------------------------------------------------------------


class SourceOut(Schema):
    """A named place conversations come from; runs are started by its name, `kind:name`."""

    id: int
    name: str
    conversations: int
    runs: int
    last_run_id: int | None
    created_at: datetime


@sources.get("", response=Page[SourceOut])
@needs(Scope.READ)
def list_sources(request: HttpRequest, cursor: Cursor = None, limit: Limit = 50) -> dict[str, Any]:
    """List the sources, the newest first."""
    rows, after = page_of(Source.objects.defer("repeated_passages", "reading"), NEWEST, cursor, limit)
    figures = source_figures([source.pk for source in rows])
    items = [
        {
            "id": source.pk,
            "name": str(source),
            "conversations": figures[source.pk].conversations,
            "runs": figures[source.pk].runs,
            "last_run_id": getattr(figures[source.pk].last_run, "pk", None),
            "created_at": source.created_at,
        }
        for source in rows
    ]
    return {"items": items, "next": after}


# --- Reading ------------------------------------------------------------------------------------------------------


class RunOut(Schema):
    """A run in a list. Counts are conversations, themes, stories and orphans as they are now."""

    id: int
    source_id: int
    source: str
    profile: str
    extractor: str
    state: str
    phase: str
    is_preview: bool
    parameters: dict[str, Any]
    planned: int
    finished: int
    themes: int
    stories_new: int
    orphans: int
    error: str
    attention: str
    created_at: datetime
    created_by: str | None
    started_at: datetime | None
    finished_at: datetime | None
    judged_at: datetime | None = Field(description="when a language model had judged the result, if it was asked to")


class RunFilter(Schema):
    """Which runs: all that are given must hold."""

    state: State | None = None
    source: RowId | None = None
    profile: Word = ""
    previews: bool = Field(False, description="true: dry runs as well")


@router.get("", response=Page[RunOut])
@needs(Scope.READ)
def list_runs(
    request: HttpRequest, asked: Query[RunFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List the runs, the newest first."""
    equal: dict[str, Any] = {"state": asked.state, "source": asked.source, "profile": asked.profile}
    found = Run.objects.filter(**{name: value for name, value in equal.items() if value})
    if not asked.previews:
        found = found.filter(is_preview=False)
    rows, after = page_of(found.select_related("source", "created_by"), NEWEST, cursor, limit)
    return {"items": _told(rows), "next": after}


def _told(rows: list[Run]) -> list[dict[str, Any]]:
    figures = run_figures([run.pk for run in rows])
    return [_run(run, figures[run.pk]) for run in rows]


def _run(run: Run, figures: RunFigures) -> dict[str, Any]:
    columns = (
        "id", "source_id", "profile", "extractor", "state", "phase", "is_preview", "parameters", "error", "attention",
        "created_at", "started_at", "finished_at", "judged_at",
    )  # fmt: skip
    counted = {name: getattr(figures, name) for name in RunFigures.__slots__}
    return {
        **{name: getattr(run, name) for name in columns},
        **counted,
        "source": str(run.source),
        "created_by": name_of(run.created_by),
    }


def _the_run(run_id: int) -> Run:
    row: Run = Run.objects.select_related("source", "created_by").get(pk=run_id)
    return row


# --- Starting -----------------------------------------------------------------------------------------------------


class PaceIn(In):
    """How a run works, and what it may spend. What is left out stays as it is, or is as the settings say."""

    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    chunk_size: Annotated[int, Field(ge=1, le=10_000)] | None = None
    budget: Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=6)] | None = Field(
        None, description="US dollars that the whole run may spend"
    )
    budget_tokens: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class RunIn(PaceIn):
    """What is read, by whom and for what; what is left out is as on the command line."""

    source: Name = Field(description="`kind:name`, as `GET /sources` names it")
    profile: Word = Field("", description="what to look for; empty: as the source was read last")
    extractor: Name = Field("local", description="who reads")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: Count | None = Field(None, description="conversations, the newest")
    select: Word | None = Field(None, description="chapters of a book, such as 1-10")
    force_refresh: bool = Field(False, description="read again what was read before")
    no_stories: bool = False
    judge: bool = Field(False, description="a language model judges the result, within the budget")
    another_profile: bool = Field(False, description="a source may be read under a second profile")

    def selection(self) -> Selection:
        """Return what a run is given."""
        names = set(Selection.__slots__) & set(type(self).model_fields)
        return Selection(**{name: getattr(self, name) for name in names})


@router.post("", response={202: RunOut})
@needs(Scope.OPERATE)
def start_run(request: HttpRequest, body: RunIn) -> Status[dict[str, Any]]:
    """Start a run of a source. It works by itself from then on: ask for its progress."""
    run = start.start_run(
        source=start.open_source(body.source),
        profile=body.profile,
        extractor=body.extractor,
        selection=body.selection(),
        another_profile=body.another_profile,
    )
    return Status(202, _mine(request, run))


@router.post("/preview", response={201: RunOut})
@needs(Scope.OPERATE)
def preview_run(request: HttpRequest, body: RunIn) -> Status[dict[str, Any]]:
    """Count what a run would read and estimate what it would need, without reading: `GET /runs/{id}/preview`."""
    source = start.open_source(body.source)
    profile = start.chosen_profile(source, body.profile, another=body.another_profile)
    run = preview.preview(source=source, profile=profile, extractor=body.extractor, selection=body.selection())
    return Status(201, _mine(request, run))


def _mine(request: HttpRequest, run: Run) -> dict[str, Any]:
    """Note who started a run, and return it."""
    Run.objects.filter(pk=run.pk).update(created_by=person_of(request))
    [told] = _told([_the_run(run.pk)])
    return told


# --- One run ------------------------------------------------------------------------------------------------------


@router.get("/{run_id}", response=RunOut)
@needs(Scope.READ)
def get_run(request: HttpRequest, run_id: Row) -> dict[str, Any]:
    """Return a run."""
    [told] = _told([_the_run(run_id)])
    return told


@router.get("/{run_id}/summary", response=dict[str, Any])
@needs(Scope.READ)
def get_summary(request: HttpRequest, run_id: Row) -> dict[str, object]:
    """Return all that a run did in numbers, as `run_status --json` prints it."""
    return run_summary(_the_run(run_id)).as_json()


@router.get("/{run_id}/preview", response=dict[str, Any])
@needs(Scope.READ)
def get_preview(request: HttpRequest, run_id: Row) -> dict[str, Any]:
    """Return what a dry run found that it would read: counts, samples and an estimate; of other runs the estimate."""
    return _the_run(run_id).preview or {}


class PhaseOut(Schema):
    """A phase: how much of it is done, and a few words."""

    name: str
    done: int
    total: int
    told: str


class FailuresOut(Schema):
    """Failed conversations that share a class of errors."""

    error_class: str
    count: int
    example: str
    reason: str


class ProgressOut(Schema):
    """How far a run is. `is_live` is false once it ended: then there is no need to ask again."""

    id: int
    state: str
    phase: str
    is_live: bool
    is_silent: bool = Field(description="nobody who works on it gave a sign of life for too long")
    planned: int
    finished: int
    extracted: int
    filtered: int
    skipped: int
    failed: int
    phases: list[PhaseOut]
    failures: list[FailuresOut]
    input_tokens: int
    output_tokens: int
    cost: Decimal | None = Field(description="US dollars; null: not known, or none")
    error: str
    attention: str


@router.get(
    "/{run_id}/progress",
    response=ProgressOut,
    openapi_extra=IF_NONE_MATCH,
)
@needs(Scope.READ)
def get_progress(request: HttpRequest, run_id: Row, response: HttpResponse) -> Any:
    """Return how far a run is; ask again every few seconds, with the ETag of the last answer."""
    run = _the_run(run_id)
    progress = progress_of(run)
    return unless_known(request, response, progress.tag, _progress(progress))


def _progress(progress: Progress) -> dict[str, Any]:
    run, counts = progress.run, progress.counts
    names = ("planned", "finished", "extracted", "filtered", "skipped", "failed")
    return {
        **{name: getattr(run, name) for name in ("id", "state", "phase", "is_live", "error", "attention")},
        **{name: getattr(counts, name) for name in names},
        **{name: getattr(progress, name) for name in ("phases", "failures", "input_tokens", "output_tokens", "cost")},
        "is_silent": progress.silent,
    }


class ItemOut(Schema):
    """A conversation in a run, and what became of it."""

    id: int
    conversation_id: int
    external_id: str
    state: str
    reason: str
    stage: str
    error_class: str
    error: str
    category: str
    language: str
    finished_at: datetime | None


class ItemFilter(Schema):
    """Which conversations of a run: all that are given must hold."""

    state: ItemState | None = None
    error_class: Word = ""


@router.get("/{run_id}/items", response=Page[ItemOut])
@needs(Scope.READ)
def list_items(
    request: HttpRequest, run_id: Row, asked: Query[ItemFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List the conversations of a run with what became of each."""
    found = _the_run(run_id).items.select_related("conversation")
    equal: dict[str, Any] = {"state": asked.state, "error_class": asked.error_class}
    rows, after = page_of(found.filter(**{k: v for k, v in equal.items() if v}), NEWEST, cursor, limit)
    return {"items": [_item(row) for row in rows], "next": after}


def _item(row: Item) -> dict[str, Any]:
    columns = (
        "id", "conversation_id", "state", "reason", "stage", "error_class", "error", "category", "language",
        "finished_at",
    )  # fmt: skip
    return {**{name: getattr(row, name) for name in columns}, "external_id": row.conversation.external_id}


# --- Operating ----------------------------------------------------------------------------------------------------


class StopIn(In):
    """How a run is stopped."""

    at_once: bool = Field(False, description="true: what is being read is read again when it continues")


@router.post("/{run_id}/stop", response={202: RunOut})
@needs(Scope.OPERATE, in_one_transaction=True)
def stop_run(request: HttpRequest, run_id: Row, body: StopIn) -> Status[dict[str, Any]]:
    """Stop a run after the conversations in progress, or at once."""
    run = _the_run(run_id)
    if body.at_once:
        stop_at_once(run_id=run.pk)
    elif not request_stop(run_id=run.pk):
        raise RunError(f"run {run.pk} is {words(run.state)}; only a run that is running can be stopped.")
    return Status(202, _told([_the_run(run_id)])[0])


@router.post("/{run_id}/resume", response={202: RunOut})
@needs(Scope.OPERATE)
def resume_run(request: HttpRequest, run_id: Row, body: PaceIn) -> Status[dict[str, Any]]:
    """Continue an ended run where it stopped."""
    start.resume_run(run_id=_the_run(run_id).pk, pace=_pace(body))
    return Status(202, _told([_the_run(run_id)])[0])


def _pace(body: PaceIn) -> Throughput | None:
    pace = Throughput(**{name: getattr(body, name) for name in Throughput.__slots__})
    return None if pace == Throughput() else pace


@router.post("/{run_id}/stories", response={202: RunOut})
@needs(Scope.OPERATE)
def make_stories(request: HttpRequest, run_id: Row) -> Status[dict[str, Any]]:
    """Make stories of a run that was started without them."""
    start.make_stories(run_id=_the_run(run_id).pk)
    return Status(202, _told([_the_run(run_id)])[0])


# --- Salvage ------------------------------------------------------------------------------------------------------


class SalvageFilter(Schema):
    """What of a run to take up again; nothing said: all that failed or never ended."""

    phase: Literal["extract", "merge", "group"] | None = Field(None, description="enter there, gap or not")
    only_failed: bool = False
    error_class: Word = ""
    item: RowId | None = None
    reparse: bool = Field(False, description="also those whose stored answers say something else today")

    def options(self, pace: Throughput | None = None, ask_again: bool = False) -> SalvageOptions:
        """Return what the salvage is given."""
        return SalvageOptions(
            phase=self.phase,
            only_failed=self.only_failed,
            error_class=self.error_class,
            item=self.item,
            reparse=self.reparse,
            pace=pace,
            ask_again=ask_again,
        )


class SalvagePlanOut(Schema):
    """What a run has, what is missing, and what salvaging would reuse and redo: conversations or themes."""

    phase: str
    is_worth_it: bool
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


@router.get("/{run_id}/salvage", response=SalvagePlanOut)
@needs(Scope.READ)
def plan_of_salvage(request: HttpRequest, run_id: Row, asked: Query[SalvageFilter]) -> Any:
    """Return what salvaging would reuse and redo, without changing anything."""
    run = _the_run(run_id)
    if run.is_preview or run.is_live or run.phase == Run.Phase.PLAN:
        raise RunError(f"run {run.pk} is {_why_not(run)}; there is nothing to salvage.")
    return plan_salvage(run=run, choice=asked.options())


def _why_not(run: Run) -> str:
    return "a dry run" if run.is_preview else words(run.state) if run.is_live else "not planned"


class SalvageIn(SalvageFilter, PaceIn):
    """As the plan is asked for; and how it works."""

    ask_again: bool = Field(False, description="stored answers are put aside: it is asked, and paid for, once more")


class Salvaged(Schema):
    """The run that is at work again, and what is done."""

    run: RunOut
    plan: SalvagePlanOut


@router.post("/{run_id}/salvage", response={202: Salvaged})
@needs(Scope.OPERATE)
def salvage_run(request: HttpRequest, run_id: Row, body: SalvageIn) -> Status[dict[str, Any]]:
    """Bring an ended run back to work where something is missing; what is stored is used, nothing is asked twice."""
    choice = body.options(_pace(body), body.ask_again)
    _, plan = start.salvage_run(run_id=_the_run(run_id).pk, choice=choice)
    return Status(202, {"run": _told([_the_run(run_id)])[0], "plan": plan})
