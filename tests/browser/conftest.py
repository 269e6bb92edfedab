"""A real browser in front of a real server. Where there is none, the tests are skipped and say so."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from tests.support.factories import UserFactory

CHROMIUM = os.environ.get("CHROMIUM") or next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, driven by Playwright, which keeps an event loop in this thread until the module ends."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium, or name one by CHROMIUM")
    # in a thread with an event loop Django would refuse to be asked
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=OPTIONS)
        yield started
        started.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


@dataclass
class Watched:
    """What went wrong in a page: errors of scripts and the console, failed requests, requests to other hosts."""

    host: str
    wrong: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        """Look at everything the page does from now on."""
        page.on("console", lambda said: self.wrong.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("requestfailed", lambda asked: self._failed(asked))
        page.on("response", self._answered)
        page.on("request", self._asked)

    def _failed(self, asked: Any) -> None:
        if "ERR_ABORTED" not in (asked.failure or ""):  # a page that was left aborts what it asked for
            self.wrong.append(f"failed: {asked.url} {asked.failure}")

    def _answered(self, answer: Any) -> None:
        if answer.status >= 400:
            self.wrong.append(f"{answer.status}: {answer.url}")

    def _asked(self, asked: Any) -> None:
        if urlsplit(asked.url).scheme in ("http", "https", "ws", "wss") and urlsplit(asked.url).netloc != self.host:
            self.wrong.append(f"another host: {asked.url}")


Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, live_server: LiveServer) -> Iterator[Open]:
    """A way to open a page as a person in a role; at the end nothing may have gone wrong in any of them."""
    watched, contexts = Watched(urlsplit(live_server.url).netloc), []

    def open_as(user: User, path: str = "/admin/", **look: Any) -> Any:
        client = Client()
        client.force_login(user)
        context = browser.new_context(base_url=live_server.url, locale="en-GB", timezone_id="Europe/Berlin", **look)
        contexts.append(context)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
        context.set_default_timeout(240_000)
        page = context.new_page()
        watched.watch(page)
        page.goto(path)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert watched.wrong == []


def somebody(role: str) -> User:
    """Return a person in a role."""
    user: User = UserFactory(username=f"{role}-{User.objects.count()}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user
