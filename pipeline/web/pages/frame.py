"""What all pages share: who may see them, the bar on top, the policy for scripts, and since when things are new."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from pipeline.models import Visit
from pipeline.review.stream import open_question_count

POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Of our pages: a script runs only if the page itself names it with this answer's nonce; none stands in the text."""

VISIT_ENDS = timedelta(hours=1)
"""Silence after which the next page belongs to a new visit."""

SEEN_EVERY = timedelta(minutes=1)
"""How often a visit is noted, so that not each page writes a row."""


# --- Who may see a page -------------------------------------------------------------------------------------------


def page(*rights: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Return a decorator for a view that asks for these permissions; PermissionDenied names the one that is missing."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            require(request, *rights)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def require(request: HttpRequest, *rights: str) -> None:
    """Raise PermissionDenied unless the person has all of these permissions."""
    for right in rights:
        if not request.user.has_perm(right):
            raise PermissionDenied(f"this needs the permission {right}. Ask an administrator for it.")


# --- The answer ---------------------------------------------------------------------------------------------------


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int | None = None
) -> TemplateResponse:
    """Return a page, or a part of one, with the policy that lets only its own scripts run."""
    # new for each answer: a script that somebody smuggled into a text cannot know it
    nonce = secrets.token_urlsafe(16)
    known = {**admin.site.each_context(request), "nonce": nonce, "may": May(request), **context}
    response = TemplateResponse(request, template, known, status=status)
    response.headers["Content-Security-Policy"] = POLICY.format(nonce=nonce)
    return response


@dataclass(frozen=True, slots=True)
class May:
    """What a person may do, for templates: only what they may is offered."""

    request: HttpRequest

    def _has(self, right: str) -> bool:
        return self.request.user.has_perm(right)

    @property
    def review(self) -> bool:
        return self._has("pipeline.change_story")

    @property
    def decide(self) -> bool:
        return self._has("pipeline.change_signature")

    @property
    def wait(self) -> bool:
        return self._has("pipeline.change_orphan")

    @property
    def comment(self) -> bool:
        return self._has("pipeline.add_comment")

    @property
    def operate(self) -> bool:
        return self._has("pipeline.operate_run")


# --- The bar ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the bar; `key` is what follows a g to get there."""

    name: str
    url: str
    key: str
    is_current: bool
    count: int = 0


PLACES = (
    ("Home", "index", "h", "pipeline.view_story"),
    ("Stories", "stories", "s", "pipeline.view_story"),
    ("Review", "review", "r", "pipeline.view_story"),
    ("Orphans", "orphans", "o", "pipeline.view_orphan"),
    ("Conversations", "search", "c", "pipeline.view_conversation"),
    ("Customers", "customers", "u", "pipeline.view_conversation"),
    ("Companies", "companies", "m", "pipeline.view_company"),
    ("Runs", "runs", "n", "pipeline.view_run"),
)
"""Name, address, key and permission; those a person may not see are left out."""


def bar(request: HttpRequest) -> list[Entry]:
    """Return the places this person may go to. Asks one question, for the number that stands at Review."""
    here = request.resolver_match.url_name if request.resolver_match else ""
    entries = []
    for name, address, key, right in PLACES:
        if request.user.has_perm(right):
            count = question_count(request) if address == "review" else 0
            entries.append(Entry(name, reverse(f"admin:{address}"), key, _is_in(here or "", address), count))
    if request.user.has_perm("chat.view_session"):
        entries.append(Entry("Chats", reverse("admin:app_list", args=["chat"]), "t", "/chat/" in request.path))
    entries.append(
        Entry("Admin", reverse("admin:administration"), "a", request.path.startswith("/admin/administration"))
    )
    return entries


def question_count(request: HttpRequest) -> int:
    """Return how many questions wait, counted once for a request."""
    if not hasattr(request, "question_count"):
        request.question_count = open_question_count()  # type: ignore[attr-defined]
    return int(request.question_count)  # type: ignore[attr-defined]


def _is_in(here: str, address: str) -> bool:
    """Whether a page belongs to a place: `story` and `story_parts` belong to `stories`."""
    singular = f"{address[:-3]}y" if address.endswith("ies") else address.removesuffix("s")
    also: dict[str, tuple[str, ...]] = {
        "search": ("conversation", "book", "chapter"),
        "runs": ("new_run", "schedules"),
        "stories": ("map",),
    }
    if here.startswith(also.get(address, ("-",))):
        return True
    return here == address or here.split("_")[0] == singular


# --- What is new to whom ------------------------------------------------------------------------------------------


def since_last_visit(request: HttpRequest) -> datetime | None:
    """Return when the person's visit before this one ended; None for the first. Notes that they are here.

    A visit ends after an hour of silence. One question, and one write a minute.
    """
    now = timezone.now()
    visit = Visit.objects.filter(pk=request.user.pk).first()
    if visit is None:
        # one statement; of two tabs that open at once one writes the row
        Visit.objects.bulk_create([Visit(user_id=cast(int, request.user.pk), seen_at=now)], ignore_conflicts=True)
        return None
    if now - visit.seen_at > VISIT_ENDS:
        # guarded: of two tabs that open at once one begins the visit
        Visit.objects.filter(pk=visit.pk, seen_at=visit.seen_at).update(since_at=visit.seen_at, seen_at=now)
        return visit.seen_at
    if now - visit.seen_at > SEEN_EVERY:
        Visit.objects.filter(pk=visit.pk).update(seen_at=now)
    return visit.since_at


def flower_url() -> str:
    """Return where Flower answers, if anybody said so."""
    return str(getattr(settings, "FLOWER_URL", ""))
