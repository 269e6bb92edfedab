"""Messages, progress updates and takeovers, many callers at once: nothing happens twice and no count is lost."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from sessions.answering.answers import answer_user
from sessions.chat import messages, progress
from sessions.chat.context import Context, choose_project, choose_task, context_of
from sessions.chat.messages import Received, receive, reply, say
from sessions.chat.opening import Outcome, SessionUnavailableError, database_away_is_retryable, escalate_session
from sessions.chat.progress import UpdateClosedError, close_update, count_progress, open_update
from sessions.chat.takeover import AlreadyTakenOverError, release, standing_takeover, take_over
from sessions.chat.users import set_zone
from sessions.models import ChatUser, Message, ProgressTransition, ProgressUpdate, Session, Takeover
from tests.races.test_sessions import overtaken
from tests.sessions.hammer import at_once

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


# --- Messages -----------------------------------------------------------------------------------------------------


def test_many_deliveries_of_one_message_are_one() -> None:
    for number in range(5):
        found = at_once([partial(receive, user_id="alice", key=f"m-{number}", text="hello", at=NOON)] * 16)
        assert len({each.message.pk for each in found}) == 1
        assert Counter(each.is_duplicate for each in found) == {False: 1, True: 15}
    session = Session.objects.get()
    assert (session.reuse_count, Message.objects.count()) == (4, 5)


@pytest.fixture
def without_the_key() -> Iterator[None]:
    promise = next(each for each in Message._meta.constraints if each.name == "one_message_per_key")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Message, promise)
    yield
    Message.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Message, promise)


def look_and_then_insert() -> None:
    if not Message.objects.filter(user_id="alice", key="m-1").exists():
        Message.objects.create(
            user_id="alice", key="m-1", role=Message.Role.CUSTOMER, state=Message.State.RECEIVED, sent_at=NOON
        )


@pytest.mark.usefixtures("without_the_key")
def test_control_looking_first_stores_a_message_twice() -> None:
    for _ in range(50):
        at_once([look_and_then_insert] * 32)
        if Message.objects.count() > 1:
            return
        Message.objects.all().delete()
    raise AssertionError("no race was lost in 50 rounds: the test shows nothing")


def deliver(number: int) -> list[Received]:
    """One of 64 callers: half of them deliver what the other half delivers too."""
    return [
        receive(user_id=f"user {count % 8}", key=f"m-{number // 2}-{count}", text="hello", at=NOON)
        for count in range(10)
    ]


def test_64_connections_lose_no_message_and_no_count() -> None:
    found = [each for caller in at_once([partial(deliver, number) for number in range(64)]) for each in caller]
    assert Message.objects.count() == 320
    assert Counter(each.is_duplicate for each in found) == {False: 320, True: 320}
    assert Counter(each.opened.outcome for each in found if each.opened) == {Outcome.CREATED: 8, Outcome.REUSED: 312}
    assert Session.objects.count() == 8
    assert Session.objects.aggregate(total=Sum("reuse_count"))["total"] == 312
    assert not Message.objects.filter(session=None).exists()


def test_a_message_is_answered_once_by_many_workers() -> None:
    message_id = receive(user_id="alice", key="m-1", text="hello", at=NOON).message.pk
    answers = at_once([partial(reply, message_id=message_id, text=f"worker {number}", at=NOON) for number in range(16)])
    assert len({answer.pk for answer in answers}) == 1
    assert len({answer.text for answer in answers}) == 1
    assert (Session.objects.get().reply_count, Message.objects.count()) == (1, 2)


def test_no_reply_is_lost_from_the_count() -> None:
    opened = receive(user_id="alice", key="m-1", text="hello", at=NOON).opened
    assert opened
    session_id = opened.session.pk
    at_once([partial(say, session_id=session_id, text="hi", at=NOON, key=f"r-{number // 2}") for number in range(32)])
    assert (Session.objects.get().reply_count, Message.objects.filter(state="said").count()) == (16, 16)


# --- Storing beside answering -------------------------------------------------------------------------------------


def talk_and_answer(store: Callable[..., Any], each: int) -> list[str]:
    """Two senders say their zone with each message while a worker answers; return what failed."""
    is_over, failed = Event(), list[str]()

    def send(sender: int) -> None:
        for number in range(each):
            try:
                # Berlin and London in turn, so that the user's row is written each time
                zone = ZoneInfo(("Europe/Berlin", "Europe/London")[number % 2])
                text = ("hello", "1", "2")[number % 3]
                store(user_id="alice", key=f"{sender}-{number}", at=timezone.now(), text=text, zone=zone)
            except SessionUnavailableError as error:
                failed.append(f"storing: {error}")

    def send_all() -> None:
        try:
            at_once([partial(send, sender) for sender in range(2)])
        finally:
            is_over.set()

    def answer() -> None:
        while not is_over.is_set():
            try:
                answer_user(user_id="alice")
            except Exception as error:  # whatever it is, the answer has failed
                failed.append(f"answering: {error}")

    at_once([send_all, answer])
    return failed


def test_storing_a_message_with_a_zone_never_waits_in_a_circle_with_answering_one() -> None:
    assert talk_and_answer(receive, 40) == []
    assert Message.objects.filter(role=Message.Role.CUSTOMER).count() == 80


def test_control_the_user_locked_after_the_session_waits_in_a_circle() -> None:
    def store(zone: ZoneInfo, **sent: Any) -> None:
        with database_away_is_retryable("the message could not be stored"), transaction.atomic():
            receive(**sent)
            set_zone(user_id=sent["user_id"], zone=zone.key)

    for number in range(20):
        if any("deadlock" in each for each in talk_and_answer(partial(renamed, store, number), 10)):
            return
    raise AssertionError("nobody waited in a circle in 20 rounds: the test shows nothing")


def renamed(store: Callable[..., None], number: int, *, key: str, **sent: Any) -> None:
    store(key=f"{number}-{key}", **sent)


# --- Progress updates ---------------------------------------------------------------------------------------------


def collected(update_id: int) -> tuple[int, int, int]:
    update = ProgressUpdate.objects.get(pk=update_id)
    return update.images_uploaded, update.comments_added, update.status_changed


def test_no_counter_loses_an_update() -> None:
    update_id = open_update(user_id="alice", task_id="t-1", at=NOON).update.pk
    count = partial(count_progress, update_id=update_id, at=NOON)
    at_once(
        [partial(count, images=1)] * 32 + [partial(count, comments=2)] * 16 + [partial(count, status_changes=1)] * 16
    )
    assert collected(update_id) == (32, 32, 16)
    assert ProgressTransition.objects.filter(what="counted").count() == 64


def test_control_reading_and_writing_back_loses_counts() -> None:
    update_id = open_update(user_id="alice", task_id="t-1", at=NOON).update.pk

    def count() -> None:
        update = ProgressUpdate.objects.get(pk=update_id)
        update.images_uploaded += 1
        update.save()

    for rounds in range(1, 51):
        at_once([count] * 32)
        if collected(update_id)[0] < 32 * rounds:
            return
    raise AssertionError("no count was lost in 50 rounds: the test shows nothing")


def test_a_double_click_opens_one_update_and_keeps_progress() -> None:
    for number in range(10):
        clicks = [partial(open_update, user_id=f"user {number}", task_id="t-1", at=NOON)] * 8
        found = at_once(clicks)
        assert len({each.update.pk for each in found}) == 1
        assert Counter(each.outcome for each in found) == {"opened": 1, "reopened": 7}


def test_two_tasks_at_once_leave_one_update_open_and_none_unclosed() -> None:
    calls = [partial(open_update, user_id="alice", task_id=f"t-{number % 4}", at=NOON) for number in range(32)]
    found = at_once(calls)
    updates = ProgressUpdate.objects.all()
    assert updates.filter(closed_at=None).count() == 1
    assert updates.count() == Counter(each.outcome for each in found)[progress.Outcome.OPENED]
    assert updates.filter(closed_reason="other_task").count() == len([each for each in found if each.closed_id])
    for update in updates:
        events = list(update.transitions.values_list("what", flat=True))
        assert events.count("opened") == 1
        assert events.count("closed") == (not update.is_open)


def test_what_is_counted_while_it_closes_is_counted_or_refused() -> None:
    update_id = open_update(user_id="alice", task_id="t-1", at=NOON).update.pk

    def count() -> int:
        try:
            count_progress(update_id=update_id, at=NOON, images=1)
        except UpdateClosedError:
            return 0
        return 1

    def close() -> int:
        return close_update(update_id=update_id, at=NOON, reason=ProgressUpdate.ClosedReason.COMPLETED) * 1000

    told = sum(at_once([count] * 16 + [close] * 4 + [count] * 16))
    assert told == 1000 + collected(update_id)[0]


# --- Users --------------------------------------------------------------------------------------------------------


def test_one_of_many_people_takes_over() -> None:
    receive(user_id="alice", key="m-1", text="hello", at=NOON)

    def attempt(number: int) -> str:
        try:
            return take_over(user_id="alice", by=f"person {number % 8}", at=NOON).taken_by
        except AlreadyTakenOverError:
            return ""

    told = at_once([partial(attempt, number) for number in range(32)])
    row = Takeover.objects.get()
    assert Counter(told) == {row.taken_by: 4, "": 28}
    assert Message.objects.get().state == Message.State.HELD


def test_a_release_waits_for_a_message_that_is_just_being_held() -> None:
    take_over(user_id="alice", by="Bob", at=NOON)
    released = overtaken(
        lambda: receive(user_id="alice", key="m-1", text="hello", at=NOON + SECOND),
        partial(release, user_id="alice", by="Bob", at=NOON + 2 * SECOND),
    )
    assert released
    assert Message.objects.get().state == Message.State.HELD


def test_who_takes_over_does_not_wait_for_a_handler_that_escalates() -> None:
    """It would hold the takeover and wait for the message, and the handler the other way round."""
    received = receive(user_id="alice", key="m-1", text="a person, please", at=NOON)
    assert received.opened
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert messages.awaiting_answer(message_id=received.message.pk, at=NOON)
        taking = pool.submit(lambda: at_once([partial(take_over, user_id="alice", by="Bob", at=NOON)])[0])
        assert taking.result(timeout=240).taken_by == "Bob"
        assert escalate_session(session_id=received.opened.session.pk, at=NOON)
        reply(message_id=received.message.pk, text="Somebody will come.", at=NOON)
    assert Takeover.objects.get().taken_by == "Bob"
    assert Message.objects.get(pk=received.message.pk).state == Message.State.ANSWERED


def test_control_without_the_lock_a_message_is_held_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "locked_takeover", standing_takeover)
    take_over(user_id="alice", by="Bob", at=NOON)
    with transaction.atomic():
        held = receive(user_id="alice", key="m-1", text="hello", at=NOON + SECOND).message
        assert at_once([partial(release, user_id="alice", by="Bob", at=NOON + 2 * SECOND)]) == [True]
        assert standing_takeover("alice", at=NOON + 2 * SECOND) is None
    assert held.state == Message.State.HELD


def test_a_stranger_who_chooses_from_many_tabs_gets_one_row() -> None:
    calls = [partial(choose_project, user_id="alice", project_id="p-1", at=NOON)] * 8
    calls += [partial(choose_task, user_id="alice", task_id="t-1", at=NOON)] * 8
    at_once(calls)
    assert ChatUser.objects.count() == 1
    assert context_of("alice", at=NOON) in (Context("p-1", "t-1"), Context("p-1", ""))


def test_a_duplicate_that_waits_for_one_that_is_undone_is_the_first() -> None:
    """The winner's session cannot be opened: its claim goes with it, and the second delivery is not a duplicate."""
    found = overtaken(
        lambda: receive(user_id="alice", key="m-1", text="hello", at=NOON),
        lambda: receive(user_id="alice", key="m-1", text="hello", at=NOON + SECOND),
        undo=True,
    )
    assert not found.is_duplicate
    assert messages.first_delivery(user_id="alice", key="m-1").message == found.message
