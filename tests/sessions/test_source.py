"""Sessions that are over, as conversations of the pipeline."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from pipeline.models import Conversation, ConversationVersion, Item, Run
from pipeline.sources.ingest import import_live
from pipeline.sources.records import Record, UnreadableSource
from sessions.chat import messages
from sessions.chat.opening import end_session, escalate_session
from sessions.models import Message, Session
from sessions.source import ChatsSource
from tests.support.workers import Worker

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def talk(user_id: str, said: str, at: datetime = NOON) -> Session:
    """A session in which the user wrote and was answered; still active."""
    found = messages.receive(user_id=user_id, key=f"{user_id} {at}", text=said, at=at)
    messages.reply(message_id=found.message.pk, text="Thank you, we look into it.", at=at + MINUTE)
    assert found.opened
    return found.opened.session


def over(user_id: str, said: str, at: datetime = NOON) -> Session:
    session = talk(user_id, said, at)
    end_session(session_id=session.pk, at=at + 2 * MINUTE, reason=Session.Reason.USER_REQUEST)
    return session


def imported() -> str:
    return str(import_live("chats", "default")[1])


def test_a_session_that_is_over_is_a_conversation() -> None:
    session = over("alice", "The calendar shows every appointment twice.")
    messages.say(session_id=session.pk, text="Mended.", author="Bob", at=NOON + 3 * MINUTE)
    (record,) = ChatsSource().records()
    assert isinstance(record, Record)
    assert (record.external_id, record.customer, record.occurred_at) == (str(session.pk), "alice", NOON)
    assert [(each["role"], each["author"], each["text"], each["created_at"][11:16]) for each in record.messages] == [
        ("customer", "", "The calendar shows every appointment twice.", "12:00"),
        ("bot", "", "Thank you, we look into it.", "12:01"),
        ("agent", "Bob", "Mended.", "12:03"),
    ]
    assert record.metadata == {"state": "ended", "ended_reason": "user_request"}


def test_active_and_wordless_sessions_are_none() -> None:
    talk("alice", "Are you there?")
    found = messages.receive(user_id="bob", key="photo", image_urls=["https://example.org/1.jpg"], at=NOON)
    assert found.opened
    escalate_session(session_id=found.opened.session.pk, at=NOON)
    assert list(ChatsSource().records()) == []


def test_many_sessions_come_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.source.BATCH", 2)
    made = [str(over(f"user {number}", f"Number {number} is broken.").pk) for number in range(5)]
    assert [record.external_id for record in ChatsSource().records() if isinstance(record, Record)] == made


def test_importing_again_brings_what_is_new_and_versions_of_what_grew() -> None:
    first = over("alice", "The calendar shows every appointment twice.")
    assert imported() == "1 new, 0 updated, 0 unchanged, 0 rejected"
    assert imported() == "0 new, 0 updated, 1 unchanged, 0 rejected"
    messages.say(session_id=first.pk, text="Mended.", author="Bob", at=NOON + 3 * MINUTE)
    over("bob", "I cannot log in.")
    assert imported() == "1 new, 1 updated, 0 unchanged, 0 rejected"
    Message.objects.filter(text="Mended.").update(text="Mended, we hope.")
    assert imported() == "0 new, 1 updated, 1 unchanged, 0 rejected"
    grown = ConversationVersion.objects.filter(conversation__external_id=str(first.pk)).order_by("pk")
    assert [len(version.messages) for version in grown] == [2, 3, 3]


def test_what_retention_removed_stays_a_conversation() -> None:
    over("alice", "The calendar shows every appointment twice.").delete()
    over("bob", "I cannot log in.")
    imported()
    Session.objects.all().delete()
    assert imported() == "0 new, 0 updated, 0 unchanged, 0 rejected"
    assert Conversation.objects.count() == 1


def test_there_is_one_set_of_sessions() -> None:
    with pytest.raises(UnreadableSource, match="chats:default"):
        import_live("chats", "other")
    with pytest.raises(CommandError, match="chats:default"):
        call_command("run_pipeline", "chats:other")


@pytest.mark.django_db(transaction=True)
def test_a_run_reads_new_sessions_and_those_that_grew(worker: Worker) -> None:
    for number in range(4):
        over(f"user {number}", f"Since Monday the calendar shows every appointment twice, {number} of them.")
    assert summary_of_a_run()["conversations"]["extracted"] + filtered_in_last_run() == 4
    again = summary_of_a_run()["conversations"]
    assert (again["planned"], again["skipped"]) == (4, 4)
    session = Session.objects.get(user_id="user 0")
    messages.say(session_id=session.pk, text="It happens with Outlook only.", author="Bob", at=NOON + 5 * MINUTE)
    over("user 9", "The invoice has the wrong address on it since the update.")
    grown = summary_of_a_run()["conversations"]
    assert (grown["planned"], grown["skipped"]) == (5, 3)


def summary_of_a_run() -> dict[str, dict[str, int]]:
    out = StringIO()
    with suppress(SystemExit):  # five conversations tell no stories, which an operator is told
        call_command("run_pipeline", "chats:default", "--json", stdout=out)
    shown: dict[str, dict[str, int]] = json.loads(out.getvalue())
    return shown


def filtered_in_last_run() -> int:
    return Item.objects.filter(run=Run.objects.latest("pk"), state=Item.State.FILTERED).count()
