"""What looks broken, and since when: reads for the health page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from sessions.answering.answers import longest_wait
from sessions.answering.webhooks import WAITS
from sessions.chat.takeover import STANDS, WAITS_FOR_A_PERSON
from sessions.models import ContextLoss, Delivery, Message, Session, Takeover
from sessions.upkeep.metrics import IS_RAPID, IS_REAL, SessionMetrics, session_metrics

WINDOWS = {"Last hour": timedelta(hours=1), "Last day": timedelta(days=1), "Last week": timedelta(days=7)}
SHOWN = 20
RECENT = timedelta(days=7)
"""How far back patterns are listed."""


@dataclass(frozen=True)
class Backlog:
    """What waits now. `longest_wait` is None when no message awaits its answer."""

    messages_waiting: int
    longest_wait: timedelta | None
    messages_failed: int  # within RECENT
    deliveries_waiting: int
    deliveries_given_up: int  # within RECENT
    takeovers: int
    users_waiting: int  # for a person, since a session of theirs was escalated


def metrics_by_window(*, at: datetime) -> dict[str, SessionMetrics]:
    """Return the numbers of each window that ends now, and of all time."""
    windows = {name: session_metrics(since=at - length) for name, length in WINDOWS.items()}
    return {**windows, "All time": session_metrics()}


def backlog(*, at: datetime) -> Backlog:
    """Return what waits for the automation, for the front end, or for people."""
    since = at - RECENT
    return Backlog(
        messages_waiting=Message.objects.filter(state=Message.State.RECEIVED).count(),
        longest_wait=longest_wait(at=at),
        messages_failed=Message.objects.filter(state=Message.State.FAILED, sent_at__gte=since).count(),
        deliveries_waiting=Delivery.objects.filter(WAITS).count(),
        deliveries_given_up=Delivery.objects.filter(given_up_at__gte=since).count(),
        takeovers=Takeover.objects.filter(STANDS, until__gt=at).exclude(taken_by="").count(),
        users_waiting=_waiting_for_a_person(at).count(),
    )


def users_waiting(*, at: datetime) -> list[Takeover]:
    """Return the users who wait for a person, the longest waiting first."""
    return list(_waiting_for_a_person(at).order_by("taken_at", "pk")[:SHOWN])


def rapid_creates(*, at: datetime) -> list[Session]:
    """Return the latest sessions after which the same user began another within seconds, the newest first."""
    rapid = f"s.started_at >= %s AND {IS_REAL} AND {IS_RAPID}"
    found = f"SELECT s.* FROM chat_session s WHERE {rapid} ORDER BY s.id DESC LIMIT {SHOWN}"
    return list(Session.objects.raw(found, [at - RECENT]))


def context_losses(*, at: datetime) -> list[ContextLoss]:
    """Return the latest context losses that count, the newest first."""
    return list(ContextLoss.objects.filter(has_run_out=False, noticed_at__gte=at - RECENT)[:SHOWN])


def failed_messages(*, at: datetime) -> list[Message]:
    """Return the latest messages that the automation could not answer, the newest first."""
    failed = Message.objects.filter(state=Message.State.FAILED, sent_at__gte=at - RECENT)
    return list(failed.order_by("-pk")[:SHOWN])


def _waiting_for_a_person(at: datetime) -> QuerySet[Takeover]:
    return Takeover.objects.filter(WAITS_FOR_A_PERSON, until__gt=at)
