"""Twenty processes read 1,440 conversations in which every problem's name is spelled in four ways."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from rich.console import Console

from pipeline import console, extract, queries, runs, tasks
from pipeline.models import Run, Signature, Story
from pipeline.signatures import normalise
from tests.seeding import partition, seed, start, twins
from tests.workers import Worker

PROBLEMS, EACH, PROCESSES = 36, 40, 20


def test_twenty_processes_give_each_problem_one_name(start_worker: type[Worker]) -> None:
    run = _read_by_twenty(start_worker)
    assert (run.state, queries.item_counts(run).extracted) == ("completed", PROBLEMS * EACH)
    assert run.themes.values("raw_signature").distinct().count() == 4 * PROBLEMS
    assert len(set(partition(run).values())) == PROBLEMS
    assert Signature.objects.count() == Story.objects.count() == PROBLEMS
    assert {story.evidence.count() for story in Story.objects.all()} == {EACH}


def test_without_the_guard_twins_stay_apart(start_worker: type[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: when every spelling is its own name and every name decides alone, the old disaster is back."""
    run = _read_by_twenty(start_worker, NAMES_DECIDE="1")
    assert len(set(partition(run).values())) == 4 * PROBLEMS
    assert Story.objects.count() == 4 * PROBLEMS


def _read_by_twenty(start_worker: type[Worker], **environment: str) -> Run:
    run = start(seed(twins(problems=PROBLEMS, each=EACH)), chunk_size=24)
    start_worker(concurrency=PROCESSES, **environment).wait_until_ready()
    tasks.dispatch(run=run)
    return console.follow(run.pk, Console(quiet=True))


def test_two_merges_at_once_register_each_name_once(transactional_db: None) -> None:
    """Two runs of two sources reach the merge at the same moment; the registry row lets one through at a time."""
    texts = twins(problems=12, each=8)
    pair = [start(seed(texts, name=name)) for name in ("first", "second")]
    for run in pair:
        for chunk in queries.unfinished_chunks(run):
            extract.extract_chunk(run_id=run.pk, epoch=1, chunk=chunk, delivery=f"run {run.pk}")
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
            if not runs.advance(run_id=run_id).is_live:
                return
            Run.objects.filter(pk=run_id).update(advance_claimed_at=None)
    finally:
        connection.close()
