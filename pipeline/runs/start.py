"""The one door through which runs set out: pre-flight, then a new run or one that is reopened, then to the workers.

Commands, screens, the demo and the schedule start, resume and salvage runs here and nowhere else. `create.create_run`,
`reopen.reopen` and `tasks.dispatch` alone check nothing.
"""

from collections.abc import Callable

from django.conf import settings
from django.utils.module_loading import import_string

from pipeline import tasks
from pipeline.ledger.counts import find_run
from pipeline.ledger.errors import RunError
from pipeline.models import Run, Source
from pipeline.runs import preflight, preview
from pipeline.runs.create import Selection, Throughput, create_run, profile_of, refuse_live, refuse_other_profile
from pipeline.runs.preflight import RunRequest
from pipeline.runs.reopen import reopen
from pipeline.runs.salvage import SalvageOptions, SalvagePlan, plan_worth_doing, reopen_to_salvage
from pipeline.sources import ingest
from pipeline.sources.ingest import Import, Imported
from pipeline.sources.records import UnreadableSource, is_live
from pipeline.sources.staging import ImportCounts

DEFAULT_PROFILE = "support"

OnImport = Callable[[Source, ImportCounts], object]
"""Is told of each import that a start brings with it."""


def _say_nothing(_source: Source, _counts: ImportCounts) -> None:
    pass


def open_source(name: str, *, on_import: OnImport = _say_nothing) -> Source:
    """Return the source that is called `kind:name`; one that lives in this installation brings in what is new first.

    RunError names the sources there are.
    """
    kind, _, own_name = name.partition(":")
    if is_live(kind):
        source, counts = ingest.import_live(kind, own_name)
        on_import(source, counts)
        return source
    found = Source.objects.filter(kind=kind, name=own_name).first() or _only_one(kind, own_name)
    if found is None and kind == Source.WEBSITES:
        raise RunError(
            "no companies are being watched yet. Import a list of them with `./manage.py companies sync FILE`."
        )
    if found is None:
        known = ", ".join(map(str, Source.objects.all()[:10])) or "none yet"
        raise RunError(
            f"there is no source {name!r}. Sources: {known}. Import a file with `./manage.py run_pipeline file "
            "--path FILE`."
        )
    return found


def _only_one(kind: str, name: str) -> Source | None:
    """Return the only source of a kind, if its name was left out, as in `websites`."""
    found = list(Source.objects.filter(kind=kind)[:2]) if not name else []
    return found[0] if len(found) == 1 else None


def start_run(
    *,
    source: Source,
    profile: str = "",
    extractor: str,
    selection: Selection,
    patience: float | None = None,
    another_profile: bool = False,
) -> Run:
    """Start a run of a source and send it to the workers, which have `patience` seconds to show themselves.

    Without a profile it is the source's (see `chosen_profile`). Raises RunError if it may not start: then nothing was
    written.
    """
    profile = chosen_profile(source, profile, another=another_profile)
    spends, judges = selection.budget is not None, selection.judge
    request = RunRequest(profile, extractor, source=source, spends=spends, judges=judges)
    preflight.require_ready(request, patience=patience)
    return _set_out(source, profile, extractor, selection)


def start_run_with_import(
    *,
    files: Import,
    profile: str = "",
    extractor: str,
    selection: Selection,
    on_import: Callable[[Imported], object] = lambda _: None,
    another_profile: bool = False,
) -> Run:
    """Import files into the source `file:name` and start a run of it, telling `on_import` what was imported.

    Raises RunError if a run may not start: then nothing was imported; or UnreadableSource.
    """
    profile = ready_to_import(
        files=files, profile=profile, extractor=extractor, selection=selection, another_profile=another_profile
    )
    return import_and_set_out(
        files=files, profile=profile, extractor=extractor, selection=selection, on_import=on_import
    )


def ready_to_import(
    *, files: Import, profile: str = "", extractor: str, selection: Selection, another_profile: bool = False
) -> str:
    """Return the profile that a run of these files would have, if one may start; else RunError. Writes nothing."""
    file = files.file()
    known = Source.objects.filter(kind=file.kind, name=file.name).first()
    profile = chosen_profile(known, profile, another=another_profile, kind=files.kind)
    spends, judges = selection.budget is not None, selection.judge
    preflight.require_ready(RunRequest(profile, extractor, files=files, spends=spends, judges=judges))
    if known:
        refuse_live(source=known)
    return profile


def import_and_set_out(
    *,
    files: Import,
    profile: str,
    extractor: str,
    selection: Selection,
    on_import: Callable[[Imported], object] = lambda _: None,
    on_batch: Callable[[ImportCounts], object] = lambda _: None,
) -> Run:
    """Import files that were found `ready_to_import` and start the run; a worker does so for the pages.

    `on_batch` is told the counts while it imports, `on_import` what was imported. Raises UnreadableSource, or RunError
    if the source is being read by now; what was imported until then stays.
    """
    imported = ingest.import_files(files, on_batch)
    # told before the refusal below: it shows the rows that were rejected
    on_import(imported)
    if imported.source is None:
        raise UnreadableSource(f"{files.file()} contains no conversation that could be imported")
    return _set_out(imported.source, profile, extractor, selection)


def chosen_profile(source: Source | None, profile: str, *, another: bool = False, kind: str = "") -> str:
    """Return the profile to read a source under: the one asked for, that of its last run, or the default
    of its kind.

    OtherProfile if one is asked for that the source was not read under before, unless `another` says that it is meant:
    each profile makes its own stories of the same conversations.
    """
    if source and profile and not another:
        refuse_other_profile(source=source, profile=profile)
    return profile or (profile_of(source) if source else "") or default_profile(kind or (source.kind if source else ""))


def default_profile(kind: str) -> str:
    """Return what a source of that kind is read for when nobody said."""
    known = settings.SOURCES.get(kind)
    return str(getattr(import_string(known), "default_profile", DEFAULT_PROFILE)) if known else DEFAULT_PROFILE


def _set_out(source: Source, profile: str, extractor: str, selection: Selection) -> Run:
    run = create_run(source=source, profile=profile, extractor=extractor, selection=selection)
    preview.note_estimate(run=run, selection=selection)
    tasks.dispatch(run=run)
    return run


def resume_run(*, run_id: int, pace: Throughput | None = None, patience: float | None = None) -> Run:
    """Continue an ended run where it stopped, at `pace` if given; workers have `patience` seconds to show themselves.

    RunError if it may not: then nothing was changed.
    """
    spends = bool(pace and pace.budget is not None)
    preflight.require_ready_again(run_id=run_id, spends=spends, patience=patience)
    run = reopen(run_id=run_id, pace=pace)
    tasks.dispatch(run=run)
    return run


def salvage_run(*, run_id: int, choice: SalvageOptions | None = None) -> tuple[Run, SalvagePlan]:
    """Bring an ended run back to work where something is missing, or at the chosen phase; return it and what it does.

    Raises NothingToDo, or RunError if the run or this installation is not ready for it: then nothing was changed.
    """
    choice = choice or SalvageOptions()
    plan = plan_worth_doing(run_id=run_id, choice=choice)
    spends = bool(choice.pace and choice.pace.budget is not None)
    preflight.require_ready_again(run_id=run_id, phase=plan.phase, asks=plan.to_ask > 0, spends=spends)
    run, plan = reopen_to_salvage(run_id=run_id, choice=choice)
    tasks.dispatch(run=run)
    return run, plan


def make_stories(*, run_id: int) -> Run:
    """Group the themes of a run that was started without stories. RunError if it may not: then nothing was changed."""
    _require_without_stories(find_run(run_id))
    preflight.require_ready_again(run_id=run_id, phase=Run.Phase.GROUP)
    run = reopen(run_id=run_id, phase=Run.Phase.GROUP, with_stories=True)
    tasks.dispatch(run=run)
    return run


def _require_without_stories(run: Run) -> None:
    """RunError says what to do if the run makes stories by itself, or has not finished."""
    if run.makes_stories:
        raise RunError(
            f"run {run.pk} makes stories by itself. To make them again, run ./manage.py salvage {run.pk} --phase group"
        )
    if run.is_preview or run.is_live:
        return  # reopen says why not
    if run.state not in Run.FINISHED:
        raise RunError(f"run {run.pk} is {run.state}; finish it first with ./manage.py salvage {run.pk}")
