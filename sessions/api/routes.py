"""The HTTP API for front ends. It checks what comes in, calls one function, and answers errors in one shape."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from ninja import NinjaAPI, Path, Query, Status
from ninja.errors import ValidationError
from ninja.security import HttpBearer
from pydantic import AwareDatetime

from pipeline.access import OutOfScopeError, find_token
from pipeline.models import ApiToken
from pipeline.web.api.problems import Problem, answer_errors
from pipeline.web.api.routes import DocsPage, addresses_of
from sessions import tasks
from sessions.answering import schemas as shapes
from sessions.api import problems
from sessions.chat import inbox, messages
from sessions.chat.context import Context
from sessions.chat.durations import LONGEST_TAKEOVER
from sessions.chat.opening import end_session, escalate_session
from sessions.chat.takeover import extend_takeover, release, standing_takeover, take_over
from sessions.models import Message, Session, Takeover
from sessions.upkeep.metrics import SessionMetrics, session_metrics


class Bearer(HttpBearer):
    """`Authorization: Bearer TOKEN`, a token made by `./manage.py api_token make NAME --scope SCOPE`.

    Its scope must be that of the request: `chat_read` for GET, else `chat_write`; `metrics` for the numbers.
    """

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        found = find_token(token.strip())
        if found and (needed := _scope_of(request)) not in found.scopes:
            raise OutOfScopeError(f"The token of {found.name} does not have the scope `{needed}`.")
        return found


def _scope_of(request: HttpRequest) -> str:
    if request.path.endswith("/metrics"):
        return ApiToken.Scope.METRICS
    return ApiToken.Scope.CHAT_READ if request.method in ("GET", "HEAD") else ApiToken.Scope.CHAT_WRITE


api = NinjaAPI(
    title="Leitmotif chat",
    version="1",
    description="Messages from chat users and the answers to them. Every error is returned as a `Problem`.",
    auth=Bearer(),
    urls_namespace="chat_api",
    docs=DocsPage(),
)


api.add_decorator(problems.refuse_large_bodies, mode="view")
answer_errors(api, problems.HANDLERS)

ERRORS = dict.fromkeys((401, 404, 411, 413, 422, 503), Problem)
Row = Path[shapes.RowId]
From = Query[shapes.RowId | None]


# --- Messages -----------------------------------------------------------------------------------------------------


@api.post("/messages", response={202: shapes.Accepted, 429: Problem, **ERRORS}, tags=["messages"])
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


@api.post("/takeovers", response={200: shapes.TakeoverOut, 409: Problem, **ERRORS}, tags=["takeover"])
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


# --- Addresses ----------------------------------------------------------------------------------------------------


urls = addresses_of(api)
"""For `path("api/", urls)`."""
