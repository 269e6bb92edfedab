"""API tokens: what each may be used for, and until when."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from pipeline.access import TokenNameTakenError, find_token, make_token
from pipeline.models import ApiToken

pytestmark = pytest.mark.django_db
MESSAGE = {"user_id": "alice", "key": "key-1", "text": "hello"}


def status(client: Client, token: str, method: str, path: str, **body: object) -> int:
    """Return how a request with this token is answered."""
    headers = {"Authorization": f"Bearer {token}"}
    return client.generic(method, path, str(body).replace("'", '"'), "application/json", headers=headers).status_code


@pytest.mark.parametrize(
    ("scope", "expected"),
    [("chat_read", [200, 403, 403, 401]), ("chat_write", [403, 202, 403, 401]), ("metrics", [403, 403, 200, 200])],
)
def test_a_token_may_do_what_its_scope_says_and_no_more(client: Client, scope: str, expected: list[int]) -> None:
    _, token = make_token(name="shop", at=timezone.now(), scopes=[scope])
    asked = [
        status(client, token, "GET", "/api/sessions?user_id=alice"),
        status(client, token, "POST", "/api/messages", **MESSAGE),
        status(client, token, "GET", reverse("chat_api:get_metrics")),
        status(client, token, "GET", "/metrics"),
    ]
    assert asked == expected


def test_a_refusal_names_the_scope_that_is_missing(client: Client) -> None:
    _, token = make_token(name="shop", at=timezone.now(), scopes=["chat_read"])
    answer = client.post("/api/messages", MESSAGE, "application/json", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "out_of_scope")
    assert answer.json()["detail"] == "The token of shop does not have the scope `chat_write`."


def test_a_token_counts_until_it_expires(client: Client) -> None:
    now = timezone.now()
    row, token = make_token(name="shop", at=now, life=timedelta(days=30))
    assert row.expires_at == now + timedelta(days=30)
    assert find_token(token, now + timedelta(days=30, seconds=-1)) == row
    assert find_token(token, now + timedelta(days=30)) is None
    ApiToken.objects.update(made_at=now - timedelta(days=2), expires_at=now - timedelta(days=1))
    assert status(client, token, "GET", "/api/sessions?user_id=alice") == 401
    assert status(client, token, "GET", "/metrics") == 401


def test_one_without_an_end_never_expires() -> None:
    row, token = make_token(name="shop", at=timezone.now(), life=None)
    assert find_token(token, timezone.now() + timedelta(days=100_000)) == row


def test_the_name_of_an_expired_token_is_free_again() -> None:
    now = timezone.now()
    make_token(name="shop", at=now - timedelta(days=10), life=timedelta(days=1))
    row, _ = make_token(name="shop", at=now)
    assert [token.pk for token in ApiToken.objects.filter(revoked_at__isnull=True)] == [row.pk]
    with pytest.raises(TokenNameTakenError):
        make_token(name="shop", at=now)


@pytest.mark.parametrize("scopes", [[], ["admin"], ["read", "admin"]])
def test_scopes_that_mean_nothing_are_refused(scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="read, review, import, operate, chat_read, chat_write, metrics"):
        make_token(name="shop", at=timezone.now(), scopes=scopes)


@pytest.mark.parametrize("scopes", [[], ["admin"]])
def test_the_table_refuses_them_too(scopes: list[str]) -> None:
    row, _ = make_token(name="shop", at=timezone.now())
    with pytest.raises(IntegrityError, match="a_token_may_be_used_for_something_known"):
        ApiToken.objects.filter(pk=row.pk).update(scopes=scopes)


def test_the_command_makes_and_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("api_token", "make", "shop", "--scope", "read", "--scope", "metrics", "--days", "7")
    row = ApiToken.objects.get()
    assert row.scopes == ["metrics", "read"]
    assert row.expires_at == row.made_at + timedelta(days=7)
    assert find_token(capsys.readouterr().out.strip()) == row
    call_command("api_token", "make", "till", "--scope", "chat_read", "--days", "forever")
    capsys.readouterr()
    call_command("api_token", "list")
    shop, till = capsys.readouterr().out.splitlines()
    assert shop.startswith("shop: metrics, read; created ")
    assert "; expires " in shop
    assert "expires" not in till


@pytest.mark.parametrize("words", [["--days", "0"], ["--days", "soon"], ["--scope", "admin"]], ids=" ".join)
def test_the_command_refuses_what_cannot_be_meant(words: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("api_token", "make", "shop", "--scope", "read", *words)


def test_people_choose_scopes_and_days_in_the_admin(admin_client: Client) -> None:
    page = admin_client.post(
        reverse("admin:pipeline_apitoken_add"), {"name": "shop", "scopes": ["read"], "days": "30"}, follow=True
    )
    row = ApiToken.objects.get()
    assert (row.scopes, row.expires_at) == (["read"], row.made_at + timedelta(days=30))
    assert b"will not be shown again" in page.content
