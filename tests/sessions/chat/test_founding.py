"""What this app was made for: nine behaviours, each named, each on the real database.

The founding incident: three calls in one request made three sessions within twelve seconds, and a user who had just
chosen a project got the greeting again.
"""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from sessions.chat import context, messages, once_per_request, progress
from sessions.chat.context import Context
from sessions.chat.messages import Option, Received
from sessions.chat.opening import Outcome, end_session, open_session
from sessions.models import ContextLoss, Message, ProgressTransition, ProgressUpdate, Session
from sessions.upkeep.metrics import Verdict, session_metrics, warn_of_bad_patterns
from tests.sessions.hammer import at_once

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
AFTERNOON = datetime(2026, 7, 15, 15, tzinfo=BERLIN)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MENU = [Option("1", "Bridge", "p-1"), Option("2", "Tunnel", "p-2")]


def clicked(key: str, at: datetime, text: str = "1", user_id: str = "alice") -> Received:
    return messages.receive(user_id=user_id, key=key, text=text, at=at, zone=BERLIN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wall_clock", ["20:39", "23:59"])
def test_1_concurrent_creates_make_one_session_and_keep_the_context(wall_clock: str) -> None:
    """Three clicks within 100 ms, in the evening, hours after the menu was shown and the project was chosen."""
    asked = clicked("m-0", AFTERNOON, "hello").message
    messages.reply(message_id=asked.pk, text="Which project?", shown=MENU, at=AFTERNOON + 4 * 60 * MINUTE)
    context.choose_project(user_id="alice", project_id="p-1", at=AFTERNOON + 4 * 60 * MINUTE)
    at = datetime.fromisoformat(f"2026-07-15 {wall_clock}").replace(tzinfo=BERLIN)
    found = at_once([partial(clicked, f"m-{ms}", at + timedelta(milliseconds=ms)) for ms in (1, 40, 95)])
    assert Counter(each.opened.outcome for each in found if each.opened) == {Outcome.SUPERSEDED: 1, Outcome.REUSED: 2}
    assert Session.objects.filter(state="active").count() == 1
    assert {messages.chosen_option(each.message) for each in found} == {MENU[0]}
    assert context.context_of("alice", at=at).project_id == "p-1"


def test_2_a_progress_update_is_an_upsert() -> None:
    first, second = (progress.open_update(user_id="alice", task_id="t-1", at=AFTERNOON) for _ in range(2))
    assert (first.update, ProgressUpdate.objects.count()) == (second.update, 1)


def test_3_at_least_95_percent_of_messages_find_their_session() -> None:
    for user in range(5):
        for minute in range(40):
            clicked(f"m-{minute}", AFTERNOON + minute * MINUTE, user_id=f"user {user}")
    found = session_metrics()
    assert (found.created, found.reused, found.ratio, found.verdict) == (5, 195, 0.975, Verdict.HEALTHY)


def test_4_a_suspicious_rate_is_detected(caplog: pytest.LogCaptureFixture) -> None:
    """The incident itself: three sessions of one user in twelve seconds."""
    for seconds in (0, 5, 12):
        opened = open_session(user_id="alice", at=AFTERNOON + seconds * SECOND)
        end_session(session_id=opened.session.pk, at=AFTERNOON, reason=Session.Reason.USER_REQUEST)
    found = session_metrics()
    assert found.rapid_creates == 2
    warn_of_bad_patterns(found)
    assert "2 times a user started two sessions within 10 seconds" in caplog.text


def test_5_the_context_is_preserved_across_actions() -> None:
    clicked("m-1", AFTERNOON, "hello")
    context.choose_project(user_id="alice", project_id="p-1", at=AFTERNOON)
    for minute in range(1, 10):
        clicked(f"m-1-{minute}", AFTERNOON + minute * MINUTE)
        context.check_context(user_id="alice", expected=Context("p-1", None), at=AFTERNOON + minute * MINUTE)
    assert not ContextLoss.objects.exists()
    assert Session.objects.count() == 1


def test_6_counters_are_reset_on_a_new_task_and_only_then() -> None:
    update = progress.open_update(user_id="alice", task_id="t-1", at=AFTERNOON).update
    progress.count_progress(update_id=update.pk, at=AFTERNOON, images=3)
    again = progress.open_update(user_id="alice", task_id="t-1", at=AFTERNOON).update
    other = progress.open_update(user_id="alice", task_id="t-2", at=AFTERNOON).update
    assert (again.images_uploaded, other.images_uploaded) == (3, 0)


def test_7_nothing_is_orphaned_after_an_error(settings: Settings) -> None:
    clicked("m-1", AFTERNOON)
    before = [list(model.objects.values().order_by("pk")) for model in (Session, Message, ProgressUpdate)]
    settings.SESSION_RULES = {"idle": timedelta(0)}  # a rule that cannot be used, found only after the claim
    with pytest.raises(ValueError, match="longer than zero"):
        clicked("m-2", AFTERNOON)
    settings.SESSION_RULES = {}
    with pytest.raises(ValueError, match="nothing to count"):
        progress.count_progress(update_id=0, at=AFTERNOON)
    assert [list(model.objects.values().order_by("pk")) for model in (Session, Message, ProgressUpdate)] == before
    assert Session.objects.get().is_active
    assert not clicked("m-2", AFTERNOON).is_duplicate
    assert not ProgressTransition.objects.exists()


def test_8_metrics_have_their_format() -> None:
    clicked("m-1", AFTERNOON)
    assert session_metrics().as_json() == {
        "created": 1, "reused": 0, "ratio": 0.0, "verdict": "alert", "rapid_creates": 0, "context_losses": 0,
        "active": 1, "duplicate_active": 0,
    }  # fmt: skip


def test_9_a_request_opens_its_session_once_and_passes_it_on() -> None:
    clicked("m-1", AFTERNOON)
    with CaptureQueriesContext(connection) as asked, once_per_request.request():
        found = clicked("m-2", AFTERNOON + MINUTE)
        assert found.opened
        chosen = messages.chosen_option(found.message)
        context.check_context(
            user_id="alice", expected=Context(None, None), at=AFTERNOON, session_id=found.opened.session.pk
        )
    assert chosen is None
    assert len([each for each in asked.captured_queries if "chat_session" in each["sql"]]) == 1
