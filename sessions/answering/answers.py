"""Answers messages: those of one user in order and one at a time, however many workers there are."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from sessions.answering.handler import Turn, handler
from sessions.answering.webhooks import announce
from sessions.chat import once_per_request
from sessions.chat.context import context_of
from sessions.chat.messages import awaiting_answer, chosen_option, fail_message, reply
from sessions.chat.opening import SessionUnavailableError
from sessions.chat.progress import UpdateBusyError
from sessions.models import Message

logger = logging.getLogger(__name__)

MOST_TRIES = 5
"""A message that was begun so often and never finished is taken to be what kills its worker."""
RETRIED = (OperationalError, InterfaceError, SessionUnavailableError, UpdateBusyError)

# A lock of the connection and not of a transaction, for none is open while a handler asks slow services. It falls with
# its holder's connection. Nobody waits for it: whoever does not get it leaves the messages to the holder.
LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended(%s, 0))"


def answer_user(
    *, user_id: str, decided: Callable[[int], None] = lambda _: None, clock: Callable[[], datetime] = timezone.now
) -> int:
    """Answer what the user is waiting for; return how many messages were answered or failed.

    `decided` is told the id of each, once that is committed. Opens transactions, one for each message, so it must not
    be inside one. Does nothing while somebody else answers this user: they do it. Raises RETRIED errors, which may be
    retried; whatever else a handler raises fails the message.
    """
    count = 0
    while _waiting(user_id).exists():
        with _turn_of(user_id) as is_ours:
            if not is_ours:
                break
            while message := _waiting(user_id).select_related("session").first():
                if _answer(message, clock):
                    count += 1
                    decided(message.pk)
        # Somebody may have come, found it locked and left, after our last look. So look again, unlocked.
    return count


def users_who_wait(*, since: datetime) -> list[str]:
    """Return the users with a message that awaits its answer since before that moment."""
    waiting = Message.objects.filter(state=Message.State.RECEIVED, sent_at__lt=since)
    return list(waiting.order_by("user_id").values_list("user_id", flat=True).distinct())


def longest_wait(*, at: datetime) -> timedelta | None:
    """Return how long the oldest message has awaited its answer; None if none does."""
    oldest = Message.objects.filter(state=Message.State.RECEIVED).order_by("sent_at").first()
    return at - oldest.sent_at if oldest else None


def _waiting(user_id: str) -> QuerySet[Message]:
    return Message.objects.filter(user_id=user_id, state=Message.State.RECEIVED).order_by("pk")


@contextmanager
def _turn_of(user_id: str) -> Iterator[bool]:
    """Yield whether nobody else answers this user meanwhile. Must not be inside a transaction."""
    name = f"chat: answers to {user_id}"
    is_ours = _ask(LOCK, name)
    try:
        yield is_ours
    finally:
        if is_ours:
            _ask(UNLOCK, name)


def _ask(statement: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [name])
        return bool(cursor.fetchone()[0])


def _answer(message: Message, clock: Callable[[], datetime]) -> bool:
    """Return whether this call answered the message, or failed it."""
    try:
        _count_try(message)
        with once_per_request.request():
            once_per_request.note_opening(message.user_id)  # the request that brought the message opened it
            return _ask_handler(message, clock)
    except RETRIED:
        raise
    except Exception as error:
        logger.exception("message %s of user %s could not be answered", message.pk, message.user_id)
        return _fail(message, error, clock())


def _count_try(message: Message) -> None:
    """Committed before the handler begins, so that it also counts those it did not survive."""
    if message.try_count >= MOST_TRIES:
        raise RuntimeError(f"Answering was started {MOST_TRIES} times and never finished. See the workers' logs.")
    Message.objects.filter(pk=message.pk).update(try_count=F("try_count") + 1)


def _ask_handler(message: Message, clock: Callable[[], datetime]) -> bool:
    turn = _look_up(message, clock())
    # outside of the transaction: this is where a handler may ask a model or another service
    prepared = handler().prepare(turn)
    with transaction.atomic():
        if awaiting_answer(message_id=message.pk, at=clock()) is None:
            return False  # a person has taken over meanwhile
        answer = handler().answer(turn, prepared)
        reply(message_id=message.pk, text=answer.text, at=clock(), shown=answer.shown, image_urls=answer.image_urls)
        announce(message_id=message.pk, at=clock())
    return True


def _look_up(message: Message, at: datetime) -> Turn:
    assert message.session is not None  # only inside the transaction that claims a message
    context = context_of(message.user_id, at=at)
    return Turn(message.session, message, chosen_option(message), context, at)


def _fail(message: Message, error: Exception, at: datetime) -> bool:
    with transaction.atomic():
        # announced as an answer is: the front end must not wait for one that never comes
        has_failed = fail_message(message_id=message.pk, error=_storable(f"{type(error).__name__}: {error}"))
        if has_failed:
            announce(message_id=message.pk, at=at)
    return has_failed


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", " ")[:2000]
