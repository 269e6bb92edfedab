"""Celery's doors. Beat opens those that look after all chats (settings.CELERY_BEAT_SCHEDULE)."""

import logging
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from celery import Task, shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from sessions.answering import answers, webhooks
from sessions.chat.opening import SessionUnavailableError, database_away_is_retryable
from sessions.chat.progress import UpdateBusyError
from sessions.upkeep.housekeeping import keep_house
from sessions.upkeep.metrics import session_metrics, warn_of_bad_patterns

logger = logging.getLogger(__name__)

WATCHED = timedelta(minutes=10)
"""How far back the watch looks; beat calls it as often."""
CATCH_UP_AFTER = timedelta(seconds=30)
"""A message that has waited so long has lost its task, or has a slow handler: then another task does no harm."""
MOST_DELIVERIES = 500
STALE_AFTER = 30.0
"""Seconds after which nobody runs what `catch_up` has sent: it has sent the same again, and a queue would only grow."""
QUEUE_PAUSE = 15.0
"""Seconds for which a process leaves a queue alone that it could not reach: to find that out takes several."""


@shared_task(name="chat.keep_house", may_run_twice="each session is ended only once, by guarded updates")
def keep_chat_house() -> dict[str, Any]:
    """Expire, close and remove whose time is over; return how many rows of each kind."""
    return asdict(keep_house(at=timezone.now()))


@shared_task(name="chat.watch_sessions", may_run_twice="it only logs warnings")
def watch_sessions() -> list[str]:
    """Warn in the log of what looks broken in the latest sessions; return the warnings."""
    return warn_of_bad_patterns(session_metrics(since=timezone.now() - WATCHED))


# --- Answers and webhooks -----------------------------------------------------------------------------------------

RETRY = {
    "autoretry_for": (SessionUnavailableError, UpdateBusyError),
    "max_retries": 10,  # afterwards `catch_up` sends it again
    "retry_backoff": 1,
    "retry_backoff_max": 10,
    "retry_jitter": True,
}


@shared_task(name="chat.answer_user", may_run_twice="a message is answered under a lock, once", **RETRY)
def answer_user(*, user_id: str) -> int:
    """Answer what the user is waiting for; return how many messages this delivery answered or failed."""
    with database_away_is_retryable(f"messages of user {user_id} could not be answered"):
        return answers.answer_user(user_id=user_id, decided=_tell)


@shared_task(name="chat.deliver", may_run_twice="the receiver recognises a delivery by its ID", **RETRY)
def deliver(*, message_id: int) -> bool:
    """Tell the front end what became of the message; return whether it listened."""
    with database_away_is_retryable(f"the delivery of message {message_id} could not be sent"):
        has_arrived = webhooks.deliver(message_id=message_id, at=timezone.now())
        if has_arrived and (following := webhooks.delivery_after(message_id=message_id)):
            _tell(following.message_id)
        return has_arrived


@shared_task(name="chat.catch_up", may_run_twice="receiving what it sends twice does no harm")
def catch_up() -> int:
    """Send on its way what waits though its task was lost, and what is to be tried again; return how many."""
    now = timezone.now()
    users = answers.users_who_wait(since=now - CATCH_UP_AFTER)
    for user_id in users:
        answer_user.apply_async(kwargs={"user_id": user_id}, expires=STALE_AFTER)
    due = list(webhooks.due_deliveries(at=now).values_list("message_id", flat=True)[:MOST_DELIVERIES])
    for message_id in due:
        deliver.apply_async(kwargs={"message_id": message_id}, expires=STALE_AFTER)
    return len(users) + len(due)


@dataclass
class _Queue:
    """What this process knows of the queue; on the clock of time.monotonic."""

    away_until: float = 0.0


_queue = _Queue()


def answer_soon(*, user_id: str) -> None:
    """Send for the answer. A queue that cannot be reached is logged, and nothing is lost: `catch_up` sends later."""
    _send(answer_user, user_id=user_id)


def _tell(message_id: int) -> None:
    if webhooks.webhook():
        _send(deliver, message_id=message_id)


def _send(task: Task, **ids: object) -> None:
    if time.monotonic() < _queue.away_until:
        return
    try:
        task.apply_async(kwargs=ids, retry=False, ignore_result=True)
    except BrokerError as error:
        _queue.away_until = time.monotonic() + QUEUE_PAUSE
        logger.error("%s %s could not be sent; it will be when the queue is back: %s", task.name, ids, error)
