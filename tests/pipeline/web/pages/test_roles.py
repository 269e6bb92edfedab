"""The roles that a migration made, and what each may do on the pages."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.pipeline.web.pages.scenes import address, client_of
from tests.support.factories import OrphanFactory, RunFactory, StoryFactory, UserFactory
from tests.support.shelves import watched_company

pytestmark = pytest.mark.django_db

ROLES = ("viewer", "reviewer", "operator", "admin")


def somebody(role: str) -> User:
    user: User = UserFactory(username=f"the {role}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def client(role: str) -> Client:
    return client_of(somebody(role))


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_every_page(role: str) -> None:
    mine = client(role)
    for page in (
        "index", "stories", "review", "orphans", "search", "customers", "companies", "company_changes", "books", "runs",
        "schedules",
    ):  # fmt: skip
        assert mine.get(address(page)).status_code == 200, page


MAY = {
    "approve": {"reviewer", "operator", "admin"},
    "dismiss an orphan": {"reviewer", "operator", "admin"},
    "comment": {"reviewer", "operator", "admin"},
    "set a company's status": {"reviewer", "operator", "admin"},
    "new run": {"operator", "admin"},
    "stop": {"operator", "admin"},
    "add a user": {"admin"},
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", MAY)
def test_each_role_may_do_what_it_is_for_and_nothing_else(role: str, what: str) -> None:
    mine = client(role)
    status = {
        "approve": lambda: mine.post(address("story_act", StoryFactory(conversations=1).pk), {"do": "approve"}),
        "dismiss an orphan": lambda: mine.post(
            address("orphans_act"), {"do": f"dismiss:{OrphanFactory(conversations=1).pk}"}
        ),
        "comment": lambda: mine.post(
            address("story_act", StoryFactory(conversations=1).pk), {"do": "comment", "text": "x"}
        ),
        "set a company's status": lambda: mine.post(
            address("company_act", watched_company().pk), {"do": "override", "status": "unknown", "reason": "x"}
        ),
        "new run": lambda: mine.get(address("new_run")),
        "stop": lambda: mine.post(address("run_act", RunFactory(state="running").pk), {"do": "stop"}),
        "add a user": lambda: mine.get("/admin/auth/user/add/"),
    }[what]().status_code
    assert (status < 400) == (role in MAY[what]), status


def test_no_role_may_rewrite_what_was_decided() -> None:
    for role in ROLES:
        held = somebody(role).get_all_permissions()
        assert not {right for right in held if right.endswith(("_logentry", "change_change"))} or role == "admin"
