"""What is said: claimed once, stored with what was shown, held for people who have taken over."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries, Settings

from sessions.chat import messages, takeover, users
from sessions.chat.messages import MessageHeldError, Option, Received
from sessions.chat.opening import Outcome, end_session
from sessions.models import Message, Session

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
MENU = [Option("1", "Bridge", "project-7"), Option("2", "Tunnel", "project-9")]
MINUTE = timedelta(minutes=1)


def received(key: str = "m-1", text: str = "hello", at: datetime = NOON, user_id: str = "alice") -> Received:
    return messages.receive(user_id=user_id, key=key, text=text, at=at)


def test_a_message_is_stored_in_the_session_it_opens() -> None:
    found = received()
    assert found.opened is not None
    assert found.opened.outcome == Outcome.CREATED
    message = Message.objects.get()
    assert (message.session, message.text, message.state) == (found.opened.session, "hello", Message.State.RECEIVED)
    assert not found.is_duplicate
    assert found.reply is None


def test_a_second_delivery_opens_nothing_and_returns_the_first_result() -> None:
    first = received()
    answer = messages.reply(message_id=first.message.pk, text="Good day", at=NOON + MINUTE)
    again = received(text="changed on the way", at=NOON + 2 * MINUTE)
    assert again.is_duplicate
    assert (again.message, again.message.text, again.reply) == (first.message, "hello", answer)
    session = Session.objects.get()
    assert (session.reuse_count, session.last_message_at) == (0, NOON)


def test_the_same_key_of_another_user_is_another_message() -> None:
    received()
    assert not received(user_id="bob").is_duplicate


def test_a_message_that_opens_no_session_claims_no_key(settings: Settings) -> None:
    settings.SESSION_RULES = {"idle": timedelta(0)}
    with pytest.raises(ValueError, match="longer than zero"):
        received()
    assert not Message.objects.exists()
    settings.SESSION_RULES = {}
    assert not received().is_duplicate


def test_a_message_asks_for_the_session_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    received()
    with django_assert_num_queries(7) as captured:  # two are SAVEPOINTs of the test's own transaction
        received(key="m-2")
    assert len([each for each in captured.captured_queries if "chat_session" in each["sql"]]) == 1


def test_the_users_own_zone_ends_the_day() -> None:
    users.set_zone(user_id="alice", zone="Asia/Kolkata")
    received(at=datetime(2026, 7, 15, 14, 29, tzinfo=UTC))  # 19:59 there
    found = received(key="m-2", at=datetime(2026, 7, 15, 14, 30, tzinfo=UTC))
    assert found.opened is not None
    assert found.opened.superseded_reason == Session.Reason.END_OF_DAY
    assert found.opened.session.zone == "Asia/Kolkata"


# --- Answers ------------------------------------------------------------------------------------------------------


def test_a_message_is_answered_once_and_the_second_gets_the_first_answer() -> None:
    message = received().message
    first = messages.reply(message_id=message.pk, text="Good day", at=NOON)
    assert messages.reply(message_id=message.pk, text="Good evening", at=NOON) == first
    assert Session.objects.get().reply_count == 1
    with transaction.atomic():
        assert messages.awaiting_answer(message_id=message.pk, at=NOON) is None


def test_a_message_that_failed_says_why_and_can_be_answered_later() -> None:
    message = received().message
    assert messages.fail_message(message_id=message.pk, error="no model")
    assert not messages.fail_message(message_id=message.pk, error="again")
    message.refresh_from_db()
    assert (message.state, message.error) == (Message.State.FAILED, "no model")
    messages.reply(message_id=message.pk, text="Here I am", at=NOON)
    message.refresh_from_db()
    assert (message.state, message.error) == (Message.State.ANSWERED, "")


@pytest.mark.parametrize(
    ("said", "meant"),
    [("1", "project-7"), (" 2 ", "project-9"), ("TUNNEL", "project-9"), ("3", None), ("", None), ("1 2", None)],
)
def test_a_reply_means_what_the_user_was_shown(said: str, meant: str | None) -> None:
    messages.reply(message_id=received().message.pk, text="Which project?", shown=MENU, at=NOON)
    chosen = messages.chosen_option(received("m-2", said, NOON + MINUTE).message)
    assert (chosen.value if chosen else None) == meant


def test_what_was_shown_last_counts_and_a_message_without_a_menu_does_not_hide_it() -> None:
    session_id = messages.reply(message_id=received().message.pk, text="Which?", shown=MENU, at=NOON).session_id
    assert session_id is not None
    newer = [Option("1", "Paint", "task-1")]
    messages.say(session_id=session_id, text="Which task?", shown=newer, at=NOON + MINUTE)
    messages.say(session_id=session_id, text="Take your time.", at=NOON + MINUTE)
    chosen = messages.chosen_option(received("m-2", "1", NOON + 2 * MINUTE).message)
    assert chosen == newer[0]


def test_a_menu_outlives_its_session_and_then_runs_out() -> None:
    """The founding incident: the session changed at eight in the evening and the choice was lost."""
    evening = datetime(2026, 7, 15, 19, 59, tzinfo=UTC)
    messages.reply(message_id=received(at=evening).message.pk, text="Which?", shown=MENU, at=evening)
    later = received("m-2", "1", evening + timedelta(minutes=40))
    assert later.opened is not None
    assert later.opened.outcome == Outcome.SUPERSEDED
    assert messages.chosen_option(later.message) == MENU[0]
    assert messages.chosen_option(received("m-3", "1", evening + timedelta(hours=8)).message) is None


# --- People -------------------------------------------------------------------------------------------------------


def test_while_a_person_has_taken_over_messages_are_kept_and_not_answered() -> None:
    waiting = received().message
    takeover.take_over(user_id="alice", by="Bob", at=NOON)
    new = received("m-2", "anybody?", NOON + MINUTE).message
    for message in (waiting, new):
        message.refresh_from_db()
        assert message.state == Message.State.HELD
        with pytest.raises(MessageHeldError, match="person"):
            messages.reply(message_id=message.pk, text="I am a machine", at=NOON + MINUTE)
    takeover.release(user_id="alice", by="Bob", at=NOON + 2 * MINUTE)
    assert received("m-3", at=NOON + 3 * MINUTE).message.awaits_an_answer


def test_a_message_whose_user_was_taken_over_meanwhile_is_held_when_its_turn_comes() -> None:
    message = received().message
    takeover.take_over(user_id="alice", by="Bob", at=NOON)
    Message.objects.filter(pk=message.pk).update(state=Message.State.RECEIVED)  # came in beside the takeover
    with transaction.atomic():
        assert messages.awaiting_answer(message_id=message.pk, at=NOON) is None
    message.refresh_from_db()
    assert message.state == Message.State.HELD


def test_a_person_speaks_in_a_session_also_when_it_is_over() -> None:
    found = received()
    assert found.opened is not None
    session = found.opened.session
    end_session(session_id=session.pk, at=NOON, reason=Session.Reason.USER_REQUEST)
    bye = partial(messages.say, session_id=session.pk, text="Bye", author="Bob", key="b-1", at=NOON + MINUTE)
    said = [bye(), bye()]
    assert said[0] == said[1]
    assert (said[0].role, said[0].author) == (Message.Role.AGENT, "Bob")
    session.refresh_from_db()
    assert session.reply_count == 1


def test_the_history_pages_through_what_was_said() -> None:
    found = [received(f"m-{number}", at=NOON + number * MINUTE).message for number in range(5)]
    assert messages.history_of_user("alice", limit=2) == [found[4], found[3]]
    assert messages.history_of_user("alice", before_id=found[3].pk) == [found[2], found[1], found[0]]
    session_id = found[0].session_id
    assert session_id is not None
    assert messages.history_of_session(session_id, after_id=found[1].pk) == found[2:]


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        received(at=datetime(2026, 7, 15, 12))  # noqa: DTZ001


@pytest.mark.parametrize(("key", "text"), [("", "hello"), ("k" * 201, "hello"), ("m\0", "hello"), ("m-1", "a\0b")])
def test_what_cannot_be_stored_is_refused(key: str, text: str) -> None:
    with pytest.raises(ValueError, match="message"):
        received(key, text)
    assert not Session.objects.exists()
