"""Tells the front end by a signed webhook what became of each message, and tries again until it listens.

It comes at least once: the receiver knows by `message.id` what it has had. What is about one user comes in order: the
next waits until the one before it has arrived or was given up. Only the address in the settings is ever called, and
only where it leads to a public address (or SESSION_WEBHOOK_INTERNAL is set); nothing that a user or a front end sends
can change it, and a redirect is an error.
"""

import hmac
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from threading import Event, Timer

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from ninja.responses import NinjaJSONEncoder

from pipeline.sources.live.outbound import Reach, check_url, open_connection
from sessions.answering.schemas import AnswerOut, MessageOut
from sessions.chat.messages import answer_to
from sessions.models import Delivery, Message

logger = logging.getLogger(__name__)

WAITS = Q(delivered_at__isnull=True, given_up_at__isnull=True)
MOST_TRIES = 12
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
"""The pauses double: twelve tries take about four hours."""
TIMEOUT = 10.0
"""Seconds for the whole call; less than the first pause, for after that another worker may try."""


class RefusedError(Exception):
    """The receiver answered with something else than 2xx."""


@dataclass(frozen=True)
class Webhook:
    """Where to, and the secret that both sides know."""

    url: str
    secret: str
    reach: Reach


def webhook() -> Webhook | None:
    """Return the webhook of this deployment; None if it has none."""
    url = settings.SESSION_WEBHOOK_URL
    reach = Reach(internal=settings.SESSION_WEBHOOK_INTERNAL)
    return Webhook(url, settings.SESSION_WEBHOOK_SECRET, reach) if url else None


def announce(*, message_id: int, at: datetime) -> None:
    """Note that the front end is to be told what became of the message, if there is a webhook.

    Call it in the transaction that decides, so that neither is there without the other.
    """
    if webhook():
        Delivery.objects.create(message_id=message_id, made_at=at, next_try_at=at)


def deliver(*, message_id: int, at: datetime) -> bool:
    """Send the delivery if its time has come; return whether it arrived now. Must not be inside a transaction."""
    target = webhook()
    delivery = due_deliveries(at=at).filter(message_id=message_id).first()
    if target is None or delivery is None or not _claim(delivery, at):
        return False
    waiting = Delivery.objects.filter(WAITS, pk=delivery.pk)
    try:
        _post(target, _body(message_id), at)
    except (OSError, HTTPException, ValueError, RefusedError) as error:
        _note_failure(delivery, error, at)
        return False
    return bool(waiting.update(delivered_at=at, error=""))


def due_deliveries(*, at: datetime) -> QuerySet[Delivery]:
    """Return the deliveries whose next try is due and that are their user's first, the longest waiting first."""
    same_user = Q(message__user_id=OuterRef("message__user_id"))
    earlier = Delivery.objects.filter(WAITS, same_user, message_id__lt=OuterRef("message_id"))
    due = Delivery.objects.filter(WAITS, ~Exists(earlier), next_try_at__lte=at)
    return due.order_by("next_try_at", "pk")


def delivery_after(*, message_id: int) -> Delivery | None:
    """Return the delivery that waited for this message's to arrive; None if none did."""
    user_id = Message.objects.values_list("user_id", flat=True).get(pk=message_id)
    later = Delivery.objects.filter(WAITS, message__user_id=user_id, message_id__gt=message_id)
    return later.order_by("message_id").first()


def signature(*, secret: str, body: bytes, at: datetime) -> str:
    """Return the value of the header `Leitmotif-Signature`: the second, and the HMAC-SHA-256 of `second.body`."""
    second = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{second}.".encode() + body, sha256).hexdigest()
    return f"t={second},v1={digest}"


def _claim(delivery: Delivery, at: datetime) -> bool:
    """Move the next try before this one begins: who does not live to see its end is followed by another."""
    pause = min(FIRST_PAUSE * 2**delivery.try_count, LONGEST_PAUSE)
    # of two workers that look at once one moves the count on
    still = Delivery.objects.filter(WAITS, pk=delivery.pk, try_count=delivery.try_count)
    return bool(still.update(try_count=delivery.try_count + 1, next_try_at=at + pause))


def _note_failure(delivery: Delivery, error: Exception, at: datetime) -> None:
    is_last = delivery.try_count + 1 >= MOST_TRIES
    logger.warning("delivery %s, try %s of %s: %s", delivery.pk, delivery.try_count + 1, MOST_TRIES, error)
    waiting = Delivery.objects.filter(WAITS, pk=delivery.pk)
    waiting.update(error=f"{type(error).__name__}: {error}"[:2000], given_up_at=at if is_last else None)


def _body(message_id: int) -> bytes:
    message = Message.objects.get(pk=message_id)
    reply = answer_to(message)
    answer = AnswerOut(message=MessageOut.from_orm(message), reply=MessageOut.from_orm(reply) if reply else None)
    return json.dumps(answer.model_dump(), cls=NinjaJSONEncoder).encode()  # written as the API writes it


def _post(target: Webhook, body: bytes, at: datetime) -> None:
    """Raise OSError or HTTPException when nobody listens, RefusedError for what is not 2xx.

    ValueError for an address that cannot be called or must not be.
    """
    parts = check_url(target.url, target.reach)
    connection = open_connection(parts, TIMEOUT, target.reach)
    headers = {
        "Content-Type": "application/json",
        "Leitmotif-Signature": signature(secret=target.secret, body=body, at=at),
    }
    with _connected(connection, TIMEOUT):
        connection.request("POST", f"{parts.path or '/'}{parts.query and '?' + parts.query}", body, headers)
        status = connection.getresponse().status
    if not 200 <= status < 300:
        hint = "; a redirect is not followed" if 300 <= status < 400 else ""
        raise RefusedError(f"{target.url} answered {status}{hint}")


@contextmanager
def _connected(connection: HTTPConnection, seconds: float) -> Iterator[None]:
    """Connect, and hang up at the end or when the time for all of it is over; then raise TimeoutError.

    The time-out of a socket starts again with every byte, so a receiver that sends one now and then would keep us.
    """
    is_late = Event()
    timer = Timer(seconds, _hang_up, [connection, is_late])
    timer.start()
    try:
        connection.connect()
        if not is_late.is_set():
            yield
    finally:
        timer.cancel()
        connection.close()
        if is_late.is_set():
            raise TimeoutError(f"{connection.host} did not answer within {seconds:g} s")


def _hang_up(connection: HTTPConnection, is_late: Event) -> None:
    is_late.set()
    if connection.sock is not None:
        with suppress(OSError):  # it has hung up itself
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # of TLS too: SSLSocket's own is not for threads
