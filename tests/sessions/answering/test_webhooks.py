"""Answers reach a real receiver, signed, until it listens."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from sessions import tasks
from sessions.answering import webhooks
from sessions.answering.answers import answer_user
from sessions.answering.webhooks import FIRST_PAUSE, MOST_TRIES, deliver
from sessions.chat.inbox import accept
from sessions.models import Delivery, Message
from tests.fakes.receiver import Receiver, receiver
from tests.sessions.front_end import FrontEnd
from tests.support.loading import settings_with
from tests.support.waiting import until
from tests.support.workers import Worker

SECRET = "a secret of thirty-two characters"
LONG = timedelta(hours=2)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listening(settings: Settings) -> Iterator[Receiver]:
    """A receiver that the settings name."""
    with receiver() as found:
        settings.SESSION_WEBHOOK_URL, settings.SESSION_WEBHOOK_SECRET = found.url, SECRET
        settings.SESSION_WEBHOOK_INTERNAL = True
        yield found


def answered(key: str = "key-1") -> tuple[int, datetime]:
    """Return the id of a message that has been answered, and a moment after that."""
    message = accept(user_id="alice", key=key, at=timezone.now(), text="hello").message
    assert answer_user(user_id="alice") == 1
    return message.pk, timezone.now()


def is_signed(body: bytes, signature: str, at: datetime) -> bool:
    """Check it as README tells receivers to."""
    parts = dict(part.split("=", 1) for part in signature.split(","))
    expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"]) and int(parts["t"]) == int(at.timestamp())


def test_an_answer_arrives_signed_and_is_what_a_poll_returns(front_end: FrontEnd, listening: Receiver) -> None:
    message_id, at = answered()
    assert deliver(message_id=message_id, at=at)
    [body], [signature] = listening.bodies, listening.signatures
    assert is_signed(body, signature, at)
    assert not is_signed(body + b" ", signature, at)
    assert json.loads(body) == front_end.get(f"/api/messages/{message_id}").body
    assert json.loads(body)["reply"]["text"] == "Which project?"
    assert not deliver(message_id=message_id, at=at + LONG)  # it has arrived
    assert len(listening.bodies) == 1


def test_a_failure_is_told_too(listening: Receiver, settings: Settings) -> None:
    settings.SESSION_HANDLER = "tests.fakes.handler.ScriptedHandler"
    message = accept(user_id="alice", key="key-1", at=timezone.now(), text="act=raise").message
    answer_user(user_id="alice")
    assert deliver(message_id=message.pk, at=timezone.now())
    told = json.loads(listening.bodies[0])
    assert (told["message"]["state"], told["reply"]) == ("failed", None)
    assert b"RuntimeError" not in listening.bodies[0]  # what went wrong inside stays inside


def test_it_is_tried_again_after_a_pause_that_grows(listening: Receiver) -> None:
    listening.answers = [500, 503]
    message_id, at = answered()
    assert not deliver(message_id=message_id, at=at)
    assert not deliver(message_id=message_id, at=at + FIRST_PAUSE / 2)  # too early
    assert len(listening.bodies) == 1
    second = at + FIRST_PAUSE
    assert not deliver(message_id=message_id, at=second)
    delivery = Delivery.objects.get()
    assert (delivery.try_count, delivery.next_try_at - second) == (2, 2 * FIRST_PAUSE)
    assert "503" in delivery.error
    assert deliver(message_id=message_id, at=second + 2 * FIRST_PAUSE)
    delivery.refresh_from_db()
    assert (delivery.try_count, delivery.error, delivery.given_up_at) == (3, "", None)
    assert is_signed(listening.bodies[2], listening.signatures[2], second + 2 * FIRST_PAUSE)  # signed again


def test_a_redirect_is_not_followed(listening: Receiver) -> None:
    with receiver() as elsewhere:
        listening.answers, listening.elsewhere = [302, 307], elsewhere.url
        message_id, at = answered()
        assert not deliver(message_id=message_id, at=at)
        assert not deliver(message_id=message_id, at=at + LONG)
        assert elsewhere.bodies == []
    assert "a redirect is not followed" in Delivery.objects.get().error


def test_it_is_given_up_in_the_end(listening: Receiver) -> None:
    listening.answers = [500] * (MOST_TRIES + 1)
    message_id, at = answered()
    for number in range(MOST_TRIES + 1):
        deliver(message_id=message_id, at=at + number * LONG)
    delivery = Delivery.objects.get()
    assert (delivery.try_count, len(listening.bodies)) == (MOST_TRIES, MOST_TRIES)
    assert delivery.given_up_at == at + (MOST_TRIES - 1) * LONG


UNCALLABLE = ["https://h:99999/", "https://a..b/", "https://h/\r\nX: y", "http://127.0.0.1:1/", "https://[::1/"]


@pytest.mark.parametrize("url", UNCALLABLE)
def test_an_address_that_cannot_be_called_is_given_up_and_the_next_delivery_comes(settings: Settings, url: str) -> None:
    settings.SESSION_WEBHOOK_URL, settings.SESSION_WEBHOOK_SECRET = url, SECRET
    first, at = answered("key-1")
    second, _ = answered("key-2")
    for number in range(MOST_TRIES):
        assert not deliver(message_id=first, at=at + number * LONG)
    given_up = Delivery.objects.get(message_id=first)
    assert given_up.given_up_at == at + (MOST_TRIES - 1) * LONG
    assert given_up.error.startswith("ForbiddenAddress: ")
    with receiver() as listening:
        settings.SESSION_WEBHOOK_URL, settings.SESSION_WEBHOOK_INTERNAL = listening.url, True
        assert deliver(message_id=second, at=at + MOST_TRIES * LONG)
    assert len(listening.bodies) == 1


def test_a_private_address_is_not_called_unless_that_is_allowed(listening: Receiver, settings: Settings) -> None:
    settings.SESSION_WEBHOOK_INTERNAL = False
    message_id, at = answered()
    assert not deliver(message_id=message_id, at=at)
    assert listening.bodies == []
    settings.SESSION_WEBHOOK_INTERNAL = True
    assert deliver(message_id=message_id, at=at + LONG)


def test_nobody_listening_is_a_failed_try(settings: Settings) -> None:
    with receiver() as gone:
        settings.SESSION_WEBHOOK_URL, settings.SESSION_WEBHOOK_SECRET = gone.url, SECRET
        settings.SESSION_WEBHOOK_INTERNAL = True
    message_id, at = answered()
    assert not deliver(message_id=message_id, at=at)
    assert "ConnectionRefusedError" in Delivery.objects.get().error


def test_a_receiver_whose_answer_has_no_end_is_a_failed_try(
    listening: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT", 1.0)
    listening.drip = 0.1  # each line comes well within the time-out of the socket
    message_id, at = answered()
    found = ThreadPoolExecutor(1).submit(in_thread, partial(deliver, message_id=message_id, at=at))
    assert found.result(timeout=120) is False
    assert "did not answer within 1 s" in Delivery.objects.get().error


def in_thread(call: Callable[[], bool]) -> bool:
    try:
        return call()
    finally:
        connection.close()


def test_the_next_answer_waits_until_the_one_before_has_arrived(listening: Receiver) -> None:
    listening.answers = [503]
    first, at = answered("key-1")
    assert not deliver(message_id=first, at=at)
    second, at = answered("key-2")
    assert not deliver(message_id=second, at=at)
    assert deliver(message_id=first, at=at + FIRST_PAUSE)
    assert following(first) == second
    assert deliver(message_id=second, at=at + FIRST_PAUSE)
    assert following(second) is None
    assert [json.loads(body)["message"]["key"] for body in listening.bodies] == ["key-1", "key-1", "key-2"]


def following(message_id: int) -> int | None:
    delivery = webhooks.delivery_after(message_id=message_id)
    return delivery.message_id if delivery else None


def test_what_was_given_up_holds_back_nothing_and_nobody_waits_for_another_user(listening: Receiver) -> None:
    first, at = answered("key-1")
    second, _ = answered("key-2")
    bobs = accept(user_id="bob", key="key-3", at=at, text="hello").message
    answer_user(user_id="bob")
    assert deliver(message_id=bobs.pk, at=timezone.now())
    assert not deliver(message_id=second, at=timezone.now())
    Delivery.objects.filter(message_id=first).update(given_up_at=at)
    assert deliver(message_id=second, at=timezone.now())


def test_a_worker_sends_on_what_had_to_wait(start_worker: type[Worker], listening: Receiver) -> None:
    first, _ = answered("key-1")
    answered("key-2")
    start_worker(
        SESSION_WEBHOOK_URL=listening.url, SESSION_WEBHOOK_SECRET=SECRET, SESSION_WEBHOOK_INTERNAL="true"
    ).wait_until_ready()
    tasks.deliver.delay(message_id=first)
    until(lambda: Delivery.objects.filter(delivered_at__isnull=False).count() == 2)
    assert [json.loads(body)["message"]["key"] for body in listening.bodies] == ["key-1", "key-2"]


def send_by_eight_at_once() -> None:
    message_id, at = answered()
    gate = threading.Barrier(8, timeout=240)

    def send() -> None:
        gate.wait()
        deliver(message_id=message_id, at=at)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)


def test_it_is_sent_once_by_eight_at_once(listening: Receiver) -> None:
    send_by_eight_at_once()
    assert len(listening.bodies) == 1


def test_without_the_claim_it_would_be_sent_by_several(listening: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    listening.slow = 0.3
    monkeypatch.setattr(webhooks, "_claim", lambda delivery, at: True)
    send_by_eight_at_once()
    assert len(listening.bodies) > 1


def test_without_an_address_nothing_is_noted() -> None:
    answered()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(("url", "secret", "says"), [
    ("https://shop.example.com/answers", "", "SESSION_WEBHOOK_SECRET"),
    ("https://shop.example.com/answers", "short", "SESSION_WEBHOOK_SECRET"),
    ("file:///etc/passwd", SECRET, "SESSION_WEBHOOK_URL"),
    ("https://user:word@shop.example.com/", SECRET, "SESSION_WEBHOOK_URL"),
    ("https://shop.example.com:99999/", SECRET, "SESSION_WEBHOOK_URL"),
    ("https://a..b/", SECRET, "SESSION_WEBHOOK_URL"),
    ("https://shop.example.com/\r\nX: y", SECRET, "SESSION_WEBHOOK_URL"),
    ("http://shop.example.com/answers", SECRET, "SESSION_WEBHOOK_URL"),
    ("https://10.0.0.1/", SECRET, "SESSION_WEBHOOK_URL"),
])  # fmt: skip
def test_an_unusable_webhook_stops_the_start(url: str, secret: str, says: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{says}"):
        settings_with(SESSION_WEBHOOK_URL=url, SESSION_WEBHOOK_SECRET=secret)


def test_a_worker_tells_the_front_end_and_catches_up_where_it_did_not_listen(
    start_worker: type[Worker], front_end: FrontEnd, listening: Receiver
) -> None:
    worker = start_worker(
        SESSION_WEBHOOK_URL=listening.url, SESSION_WEBHOOK_SECRET=SECRET, SESSION_WEBHOOK_INTERNAL="true"
    )
    worker.wait_until_ready()
    listening.answers = [200, 500]
    front_end.send("hello", key="key-1")
    until(lambda: len(listening.bodies) == 1)
    front_end.send("1", key="key-2")
    until(lambda: len(listening.bodies) == 2)
    until(Delivery.objects.exclude(error="").exists)
    assert tasks.catch_up() == 0  # its pause is not over
    Delivery.objects.exclude(error="").update(next_try_at=timezone.now())
    assert tasks.catch_up() == 1
    until(lambda: Delivery.objects.filter(delivered_at__isnull=False).count() == 2)
    assert [json.loads(body)["message"]["key"] for body in listening.bodies] == ["key-1", "key-2", "key-2"]
    assert Message.objects.filter(state=Message.State.ANSWERED).count() == 2
