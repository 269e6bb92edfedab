"""The system checks: each fires where it should, and none on the settings as they are."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import current_app, shared_task
from django.conf import settings as project
from django.core.checks import run_checks
from django.db import connection
from pytest_django import Settings

from pipeline.runs.checks import check_tables, settings_messages
from tests.pipeline.runs.test_preflight import forget_newest_migration
from tests.pipeline.sources.test_import_command import environment


def ids() -> set[str | None]:
    return {message.id for message in settings_messages()}


def test_none_fires_on_the_settings_as_they_are() -> None:
    assert settings_messages() == []


def test_every_message_says_what_to_do(settings: Settings) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 1}
    settings.CELERY_BEAT_SCHEDULE = {}
    settings.SECRET_KEY = "short"
    found = settings_messages()
    assert len(found) == 3
    assert all(message.hint and message.msg.endswith(".") for message in found)


@pytest.mark.parametrize(
    ("changed", "fires"),
    [
        ({"CELERY_BROKER_TRANSPORT_OPTIONS": {"visibility_timeout": 3}, "CLAIM_TIMEOUT": 3}, "leitmotif.E001"),
        ({"CELERY_TASK_TIME_LIMIT": 7200}, "leitmotif.E001"),
        ({"CELERY_TASK_SOFT_TIME_LIMIT": 3600}, "leitmotif.E001"),
        ({"CELERY_BROKER_TRANSPORT_OPTIONS": {}, "CELERY_TASK_TIME_LIMIT": 3600}, "leitmotif.E001"),
        ({"RUN_LOST_AFTER": 30, "CLAIM_TIMEOUT": 30}, "leitmotif.E002"),
        ({"CELERY_RESULT_EXPIRES": 600}, "leitmotif.W001"),
        ({"CELERY_RESULT_CHORD_EXPIRES": timedelta(minutes=5)}, "leitmotif.W001"),
        ({"CELERY_TASK_ACKS_LATE": False}, "leitmotif.W002"),
        ({"CELERY_TASK_REJECT_ON_WORKER_LOST": False}, "leitmotif.W002"),
        ({"CELERY_WORKER_PREFETCH_MULTIPLIER": 4}, "leitmotif.W003"),
        ({"CELERY_WORKER_PREFETCH_MULTIPLIER": 0}, "leitmotif.W003"),
        ({"CELERY_DB_REUSE_MAX": None}, "leitmotif.W004"),
        ({"CELERY_BEAT_SCHEDULE": {"other": {"task": "pipeline.advance_run"}}}, "leitmotif.W005"),
        ({"DEBUG": True, "HAS_OWN_DATABASE": True}, "leitmotif.W006"),
        ({"SECRET_KEY": "correct-horse"}, "leitmotif.W007"),
        ({"SECRET_KEY": "ab" * 40}, "leitmotif.W007"),
        ({"SECRET_KEY": "django-insecure-" + "abcdefghijklmnopqrstuvwxyz" * 2}, "leitmotif.W007"),
    ],
)
def test_an_unsafe_setting_is_named(settings: Settings, changed: dict[str, object], fires: str) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)
    assert ids() == {fires}


@pytest.mark.parametrize(
    "changed",
    [
        {"CELERY_TASK_TIME_LIMIT": 600, "CELERY_TASK_SOFT_TIME_LIMIT": 300},
        {"CELERY_RESULT_EXPIRES": timedelta(days=2)},
        {"DEBUG": True, "HAS_OWN_DATABASE": False},
        {"DEBUG": False, "HAS_OWN_DATABASE": True},
    ],
)
def test_a_safe_setting_passes(settings: Settings, changed: dict[str, object]) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)
    assert ids() == set()


@pytest.fixture
def undeclared_task() -> Iterator[str]:
    """A task of the pipeline that nobody declared idempotent."""
    name = "pipeline.count_up"

    def count_up() -> None:
        pass

    count_up.__module__ = "pipeline.tasks"
    shared_task(name=name)(count_up)
    yield name
    current_app.tasks.pop(name)


def test_a_late_task_that_nobody_declared_idempotent_is_named(undeclared_task: str) -> None:
    message = next(message for message in settings_messages() if message.id == "leitmotif.E004")
    assert undeclared_task in message.msg


def test_every_task_of_ours_says_why_it_may_run_twice() -> None:
    ours = {name for name in current_app.tasks if name.startswith(("pipeline.", "chat."))}
    assert len(ours) >= 10
    assert all(current_app.tasks[name].may_run_twice for name in ours)


def test_an_error_stops_commands_before_they_begin(transactional_db: None) -> None:
    ended = subprocess.run(
        [sys.executable, str(project.BASE_DIR / "manage.py"), "run_status"],
        capture_output=True,
        text=True,
        env={**environment(), "VISIBILITY_TIMEOUT": "2"},
        check=False,
    )
    assert ended.returncode == 1
    assert "(leitmotif.E001) The queue redelivers a message after 2 s, but CLAIM_TIMEOUT is 3 s." in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.django_db
def test_a_missing_promise_is_named_with_its_cure() -> None:
    assert check_tables(None, databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX one_live_run_per_source")
    (message,) = (found for found in run_checks(databases=["default"]) if str(found.id).startswith("leitmotif."))
    assert message.id == "leitmotif.E003"
    assert "one_live_run_per_source of the table pipeline_run is missing" in message.msg
    assert "CREATE UNIQUE INDEX" in str(message.hint)


@pytest.mark.django_db
def test_tables_that_are_not_up_to_date_are_not_judged() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX one_live_run_per_source")
    forget_newest_migration()
    assert check_tables(None, databases=["default"]) == []


def test_without_databases_none_is_asked() -> None:
    assert check_tables(None) == []
