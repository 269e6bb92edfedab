"""Nothing starts where something is not in order, and nothing is written then."""

import importlib
import io
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from pipeline import tasks
from pipeline.extract.base import get_extractor
from pipeline.ledger.errors import RunError
from pipeline.management import commands
from pipeline.management.command import PipelineCommand
from pipeline.models import Call, Conversation, Item, Run, Source, schema
from pipeline.runs import preflight, workers
from pipeline.runs import start as launch
from pipeline.runs.create import Selection
from pipeline.runs.preflight import Finding, RunRequest
from pipeline.sources.ingest import Import
from tests.pipeline.sources.test_import_command import environment
from tests.settings import OWN_REDIS
from tests.support.commands import SCRIPTED
from tests.support.seeding import finish, scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import Worker

SCRIPTED_RUN = RunRequest("support", "scripted")
SOON = 0.5


def finding(name: str, intention: RunRequest = SCRIPTED_RUN, patience: float = SOON) -> Finding:
    return next(found for found in preflight.run_checks(intention, patience=patience) if found.name == name)


def launched(source: Source, **chosen: Any) -> Run:
    return launch.start_run(source=source, profile="support", extractor="scripted", selection=Selection(), **chosen)


def waiting_messages() -> int:
    with redis.Redis.from_url(project.REDIS_URL) as client:
        return sum(int(str(client.llen(f"{project.REDIS_PREFIX}{queue}"))) for queue in tasks.QUEUES)


# --- Workers ------------------------------------------------------------------------------------------------------


def test_a_run_starts_where_a_heartbeat_comes_back_through_every_queue(worker: Worker) -> None:
    run = launched(seed(scripts(2, 3)))
    until(lambda: Run.objects.get(pk=run.pk).state == "completed")
    assert finding("workers", patience=20) == Finding("workers", True, "heartbeats received on extract, merge, default")


def test_without_a_worker_no_row_is_written_and_no_heartbeat_is_left_behind(start_worker: type[Worker]) -> None:
    source = seed(scripts(2, 3))
    before = waiting_messages()
    for _ in range(3):
        with pytest.raises(RunError, match="no worker is consuming the queues extract, merge, default: no heartbeat"):
            launched(source, patience=SOON)
    assert waiting_messages() == before
    assert not Run.objects.exists()
    assert not Item.objects.exists()


def test_a_worker_that_lives_but_consumes_a_queue_no_more_is_not_enough(start_worker: type[Worker]) -> None:
    start_worker(concurrency=1).wait_until_ready()
    assert finding("workers", patience=20).ok
    assert current_app.control.cancel_consumer("extract", reply=True, timeout=20, limit=1)
    assert current_app.control.ping(timeout=20, limit=1)
    found = finding("workers", patience=6)
    assert not found.ok
    assert re.match("no worker is consuming the queues? extract", found.sentence)
    assert found.hint == "start one with `bin/up` or `celery -A config worker -E -Q default,extract,merge,background`"


def test_a_worker_that_is_busy_is_enough_and_heartbeats_do_not_pile_up(start_worker: type[Worker]) -> None:
    worker = start_worker(concurrency=1)
    worker.wait_until_ready()
    run = start(seed(["name=slow problem=1 slow=60"], name="slow"))
    tasks.dispatch(run=run)
    until(lambda: Item.objects.filter(state="reading").exists())
    before = waiting_messages()
    found = finding("workers", patience=30)
    assert found.ok
    assert found.sentence.count("which is busy") == 3
    assert waiting_messages() <= before


def being_read_by(start_worker: type[Worker], pool: str) -> Worker:
    """Return a worker with one child, or with none of its own, that reads one conversation for a minute."""
    worker = start_worker(concurrency=1, pool=pool)
    worker.wait_until_ready()
    tasks.dispatch(run=start(seed(["name=slow problem=1 slow=60"], name="slow")))
    until(lambda: Item.objects.filter(state="reading").exists())
    return worker


def test_a_worker_that_cannot_answer_while_it_reads_is_enough(start_worker: type[Worker]) -> None:
    being_read_by(start_worker, pool="solo")
    run = Run.objects.get()
    found = finding("workers", patience=30)
    assert found == Finding(
        "workers",
        True,
        f"a worker is busy reading run {run.pk} and cannot answer until it is done; it is assumed to consume extract, "
        "merge, default",
    )


def test_one_that_died_while_it_read_is_not(start_worker: type[Worker]) -> None:
    being_read_by(start_worker, pool="solo").kill()
    assert "no worker is consuming the queues" in finding("workers", patience=3 * project.CLAIM_TIMEOUT).sentence


def test_one_that_answers_speaks_only_for_its_own_queues(
    start_worker: type[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "PING", 4.0)  # a machine with other work must not make it look silent
    start_worker(concurrency=1, queues="extract").wait_until_ready()
    tasks.dispatch(run=start(seed(["name=slow problem=1 slow=60"], name="slow")))
    until(lambda: Item.objects.filter(state="reading").exists())
    assert "no worker is consuming the queues merge, default" in finding("workers", patience=9).sentence


def test_a_worker_on_another_database_is_found_out(start_worker: type[Worker]) -> None:
    name = f"{connection.settings_dict['NAME']}_other"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        subprocess.run(
            [sys.executable, str(project.BASE_DIR / "manage.py"), "migrate", "contenttypes", "--verbosity=0"],
            env={**environment(), "TEST_DATABASE": name},
            check=True,
        )
        start_worker(concurrency=1, TEST_DATABASE=name).wait_until_ready()
        assert f"uses another database ({name} " in finding("workers", patience=20).sentence
    finally:
        Worker.end_all()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_worker_whose_database_is_not_ours_at_all_says_what_it_fails_of(start_worker: type[Worker]) -> None:
    start_worker(concurrency=1, TEST_DATABASE="postgres").wait_until_ready()
    found = finding("workers", patience=20)
    assert not found.ok
    assert 'is failing: relation "django_migrations" does not exist' in found.sentence


# --- The one door -------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(settings: Settings) -> None:
    settings.HEARTBEAT_PATIENCE = SOON


def rejoin(words: list[str], run: Run) -> list[str]:
    return [word.replace("RUN", str(run.pk)) for word in words]


@pytest.mark.parametrize(
    "words",
    [
        ["run_pipeline", "file:test", *SCRIPTED],
        ["run_pipeline", "--resume", "RUN"],
        ["salvage", "RUN", "--yes"],
        ["salvage", "RUN", "--phase", "extract", "--yes"],
    ],
)
def test_no_command_begins_a_run_without_a_worker(
    start_worker: type[Worker], impatient: None, words: list[str]
) -> None:
    run = finish(start(seed([*scripts(2, 3), "act=raise"])))
    before = Run.objects.values().get()
    with pytest.raises(CommandError, match=r"the run cannot start\. workers: no worker is consuming the queues"):
        call_command(*rejoin(words, run))
    assert Run.objects.values().get() == before


def test_stories_are_not_made_without_a_worker(start_worker: type[Worker], impatient: None) -> None:
    run = finish(start(seed(scripts(2, 3)), no_stories=True))
    with pytest.raises(CommandError, match="no worker is consuming the queues"):
        call_command("make_stories", str(run.pk))
    assert Run.objects.get().epoch == 1


def test_a_file_is_not_imported_for_a_run_that_cannot_start(
    start_worker: type[Worker], impatient: None, tmp_path: Path
) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text('{"id": "1", "text": "Hello"}\n')
    with pytest.raises(CommandError, match="no worker is consuming the queues"):
        call_command("run_pipeline", "file", "--path", str(path), *SCRIPTED)
    assert not Source.objects.exists()
    assert not Conversation.objects.exists()


def test_all_that_is_not_in_order_is_said_at_once(start_worker: type[Worker], tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX unfinished_items_by_chunk")
    try:
        with pytest.raises(RunError, match=r"no extractor 'odd_one'.*contains no conversation.*unfinished_items"):
            preflight.require_ready(RunRequest("support", "odd_one", files=Import((str(tmp_path / "empty.jsonl"),))))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE INDEX unfinished_items_by_chunk ON pipeline_item (run_id, chunk) "
                "WHERE state IN ('pending', 'reading')"
            )
    assert schema.broken_promises() == []


# --- Tables -------------------------------------------------------------------------------------------------------


def forget_newest_migration() -> str:
    """Let the database believe that it misses the newest migration of the pipeline; return its name."""
    newest = max(name for app, name in MigrationRecorder(connection).applied_migrations() if app == "pipeline")
    MigrationRecorder(connection).record_unapplied("pipeline", newest)
    return newest


@pytest.fixture
def stale_tables(db: None) -> None:
    forget_newest_migration()


def own_commands() -> list[str]:
    return [name for _, name, _ in pkgutil.iter_modules(commands.__path__)]


MAKES_TABLES = {"demo", "restore"}
"""Commands that bring the tables up to date themselves."""

GOES_ON = {"doctor"}
NEEDS_NO_TABLES = {"get_model"}
WORDS = {
    "run_pipeline": ["file:test"],
    "import_conversations": ["nowhere.jsonl"],
    "evaluate": ["--reviewed"],
    "compare_runs": ["1", "2"],
    "schedule_run": ["--list"],
    "backfill_runs": [],
    "companies": ["flagged"],
    "privacy_selftest": [],
    "api_token": ["list"],
    "apply_retention": [],
    "export": ["stories"],
}


@pytest.mark.parametrize("name", sorted(set(own_commands()) - MAKES_TABLES - GOES_ON - NEEDS_NO_TABLES))
def test_every_command_says_in_a_sentence_that_the_tables_are_not_up_to_date(stale_tables: None, name: str) -> None:
    with pytest.raises(CommandError, match=r"^the tables are not up to date: pipeline\.\S+ is not applied\. Run `"):
        call_command(name, *WORDS.get(name, ["1"]))


@pytest.mark.parametrize("name", sorted(set(own_commands()) - MAKES_TABLES - GOES_ON - NEEDS_NO_TABLES))
def test_every_command_looks_at_the_tables(name: str) -> None:
    module = importlib.import_module(f"pipeline.management.commands.{name}")
    assert issubclass(module.Command, PipelineCommand)


def test_people_see_no_traceback_without_a_database(transactional_db: None) -> None:
    gone = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "SECRET_KEY": project.SECRET_KEY}
    ended = subprocess.run(
        [sys.executable, str(project.BASE_DIR / "manage.py"), "run_status"],
        capture_output=True, text=True, env={**environment(), **gone}, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith("PostgreSQL cannot be used: ")
    assert "Traceback" not in ended.stderr


def test_stale_tables_are_a_finding_and_end_the_look_at_rows(stale_tables: None) -> None:
    found = {found.name: found for found in preflight.run_checks(SCRIPTED_RUN, patience=0)}
    assert not found["tables"].ok
    assert found["tables"].hint == "run `./manage.py migrate`"
    assert not {"promises", "signatures"} & set(found)


# --- Promises -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_fresh_database_keeps_every_promise() -> None:
    assert schema.broken_promises() == []


BREAKS = {
    "one_live_run_per_source": [
        "DROP INDEX one_live_run_per_source",
        "DROP INDEX one_live_run_per_source; CREATE INDEX one_live_run_per_source ON pipeline_run (source_id)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'one_live_run_per_source'::regclass",
    ],
    "one_item_per_run_and_conversation": [
        "ALTER TABLE pipeline_item DROP CONSTRAINT one_item_per_run_and_conversation"
    ],
    "attempts_count_from_one": [
        "ALTER TABLE pipeline_call DROP CONSTRAINT attempts_count_from_one",
        "ALTER TABLE pipeline_call DROP CONSTRAINT attempts_count_from_one; ALTER TABLE pipeline_call "
        "ADD CONSTRAINT attempts_count_from_one CHECK (attempt >= 1) NOT VALID",
    ],
    "unfinished_items_by_chunk": ["DROP INDEX unfinished_items_by_chunk"],
    "one_active_session_per_user": ["DROP INDEX one_active_session_per_user"],
}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "statement"), [(name, statement) for name, statements in BREAKS.items() for statement in statements]
)
def test_a_broken_promise_is_named_and_its_cure_restores_it(name: str, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        (broken,) = schema.broken_promises()
        assert broken.name == name
        found = finding("promises", patience=0)
        assert not found.ok
        assert name in found.sentence
        assert name.replace("_", " ") in found.sentence
        if "pg_index" not in statement:  # PostgreSQL refuses to rebuild an index in the transaction that broke it
            cursor.execute(broken.cure)
            assert schema.broken_promises() == []
        assert broken.cure in found.hint


# --- Extractor, registry, source, servers -------------------------------------------------------------------------


@pytest.fixture
def new_extractors() -> Iterator[None]:
    get_extractor.cache_clear()
    yield
    get_extractor.cache_clear()


@pytest.mark.django_db
def test_a_reader_that_cannot_load_its_model_is_refused(new_extractors: None, settings: Settings) -> None:
    settings.EMBEDDING_MODEL = "/nowhere"
    found = finding("extractor", RunRequest("support", "local"), patience=0)
    assert not found.ok
    assert found.sentence.startswith("local cannot be used: the embedding model's file /nowhere/model.safetensors")


@pytest.mark.django_db
def test_a_model_file_that_is_damaged_is_refused(new_extractors: None, settings: Settings, tmp_path: Path) -> None:
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        (tmp_path / name).write_text("{}")
    settings.EMBEDDING_MODEL = str(tmp_path)
    assert finding("extractor", RunRequest("support", "local"), patience=0).sentence.startswith(
        "local cannot be used: "
    )


@pytest.mark.django_db
def test_the_real_reader_passes() -> None:
    assert finding("extractor", RunRequest("support", "local"), patience=0).ok


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("intention", "sentence"),
    [
        (RunRequest("nonsense", "scripted"), "there is no profile 'nonsense'"),
        (RunRequest("support", "nonsense"), "there is no extractor 'nonsense'"),
    ],
)
def test_an_unknown_profile_or_extractor_is_refused(intention: RunRequest, sentence: str) -> None:
    assert finding("extractor", intention, patience=0).sentence.startswith(sentence)


@pytest.mark.django_db
def test_signatures_of_another_model_are_refused() -> None:
    finish(start(seed(scripts(2, 3))))
    found = finding("signatures", RunRequest("support", "null"), patience=0)
    assert not found.ok
    assert "vectors from the model scripted" in found.sentence
    assert Call.objects.count() == 6


@pytest.mark.django_db
def test_a_source_without_conversations_is_refused() -> None:
    source = seed([])
    found = finding("source", RunRequest("support", "scripted", source), patience=0)
    assert found == Finding(
        "source", False, "file:test has no conversations", "import some: `./manage.py import_conversations`"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file or directory"),
        (b"", "contains no conversation"),
        (b"\n\n", "contains no conversation"),
        (b"\x1f\x8bnonsense", "cannot be unpacked"),
        (b"neither, nor\n", "no column was recognised as the text"),
        (b'{"id": "1", "text": "Hello"}\n', "can be read"),
    ],
)
def test_a_file_is_opened_before_anything_is_imported(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "export"
    if content is not None:
        path.write_bytes(content)
    found = finding("source", RunRequest("support", "scripted", files=Import((str(path),))), patience=0)
    assert sentence in found.sentence
    assert found.ok is (sentence == "can be read")


@pytest.mark.django_db
def test_nothing_is_taken_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(b'{"id": "1", "text": "Hello"}\n'))
    monkeypatch.setattr(sys, "stdin", given)
    assert finding("source", RunRequest("support", "scripted", files=Import(("-",))), patience=0).ok
    assert given.buffer.tell() == 0


@pytest.mark.django_db
@pytest.mark.skipif(not OWN_REDIS, reason="REDIS_URL names a server that is not the tests' own to change")
def test_a_redis_that_throws_messages_away_is_refused() -> None:
    with redis.Redis.from_url(project.REDIS_URL) as client:
        before = {name: client.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy")}
        client.config_set("maxmemory", "1gb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found = finding("Redis", patience=0)
        finally:
            for name, value in before.items():
                client.config_set(name, value)
    assert not found.ok
    assert "discards messages when its memory is full (maxmemory-policy allkeys-lru)" in found.sentence
    assert finding("Redis", patience=0).ok


@pytest.mark.parametrize(("version", "is_doubted"), [("6.0.16", True), ("5.0.7", True), ("6.2.0", False)])
def test_an_old_redis_is_refused(version: str, is_doubted: bool) -> None:
    assert (preflight.redis_doubt({"redis_version": version}) is not None) is is_doubted


@pytest.mark.django_db
def test_unsafe_settings_are_refused(settings: Settings) -> None:
    settings.RUN_LOST_AFTER = settings.CLAIM_TIMEOUT
    assert finding("settings", patience=0).sentence.startswith("leitmotif.E002: A run counts as lost after ")
