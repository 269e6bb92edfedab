"""The admin's screens for sessions."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from sessions.chat import end_session, open_session
from sessions.models import Session

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
LIST = "/admin/chat/session/"


def test_the_list_shows_who_talks_and_how_it_ended(admin_client: Client) -> None:
    session = open_session(user_id="alice", at=NOON).session
    end_session(session_id=session.pk, at=NOON, reason=Session.Reason.USER_REQUEST)
    page = admin_client.get(LIST).content.decode()
    assert ">alice<" in page
    assert 'class="field-ended_reason">User Request<' in page


def test_the_list_can_be_narrowed_and_searched(admin_client: Client) -> None:
    for user_id in ("alice", "bob"):
        open_session(user_id=user_id, at=NOON)
    end_session(session_id=Session.objects.get(user_id="bob").pk, at=NOON, reason=Session.Reason.USER_REQUEST)
    for query in ("?q=alice", "?state__exact=active"):
        page = admin_client.get(LIST + query).content.decode()
        assert ">alice<" in page
        assert ">bob<" not in page


def test_the_list_asks_the_same_number_of_questions_however_long_it_is(
    admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    open_session(user_id="alice", at=NOON)
    with django_assert_num_queries(7):
        admin_client.get(LIST)
    for count in range(30):
        open_session(user_id=f"user {count}", at=NOON + timedelta(minutes=count))
    with django_assert_num_queries(7):
        admin_client.get(LIST)


def test_a_session_can_be_read_and_not_written(admin_client: Client) -> None:
    session = open_session(user_id="alice", at=NOON).session
    page = f"{LIST}{session.pk}/change/"
    assert admin_client.get(page).status_code == 200
    assert admin_client.post(page, {"state": "ended"}).status_code == 403
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{session.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Session.objects.get().is_active
