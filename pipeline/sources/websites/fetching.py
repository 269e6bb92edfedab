"""Ask for many pages at once and say of each what came of it: an outcome and, where there is one, the body.

Everything that waits runs in an event loop in a thread of its own; whoever asks stays in theirs, with their own
database connection, and takes the answers one by one. An answer bears the number of its request and nothing else tells
them apart: an address may occur twice, and may lead elsewhere. One page's failure never touches another's.
"""

import asyncio
import queue
import socket
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx2

from pipeline.models.company import PageOutcome
from pipeline.sources.companies.urls import LONGEST, BadUrl, normal_url
from pipeline.sources.live.outbound import ForbiddenAddress, check_url
from pipeline.sources.websites.policy import Policy
from pipeline.sources.websites.politeness import LARGEST_ROBOTS, Hosts, RobotsAnswer
from pipeline.sources.websites.transport import GuardedTransport, Resolve, resolve
from pipeline.sources.websites.unpacking import ENCODINGS, BadPacking, TooLarge, unpacker

REDIRECTS = frozenset((301, 302, 303, 307, 308))
HTML_TYPES = frozenset(("", "text/html", "application/xhtml+xml", "text/xml", "application/xml"))
CONDITIONS = frozenset(("If-None-Match", "If-Modified-Since"))
LOOKUPS = 16
"""Names that are looked up at once: each blocks a thread."""

NO_SUCH_HOST = frozenset((socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)))
_BY_STATUS: Mapping[int, str] = {
    401: PageOutcome.LOGIN,
    402: PageOutcome.PAYWALL,
    404: PageOutcome.DEAD,
    407: PageOutcome.LOGIN,
    408: PageOutcome.TIMEOUT,
    410: PageOutcome.DEAD,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One page to ask for; `key` comes back with the answer. With a validator it is asked whether it changed."""

    key: int
    url: str
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of asking for a page. Only `ok` has a body, which is not larger than the policy allows."""

    key: int
    outcome: str
    detail: str = ""
    status: int | None = None
    final_url: str = ""
    """Where redirects led; empty if there were none."""
    body: bytes = b""
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    seconds: float = 0.0


class Fetcher:
    """Fetches pages in the background within a `with` block: `ask` and `answer` from the thread that opened it.

    Leaving the block gives up what is still under way.
    """

    def __init__(self, policy: Policy, look_up: Resolve = resolve) -> None:
        self.policy, self.look_up = policy, look_up
        self.in_flight = 0
        self._answers: queue.SimpleQueue[Answered | BaseException] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = Thread(target=self._run, name="fetching", daemon=True)
        self._ready: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._done: asyncio.Event
        self._under_way: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.get()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    def ask(self, asked: Asked) -> None:
        """Begin to fetch a page."""
        assert self._loop is not None
        self.in_flight += 1
        self._loop.call_soon_threadsafe(self._begin, asked)

    def answer(self, patience: float) -> Answered | None:
        """Return the next answer, in the order in which they come; None if none came within so many seconds."""
        try:
            found = self._answers.get(timeout=patience)
        except queue.Empty:
            return None
        if isinstance(found, BaseException):
            raise found
        self.in_flight -= 1
        return found

    # --- in the thread of the loop --------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # whoever waits for answers must learn of it
            self._answers.put(error)
            self._ready.put(None)

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_default_executor(ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup"))
        async with GuardedTransport(self.policy, self.look_up) as transport:
            self._pages = _Pages(self.policy, transport)
            self._ready.put(None)
            await self._done.wait()
            for task in (under_way := list(self._under_way)):
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    def _begin(self, asked: Asked) -> None:
        task = asyncio.get_running_loop().create_task(self._fetch(asked))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _fetch(self, asked: Asked) -> None:
        try:
            answered = await self._pages.fetch(asked)
        except Exception as error:  # one page's failure is its own, whatever it is
            detail = f"{type(error).__name__}: {error}"[:300]
            answered = Answered(asked.key, PageOutcome.UNREACHABLE, detail)
        self._answers.put(answered)


class _Pages:
    """Fetches one page after its redirects; all that one delivery asks share its hosts and connections."""

    def __init__(self, policy: Policy, transport: httpx2.AsyncBaseTransport) -> None:
        self.policy, self.transport = policy, transport
        self.agent = policy.user_agent.partition("/")[0]
        ask_robots = self._robots if policy.asks_robots else None
        self.hosts = Hosts(policy.per_host, policy.delay, self.agent, ask_robots)

    async def fetch(self, asked: Asked) -> Answered:
        """Return what came of a page; of its time, waiting for its turn does not count."""
        way = _Way(asked.url, self.policy.whole)
        while True:
            hop = await self._hop(asked, way)
            if isinstance(hop, Answered):
                final = way.url if way.url != asked.url else ""
                return replace(hop, key=asked.key, final_url=final, seconds=round(way.spent, 3))
            if problem := way.goes_on(hop, self.policy.redirects):
                seconds = round(way.spent, 3)
                return Answered(asked.key, PageOutcome.BAD_REDIRECT, problem, final_url=way.url, seconds=seconds)

    async def _hop(self, asked: Asked, way: "_Way") -> "Answered | str":
        """Return what came of the address where the way stands now, or where it leads on."""
        try:
            check_url(way.url, self.policy.reach)
        except ForbiddenAddress as error:
            return Answered(asked.key, PageOutcome.UNSAFE_ADDRESS, str(error))
        rules = await self.hosts.rules(way.url)
        if rules.outcome:
            return Answered(asked.key, rules.outcome, rules.refusal)
        if not rules.allow(way.url, self.agent):
            return Answered(asked.key, PageOutcome.ROBOTS, "robots.txt disallows it")
        headers = dict(way.cookies())
        if not way.has_moved:
            headers |= {"If-None-Match": asked.etag} if asked.etag else {}
            headers |= {"If-Modified-Since": asked.last_modified} if asked.last_modified else {}
        async with self.hosts.turn(way.url):
            return await self._request(way, headers)

    async def _request(self, way: "_Way", headers: Mapping[str, str], *, robots: bool = False) -> "Answered | str":
        started = time.monotonic()
        try:
            async with asyncio.timeout(max(way.whole - way.spent, 0.001)):
                return await self._exchange(way, headers, robots=robots)
        except TimeoutError:
            return Answered(0, PageOutcome.TIMEOUT, f"not fetched within {self.policy.whole:g} s")
        except Exception as error:
            return _failure(error)
        finally:
            way.spent += time.monotonic() - started

    async def _exchange(self, way: "_Way", headers: Mapping[str, str], *, robots: bool) -> "Answered | str":
        request = httpx2.Request("GET", way.url, headers={**self._headers(), **headers})
        request.extensions["timeout"] = {
            "connect": self.policy.connect, "read": self.policy.read, "write": self.policy.read, "pool": None,
        }  # fmt: skip
        response = await self.transport.handle_async_request(request)
        try:
            way.keep_cookies(response)
            if response.status_code in REDIRECTS and (to := response.headers.get("location")):
                return str(to)
            if robots:
                return await _read(response, LARGEST_ROBOTS, types=None)
            return await _read(response, self.policy.max_bytes, is_conditional=headers.keys() & CONDITIONS != set())
        finally:
            await response.aclose()

    def _headers(self) -> dict[str, str]:
        return {
            "User-Agent": self.policy.user_agent,
            "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5",
            "Accept-Language": "en,*;q=0.5",
            "Accept-Encoding": ENCODINGS,
        }

    async def _robots(self, url: str) -> RobotsAnswer:
        """Ask for a robots.txt, after at most five redirects (RFC 9309)."""
        way = _Way(url, self.policy.whole)
        for _ in range(6):
            try:
                check_url(way.url, self.policy.reach)
            except ForbiddenAddress as error:
                return RobotsAnswer(outcome=PageOutcome.UNSAFE_ADDRESS, detail=str(error))
            async with self.hosts.turn(way.url):
                found = await self._request(way, {}, robots=True)
            if isinstance(found, Answered):
                if found.status is None:
                    return RobotsAnswer(outcome=found.outcome, detail=f"robots.txt: {found.detail}")
                return RobotsAnswer(status=found.status, body=found.body)
            if way.goes_on(found, self.policy.redirects):
                return RobotsAnswer(status=404)
        return RobotsAnswer(status=404)


class _Way:
    """The way of one page through its redirects: where it stands, what it spent, and its cookies, which end with it."""

    def __init__(self, url: str, whole: float) -> None:
        self.url, self.whole, self.spent = url, whole, 0.0
        self.has_moved = False
        self._jar: dict[str, dict[str, str]] = {}
        self._seen = {(url, 0)}

    def goes_on(self, location: str, most: int) -> str:
        """Follow a redirect; return why it cannot be, or nothing."""
        try:
            url = normal_url(urljoin(self.url, location.strip()[:LONGEST]))
        except (BadUrl, ValueError) as error:
            return f"it redirects to {location[:100]!r}: {error}"
        # the same address once more is no circle if a cookie was set on the way
        stop = (url, sum(map(len, self._jar.values())))
        self.url, self.has_moved = url, True
        if stop in self._seen:
            return "it redirects in a circle"
        if len(self._seen) > most:
            return f"it redirects more than {most} times"
        self._seen.add(stop)
        return ""

    def cookies(self) -> dict[str, str]:
        """Return the header with the cookies that this host set on the way."""
        kept = self._jar.get(urlsplit(self.url).netloc, {})
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())} if kept else {}

    def keep_cookies(self, response: httpx2.Response) -> None:
        """Remember, for the next hop at most, what the host wants to be reminded of."""
        for line in response.headers.get_list("set-cookie")[:20]:
            name, sign, value = line.partition(";")[0].strip().partition("=")
            if sign and len(line) < 4096 and line.isascii():
                self._jar.setdefault(urlsplit(self.url).netloc, {})[name] = value


async def _read(
    response: httpx2.Response,
    most: int,
    *,
    is_conditional: bool = False,
    types: frozenset[str] | None = HTML_TYPES,
) -> Answered:
    """Return what a response that is no redirect comes to; its body is read only where it is wanted, up to `most`.

    `types` are the media types that are wanted; None for any.
    """
    status, headers = response.status_code, response.headers
    marks: dict[str, Any] = {
        "status": status,
        "etag": _short(headers.get("etag"), 300),
        "last_modified": _short(headers.get("last-modified"), 100),
    }
    if status == 304 and is_conditional:
        return Answered(0, PageOutcome.UNCHANGED, "the server says so", **marks)
    if refused := _refused(status, headers):
        return Answered(0, refused, f"it answered with status {status}", **marks)
    content_type = headers.get("content-type", "")
    if types is not None and content_type.partition(";")[0].strip().lower() not in types:
        return Answered(0, PageOutcome.NOT_HTML, f"its type is {content_type[:100]}", **marks)
    if (length := headers.get("content-length", "")).isdecimal() and int(length) > most:
        return Answered(
            0, PageOutcome.TOO_LARGE, f"it has {int(length):,} bytes, more than the limit of {most:,}", **marks
        )
    try:
        body = unpacker(headers.get("content-encoding", ""), most)
        async for piece in response.aiter_raw():
            body.add(piece)
    except TooLarge:
        return Answered(0, PageOutcome.TOO_LARGE, f"it has more than the limit of {most:,} bytes", **marks)
    except BadPacking as error:
        return Answered(0, PageOutcome.NOT_HTML, str(error)[:300], **marks)
    return Answered(0, PageOutcome.OK, body=body.body(), content_type=content_type, **marks)


def _refused(status: int, headers: httpx2.Headers) -> str:
    """Return the outcome that a status alone tells; nothing for one with a page."""
    if headers.get("cf-mitigated"):
        return PageOutcome.BLOCKED
    if 200 <= status < 300:
        return PageOutcome.EMPTY if status in (204, 205) else ""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return PageOutcome.BLOCKED
    return PageOutcome.SERVER_ERROR if status >= 500 else PageOutcome.BAD_REDIRECT


def _failure(error: Exception) -> Answered:
    """Return the outcome of a request that ended in an error."""
    if isinstance(error, ForbiddenAddress):
        return Answered(0, PageOutcome.UNSAFE_ADDRESS, str(error)[:300])
    if isinstance(error, socket.gaierror):
        if error.errno in NO_SUCH_HOST:
            return Answered(0, PageOutcome.DEAD, "there is no host with that name")
        return Answered(0, PageOutcome.UNREACHABLE, f"its host name could not be resolved: {error.strerror}"[:300])
    if isinstance(error, httpx2.TimeoutException):
        return Answered(0, PageOutcome.TIMEOUT, f"{type(error).__name__}: the server did not answer in time")
    if problem := _tls_problem(error):
        return Answered(0, PageOutcome.TLS, problem[:300])
    return Answered(0, PageOutcome.UNREACHABLE, f"{type(error).__name__}: {error}"[:300])


def _tls_problem(error: BaseException) -> str:
    """Return what was wrong about TLS, wherever in the chain of causes it stands; empty if nothing was."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {seen.verify_message}"
        if isinstance(seen, ssl.SSLError) or "[SSL" in str(seen):
            return f"TLS failed: {seen}"
        seen = seen.__cause__ or seen.__context__
    return ""


def _short(value: str | None, most: int) -> str:
    """Return a validator that can be kept and sent back; a longer one is of no use."""
    return value if value and len(value) <= most and value.isprintable() else ""
