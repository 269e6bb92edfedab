"""One set of numbers, wherever they are shown: command, API, Prometheus and the admin's health page."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from pipeline.access import find_token, make_token, revoke_token
from pipeline.models import ApiToken
from sessions.chat.context import Context
from sessions.chat.inbox import accept
from sessions.chat.messages import fail_message, reply
from sessions.chat.opening import end_session, escalate_session, open_session
from sessions.chat.takeover import take_over
from sessions.models import Message, Session
from sessions.upkeep.health import backlog

pytestmark = pytest.mark.django_db
HEALTH = "/admin/chat/sessionhealth/"


@pytest.fixture
def token() -> str:
    return make_token(name="front end", at=timezone.now())[1]


@pytest.fixture
def talk() -> None:
    """Alice at once begins a second session and sees another project than we know; Bob's message fails."""
    now = timezone.now()
    first = accept(user_id="alice", key="1", at=now, text="hello").message
    reply(message_id=first.pk, text="Good day", at=now)
    accept(user_id="alice", key="2", at=now, text="hello", expected=Context(project_id="mill-bridge", task_id=None))
    end_session(session_id=Session.objects.get().pk, at=now, reason=Session.Reason.USER_REQUEST)
    accept(user_id="alice", key="3", at=now, text="hello")
    bobs = accept(user_id="bob", key="1", at=now, text="hello").message
    fail_message(message_id=bobs.pk, error="KeyError: 'menu'")


def scraped(client: Client, token: str) -> dict[str, float]:
    page = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert page.status_code == 200
    families = text_string_to_metric_families(page.content.decode())
    samples = [sample for family in families for sample in family.samples if sample.name.startswith("leitmotif_chat_")]
    assert all(sample.labels == {} for sample in samples)
    return {sample.name: sample.value for sample in samples}


@pytest.mark.usefixtures("talk")
def test_prometheus_the_api_and_the_command_say_the_same(client: Client, token: str) -> None:
    told = client.get("/api/metrics", headers={"Authorization": f"Bearer {token}"}).json()
    printed = io.StringIO()
    call_command("session_metrics", "--json", stdout=printed)
    assert told.items() <= json.loads(printed.getvalue()).items()
    names = {
        "created": "sessions_created_total",
        "reused": "sessions_reused_total",
        "rapid_creates": "rapid_creates_total",
        "context_losses": "context_losses_total",
        "active": "sessions_active",
        "duplicate_active": "duplicate_active",
        "ratio": "reuse_ratio",
    }
    found = scraped(client, token)
    assert {name: found[f"leitmotif_chat_{there}"] for name, there in names.items()} == {
        "created": 3, "reused": 1, "rapid_creates": 1, "context_losses": 1, "active": 2, "duplicate_active": 0,
        "ratio": 0.25,
    } == {name: told[name] for name in names}  # fmt: skip


def test_no_ratio_is_told_where_nothing_happened(client: Client, token: str) -> None:
    assert "leitmotif_chat_reuse_ratio" not in scraped(client, token)
    assert client.get("/api/metrics", headers={"Authorization": f"Bearer {token}"}).json()["ratio"] is None


def test_prometheus_needs_a_token_or_a_setting(client: Client, token: str, settings: Settings) -> None:
    assert client.get("/metrics").status_code == 401
    revoke_token(name="front end", at=timezone.now())
    assert client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    settings.METRICS_OPEN = True
    assert client.get("/metrics").status_code == 200
    assert client.post("/metrics").status_code == 405


@pytest.mark.usefixtures("talk")
def test_the_page_shows_numbers_verdicts_and_what_looks_broken(admin_client: Client) -> None:
    page = admin_client.get(HEALTH).content.decode()
    for words in (
        "1 time a user started two sessions within 10 seconds.",
        '<span class="lm-badge lm-bad">alert</span>',
        "25.0%",
        "KeyError: &#x27;menu&#x27;",
        "mill-bridge",
        ">alice<",
    ):
        assert words in page


def test_the_page_says_that_there_is_no_data(admin_client: Client) -> None:
    assert '<span class="lm-badge lm-quiet">no data</span>' in admin_client.get(HEALTH).content.decode()


def test_the_page_is_in_the_menu_of_those_who_may_see_it(client: Client, admin_client: Client) -> None:
    assert f'href="{HEALTH}"' in admin_client.get("/admin/administration/").content.decode()
    charlie = User.objects.create_user("charlie", is_staff=True)
    client.force_login(charlie)
    assert client.get(HEALTH).status_code == 403
    charlie.user_permissions.add(Permission.objects.get(codename="view_sessionhealth"))
    assert client.get(HEALTH).status_code == 200


@pytest.mark.usefixtures("talk")
def test_the_page_asks_the_same_number_of_questions_however_much_is_broken(
    admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(19):
        admin_client.get(HEALTH)
    for number in range(5):
        message = accept(user_id=f"user-{number}", key="1", at=timezone.now(), text="hello").message
        fail_message(message_id=message.pk, error="again")
    with django_assert_num_queries(19):
        admin_client.get(HEALTH)


def test_the_page_lists_who_waits_for_a_person(admin_client: Client) -> None:
    session = open_session(user_id="dora", at=timezone.now()).session
    assert ">dora<" not in admin_client.get(HEALTH).content.decode()
    escalate_session(session_id=session.pk, at=timezone.now())
    page = admin_client.get(HEALTH).content.decode()
    assert ">dora<" in page
    assert backlog(at=timezone.now()).users_waiting == 1
    take_over(user_id="dora", by="Bob", at=timezone.now())
    assert ">dora<" not in admin_client.get(HEALTH).content.decode()
    assert (backlog(at=timezone.now()).users_waiting, backlog(at=timezone.now()).takeovers) == (0, 1)


@pytest.mark.usefixtures("talk")
def test_the_page_says_how_long_the_oldest_message_has_waited(admin_client: Client) -> None:
    Message.objects.filter(user_id="alice").update(sent_at=timezone.now() - timedelta(hours=3))
    assert "3 h 0 min" in admin_client.get(HEALTH).content.decode()


# --- Tokens in the admin ------------------------------------------------------------------------------------------


def test_a_token_made_in_the_admin_is_shown_once(admin_client: Client) -> None:
    page = admin_client.post(
        "/admin/pipeline/apitoken/add/", {"name": "shop", "scopes": ["read"]}, follow=True
    ).content.decode()
    row = ApiToken.objects.get(name="shop")
    start = page.index(f"leitmotif_{row.handle}_")
    token = page[start : start + len("leitmotif__") + 16 + 64]
    assert find_token(token) == row
    assert row.made_by == "admin"
    assert token not in admin_client.get(f"/admin/pipeline/apitoken/{row.pk}/change/").content.decode()
    assert row.digest not in admin_client.get(f"/admin/pipeline/apitoken/{row.pk}/change/").content.decode()


def test_a_name_that_is_taken_is_refused_in_the_admin(admin_client: Client) -> None:
    for _ in range(2):
        page: Any = admin_client.post("/admin/pipeline/apitoken/add/", {"name": "shop", "scopes": ["read"]})
    assert "There is already a token with this name" in page.content.decode()
    assert ApiToken.objects.count() == 1


def test_tokens_are_revoked_in_the_admin(admin_client: Client, token: str) -> None:
    chosen = {"action": "revoke", "_selected_action": [ApiToken.objects.get().pk]}
    admin_client.post("/admin/pipeline/apitoken/", chosen)
    assert find_token(token) is None
    assert ApiToken.objects.get().revoked_by == "admin"
