"""Answers come in order and one at a time, whatever the handler does and however many workers there are."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from sessions import tasks
from sessions.answering import answers
from sessions.answering.answers import answer_user, users_who_wait
from sessions.answering.handler import handler
from sessions.chat.context import context_of
from sessions.chat.inbox import accept
from sessions.chat.takeover import take_over
from sessions.models import Message, Session
from tests.sessions.front_end import FrontEnd
from tests.support.waiting import until
from tests.support.workers import Worker

SCRIPTED = "tests.fakes.handler.ScriptedHandler"
State = Message.State


@pytest.fixture
def log(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the scripted handler, which answers, says when it begins and ends."""
    path = tmp_path / "handler.log"
    path.touch()
    settings.SESSION_HANDLER = SCRIPTED
    monkeypatch.setenv("HANDLER_LOG", str(path))
    return path


def sent(key: str, text: str = "hello", user_id: str = "alice") -> Message:
    return accept(user_id=user_id, key=key, at=timezone.now(), text=text).message


def states() -> dict[str, str]:
    return dict(Message.objects.filter(role=Message.Role.CUSTOMER).order_by("pk").values_list("key", "state"))


def lines_of(log: Path, user_id: str) -> list[tuple[str, str]]:
    lines = (line.split() for line in log.read_text().splitlines())
    return [(what, key) for what, who, key in lines if who == user_id]


def one_after_the_other(keys: list[str]) -> list[tuple[str, str]]:
    return [(what, key) for key in keys for what in ("begin", "end")]


def answer_in_threads(count: int) -> None:
    """Let so many workers answer Alice at once, each on a connection of its own."""
    gate = threading.Barrier(count, timeout=240)

    def work() -> None:
        gate.wait()
        answer_user(user_id="alice")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)


# --- Order --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_users_messages_are_answered_in_order_by_one_of_many(log: Path) -> None:
    keys = [sent(f"key-{number}", "slow=0.03").key for number in range(6)]
    answer_in_threads(4)
    assert lines_of(log, "alice") == one_after_the_other(keys)
    assert set(states().values()) == {State.ANSWERED}


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_they_would_be_asked_about_at_once(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def no_lock(user_id: str) -> Iterator[bool]:
        yield True

    monkeypatch.setattr(answers, "_turn_of", no_lock)
    keys = [sent(f"key-{number}", "slow=0.1").key for number in range(3)]
    answer_in_threads(4)
    assert lines_of(log, "alice") != one_after_the_other(keys)
    assert Message.objects.filter(role=Message.Role.BOT).count() == 3  # even so, one answer each


def test_two_workers_answer_each_user_in_order_and_users_beside_each_other(
    start_worker: type[Worker], front_end: FrontEnd, log: Path
) -> None:
    workers = [start_worker(concurrency=2, SESSION_HANDLER=SCRIPTED) for _ in range(2)]
    for worker in workers:
        worker.wait_until_ready()
    keys = [f"key-{number}" for number in range(8)]
    users = ["alice", "bob", "charlie"]
    for key in keys:
        for user_id in users:
            assert front_end.send("slow=0.05", user_id=user_id, key=key).status == 202
    until(lambda: not Message.objects.filter(state=State.RECEIVED).exists())
    for user_id in users:
        assert lines_of(log, user_id) == one_after_the_other(keys)
    begun = [line for line in log.read_text().splitlines() if line.startswith("begin")]
    assert begun != sorted(begun, key=lambda line: line.split()[1])  # not one user after the other


@pytest.mark.django_db(transaction=True)
def test_the_session_is_passed_through_and_opened_by_nobody_else(log: Path) -> None:
    sent("key-1")
    with CaptureQueriesContext(connection) as queries:
        answer_user(user_id="alice")
    statements = [each["sql"] for each in queries if '"chat_session"' in each["sql"] or "chat_session " in each["sql"]]
    # It comes with the message, with its lock, and with the next one, which there is not; it is counted, never opened.
    assert [sql.split()[0] for sql in statements] == ["SELECT", "SELECT", "UPDATE", "SELECT"]
    assert all("JOIN" in sql for sql in statements if sql.startswith("SELECT"))
    session = Session.objects.get()
    assert (session.reuse_count, session.reply_count) == (0, 1)


# --- What handlers do ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_handler_that_raises_fails_its_message_and_no_other(log: Path) -> None:
    for key, text in (("bad", "act=raise"), ("good", "hello")):
        sent(key, text)
    assert answer_user(user_id="alice") == 2
    assert states() == {"bad": State.FAILED, "good": State.ANSWERED}
    assert "RuntimeError: told to" in Message.objects.get(key="bad").error
    assert context_of("alice", at=timezone.now()).project_id == "good"


@pytest.mark.django_db(transaction=True)
def test_what_a_failed_handler_wrote_is_undone(log: Path) -> None:
    sent("bad", "act=raise")
    answer_user(user_id="alice")
    assert context_of("alice", at=timezone.now()).project_id == ""


@pytest.mark.django_db(transaction=True)
def test_a_handler_that_opens_the_session_again_is_warned(log: Path) -> None:
    message = sent("again", "act=open")
    answer_user(user_id="alice")  # here the warning is an error
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert "OpenedTwiceWarning" in message.error


@pytest.mark.django_db(transaction=True)
def test_a_person_who_takes_over_while_the_handler_is_at_work_wins(log: Path) -> None:
    sent("key-1", "slow=0.5")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(answer_in_threads, 1)
        until(lambda: lines_of(log, "alice"))
        take_over(user_id="alice", by="bob", at=timezone.now())
    assert states() == {"key-1": State.HELD}
    assert not Message.objects.filter(role=Message.Role.BOT).exists()


def test_a_worker_that_dies_leaves_the_message_to_the_next_once(
    start_worker: type[Worker], front_end: FrontEnd, log: Path
) -> None:
    start_worker(concurrency=1, SESSION_HANDLER=SCRIPTED).wait_until_ready()
    answer = front_end.answer_to(front_end.send("act=kill times=2", key="key-1"), seconds=240)
    assert answer["reply"]["text"] == "answer to key-1"
    assert [what for what, _ in lines_of(log, "alice")] == ["begin", "begin", "begin", "end"]


def test_a_message_that_kills_its_worker_every_time_is_failed_and_blocks_nobody(
    start_worker: type[Worker], front_end: FrontEnd, log: Path
) -> None:
    start_worker(concurrency=1, SESSION_HANDLER=SCRIPTED).wait_until_ready()
    bad = front_end.send("act=kill", key="bad")
    good = front_end.send("hello", key="good")
    assert front_end.answer_to(good, seconds=240)["reply"]["text"] == "answer to good"
    assert front_end.answer_to(bad)["message"]["state"] == "failed"
    assert len([what for what, key in lines_of(log, "alice") if key == "bad"]) == answers.MOST_TRIES


# --- What gets lost -----------------------------------------------------------------------------------------------


def test_a_message_whose_task_was_lost_is_answered_later(worker: Worker) -> None:
    message = sent("key-1")
    at = timezone.now() - tasks.CATCH_UP_AFTER
    assert users_who_wait(since=at) == []
    Message.objects.filter(pk=message.pk).update(sent_at=at - timedelta(seconds=1))
    assert tasks.catch_up() == 1
    until(partial(Message.objects.filter(pk=message.pk, state=State.ANSWERED).exists))


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "says"), [
    ("tests.nowhere.Handler", "cannot be imported"),
    ("sessions.models.Message", "is not a sessions.answering.handler.Handler"),
])  # fmt: skip
def test_a_handler_that_is_none_is_refused(settings: Settings, path: str, says: str) -> None:
    settings.SESSION_HANDLER = path
    with pytest.raises(ImproperlyConfigured, match=says):
        handler()
