"""The HTTP client of the live sources: paced, patient with limits and faults, silent about tokens.

It is used only while no transaction is open: a source gives its rows between the batches that are stored.
"""

import json as json_module
import logging
import os
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pydantic_core import from_json

from pipeline.sources.records import UnreadableSource

logger = logging.getLogger(__name__)

TRIES = 6
MAX_WAIT = 15 * 60
"""Seconds that a limit may ask to wait; a longer wait ends the import, which the next one continues."""

MAX_BYTES = 64 * 1024 * 1024
TIMEOUT = httpx2.Timeout(60, connect=15)
SINCE = timedelta(days=365)
"""How far back a first import goes, unless the environment says otherwise."""

LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))


class NotFound(Exception):
    """The other side knows no such thing (any more)."""


class BadRequest(Exception):
    """The other side does not understand the request: of one that continues an earlier reading, its cursor."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is, and how to wait: tests give one of their own."""

    now: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Pace:
    """At most `requests` in `seconds`."""

    requests: int
    seconds: float
    sent_at: deque[float] = field(default_factory=deque)

    def keep(self, clock: Clock) -> None:
        """Wait until another request may be sent, and count it."""
        now = clock.now()
        while self.sent_at and self.sent_at[0] <= now - self.seconds:
            self.sent_at.popleft()
        if len(self.sent_at) >= self.requests:
            clock.wait(self.sent_at[0] + self.seconds - now)
            self.sent_at.popleft()
        self.sent_at.append(clock.now())


class Api:
    """Somebody's HTTP API. `vendor` and `variable` name it, and where its token comes from, in messages.

    One client for all requests: making one takes longer than most answers.
    """

    def __init__(self, vendor: str, variable: str, url: str, headers: Mapping[str, str], clock: Clock) -> None:
        self.vendor, self.variable, self.clock = vendor, variable, clock
        self._client = httpx2.Client(base_url=url, headers=dict(headers), timeout=TIMEOUT, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: object = None,
        pace: Pace | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Return the JSON object that a request is answered with.

        Waits where a limit asks for it and tries again where a fault may pass. UnreadableSource where that does not
        help, or the token is refused; NotFound; BadRequest.
        """
        problem = ""
        for number in range(TRIES):
            if pace:
                pace.keep(self.clock)
            try:
                status, headers, body = self._send(method, path, params, json)
            except httpx2.TransportError as error:
                problem = f"{type(error).__name__}"
                self._wait(2**number + random.random())
                continue
            if status == 429:
                problem = "its rate limit"
                self._wait(self._until_reset(headers, number))
            elif status >= 500 or (status < 300 and (found := _object(body)) is None):
                problem = f"HTTP {status}" if status >= 500 else "an answer that is not a JSON object"
                self._wait(2**number + random.random())
            elif status < 300:
                return found  # type: ignore[return-value]
            else:
                raise self._refusal(status)
        raise UnreadableSource(f"{self.vendor} could not be read after {TRIES} tries: {problem}; try again later")

    def _send(
        self, method: str, path: str, params: Mapping[str, Any] | None, json: object
    ) -> tuple[int, httpx2.Headers, bytes]:
        body = bytearray()
        with self._client.stream(method, path, params=params, json=json) as response:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise UnreadableSource(f"{self.vendor} sent more than {MAX_BYTES:,} bytes in one answer")
            return response.status_code, response.headers, bytes(body)

    def _wait(self, seconds: float) -> None:
        if seconds > MAX_WAIT:
            raise UnreadableSource(f"{self.vendor} asks to wait {seconds:,.0f} seconds; try again later")
        logger.info("%s: waiting %.0f seconds", self.vendor, seconds)
        self.clock.wait(seconds)

    def _until_reset(self, headers: httpx2.Headers, number: int) -> float:
        """Return the seconds until the limit ends: Retry-After says them, X-RateLimit-Reset says when."""
        for name, now in (("Retry-After", 0.0), ("X-RateLimit-Reset", self.clock.now())):
            try:
                return max(1.0, float(headers[name]) - now)
            except (KeyError, ValueError, OverflowError):
                continue
        return 10.0 * (number + 1)

    def _refusal(self, status: int) -> Exception:
        if status in (401, 403):
            why = "it is wrong, expired, or has no read access"
            return UnreadableSource(f"{self.vendor} rejected the token in {self.variable} (HTTP {status}): {why}")
        if status == 404:
            return NotFound(f"{self.vendor}: HTTP 404")
        if status in (400, 410, 422):
            return BadRequest(f"{self.vendor}: HTTP {status}")
        return UnreadableSource(f"{self.vendor} answered with HTTP {status}")


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = from_json(body)
    except ValueError:
        try:
            found = json_module.loads(body)  # takes half a surrogate pair too: one odd text must not cost its page
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


# --- The environment ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says about the source `name` of a vendor, whose variables begin with `prefix`."""

    prefix: str
    name: str

    def variable(self, setting: str) -> str:
        """Return the variable of a setting: `INTERCOM_TOKEN` for `main`, and `INTERCOM_TOKEN_EU_SHOP` for `eu-shop`."""
        suffix = "".join(letter if letter.isalnum() else "_" for letter in self.name.upper())
        return f"{self.prefix}_{setting}" if self.name == "main" else f"{self.prefix}_{setting}_{suffix}"

    def get(self, setting: str) -> str:
        """Return a setting; empty where the environment does not hold it."""
        return os.environ.get(self.variable(setting), "").strip()

    def required(self, setting: str) -> str:
        """Return a setting; UnreadableSource names the variable where it is missing."""
        if value := self.get(setting):
            return value
        raise UnreadableSource(f"set {self.variable(setting)} in the environment")

    def url(self, default: str) -> str:
        """Return the address of the API. UnreadableSource unless it is encrypted, or on this machine: a token goes
        there.
        """
        url = self.get("URL") or default
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOCAL:
            raise UnreadableSource(f"{self.variable('URL')} must start with https://")
        return url

    def since(self, clock: Clock) -> int:
        """Return the second from which on a first import reads."""
        given = self.get("SINCE")
        if not given:
            return int(clock.now() - SINCE.total_seconds())
        try:
            at = datetime.fromisoformat(given)
        except ValueError:
            variable = self.variable("SINCE")
            raise UnreadableSource(f"{variable} must be a date such as 2026-01-31, not {given[:30]!r}") from None
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


# --- Answers that may hold anything -------------------------------------------------------------------------------


def dig(found: object, *keys: str) -> Any:
    """Return what lies under keys within keys; None where it does not, or something else is in the way."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def objects(found: object) -> list[dict[str, Any]]:
    """Return the objects of a list; what is something else is no object, and what is no list has none."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def second(value: object) -> int:
    """Return a number of seconds, 0 where it is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11
    return int(value) if is_number else 0  # type: ignore[call-overload]


def is_id(key: str) -> bool:
    """Return whether something can stand in an address as one piece."""
    return 0 < len(key) <= 100 and all(letter.isalnum() or letter in "-_" for letter in key) and key.isascii()
