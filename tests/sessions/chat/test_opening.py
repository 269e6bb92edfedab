"""A session's life with one caller at a time; tests/races/test_sessions.py has the crowds."""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from sessions.chat.opening import OpenedSession, Outcome, aopen_session, end_session, escalate_session, open_session
from sessions.models import Session

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 7, 15, 12, tzinfo=BERLIN)
Reason: TypeAlias = Session.Reason
State: TypeAlias = Session.State


def opened(at: datetime, user_id: str = "alice") -> OpenedSession:
    return open_session(user_id=user_id, at=at, zone=BERLIN)


def test_the_first_message_creates_a_session() -> None:
    found = opened(NOON)
    assert (found.outcome, found.superseded_id, found.superseded_reason) == (Outcome.CREATED, None, None)
    assert found.session == Session.objects.get()
    assert found.session.is_active
    assert found.session.started_at == found.session.last_message_at == NOON
    assert found.session.reuse_count == 0


def test_the_next_message_reuses_it_and_is_counted() -> None:
    first = opened(NOON)
    later = NOON + timedelta(hours=6)
    second, third = opened(later), opened(later)
    assert {second.outcome, third.outcome} == {Outcome.REUSED}
    assert first.session == second.session == third.session
    assert (third.session.reuse_count, third.session.started_at, third.session.last_message_at) == (2, NOON, later)


def test_the_returned_session_is_the_stored_one() -> None:
    opened(NOON)
    found = opened(NOON + timedelta(minutes=1)).session
    stored = Session.objects.get()
    for field in Session._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(stored, field.attname)
    found.save()  # it is an ordinary instance, known to be in the database
    assert Session.objects.count() == 1


def test_users_do_not_share_sessions() -> None:
    assert opened(NOON, "alice").session != opened(NOON, "bob").session


@pytest.mark.parametrize(
    ("last_message", "message", "reason"),
    [
        ("15 09:00", "15 16:00", None),  # seven hours to the second
        ("15 09:00", "15 16:00:00.000001", Reason.IDLE),
        ("15 19:59:59.999999", "15 20:00", Reason.END_OF_DAY),
        ("15 19:59", "15 20:39", Reason.END_OF_DAY),
        ("15 19:59", "15 23:59", Reason.END_OF_DAY),
        ("15 19:59", "16 00:00", Reason.END_OF_DAY),
        ("15 20:00", "15 20:00", None),
        ("15 20:00", "15 20:39", None),
        ("15 20:39", "15 20:39:00.1", None),
        ("15 20:39", "15 23:59", None),
        ("15 23:59", "16 00:00", None),  # midnight is not the end of a working day
        ("15 23:59", "16 06:59", None),
        ("15 20:39", "16 09:00", Reason.IDLE),
        ("12 15:00", "15 09:00", Reason.IDLE),
    ],
)
def test_a_session_expires_for_the_reason_that_the_clock_of_the_user_gives(
    last_message: str, message: str, reason: Reason | None
) -> None:
    at = datetime.fromisoformat(f"2026-07-{message}").replace(tzinfo=BERLIN)
    first = opened(datetime.fromisoformat(f"2026-07-{last_message}").replace(tzinfo=BERLIN))
    found = opened(at)
    if reason is None:
        assert (found.outcome, found.session) == (Outcome.REUSED, first.session)
        return
    assert (found.outcome, found.superseded_id, found.superseded_reason) == ("superseded", first.session.pk, reason)
    old = Session.objects.get(pk=first.session.pk)
    assert (old.state, old.ended_reason, old.ended_at) == (State.EXPIRED, reason, at)
    assert (found.session.started_at, found.session.reuse_count) == (at, 0)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("wall_clock", ["20:00", "20:39", "23:59"])
def test_the_evening_has_one_session_in_every_zone(zone: str, wall_clock: str) -> None:
    """The founding incident: after 20:00 on the database's clock every message opened a session."""
    begin = datetime.fromisoformat(f"2026-07-15 {wall_clock}").replace(tzinfo=ZoneInfo(zone))
    found = [
        open_session(user_id="alice", at=begin + timedelta(seconds=second), zone=ZoneInfo(zone)) for second in range(9)
    ]
    assert [each.outcome for each in found] == [Outcome.CREATED] + [Outcome.REUSED] * 8


@pytest.mark.parametrize("day", [datetime(2026, 3, 29), datetime(2026, 10, 25)], ids=["spring", "autumn"])  # noqa: DTZ001
def test_a_change_of_the_clock_moves_the_day_end_with_it(day: datetime) -> None:
    opened(day.replace(hour=19, minute=59, tzinfo=BERLIN))
    assert opened(day.replace(hour=19, minute=59, second=59, tzinfo=BERLIN)).outcome == Outcome.REUSED
    assert opened(day.replace(hour=20, tzinfo=BERLIN)).superseded_reason == Reason.END_OF_DAY
    assert opened(day.replace(hour=23, minute=59, tzinfo=BERLIN)).outcome == Outcome.REUSED


def test_a_session_that_is_too_old_expires_though_it_is_never_silent(settings: Settings) -> None:
    settings.SESSION_RULES = {"day_end": None}
    found = [opened(NOON + timedelta(hours=6 * count)) for count in range(6)]
    assert [each.outcome for each in found] == ["created"] + ["reused"] * 4 + ["superseded"]
    assert found[-1].superseded_reason == Reason.MAX_AGE


def test_settings_give_the_rules_and_the_zone_of_users_whose_zone_is_unknown(settings: Settings) -> None:
    settings.SESSION_RULES = {"idle": timedelta(hours=1), "max_age": None}
    settings.SESSION_ZONE = "Asia/Kolkata"
    open_session(user_id="alice", at=datetime(2026, 7, 15, 14, 29, tzinfo=UTC))  # 19:59 there
    found = open_session(user_id="alice", at=datetime(2026, 7, 15, 14, 30, tzinfo=UTC))
    assert found.superseded_reason == Reason.END_OF_DAY
    assert opened(NOON, "bob").outcome == Outcome.CREATED
    assert opened(NOON + timedelta(minutes=61), "bob").superseded_reason == Reason.IDLE


def test_a_message_that_arrives_late_belongs_to_the_active_session_and_moves_nothing_back() -> None:
    first = opened(NOON)
    found = opened(NOON - timedelta(hours=1))
    assert (found.outcome, found.session) == (Outcome.REUSED, first.session)
    assert (found.session.started_at, found.session.last_message_at) == (NOON, NOON)


def test_only_the_times_that_are_passed_in_count() -> None:
    long_ago = datetime(1999, 12, 31, 12, tzinfo=UTC)
    assert opened(long_ago).session.started_at == long_ago
    assert opened(long_ago + timedelta(minutes=1)).outcome == Outcome.REUSED


@pytest.mark.parametrize("outcome", Outcome)
def test_it_is_one_statement_whatever_comes_of_it(
    outcome: Outcome, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    before = {Outcome.CREATED: None, Outcome.REUSED: NOON, Outcome.SUPERSEDED: NOON - timedelta(days=1)}[outcome]
    if before:
        opened(before)
    with django_assert_num_queries(1):
        assert opened(NOON).outcome == outcome


@pytest.mark.parametrize("user_id", ["", "a" * 201])
def test_a_user_id_that_cannot_be_stored_is_refused(user_id: str) -> None:
    with pytest.raises(ValueError, match="user id"):
        opened(NOON, user_id)


@pytest.mark.parametrize("user_id", ["o'hara", '"; drop table chat_session; --', "100 %s", "%(at)s", "אליס", "a" * 200])
def test_any_user_id_is_only_a_text(user_id: str) -> None:
    assert opened(NOON, user_id).session.user_id == user_id


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        opened(datetime(2026, 7, 15, 12))  # noqa: DTZ001


def test_the_async_twin_does_the_same() -> None:
    found = async_to_sync(aopen_session)(user_id="alice", at=NOON, zone=BERLIN)
    assert found.outcome == Outcome.CREATED
    assert opened(NOON).session == found.session


@pytest.mark.parametrize("reason", Session.REASONS[State.ENDED])
def test_a_session_ends_once(reason: Reason) -> None:
    session = opened(NOON).session
    later = NOON + timedelta(minutes=5)
    assert end_session(session_id=session.pk, at=later, reason=reason)
    assert not end_session(session_id=session.pk, at=later + timedelta(hours=1), reason=Reason.USER_REQUEST)
    assert not escalate_session(session_id=session.pk, at=later + timedelta(hours=1))
    session.refresh_from_db()
    assert (session.state, session.ended_reason, session.ended_at) == (State.ENDED, reason, later)


def test_a_session_is_escalated_once() -> None:
    session = opened(NOON).session
    assert escalate_session(session_id=session.pk, at=NOON)
    assert not escalate_session(session_id=session.pk, at=NOON)
    assert not end_session(session_id=session.pk, at=NOON, reason=Reason.USER_REQUEST)
    session.refresh_from_db()
    assert (session.state, session.ended_reason) == (State.ESCALATED, Reason.ESCALATED)


def test_the_message_after_an_end_creates_a_session_and_supersedes_nothing() -> None:
    session = opened(NOON).session
    end_session(session_id=session.pk, at=NOON, reason=Reason.USER_REQUEST)
    found = opened(NOON)
    assert (found.outcome, found.superseded_id) == (Outcome.CREATED, None)
    assert found.session != session


def test_a_clock_that_is_behind_does_not_end_a_session_before_its_last_message() -> None:
    session = opened(NOON).session
    end_session(session_id=session.pk, at=NOON - timedelta(minutes=1), reason=Reason.USER_REQUEST)
    session.refresh_from_db()
    assert session.ended_at == NOON


@pytest.mark.parametrize("reason", [Reason.IDLE, Reason.END_OF_DAY, Reason.MAX_AGE, Reason.ESCALATED])
def test_a_session_does_not_end_for_a_reason_of_another_state(reason: Reason) -> None:
    session = opened(NOON).session
    with pytest.raises(ValueError, match="cannot be ended with the reason"):
        end_session(session_id=session.pk, at=NOON, reason=reason)


def test_a_session_that_is_not_there_is_said_so() -> None:
    with pytest.raises(Session.DoesNotExist):
        end_session(session_id=1, at=NOON, reason=Reason.USER_REQUEST)
    with pytest.raises(Session.DoesNotExist):
        escalate_session(session_id=1, at=NOON)


def test_the_database_refuses_a_second_active_session() -> None:
    opened(NOON)
    with pytest.raises(IntegrityError, match="one_active_session_per_user"):
        Session.objects.create(user_id="alice", started_at=NOON, last_message_at=NOON)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("reason", ["", *Reason])
@pytest.mark.parametrize("ended_at", [None, NOON], ids=["no time", "a time"])
def test_the_database_keeps_state_reason_and_time_paired(state: State, reason: str, ended_at: datetime | None) -> None:
    if state == State.ACTIVE:
        allowed = not reason and ended_at is None
    else:
        allowed = reason in Session.REASONS[state] and ended_at is not None
    session = Session(
        user_id="alice", state=state, started_at=NOON, last_message_at=NOON, ended_at=ended_at, ended_reason=reason
    )
    if allowed:
        session.save()
        return
    with pytest.raises(IntegrityError, match="active_or_says_when_and_why"), transaction.atomic():
        session.save()


def test_the_database_refuses_a_session_of_nobody() -> None:
    with pytest.raises(IntegrityError, match="a_session_names_its_user"):
        Session.objects.create(user_id="", started_at=NOON, last_message_at=NOON)


def test_a_message_stays_a_cheap_update() -> None:
    """No index has a column that a message changes, else each would write to every index."""
    changed = {"last_message_at", "reuse_count"}
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Session._meta.db_table)
    assert not [name for name, each in found.items() if each["index"] and changed & set(each["columns"])]
