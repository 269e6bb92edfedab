"""Who may enter: a token with the scope, of a person who may do that, and not more often than is allowed.

`@needs(scope)` stands above each route. It is checked before anything of the request is read. What the answer says of
the pace stands in its headers, whatever the answer is.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, TypeVar

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja.decorators import decorate_view
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from pipeline.access import OutOfScopeError, find_token
from pipeline.models import ApiToken
from pipeline.web.api import once
from pipeline.web.api.problems import HANDLERS, Handler, TooManyRequests, refuse_unmeasured_bodies

logger = logging.getLogger(__name__)

Scope = ApiToken.Scope
Function = TypeVar("Function", bound=Callable[..., Any])
Run = Callable[..., HttpResponse]

RIGHTS: dict[str, tuple[str, ...]] = {
    Scope.READ: ("pipeline.view_story", "pipeline.view_conversation"),
    Scope.REVIEW: (
        "pipeline.change_story",
        "pipeline.change_orphan",
        "pipeline.change_signature",
        "pipeline.change_company",
    ),
    Scope.IMPORT: ("pipeline.operate_run",),
    Scope.OPERATE: ("pipeline.operate_run",),
    Scope.CHAT_READ: ("chat.view_session", "chat.view_message"),
}
"""What the person a token acts for must be allowed on the pages: a token may never do more than they."""

MINUTE = 60
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Bearer(HttpBearer):
    """`Authorization: Bearer TOKEN`, a token made by `./manage.py api_token make NAME --scope SCOPE`."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """Return the token that `needs` let in. A route that names no scope lets nobody in."""
        return getattr(request, "api_token", None)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many requests a token may send in a minute, how many of this one are left, and when the next begins (s)."""

    limit: int
    left: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """What an answer says of it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(self.left, 0)),
            "X-RateLimit-Reset": str(self.seconds),
        }


def needs(scope: str, *, in_one_transaction: bool = False) -> Callable[[Function], Function]:
    """Return a decorator for a route that only tokens of this scope may call.

    A write whose effects are rows alone should happen `in_one_transaction` with the note of its idempotency key: then
    both are there or neither. One that sends tasks or asks other services cannot.
    """

    def decorate(route: Function) -> Function:
        route.needs_scope = scope  # type: ignore[attr-defined]  # told in the description, and in the tests' table
        decorated: Function = decorate_view(_guard(scope, in_one_transaction))(route)
        return decorated

    return decorate


def _guard(scope: str, in_one_transaction: bool) -> Callable[[Run], Run]:
    def guard(run: Run) -> Run:
        @wraps(run)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                if refusal := refuse_unmeasured_bodies(request, settings.UPLOAD_LIMIT):
                    return refusal
                token = enter(request, scope)
                if request.method in WRITES and (key := request.headers.get("Idempotency-Key")) is not None:
                    answer = once.answer(request, token, key, lambda: run(request, *args, **kwargs), in_one_transaction)
                else:
                    answer = run(request, *args, **kwargs)
            except Exception as error:
                answer = _handler(error)(request, error)
            pace: Pace | None = getattr(request, "api_pace", None)
            for name, value in (pace.headers if pace else {}).items():
                answer.headers[name] = value
            return answer

        return guarded

    return guard


def _handler(error: Exception) -> Handler:
    return next(HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS)


def enter(request: HttpRequest, scope: str) -> ApiToken:
    """Return the token of a request and count the request. Up to three questions to the database, one to Redis.

    Raises AuthenticationError, TooManyRequests, and OutOfScopeError if the token or its person may not do this.
    """
    kind, _, word = request.headers.get("Authorization", "").partition(" ")
    token = find_token(word.strip()) if kind.lower() == "bearer" else None
    if token is None:
        raise AuthenticationError
    request.api_token = token  # type: ignore[attr-defined]
    pace = request.api_pace = count(token)  # type: ignore[attr-defined]
    if pace and pace.left < 0:
        raise TooManyRequests(pace.limit, pace.seconds)
    if scope not in token.scopes:
        raise OutOfScopeError(f"The token of {token.name} does not have the scope `{scope}`.")
    person = token.acts_for
    if person is not None and not person.has_perms(RIGHTS.get(scope, ())):
        raise OutOfScopeError(f"{person.get_username()}, for whom the token of {token.name} acts, may not do this.")
    return token


def token_of(request: HttpRequest) -> ApiToken:
    """Return the token that was let in."""
    token: ApiToken = request.api_token  # type: ignore[attr-defined]
    return token


def person_of(request: HttpRequest) -> Any:
    """Return the user in whose name a token decides; a constraint says that one for deciding has one."""
    return token_of(request).acts_for


def reason_of(request: HttpRequest, said: str) -> str:
    """Return the reason that is recorded: what was said, or which program did it."""
    return said.strip() or f"by the API, token {token_of(request).name}"


# --- Pace ---------------------------------------------------------------------------------------------------------


def count(token: ApiToken) -> Pace | None:
    """Count a request of this minute, over all processes; None where nothing is limited or Redis is away.

    Without Redis nothing is counted and requests are answered: who asks needs to see what is wrong, as at the login.
    """
    limit = settings.API_REQUESTS_A_MINUTE
    if not limit:
        return None
    minute, passed = divmod(int(time.time()), MINUTE)
    key = f"{settings.REDIS_PREFIX}api:{token.pk}:{minute}"
    try:
        pipe = _redis().pipeline(transaction=False)
        pipe.incr(key)
        pipe.expire(key, 2 * MINUTE)
        sent, _ = pipe.execute()
    except redis.RedisError as error:
        logger.warning("requests are not counted, for Redis cannot be used: %s", error)
        return None
    return Pace(limit, limit - int(sent), MINUTE - passed)


@cache
def _redis() -> redis.Redis:
    """Return the process's client, whose connections are kept; after a fork it makes new ones by itself."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)
