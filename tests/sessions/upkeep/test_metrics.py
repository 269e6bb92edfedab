"""The numbers, and what is said about them."""

import json
import logging
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from sessions.chat.context import Context, check_context, choose_project
from sessions.chat.opening import end_session, open_session
from sessions.models import Session
from sessions.upkeep.metrics import SessionMetrics, Verdict, session_metrics, warn_of_bad_patterns
from sessions.upkeep.retention import remove_what_is_old
from sessions.upkeep.tallies import close_days

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def numbers(**changed: int) -> SessionMetrics:
    sound = {
        "created": 5, "reused": 95, "rapid_creates": 0, "context_losses": 0, "active": 5, "duplicate_active": 0,
    }  # fmt: skip
    return SessionMetrics(**{**sound, **changed})


def opened(user_id: str, *after: int) -> None:
    """Open the user's session so many seconds after noon, and end it each time."""
    for seconds in after:
        at = NOON + seconds * SECOND
        session = open_session(user_id=user_id, at=at).session
        end_session(session_id=session.pk, at=at, reason=Session.Reason.USER_REQUEST)


def printed(*words: str) -> str:
    out = StringIO()
    call_command("session_metrics", *words, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("created", "reused", "verdict"),
    [(5, 95, "healthy"), (6, 94, "watch"), (10, 90, "watch"), (11, 89, "alert"), (1, 0, "alert"), (0, 0, "no_data")],
)
def test_the_ratio_has_a_verdict(created: int, reused: int, verdict: str) -> None:
    assert numbers(created=created, reused=reused).verdict == verdict


def test_they_count_rows(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for user_id in ("alice", "bob"):
        for count in range(10):
            open_session(user_id=user_id, at=NOON + count * HOUR / 4)
    with django_assert_num_queries(2):  # the closed days, and the rest
        found = session_metrics()
    assert found == numbers(created=2, reused=18, active=2)
    assert (found.ratio, found.verdict) == (0.9, Verdict.WATCH)


@pytest.mark.parametrize(
    ("after", "rapid"),
    [([0], 0), ([0, 10], 1), ([0, 11], 0), ([0, 5, 10], 2), ([0, 9, 18, 100], 2), ([0, 0, 0], 2)],
)
def test_two_sessions_within_ten_seconds_are_rapid(after: list[int], rapid: int) -> None:
    opened("alice", *after)
    opened("bob", 1)
    assert session_metrics().rapid_creates == rapid


def test_a_window_has_what_began_in_it() -> None:
    opened("alice", 0, 3600, 7200)
    check_context(user_id="alice", expected=Context("p-1", None), at=NOON + HOUR)
    found = session_metrics(since=NOON + HOUR, until=NOON + 2 * HOUR)
    assert (found.created, found.context_losses) == (1, 1)
    assert session_metrics(until=NOON).created == 0


def test_a_session_is_rapid_in_the_window_in_which_it_began() -> None:
    opened("alice", 0, 5)
    edge = NOON + 3 * SECOND
    assert session_metrics(until=edge).rapid_creates == 1
    assert session_metrics(since=edge).rapid_creates == 0


def test_a_context_that_only_ran_out_is_not_counted() -> None:
    choose_project(user_id="alice", project_id="p-1", at=NOON)
    check_context(user_id="alice", expected=Context("p-1", None), at=NOON + 8 * HOUR)
    assert session_metrics().context_losses == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"rapid_creates": 2}, "2 times a user started two sessions within 10 seconds"),
        ({"context_losses": 1}, "working on something other"),
        ({"duplicate_active": 1}, "dedupe_sessions"),
        ({"created": 30, "reused": 70}, "Only 70.0% of 100 messages"),
        ({"created": 10, "reused": 5}, None),  # too few to say
    ],
)
def test_bad_patterns_are_warned_of_in_the_log(
    caplog: pytest.LogCaptureFixture, changed: dict[str, int], said: str | None
) -> None:
    with caplog.at_level(logging.WARNING, logger="sessions.upkeep.metrics"):
        warned = warn_of_bad_patterns(numbers(**changed))
    assert warned == caplog.messages
    assert len(warned) == (said is not None)
    if said:
        assert said in warned[0]


def test_the_command_prints_them_for_people_and_programs() -> None:
    assert "no sessions yet" in printed()
    open_session(user_id="alice", at=NOON)
    open_session(user_id="alice", at=NOON)
    shown: dict[str, Any] = json.loads(printed("--json"))
    assert shown == {
        "created": 1, "reused": 1, "ratio": 0.5, "verdict": "alert", "rapid_creates": 0, "context_losses": 0,
        "active": 1, "duplicate_active": 0,
    }  # fmt: skip
    text = printed()
    assert "50.0% (alert)" in text
    for name in ("created", "reused one", "rapid", "context losses", "active now", "two active"):
        assert name in text
    assert json.loads(printed("--json", "--hours", "1"))["created"] == 0


@pytest.mark.parametrize("hours", ["0", "-1", "inf", "nan", "1e300"])
def test_a_window_that_makes_no_sense_is_refused(hours: str) -> None:
    with pytest.raises(CommandError, match="Pass a number above 0"):
        printed("--hours", hours)


# --- Days that are closed -----------------------------------------------------------------------------------------

DAY = timedelta(days=1)


def lived(user_id: str, day: int, *seconds: int) -> None:
    """Let the user have sessions on a day so long after NOON's, each reused once."""
    for after in seconds:
        at = NOON + day * DAY + after * SECOND
        session = open_session(user_id=user_id, at=at).session
        open_session(user_id=user_id, at=at + SECOND)
        end_session(session_id=session.pk, at=at + 2 * SECOND, reason=Session.Reason.USER_REQUEST)


def test_days_that_are_over_are_counted_once_and_the_numbers_stay() -> None:
    for day in range(5):
        lived("alice", day, 0, 5, 600)  # the second within ten seconds of the first
        lived("bob", day, 30)
    before = session_metrics()
    assert before.created == 20
    assert before.rapid_creates == 5
    assert close_days(at=NOON + 4 * DAY) == 3  # yesterday's may still be noticed late
    assert session_metrics() == before
    assert close_days(at=NOON + 4 * DAY) == 0
    assert session_metrics() == before
    lived("bob", 4, 4000)
    assert session_metrics().created == before.created + 1
    assert session_metrics(since=NOON, until=NOON + DAY).created == 4  # a window counts its rows


def test_what_retention_removes_of_a_closed_day_is_not_counted_twice() -> None:
    for day in range(3):
        lived("alice", day, 0)
    before = session_metrics()
    close_days(at=NOON + 2 * DAY)
    removed = remove_what_is_old(at=NOON + 200 * DAY, batch=10)
    assert removed.sessions == 3
    assert session_metrics() == before
    assert close_days(at=NOON + 200 * DAY) > 100  # days without a session are closed as well
    assert session_metrics() == before


def test_a_day_waits_for_its_last_active_session() -> None:
    lived("alice", 0, 0)
    waiting = open_session(user_id="bob", at=NOON).session
    assert close_days(at=NOON + 9 * DAY) == 0
    end_session(session_id=waiting.pk, at=NOON + HOUR, reason=Session.Reason.USER_REQUEST)
    assert close_days(at=NOON + 9 * DAY, most=2) == 2
    assert session_metrics().created == 2
