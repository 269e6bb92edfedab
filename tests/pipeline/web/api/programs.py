"""Programs that call the REST API in tests: with a token of some scopes, in the name of somebody."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from pipeline.access import make_token
from pipeline.models import ApiToken
from tests.support.factories import UserFactory

ROOT = "/api/v1"


def somebody(role: str) -> User:
    """Return the person of a role that a migration made; the same each time."""
    user: User = UserFactory(username=f"the {role}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def token_for(scopes: Sequence[str], role: str = "admin", name: str = "") -> str:
    """Return a new token for these scopes, that acts for somebody of the role."""
    name = name or f"{' '.join(scopes)} {ApiToken.objects.count()}"
    return make_token(name=name, at=timezone.now(), scopes=scopes, acts_for=somebody(role))[1]


class Program:
    """Sends requests below /api/v1 with a token of all scopes, unless some are named."""

    def __init__(self, *scopes: str, role: str = "admin") -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token_for(scopes or ApiToken.Scope.values, role)}"})

    def get(self, where: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        """Ask for something."""
        return self.client.get(f"{ROOT}{where}", query, headers=headers or {})

    def send(self, where: str, method: str = "POST", key: str | None = None, **body: Any) -> Any:
        """Send JSON, under an idempotency key if one is given."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        return self.client.generic(method, f"{ROOT}{where}", json.dumps(body), "application/json", headers=headers)

    def read(self, where: str, **query: Any) -> Any:
        """Return what is answered; it must be there."""
        return said(self.get(where, **query))

    def do(self, where: str, method: str = "POST", key: str | None = None, **body: Any) -> Any:
        """Send JSON and return what is answered; it must be done."""
        return said(self.send(where, method, key, **body))

    def all(self, where: str, limit: int = 2, cursor: str | None = "", **query: Any) -> list[Any]:
        """Return the rows of all pages of a list, from a cursor on if one is given."""
        found: list[Any] = []
        while cursor is not None:
            page = self.read(where, limit=limit, **query, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            cursor = page["next"]
        return found


def said(answer: Any) -> Any:
    """Return what a good answer says."""
    assert answer.status_code < 300, (answer.status_code, answer.content.decode()[:1000])
    return json.loads(answer.content)


def problem(answer: Any) -> Any:
    """Return a bad answer, which has the one shape."""
    assert answer.status_code >= 400, answer.content.decode()[:500]
    assert answer["Content-Type"] == "application/problem+json"
    found = json.loads(answer.content)
    assert set(found) == {"type", "title", "status", "detail", "instance", "code", "what_to_do", "fields"}
    assert found["status"] == answer.status_code
    assert all(found[name] for name in ("title", "detail", "instance", "code", "what_to_do"))
    return found
