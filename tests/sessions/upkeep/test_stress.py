"""The command that proves the promise on a real database, and finds it broken where it is."""

from datetime import timedelta
from io import StringIO
from threading import Event

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from sessions.chat import opening
from sessions.chat.opening import end_session, open_session
from sessions.models import Session
from sessions.upkeep.health import rapid_creates
from sessions.upkeep.housekeeping import keep_house
from sessions.upkeep.metrics import SessionMetrics, session_metrics
from tests.sessions.hammer import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def stressed() -> tuple[int, str]:
    out, code = StringIO(), 0
    try:
        call_command("stress_sessions", "--users=5", "--concurrency=16", "--calls=800", stdout=out)
    except SystemExit as end:
        code = int(str(end.code))
    return code, out.getvalue()


def test_it_shows_ratio_latency_and_duplicates_and_leaves_nothing() -> None:
    code, said = stressed()
    assert code == 0
    assert "800 calls" in said
    assert "created 5, reused 795: 99.38% reused (healthy)" in said
    assert "latency in ms: median" in said
    assert "users with two active sessions: 0" in said
    assert not Session.objects.exists()


def test_no_metric_counts_it_while_it_runs_or_afterwards() -> None:
    open_session(user_id="alice", at=timezone.now())
    before, rapid = session_metrics(), rapid_creates(at=timezone.now())
    is_over, seen = Event(), list[SessionMetrics]()

    def scrape() -> None:
        while not is_over.is_set():
            seen.append(session_metrics())

    def run() -> None:
        try:
            stressed()
        finally:
            is_over.set()

    at_once([scrape, run])
    assert set(seen) == {before}
    assert (session_metrics(), rapid_creates(at=timezone.now())) == (before, rapid)


def test_no_metric_counts_what_a_run_left_behind_that_was_killed() -> None:
    before, began = session_metrics(), timezone.now()
    for _ in range(2):
        session = open_session(user_id="stress-1-1", at=began).session
        end_session(session_id=session.pk, at=began, reason=Session.Reason.USER_REQUEST)
    assert session_metrics() == before
    assert rapid_creates(at=began) == []
    assert keep_house(at=began + timedelta(days=91)).removed.sessions == 2
    assert session_metrics() == before


@pytest.mark.usefixtures("without_the_index")
def test_it_fails_where_the_index_is_gone() -> None:
    """PostgreSQL itself refuses then: ON CONFLICT names an index that is not there. No caller is told otherwise."""
    code, said = stressed()
    assert code == 1
    assert "800 callers got ProgrammingError: there is no unique or exclusion constraint" in said
    assert not Session.objects.exists()


@pytest.mark.usefixtures("without_the_index")
def test_it_sees_duplicates_where_nothing_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    head, rest = opening.OPEN.split("ON CONFLICT")
    monkeypatch.setattr(opening, "OPEN", f"{head} RETURNING {rest.split('RETURNING')[1]}")
    code, said = stressed()
    assert code == 1
    assert "users with two active sessions: 0" not in said
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM chat_session")
        assert cursor.fetchone() == (0,)
