"""Runs by the clock: what a firing does, how schedules are made, and a real beat that fires."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from pipeline.ledger.counts import item_counts
from pipeline.models import Conversation, Run, schema
from pipeline.runs import preflight, schedule
from pipeline.runs.create import Selection
from pipeline.runs.schedule import Assignment
from tests.pipeline.management.test_commands import export
from tests.pipeline.sources.test_import_command import environment
from tests.support.commands import SCRIPTED, Captured, words_for_people
from tests.support.seeding import NOW, change, scripts, seed, start
from tests.support.waiting import until
from tests.support.workers import Worker

ASSIGNMENT = Assignment(source="file:test", profile="support", extractor="scripted")


def set_by_command(*words: str) -> None:
    call_command("schedule_run", *words)


def ended(count: int) -> list[Run]:
    """Wait until so many runs have ended, and return them, the oldest first."""
    until(lambda: Run.objects.filter(finished_at__isnull=False).count() == count)
    return list(Run.objects.order_by("pk"))


# --- Firing -------------------------------------------------------------------------------------------------------


def test_a_daily_run_over_a_sliding_window_pays_only_for_what_is_new_or_changed(
    start_worker: type[Worker], tmp_path: Path
) -> None:
    log = tmp_path / "asked"
    start_worker(concurrency=2, SCRIPTED_LOG=str(log)).wait_until_ready()
    days = [NOW + timedelta(days=day, hours=6) for day in range(3)]
    weekly = Assignment(source="file:test", profile="support", extractor="scripted", window_days=2)

    def fire(day: int) -> Run:
        Conversation.objects.filter(occurred_at__lt=NOW + timedelta(days=1), pk__gt=seen()).update(
            occurred_at=days[day]
        )
        assert schedule.fire(weekly, at=days[day] + timedelta(hours=1)).endswith("was started")
        return ended(day + 1)[day]

    def seen() -> int:
        return max(Run.objects.values_list("items__conversation", flat=True).order_by(), default=0) or 0

    source = seed(scripts(2, 4))
    first = fire(0)
    assert (item_counts(first).extracted, questions(log)) == (8, 8)

    seed(scripts(1, 3, day=2))
    change(source, ["name=changed problem=9", *[None] * 10])
    second = fire(1)
    counts = item_counts(second)
    assert (counts.extracted, counts.skipped, questions(log)) == (4, 7, 8 + 4)

    seed(scripts(1, 2, day=3))
    third = fire(2)
    counts = item_counts(third)
    assert (counts.planned, counts.extracted, counts.skipped) == (5, 2, 3)
    assert questions(log) == 8 + 4 + 2


def questions(log: Path) -> int:
    """How many questions the reader was asked, over all processes."""
    return len(log.read_text().splitlines())


def test_a_source_with_a_live_run_is_left_to_it(transactional_db: None) -> None:
    run = start(seed(scripts(1, 3)))
    said = schedule.fire(ASSIGNMENT, at=NOW)
    assert said == f"nothing was started: file:test is still being read by run {run.pk} (running)"
    assert Run.objects.get() == run


def test_a_dead_run_does_not_block_the_next_firing(worker: Worker) -> None:
    dead = start(seed(scripts(1, 3)))
    Run.objects.update(heartbeat_at="2026-01-01T00:00Z")
    assert schedule.fire(ASSIGNMENT, at=NOW).endswith("was started")
    dead.refresh_from_db()
    assert dead.state == "lost"
    ended(2)


def test_two_firings_at_once_start_one_run(worker: Worker) -> None:
    seed(scripts(2, 10, slow=0.1))
    results = [schedule.scheduled_run.delay(**as_kwargs(ASSIGNMENT)) for _ in range(2)]
    said = sorted(result.get(timeout=240) for result in results)
    assert said[0].startswith("nothing was started: ")
    assert said[1] == f"run {Run.objects.get().pk} of file:test was started"
    assert ended(1)[0].state == "completed"


@pytest.fixture
def both_look_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two firings at once neither begins before both have looked for a live run; pre-flight is not the matter."""
    both, begin = Barrier(2, timeout=240), schedule._start

    def wait_and_begin(assignment: Assignment, at: datetime) -> Run:
        both.wait(240)
        return begin(assignment, at)

    monkeypatch.setattr(schedule, "_start", wait_and_begin)
    monkeypatch.setattr(preflight, "require_ready", lambda *_, **__: None)


def fire_twice_at_once() -> list[str]:
    def fire(_: int) -> str:
        try:
            return schedule.fire(ASSIGNMENT, at=NOW)
        finally:
            connection.close()
            current_app.backend.result_consumer.stop()  # Celery has one a thread
            current_app.backend.client.connection_pool.disconnect()

    with ThreadPoolExecutor(2) as threads:
        return sorted(threads.map(fire, range(2)))


def test_of_two_firings_that_both_saw_no_run_one_starts_it(worker: Worker, both_look_first: None) -> None:
    seed(scripts(2, 10, slow=0.1))
    said = fire_twice_at_once()
    assert said[0].startswith("nothing was started: file:test already has a live run")
    assert said[1].endswith("was started")
    assert Run.objects.count() == 1
    ended(1)


def test_without_the_constraint_both_would(start_worker: type[Worker], both_look_first: None) -> None:
    seed(scripts(2, 3))
    (cure,) = without_index("one_live_run_per_source")
    try:
        assert all(said.endswith("was started") for said in fire_twice_at_once())
        assert Run.objects.filter(state="running").count() == 2
    finally:
        current_app.control.purge()
        Run.objects.update(state="failed", finished_at=NOW)
        with connection.cursor() as cursor:
            cursor.execute(cure)
    assert schema.broken_promises() == []


def without_index(name: str) -> list[str]:
    """Drop an index; return what restores it."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {name}")
    return [broken.cure for broken in schema.broken_promises()]


def test_a_worker_with_one_child_starts_runs_too(start_worker: type[Worker]) -> None:
    seed(scripts(2, 3))
    start_worker(concurrency=1).wait_until_ready()
    assert schedule.scheduled_run.delay(**as_kwargs(ASSIGNMENT)).get(timeout=240).endswith("was started")
    assert ended(1)[0].state == "completed"


def test_a_firing_where_nobody_extracts_fails_with_a_sentence(start_worker: type[Worker]) -> None:
    seed(scripts(2, 3))
    start_worker(concurrency=1, queues="default,background", HEARTBEAT_PATIENCE="3").wait_until_ready()
    result = schedule.scheduled_run.delay(**as_kwargs(ASSIGNMENT))
    refusal = result.get(timeout=240, propagate=False)
    assert result.state == "FAILURE"
    assert "no worker is consuming the queues extract, merge: no heartbeat within 3 s" in str(refusal)
    assert not Run.objects.exists()


def test_it_imports_the_file_again_each_time(worker: Worker, tmp_path: Path) -> None:
    rows = [{"id": str(n), "text": text} for n, text in enumerate(scripts(2, 4))]
    path = export(tmp_path / "export.jsonl", *rows[:6])
    assignment = Assignment(source="file:daily", profile="support", extractor="scripted", path=str(path))
    assert schedule.fire(assignment, at=NOW).endswith("of file:daily was started")
    ended(1)
    export(path, *rows)
    schedule.fire(assignment, at=NOW)
    assert [item_counts(run).extracted for run in ended(2)] == [6, 2]


@pytest.mark.django_db
def test_every_choice_reaches_the_run() -> None:
    spends = {"budget_tokens": 900, "batch": True, "judge": True}
    paced: dict[str, Any] = {"limit": 5, "concurrency": 2, "chunk_size": 3, "skip_fresh": 4.0, **spends}
    assignment = Assignment(source="file:x", profile="p", extractor="e", window_days=7, budget="2.50", **paced)
    assert assignment.selection(NOW) == Selection(since=NOW - timedelta(days=7), budget=Decimal("2.50"), **paced)
    # whatever a run may be given, a schedule can give it, but for what names a moment or a part of a book
    given = {name for name in Selection.__slots__ if getattr(assignment.selection(NOW), name)}
    assert set(Selection.__slots__) - given == {"until", "force_refresh", "no_stories", "select"}


def as_kwargs(assignment: Assignment) -> dict[str, Any]:
    return {name: getattr(assignment, name) for name in Assignment.__slots__}


# --- Making schedules ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_setting_a_schedule_again_changes_it() -> None:
    seed(scripts(1, 3))
    set_by_command("file:test", "--every", "1d", *SCRIPTED, "--window-days", "7")
    first = PeriodicTask.objects.get(task=schedule.TASK)
    assert (first.name, str(first.interval), first.crontab) == ("file:test", "every day", None)
    assert json.loads(first.kwargs)["window_days"] == 7
    set_by_command("file:test", "--cron", "0 6 * * 1-5", *SCRIPTED, "--limit", "100")
    again = PeriodicTask.objects.get(task=schedule.TASK)
    assert (again.pk, again.interval, again.crontab.hour) == (first.pk, None, "6")
    assert schedule.assignment_of(again) == Assignment(
        source="file:test", profile="support", extractor="scripted", limit=100
    )


@pytest.mark.django_db
def test_what_its_runs_may_spend_is_kept_with_a_schedule() -> None:
    seed(scripts(1, 3))
    set_by_command("file:test", "--every", "1d", *SCRIPTED, "--budget", "2.50", "--batch", "--judge")
    made = schedule.assignment_of(PeriodicTask.objects.get(task=schedule.TASK))
    assert (made.budget, made.batch, made.judge) == ("2.50", True, True)
    with pytest.raises(CommandError, match="not an amount in dollars"):
        set_by_command("file:test", "--every", "1d", *SCRIPTED, "--budget", "lots")


@pytest.mark.django_db
def test_a_path_means_the_same_file_in_the_folder_of_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    set_by_command("file:daily", "--every", "1d", "--path", "export.jsonl", *SCRIPTED)
    made = schedule.assignment_of(PeriodicTask.objects.get(task=schedule.TASK))
    assert made.path == str(tmp_path.resolve() / "export.jsonl")


@pytest.mark.django_db
def test_schedules_are_listed_paused_resumed_and_removed(capsys: Captured) -> None:
    seed(scripts(1, 3))
    set_by_command("file:test", "--every", "12h", "--name", "mornings", *SCRIPTED, "--window-days", "2")
    set_by_command("--pause", "mornings")
    assert not PeriodicTask.objects.get(name="mornings").enabled
    set_by_command("--list")
    assert "mornings │ file:test │ every 12 hours │ 2 days │ - │ paused" in words_for_people(capsys.readouterr().out)
    set_by_command("file:test", "--every", "6h", "--name", "mornings", *SCRIPTED)
    assert not PeriodicTask.objects.get(name="mornings").enabled, "a change does not wake what rests"
    set_by_command("--resume", "mornings")
    assert PeriodicTask.objects.get(name="mornings").enabled
    set_by_command("--remove", "mornings")
    assert not PeriodicTask.objects.filter(task=schedule.TASK).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["file:test", "--every", "1w"], "'1w' is not an interval; write a number followed by one of s, m, h, d"),
        (["file:test", "--every", "0d"], "'0d' is not an interval"),
        (["file:test", "--every", "d"], "'d' is not an interval"),
        (["file:test", "--cron", "0 6 * *"], "'0 6 \\* \\*' is not a crontab line; write five fields: minute hour"),
        (["file:test", "--cron", "0 25 * * *"], "'0 25 \\* \\* \\*' is not a valid crontab line: "),
        (["file:test", "--cron", "often x * * *"], "is not a valid crontab line: "),
        (["file:nowhere", "--every", "1d"], "there is no source 'file:nowhere'. Sources: file:test"),
        (["file:test", "--every", "1d", "--profile", "nonsense"], "there is no profile 'nonsense'"),
        (["file:test", "--every", "1d", "--extractor", "nonsense"], "there is no extractor 'nonsense'"),
        (["file:test", "--every", "1d", "--name", "watch live runs"], "is the name of another periodic task"),
        (["chats:test", "--every", "1d", "--path", "x"], "with --path, the source must be `file:NAME`"),
        (["--every", "1d"], "name a source, for example"),
        (["file:test"], "one of the arguments --every --cron"),
        (["file:test", "--every", "1d", "--cron", "* * * * *"], "not allowed with argument"),
        (["--remove", "nonsense"], "there is no schedule named 'nonsense'. Schedules: none yet"),
        (["--remove", "watch live runs"], "there is no schedule named 'watch live runs'"),
        (["--pause", "nonsense"], "there is no schedule named 'nonsense'"),
    ],
)
def test_it_refuses_what_cannot_be_meant_with_a_sentence(words: list[str], refusal: str) -> None:
    seed(scripts(1, 3))
    PeriodicTask.objects.create(name="watch live runs", task="pipeline.watch_runs", interval=schedule.every("10s"))
    with pytest.raises(CommandError, match=refusal):
        set_by_command(*words)
    assert not PeriodicTask.objects.filter(task=schedule.TASK).exists()


@pytest.mark.django_db
def test_equal_times_share_a_row() -> None:
    assert schedule.every("5m") == schedule.every("5m")
    assert schedule.cron("0 6 * * *") == schedule.cron("0 6 * * *")
    assert (IntervalSchedule.objects.count(), CrontabSchedule.objects.count()) == (1, 1)


# --- Beat ---------------------------------------------------------------------------------------------------------


@contextmanager
def beat(folder: Path) -> Iterator[Path]:
    """A real Celery beat on the test database; its log."""
    log = folder / "beat.log"
    command = [sys.executable, "-m", "celery", "-A", "config", "beat", "--pidfile=", "--loglevel=INFO"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, stdout=output, stderr=output, start_new_session=True,
            env={**environment(), "PYTHONWARNINGS": "default"},
        )  # fmt: skip
    try:
        yield log
    finally:
        process.terminate()
        process.wait(120)


def test_beat_fires_and_a_run_that_is_live_is_not_doubled(start_worker: type[Worker], tmp_path: Path) -> None:
    seed(scripts(2, 20, slow=0.2))
    worker = start_worker(concurrency=2)
    worker.wait_until_ready()
    set_by_command("file:test", "--every", "1s", *SCRIPTED)
    with beat(tmp_path):
        until(lambda: worker.output().count("nothing was started: file:test is still being read by run") >= 2, 60)
        assert Run.objects.count() == 1
        set_by_command("--pause", "file:test")
    assert ended(1)[0].state == "completed"
    assert len(re.findall(r"'run \d+ of file:test was started'", worker.output())) == 1
    watched = PeriodicTask.objects.get(task="pipeline.watch_runs")
    assert (watched.enabled, str(watched.interval)) == (True, "every 10 seconds")
