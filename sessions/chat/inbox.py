"""How a message comes in: at most so many a minute, in the session it opens, beside what its user is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from sessions.chat.context import Context, check_context
from sessions.chat.messages import Received, receive
from sessions.chat.opening import database_away_is_retryable
from sessions.models import Message

SAYS_NOTHING = Context(project_id=None, task_id=None)


class TooManyMessagesError(Exception):
    """The user has sent all the messages that the limit allows; `wait` is how long until the next may come."""

    def __init__(self, message: str, wait: timedelta) -> None:
        super().__init__(message)
        self.wait = wait

    @property
    def seconds(self) -> int:
        """Whole seconds to wait, at least one."""
        return max(1, ceil(self.wait.total_seconds()))


@dataclass(frozen=True)
class Rate:
    """At most so many messages of one user in any stretch of time of that length."""

    messages: int = 10
    within: timedelta = timedelta(minutes=1)


def accept(
    *,
    user_id: str,
    key: str,
    at: datetime,
    text: str = "",
    image_urls: Sequence[str] = (),
    zone: ZoneInfo | None = None,
    expected: Context = SAYS_NOTHING,
) -> Received:
    """Store a user's message, once, within the limit (settings.SESSION_RATE). Opens a transaction.

    Where the front end says what it shows the user (`expected`), a difference from what we remember is recorded.
    Raises what `messages.receive` raises, and TooManyMessagesError: then nothing is stored, and the same message may
    be sent again later. A duplicate is never too many.
    """
    with database_away_is_retryable(f"message {key} of user {user_id} could not be stored"), transaction.atomic():
        received = receive(user_id=user_id, key=key, at=at, text=text, image_urls=image_urls, zone=zone)
        if received.opened is None:
            return received
        # after storing: the session's lock is held by then. If it is too many the transaction takes the message back
        _check_rate(received.message)
        if expected != SAYS_NOTHING and not _waits_behind_another(received.message):
            check_context(user_id=user_id, expected=expected, at=at, session_id=received.opened.session.pk)
        return received


def _waits_behind_another(message: Message) -> bool:
    """The answer to the other may change what the user is at work on, and the front end may show it already."""
    earlier = Message.objects.filter(user_id=message.user_id, state=Message.State.RECEIVED, pk__lt=message.pk)
    return earlier.exists()


def _check_rate(message: Message) -> None:
    """Needs the transaction that opened the session: its lock makes the user's messages come one after the other, so
    none is overlooked, whichever process stores it."""
    if not settings.SESSION_RATE:
        return
    limits: dict[str, Any] = dict(settings.SESSION_RATE)
    rate = Rate(**limits)
    others = Message.objects.filter(user_id=message.user_id, role=Message.Role.CUSTOMER).exclude(pk=message.pk)
    latest = list(others.order_by("-pk").values_list("sent_at", flat=True)[: rate.messages])
    # until the oldest of the last so many falls out of the window
    wait = min(latest, default=message.sent_at) + rate.within - message.sent_at
    if len(latest) == rate.messages and wait > timedelta(0):
        within = f"{rate.within.total_seconds():.0f} s"
        raise TooManyMessagesError(f"User {message.user_id} has sent {rate.messages} messages within {within}.", wait)
