"""Everything that goes wrong in the API, answered in one shape: what, where, and what to do."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from sessions.api.tokens import OutOfScopeError
from sessions.chat import inbox
from sessions.chat.opening import SessionUnavailableError
from sessions.chat.takeover import AlreadyTakenOverError

logger = logging.getLogger(__name__)

RETRY_AFTER = 2
"""Seconds after which a caller should try again when the database was away."""


def refuse_large_bodies(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer before anything is read or looked up. Django reads nothing of a body that does not say its length."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length and "HTTP_TRANSFER_ENCODING" in request.META:
            return _without_length(request)
        if length.isdecimal() and int(length) > settings.SESSION_BODY_LIMIT:
            return _too_large(request)
        return view(request, *args, **kwargs)

    return checked


@csrf_exempt
def unknown_address(request: HttpRequest) -> HttpResponse:
    """Answer for every address below the API's that is none of its own."""
    return _problem(request, 404, "unknown_address", "There is nothing at this address.", f"See {_docs()}.")


def in_our_shape(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer in the shape of a problem where ninja itself says that there is no such method."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        what = f"This address does not know {request.method}."
        problem = _problem(request, 405, "method_not_allowed", what, f"See {_docs()}.")
        problem["Allow"] = response["Allow"]
        return problem

    return answered


def _problem(
    request: HttpRequest, status: int, code: str, what: str, to_do: str, fields: list[dict[str, str]] | None = None
) -> HttpResponse:
    where = f"{request.method} {request.path}"
    body = {"code": code, "what": what, "where": where, "what_to_do": to_do, "fields": fields or []}
    return JsonResponse(body, status=status)


def _docs() -> str:
    return reverse("chat_api:openapi-view")


def _too_large(request: HttpRequest) -> HttpResponse:
    what = f"The body is larger than {settings.SESSION_BODY_LIMIT} bytes."
    return _problem(request, 413, "too_large", what, "Send a smaller one; send images by their addresses.")


def _without_length(request: HttpRequest) -> HttpResponse:
    what = "The body does not say how long it is."
    return _problem(request, 411, "length_required", what, "Send it whole with a Content-Length, not in chunks.")


def _larger_than_it_said(request: HttpRequest, error: Exception) -> HttpResponse:
    return _too_large(request)


def _not_authenticated(request: HttpRequest, error: Exception) -> HttpResponse:
    to_do = "Send the header `Authorization: Bearer TOKEN`; make a token with ./manage.py chat_token make NAME."
    response = _problem(request, 401, "no_token", "The request has no valid token.", to_do)
    response["WWW-Authenticate"] = "Bearer"
    return response


def _out_of_scope(request: HttpRequest, error: Exception) -> HttpResponse:
    to_do = "Make another token with ./manage.py chat_token make NAME --scope SCOPE."
    return _problem(request, 403, "out_of_scope", str(error), to_do)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = [{"field": _field(each["loc"]), "rule": each["type"], "message": each["msg"]} for each in error.errors]
    names = ", ".join(dict.fromkeys(each["field"] for each in fields))
    return _problem(request, 422, "invalid", f"Not valid: {names}.", "Change the fields as their messages say.", fields)


def _field(location: tuple[str | int, ...]) -> str:
    """Return where it is, without the name our function has for the body."""
    place, *path = location
    return ".".join(map(str, (place, *(path[1:] if place == "body" else path))))


def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _problem(request, error.status_code, "unreadable", f"{error}.", f"Send JSON; see {_docs()}.")


def _not_found(request: HttpRequest, error: Exception) -> HttpResponse:
    to_do = "Look at the id; rows that are over are removed after SESSION_LENGTHS['retention']."
    return _problem(request, 404, "not_found", "Not found.", to_do)


def _taken(request: HttpRequest, error: Exception) -> HttpResponse:
    return _problem(request, 409, "already_taken_over", str(error), "Release it first, or wait.")


def _too_many(request: HttpRequest, error: inbox.TooManyMessagesError) -> HttpResponse:
    to_do = f"Send the same message again in {error.seconds} s."
    response = _problem(request, 429, "too_many_messages", str(error), to_do)
    response["Retry-After"] = str(error.seconds)
    return response


def _away(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.warning("%s %s: %s", request.method, request.path, error)
    to_do = f"Send the same request again in {RETRY_AFTER} s; a message is stored once, however often it is sent."
    response = _problem(request, 503, "unavailable", "The database is away or busy.", to_do)
    response["Retry-After"] = str(RETRY_AFTER)
    return response


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("%s %s failed", request.method, request.path)
    return _problem(request, 500, "failed", "Something went wrong on our side.", "Look at the server's log.")


_HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    RequestDataTooBig: _larger_than_it_said,
    AuthenticationError: _not_authenticated,
    OutOfScopeError: _out_of_scope,
    ValidationError: _invalid,
    HttpError: _unreadable,
    Http404: _not_found,
    ObjectDoesNotExist: _not_found,
    AlreadyTakenOverError: _taken,
    inbox.TooManyMessagesError: _too_many,
    SessionUnavailableError: _away,
    OperationalError: _away,
    InterfaceError: _away,
    Exception: _failed,
}


def answer_errors(api: NinjaAPI) -> None:
    """Let the API answer every error in our shape."""
    for error, handler in _HANDLERS.items():
        api.add_exception_handler(error, handler)
