"""The HTTP API for front ends. It checks what comes in, calls one function, and answers errors in one shape."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, URLResolver, re_path, reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI, Path, Query, Status
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer
from pydantic import AwareDatetime

from sessions import tasks
from sessions.answering import schemas as shapes
from sessions.api.tokens import find_token
from sessions.chat import inbox, messages
from sessions.chat.context import Context
from sessions.chat.durations import LONGEST_TAKEOVER
from sessions.chat.opening import SessionUnavailableError, end_session, escalate_session
from sessions.chat.takeover import AlreadyTakenOverError, extend_takeover, release, standing_takeover, take_over
from sessions.models import ApiToken, Message, Session, Takeover
from sessions.upkeep.metrics import SessionMetrics, session_metrics

logger = logging.getLogger(__name__)

RETRY_AFTER = 2
"""Seconds after which a caller should try again when the database was away."""


class Bearer(HttpBearer):
    """`Authorization: Bearer TOKEN`, a token made by `./manage.py chat_token make NAME`."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        return find_token(token.strip())


api = NinjaAPI(
    title="Leitmotif chat",
    version="1",
    description="Messages of chat users and the answers to them. Every error has the shape `Problem`.",
    auth=Bearer(),
    urls_namespace="chat_api",
)


def _refuse_large_bodies(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
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


api.add_decorator(_refuse_large_bodies, mode="view")

ERRORS = dict.fromkeys((401, 404, 411, 413, 422, 503), shapes.Problem)
Row = Path[shapes.RowId]
From = Query[shapes.RowId | None]


# --- Messages -----------------------------------------------------------------------------------------------------


@api.post("/messages", response={202: shapes.Accepted, 429: shapes.Problem, **ERRORS}, tags=["messages"])
def post_message(request: HttpRequest, body: shapes.MessageIn) -> Status[dict[str, Any]]:
    """Store a user's message and send for its answer.

    The answer comes by webhook, or is polled at `poll`. A message that is sent again, with the same `user_id` and
    `key`, is stored and answered once, and gets the same reply as the first time.
    """
    received = inbox.accept(
        user_id=body.user_id,
        key=body.key,
        at=timezone.now(),
        text=body.text,
        image_urls=body.image_urls,
        zone=ZoneInfo(body.zone) if body.zone else None,
        expected=Context(project_id=body.project_id, task_id=body.task_id),
    )
    if received.message.awaits_an_answer:
        tasks.answer_soon(user_id=body.user_id)
    return Status(202, _accepted(received.message))


def _accepted(message: Message) -> dict[str, Any]:
    poll = reverse("chat_api:get_message", args=[message.pk])
    names = ("id", "user_id", "key", "session_id", "sent_at")
    return {**{name: getattr(message, name) for name in names}, "poll": poll}


@api.get("/messages/{message_id}", response={200: shapes.AnswerOut, **ERRORS}, tags=["messages"])
def get_message(request: HttpRequest, message_id: Row) -> dict[str, Any]:
    """Return a user's message and the reply to it, once there is one; `state` says what to expect."""
    message = Message.objects.get(pk=message_id, role=Message.Role.CUSTOMER)
    return {"message": message, "reply": messages.answer_to(message)}


@api.get("/messages", response={200: shapes.History, **ERRORS}, tags=["messages"])
def list_messages_of_user(
    request: HttpRequest, user_id: Query[shapes.Name], before: From = None, limit: shapes.Limit = 50
) -> dict[str, Any]:
    """Return the messages of a user over all sessions, the newest first; `before` takes `next` of the last page."""
    found = messages.history_of_user(user_id, before_id=before, limit=limit + 1)
    return _page(found, limit)


# --- Sessions -----------------------------------------------------------------------------------------------------


@api.get("/sessions", response={200: list[shapes.SessionOut], **ERRORS}, tags=["sessions"])
def list_sessions_of_user(
    request: HttpRequest, user_id: Query[shapes.Name], state: Query[Session.State | None] = None
) -> list[Session]:
    """Return the latest 50 sessions of a user, the newest first; with `state=active`, the open one or none."""
    found = Session.objects.filter(user_id=user_id)
    return list((found.filter(state=state) if state else found)[:50])


@api.get("/sessions/{session_id}", response={200: shapes.SessionOut, **ERRORS}, tags=["sessions"])
def get_session(request: HttpRequest, session_id: Row) -> Session:
    """Return a session."""
    return Session.objects.get(pk=session_id)


@api.get("/sessions/{session_id}/messages", response={200: shapes.History, **ERRORS}, tags=["sessions"])
def list_messages_of_session(
    request: HttpRequest, session_id: Row, after: From = None, limit: shapes.Limit = 50
) -> dict[str, Any]:
    """Return the messages of a session, the oldest first; `after` takes `next` of the last page."""
    Session.objects.only("pk").get(pk=session_id)
    return _page(messages.history_of_session(session_id, after_id=after or 0, limit=limit + 1), limit)


@api.post("/sessions/{session_id}/messages", response={200: shapes.MessageOut, **ERRORS}, tags=["sessions"])
def say(request: HttpRequest, session_id: Row, body: shapes.SaidIn) -> Message:
    """Store what a person answered the user, who has got it already; once for each `key`."""
    said = messages.say(session_id=session_id, text=body.text, at=timezone.now(), author=body.by, key=body.key)
    if said.role != Message.Role.AGENT:
        raise _invalid_field("key", "not_taken", "is the id of a message that the user sent")
    return said


@api.post("/sessions/{session_id}/end", response={200: shapes.SessionChanged, **ERRORS}, tags=["sessions"])
def end(request: HttpRequest, session_id: Row) -> dict[str, Any]:
    """End a session as its user asked; the next message opens another."""
    changed = end_session(session_id=session_id, at=timezone.now(), reason=Session.Reason.USER_REQUEST)
    return {"changed": changed, "session": Session.objects.get(pk=session_id)}


@api.post("/sessions/{session_id}/escalate", response={200: shapes.SessionChanged, **ERRORS}, tags=["sessions"])
def escalate(request: HttpRequest, session_id: Row) -> dict[str, Any]:
    """Hand a session to people: the user's messages are kept, and not answered by the automation, until a person
    takes over and releases the user, or for the length the setting says. The next message opens another session."""
    changed = escalate_session(session_id=session_id, at=timezone.now())
    return {"changed": changed, "session": Session.objects.get(pk=session_id)}


def _page(found: list[Message], limit: int) -> dict[str, Any]:
    """Return a page; `found` has one message more than belongs on it, if there is another page."""
    page = found[:limit]
    return {"messages": page, "next": page[-1].pk if len(found) > limit else None}


# --- Takeover -----------------------------------------------------------------------------------------------------


@api.post("/takeovers", response={200: shapes.TakeoverOut, 409: shapes.Problem, **ERRORS}, tags=["takeover"])
def begin_takeover(request: HttpRequest, body: shapes.TakeoverIn) -> Takeover:
    """Let a person answer the user instead of the automation; their messages are kept, and not answered by it."""
    now = timezone.now()
    _check_end(body.until, now)
    return take_over(user_id=body.user_id, by=body.by, at=now, until=body.until)


@api.get("/takeovers", response={200: list[shapes.TakeoverOut], **ERRORS}, tags=["takeover"])
def get_takeover(request: HttpRequest, user_id: Query[shapes.Name]) -> list[Takeover]:
    """Return the takeover that holds back the automation now, as a list of one or none.

    `taken_by` is empty while a user whose session was escalated waits for a person.
    """
    standing = standing_takeover(user_id, at=timezone.now())
    return [standing] if standing else []


@api.post("/takeovers/extend", response={200: shapes.Changed, **ERRORS}, tags=["takeover"])
def extend(request: HttpRequest, body: shapes.TakeoverIn) -> dict[str, bool]:
    """Let a person's own takeover last longer; `changed` is false if they have none."""
    now = timezone.now()
    _check_end(body.until, now)
    return {"changed": extend_takeover(user_id=body.user_id, by=body.by, at=now, until=body.until)}


@api.post("/takeovers/release", response={200: shapes.Changed, **ERRORS}, tags=["takeover"])
def end_takeover(request: HttpRequest, body: shapes.ReleaseIn) -> dict[str, bool]:
    """Let the automation answer the user again; what was kept meanwhile stays the person's."""
    return {"changed": release(user_id=body.user_id, by=body.by, at=timezone.now())}


def _check_end(until: datetime | None, now: datetime) -> None:
    if until is not None and until <= now:
        raise _invalid_field("until", "later_than_now", f"must be later than {now.isoformat()}")
    if until is not None and until - now > LONGEST_TAKEOVER:
        raise _invalid_field("until", "too_late", f"must be at most {LONGEST_TAKEOVER.days} days from now")


def _invalid_field(name: str, rule: str, message: str) -> ValidationError:
    return ValidationError([{"loc": ("body", "body", name), "type": rule, "msg": message}])


# --- Metrics ------------------------------------------------------------------------------------------------------


@api.get("/metrics", response={200: shapes.MetricsOut, **ERRORS}, tags=["metrics"])
def get_metrics(
    request: HttpRequest, since: Query[AwareDatetime | None] = None, until: Query[AwareDatetime | None] = None
) -> SessionMetrics:
    """Return the numbers of the sessions that began in a window, by default of all there ever were."""
    return session_metrics(since=since, until=until)


# --- Errors -------------------------------------------------------------------------------------------------------


@csrf_exempt
def _unknown_address(request: HttpRequest) -> HttpResponse:
    return _problem(request, 404, "unknown_address", "There is nothing at this address.", f"See {_docs()}.")


def _in_our_shape(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
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
    return api.create_response(request, body, status=status)


def _docs() -> str:
    return reverse("chat_api:openapi-view")


def _too_large(request: HttpRequest) -> HttpResponse:
    what = f"The body is larger than {settings.SESSION_BODY_LIMIT} bytes."
    return _problem(request, 413, "too_large", what, "Send a smaller one; send images by their addresses.")


def _without_length(request: HttpRequest) -> HttpResponse:
    what = "The body does not say how long it is."
    return _problem(request, 411, "length_required", what, "Send it whole with a Content-Length, not in chunks.")


@api.exception_handler(RequestDataTooBig)
def _larger_than_it_said(request: HttpRequest, error: Exception) -> HttpResponse:
    return _too_large(request)


@api.exception_handler(AuthenticationError)
def _not_authenticated(request: HttpRequest, error: Exception) -> HttpResponse:
    to_do = "Send the header `Authorization: Bearer TOKEN`; make a token with ./manage.py chat_token make NAME."
    response = _problem(request, 401, "no_token", "The request has no valid token.", to_do)
    response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = [{"field": _field(each["loc"]), "rule": each["type"], "message": each["msg"]} for each in error.errors]
    names = ", ".join(dict.fromkeys(each["field"] for each in fields))
    return _problem(request, 422, "invalid", f"Not valid: {names}.", "Change the fields as their messages say.", fields)


def _field(location: tuple[str | int, ...]) -> str:
    """Return where it is, without the name our function has for the body."""
    place, *path = location
    return ".".join(map(str, (place, *(path[1:] if place == "body" else path))))


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _problem(request, error.status_code, "unreadable", f"{error}.", f"Send JSON; see {_docs()}.")


@api.exception_handler(Http404)
@api.exception_handler(ObjectDoesNotExist)
def _not_found(request: HttpRequest, error: Exception) -> HttpResponse:
    to_do = "Look at the id; rows that are over are removed after SESSION_LENGTHS['retention']."
    return _problem(request, 404, "not_found", "Not found.", to_do)


@api.exception_handler(AlreadyTakenOverError)
def _taken(request: HttpRequest, error: Exception) -> HttpResponse:
    return _problem(request, 409, "already_taken_over", str(error), "Release it first, or wait.")


@api.exception_handler(inbox.TooManyMessagesError)
def _too_many(request: HttpRequest, error: inbox.TooManyMessagesError) -> HttpResponse:
    to_do = f"Send the same message again in {error.seconds} s."
    response = _problem(request, 429, "too_many_messages", str(error), to_do)
    response["Retry-After"] = str(error.seconds)
    return response


@api.exception_handler(SessionUnavailableError)
@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _away(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.warning("%s %s: %s", request.method, request.path, error)
    to_do = f"Send the same request again in {RETRY_AFTER} s; a message is stored once, however often it is sent."
    response = _problem(request, 503, "unavailable", "The database is away or busy.", to_do)
    response["Retry-After"] = str(RETRY_AFTER)
    return response


@api.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("%s %s failed", request.method, request.path)
    return _problem(request, 500, "failed", "Something went wrong on our side.", "Look at the server's log.")


# --- Addresses ----------------------------------------------------------------------------------------------------


def _addresses() -> tuple[list[URLPattern | URLResolver], str, str]:
    patterns, app_name, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.callback is not None:
            pattern.callback = _in_our_shape(pattern.callback)
    return [*patterns, re_path("", _unknown_address)], app_name, namespace


urls = _addresses()
"""For `path("api/", urls)`."""
