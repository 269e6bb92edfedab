"""Reading: odd answers cost only their own conversation, and nothing that is answered is asked for again."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import Retry
from django.utils import timezone
from pytest_django import Settings

from pipeline import tasks
from pipeline.extract import chunk, reading
from pipeline.extract.chunk import read_chunk
from pipeline.extract.reading import MAX_DELIVERIES
from pipeline.ledger.claims import AtLimit
from pipeline.ledger.counts import failed_items, item_counts
from pipeline.ledger.states import lose
from pipeline.models import Call, Evidence, Item, Run, Story, Theme
from pipeline.runs.reopen import reopen
from tests.support.seeding import finish, read, scripts, seed, start
from tests.support.waiting import refused, until

pytestmark = pytest.mark.django_db(transaction=True)

HEALTHY = scripts(problems=2, each=4)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with a line for each question."""
    path = tmp_path / "asked"
    path.touch()
    monkeypatch.setenv("SCRIPTED_LOG", str(path))
    return path


def questions(asked: Path) -> list[str]:
    """Return the texts that were asked about, in order."""
    return [line.split(" ", 1)[1] for line in asked.read_text().splitlines()]


# --- Odd answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("odd", "stage", "error_class"),
    [
        ("narrow_vector", "parse", "ValueError"),
        ("no_vector", "parse", "ValueError"),
        ("wide_vector", "parse", "ValueError"),
        ("two_vectors", "parse", "ValueError"),
        ("long_vector", "parse", "ValueError"),
        ("huge_vector", "parse", "ValueError"),
        ("zero_vector", "parse", "ValueError"),
        ("nan_vector", "parse", "ValueError"),
        ("strange_theme", "parse", "KeyError"),
        ("strange_reading", "parse", "KeyError"),
        ("nan_confidence", "parse", "ValidationError"),
        ("over_confident", "parse", "ValidationError"),
        ("fenced", "parse", "ValidationError"),
        ("nul_text", "parse", "ValidationError"),
        ("nul_summary", "store", "DataError"),
        ("nul_filtered", "store", "DataError"),
        ("lone_surrogate", "read", "UnicodeEncodeError"),
        ("negative_tokens", "read", "IntegrityError"),
        ("vast_tokens", "read", "IntegrityError"),
    ],
)
def test_an_odd_answer_costs_only_its_own_conversation(odd: str, stage: str, error_class: str) -> None:
    texts = [*HEALTHY[:4], f"name=bad_thing problem=77 odd={odd}", *HEALTHY[4:]]
    run = finish(start(seed(texts), extractor="odd", chunk_size=50))
    item = failed_items(run).get()
    assert (item.stage, item.error_class) == (stage, error_class)
    assert item.reason == f"could not {stage}: {error_class}"
    assert (run.state, run.attention) == ("completed_with_errors", "1 of 9 conversations failed")
    assert Call.objects.count() == (8 if stage == "read" else 9)
    assert {story.evidence.count() for story in Story.objects.all()} == {4}
    assert Theme.objects.count() == 8


@pytest.mark.parametrize("odd", ["long_finish", "misquoted", "nul_quote"])
def test_an_answer_that_is_only_untidy_is_taken(odd: str) -> None:
    run = finish(start(seed([f"name=bad_thing problem=77 odd={odd}"]), extractor="odd"))
    assert run.state == "completed"
    assert Theme.objects.get().raw_signature == "bad_thing"


def test_a_quote_that_does_not_stand_in_the_text_is_no_evidence() -> None:
    finish(start(seed(["name=bad_thing problem=77 odd=misquoted"]), extractor="odd"))
    assert not Evidence.objects.exists()


def test_spelling_twins_in_one_answer_become_one_theme_with_the_quotes_of_both() -> None:
    finish(start(seed(["first second odd=twins"]), extractor="odd"))
    assert Theme.objects.get().raw_signature == "sync_failure"
    assert list(Evidence.objects.order_by("start").values_list("quote", "start")) == [("first", 0), ("second", 6)]


# --- Asking -------------------------------------------------------------------------------------------------------


def test_after_a_batch_that_fails_in_the_middle_only_the_rest_is_asked_again(asked: Path) -> None:
    texts = [*HEALTHY[:4], "act=raise", *HEALTHY[4:]]
    run = finish(start(seed(texts), chunk_size=50))
    assert questions(asked) == [*HEALTHY[:4], "act=raise", "act=raise", *HEALTHY[4:]]
    assert failed_items(run).get().error == "asked to raise by 'act=raise'"
    assert Call.objects.count() == len(HEALTHY)


def test_an_item_begun_too_often_is_not_worn_out_if_its_answer_is_kept(asked: Path) -> None:
    run = start(seed(HEALTHY), chunk_size=50)
    with refused("pipeline_theme", unless="confidence < 0"):
        read(run)
    assert item_counts(run).failed == 8
    _begun(run, MAX_DELIVERIES + 1)
    run = finish(run)
    assert (run.state, item_counts(run).extracted) == ("completed", 8)
    assert questions(asked) == HEALTHY


def test_an_item_begun_too_often_without_an_answer_fails_unasked(asked: Path) -> None:
    run = start(seed(HEALTHY))
    _begun(run, MAX_DELIVERIES)
    run = finish(run)
    assert set(run.items.values_list("state", "error_class", "reason")) == {
        ("failed", "WorkerLost", "started 3 times, never finished")
    }
    assert questions(asked) == []


def _begun(run: Run, times: int) -> None:
    """Leave the items as a worker does that dies so many times before it has stored them."""
    run.items.update(state=Item.State.PENDING, finished_at=None, delivery_count=times, stage="", reason="", error="")


def test_an_answer_to_another_question_is_not_used(asked: Path) -> None:
    run = start(seed(HEALTHY[:1]))
    with refused("pipeline_theme", unless="confidence < 0"):
        read(run)
    Call.objects.update(request_hash="of an earlier version")
    _begun(run, 1)
    run = finish(run)
    assert item_counts(run).extracted == 1
    assert questions(asked) == HEALTHY[:1] * 2


# --- Claims -------------------------------------------------------------------------------------------------------


def test_what_is_read_when_the_run_ends_is_kept_as_an_answer_and_written_by_nobody(
    monkeypatch: pytest.MonkeyPatch, asked: Path
) -> None:
    run, ask = start(seed(HEALTHY), chunk_size=50), reading.ask

    def ask_while_the_run_is_lost(*words: Any) -> Any:
        assert lose(run_id=run.pk, why="a test")
        return ask(*words)

    with monkeypatch.context() as patch:
        patch.setattr(chunk, "ask", ask_while_the_run_is_lost)
        read(run)
    run.refresh_from_db()
    assert (run.state, Theme.objects.count(), Call.objects.count()) == ("lost", 0, 8)
    resumed = finish(reopen(run_id=run.pk))
    assert (resumed.state, Theme.objects.count()) == ("completed", 8)
    assert questions(asked) == HEALTHY


def test_a_long_reading_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.CLAIM_TIMEOUT = 0.3
    run, ask = start(seed(HEALTHY[:1])), reading.ask
    item = run.items.get()

    def ask_until_the_claim_is_renewed(*words: Any) -> Any:
        item.refresh_from_db()
        until(lambda: run.items.filter(claimed_at__gt=item.claimed_at).exists())
        until(lambda: Run.objects.filter(pk=run.pk, heartbeat_at__gt=item.claimed_at).exists())
        return ask(*words)

    monkeypatch.setattr(chunk, "ask", ask_until_the_claim_is_renewed)
    assert finish(run).state == "completed"


def test_a_run_at_its_limit_takes_no_other_chunk() -> None:
    run = start(seed(HEALTHY), chunk_size=4, concurrency=1)
    run.items.filter(chunk=0).update(state=Item.State.READING, claim="other:1", claimed_at=timezone.now())
    with pytest.raises(AtLimit, match="1 chunks in progress; its limit is 1"):
        read_chunk(run_id=run.pk, epoch=1, chunk=1, delivery="second")
    run.items.filter(chunk=0).update(claimed_at=timezone.now() - timedelta(days=1))
    assert read_chunk(run_id=run.pk, epoch=1, chunk=1, delivery="second") == 4


@pytest.mark.parametrize("retries", [0, 20, 1000])
def test_a_task_at_the_limit_waits_however_often_it_has_waited(retries: int) -> None:
    run = start(seed(HEALTHY), chunk_size=4, concurrency=1)
    run.items.filter(chunk=0).update(state=Item.State.READING, claim="other:1", claimed_at=timezone.now())
    words = {"run_id": run.pk, "epoch": 1, "chunk": 1}
    task = tasks.extract_chunk
    task.push_request(id="a", retries=retries, called_directly=False, is_eager=True, args=(), kwargs=words)
    try:
        with pytest.raises(Retry):
            task.run(**words)
    finally:
        task.pop_request()
