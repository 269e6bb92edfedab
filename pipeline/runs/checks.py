"""System checks: settings and tables that would lose work or double it, each with an id and a hint.

`./manage.py check` runs those of the settings, `check --database default` and `doctor` all. Our own commands run those
with the tag SETTINGS (Django's look at every page, which takes longer than most commands): an error stops the command
before it begins; a warning is printed.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from celery import current_app
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from django.utils.module_loading import autodiscover_modules

from pipeline.models import schema

SETTINGS = "leitmotif_settings"
"""The tag of what every command of ours checks first."""

OUR_TASKS = ("pipeline.", "sessions.")
CELERY_VISIBILITY = 3600.0
"""Seconds after which Redis gives a message again if no setting says otherwise (kombu's default)."""

CELERY_RESULTS_KEPT = timedelta(days=1)
CELERY_PREFETCH = 4
SHORTEST_KEY = 32
"""Characters; random ones of the 64 that URLs allow carry 6 bits each, so 192 bits."""


def settings_messages() -> list[CheckMessage]:
    """Return what is wrong with the settings, errors and warnings."""
    return [message for check in _SETTINGS_CHECKS for message in check()]


def warnings() -> list[CheckMessage]:
    """Return what is wrong with the settings but stops nothing."""
    return [message for message in settings_messages() if message.level < ERROR]


@register(SETTINGS)
def check_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Look at the settings of queue, runs and secrets."""
    return settings_messages()


@register(Tags.database)
def check_tables(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Look for constraints and indexes that the models promise; a database that is away or old is not judged."""
    if not databases or "default" not in databases:
        return []
    try:
        if schema.staleness():
            return []
        broken = schema.broken_promises()
    except DatabaseError:
        return []
    return [Error(f"{promise}.", hint=f"Restore it: {promise.cure}", id="leitmotif.E003") for promise in broken]


# --- Time ---------------------------------------------------------------------------------------------------------


def _visibility() -> float:
    options: dict[str, float] = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    return float(options.get("visibility_timeout", CELERY_VISIBILITY))


def _check_visibility() -> Iterator[CheckMessage]:
    limits = {
        "CLAIM_TIMEOUT": settings.CLAIM_TIMEOUT,
        "CELERY_TASK_TIME_LIMIT": getattr(settings, "CELERY_TASK_TIME_LIMIT", None),
        "CELERY_TASK_SOFT_TIME_LIMIT": getattr(settings, "CELERY_TASK_SOFT_TIME_LIMIT", None),
    }
    for name, seconds in limits.items():
        if seconds and seconds >= _visibility():
            yield Error(
                f"The queue redelivers a message after {_visibility():g} s, but {name} is {seconds:g} s.",
                hint=(
                    f"Set VISIBILITY_TIMEOUT above {name}; otherwise a task that is still running is started a "
                    "second time."
                ),
                id="leitmotif.E001",
            )


def _check_heartbeat() -> Iterator[CheckMessage]:
    if settings.RUN_LOST_AFTER <= settings.CLAIM_TIMEOUT:
        yield Error(
            f"A run counts as lost after {settings.RUN_LOST_AFTER:g} s without a heartbeat, but a worker may be "
            f"silent for {settings.CLAIM_TIMEOUT:g} s.",
            hint=(
                "Set RUN_LOST_AFTER to several times CLAIM_TIMEOUT, which determines how often workers send a "
                "heartbeat."
            ),
            id="leitmotif.E002",
        )


def _check_results() -> Iterator[CheckMessage]:
    for name, default in (("CELERY_RESULT_EXPIRES", None), ("CELERY_RESULT_CHORD_EXPIRES", CELERY_RESULTS_KEPT)):
        kept = _seconds(getattr(settings, name, default) or CELERY_RESULTS_KEPT)
        if kept < _visibility():
            yield Warning(
                f"{name} is {kept:g} s, but the queue redelivers a message after {_visibility():g} s.",
                hint=f"Set {name} to VISIBILITY_TIMEOUT or more; otherwise a chord loses results while it waits.",
                id="leitmotif.W001",
            )


def _seconds(value: timedelta | float) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


# --- Delivery -----------------------------------------------------------------------------------------------------


def _check_idempotency() -> Iterator[CheckMessage]:
    autodiscover_modules("tasks", "schedule")
    for name, task in sorted(current_app.tasks.items()):
        if task.__module__.startswith(OUR_TASKS) and task.acks_late and not getattr(task, "may_run_twice", ""):
            yield Error(
                f"The task {name} is acknowledged late, so it may run twice, but does not say why that is safe.",
                hint='Give the reason with shared_task(may_run_twice="..."), or declare the task with acks_late=False.',
                id="leitmotif.E004",
            )


def _check_delivery() -> Iterator[CheckMessage]:
    late = getattr(settings, "CELERY_TASK_ACKS_LATE", False)
    rejected = getattr(settings, "CELERY_TASK_REJECT_ON_WORKER_LOST", False)
    if not (late and rejected):
        yield Warning(
            "A chunk whose worker dies is not handed to another worker at once, but only after its claim expires.",
            hint="Set both CELERY_TASK_ACKS_LATE and CELERY_TASK_REJECT_ON_WORKER_LOST to True.",
            id="leitmotif.W002",
        )
    ahead = getattr(settings, "CELERY_WORKER_PREFETCH_MULTIPLIER", CELERY_PREFETCH)
    if late and ahead != 1:
        yield Warning(
            (
                f"A worker reserves {ahead or 'an unlimited number of'} messages per process, which other workers "
                "cannot take."
            ),
            hint="Set CELERY_WORKER_PREFETCH_MULTIPLIER to 1; chunks take long, and reserved ones have to wait.",
            id="leitmotif.W003",
        )


def _check_connections() -> Iterator[CheckMessage]:
    if not getattr(settings, "CELERY_DB_REUSE_MAX", None):
        yield Warning(
            "Celery opens a new database connection for every task.",
            hint="Set CELERY_DB_REUSE_MAX, for example 1000.",
            id="leitmotif.W004",
        )


def _check_beat() -> Iterator[CheckMessage]:
    entries: dict[str, dict[str, Any]] = getattr(settings, "CELERY_BEAT_SCHEDULE", {})
    if "pipeline.watch_runs" not in {entry.get("task") for entry in entries.values()}:
        yield Warning(
            "No task watches for runs whose workers or messages were lost.",
            hint="Add the task pipeline.watch_runs to CELERY_BEAT_SCHEDULE, about every ten seconds.",
            id="leitmotif.W005",
        )


# --- Secrets ------------------------------------------------------------------------------------------------------


def _check_debug() -> Iterator[CheckMessage]:
    if settings.DEBUG and settings.HAS_OWN_DATABASE:
        yield Warning(
            "DEBUG is on with your own DATABASE_URL, so error pages show settings and data to visitors.",
            hint="Unset DEBUG wherever others can reach the web server.",
            id="leitmotif.W006",
        )


def _check_secret_key() -> Iterator[CheckMessage]:
    key = str(settings.SECRET_KEY)
    if len(key) < SHORTEST_KEY or len(set(key)) < SHORTEST_KEY // 4 or key.startswith("django-insecure-"):
        yield Warning(
            "SECRET_KEY can be guessed, which lets anyone forge a login.",
            hint=f"Set it to at least {SHORTEST_KEY} random characters: python -c "
            "'import secrets; print(secrets.token_urlsafe(50))'",
            id="leitmotif.W007",
        )


_SETTINGS_CHECKS = (
    _check_visibility,
    _check_heartbeat,
    _check_results,
    _check_idempotency,
    _check_delivery,
    _check_connections,
    _check_beat,
    _check_debug,
    _check_secret_key,
)
