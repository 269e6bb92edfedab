"""Who may what, in one table: every address of the URL conf, for every role people have and every scope tokens have.

A new address without a line here fails, and so does a line whose address is gone. The roles contain each other, so a
line names the lowest that may; each above it may as well, and each below it may not.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from pytest_django import Settings

from config.api import api
from pipeline.models import ApiToken
from sessions.api.routes import api as chat_api
from tests.pipeline.web.api.programs import somebody, token_for
from tests.support.factories import NOON, OrphanFactory, RunFactory, StoryFactory

ROLES = ("anonymous", "viewer", "reviewer", "operator", "admin", "superuser")
"""Each may what those before it may."""

PEOPLE = ROLES[1:5]
NOBODY = "-"
"""Not even a superuser may."""

PAGES = """
(the_rest)                          GET  anonymous 302
admin:undo                          POST viewer    303
admin:cards                         GET  viewer    200
admin:stories                       GET  viewer    200
admin:stories_bulk                  POST viewer    404
admin:stories_export                GET  viewer    200
admin:save_view                     POST viewer    404
admin:story                         GET  viewer    200
admin:story_similar                 GET  viewer    200
admin:story_parts                   GET  viewer    200
admin:story_who                     GET  viewer    200
admin:story_activity                GET  viewer    200
admin:story_edit                    GET  reviewer  200
admin:story_act                     POST viewer    404
admin:review                        GET  viewer    200
admin:review_answer                 POST viewer    404
admin:orphans                       GET  viewer    200
admin:orphans_act                   POST viewer    404
admin:search                        GET  viewer    200
admin:search_export                 GET  viewer    200
admin:orphans_export                GET  viewer    200
admin:search_story                  POST reviewer  303
admin:conversation                  GET  viewer    404
admin:customers                     GET  viewer    200
admin:customer                      GET  viewer    200
admin:books                         GET  viewer    200
admin:book                          GET  viewer    404
admin:chapter                       GET  viewer    404
admin:companies                     GET  viewer    200
admin:company_changes               GET  viewer    200
admin:company                       GET  viewer    404
admin:company_act                   POST reviewer  404
admin:company_page                  GET  viewer    404
admin:company_snapshot              GET  viewer    404
admin:company_change                GET  viewer    404
admin:map                           GET  viewer    200
admin:map_draw                      POST operator  404
admin:map_theme                     GET  viewer    404
admin:map_points                    GET  viewer    404
admin:map_stories                   GET  viewer    404
admin:map_colours                   GET  viewer    404
admin:export                        GET  viewer    200
admin:run_file                      GET  viewer    200
admin:new_run                       GET  operator  200
admin:new_run_source                POST operator  404
admin:new_run_file                  GET  operator  404
admin:new_run_begin                 POST operator  400
admin:new_run_piece                 POST operator  404
admin:new_run_live                  GET  operator  404
admin:new_run_start                 POST operator  404
admin:schedules                     GET  viewer    200
admin:schedules_act                 POST operator  303
admin:runs                          GET  viewer    200
admin:run                           GET  viewer    200
admin:run_live                      GET  viewer    200
admin:run_items                     GET  viewer    200
admin:run_report                    GET  viewer    200
admin:run_salvage                   GET  operator  200
admin:run_whatif                    GET  viewer    200
admin:run_act                       POST operator  404
admin:administration                GET  viewer    200
admin:index                         GET  viewer    200
admin:login                         GET  anonymous 200
admin:password_change               GET  viewer    200
admin:password_change_done          GET  viewer    200
admin:autocomplete                  GET  -         403
admin:jsi18n                        GET  viewer    200
admin:view_on_site                  GET  viewer    404
admin:<path:object_id>/             GET  anonymous 404
admin:pipeline_merge_undo           GET  reviewer  404
admin:pipeline_veto_undo            GET  reviewer  404
admin:pipeline_split_undo           GET  reviewer  404
admin:pipeline_move_undo            GET  reviewer  404
admin:pipeline_rename_undo          GET  reviewer  404
admin:pipeline_hold_undo            GET  reviewer  404
admin:pipeline_signature_pairs      GET  viewer    200
admin:pipeline_signature_merge      GET  reviewer  404
admin:pipeline_signature_split      GET  reviewer  404
admin:pipeline_signature_rename     GET  reviewer  404
admin:pipeline_signature_veto       GET  reviewer  404
admin:pipeline_theme_move           GET  reviewer  404
admin:app_list                      GET  viewer    200
admin:(?P<url>.*)$                  GET  anonymous 404
api:openapi-json                    GET  anonymous 200
api:openapi-view                    GET  anonymous 200
api:api-root                        GET  anonymous 404
api:(the_rest)                      GET  anonymous 404
chat_api:openapi-json               GET  anonymous 200
chat_api:openapi-view               GET  anonymous 200
chat_api:api-root                   GET  anonymous 404
chat_api:(the_rest)                 GET  anonymous 404
metrics                             GET  -         401
-/alive/                            GET  anonymous 200
-/ready/                            GET  anonymous 503
admin:auth_user_password_change     GET  admin     404
admin:chat_sessionhealth_changelist GET  viewer    200
admin:undo                          POST reviewer  303 record=change-1
admin:undo                          POST reviewer  303 record=merge-1
admin:story_act                     POST reviewer  303 do=approve
admin:story_act                     POST reviewer  303 do=comment&text=x
admin:story_act                     POST reviewer  303 do=edit&title=x
admin:story_act                     POST reviewer  303 do=merge&other={story_id}
admin:stories_bulk                  POST reviewer  200 do=approve&story={story_id}
admin:stories_bulk                  POST reviewer  303 do=merge&story={story_id}
admin:orphans_act                   POST reviewer  303 do=dismiss:{orphan}
admin:orphans_act                   POST reviewer  303 do=join:{orphan}
admin:new_run                       POST operator  303
admin:run_act                       POST operator  303 do=stop
admin:run_act                       POST operator  303 do=resume
admin:logout                        POST anonymous 302
"""
"""Name of the address, method, lowest role, and the status that one gets which may. Rows that are named do not exist,
but for a story, an orphan and a run: 404 is the answer to somebody who may look for them."""

MODELS = """
auth_group                          admin     admin     admin     admin     admin
auth_user                           admin     admin     admin     admin     admin
django_celery_beat_periodictask     operator  operator  operator  operator  operator
django_celery_beat_clockedschedule  superuser superuser superuser superuser superuser
django_celery_beat_crontabschedule  operator  operator  operator  operator  operator
django_celery_beat_solarschedule    superuser superuser superuser superuser superuser
django_celery_beat_intervalschedule operator  operator  operator  operator  operator
pipeline_apitoken                   admin     admin     admin     -         admin
pipeline_company                    viewer    -         viewer    -         viewer
pipeline_companyurl                 viewer    -         viewer    -         viewer
pipeline_snapshot                   viewer    -         viewer    -         viewer
pipeline_fetch                      viewer    -         viewer    -         viewer
pipeline_conversation               viewer    -         viewer    -         viewer
pipeline_merge                      viewer    -         viewer    -         viewer
pipeline_veto                       viewer    -         viewer    -         viewer
pipeline_split                      viewer    -         viewer    -         viewer
pipeline_move                       viewer    -         viewer    -         viewer
pipeline_rename                     viewer    -         viewer    -         viewer
pipeline_hold                       viewer    -         viewer    -         viewer
pipeline_judgement                  viewer    -         viewer    -         viewer
pipeline_vocabularyversion          viewer    admin     viewer    -         viewer
pipeline_contextdocument            viewer    admin     viewer    admin     viewer
pipeline_evidence                   viewer    -         viewer    -         viewer
pipeline_signature                  viewer    -         viewer    -         viewer
pipeline_orphan                     viewer    -         viewer    -         viewer
pipeline_run                        viewer    -         viewer    -         viewer
pipeline_source                     viewer    -         viewer    -         viewer
pipeline_theme                      viewer    -         viewer    -         viewer
pipeline_story                      viewer    -         viewer    -         viewer
chat_delivery                       viewer    -         viewer    -         viewer
chat_message                        viewer    -         viewer    -         viewer
chat_progressupdate                 viewer    -         viewer    -         viewer
chat_session                        viewer    -         viewer    -         viewer
chat_chatuser                       viewer    -         viewer    -         viewer
chat_takeover                       viewer    -         viewer    -         viewer
chat_contextloss                    viewer    -         viewer    -         viewer
"""
"""Django's own pages of each table: the lowest role that may see the list, add one, see one, delete it, see what became
of it."""

ROUTES = """
POST  /api/v1/uploads                                      import
POST  /api/v1/uploads/begin                                import
PUT   /api/v1/uploads/{token}/bytes                        import
GET   /api/v1/uploads/{token}                              import
GET   /api/v1/uploads/{token}/look                         import
POST  /api/v1/uploads/{token}/import                       import
GET   /api/v1/sources                                      read
GET   /api/v1/runs                                         read
POST  /api/v1/runs                                         operate
POST  /api/v1/runs/preview                                 operate
GET   /api/v1/runs/{run_id}                                read
GET   /api/v1/runs/{run_id}/summary                        read
GET   /api/v1/runs/{run_id}/preview                        read
GET   /api/v1/runs/{run_id}/progress                       read
GET   /api/v1/runs/{run_id}/items                          read
POST  /api/v1/runs/{run_id}/stop                           operate
POST  /api/v1/runs/{run_id}/resume                         operate
POST  /api/v1/runs/{run_id}/stories                        operate
GET   /api/v1/runs/{run_id}/salvage                        read
POST  /api/v1/runs/{run_id}/salvage                        operate
GET   /api/v1/stories                                      read
GET   /api/v1/stories/{story_id}                           read
PATCH /api/v1/stories/{story_id}                           review
GET   /api/v1/stories/{story_id}/conversations             read
POST  /api/v1/stories/{story_id}/status                    review
GET   /api/v1/orphans                                      read
GET   /api/v1/orphans/{orphan_id}                          read
POST  /api/v1/orphans/{orphan_id}/promote                  review
POST  /api/v1/orphans/{orphan_id}/join                     review
POST  /api/v1/orphans/{orphan_id}/dismiss                  review
POST  /api/v1/orphans/{orphan_id}/restore                  review
GET   /api/v1/themes                                       read
GET   /api/v1/themes/{theme_id}                            read
GET   /api/v1/signatures                                   read
GET   /api/v1/signatures/{signature_id}                    read
GET   /api/v1/decisions                                    read
POST  /api/v1/decisions/merge                              review
POST  /api/v1/decisions/veto                               review
POST  /api/v1/decisions/split                              review
POST  /api/v1/decisions/move                               review
POST  /api/v1/decisions/rename                             review
POST  /api/v1/decisions/{kind}/{record_id}/undo            review
GET   /api/v1/pairs                                        read
GET   /api/v1/conversations                                read
GET   /api/v1/conversations/{conversation_id}              read
GET   /api/v1/search                                       read
GET   /api/v1/companies                                    read
GET   /api/v1/companies/changes                            read
GET   /api/v1/companies/dead-links                         read
GET   /api/v1/companies/{company_id}                       read
POST  /api/v1/companies/{company_id}/override              review
POST  /api/v1/companies/{company_id}/clear                 review
GET   /api/v1/exports/{what}                               read
GET   /api/v1/sessions                                     chat_read
GET   /api/v1/sessions/{session_id}                        chat_read
GET   /api/v1/sessions/{session_id}/messages               chat_read
POST  /api/messages                                        chat_write
GET   /api/messages                                        chat_read
GET   /api/messages/{message_id}                           chat_read
GET   /api/sessions                                        chat_read
GET   /api/sessions/{session_id}                           chat_read
GET   /api/sessions/{session_id}/messages                  chat_read
POST  /api/sessions/{session_id}/messages                  chat_write
POST  /api/sessions/{session_id}/end                       chat_write
POST  /api/sessions/{session_id}/escalate                  chat_write
POST  /api/takeovers                                       chat_write
GET   /api/takeovers                                       chat_read
POST  /api/takeovers/extend                                chat_write
POST  /api/takeovers/release                               chat_write
GET   /api/metrics                                         metrics
"""
"""Routes of both APIs, with the scope that each needs."""

REST = "(the_rest)"
"""What stands for an address without a name that its own words leave empty."""

CRUD = ("changelist", "add", "change", "delete", "history")
APIS = {"api": api, "chat_api": chat_api}

pytestmark = pytest.mark.django_db


# --- The addresses there are --------------------------------------------------------------------------------------


def patterns(resolver: URLResolver | None = None, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield each address of the URL conf with its name, or what is written for it where it has none."""
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            yield from patterns(each, each.namespace or namespace)
        else:
            name = each.name or str(each.pattern) or REST
            yield (f"{namespace}:{name}" if namespace else name), each


def addresses() -> dict[str, URLPattern]:
    """Return the addresses of pages by name. Those of an API's routes are told by its description."""
    routes = {
        f"{namespace}:{one.view_func.__name__}"
        for namespace, made in APIS.items()
        for _, router in made._routers
        for view in router.path_operations.values()
        for one in view.operations
    }
    return {name: pattern for name, pattern in patterns() if name not in routes}


def table_of(name: str) -> tuple[str, str] | None:
    """Return table and action, if an address is one of the five pages that Django makes for each table."""
    table, _, action = name.removeprefix("admin:").rpartition("_")
    return (table, action) if name.startswith("admin:") and action in CRUD and table in tables() else None


@cache
def tables() -> dict[str, type[Model]]:
    """Return the tables that the admin shows, by the name they have in addresses."""
    found = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in admin.site._registry}
    return {name: model for name, model in found.items() if not model._meta.proxy}


@cache
def routes() -> dict[str, str]:
    """Return each route of both APIs, `GET /api/v1/stories`, with the scope that its description names."""
    found = {}
    for made in APIS.values():
        for path, methods in made.get_openapi_schema()["paths"].items():
            for method, told in methods.items():
                _, is_told, scope = told.get("description", "").rpartition("Scope: `")
                found[f"{method.upper()} {path}"] = scope.strip("`.") if is_told else ""
    return found


# --- The table ----------------------------------------------------------------------------------------------------


def rows(table: str) -> list[list[str]]:
    """Return the words of each line."""
    return [line.split() for line in table.strip().splitlines()]


def test_every_address_has_a_line_and_every_line_an_address() -> None:
    names = addresses()
    made_by_django = {table_of(name) for name in names} - {None}
    assert {name for name, *_ in rows(PAGES)} == {name for name in names if not table_of(name)}
    assert {(table, action) for table, *_ in rows(MODELS) for action in CRUD} == made_by_django
    told = {f"{method} {path}": scope for method, path, scope in rows(ROUTES)}
    assert set(told) == set(routes())
    assert {route: told[route] for route, scope in routes().items() if scope} == {
        r: s for r, s in routes().items() if s
    }


# --- People -------------------------------------------------------------------------------------------------------


@pytest.fixture
def clients() -> dict[str, Client]:
    """Somebody of each role, logged in."""
    found = {"anonymous": Client(), "superuser": Client()}
    found["superuser"].force_login(User.objects.create_superuser("root"))
    for role in PEOPLE:
        found[role] = Client()
        found[role].force_login(somebody(role))
    return found


@pytest.fixture
def ids() -> dict[str, Any]:
    """What stands for the parts of addresses; a schedule of each kind is there."""
    every = IntervalSchedule.objects.create(every=1, period="days")
    CrontabSchedule.objects.create()
    SolarSchedule.objects.create(event="sunrise", latitude=0, longitude=0)
    ClockedSchedule.objects.create(clocked_time=NOON)
    PeriodicTask.objects.create(name="a schedule", interval=every, task="pipeline.watch_runs")
    token_for(["read"])
    return {
        "story_id": StoryFactory(conversations=1).pk,
        "run_id": RunFactory(state="failed").pk,
        "orphan": OrphanFactory(conversations=1).pk,
        "token": UNKNOWN,
        "content_type_id": 1,
        "app_label": "pipeline",
        "url": "nothing/",
        "what": "stories",
        "form": "csv",
    }


UNKNOWN = "6b1b0f6e-64a4-4ea1-b0a4-3c8c3b6d4a55"


def where(name: str, pattern: URLPattern, ids: dict[str, Any]) -> str:
    """Return an address with its parts filled in; rows that `ids` does not name do not exist."""
    if not pattern.name:
        rest = {"api": "/api/v1/nothing", "chat_api": "/api/nothing", REST: "/"}
        return rest.get(name.partition(":")[0], f"/{name}")
    parts = pattern.pattern.converters or pattern.pattern.regex.groupindex
    return reverse(name, kwargs={part: ids.get(part, 99_999_999) for part in parts})


def answer(client: Client, method: str, address: str, body: str = "") -> int:
    """Return the status: 401 where somebody is sent to log in."""
    response = client.generic(method, address, body, "application/x-www-form-urlencoded")
    to_login = response.status_code == 302 and "/login/" in response.headers["Location"]
    return 401 if to_login else response.status_code


def faults_of(clients: dict[str, Client], asked: tuple[str, str, str], lowest: str, right: int | None) -> list[str]:
    """Return who got another answer than the lowest role says: none for those who may not, `right` for those who may.

    Those just below and just above the line are asked, and who is not logged in: the roles contain each other.
    """
    method, at, body = asked
    if lowest == NOBODY:
        given = {role: answer(clients[role], method, at, body) for role in ("anonymous", "viewer", "superuser")}
        return [f"{method} {at} as {role}: {given[role]}" for role in given if given[role] not in (401, 403)]
    place = ROLES.index(lowest)
    faults = []
    for role in sorted({ROLES[max(place - 1, 0)], lowest, "anonymous"}, key=ROLES.index):
        status = answer(clients[role], method, at, body)
        may_not = 401 if role == "anonymous" else 403
        if ROLES.index(role) < place:
            good = status == may_not
        else:
            good = status == right if right else status not in (401, 403) and status < 500
        if not good:
            faults.append(f"{method} {at} {body} as {role}: {status}")
    return faults


def test_each_role_contains_the_one_below_it() -> None:
    held = [somebody(role).get_all_permissions() for role in PEOPLE]
    assert all(lower < higher for lower, higher in pairwise(held))


def test_pages_are_for_whom_the_table_says(clients: dict[str, Client], ids: dict[str, Any]) -> None:
    known, found = addresses(), list[str]()
    for name, method, lowest, status, *body in rows(PAGES):
        asked = (method, where(name, known[name], ids), " ".join(body).format(**ids))
        found += faults_of(clients, asked, lowest, int(status))
    assert found == []


def test_tables_are_for_whom_the_table_says(clients: dict[str, Client], ids: dict[str, Any]) -> None:
    known, found = addresses(), list[str]()
    for table, *lowest in rows(MODELS):
        first = tables()[table]._default_manager.order_by("pk").values_list("pk", flat=True).first()
        for action, role in zip(CRUD, lowest, strict=True):
            name = f"admin:{table}_{action}"
            at = where(name, known[name], {**ids, "object_id": first or 99_999_999})
            found += faults_of(clients, ("GET", at, ""), role, None)
    assert found == []


# --- Programs -----------------------------------------------------------------------------------------------------


def asked_of(method: str, path: str) -> tuple[str, str]:
    """Return a route with something in the place of its parts: rows that do not exist."""
    parts = {"token": UNKNOWN, "kind": "merge", "what": "stories"}
    return method, re.sub(r"{(\w+)}", lambda name: parts.get(name[1], "99999999"), path)


def status_of(token: str, method: str, address: str) -> int:
    """Return how a program is answered that sends an empty body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = "" if method == "GET" else "{}"
    return Client(headers=headers).generic(method, address, body, "application/json").status_code


def test_routes_are_for_whom_the_table_says(settings: Settings) -> None:
    settings.API_REQUESTS_A_MINUTE = 0
    scopes = ApiToken.Scope.values
    only = {scope: token_for([scope]) for scope in scopes}
    all_but = {scope: token_for([other for other in scopes if other != scope]) for scope in scopes}
    found = []
    for method, path, needed in rows(ROUTES):
        asked = asked_of(method, path)
        given = [status_of("", *asked), status_of(all_but[needed], *asked), status_of(only[needed], *asked)]
        if given[:2] != [401, 403] or given[2] not in DONE:
            found.append(f"{method} {path} without a token, with all scopes but {needed}, with it alone: {given}")
    assert found == []


DONE = (200, 201, 202, 404, 409, 422)
"""What is answered to who may, for something that is not there or an empty body."""

LOWEST = {"read": "viewer", "chat_read": "viewer", "review": "reviewer", "import": "operator", "operate": "operator"}
"""Which role the person must have for whom a token acts, by its scope."""


def test_no_token_does_more_than_its_person(settings: Settings) -> None:
    settings.API_REQUESTS_A_MINUTE = 0
    tokens = {role: token_for(list(LOWEST), role) for role in PEOPLE}
    found = []
    for method, path, needed in rows(ROUTES):
        if not path.startswith("/api/v1/"):
            continue  # front ends act for nobody
        place = ROLES.index(LOWEST[needed])
        for role in PEOPLE[max(place - 2, 0) : place]:  # the lowest that may, and the one below, if there is one
            status = status_of(tokens[role], *asked_of(method, path))
            may = ROLES.index(role) >= place
            if status not in DONE if may else status != 403:
                found.append(f"{method} {path} for the {role}: {status}")
    assert found == []
