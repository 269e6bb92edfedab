"""At most one active session per user, whatever happens at the same time. Without its guards each race is lost."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.db.models import Count, Sum

from sessions.chat import opening
from sessions.chat.opening import OpenedSession, Outcome, SessionBusyError, end_session, escalate_session, open_session
from sessions.models import Session
from tests.sessions.hammer import Job, Tally, at_once, hammer, users_with_two_active

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")
BERLIN = ZoneInfo("Europe/Berlin")
AFTERNOON = datetime(2026, 7, 15, 15, tzinfo=BERLIN)
EVENING = datetime(2026, 7, 15, 20, tzinfo=BERLIN)
INSTANT = timedelta(milliseconds=10)
Reason: TypeAlias = Session.Reason
State: TypeAlias = Session.State


def opened(at: datetime, user_id: str = "alice") -> OpenedSession:
    return open_session(user_id=user_id, at=at, zone=BERLIN)


# --- A crowd ------------------------------------------------------------------------------------------------------


def assert_rows_say_what_callers_were_told(tally: Tally) -> None:
    """No session and no count is lost or made up, and nobody was active twice."""
    told = tally.counts
    states = Counter(Session.objects.values_list("state", flat=True))
    assert users_with_two_active() == tally.duplicates_seen == 0
    assert Session.objects.count() == told[Outcome.CREATED] + told[Outcome.SUPERSEDED]
    assert Session.objects.aggregate(total=Sum("reuse_count"))["total"] == told[Outcome.REUSED]
    assert (states["expired"], states["ended"], states["escalated"]) == (
        told[Outcome.SUPERSEDED] + told["swept"],
        told["ended"],
        told["escalated"],
    )
    expired = set(Session.objects.filter(state=State.EXPIRED).values_list("pk", flat=True))
    assert len(set(tally.superseded_ids)) == len(tally.superseded_ids)
    assert expired.issuperset(tally.superseded_ids)


def assert_everything_happened(tally: Tally) -> None:
    reasons = set(Session.objects.order_by().values_list("ended_reason", flat=True).distinct())
    assert reasons >= {"", Reason.IDLE, Reason.END_OF_DAY, Reason.USER_REQUEST, Reason.ESCALATED}
    assert all(tally.counts[what] for what in (*Outcome, "swept", "ended", "escalated"))


def test_64_connections_never_make_two_active_sessions_and_lose_no_count() -> None:
    tally = hammer(Job(callers=64, calls=60, users=50, seed=1))
    assert_rows_say_what_callers_were_told(tally)
    assert_everything_happened(tally)


def test_64_connections_on_one_user_are_no_worse() -> None:
    tally = hammer(Job(callers=64, calls=10, users=1, seed=2))
    assert_rows_say_what_callers_were_told(tally)


def test_two_processes_of_32_connections_are_no_worse() -> None:
    total = Tally()
    for tally in hammered_by_processes([Job(callers=32, calls=30, users=50, seed=seed) for seed in (1000, 2000)]):
        total.add(tally)
    assert_rows_say_what_callers_were_told(total)
    assert_everything_happened(total)


def hammered_by_processes(jobs: list[Job]) -> list[Tally]:
    database = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-m", "tests.sessions.hammer", database]
    processes = [
        subprocess.Popen([*command, json.dumps(asdict(job))], stdout=subprocess.PIPE, text=True, env=os.environ)
        for job in jobs
    ]
    answers = [process.communicate(timeout=240)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(jobs)
    found = [json.loads(answer) for answer in answers]
    return [Tally(Counter(each["counts"]), each["superseded_ids"], each["duplicates_seen"]) for each in found]


# --- The control: without the index ---------------------------------------------------------------------------------


def open_unguarded(user_id: str, at: datetime) -> None:
    """Look and then insert: what `open_session` would be with neither index nor ON CONFLICT."""
    head, tail = opening.OPEN.split("ON CONFLICT")
    assert "RETURNING" in tail
    look = "WHERE NOT EXISTS (SELECT FROM chat_session WHERE user_id = %(user_id)s AND state = 'active')"
    with connection.cursor() as cursor:
        cursor.execute(head + look, opening._parameters(user_id, at, BERLIN))


@pytest.mark.usefixtures("without_the_index")
def test_control_without_the_index_users_have_two_active_sessions() -> None:
    """All look before anybody's session is committed: what a race loses at its worst, and not only when it is close."""
    all_have_looked = Barrier(8, timeout=240)
    at_once([partial(open_while_others_do, all_have_looked, number) for number in range(8)])
    assert Session.objects.filter(user_id="alice", state=State.ACTIVE).count() == 8
    assert users_with_two_active() == 1


def open_while_others_do(all_have_looked: Barrier, number: int) -> None:
    with transaction.atomic():
        open_unguarded("alice", AFTERNOON + timedelta(seconds=number))
        all_have_looked.wait()


# --- A few clicks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wall_clock", ["20:39", "23:59"])
@pytest.mark.parametrize("was_here_in_the_afternoon", [True, False])
def test_three_clicks_within_100_ms_make_one_session(wall_clock: str, was_here_in_the_afternoon: bool) -> None:
    at = datetime.fromisoformat(f"2026-07-15 {wall_clock}").replace(tzinfo=BERLIN)
    for number in range(10):
        user_id = f"user {number}"
        if was_here_in_the_afternoon:
            opened(AFTERNOON, user_id)
        clicks = [partial(opened, at + timedelta(milliseconds=after), user_id) for after in (0, 40, 95)]
        found = at_once(clicks)
        first = Outcome.SUPERSEDED if was_here_in_the_afternoon else Outcome.CREATED
        assert Counter(each.outcome for each in found) == {first: 1, Outcome.REUSED: 2}
        assert len({each.session.pk for each in found}) == 1
    sessions = Session.objects.values("user_id").annotate(count=Count("pk")).order_by()
    assert {each["count"] for each in sessions} == {1 + was_here_in_the_afternoon}


# --- Two callers, step by step ----------------------------------------------------------------------------------------


def overtaken(first: Callable[[], object], second: Callable[[], T], *, undo: bool = False) -> T:
    """Return what `second` gets that had to wait for `first`, whose transaction is committed (or undone) meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            answer = pool.submit(lambda: at_once([second])[0])
            wait_until_blocked_by_us()
            transaction.set_rollback(undo)
        return answer.result(timeout=240)


def wait_until_blocked_by_us() -> None:
    blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(blocked)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.005)
    raise AssertionError("The second caller did not wait for the first.")


def test_two_who_expire_the_same_session_share_the_new_one() -> None:
    opened(AFTERNOON)
    found = overtaken(lambda: opened(EVENING), lambda: opened(EVENING + INSTANT))
    assert (found.outcome, found.superseded_id, found.session.reuse_count) == (Outcome.REUSED, None, 1)
    assert Session.objects.count() == 2


def test_two_who_come_first_share_one() -> None:
    found = overtaken(lambda: opened(AFTERNOON), lambda: opened(AFTERNOON))
    assert (found.outcome, Session.objects.count()) == (Outcome.REUSED, 1)


@pytest.mark.parametrize(("here_before", "outcome"), [(False, Outcome.CREATED), (True, Outcome.SUPERSEDED)])
def test_one_whose_forerunner_is_undone_does_it_himself(here_before: bool, outcome: Outcome) -> None:
    if here_before:
        opened(AFTERNOON)
    found = overtaken(lambda: opened(EVENING), lambda: opened(EVENING + INSTANT), undo=True)
    assert (found.outcome, Session.objects.count()) == (outcome, 1 + here_before)


@pytest.mark.parametrize("leave", ["end", "escalate"])
def test_one_who_wants_a_session_that_is_just_ended_gets_a_new_one(leave: str) -> None:
    session = opened(AFTERNOON).session
    ways = {
        "end": partial(end_session, session_id=session.pk, at=AFTERNOON, reason=Reason.USER_REQUEST),
        "escalate": partial(escalate_session, session_id=session.pk, at=AFTERNOON),
    }
    found = overtaken(ways[leave], lambda: opened(AFTERNOON))
    assert (found.outcome, found.superseded_id) == (Outcome.CREATED, None)
    assert found.session != session


def test_one_who_wants_to_expire_a_session_that_is_just_ended_leaves_its_end_alone() -> None:
    session = opened(AFTERNOON).session
    found = overtaken(
        lambda: end_session(session_id=session.pk, at=AFTERNOON, reason=Reason.USER_REQUEST), lambda: opened(EVENING)
    )
    assert (found.outcome, found.superseded_id) == (Outcome.CREATED, None)
    assert Session.objects.get(pk=session.pk).ended_reason == Reason.USER_REQUEST


def test_one_who_wants_to_expire_a_session_that_is_just_used_keeps_it() -> None:
    """The first came a moment before the user was idle for too long, the second a moment after."""
    opened(datetime(2026, 7, 15, 8, tzinfo=BERLIN))
    found = overtaken(lambda: opened(AFTERNOON), lambda: opened(AFTERNOON + INSTANT))
    assert (found.outcome, found.session.reuse_count, Session.objects.count()) == (Outcome.REUSED, 2, 1)


def test_one_who_ends_a_session_that_is_just_used_loses_no_count() -> None:
    session = opened(AFTERNOON).session
    assert overtaken(
        lambda: opened(AFTERNOON + INSTANT),
        lambda: end_session(session_id=session.pk, at=AFTERNOON, reason=Reason.USER_REQUEST),
    )
    session.refresh_from_db()
    assert (session.state, session.reuse_count, session.ended_at) == (State.ENDED, 1, AFTERNOON + INSTANT)


def test_one_who_ends_a_session_that_is_just_expired_is_told_so() -> None:
    session = opened(AFTERNOON).session
    assert not overtaken(
        lambda: opened(EVENING), lambda: end_session(session_id=session.pk, at=EVENING, reason=Reason.USER_REQUEST)
    )


# --- Two callers on both sides of a day's end -----------------------------------------------------------------------


def opened_on_both_sides_of_the_day_end() -> OpenedSession:
    """The first opens a session just before the day ends; the second, just after, could not see it when it began."""
    return overtaken(lambda: opened(EVENING - INSTANT), lambda: opened(EVENING + INSTANT))


def test_a_session_opened_on_the_other_side_of_the_day_end_is_superseded() -> None:
    found = opened_on_both_sides_of_the_day_end()
    assert (found.outcome, found.superseded_reason) == (Outcome.SUPERSEDED, Reason.END_OF_DAY)
    assert (found.session.started_at, Session.objects.count()) == (EVENING + INSTANT, 2)


def test_control_one_try_cannot_do_that_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """One statement does not see what was committed after it began: it can only refuse, having written nothing."""
    monkeypatch.setattr(opening, "TRIES", 1)
    with pytest.raises(SessionBusyError, match="Try again"):
        opened_on_both_sides_of_the_day_end()
    session = Session.objects.get()
    assert (session.is_active, session.reuse_count, session.last_message_at) == (True, 0, EVENING - INSTANT)


def test_control_without_its_where_the_update_carries_a_session_past_the_day_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unguarded = opening.OPEN.replace(f"WHERE NOT {opening.OUT_OF_DATE}", "")
    assert unguarded != opening.OPEN
    monkeypatch.setattr(opening, "OPEN", unguarded)
    found = opened_on_both_sides_of_the_day_end()
    assert (found.outcome, found.session.started_at.astimezone(UTC)) == (Outcome.REUSED, EVENING - INSTANT)
