"""Who is let in, how often, and in which one shape every error is told."""

from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from pipeline.access import make_token, revoke_token
from pipeline.models import ApiToken
from pipeline.web.api import door, stories
from tests.pipeline.web.api.programs import Program, problem, somebody, token_for

pytestmark = pytest.mark.django_db


# --- Tokens -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer ", "Bearer guess", "Basic YTpi", f"Bearer leitmotif_{'0' * 16}_{'0' * 64}"]
)
def test_who_has_no_token_is_told_how_to_make_one(client: Client, sent: str) -> None:
    answer = client.get("/api/v1/stories", headers={"Authorization": sent} if sent else {})
    assert "api_token make" in problem(answer)["what_to_do"]
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_a_login_to_the_pages_is_no_token(admin_client: Client) -> None:
    assert admin_client.get("/api/v1/stories").status_code == 401


def test_a_token_does_nothing_that_its_person_may_not() -> None:
    token = token_for(["read", "review", "operate", "import"], role="viewer")
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/stories").status_code == 200
    answer = client.post("/api/v1/decisions/merge", {"child": 1, "parent": 2}, "application/json")
    told = problem(answer)
    assert (told["status"], told["code"]) == (403, "out_of_scope")
    assert told["detail"].startswith("the viewer, for whom the token of ")
    assert client.post("/api/v1/runs", {"source": "file:x"}, "application/json").status_code == 403
    assert client.post("/api/v1/uploads").status_code == 403


def test_a_token_ends_with_its_person() -> None:
    token = token_for(["read"])
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/stories").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/api/v1/stories").status_code == 401
    User.objects.update(is_active=True)
    row = ApiToken.objects.get()
    revoke_token(name=row.name, at=timezone.now())
    assert client.get("/api/v1/stories").status_code == 401


def test_one_for_deciding_acts_for_somebody() -> None:
    with pytest.raises(ValueError, match="acts for somebody"):
        make_token(name="robot", at=timezone.now(), scopes=["read", "review"])
    make_token(name="reader", at=timezone.now(), scopes=["read"])


# --- Pace ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests of the test come 20 s after a minute began, each test in a minute of its own token."""
    monkeypatch.setattr("pipeline.web.api.door.time.time", lambda: 60_000_020.0)


@pytest.mark.usefixtures("at_a_minute")
def test_a_token_may_ask_so_often_in_a_minute(settings: Settings) -> None:
    settings.API_REQUESTS_A_MINUTE = 2
    program, other = Program("read"), Program("read")
    answers = [program.get("/stories") for _ in range(3)]
    told = [(each.status_code, each["X-RateLimit-Limit"], each["X-RateLimit-Remaining"]) for each in answers]
    assert told == [(200, "2", "1"), (200, "2", "0"), (429, "2", "0")]
    assert (answers[2]["Retry-After"], answers[2]["X-RateLimit-Reset"]) == ("40", "40")
    assert problem(answers[2])["code"] == "too_many_requests"
    assert other.get("/stories").status_code == 200


def test_without_a_limit_nothing_is_counted(settings: Settings) -> None:
    settings.API_REQUESTS_A_MINUTE = 0
    assert "X-RateLimit-Limit" not in Program("read").get("/stories").headers


def test_without_redis_requests_are_answered(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    away = redis.Redis.from_url(f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setattr(door, "_redis", lambda: away)
    assert Program("read").get("/stories").status_code == 200


# --- Errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "where", "status", "code"),
    [
        ("GET", "/nothing", 404, "unknown_address"),
        ("POST", "/nothing/at/all", 404, "unknown_address"),
        ("GET", "", 404, "unknown_address"),
        ("DELETE", "/stories", 405, "method_not_allowed"),
        ("GET", "/decisions/merge/1/undo", 405, "method_not_allowed"),
        ("GET", "/stories?limit=0", 422, "invalid"),
        ("GET", "/stories?status=lost", 422, "invalid"),
        ("GET", "/stories?q=%00", 422, "invalid"),
        ("GET", "/stories?updated_since=2026-01-01T00:00:00", 422, "invalid"),
        ("GET", f"/stories/{2**63}", 422, "invalid"),
        ("GET", "/stories/x", 422, "invalid"),
        ("GET", "/uploads/x", 422, "invalid"),
        ("POST", "/decisions/merge", 400, "unreadable"),
        ("POST", "/uploads", 422, "invalid"),
    ],
)
def test_every_error_has_one_shape(program: Program, method: str, where: str, status: int, code: str) -> None:
    answer = program.client.generic(method, f"/api/v1{where}", "{not json", "application/json")
    told = problem(answer)
    assert (told["status"], told["code"]) == (status, code)
    if status == 405:
        assert answer["Allow"]


def test_a_field_that_is_wrong_is_named(program: Program) -> None:
    told = problem(program.send("/decisions/merge", child=0, parent=1, why="x"))
    assert [(each["field"], each["rule"]) for each in told["fields"]] == [
        ("body.child", "greater_than_equal"), ("body.why", "extra_forbidden"),
    ]  # fmt: skip


def test_bodies_that_are_too_large_or_unmeasured_are_not_read(program: Program, settings: Settings) -> None:
    settings.UPLOAD_LIMIT = 100
    assert problem(program.send("/decisions/merge", child=1, parent=2, reason="x" * 200))["code"] == "too_large"
    settings.UPLOAD_LIMIT, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000, 100
    assert problem(program.send("/decisions/merge", child=1, parent=2, reason="x" * 200))["code"] == "too_large"
    chunked: dict[str, Any] = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = program.client.generic("POST", "/api/v1/decisions/merge", b"", "application/json", **chunked)
    assert problem(answer)["code"] == "length_required"


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\n"])
@pytest.mark.parametrize("key", ["", "a-key"])
def test_a_broken_form_is_a_problem(program: Program, body: bytes, key: str) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    answer = program.client.generic("POST", "/api/v1/uploads", body, "multipart/form-data; boundary=x", headers=headers)
    assert problem(answer)["status"] in (400, 422)


def test_what_nobody_expected_is_a_problem_too(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(stories, "story_rows", fail)
    assert problem(program.get("/stories"))["code"] == "failed"


def test_a_database_that_is_away_is_said_to_be(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("the connection is gone")

    monkeypatch.setattr(stories, "story_rows", fail)
    answer = program.get("/stories")
    assert (problem(answer)["status"], answer["Retry-After"]) == (503, "2")
    monkeypatch.setattr(door, "find_token", fail)
    assert problem(program.get("/stories"))["status"] == 503


# --- The description ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/api/v1/docs", "/api/docs"])
def test_the_page_that_describes_it_loads_nothing_from_elsewhere(client: Client, address: str) -> None:
    page = client.get(address)
    assert page.status_code == 200
    assert b"https://" not in page.content
    assert "script-src 'self';" in page["Content-Security-Policy"]


def test_the_description_says_what_each_route_needs(client: Client) -> None:
    told = client.get("/api/v1/openapi.json").json()
    operations = [(path, method, one) for path, methods in told["paths"].items() for method, one in methods.items()]
    assert len(operations) > 40
    assert len({one["operationId"] for _, _, one in operations}) == len(operations)
    for path, method, one in operations:
        assert "Scope: `" in one["description"], path
        assert {"401", "403", "422", "429"} <= set(one["responses"]), path
        named = [each["name"] for each in one.get("parameters", [])]
        assert ("Idempotency-Key" in named) == (method != "get"), path
        assert one["security"], path


def test_the_roles_people_have_decide_who_makes_tokens() -> None:
    may = {
        role for role in ("viewer", "reviewer", "operator", "admin") if somebody(role).has_perm("pipeline.add_apitoken")
    }
    assert may == {"admin"}
    assert not somebody("operator").has_perm("pipeline.view_apitoken")
