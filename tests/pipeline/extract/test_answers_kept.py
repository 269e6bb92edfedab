"""Answers are kept as they come, once, and only by a worker that reads as the run's others do."""

import gc
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from pipeline import tasks
from pipeline.extract import store
from pipeline.extract.base import Answer, at_once, get_extractor
from pipeline.extract.chunk import read_chunk
from pipeline.extract.store import MOST_UNKEPT, store_answers
from pipeline.extract.versions import OtherVersion
from pipeline.ledger.claims import claim_items
from pipeline.models import Call, Item, Run, Theme
from pipeline.reports.verify import verify
from pipeline.runs.reopen import reopen
from tests.support.seeding import finish, scripts, seed, start
from tests.support.waiting import until

SLOW = scripts(problems=5, each=6, slow=0.02)
"""30 conversations, of which eight take long enough to be worth a commit."""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which each asked transcript leaves a line, over all processes."""
    log = tmp_path / "asked"
    log.touch()
    monkeypatch.setenv("SCRIPTED_LOG", str(log))
    return log


def in_a_process_that_dies(run: Run, *, after: int) -> None:
    """Read the run's chunk in a child that is killed when it has asked about so many conversations."""
    connection.close()
    gc.collect()
    gc.freeze()  # a child that collects what this process left, such as connections, may wait for ever
    child = os.fork()
    if child == 0:
        try:
            _read_until_death(run, after)
        finally:
            os._exit(0)  # whatever happened: it must not go on with its parent's tests
    gc.unfreeze()
    until(lambda: os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT))
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def _read_until_death(run: Run, after: int) -> None:
    extractor = at_once(get_extractor("scripted"))
    read, count = extractor.read, 0

    def dying(*words: Any) -> Any:
        nonlocal count
        for answer in read(*words):
            count += 1
            if count > after:
                os.kill(os.getpid(), signal.SIGKILL)
            yield answer

    extractor.read = dying  # type: ignore[method-assign, assignment]
    read_chunk(run_id=run.pk, epoch=run.epoch, chunk=0, delivery="first")


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_worker_that_dies_in_the_middle_costs_no_more_than_the_last_few_answers(asked: Path) -> None:
    run = start(seed(SLOW), chunk_size=50)
    in_a_process_that_dies(run, after=20)
    assert 20 - MOST_UNKEPT <= Call.objects.count() <= 20
    kept = Call.objects.count()
    Item.objects.filter(state="reading").update(claimed_at="2020-01-01T00:00:00Z")
    assert finish(run).state == "completed"
    assert len(asked.read_text().splitlines()) == 21 + 30 - kept
    assert Theme.objects.count() == 30


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_costs_money_is_kept_before_the_next_is_asked_for(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_extractor("scripted"), "is_paid", True)
    run = start(seed(scripts(problems=3, each=4)), chunk_size=50)
    in_a_process_that_dies(run, after=7)
    assert Call.objects.count() == 7


@pytest.mark.django_db(transaction=True)
def test_vectors_are_stored_once_and_a_run_is_still_verified(asked: Path) -> None:
    run = finish(start(seed([*scripts(problems=3, each=4), "nr 1 act=malformed"])))
    assert Theme.objects.count() == 12
    assert set(map(bytes, Call.objects.values_list("vectors", flat=True))) == {b""}
    assert all(theme.vector for theme in Theme.objects.all())
    assert verify(run_id=run.pk).holds


@pytest.mark.django_db(transaction=True)
def test_answers_that_an_earlier_holder_kept_since_the_claim_cost_nobody_an_answer() -> None:
    """A worker that was thought dead keeps its answers late, under the number the next one counted on."""
    run = start(seed(scripts(problems=1, each=3)), chunk_size=50)
    claimed = claim_items(run=run, epoch=1, chunk=0, token="second:1")
    answers: dict[int, Answer | Exception] = {one.item_id: Answer("late") for one in claimed}
    assert not any(isinstance(one, Exception) for one in store_answers(run, claimed, answers).values())
    again = store_answers(run, claimed, {one.item_id: Answer("in time") for one in claimed})
    assert not any(isinstance(one, Exception) for one in again.values())
    kept = Call.objects.order_by("item", "attempt").values_list("attempt", "answer")
    assert list(kept) == [(1, "late"), (2, "in time")] * 3


@pytest.mark.django_db
def test_a_chunk_asks_the_database_seven_times_however_many_conversations_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its run, the claim, the answers, and what they mean: ids, themes, quotes, items. BEGIN and COMMIT aside."""
    monkeypatch.setattr(store, "LONGEST_UNKEPT", 1e9)  # how quickly answers come depends on the machine
    monkeypatch.setattr(store, "WORTH_A_COMMIT", 1e9)
    for each in (2, 8):
        run = start(seed(scripts(problems=5, each=each), name=f"each-{each}"), chunk_size=50)
        with CaptureQueriesContext(connection) as asked_for:
            read_chunk(run_id=run.pk, epoch=run.epoch, chunk=0, delivery="first")
        assert not run.items.filter(state__in=Item.UNFINISHED).exists()
        assert len([one for one in asked_for if "SAVEPOINT" not in one["sql"]]) == 7


@pytest.mark.django_db
def test_answers_whose_parsing_failed_keep_their_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(seed(scripts(problems=1, each=1)))
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.extract.reading.normal_form", lambda raw: 1 / 0)
        assert finish(run).state == "needs_attention"
    assert all(Call.objects.values_list("vectors", flat=True))


@pytest.mark.django_db
def test_a_worker_of_another_version_reads_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(seed(scripts(problems=1, each=3)))
    monkeypatch.setattr(get_extractor("scripted"), "version", "scripted-2")
    with pytest.raises(OtherVersion, match=r"is read with scripted-1, .* this worker would read with scripted-2"):
        read_chunk(run_id=run.pk, epoch=run.epoch, chunk=0, delivery="late")
    assert Call.objects.count() == 0
    assert not Item.objects.exclude(state="pending").exists()


@pytest.mark.django_db
def test_a_worker_with_another_model_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(seed(scripts(problems=1, each=3)))
    monkeypatch.setattr(get_extractor("scripted"), "model", "another")
    with pytest.raises(OtherVersion, match="one EMBEDDING_MODEL"):
        read_chunk(run_id=run.pk, epoch=run.epoch, chunk=0, delivery="late")


@pytest.mark.django_db
@pytest.mark.parametrize(("retries", "state"), [(0, "running"), (tasks.OTHER_VERSION_TRIES, "failed")])
def test_a_refused_chunk_is_offered_again_and_at_last_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, retries: int, state: str
) -> None:
    run = start(seed(scripts(problems=1, each=3)))
    monkeypatch.setattr(get_extractor("scripted"), "version", "scripted-2")
    task, words = tasks.extract_chunk, {"run_id": run.pk, "epoch": run.epoch, "chunk": 0}
    task.push_request(id="a", retries=retries, called_directly=False, is_eager=True, args=(), kwargs=words)
    monkeypatch.setattr(task, "retry", lambda exc, countdown: exc)
    try:
        if state == "running":
            with pytest.raises(OtherVersion):
                task.run(**words)
        else:
            assert task.run(**words) == 0
    finally:
        task.pop_request()
    run.refresh_from_db()
    assert run.state == state
    if state == "failed":
        assert "Restart all workers with one version of the code" in run.error
        monkeypatch.setattr(get_extractor("scripted"), "version", "scripted-1")
        assert finish(reopen(run_id=run.pk)).state == "completed"


@pytest.mark.django_db
def test_a_heartbeat_says_how_its_worker_would_read(settings: Settings) -> None:
    said = tasks.heartbeat(profile="support", extractor="scripted")
    assert said["reader"] == "scripted-1, support-1, scripted"
    assert tasks.heartbeat()["reader"] == ""
