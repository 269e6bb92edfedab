"""`manage.py doctor` tells people what a run would need."""

import json
import subprocess
import sys

import pytest
from django.conf import settings as project
from pytest_django import Settings

from pipeline.models import Run
from tests.pipeline.runs.test_preflight import forget_newest_migration
from tests.pipeline.sources.test_import_command import environment
from tests.support.commands import SCRIPTED, Captured, command, words_for_people
from tests.support.workers import Worker


def doctor(**variables: str) -> "subprocess.CompletedProcess[str]":
    """Run it as people do, in an environment of one's own."""
    return subprocess.run(
        [sys.executable, str(project.BASE_DIR / "manage.py"), "doctor", *SCRIPTED],
        capture_output=True,
        text=True,
        env={**environment(), **variables},
        timeout=240,
        check=False,
    )


def test_it_ends_with_0_when_all_is_well(worker: Worker, capsys: Captured) -> None:
    assert command("doctor", *SCRIPTED) == 0
    shown = words_for_people(capsys.readouterr().out)
    assert "ok tables All migrations are applied." in shown
    assert "ok workers Heartbeats received on extract, merge, default." in shown
    assert shown.endswith("Ready: a run can start.")
    assert not Run.objects.exists()


def test_its_json_has_every_finding(worker: Worker, capsys: Captured) -> None:
    assert command("doctor", *SCRIPTED, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    names = ["settings", "PostgreSQL", "Redis", "extractor", "tables", "promises", "signatures", "workers"]
    assert [finding["name"] for finding in found["findings"]] == names
    assert (found["ok"], found["warnings"]) == (True, [])


@pytest.fixture
def impatient(settings: Settings) -> None:
    settings.HEARTBEAT_PATIENCE = 0.5


def test_it_ends_with_1_where_nobody_works(start_worker: type[Worker], impatient: None, capsys: Captured) -> None:
    assert command("doctor", *SCRIPTED) == 1
    shown = words_for_people(capsys.readouterr().out)
    assert "NO workers No worker is consuming the queues extract, merge, default:" in shown
    assert "Start one with `bin/up` or `celery -A config worker -E -Q default,extract,merge,background`." in shown
    assert shown.endswith("Not ready: 1 of 8 checks failed.")


@pytest.mark.django_db
def test_it_shows_warnings_of_ours_that_stop_nothing(impatient: None, settings: Settings, capsys: Captured) -> None:
    settings.CELERY_DB_REUSE_MAX = None
    command("doctor", *SCRIPTED)
    shown = words_for_people(capsys.readouterr().out)
    assert "! leitmotif.W004 Celery opens a new database connection for every task. Set CELERY_DB_REUSE_MAX" in shown


@pytest.mark.django_db
def test_it_goes_on_where_the_tables_are_not_up_to_date(impatient: None, capsys: Captured) -> None:
    forgotten = forget_newest_migration()
    assert command("doctor", *SCRIPTED) == 1
    shown = words_for_people(capsys.readouterr().out)
    assert f"NO tables The tables are not up to date: pipeline.{forgotten} is not applied." in shown
    assert "Run `./manage.py migrate`." in shown
    assert "ok extractor" in shown


def test_it_says_so_when_postgresql_is_down(worker: Worker) -> None:
    ended = doctor(DATABASE_URL="postgres://nobody@127.0.0.1:1/none", SECRET_KEY=project.SECRET_KEY)
    shown = words_for_people(ended.stdout)
    assert "NO PostgreSQL Unusable: connection failed" in shown
    assert "ok Redis" in shown
    assert "ok workers" in shown
    assert (ended.returncode, ended.stderr) == (1, "")


def test_it_says_so_when_redis_is_down(transactional_db: None) -> None:
    ended = doctor(REDIS_URL="redis://127.0.0.1:1/0")
    shown = words_for_people(ended.stdout)
    assert "ok PostgreSQL" in shown
    assert "NO Redis It cannot be reached: " in shown
    assert "NO workers The queue cannot be reached: " in shown
    assert (ended.returncode, ended.stderr) == (1, "")
