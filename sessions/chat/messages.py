"""What was said. A message is claimed by its sender's id before anything else happens, so it happens once.

Storing a message and answering one go on at the same time for one user. Both lock what they write in one order:
takeover, message, user, session. In another order they would wait for each other, and one of them would fail.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q

from sessions.chat.durations import lengths
from sessions.chat.expiry import check_aware
from sessions.chat.insert_once import claim
from sessions.chat.opening import OpenedSession, database_away_is_retryable, open_session
from sessions.chat.takeover import locked_takeover, standing_takeover
from sessions.chat.users import check_id, set_zone, zone_of
from sessions.models import Message, Session

HAS_KEY = ~Q(key="")


class MessageHeldError(Exception):
    """A person answers this user, so the automation does not."""


@dataclass(frozen=True)
class Option:
    """One thing a user can choose: they type or click `key`, read `label`, and mean `value`."""

    key: str
    label: str
    value: str


@dataclass(frozen=True)
class Received:
    """What became of a delivery. `opened` is None for a duplicate, which opens nothing; `reply` is the first's."""

    message: Message
    opened: OpenedSession | None = None
    reply: Message | None = None

    @property
    def is_duplicate(self) -> bool:
        return self.opened is None


def receive(
    *,
    user_id: str,
    key: str,
    at: datetime,
    text: str = "",
    image_urls: Sequence[str] = (),
    zone: ZoneInfo | None = None,
) -> Received:
    """Store a user's message, once, and open their session for it; `key` is the sender's id of the message.

    Opens a transaction. A delivery whose key is known stores and opens nothing, and returns the first one's message
    and reply. While a person has taken over, the message is held for them. `zone` is remembered; left out, it is the
    user's own.
    Raises ValueError for ids or a text that cannot be stored, and SessionUnavailableError, which may be retried with
    the same key.
    """
    check_id(key, "message id")
    _check_text(text)
    check_id(user_id, "user id")
    check_aware(at)
    with database_away_is_retryable(f"message {key} of user {user_id} could not be stored"), transaction.atomic():
        # the takeover is locked first (see above), so that nobody releases the user between this look and the stored
        # message
        held = locked_takeover(user_id, at=at)
        message = _claim(
            user_id=user_id, key=key, role=Message.Role.CUSTOMER, text=text, image_urls=list(image_urls), sent_at=at,
            state=Message.State.HELD if held else Message.State.RECEIVED,
        )  # fmt: skip
        if message is None:
            return first_delivery(user_id=user_id, key=key)
        if zone is not None:
            set_zone(user_id=user_id, zone=zone.key)
        opened = open_session(user_id=user_id, at=at, zone=zone or zone_of(user_id))
        message.session = opened.session
        Message.objects.filter(pk=message.pk).update(session=opened.session)
        return Received(message, opened)


def first_delivery(*, user_id: str, key: str) -> Received:
    """Return the message with that key and its reply, if there is one yet. Raises Message.DoesNotExist."""
    message = Message.objects.select_related("session").get(user_id=user_id, key=key)
    return Received(message, reply=answer_to(message))


def answer_to(message: Message) -> Message | None:
    """Return the message's reply, if there is one yet."""
    return Message.objects.filter(in_reply_to=message).first()


def awaiting_answer(*, message_id: int, at: datetime) -> Message | None:
    """Return the message, with its session, locked, if the automation is to answer it; else None.

    Needs a transaction: until it ends nobody else answers. A message whose user a person has taken over is held.
    """
    waiting = Message.objects.select_for_update(of=("self",)).select_related("session")
    message = waiting.filter(pk=message_id, state=Message.State.RECEIVED).first()
    if message is not None and standing_takeover(message.user_id, at=at):
        Message.objects.filter(pk=message_id).update(state=Message.State.HELD)
        return None
    return message


def reply(
    *, message_id: int, text: str, at: datetime, shown: Sequence[Option] = (), image_urls: Sequence[str] = ()
) -> Message:
    """Store the automation's reply to a message and return it; whoever is second gets the first one's.

    Opens a transaction. `shown` is what the user can choose from now. Raises MessageHeldError when a person has taken
    over, ValueError for a text that cannot be stored, and Message.DoesNotExist.
    """
    _check_text(text)
    with transaction.atomic():
        unanswered = Message.objects.filter(pk=message_id, state__in=[Message.State.RECEIVED, Message.State.FAILED])
        # the guarded update decides who answers; a failed message may still be answered by a later try
        if not unanswered.update(state=Message.State.ANSWERED, error=""):
            return _first_reply(message_id)
        message = Message.objects.get(pk=message_id)
        return _say(
            session_id=cast(int, message.session_id), user_id=message.user_id, role=Message.Role.BOT, text=text,
            sent_at=at, in_reply_to=message, shown=[asdict(option) for option in shown], image_urls=list(image_urls),
        )  # fmt: skip


def fail_message(*, message_id: int, error: str) -> bool:
    """Note that the automation could not answer; return whether it still was to. Needs no transaction."""
    waiting = Message.objects.filter(pk=message_id, state=Message.State.RECEIVED)
    return bool(waiting.update(state=Message.State.FAILED, error=error or "no reason was given"))


def say(
    *, session_id: int, text: str, at: datetime, author: str = "", key: str = "", shown: Sequence[Option] = ()
) -> Message:
    """Store what we say unasked: `author` is the person who does, empty the automation. Return the message.

    Opens a transaction. With a `key` it is stored once: a second call returns the first one's. Raises ValueError for
    what cannot be stored, and Session.DoesNotExist.
    """
    _check_text(text)
    with transaction.atomic():
        user_id = Session.objects.values_list("user_id", flat=True).get(pk=session_id)
        return _say(
            session_id=session_id, user_id=user_id, key=key and check_id(key, "message id"), text=text, sent_at=at,
            role=Message.Role.AGENT if author else Message.Role.BOT, author=author and check_id(author, "author"),
            shown=[asdict(option) for option in shown],
        )  # fmt: skip


def chosen_option(message: Message) -> Option | None:
    """Return what the user means by a message that names one of the options they saw last, by key or label.

    What was shown counts for SESSION_LENGTHS["menu"], also after its session has expired.
    """
    since = message.sent_at - lengths().menu
    menus = Message.objects.filter(user_id=message.user_id, pk__lt=message.pk, sent_at__gte=since).exclude(shown=[])
    latest = menus.order_by("-pk").first()
    said = message.text.strip().casefold()
    for option in (Option(**each) for each in (latest.shown if latest else ())):
        if said in (option.key.casefold(), option.label.casefold()):
            return option
    return None


def history_of_user(user_id: str, *, before_id: int | None = None, limit: int = 50) -> list[Message]:
    """Return the newest messages of the user before that one, the newest first."""
    said = Message.objects.filter(user_id=user_id)
    if before_id is not None:
        said = said.filter(pk__lt=before_id)
    return list(said.order_by("-pk")[:limit])


def history_of_session(session_id: int, *, after_id: int = 0, limit: int = 50) -> list[Message]:
    """Return the messages of the session after that one, the oldest first."""
    return list(Message.objects.filter(session_id=session_id, pk__gt=after_id).order_by("pk")[:limit])


def _claim(**columns: object) -> Message | None:
    return claim(Message, unique=["user_id", "key"], where=HAS_KEY, **columns)


def _say(*, session_id: int, user_id: str, key: str = "", **columns: object) -> Message:
    """Needs a transaction."""
    message = _claim(session_id=session_id, user_id=user_id, key=key, state=Message.State.SAID, **columns)
    if message is None:
        return Message.objects.get(user_id=user_id, key=key)
    Session.objects.filter(pk=session_id).update(reply_count=F("reply_count") + 1)
    return message


def _first_reply(message_id: int) -> Message:
    if Message.objects.get(pk=message_id).state == Message.State.HELD:
        raise MessageHeldError(
            f"Message {message_id} is reserved for the person who has taken over; nobody else can answer it."
        )
    return Message.objects.get(in_reply_to=message_id)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("A message's text cannot contain a NUL character.")
