"""One question to an endpoint that speaks OpenAI's chat completions: sent, waited for, tried again where that may help.

The library sends and gives the bytes; it neither retries nor parses, for it takes HTML, errors inside 200 and missing
choices for answers. A deadline stands around each try, because the library's own timeout starts again with every byte.
A client belongs to one event loop: it is opened and closed with the chunk. Nothing leaves but through `outbound`.
"""

import asyncio
import json
import logging
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import openai
from django.conf import settings

from pipeline.extract.llm.answers import Reply
from pipeline.extract.llm.endpoint import Target
from pipeline.extract.llm.faults import (
    ContentFiltered,
    ContextTooLong,
    InvalidKey,
    OutOfCredit,
    RateLimited,
    Rejected,
    RunFault,
    Unavailable,
    UnknownModel,
)
from pipeline.extract.llm.outbound import sealed
from pipeline.extract.llm.recording import Recorder, Replayer

for _name in ("openai", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # below that: each request, and what conversations say

log = logging.getLogger(__name__)
T = TypeVar("T")

TRIES = 5
"""Tries of one question. A try that ran into the deadline may have been paid for, so there are few."""

LATE_TRIES = 2
"""Of them those that may run into the deadline."""

LONGEST_WAIT = 300.0
"""Seconds a provider may ask to wait; if it asks for more, the run stops and can be resumed then."""

MOST_LISTED = 2000
"""Batches, the newest first, among which one is looked for."""

DELETE_WITHIN = 20.0
"""Seconds that deleting a file may take; it is tried again later."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before the second try where nobody says how many; they double from try to try."""

JITTER = 0.25
"""Share of a pause by which it is longer at random, so that workers do not come back all at once."""

# 408 and 425 ask for it; 409 is what some servers say while they load a model; 5xx are the server's own troubles
_TRY_AGAIN = frozenset({408, 409, 425, 429, *range(500, 600)})
_NO_CREDIT = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"}
)
_TOO_LONG = frozenset({"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"})
_FILTERED = frozenset(
    {
        "content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation", "moderation_blocked", "flagged",
        "refusal",
    }
)  # fmt: skip


class Gate:
    """What every try passes on its way out, and what it leaves when it is back: nothing here, see `limits`."""

    async def wait(self, tokens: int) -> None:
        """Return when a question of about so many tokens may be sent."""

    async def hold_off(self, seconds: float) -> None:
        """Let nobody send for so many seconds: the provider asked for it."""

    def slot(self) -> AbstractAsyncContextManager[object]:
        """Return what is held while a question is under way."""
        return nullcontext()


class Client:
    """Asks one target. Use as an async context manager, in one event loop."""

    def __init__(self, target: Target, gate: Gate | None = None) -> None:
        self.target, self.gate = target, gate or Gate()

    async def __aenter__(self) -> Self:
        patience = httpx2.Timeout(settings.LLM_DEADLINE, connect=15)
        # No redirects: nobody else is sent what conversations say. No limit of connections: the gate has one.
        transport = _transport(httpx2.Limits(max_connections=None, max_keepalive_connections=200))
        self._http = openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=patience, transport=transport)
        key, query = self.target.key or "none", self.target.query
        # Azure's older addresses have a version behind the question mark, and take the key in a header of their own
        own_header = {"api-key": key} if "api-version" in query else {}
        self._openai = openai.AsyncOpenAI(
            base_url=self.target.address, api_key=key, max_retries=0, http_client=self._http, default_query=query,
            default_headers=own_header,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._openai.close()

    async def ask(
        self, words: Mapping[str, Any], *, tokens: int = 0, still_wanted: Callable[[], Awaitable[None]] | None = None
    ) -> Reply:
        """Return the answer to a question of about so many tokens, `words` being the body without the model.

        Raises Unavailable when no try helped, another AnswerFault where this question is refused, and a RunFault where
        every question would be. `still_wanted` is awaited before each try and may raise to end them.
        """
        words = sealed(words)
        late, failed, pause = 0, _Failed(""), 0.0
        for number in range(TRIES):
            if number:
                await asyncio.sleep(pause)
            # pace first, then a slot: who waits for the pace must not hold a slot that others could use
            await self.gate.wait(tokens)
            async with self.gate.slot():
                # asked with the slot in hand: waiting for one may have taken minutes
                if still_wanted:
                    await still_wanted()
                found = await self._try(words)
            if isinstance(found, Reply):
                return found
            failed, late = found, late + found.is_late
            if late >= LATE_TRIES:
                break
            pause = _pause(failed.asked_to_wait, number)
            log.info("%s: %s; trying again in %.1f s", self.target.host, failed.problem, pause)
        raise Unavailable(self.target.without_key(f"after {number + 1} tries: {failed.problem}"[:1000]))

    async def _try(self, words: Mapping[str, Any]) -> "Reply | _Failed":
        """Return the answer, or what failed in a way that may pass; raise what does not pass."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(settings.LLM_DEADLINE):
                return Reply(await self._send(words), time.monotonic() - began)
        except openai.APIStatusError as error:
            return await self._read_status(error)
        except (TimeoutError, openai.APITimeoutError):
            return _Failed(f"no answer within {settings.LLM_DEADLINE:g} s", is_late=True)
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            # the replayer's own: it can only rise through the library, which wraps it
            if isinstance(error.__cause__, RunFault):
                raise error.__cause__ from None
            return _Failed(f"{type(error).__name__}: {error.__cause__ or error}")

    async def _send(self, words: Mapping[str, Any]) -> bytes:
        # extra_body last: what a person set for their endpoint outweighs ours
        body = {"model": self.target.model, **words, **self.target.extra_body}
        # The library's call by path, as it documents for endpoints that it does not know. `chat.completions.create`
        # sends the same bytes, but walks every message by its types first: 4 ms a question, in which no other is sent.
        response = await self._openai.post("/chat/completions", cast_to=httpx2.Response, body=body)
        return response.content

    async def upload(self, lines: Sequence[Mapping[str, Any]]) -> str:
        """Hand over the file of a batch's questions and return its id at the provider; raises what `ask` does.

        Nothing is ordered yet, and nothing has to be paid.
        """
        closed = ({**line, "body": sealed(line["body"])} for line in lines)
        content = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in closed)

        async def send() -> str:
            file = await self._openai.files.create(file=("questions.jsonl", content), purpose="batch")
            return str(file.id)

        return await self._patiently(send)

    async def order_batch(self, file_id: str) -> str:
        """Order the answers to the questions in a file and return the batch's id at the provider.

        Raises what `ask` does. After a try of which nobody knows what came of it, the provider is asked whether it has
        the order, before it is given once more: it would be paid for twice.
        """
        is_ordered = False

        async def order() -> str:
            nonlocal is_ordered
            if is_ordered and (known := await self._batch_of(file_id)):
                return known
            is_ordered = True
            batch = await self._openai.batches.create(
                input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            return str(batch.id)

        return await self._patiently(order)

    async def cancel_batch(self, remote: str) -> None:
        """Take an order back. Raises what `ask` does."""
        await self._patiently(lambda: self._openai.batches.cancel(remote))

    async def find_batch(self, file_id: str) -> str:
        """Return the id of the batch that was ordered with a file; empty if there is none. Raises what `ask` does."""
        return await self._patiently(lambda: self._batch_of(file_id))

    async def _batch_of(self, file_id: str) -> str:
        """Look for a file's batch among the newest; each says which file it is of, at every provider that has any."""
        looked_at = 0
        async for batch in self._openai.batches.list(limit=100):
            if batch.input_file_id == file_id:
                return str(batch.id)
            looked_at += 1
            if looked_at >= MOST_LISTED:
                break
        return ""

    async def read_batch(self, remote: str) -> "BatchDone | None":
        """Return what a batch came to; None while it is being worked on. Raises what `ask` does."""

        async def read() -> BatchDone | None:
            batch = await self._openai.batches.retrieve(remote)
            if batch.status not in _ENDED:
                return None
            answers: dict[str, tuple[int, bytes]] = {}
            files = tuple(file for file in (batch.output_file_id, batch.error_file_id) if file)
            for file in files:
                answers |= _answers((await self._openai.files.content(file)).content)
            return BatchDone(batch.status, answers, files)

        return await self._patiently(read)

    async def delete_file(self, file_id: str) -> None:
        """Delete a file at the provider, in one try; one that is not there is deleted. Unavailable if that fails."""
        try:
            async with asyncio.timeout(DELETE_WITHIN):
                await self._openai.files.delete(file_id)
        except openai.NotFoundError:
            return
        except openai.APIStatusError as error:
            said = f"HTTP {error.status_code} {Said.of(error.response.content)}"
            raise Unavailable(self.target.without_key(said[:1000])) from error
        except (TimeoutError, openai.APIError, httpx2.HTTPError, ValueError) as error:  # ValueError: no JSON came back
            raise Unavailable(f"{type(error).__name__}: {error.__cause__ or error}"[:1000]) from error

    async def _patiently(self, send: Callable[[], Awaitable[T]]) -> T:
        """Return what a request that is not a question says, tried again where that may help."""
        failed = _Failed("")
        for number in range(TRIES):
            try:
                async with asyncio.timeout(settings.LLM_DEADLINE):
                    return await send()
            except openai.APIStatusError as error:
                failed = await self._read_status(error)
            except (TimeoutError, openai.APIConnectionError, httpx2.HTTPError) as error:
                failed = _Failed(f"{type(error).__name__}: {error.__cause__ or error}")
            await asyncio.sleep(_pause(failed.asked_to_wait, number))
        raise Unavailable(self.target.without_key(f"after {TRIES} tries: {failed.problem}"[:1000]))

    async def _read_status(self, error: openai.APIStatusError) -> "_Failed":
        """Return how long the endpoint asks to wait and what it says, if a later try may help; else raise why not."""
        status, said = error.status_code, Said.of(error.response.content)
        problem = self.target.without_key(f"HTTP {status} {said}")
        # 429 also says that there is no credit left: then no later try helps
        if status not in _TRY_AGAIN or said.codes & _NO_CREDIT:
            raise _refusal(status, said, problem, self.target)
        asked = retry_after(error.response.headers)
        if asked is not None and asked > LONGEST_WAIT:
            raise RateLimited(
                f"{self.target.host} asks to wait {asked:,.0f} s. Resume the run after that, or use a lower "
                "--concurrency."
            )
        if status == 429:
            await self.gate.hold_off(asked or 0.0)
        return _Failed(problem, asked)


_ENDED = frozenset({"completed", "expired", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class BatchDone:
    """How a batch ended, of each question that has one the status and body of its answer, and the files they were in.

    Status 0: the question has no answer.
    """

    status: str
    answers: Mapping[str, tuple[int, bytes]]
    files: tuple[str, ...] = ()


def _answers(content: bytes) -> dict[str, tuple[int, bytes]]:
    """Return the answers in a batch's file by the question's name; a line that is none is left out."""
    found: dict[str, tuple[int, bytes]] = {}
    for line in content.splitlines():
        try:
            row = json.loads(line)
            answer = row.get("response") or {}
            found[str(row["custom_id"])] = (
                int(answer.get("status_code") or 0), json.dumps(answer.get("body"), ensure_ascii=False).encode()
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def fault_of(status: int, body: bytes, target: Target) -> Exception | None:
    """Return what an answer with this status means, as `Client.ask` would raise it; None if a later try may help."""
    said = Said.of(body)
    if status in _TRY_AGAIN and not said.codes & _NO_CREDIT:
        return None
    return _refusal(status, said, target.without_key(f"HTTP {status} {said}"), target)


@dataclass(frozen=True, slots=True)
class _Failed:
    """A try that failed in a way that may pass."""

    problem: str
    asked_to_wait: float | None = None
    is_late: bool = False


def _transport(limits: httpx2.Limits) -> httpx2.AsyncBaseTransport:
    """Return what carries requests: the network, with a record of it where one is asked for, or a record alone."""
    if settings.LLM_REPLAY:
        return Replayer(Path(settings.LLM_REPLAY))
    network = httpx2.AsyncHTTPTransport(limits=limits, verify=_trusted())
    return Recorder(Path(settings.LLM_RECORD), network) if settings.LLM_RECORD else network


@cache
def _trusted() -> ssl.SSLContext:
    """Return which certificates are trusted; reading those of the system takes longer than a question, so once."""
    return httpx2.create_ssl_context()


def _refusal(status: int, said: "Said", problem: str, target: Target) -> Exception:
    """Return what an answer means that no later try would change."""
    if status == 402 or said.codes & _NO_CREDIT:
        return OutOfCredit(f"the account at {target.host} has no credit left. Add credit, then resume the run.")
    if said.codes & _FILTERED:
        return ContentFiltered(problem)
    if status in (401, 403):
        return InvalidKey(
            f"{target.host} rejected the API key (HTTP {status}). Set LLM_API_KEY to a valid key, restart the "
            "workers and resume the run."
        )
    if said.codes & _TOO_LONG or status == 413:
        return ContextTooLong(problem)
    if status in (404, 405) or 300 <= status < 400:
        return UnknownModel(_not_found(status, said, target))
    return Rejected(problem)


_NO_SUCH_MODEL = frozenset({"model_not_found", "DeploymentNotFound", "NotFoundError", "not_found_error"})


def _not_found(status: int, said: "Said", target: Target) -> str:
    """Say whether the model or the address is wrong, as far as the endpoint tells them apart."""
    told = f" It says: {target.without_key(said.message)}." if said.message and "<" not in said.message else ""
    then = "restart the workers and resume the run."
    if said.codes & _NO_SUCH_MODEL or target.model in said.message:
        return f"{target.host} has no model {target.model} (HTTP {status}).{told} Correct LLM_MODEL, {then}"
    hint = ", which usually ends in /v1" if not target.address.endswith("/v1") else ""
    return (
        f"there are no chat completions at {target.address} (HTTP {status}).{told} Correct LLM_BASE_URL{hint}, {then}"
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What an error says of itself: its codes, by which it is judged, and its message, by which it never is."""

    codes: frozenset[str]
    message: str

    @classmethod
    def of(cls, content: bytes) -> "Said":
        """Read the body of an answer that is an error, in whatever form."""
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            return cls(frozenset(), content[:200].decode(errors="replace"))
        error = found.get("error", found) if isinstance(found, dict) else found
        if not isinstance(error, dict):
            return cls(frozenset(), str(error)[:300])
        inner, about = error.get("innererror"), error.get("metadata")
        codes = [error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None]
        # OpenRouter says 403 also where a question was flagged, with what was flagged: that is no fault of the key
        if isinstance(about, dict):
            codes += [about.get("error_type"), "flagged" if {"reasons", "flagged_input"} & about.keys() else None]
        return cls(frozenset(code for code in codes if isinstance(code, str)), str(error.get("message", ""))[:300])

    def __str__(self) -> str:
        return " ".join([*sorted(self.codes), self.message]).strip()


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that an answer asks to wait, said as milliseconds, seconds or a date; None if it does not."""
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    said = headers.get("retry-after", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    seconds: float = (at - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds)


def _pause(asked: float | None, number: int) -> float:
    """Return the seconds before the next try: at least what was asked for, and some at random on top."""
    pause = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
    seconds: float = max(asked or 0.0, pause) * (1 + JITTER * random.random())
    return seconds
