"""Everything that goes wrong in an API, answered in one shape: RFC 9457's problem details, with what to do.

Both APIs use it, this one and that of the chats. A `Refusal` says the same sentence here as on the pages.
"""

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

from pipeline.access import OutOfScopeError
from pipeline.extract.base import UnknownExtractor
from pipeline.extract.profiles import UnknownProfile
from pipeline.models.refusal import Refusal
from pipeline.reports.companies import UnknownCompany
from pipeline.reports.exports import UnknownExport
from pipeline.sources.ingest import WouldReplace
from pipeline.sources.records import UnreadableSource
from pipeline.sources.remedies import in_api
from pipeline.sources.understanding.column_names import UnknownColumn
from pipeline.sources.understanding.times import BadDateFormat

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

RETRY_AFTER = 2
"""Seconds after which a caller should try again when the database was away."""

Handler = Callable[[HttpRequest, Any], HttpResponse]


class FieldProblem(Schema):
    """A field that was not as it should be: where it stood, which rule it broke, and what that asks for."""

    field: str
    rule: str
    message: str


class Problem(Schema):
    """Every error has this shape (RFC 9457). `code` tells programs what it is, `detail` and `what_to_do` people."""

    type: str = Field(description="always about:blank: the title is that of the status, `code` says more")
    title: str
    status: int
    detail: str
    instance: str = Field(description="the address that was asked")
    code: str
    what_to_do: str
    fields: list[FieldProblem]


class TooManyRequests(Exception):
    """A token sent more than it may in a minute; `seconds` until it may again."""

    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__(f"The token sent more than {limit} requests within a minute.")
        self.seconds = seconds


class KeyReused(Exception):
    """An idempotency key that belongs to another write of this token."""


class KeyInUse(Exception):
    """An idempotency key whose write has begun and has no answer yet."""


def problem(
    request: HttpRequest,
    status: int,
    code: str,
    detail: str,
    to_do: str,
    fields: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return an error in our shape; `detail` and `to_do` are sentences."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "code": code,
        "what_to_do": to_do,
        "fields": fields or [],
    }
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))


def docs_of(request: HttpRequest) -> str:
    """Return where the API that was asked is described."""
    namespace = request.resolver_match.namespace if request.resolver_match else ""
    return reverse(f"{namespace or 'api'}:openapi-view")


# --- What ninja does not answer itself ----------------------------------------------------------------------------


@csrf_exempt
def unknown_address(request: HttpRequest) -> HttpResponse:
    """Answer for every address below an API's that is none of its own."""
    return problem(request, 404, "unknown_address", "There is nothing at this address.", f"See {docs_of(request)}.")


def in_our_shape(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer in the shape of a problem where ninja itself says that there is no such method."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        what = f"This address does not know {request.method}."
        allowed = {"Allow": response["Allow"]}
        return problem(request, 405, "method_not_allowed", what, f"See {docs_of(request)}.", headers=allowed)

    return answered


def refuse_unmeasured_bodies(request: HttpRequest, largest: int) -> HttpResponse | None:
    """Return a refusal of a body that is too large or does not say its length: Django reads nothing of those."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and "HTTP_TRANSFER_ENCODING" in request.META:
        what = "The body does not say how long it is."
        return problem(request, 411, "length_required", what, "Send it whole with a Content-Length, not in chunks.")
    return too_large(request, largest) if length.isdecimal() and int(length) > largest else None


def too_large(request: HttpRequest, largest: int) -> HttpResponse:
    """Answer for a body larger than so many bytes."""
    what = f"The body is larger than {largest} bytes."
    return problem(request, 413, "too_large", what, "Send a smaller one.")


# --- Exceptions ---------------------------------------------------------------------------------------------------


def _larger_than_read(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(request, 413, "too_large", "The body is larger than is read at once.", "Send a smaller one.")


def _not_authenticated(request: HttpRequest, error: Exception) -> HttpResponse:
    to_do = (
        "Send the header `Authorization: Bearer TOKEN`; make one with ./manage.py api_token make NAME --scope SCOPE."
    )
    headers = {"WWW-Authenticate": "Bearer"}
    return problem(request, 401, "no_token", "The request has no valid token.", to_do, headers=headers)


def _out_of_scope(request: HttpRequest, error: Exception) -> HttpResponse:
    to_do = "Use a token for it: ./manage.py api_token make NAME --scope SCOPE --for USER."
    return problem(request, 403, "out_of_scope", str(error), to_do)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = [{"field": _field(each["loc"]), "rule": each["type"], "message": each["msg"]} for each in error.errors]
    names = ", ".join(dict.fromkeys(each["field"] for each in fields))
    to_do = "Change the fields as their messages say."
    return problem(request, 422, "invalid", f"Not valid: {names}.", to_do, fields)


def _field(location: tuple[str | int, ...]) -> str:
    """Return where it is, without the name our function has for the body."""
    place, *path = location
    return ".".join(map(str, (place, *(path[1:] if place == "body" else path))))


def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    detail = str(error).rstrip(".")
    return problem(request, error.status_code, "unreadable", f"{detail}.", f"See {docs_of(request)}.")


def _broken(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(request, 400, "unreadable", "The body cannot be read.", f"See {docs_of(request)}.")


def _not_found(request: HttpRequest, error: Exception) -> HttpResponse:
    to_do = "Look at the id; the row may have been removed, or merged into another."
    return problem(request, 404, "not_found", "Not found.", to_do)


def unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer while a server of ours is away: the caller may try again."""
    logger.warning("%s %s: %s", request.method, request.path, error)
    to_do = f"Send the same request again in {RETRY_AFTER} s; a write with an idempotency key happens once."
    headers = {"Retry-After": str(RETRY_AFTER)}
    return problem(request, 503, "unavailable", "The database is away or busy.", to_do, headers=headers)


def _too_many(request: HttpRequest, error: TooManyRequests) -> HttpResponse:
    to_do = f"Send the same request again in {error.seconds} s."
    headers = {"Retry-After": str(error.seconds)}
    return problem(request, 429, "too_many_requests", str(error), to_do, headers=headers)


def _key_reused(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(request, 422, "key_reused", str(error), "Send another write under another Idempotency-Key.")


def _key_in_use(request: HttpRequest, error: Exception) -> HttpResponse:
    to_do = "Look at what became of it. If nothing did, send it under another Idempotency-Key."
    return problem(request, 409, "key_in_use", str(error), to_do)


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer for what the project itself refuses: a conflict with what there is, unless the request is at fault."""
    status = 404 if isinstance(error, UnknownCompany) else 422 if _is_about_the_request(error) else 409
    return problem(request, status, "refused", sentence(error), "Nothing was changed; do what it says.")


def _is_about_the_request(error: Exception) -> bool:
    at_fault = (UnreadableSource, UnknownProfile, UnknownExtractor, UnknownColumn, BadDateFormat, UnknownExport)
    return isinstance(error, at_fault) and not isinstance(error, WouldReplace)


def sentence(error: Exception) -> str:
    """Return what an exception says, as a sentence begins, with the API's names for what can be said otherwise."""
    text = in_api(str(error))
    return f"{text[:1].upper()}{text[1:]}"


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("%s %s failed", request.method, request.path)
    return problem(request, 500, "failed", "Something went wrong on our side.", "Look at the server's log.")


HANDLERS: dict[type[Exception], Handler] = {
    RequestDataTooBig: _larger_than_read,
    AuthenticationError: _not_authenticated,
    OutOfScopeError: _out_of_scope,
    TooManyRequests: _too_many,
    KeyReused: _key_reused,
    KeyInUse: _key_in_use,
    ValidationError: _invalid,
    HttpError: _unreadable,
    MultiPartParserError: _broken,
    BadRequest: _broken,
    SuspiciousOperation: _broken,
    UnreadablePostError: _broken,
    Http404: _not_found,
    ObjectDoesNotExist: _not_found,
    UnknownColumn: _refused,
    BadDateFormat: _refused,
    Refusal: _refused,
    OperationalError: unavailable,
    InterfaceError: unavailable,
    Exception: _failed,
}
"""Which answer each exception gets; the nearest class counts."""


def answer_errors(api: NinjaAPI, more: Mapping[type[Exception], Handler] | None = None) -> None:
    """Let an API answer every error in our shape; `more` has handlers of its own for some."""
    for error, handler in {**HANDLERS, **(more or {})}.items():
        api.add_exception_handler(error, handler)
