"""Whether this installation can do its work just now: what a load balancer asks every few seconds."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError

from pipeline import tasks
from pipeline.ledger.queues import heartbeat_ages, silent_queues
from pipeline.models import Run
from pipeline.runs.preflight import Finding, check_installation


def readiness(*, at: datetime) -> list[Finding]:
    """Return what each check finds: the servers, tables and promises, each queue's last heartbeat, stalled runs.

    Nothing is waited for and nothing is written but a key in Redis that is gone a second later. Queues and runs are
    looked at only where the tables can be read.
    """
    findings = check_installation()
    if all(finding.ok for finding in findings if finding.name in ("PostgreSQL", "tables")):
        try:
            findings += [_queues(at), _stalled_runs(at)]
        except DatabaseError as error:  # it went away between two looks
            findings.append(Finding("PostgreSQL", False, f"unusable: {type(error).__name__}"))
    return findings


def _queues(at: datetime) -> Finding:
    ages = heartbeat_ages(at=at)
    told = ", ".join(f"{queue} {_seconds(ages.get(queue))}" for queue in tasks.ALL_QUEUES)
    if silent := silent_queues(tasks.ALL_QUEUES, at=at):
        which = "queue " + silent[0] if len(silent) == 1 else "queues " + ", ".join(silent)
        return Finding("queues", False, f"no worker seems to be consuming the {which} (last heartbeats: {told})")
    return Finding("queues", True, f"last heartbeats: {told}")


def _seconds(age: timedelta | None) -> str:
    return "never" if age is None else f"{max(age.total_seconds(), 0):.0f} s ago"


def _stalled_runs(at: datetime) -> Finding:
    stalled = list(_stalled(at))
    if stalled:
        return Finding("runs", False, f"no progress on run {', '.join(map(str, stalled))}; is Celery beat running?")
    return Finding("runs", True, "all live runs are making progress")


def _stalled(at: datetime) -> Iterator[int]:
    """Yield the live runs that sent no heartbeat for twice the time after which beat sends them out again."""
    silent_since = at - timedelta(seconds=2 * settings.CLAIM_TIMEOUT + settings.QUEUE_SILENT_AFTER)
    yield from Run.objects.filter(state__in=Run.LIVE, heartbeat_at__lt=silent_since).values_list("pk", flat=True)
