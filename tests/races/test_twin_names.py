"""Twenty processes read 1,440 conversations in which every problem's name is spelled in four ways."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier

from django.db import IntegrityError, connection
from rich.console import Console

from pipeline import tasks
from pipeline.advance import advance
from pipeline.extract.chunk import read_chunk
from pipeline.ledger.counts import item_counts, unfinished_chunks
from pipeline.management.following import follow
from pipeline.merge.rules import normalise
from pipeline.models import Run, Signature, Story
from tests.support.seeding import NOW, partition, seed, start, twins
from tests.support.workers import Worker

PROBLEMS, EACH, PROCESSES = 36, 40, 20


def test_twenty_processes_give_each_problem_one_name(start_worker: type[Worker]) -> None:
    run = _read_by_twenty(start_worker)
    assert (run.state, item_counts(run).extracted) == ("completed", PROBLEMS * EACH)
    assert run.themes.values("raw_signature").distinct().count() == 4 * PROBLEMS
    assert len(set(partition(run).values())) == PROBLEMS
    assert Signature.objects.count() == Story.objects.count() == PROBLEMS
    assert {story.evidence.count() for story in Story.objects.all()} == {EACH}


def test_without_the_constraint_twenty_connections_register_one_name_more_than_once(transactional_db: None) -> None:
    """The control: look, then insert, as the old system did."""
    with _constraints_dropped():
        assert _register_from_twenty_connections() > 1
    Signature.objects.all().delete()
    assert _register_from_twenty_connections() == 1


def _register_from_twenty_connections() -> int:
    """Return how many rows there are for one problem after all have looked at the same moment."""
    barrier = Barrier(PROCESSES, timeout=240)

    def look_then_insert(number: int) -> None:
        key = twins(problems=1, each=4)[number % 4].split()[2].removeprefix("name=")
        form = normalise.normal_form(key)
        seen = Signature.objects.filter(profile="support", normal_form=form).exists()
        barrier.wait(240)
        with suppress(IntegrityError):
            if not seen:
                Signature.objects.create(profile="support", key=f"{key}_{number}", normal_form=form, created_at=NOW)
        connection.close()

    with ThreadPoolExecutor(PROCESSES) as pool:
        list(pool.map(look_then_insert, range(PROCESSES)))
    return Signature.objects.count()


@contextmanager
def _constraints_dropped() -> Iterator[None]:
    constraint = next(c for c in Signature._meta.constraints if c.name == "one_signature_for_all_spelling_twins")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Signature, constraint)
    yield
    Signature.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Signature, constraint)


def _read_by_twenty(start_worker: type[Worker]) -> Run:
    run = start(seed(twins(problems=PROBLEMS, each=EACH)), chunk_size=24)
    start_worker(concurrency=PROCESSES).wait_until_ready()
    tasks.dispatch(run=run)
    return follow(run.pk, Console(quiet=True))


def test_two_merges_at_once_register_each_name_once(transactional_db: None) -> None:
    """Two runs of two sources reach the merge at the same moment; the registry row lets one through at a time."""
    texts = twins(problems=12, each=8)
    pair = [start(seed(texts, name=name)) for name in ("first", "second")]
    for run in pair:
        for chunk in unfinished_chunks(run):
            read_chunk(run_id=run.pk, epoch=1, chunk=chunk, delivery=f"run {run.pk}")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_advance_to_the_end, [run.pk for run in pair]))
    for run in pair:
        run.refresh_from_db()
        assert (run.state, run.error) == ("completed", "")
    assert Signature.objects.count() == 12
    assert {story.evidence.count() for story in Story.objects.all()} == {16}
    forms = [normalise.normal_form(key) for key in Signature.objects.values_list("key", flat=True)]
    assert len(set(forms)) == len(forms)


def _advance_to_the_end(run_id: int) -> None:
    try:
        for _ in range(200):
            if not advance(run_id=run_id).is_live:
                return
            Run.objects.filter(pk=run_id).update(advance_claimed_at=None)
    finally:
        connection.close()
