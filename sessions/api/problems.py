"""What goes wrong in the chats' API beyond what every API answers: the shape is that of `pipeline.web.api.problems`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from pipeline.web.api.problems import Handler, problem, refuse_unmeasured_bodies, too_large, unavailable
from sessions.chat import inbox
from sessions.chat.opening import SessionUnavailableError
from sessions.chat.takeover import AlreadyTakenOverError


def refuse_large_bodies(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer before anything is read or looked up."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return refuse_unmeasured_bodies(request, settings.SESSION_BODY_LIMIT) or view(request, *args, **kwargs)

    return checked


def _larger_than_it_said(request: HttpRequest, error: Exception) -> HttpResponse:
    return too_large(request, settings.SESSION_BODY_LIMIT)


def _taken(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(request, 409, "already_taken_over", str(error), "Release it first, or wait.")


def _too_many(request: HttpRequest, error: inbox.TooManyMessagesError) -> HttpResponse:
    to_do = f"Send the same message again in {error.seconds} s."
    headers = {"Retry-After": str(error.seconds)}
    return problem(request, 429, "too_many_messages", str(error), to_do, headers=headers)


HANDLERS: dict[type[Exception], Handler] = {
    RequestDataTooBig: _larger_than_it_said,
    AlreadyTakenOverError: _taken,
    inbox.TooManyMessagesError: _too_many,
    SessionUnavailableError: unavailable,
}
