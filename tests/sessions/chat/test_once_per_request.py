"""The session is opened once per request and passed on."""

import asyncio
from datetime import UTC, datetime

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import DjangoAssertNumQueries, Settings

from sessions.chat import messages, once_per_request
from sessions.chat.once_per_request import OpenedTwiceWarning, one_session_per_request
from sessions.chat.opening import aopen_session, open_session
from sessions.models import Session

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)


def once(request: HttpRequest) -> HttpResponse:
    """Receive a message and pass its session on to everything that needs it."""
    found = messages.receive(user_id="alice", key=request.GET["key"], text="hello", at=NOON)
    assert found.opened
    reply = messages.reply(message_id=found.message.pk, text=f"In session {found.opened.session.pk}", at=NOON)
    return HttpResponse(reply.text)


def twice(request: HttpRequest) -> HttpResponse:
    for _ in range(2):
        open_session(user_id="alice", at=NOON)
    return HttpResponse()


urlpatterns = [path("once", once), path("twice", twice)]


@pytest.fixture(autouse=True)
def _these_urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


def test_a_request_opens_the_session_with_one_query(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/once?key=1")
    with django_assert_max_num_queries(20) as captured:
        assert client.get("/once?key=2").status_code == 200
    session_queries = [each["sql"] for each in captured.captured_queries if "INTO chat_session" in each["sql"]]
    assert len(session_queries) == 1
    assert Session.objects.get().reuse_count == 1


def test_a_second_opening_in_a_request_is_a_warning(client: Client) -> None:
    with pytest.warns(OpenedTwiceWarning, match="already opened the session of user alice"):
        client.get("/twice")


def test_a_second_request_may_open_it_again(client: Client) -> None:
    for key in "123":
        client.get(f"/once?key={key}")


def test_a_task_is_watched_as_a_request_is() -> None:
    with once_per_request.request():
        open_session(user_id="alice", at=NOON)
        open_session(user_id="bob", at=NOON)
        with once_per_request.request():
            open_session(user_id="alice", at=NOON)
        with pytest.warns(OpenedTwiceWarning):
            open_session(user_id="alice", at=NOON)


def test_outside_of_requests_nothing_is_watched() -> None:
    for _ in range(2):
        open_session(user_id="alice", at=NOON)


def test_an_async_request_is_watched_too() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        await aopen_session(user_id="alice", at=NOON)
        with pytest.warns(OpenedTwiceWarning):
            await aopen_session(user_id="alice", at=NOON)
        return HttpResponse()

    serve = one_session_per_request(view)
    assert asyncio.iscoroutinefunction(serve)
    assert async_to_sync(serve)(HttpRequest()).status_code == 200
