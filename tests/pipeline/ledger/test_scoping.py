"""What belongs to which run: nothing is silently left out, mixed up, read twice or spent on a run that cannot be."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.management import CommandError, call_command
from rich.console import Console

from pipeline import tasks
from pipeline.advance import advance
from pipeline.extract.base import at_once, get_extractor
from pipeline.extract.chunk import read_chunk
from pipeline.extract.profiles import get_profile
from pipeline.extract.reading import parse
from pipeline.extract.store import Finished, WrongRun, store
from pipeline.ledger.claims import Claimed, claim_items
from pipeline.ledger.counts import item_counts
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import lose, request_stop, stop_at_once
from pipeline.management.following import follow
from pipeline.models import Call, Conversation, Evidence, Item, Run, Source, StoryEvidence, Theme
from pipeline.reports import diagnose, verify
from pipeline.runs import schedule
from pipeline.runs import start as launch
from pipeline.runs.create import Selection, Throughput
from pipeline.runs.preview import preview
from pipeline.runs.reopen import reopen
from pipeline.runs.salvage import SalvageOptions
from pipeline.sources import ingest
from tests.faults.broken import broken, refusing_trigger
from tests.faults.outcome import asked
from tests.support.seeding import NOW, finish, read, salvage, scripts, seed, start
from tests.support.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with a line for each question asked in this process."""
    monkeypatch.setenv("SCRIPTED_LOG", str(tmp_path / "asked"))
    return tmp_path / "asked"


# --- 1. Conversations from before there were runs -----------------------------------------------------------------


def _old_conversations(classified: bool) -> Source:
    source = seed(scripts(problems=3, each=4))
    Conversation.objects.update(first_run=None, classified_at=NOW if classified else None)
    return source


@pytest.mark.parametrize("classified", [True, False])
def test_conversations_stored_without_a_run_are_read_when_a_run_selects_their_window(classified: bool) -> None:
    source = _old_conversations(classified)
    run = finish(start(source, since=NOW, until=NOW + timedelta(minutes=9)))
    counts = item_counts(run)
    assert (run.state, counts.planned, counts.extracted) == ("completed", 9, 9)
    assert Conversation.objects.filter(first_run=run).count() == 9
    rest = finish(start(source))
    assert (item_counts(rest).extracted, item_counts(rest).skipped) == (3, 9)
    assert not Conversation.objects.filter(first_run=None).exists()


@pytest.mark.parametrize(("count", "said"), [(1, "1 conversation"), (10, "10 conversations")])
def test_a_run_of_some_conversations_that_yields_nothing_needs_attention(count: int, said: str) -> None:
    run = finish(start(seed(["category=spam"] * count)))
    assert run.state == "needs_attention"
    assert run.attention == f"none of {said} produced a theme: {count} filtered: spam"


# --- 2. Results of another run ------------------------------------------------------------------------------------


def _claimed(run: Run) -> list[Claimed]:
    return claim_items(run=run, epoch=run.epoch, chunk=0, token="mine:1")


def _read(piece: list[Claimed]) -> list[Finished]:
    profile, extractor = get_profile("support"), get_extractor("scripted")
    answers = at_once(extractor).read([claimed.question.transcript for claimed in piece], profile)
    return [
        (claimed, parse(claimed.question, answer, profile, extractor))
        for claimed, answer in zip(piece, answers, strict=True)
    ]


def test_results_that_carry_another_runs_id_are_rejected_with_both_ids_before_anything_is_written() -> None:
    mine = start(seed(scripts(1, 3), name="mine"), chunk_size=3)
    other = start(seed(scripts(1, 3), name="other"), chunk_size=3)
    finished = [*_read(_claimed(mine)), *_read(_claimed(other))[:1]]
    with pytest.raises(WrongRun, match=rf"run {other.pk}\b.*\brun {mine.pk}\b"):
        store(run=mine, token="mine:1", finished=finished, model="scripted")
    assert set(Item.objects.values_list("state", flat=True)) == {"reading"}
    assert (Theme.objects.count(), Evidence.objects.count(), Call.objects.count()) == (0, 0, 0)
    assert store(run=mine, token="mine:1", finished=finished[:3], model="scripted") == 3


# --- 3. Runs that are not there, or are over ----------------------------------------------------------------------

UNKNOWN = (999_999_999, 0, -1)
NO_SUCH_RUN = "there is no run {}; `./manage.py run_status` lists the newest"
FUNCTIONS: dict[str, Callable[[int], object]] = {
    "resume": lambda run_id: launch.resume_run(run_id=run_id),
    "reopen": lambda run_id: reopen(run_id=run_id),
    "salvage": lambda run_id: salvage(run_id=run_id),
    "stop_at_once": lambda run_id: stop_at_once(run_id=run_id),
    "request_stop": lambda run_id: request_stop(run_id=run_id),
    "lose": lambda run_id: lose(run_id=run_id, why="a test"),
    "advance": lambda run_id: advance(run_id=run_id),
    "tend": lambda run_id: tasks.supervise(run_id=run_id),
    "advance_run": lambda run_id: tasks.advance_run.run(run_id=run_id),
    "extract_chunk": lambda run_id: read_chunk(run_id=run_id, epoch=1, chunk=0, delivery="a"),
    "verify": lambda run_id: verify.verify(run_id=run_id),
    "diagnose": lambda run_id: diagnose.diagnose_run(run_id=run_id),
}
COMMANDS = ("salvage", "stop_run", "make_stories", "run_status", "verify_run", "diagnose")


def _spent() -> tuple[int, int, list[tuple[Any, ...]]]:
    """What a refused run id must leave as it is: what was asked, what waits in the queue, and all runs."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    waiting = sum(int(client.llen(settings.REDIS_PREFIX + queue)) for queue in tasks.QUEUES)
    return Call.objects.count(), waiting, list(Run.objects.order_by("pk").values_list("pk", "state", "phase", "epoch"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_run_id_that_is_none_is_rejected_with_a_sentence_that_says_what_to_do(name: str) -> None:
    before = _spent()
    for run_id in UNKNOWN:
        with pytest.raises(RunError, match=NO_SUCH_RUN.format(run_id)):
            FUNCTIONS[name](run_id)
    assert _spent() == before


def test_the_commands_reject_it_with_the_same_sentence() -> None:
    before = _spent()
    for name in COMMANDS:
        for run_id in UNKNOWN:
            with pytest.raises(CommandError, match=NO_SUCH_RUN.format(run_id)):
                call_command(name, str(run_id))
    assert _spent() == before


@pytest.mark.parametrize(
    ("run_id", "sentence"),
    [(999_999_999, NO_SUCH_RUN.format(999_999_999)), (0, "not a whole number from 1"), (-1, "not a whole number")],
)
def test_resuming_it_is_rejected_too(run_id: int, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("run_pipeline", f"--resume={run_id}")
    assert not Run.objects.exists()


FINISHED: dict[str, tuple[Callable[[int], object], str]] = {
    "resume": (FUNCTIONS["resume"], "is completed; there is nothing left to do. Start a new one instead"),
    "reopen": (FUNCTIONS["reopen"], "is completed; there is nothing left to do. Start a new one instead"),
    "salvage": (FUNCTIONS["salvage"], "is completed; nothing is missing. To parse its stored answers again, run "),
    "stop_at_once": (FUNCTIONS["stop_at_once"], "is completed; only a run that is running can be stopped"),
    "stop_run": (lambda run_id: call_command("stop_run", str(run_id)), "only a run that is running can be stopped"),
    "make_stories": (
        lambda run_id: call_command("make_stories", str(run_id)),
        "makes stories by itself. To make them again, run ",
    ),
}


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_run_is_rejected_with_a_sentence_that_says_what_to_do(name: str, log: Path) -> None:
    run = finish(start(seed(scripts(2, 3))))
    before, questions = _spent(), asked(log)
    act, sentence = FINISHED[name]
    with pytest.raises((RunError, CommandError), match=sentence):
        act(run.pk)
    assert (_spent(), asked(log)) == (before, questions)


@pytest.mark.parametrize("name", ["advance", "tend", "advance_run", "extract_chunk"])
def test_a_late_message_of_a_finished_run_changes_nothing(name: str, log: Path) -> None:
    run = finish(start(seed(scripts(2, 3))))
    before, questions = _spent(), asked(log)
    FUNCTIONS[name](run.pk)
    assert (_spent(), asked(log)) == (before, questions)


# --- 4. Reading again ---------------------------------------------------------------------------------------------


def _rows_of(run: Run) -> list[Any]:
    return [
        list(model.objects.filter(**{path: run}).order_by("pk").values())
        for model, path in ((Item, "run"), (Call, "item__run"), (Theme, "run"), (Evidence, "theme__run"))
    ]


def _runs_that_count() -> set[int]:
    return set(StoryEvidence.objects.values_list("theme__run_id", flat=True))


def test_reading_again_in_a_later_run_keeps_the_earlier_runs_rows_and_first_run_never_changes() -> None:
    source = seed(scripts(problems=3, each=4))
    first = finish(start(source))
    kept = _rows_of(first)
    second = start(source, force_refresh=True)
    read(second)
    assert _runs_that_count() == {first.pk}, "what is read is not current before its run is finished"
    second = finish(second)
    assert item_counts(second).extracted == 12
    assert _rows_of(first) == kept
    assert set(Conversation.objects.values_list("first_run_id", flat=True)) == {first.pk}
    assert _runs_that_count() == {second.pk}


def test_a_preview_and_a_run_that_failed_are_never_current() -> None:
    source = seed(scripts(problems=3, each=4))
    first = finish(start(source))
    preview(source=source, profile="support", extractor="scripted", selection=Selection())
    with broken(**refusing_trigger("pipeline_theme", on="UPDATE OF signature_id")):
        failed = finish(start(source, force_refresh=True))
    assert failed.state == "failed"
    assert _runs_that_count() == {first.pk}
    assert set(Conversation.objects.values_list("first_run_id", flat=True)) == {first.pk}


# --- 5. Chunk size and concurrency --------------------------------------------------------------------------------


def _chunks(run: Run) -> int:
    return run.items.values("chunk").distinct().count()


def test_they_can_be_set_where_a_run_is_started(worker: Worker, tmp_path: Path) -> None:
    words = ("--extractor", "scripted", "--chunk-size", "4", "--concurrency", "3", "--detach")
    seed(scripts(problems=2, each=6), name="here")
    call_command("run_pipeline", "file:here", *words)
    path = tmp_path / "export.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(scripts(2, 6))))
    call_command("run_pipeline", "file", "--path", str(path), *words)
    seed(scripts(problems=2, each=6), name="daily")
    assignment = schedule.Assignment(
        source="file:daily", profile="support", extractor="scripted", chunk_size=4, concurrency=3
    )
    schedule.fire(assignment, at=datetime.now(UTC))
    started = list(Run.objects.order_by("pk"))
    assert [(_chunks(run), run.parameters) for run in started] == [(3, {"chunk_size": 4, "concurrency": 3})] * 3
    assert {follow(run.pk, Console(quiet=True)).state for run in started} == {"completed"}


GOING_ON: dict[str, Callable[[Run, Throughput], object]] = {
    "salvage": lambda run, pace: salvage(run_id=run.pk, choice=SalvageOptions(pace=pace)),
    "resume": lambda run, pace: launch.resume_run(run_id=run.pk, pace=pace),
}


@pytest.mark.parametrize("way", GOING_ON)
@pytest.mark.parametrize(
    ("pace", "chunks", "most", "parameters"),
    [
        (Throughput(), 10, 1, {"chunk_size": 2, "concurrency": 1}),
        (Throughput(chunk_size=5, concurrency=2), 4, 2, {"chunk_size": 5, "concurrency": 2}),
    ],
    ids=["as before", "at another pace"],
)
def test_they_hold_where_a_run_goes_on_and_can_be_set_anew(
    worker: Worker, way: str, pace: Throughput, chunks: int, most: int, parameters: dict[str, int]
) -> None:
    run = start(seed(scripts(problems=2, each=10, slow=0.03)), chunk_size=2, concurrency=1)
    assert request_stop(run_id=run.pk)
    assert advance(run_id=run.pk).state == "stopped"
    GOING_ON[way](run, pace)
    assert _most_in_flight(run) == most
    assert (_chunks(run), run.parameters) == (chunks, parameters)


def test_concurrency_bounds_what_is_in_flight_over_two_workers(start_worker: type[Worker]) -> None:
    run = start(seed(scripts(problems=2, each=20, slow=0.03)), concurrency=3, chunk_size=2)
    for worker in [start_worker(concurrency=3), start_worker(concurrency=3)]:
        worker.wait_until_ready()
    tasks.dispatch(run=run)
    assert _most_in_flight(run) == 3


def _most_in_flight(run: Run) -> int:
    """Look on until the run ends and return the most chunks that were read at one time."""
    most = 0
    run.refresh_from_db()
    while run.is_live:
        most = max(most, run.items.filter(state=Item.State.READING).values("chunk").distinct().count())
        run.refresh_from_db()
    assert run.state == "completed"
    return most


# --- 6. The same conversation twice -------------------------------------------------------------------------------


def test_the_same_conversation_twice_in_one_batch_is_one_item(tmp_path: Path, log: Path) -> None:
    texts = scripts(problems=3, each=3)
    lines = [json.dumps({"id": f"t-{number % 9}", "text": texts[number % 9]}) for number in range(18)]
    path = tmp_path / "export.jsonl"
    path.write_text("\n".join(lines))
    source = ingest.import_files(ingest.Import((str(path),), replaces_texts=True)).source
    assert source
    run = finish(start(source))
    assert (Conversation.objects.count(), run.items.count(), Theme.objects.count()) == (9, 9, 9)
    assert set(asked(log).values()) == {1}


def test_a_conversation_imported_twice_is_one_item_and_its_newest_text_is_read(tmp_path: Path, log: Path) -> None:
    path = tmp_path / "export.jsonl"
    for text in ("name=first_thing problem=1", "name=second_thing problem=2"):
        path.write_text(json.dumps({"id": "t-1", "text": text}))
        source = ingest.import_files(ingest.Import((str(path),), replaces_texts=True)).source
    assert source
    run = finish(start(source))
    assert run.items.get().version == Conversation.objects.get().current_version
    assert list(asked(log)) == ["name=second_thing problem=2"]
