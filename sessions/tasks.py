"""Celery's doors. Beat opens these (settings.CELERY_BEAT_SCHEDULE)."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone

from sessions.housekeeping import keep_house
from sessions.metrics import session_metrics, warn_of_bad_patterns

WATCHED = timedelta(minutes=10)
"""How far back the watch looks; beat calls it as often."""


@shared_task(name="chat.keep_house")
def keep_chat_house() -> dict[str, Any]:
    """Expire, close and remove whose time is over; return how many rows of each kind."""
    return asdict(keep_house(at=timezone.now()))


@shared_task(name="chat.watch_sessions")
def watch_sessions() -> list[str]:
    """Warn in the log of what looks broken in the latest sessions; return the warnings."""
    return warn_of_bad_patterns(session_metrics(since=timezone.now() - WATCHED))
