"""A person answers instead of the automation."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sessions.chat.opening import escalate_session, open_session
from sessions.chat.takeover import (
    AlreadyTakenOverError,
    end_takeovers_whose_time_is_over,
    extend_takeover,
    release,
    standing_takeover,
    take_over,
)
from sessions.models import Takeover

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def taken(by: str = "Bob", at: datetime = NOON, until: datetime | None = None) -> Takeover:
    return take_over(user_id="alice", by=by, at=at, until=until)


def stands(at: datetime) -> bool:
    return standing_takeover("alice", at=at) is not None


def test_it_stands_for_seven_hours_and_then_is_over_by_itself() -> None:
    taken()
    assert stands(NOON + 6.99 * HOUR)
    assert not stands(NOON + 7 * HOUR)
    assert end_takeovers_whose_time_is_over(at=NOON + 6 * HOUR) == 0
    assert end_takeovers_whose_time_is_over(at=NOON + 8 * HOUR) == 1
    row = Takeover.objects.get()
    assert (row.ended_at, row.ended_reason, row.ended_by) == (NOON + 7 * HOUR, "time_over", "")


def test_somebody_else_is_told_who_answers() -> None:
    taken()
    with pytest.raises(AlreadyTakenOverError, match="Bob is answering user alice until 2026-07-15 19:00 UTC"):
        taken(by="Charlie")
    assert Takeover.objects.get().taken_by == "Bob"


def test_taking_over_again_extends_and_never_shortens() -> None:
    first = taken()
    again = taken(at=NOON + HOUR)
    assert (again.pk, again.taken_at, again.until) == (first.pk, NOON, NOON + 8 * HOUR)
    assert taken(at=NOON + HOUR, until=NOON + 2 * HOUR).until == NOON + 8 * HOUR


def test_it_can_be_extended_by_who_holds_it_while_it_stands() -> None:
    taken()
    assert extend_takeover(user_id="alice", by="Bob", at=NOON + 6 * HOUR)
    assert stands(NOON + 12 * HOUR)
    assert not extend_takeover(user_id="alice", by="Charlie", at=NOON + 6 * HOUR)
    assert not extend_takeover(user_id="alice", by="Bob", at=NOON + 13 * HOUR)


def test_anybody_can_release_it_and_is_recorded() -> None:
    taken()
    assert release(user_id="alice", by="Charlie", at=NOON + HOUR)
    assert not release(user_id="alice", by="Charlie", at=NOON + HOUR)
    row = Takeover.objects.get()
    assert (row.ended_by, row.ended_reason) == ("Charlie", "released")
    assert not stands(NOON + HOUR)


def test_one_whose_time_is_over_makes_room_before_housekeeping_came() -> None:
    taken()
    taken(by="Charlie", at=NOON + 7 * HOUR)
    assert list(Takeover.objects.order_by("pk").values_list("taken_by", "ended_reason")) == [
        ("Bob", "time_over"),
        ("Charlie", ""),
    ]


def test_an_escalated_user_waits_for_a_person_and_one_comes() -> None:
    session = open_session(user_id="alice", at=NOON).session
    assert escalate_session(session_id=session.pk, at=NOON)
    assert stands(NOON + 6.99 * HOUR)
    assert Takeover.objects.get().taken_by == ""
    assert taken(at=NOON + HOUR).taken_by == "Bob"
    with pytest.raises(AlreadyTakenOverError, match="Bob is answering user alice"):
        taken(by="Charlie", at=NOON + HOUR)
    row = Takeover.objects.get()
    assert (row.taken_at, row.until) == (NOON + HOUR, NOON + 8 * HOUR)
    assert release(user_id="alice", by="Bob", at=NOON + 2 * HOUR)
    assert not stands(NOON + 2 * HOUR)


def test_nobody_is_waited_for_any_longer_than_a_takeover_lasts() -> None:
    session = open_session(user_id="alice", at=NOON).session
    escalate_session(session_id=session.pk, at=NOON)
    assert not stands(NOON + 7 * HOUR)
    assert not escalate_session(session_id=session.pk, at=NOON + 8 * HOUR)  # it is escalated already
    assert not stands(NOON + 8 * HOUR)


def test_who_answers_already_goes_on_when_a_session_is_escalated() -> None:
    taken()
    escalate_session(session_id=open_session(user_id="alice", at=NOON).session.pk, at=NOON)
    assert Takeover.objects.get().taken_by == "Bob"


def test_users_are_taken_over_one_by_one() -> None:
    taken()
    take_over(user_id="dora", by="Charlie", at=NOON)
    assert Takeover.objects.count() == 2


def test_an_end_too_far_away_is_refused_and_changes_nothing() -> None:
    until = taken().until
    for too_far in (NOON + 7 * 24 * HOUR + SECOND, datetime(9999, 12, 31, 23, tzinfo=timezone(-12 * HOUR))):
        with pytest.raises(ValueError, match="too long"):
            taken(until=too_far)
        with pytest.raises(ValueError, match="too long"):
            extend_takeover(user_id="alice", by="Bob", at=NOON, until=too_far)
    assert Takeover.objects.get().until == until
    assert taken(until=NOON + 7 * 24 * HOUR).until == NOON + 7 * 24 * HOUR


@pytest.mark.parametrize("until", [NOON, NOON - HOUR])
def test_an_end_before_the_beginning_is_refused(until: datetime) -> None:
    with pytest.raises(ValueError, match="end before it starts"):
        taken(until=until)
