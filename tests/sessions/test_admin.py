"""The admin's screens for chats: what they show, what people decide there, and what they cost."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sessions.chat import messages
from sessions.chat.context import Context, check_context, choose_project, choose_task
from sessions.chat.messages import Option
from sessions.chat.opening import end_session
from sessions.chat.progress import count_progress, open_update
from sessions.chat.takeover import standing_takeover, take_over
from sessions.models import ChatUser, ContextLoss, Message, ProgressUpdate, Session, Takeover

pytestmark = pytest.mark.django_db

SCREENS = [Session, Message, ChatUser, Takeover, ProgressUpdate, ContextLoss]
SCRIPT = "<script>alert(1)</script>"
FEW = 20
"""Questions that no screen needs more of."""


def list_of(model: type[Model], query: str = "") -> str:
    return reverse(f"admin:chat_{model._meta.model_name}_changelist") + query


def page_of(row: Model) -> str:
    return reverse(f"admin:chat_{row._meta.model_name}_change", args=[row.pk])


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def decided(client: Client, row: Model, decision: str) -> str:
    """Press a button on the row's page, and return the page it leads to."""
    response = client.post(page_of(row), {"_decide": decision}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def lively(user_id: str) -> Session:
    """A user with a row on each screen."""
    now = timezone.now()
    found = messages.receive(user_id=user_id, key="m-1", text=f"hello {SCRIPT}", at=now)
    assert found.opened
    menu = [Option("1", f"Bridge {SCRIPT}", "p-1")]
    messages.reply(message_id=found.message.pk, text="Which project?", shown=menu, at=now)
    choose_project(user_id=user_id, project_id="p-1", at=now)
    choose_task(user_id=user_id, task_id="t-1", at=now)
    update = open_update(user_id=user_id, task_id="t-1", at=now).update
    count_progress(update_id=update.pk, at=now, images=2)
    later = now + timedelta(minutes=1)
    check_context(user_id=user_id, expected=Context("p-2", None), at=later, session_id=found.opened.session.pk)
    take_over(user_id=user_id, by="Charlie", at=now)
    return found.opened.session


@pytest.mark.parametrize("model", SCREENS)
def test_a_list_asks_the_same_number_of_questions_however_long_it_is(admin_client: Client, model: type[Model]) -> None:
    lively("alice")
    with CaptureQueriesContext(
        connection,
    ) as short:
        read(admin_client, list_of(model))
    for number in range(15):
        lively(f"user {number}")
    with CaptureQueriesContext(connection) as long:
        page = read(admin_client, list_of(model))
    assert len(long) == len(short) <= FEW
    assert SCRIPT not in page


@pytest.mark.parametrize("model", SCREENS)
def test_a_page_asks_few_questions_and_shows_text_as_text(admin_client: Client, model: type[Model]) -> None:
    session = lively("alice")
    for number in range(20):
        messages.say(session_id=session.pk, text=f"{number} {SCRIPT}", at=timezone.now())
    row = model._default_manager.all()[0]
    with CaptureQueriesContext(connection) as asked:
        page = read(admin_client, page_of(row))
    assert len(asked) <= FEW
    assert "alice" in page
    assert SCRIPT not in page


def test_lists_can_be_narrowed_and_searched(admin_client: Client) -> None:
    end_session(session_id=lively("bob").pk, at=timezone.now(), reason=Session.Reason.USER_REQUEST)
    lively("alice")
    for address in (
        list_of(Session, "?q=alice"),
        list_of(Session, "?state__exact=active"),
        list_of(Message, "?q=alice"),
    ):
        page = read(admin_client, address)
        assert ">alice<" in page
        assert ">bob<" not in page


def test_a_session_shows_what_was_said_what_was_lost_and_who_answers(admin_client: Client) -> None:
    page = read(admin_client, page_of(lively("alice")))
    for shown in (
        "hello &lt;script",
        "Which project?",
        "1: Bridge",
        "Charlie is answering this user",
        "Context losses",
        "p-2",
    ):
        assert shown in page


def test_an_update_shows_its_log(admin_client: Client) -> None:
    lively("alice")
    page = read(admin_client, page_of(ProgressUpdate.objects.get()))
    assert "images_uploaded +2" in page


# --- Decisions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "state", "reason"), [("end", "ended", "user_request"), ("escalate", "escalated", "escalated")]
)
def test_a_person_ends_and_escalates_a_session_once(
    admin_client: Client, decision: str, state: str, reason: str
) -> None:
    session = lively("alice")
    assert f"1 {state}." in decided(admin_client, session, decision)
    assert f"0 {state}." in decided(admin_client, session, decision)
    session.refresh_from_db()
    assert (session.state, session.ended_reason) == (state, reason)
    assert LogEntry.objects.get().get_change_message() == f"{state.capitalize()}."


def test_a_person_releases_and_takes_over_a_user_under_his_own_name(admin_client: Client) -> None:
    session = lively("alice")
    assert "1 released." in decided(admin_client, session, "release")
    assert Takeover.objects.get().ended_by == "admin"
    assert "1 taken over." in decided(admin_client, session, "take_over")
    standing = standing_takeover("alice", at=timezone.now())
    assert standing
    assert standing.taken_by == "admin"


def test_a_person_is_told_who_has_taken_over_already(admin_client: Client) -> None:
    assert "Charlie is answering user alice until" in decided(admin_client, lively("alice"), "take_over")


def test_a_takeover_is_extended_by_who_holds_it_and_released_by_anybody(admin_client: Client) -> None:
    now = timezone.now()
    lively("alice")
    row = Takeover.objects.get()
    assert "0 extended." in decided(admin_client, row, "extend")
    assert "1 released." in decided(admin_client, row, "release")
    own = take_over(user_id="alice", by="admin", at=now, until=now + timedelta(minutes=5))
    assert "1 extended." in decided(admin_client, own, "extend")
    own.refresh_from_db()
    assert own.until > now + timedelta(hours=6)


def test_buttons_are_those_that_would_change_something(admin_client: Client) -> None:
    session = lively("alice")
    page = read(admin_client, page_of(session))
    assert 'value="end"' in page
    assert 'value="release"' in page
    assert 'value="take_over"' not in page
    decided(admin_client, session, "end")
    decided(admin_client, session, "release")
    page = read(admin_client, page_of(session))
    assert 'value="end"' not in page
    assert 'value="take_over"' in page
    assert 'value="extend"' not in read(admin_client, page_of(Takeover.objects.get()))


def test_actions_decide_about_many(admin_client: Client) -> None:
    chosen = [lively(user_id).pk for user_id in ("alice", "bob")]
    lively("charlie")
    admin_client.post(list_of(Session), {"action": "end", "_selected_action": chosen})
    assert set(Session.objects.filter(state="ended").values_list("pk", flat=True)) == set(chosen)


def test_who_may_only_look_decides_nothing(client: Client) -> None:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_session", "view_takeover"]))
    client.force_login(user)
    session = lively("alice")
    assert 'name="_decide"' not in read(client, page_of(session))
    assert client.post(page_of(session), {"_decide": "end"}).status_code == 403
    session.refresh_from_db()
    assert session.is_active


@pytest.mark.parametrize("model", SCREENS)
def test_rows_are_neither_added_nor_deleted_nor_written_by_hand(admin_client: Client, model: type[Model]) -> None:
    lively("alice")
    row = model._default_manager.all()[0]
    assert admin_client.get(f"{list_of(model)}add/").status_code == 403
    assert admin_client.post(f"{page_of(row)}".replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    admin_client.post(page_of(row), {"user_id": "mallory", "state": "ended"})
    row.refresh_from_db()
    assert getattr(row, "user_id") == "alice"  # noqa: B009
