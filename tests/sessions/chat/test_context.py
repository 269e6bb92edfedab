"""What a user is at work on, and what is noticed when we get it wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from sessions.chat import users
from sessions.chat.context import Context, check_context, choose_project, choose_task, context_of
from sessions.chat.inbox import accept
from sessions.chat.opening import Outcome, open_session
from sessions.models import ChatUser, ContextLoss, Message

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours"))


def chose(project_id: str = "p-1", task_id: str = "t-1", at: datetime = NOON) -> None:
    choose_project(user_id="alice", project_id=project_id, at=at)
    choose_task(user_id="alice", task_id=task_id, at=at)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(0), Context("p-1", "t-1")),
        (timedelta(hours=3, minutes=59), Context("p-1", "t-1")),
        (timedelta(hours=4), Context("p-1", "")),
        (timedelta(hours=6, minutes=59), Context("p-1", "")),
        (timedelta(hours=7), Context("", "")),
    ],
)
def test_a_project_counts_for_seven_hours_and_a_task_for_four(after: timedelta, expected: Context) -> None:
    chose()
    assert context_of("alice", at=NOON + after) == expected


def test_nothing_is_known_of_a_stranger() -> None:
    assert context_of("charlie", at=NOON) == Context("", "")


def test_what_was_chosen_outlives_the_session() -> None:
    evening = datetime(2026, 7, 15, 19, 59, tzinfo=UTC)
    open_session(user_id="alice", at=evening)
    chose(at=evening)
    assert open_session(user_id="alice", at=evening + HOUR).outcome == Outcome.SUPERSEDED
    assert context_of("alice", at=evening + HOUR) == Context("p-1", "t-1")


def test_choosing_again_lets_it_count_longer_and_keeps_the_task() -> None:
    chose()
    choose_project(user_id="alice", project_id="p-1", at=NOON + 3 * HOUR)
    assert context_of("alice", at=NOON + 3 * HOUR) == Context("p-1", "t-1")
    assert context_of("alice", at=NOON + 9 * HOUR) == Context("p-1", "")


def test_another_project_forgets_the_task() -> None:
    chose()
    choose_project(user_id="alice", project_id="p-2", at=NOON)
    assert context_of("alice", at=NOON) == Context("p-2", "")


@pytest.mark.parametrize(
    ("expected", "lost"),
    [
        (Context("p-1", "t-1"), []),
        (Context(None, None), []),
        (Context("p-1", None), []),
        (Context("p-2", "t-1"), [("project", "p-2", "p-1", False)]),
        (Context("", ""), [("project", "", "p-1", False), ("task", "", "t-1", False)]),
    ],
)
def test_a_context_other_than_expected_is_recorded(expected: Context, lost: list[tuple[object, ...]]) -> None:
    chose()
    session = open_session(user_id="alice", at=NOON).session
    actual = check_context(user_id="alice", expected=expected, at=NOON + MINUTE, session_id=session.pk)
    assert actual == Context("p-1", "t-1")
    found = ContextLoss.objects.order_by("what").values_list("what", "expected", "actual", "has_run_out")
    assert list(found) == lost
    assert set(ContextLoss.objects.values_list("session", flat=True)) <= {session.pk}


def test_a_click_on_the_page_from_before_a_choice_is_no_loss() -> None:
    nothing = Context("", "")
    chose()
    check_context(user_id="alice", expected=nothing, at=NOON + 9 * SECOND)
    assert not ContextLoss.objects.exists()
    check_context(user_id="alice", expected=nothing, at=NOON + 10 * SECOND)
    assert ContextLoss.objects.count() == 2


def test_what_was_chosen_just_now_and_forgotten_is_a_loss() -> None:
    chose()
    ChatUser.objects.update(project_id="", project_until=None, task_id="", task_until=None)
    check_context(user_id="alice", expected=Context("p-1", "t-1"), at=NOON + SECOND)
    assert ContextLoss.objects.count() == 2


def test_what_an_answer_that_is_still_to_come_may_change_is_no_loss() -> None:
    accept(user_id="alice", key="m-1", text="1", at=NOON)
    second = accept(user_id="alice", key="m-2", text="1", at=NOON, expected=Context("p-1", None)).message
    assert not ContextLoss.objects.exists()
    Message.objects.filter(pk__lte=second.pk).update(state=Message.State.ANSWERED)
    accept(user_id="alice", key="m-3", text="1", at=NOON, expected=Context("p-1", None))
    assert ContextLoss.objects.count() == 1


def test_a_context_that_ran_out_is_told_from_one_that_was_lost() -> None:
    chose()
    check_context(user_id="alice", expected=Context("p-1", "t-1"), at=NOON + 5 * HOUR)
    loss = ContextLoss.objects.get()
    assert (loss.what, loss.actual, loss.has_run_out) == ("task", "", True)


def test_a_stranger_who_was_thought_to_be_at_work_is_a_loss() -> None:
    check_context(user_id="charlie", expected=Context("p-1", None), at=NOON)
    assert not ContextLoss.objects.get().has_run_out


def test_a_zone_must_exist() -> None:
    users.set_zone(user_id="alice", zone="Europe/Berlin")
    for zone in ("Mars/Olympus", "", "../etc/passwd", "Europe/Berlin\0", "localtime", "posix/Europe/Berlin"):
        with pytest.raises(ValueError, match="is not a time zone"):
            users.set_zone(user_id="alice", zone=zone)
    assert users.zone_of("alice").key == "Europe/Berlin"
    assert users.zone_of("charlie").key == "UTC"


@pytest.mark.parametrize("id_", ["", " \n", "x" * 201, "a\0"])
def test_an_id_that_cannot_be_stored_is_refused(id_: str) -> None:
    with pytest.raises(ValueError, match="project id"):
        choose_project(user_id="alice", project_id=id_, at=NOON)
    with pytest.raises(ValueError, match="user id"):
        users.remember_user(user_id=id_)
    assert not ChatUser.objects.exists()


def test_the_database_keeps_choice_and_moment_paired() -> None:
    for half in ({"project_id": "p-1"}, {"task_until": NOON}):
        with pytest.raises(IntegrityError, match="counts_until_a_moment"), transaction.atomic():
            ChatUser.objects.create(user_id="alice", **half)
