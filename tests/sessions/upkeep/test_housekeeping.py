"""What nobody comes back to is expired, closed and, in the end, removed; its counts stay."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from pytest_django import Settings

from sessions.chat import messages
from sessions.chat.context import Context, check_context
from sessions.chat.durations import lengths
from sessions.chat.opening import end_session, open_session
from sessions.chat.progress import close_update, open_update
from sessions.chat.takeover import release, take_over
from sessions.models import (
    ChatUser,
    ContextLoss,
    DayTally,
    Message,
    ProgressTransition,
    ProgressUpdate,
    Session,
    Takeover,
)
from sessions.tasks import keep_chat_house, watch_sessions
from sessions.upkeep.housekeeping import Kept, keep_house
from sessions.upkeep.metrics import session_metrics
from tests.support.waiting import until
from tests.support.workers import Worker

pytestmark = pytest.mark.django_db

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


def over(user_id: str, at: datetime) -> Session:
    """A session that began and ended at that moment."""
    session = open_session(user_id=user_id, at=at).session
    end_session(session_id=session.pk, at=at, reason=Session.Reason.USER_REQUEST)
    return session


def test_sessions_expire_by_the_clock_of_their_user() -> None:
    at = datetime(2026, 7, 15, 14, 29, tzinfo=UTC)  # 19:59 in Kolkata, 16:29 in Berlin
    for user_id, zone in (("asha", KOLKATA), ("bert", BERLIN)):
        open_session(user_id=user_id, at=at, zone=zone)
    assert keep_house(at=at + SECOND).sessions_expired == 0
    assert keep_house(at=at + MINUTE).sessions_expired == 1
    asha = Session.objects.get(user_id="asha")
    assert (asha.state, asha.ended_reason, asha.ended_at) == ("expired", "end_of_day", at + MINUTE)
    assert Session.objects.get(user_id="bert").is_active


def test_a_zone_that_this_machine_does_not_know_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    for user_id in ("alice", "bob"):
        open_session(user_id=user_id, at=NOON, zone=BERLIN)
    Session.objects.filter(user_id="alice").update(zone="Antarctica/Yet_unnamed")
    ChatUser.objects.create(user_id="alice", zone="Antarctica/Yet_unnamed")
    assert keep_house(at=NOON + DAY).sessions_expired == 2
    assert "the time zone 'Antarctica/Yet_unnamed' is unknown on this machine, so UTC is used" in caplog.text
    message = messages.receive(user_id="alice", key="m-1", text="hello", at=NOON + DAY).message
    assert message.session
    assert message.session.zone == "UTC"


@pytest.mark.parametrize(
    ("rules", "reason"),
    [({}, "idle"), ({"idle": None}, "end_of_day"), ({"idle": None, "day_end": None}, "max_age")],
)
def test_the_reason_is_the_one_that_the_users_next_message_would_give(
    settings: Settings, rules: dict[str, None], reason: str
) -> None:
    settings.SESSION_RULES = rules
    for user_id in ("alice", "bob"):
        open_session(user_id=user_id, at=NOON)
    later = NOON + timedelta(hours=25)
    assert open_session(user_id="alice", at=later).superseded_reason == reason
    keep_house(at=later)
    assert Session.objects.get(user_id="bob").ended_reason == reason


def test_batches_leave_nothing_over() -> None:
    for number in range(7):
        open_session(user_id=f"user {number}", at=NOON)
    assert keep_house(at=NOON + DAY, batch=3).sessions_expired == 7


def test_everything_is_done_once() -> None:
    open_session(user_id="alice", at=NOON)
    open_update(user_id="alice", task_id="t-1", at=NOON)
    take_over(user_id="alice", by="Bob", at=NOON)
    first, second = keep_house(at=NOON + DAY), keep_house(at=NOON + DAY)
    assert (first.sessions_expired, first.updates_closed, first.takeovers_ended) == (1, 1, 1)
    assert second == Kept(0, 0, 0, second.removed)
    assert set(vars(second.removed).values()) == {0}


# --- Retention ----------------------------------------------------------------------------------------------------


def test_old_sessions_go_with_all_that_was_said_and_active_ones_stay() -> None:
    found = messages.receive(user_id="alice", key="m-1", text="hello", at=NOON)
    assert found.opened
    messages.reply(message_id=found.message.pk, text="Good day", at=NOON)
    end_session(session_id=found.opened.session.pk, at=NOON, reason=Session.Reason.USER_REQUEST)
    late = over("bob", NOON + DAY)
    removed = keep_house(at=NOON + 90 * DAY + SECOND).removed
    assert removed.sessions == 1
    assert list(Session.objects.all()) == [late]
    assert not Message.objects.exists()


def test_what_ended_a_moment_ago_stays_however_long_ago_it_began(settings: Settings) -> None:
    settings.SESSION_RULES = {"idle": None, "max_age": None, "day_end": None}
    settings.SESSION_LENGTHS = {"progress": timedelta(days=999)}
    session = open_session(user_id="alice", at=NOON).session
    update = open_update(user_id="alice", task_id="t-1", at=NOON).update
    take_over(user_id="alice", by="Bob", at=NOON)
    Takeover.objects.update(until=NOON + 100 * DAY)  # extended again and again
    late = NOON + 91 * DAY
    end_session(session_id=session.pk, at=late, reason=Session.Reason.USER_REQUEST)
    close_update(update_id=update.pk, at=late, reason=ProgressUpdate.ClosedReason.COMPLETED)
    release(user_id="alice", by="Bob", at=late)
    removed = keep_house(at=late + DAY).removed
    assert (removed.sessions, removed.progress_updates, removed.takeovers) == (0, 0, 0)
    removed = keep_house(at=late + 91 * DAY).removed
    assert (removed.sessions, removed.progress_updates, removed.takeovers) == (1, 1, 1)


def test_numbers_survive_the_rows_they_came_from(settings: Settings) -> None:
    settings.SESSION_RULES = {"idle": None, "max_age": None, "day_end": None}
    for number in range(6):  # the first five are rapid: another begins seven seconds later
        over("alice", NOON + number * 7 * SECOND)
    open_session(user_id="bob", at=NOON + DAY)
    for _ in range(5):
        session = open_session(user_id="bob", at=NOON + DAY).session
    end_session(session_id=session.pk, at=NOON + DAY, reason=Session.Reason.USER_REQUEST)
    check_context(user_id="alice", expected=Context("p-1", None), at=NOON, session_id=session.pk)
    before = session_metrics()
    assert (before.created, before.reused, before.rapid_creates, before.context_losses) == (7, 5, 5, 1)
    for cut in (NOON + 20 * SECOND, NOON + HOUR, NOON + 2 * DAY):
        keep_house(at=cut + 90 * DAY, batch=2)
        assert session_metrics() == before
    assert not Session.objects.exists()
    assert not ContextLoss.objects.exists()
    assert list(DayTally.objects.values_list("day__day", "created", "reused", "rapid_creates", "context_losses")) == [
        (16, 1, 5, 0, 0),
        (15, 6, 0, 5, 1),
    ]
    assert session_metrics(since=NOON + DAY - 12 * HOUR).created == 1  # a window has whole days of what is gone


def test_closed_updates_and_takeovers_go_and_the_log_stays_longer() -> None:
    update = open_update(user_id="alice", task_id="t-1", at=NOON).update
    close_update(update_id=update.pk, at=NOON, reason=ProgressUpdate.ClosedReason.COMPLETED)
    take_over(user_id="alice", by="Bob", at=NOON)
    release(user_id="alice", by="Bob", at=NOON)
    removed = keep_house(at=NOON + 91 * DAY).removed
    assert (removed.progress_updates, removed.takeovers, removed.transitions) == (1, 1, 0)
    assert not Takeover.objects.exists()
    assert ProgressTransition.objects.filter(update=None, user_id="alice").count() == 2
    assert keep_house(at=NOON + 366 * DAY).removed.transitions == 2


def test_retention_can_be_switched_off(settings: Settings) -> None:
    settings.SESSION_LENGTHS = {"retention": None, "log": None}
    over("alice", NOON)
    keep_house(at=NOON + 9999 * DAY)
    assert Session.objects.exists()


@pytest.mark.parametrize(
    "setting",
    [
        {"project": timedelta(0)},
        {"menu": None},
        {"coffee": timedelta(1)},
        {"retention": timedelta(-1)},
        {"takeover": timedelta(days=8)},
    ],
)
def test_lengths_that_make_no_sense_are_refused(settings: Settings, setting: dict[str, timedelta | None]) -> None:
    settings.SESSION_LENGTHS = setting
    with pytest.raises(ImproperlyConfigured, match="SESSION_LENGTHS cannot be used"):
        lengths()


# --- On beat ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_worker_keeps_house(worker: Worker, settings: Settings) -> None:
    tasks = {each["task"] for each in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks >= {keep_chat_house.name, watch_sessions.name}
    open_session(user_id="alice", at=timezone.now() - 30 * DAY)
    keep_chat_house.delay()
    until(lambda: Session.objects.get().state == Session.State.EXPIRED)
    assert watch_sessions.delay().get(timeout=120) == []
