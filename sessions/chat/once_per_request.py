"""The session is opened once per request and passed on: a second opening of the same user is a warning.

`request()` marks where a request or task begins and ends. Outside of one (a shell, a command) nothing is watched.
"""

import warnings
from asyncio import iscoroutinefunction
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

# The set itself is shared with the threads that async code hands its work to; they only see a copy of the context.
_opened: ContextVar[set[str] | None] = ContextVar("users_whose_session_this_request_opened", default=None)


class OpenedTwiceWarning(RuntimeWarning):
    """One request opened one user's session twice. Pass the first result on: each opening counts as a message."""


@contextmanager
def request() -> Iterator[None]:
    """Watch what is opened inside, as one request. A request inside a request is one of its own."""
    token = _opened.set(set())
    try:
        yield
    finally:
        _opened.reset(token)


def note_opening(user_id: str) -> None:
    """Note that this request opened the user's session; OpenedTwiceWarning if it did before."""
    opened = _opened.get()
    if opened is None:
        return
    if user_id in opened:
        message = (
            f"This request has already opened the session of user {user_id}. Pass on the result of the first call of "
            "open_session."
        )
        warnings.warn(message, OpenedTwiceWarning, stacklevel=3)
    opened.add(user_id)


@sync_and_async_middleware
def one_session_per_request(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: every HTTP request is watched."""
    if iscoroutinefunction(get_response):

        async def serve_async(http_request: HttpRequest) -> HttpResponseBase:
            with request():
                return await cast(Awaitable[HttpResponseBase], get_response(http_request))

        return serve_async

    def serve(http_request: HttpRequest) -> HttpResponseBase:
        with request():
            return cast(HttpResponseBase, get_response(http_request))

    return serve
