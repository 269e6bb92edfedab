"""The HTTP API: what it takes, what it refuses and how it says so."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection
from threading import Barrier
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from pipeline.access import TokenNameTakenError, find_token, make_token, revoke_token
from pipeline.models import ApiToken
from sessions.answering.answers import answer_user
from sessions.models import ContextLoss, Message, Session
from tests.sessions.front_end import FrontEnd, Response
from tests.sessions.web import WebServer

pytestmark = pytest.mark.usefixtures("start_worker")  # and none is started: nobody answers meanwhile
MESSAGE: dict[str, Any] = {"user_id": "alice", "key": "key-1", "text": "hello"}


def assert_problem(found: Response, status: int, code: str) -> None:
    assert (found.status, found.body["code"]) == (status, code), found.text
    assert set(found.body) == {"type", "title", "status", "detail", "instance", "code", "what_to_do", "fields"}
    assert all(found.body[name] for name in ("title", "detail", "instance", "what_to_do"))


# --- Messages -----------------------------------------------------------------------------------------------------


def test_a_message_is_accepted_and_can_be_polled(front_end: FrontEnd) -> None:
    sent = front_end.send("hello", key="key-1")
    message, session = Message.objects.get(), Session.objects.get()
    assert sent.status == 202
    assert sent.body == {
        "id": message.pk,
        "user_id": "alice",
        "key": "key-1",
        "session_id": session.pk,
        "sent_at": sent.body["sent_at"],
        "poll": f"/api/messages/{message.pk}",
    }
    polled = front_end.get(sent.body["poll"]).body
    assert (polled["message"]["text"], polled["message"]["state"], polled["reply"]) == ("hello", "received", None)


def test_a_message_that_is_sent_again_gets_the_same_answer_and_opens_nothing(front_end: FrontEnd) -> None:
    first, again = front_end.send("hello", key="key-1"), front_end.send("changed", key="key-1")
    assert (again.status, again.text) == (first.status, first.text)
    assert Message.objects.get().text == "hello"
    assert Session.objects.get().reuse_count == 0


def test_one_key_sent_by_sixteen_at_once_is_stored_once(front_end: FrontEnd) -> None:
    gate = Barrier(16, timeout=240)

    def send(_: int) -> Response:
        gate.wait()
        return front_end.send("hello", key="key-1")

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(send, range(16)))
    assert {(each.status, each.text) for each in found} == {(202, found[0].text)}
    assert (Message.objects.count(), Session.objects.get().reuse_count) == (1, 0)


def test_a_request_asks_for_the_session_once() -> None:
    _, token = make_token(name="front end", at=timezone.now())
    client = Client(headers={"Authorization": f"Bearer {token}"})
    client.post("/api/messages", {**MESSAGE, "key": "first"}, content_type="application/json")
    with CaptureQueriesContext(connection) as queries:
        answer = client.post(
            "/api/messages",
            {**MESSAGE, "zone": "Europe/Berlin", "project_id": "harbour-school"},
            content_type="application/json",
        )
    assert answer.status_code == 202
    about_sessions = [each["sql"] for each in queries if "chat_session" in each["sql"].replace("chat_session_", "")]
    assert len(about_sessions) == 1
    assert "INSERT INTO chat_session" in about_sessions[0]


def test_a_message_says_in_which_zone_the_user_is(front_end: FrontEnd) -> None:
    front_end.send("hello", zone="Asia/Kolkata")
    front_end.send("hello again")
    assert set(Session.objects.values_list("zone", flat=True)) == {"Asia/Kolkata"}


def test_a_difference_from_what_the_user_sees_is_recorded(front_end: FrontEnd) -> None:
    front_end.send("hello", project_id="harbour-school", task_id="")
    loss = ContextLoss.objects.get()
    assert (loss.what, loss.expected, loss.actual, loss.session_id) == (
        "project",
        "harbour-school",
        "",
        Session.objects.get().pk,
    )


# --- History, sessions, takeover ----------------------------------------------------------------------------------


def test_history_is_paged_both_ways(front_end: FrontEnd) -> None:
    sent = [front_end.send(f"message {number}").body for number in range(5)]
    first = front_end.get("/api/messages", user_id="alice", limit=3).body
    rest = front_end.get("/api/messages", user_id="alice", limit=3, before=first["next"]).body
    told = [each["id"] for each in first["messages"] + rest["messages"]]
    assert told == [each["id"] for each in reversed(sent)]
    assert rest["next"] is None
    path = f"/api/sessions/{sent[0]['session_id']}/messages"
    page = front_end.get(path, limit=3).body
    page_two = front_end.get(path, limit=3, after=page["next"]).body
    assert [each["id"] for each in page["messages"] + page_two["messages"]] == [each["id"] for each in sent]


def test_a_page_that_just_fits_is_the_last(front_end: FrontEnd) -> None:
    for _ in range(3):
        front_end.send("hello")
    assert front_end.get("/api/messages", user_id="alice", limit=3).body["next"] is None


@pytest.mark.parametrize(("step", "state", "reason"), [
    ("end", "ended", "user_request"), ("escalate", "escalated", "escalated"),
])  # fmt: skip
def test_a_session_is_left_once(front_end: FrontEnd, step: str, state: str, reason: str) -> None:
    session_id = front_end.send("hello").body["session_id"]
    path = f"/api/sessions/{session_id}"
    first, again = front_end.post(f"{path}/{step}"), front_end.post(f"{path}/{step}")
    assert (first.status, again.status) == (200, 200)
    assert (first.body["changed"], again.body["changed"]) == (True, False)
    found = front_end.get(path).body
    assert (found["state"], found["ended_reason"], found["message_count"]) == (state, reason, 1)
    assert front_end.get("/api/sessions", user_id="alice", state="active").body == []
    front_end.send("hello again")
    assert len(front_end.get("/api/sessions", user_id="alice").body) == 2


def test_one_person_takes_over_extends_and_releases(front_end: FrontEnd) -> None:
    taken = front_end.post("/api/takeovers", user_id="alice", by="bob")
    assert (taken.status, taken.body["taken_by"]) == (200, "bob")
    assert_problem(front_end.post("/api/takeovers", user_id="alice", by="charlie"), 409, "already_taken_over")
    until = (timezone.now() + timedelta(hours=20)).isoformat()
    assert front_end.post("/api/takeovers/extend", user_id="alice", by="bob", until=until).body == {"changed": True}
    assert front_end.post("/api/takeovers/extend", user_id="alice", by="charlie").body == {"changed": False}
    [standing] = front_end.get("/api/takeovers", user_id="alice").body
    assert standing["until"] > taken.body["until"]
    assert front_end.post("/api/takeovers/release", user_id="alice", by="bob").body == {"changed": True}
    assert front_end.get("/api/takeovers", user_id="alice").body == []


def test_the_automation_is_silent_once_a_session_is_escalated(front_end: FrontEnd) -> None:
    before = front_end.send("I want to talk to a person")
    session_id = before.body["session_id"]
    assert front_end.post(f"/api/sessions/{session_id}/escalate").body["changed"]
    after = front_end.send("hello? a person?")
    assert after.body["session_id"] != session_id
    assert answer_user(user_id="alice") == 0
    for sent in (before, after):
        answer = front_end.get(sent.body["poll"]).body
        assert (answer["message"]["state"], answer["reply"]) == ("held", None)
    assert [each["taken_by"] for each in front_end.get("/api/takeovers", user_id="alice").body] == [""]
    assert front_end.post("/api/takeovers", user_id="alice", by="bob").body["taken_by"] == "bob"
    assert front_end.post("/api/takeovers/release", user_id="alice", by="bob").body == {"changed": True}
    again = front_end.send("thank you")
    assert answer_user(user_id="alice") == 1
    assert front_end.get(again.body["poll"]).body["reply"]["text"] == "Which project?"


def test_what_a_person_says_is_kept_once(front_end: FrontEnd) -> None:
    session_id = front_end.send("hello").body["session_id"]
    said = [
        front_end.post(f"/api/sessions/{session_id}/messages", by="bob", key="said-1", text="Bob here").body["id"]
        for _ in range(2)
    ]
    assert said[0] == said[1]
    assert Message.objects.get(pk=said[0]).author == "bob"
    assert front_end.get(f"/api/sessions/{session_id}").body["reply_count"] == 1


def test_what_a_person_says_needs_a_key_of_its_own(front_end: FrontEnd) -> None:
    session_id = front_end.send("hello", key="key-1").body["session_id"]
    found = front_end.post(f"/api/sessions/{session_id}/messages", by="bob", key="key-1", text="Bob here")
    assert_problem(found, 422, "invalid")
    assert found.body["fields"][0]["field"] == "body.key"


# --- What is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "field", "rule"), [
    ({"user_id": ""}, "body.user_id", "string_too_short"),
    ({"user_id": "x" * 201}, "body.user_id", "string_too_long"),
    ({"user_id": "a\0b"}, "body.user_id", "value_error"),
    ({"user_id": " \t"}, "body.user_id", "value_error"),
    ({"key": " "}, "body.key", "value_error"),
    ({"user_id": 7}, "body.user_id", "string_type"),
    ({"key": None}, "body.key", "string_type"),
    ({"text": "x" * 10_001}, "body.text", "string_too_long"),
    ({"text": "\ud800"}, "body.text", "string_unicode"),
    ({"text": "  "}, "body", "value_error"),
    ({"image_urls": ["javascript:alert(1)"]}, "body.image_urls.0", "url_scheme"),
    ({"image_urls": ["https://example.com/1.jpg"] * 11}, "body.image_urls", "too_long"),
    ({"zone": "Mars/Base"}, "body.zone", "value_error"),
    ({"zone": "../../etc/passwd"}, "body.zone", "value_error"),
    ({"zone": "localtime"}, "body.zone", "value_error"),
    ({"zone": "posix/Europe/Berlin"}, "body.zone", "value_error"),
    ({"usr_id": "alice"}, "body.usr_id", "extra_forbidden"),
])  # fmt: skip
def test_a_field_that_is_not_valid_is_named_with_its_rule(
    front_end: FrontEnd, change: dict[str, Any], field: str, rule: str
) -> None:
    found = front_end.post("/api/messages", **{**MESSAGE, **change})
    assert_problem(found, 422, "invalid")
    assert (field.replace("body", "body"), rule) in [(each["field"], each["rule"]) for each in found.body["fields"]]
    assert not Message.objects.exists()


@pytest.mark.parametrize(("raw", "status", "code"), [
    (b"{", 400, "unreadable"), (b"\xff", 400, "unreadable"), (b"[]", 422, "invalid"), (b"", 422, "invalid"),
])  # fmt: skip
def test_a_body_that_is_no_message_is_refused(front_end: FrontEnd, raw: bytes, status: int, code: str) -> None:
    assert_problem(front_end.request("POST", "/api/messages", raw=raw), status, code)


@pytest.mark.parametrize("path", ["/api/sessions/0", "/api/sessions/99999999999999999999", "/api/messages/seven"])
def test_an_id_that_cannot_be_one_is_refused(front_end: FrontEnd, path: str) -> None:
    assert_problem(front_end.get(path), 422, "invalid")


@pytest.mark.parametrize("path", ["/api/sessions/1", "/api/messages/1", "/api/sessions/1/messages"])
def test_what_is_not_there_is_not_found(front_end: FrontEnd, path: str) -> None:
    assert_problem(front_end.get(path), 404, "not_found")


def test_an_address_that_is_none_and_a_method_that_is_none_are_refused(front_end: FrontEnd) -> None:
    assert_problem(front_end.get("/api/nothing/here"), 404, "unknown_address")
    assert_problem(front_end.request("DELETE", "/api/messages"), 405, "method_not_allowed")


def test_a_takeover_cannot_end_before_it_begins(front_end: FrontEnd) -> None:
    past = (timezone.now() - timedelta(hours=1)).isoformat()
    assert_problem(front_end.post("/api/takeovers", user_id="alice", by="bob", until=past), 422, "invalid")


def test_a_takeover_has_a_longest_length(front_end: FrontEnd) -> None:
    far = "9999-12-31T23:59:59-12:00"  # a moment that PostgreSQL keeps and Python cannot read
    front_end.post("/api/takeovers", user_id="alice", by="bob")
    for path in ("/api/takeovers", "/api/takeovers/extend"):
        found = front_end.post(path, user_id="alice", by="bob", until=far)
        assert_problem(found, 422, "invalid")
        assert found.body["fields"] == [
            {"field": "body.until", "rule": "too_late", "message": "must be at most 7 days from now"}
        ]
    assert front_end.get("/api/takeovers", user_id="alice").status == 200
    assert front_end.send("hello").status == 202


def test_a_large_body_is_refused_before_it_is_read(front_end: FrontEnd, live_server: LiveServer) -> None:
    large = b'{"text": "' + b"x" * 70_000 + b'"}'
    assert_problem(front_end.request("POST", "/api/messages", raw=large), 413, "too_large")
    with socket.create_connection((live_server.thread.host, live_server.thread.port), timeout=120) as line:
        line.sendall(b"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n")
        assert b" 413 " in line.recv(100)  # nothing of the body was sent, and it does not wait for it


# --- The limit ----------------------------------------------------------------------------------------------------


def test_a_body_in_chunks_is_asked_for_its_length(web: WebServer) -> None:
    front_end = FrontEnd(web.url)
    line = HTTPConnection(front_end.address.hostname or "", front_end.address.port, timeout=120)
    with closing(line):
        headers = {"Authorization": f"Bearer {front_end.token}", "Content-Type": "application/json"}
        line.request("POST", "/api/messages", iter([json.dumps(MESSAGE).encode()]), headers, encode_chunked=True)
        answer = line.getresponse()
        assert_problem(Response(answer.status, {}, answer.read().decode()), 411, "length_required")
    assert front_end.post("/api/messages", **MESSAGE).status == 202


def test_an_id_is_kept_as_it_is(front_end: FrontEnd) -> None:
    for user_id in ("Alice", "alice", " alice "):
        assert front_end.send("hello", user_id=user_id).body["user_id"] == user_id
    assert Session.objects.count() == 3


def test_the_eleventh_message_of_a_minute_is_too_many(front_end: FrontEnd) -> None:
    for _ in range(10):
        assert front_end.send("hello").status == 202
    found = front_end.send("hello", key="one-more")
    assert_problem(found, 429, "too_many_messages")
    assert 1 <= int(found.headers["Retry-After"]) <= 60
    assert Message.objects.count() == 10
    assert front_end.send("hello", user_id="bob").status == 202
    assert front_end.send("hello", key="key-3").status == 202  # a duplicate is never too many


def test_the_limit_lets_through_again_when_its_time_is_over(front_end: FrontEnd) -> None:
    for _ in range(10):
        front_end.send("hello")
    Message.objects.filter(pk=Message.objects.order_by("pk")[0].pk).update(
        sent_at=timezone.now() - timedelta(minutes=1)
    )
    assert front_end.send("hello").status == 202
    assert front_end.send("hello").status == 429


def test_the_limit_is_exact_over_processes(web: WebServer) -> None:
    front_end, gate = FrontEnd(web.url), Barrier(32, timeout=240)

    def send(_: int) -> int:
        gate.wait()
        return front_end.send("hello").status

    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(send, range(32)))
    assert (found.count(202), found.count(429)) == (10, 22)
    assert (Message.objects.count(), Session.objects.get().reuse_count) == (10, 9)


def test_the_limit_can_be_set_and_switched_off(front_end: FrontEnd, settings: Settings) -> None:
    settings.SESSION_RATE = {"messages": 1, "within": timedelta(seconds=5)}
    assert [front_end.send("hello").status for _ in range(2)] == [202, 429]
    settings.SESSION_RATE = None
    assert front_end.send("hello").status == 202


# --- Tokens -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "guess", f"leitmotif_{'0' * 16}_{'0' * 64}", "leitmotif_\ud800"])
def test_who_has_no_token_is_refused(live_server: LiveServer, token: str) -> None:
    stranger = FrontEnd(live_server.url, token.encode(errors="surrogatepass").decode("latin-1"))
    for found in (stranger.send("hello"), stranger.get("/api/sessions", user_id="alice")):
        assert_problem(found, 401, "no_token")
        assert found.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_counts_no_longer(front_end: FrontEnd) -> None:
    assert front_end.send("hello").status == 202
    assert revoke_token(name="front end", at=timezone.now())
    assert_problem(front_end.send("hello"), 401, "no_token")
    assert not revoke_token(name="front end", at=timezone.now())


def test_a_token_is_kept_as_a_digest_only() -> None:
    row, token = make_token(name="shop", at=timezone.now())
    assert find_token(token) == row
    kept = " ".join(str(value) for value in ApiToken.objects.values_list().get())
    assert token not in kept
    assert token.rpartition("_")[2] not in kept
    assert find_token(token[:-1] + ("0" if token[-1] != "0" else "1")) is None


def test_a_name_has_one_token_that_counts() -> None:
    make_token(name="shop", at=timezone.now())
    with pytest.raises(TokenNameTakenError, match="shop"):
        make_token(name="shop", at=timezone.now())
    revoke_token(name="shop", at=timezone.now())
    make_token(name="shop", at=timezone.now())


def test_the_command_makes_lists_and_revokes_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("api_token", "make", "shop", "--scope", "chat_read")
    token = capsys.readouterr().out.strip()
    assert find_token(token)
    call_command("api_token", "revoke", "shop")
    assert find_token(token) is None
    call_command("api_token", "list")
    assert capsys.readouterr().out.splitlines()[1].startswith("shop: chat_read; created 20")
    with pytest.raises(CommandError, match="There is no valid token named shop"):
        call_command("api_token", "revoke", "shop")


# --- The page about it --------------------------------------------------------------------------------------------


def test_the_page_fetches_nothing_from_elsewhere(front_end: FrontEnd) -> None:
    page = front_end.get("/api/docs")
    assert page.status == 200
    assert "swagger-ui-bundle.js" in page.text
    assert "https://" not in page.text
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "swagger-ui-init.js"):
        assert front_end.get(f"/static/ninja/{asset}").status == 200


def test_the_description_names_every_address_and_the_shape_of_errors(front_end: FrontEnd) -> None:
    found = front_end.get("/api/openapi.json").body
    assert set(found["paths"]) == {
        "/api/messages",
        "/api/messages/{message_id}",
        "/api/sessions",
        "/api/sessions/{session_id}",
        "/api/sessions/{session_id}/messages",
        "/api/sessions/{session_id}/end",
        "/api/sessions/{session_id}/escalate",
        "/api/takeovers",
        "/api/takeovers/extend",
        "/api/takeovers/release",
        "/api/metrics",
    }
    responses = found["paths"]["/api/messages"]["post"]["responses"]
    assert {"202", "401", "413", "422", "429", "503"} <= set(responses)
