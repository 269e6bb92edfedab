"""Web sites of a hundred companies as one real server on many addresses: ordinary pages, and every way to fail.

Each company is a host of its own, 127.1.x.y, so that politeness and robots.txt are kept apart. What a page does is
planted by its number: `Farm.planted` says what is asked for and what has to come of it. The server runs in a process of
its own or in a thread, and remembers what it was asked.
"""

import asyncio
import gzip
import ssl
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.sources.companies.lists import Listed

CERTIFICATE = Path(__file__).with_name("self_signed.pem")
BIG = 50 << 20
BOMB = gzip.compress(bytes(1 << 20) * 1, 9) * 50  # fifty members of a megabyte each


@dataclass(frozen=True, slots=True)
class Planted:
    """One page: what is asked for, and what has to come of it. `says` stands in the text of a page that is read."""

    url: str
    outcome: str
    says: str = ""


def _page(title: str, body: str, head: str = "") -> str:
    menu = "".join(f'<li><a href="/{word}">{word}</a></li>' for word in ("home", "products", "about", "contact"))
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body><nav><ul>{menu}</ul></nav>"
        f"<main><article><h1>{title}</h1>{body}</article></main><footer><p>Imprint</p></footer></body></html>"
    )


_TOPICS = (
    "Our workshop builds kayaks from larch wood, and every hull is steamed and bent by hand before it is oiled.",
    "Orders of this season leave the yard within three weeks; the waiting list for the long model is a little longer.",
    "The paddles are laminated from ash and cedar, which keeps them light without making them soft.",
    "Visitors are welcome on Thursdays, when the glue is drying and there is time for coffee.",
    "Last month we added a rack for four boats that fits on a small trailer.",
    "The timber comes from two forests nearby, and what is left over heats the drying room.",
)


def story(company: int, page: int, paragraphs: int = 5) -> str:
    """Return the body of an ordinary page; its first sentence is nobody else's."""
    own = (
        f"<p>Company {company} tells on page {page} how a boat is made, plank by plank, from the keel to the deck.</p>"
    )
    return own + "".join(
        f"<p>{_TOPICS[(company + page + turn) % len(_TOPICS)]}{f' Plank {turn}.' if turn > 4 else ''}</p>"
        for turn in range(paragraphs)
    )


def first_sentence(company: int, page: int) -> str:
    """Return the sentence by which an ordinary page is known."""
    return f"Company {company} tells on page {page} how a boat is made"


Failing = tuple[str, str]
FAILING: tuple[Failing, ...] = (
    ("missing", "dead"), ("gone", "dead"), ("nowhere", "dead"), ("blank", "empty"), ("nobody", "empty"),
    ("oops", "soft_404"), ("forsale", "parked"), ("signin", "login"), ("unauthorised", "login"), ("abo", "paywall"),
    ("consent", "cookie_wall"), ("app", "needs_javascript"), ("forbidden", "blocked"), ("slowdown", "blocked"),
    ("challenge", "blocked"), ("big", "too_large"), ("bomb", "too_large"), ("brochure", "not_html"),
    ("drip", "timeout"), ("silent", "timeout"), ("tls", "tls"), ("private", "robots"), ("inside", "unsafe_address"),
    ("decimal", "unsafe_address"), ("refused", "unreachable"), ("torn", "unreachable"), ("broken", "server_error"),
    ("loop", "bad_redirect"), ("chain", "bad_redirect"),
)  # fmt: skip
"""Paths that fail, each with the outcome it has to come to."""

READABLE = ("latin1", "wrong-header", "meta-only", "utf16", "deflated", "gzipped", "moved", "cookie")
"""Paths that are read all the same: odd encodings, packed bodies, redirects."""

UMLAUT = "Größe und Länge der Türen: fünf Fuß"


@dataclass
class Farm:
    """`companies` hosts with `pages` pages in all; one of `failing_each` fails, in one way after the other."""

    companies: int = 100
    pages: int = 4469
    failing_each: int = 20
    odd_each: int = 7
    """Of so many companies one has pages in odd encodings, packed or behind redirects; 0: none."""
    paragraphs: int = 5
    """Of an ordinary page, beside its first; a page of the web has some 34 kB, with its menus and scripts."""
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    """Bodies that a test put in the place of a page, by host and path."""
    first_port: int = 0
    tls_port: int = 0
    in_flight: Counter[str] = field(default_factory=Counter)
    most_in_flight: int = 0
    most_of_a_host: int = 0

    def host(self, company: int) -> str:
        return f"127.1.{company // 250}.{company % 250 + 1}"

    @cached_property
    def planted(self) -> dict[int, list[Planted]]:
        """The pages of each company."""
        sites: dict[int, list[Planted]] = {}
        failing = 0
        for number in range(self.pages):
            company, page = number % self.companies, number // self.companies
            if self.failing_each and (company + page) % self.failing_each == self.failing_each - 1:
                planted = self._failing(company, page, *FAILING[failing % len(FAILING)])
                failing += 1
            elif self.odd_each and page < len(READABLE) and company % self.odd_each == 3:
                planted = Planted(self._url(company, f"/{READABLE[page]}/{page}"), "ok", UMLAUT)
            else:
                planted = Planted(self._url(company, f"/page/{page}"), "ok", first_sentence(company, page))
            sites.setdefault(company, []).append(planted)
        return sites

    def _url(self, company: int, path: str) -> str:
        return f"http://{self.host(company)}:{self.first_port}{path}"

    def _failing(self, company: int, page: int, path: str, outcome: str) -> Planted:
        special = {
            "nowhere": f"http://nowhere-{company}-{page}.invalid/",
            "tls": f"https://{self.host(company)}:{self.tls_port}/page/{page}",
            "decimal": f"http://2852039166/latest/{company}/{page}",  # 169.254.169.254
            "refused": f"http://{self.host(company)}:9/closed/{page}",
        }
        return Planted(special.get(path) or self._url(company, f"/{path}/{page}"), outcome)

    def listed(self) -> list[Listed]:
        """Return the companies as a list has them."""
        return [
            Listed(f"c{company:03}", f"Company {company}", tuple(page.url for page in pages))
            for company, pages in sorted(self.planted.items())
        ]

    # --- The server ---------------------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator["Farm"]:
        """Serve from a thread while the block runs."""
        ready, stop = threading.Event(), threading.Event()
        failed: list[BaseException] = []

        def serve() -> None:
            try:
                asyncio.run(self._serve(ready.set, stop))
            except BaseException as error:
                failed.append(error)
                ready.set()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        ready.wait(240)
        if failed:
            raise failed[0]
        try:
            yield self
        finally:
            stop.set()
            thread.join(240)

    async def _serve(self, on_ready: Callable[[], None], stop: threading.Event) -> None:
        hosts = [self.host(company) for company in range(self.companies)]
        plain = await asyncio.start_server(self._connection, hosts[0], self.first_port)
        self.first_port = plain.sockets[0].getsockname()[1]
        servers = [plain]
        if len(hosts) > 1:
            servers.append(await asyncio.start_server(self._connection, hosts[1:], self.first_port))
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(CERTIFICATE)
        first = await asyncio.start_server(self._connection, hosts[0], self.tls_port, ssl=trust)
        self.tls_port = first.sockets[0].getsockname()[1]
        servers.append(first)
        if len(hosts) > 1:
            servers.append(await asyncio.start_server(self._connection, hosts[1:], self.tls_port, ssl=trust))
        on_ready()
        while not stop.is_set():
            await asyncio.sleep(0.05)
        for server in servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
                }
                host, path = headers.get("host", "").partition(":")[0], lines[0].split(" ")[1]
                self.asked[host, path] += 1
                is_counted = path.split("/")[1] not in ("drip", "silent")  # nobody may be waiting for those any more
                self.in_flight[host] += is_counted
                self.most_in_flight = max(self.most_in_flight, self.in_flight.total())
                self.most_of_a_host = max(self.most_of_a_host, self.in_flight[host])
                try:
                    goes_on = await self._answer(writer, host, path, headers)
                finally:
                    self.in_flight[host] -= is_counted
                if not goes_on:
                    break
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, host: str, path: str, headers: dict[str, str]) -> bool:
        """Answer a request; say whether the connection goes on."""
        kind = path.split("/")[1]
        if special := getattr(self, f"_{kind.replace('-', '_')}", None):
            return bool(await special(writer))
        status, more, body = self._body(host, path, headers)
        writer.write(_head(status, body, more))
        await writer.drain()
        return True

    def _weight(self) -> str:
        """Return what stands in the head of a heavy page: about as much again as its paragraphs."""
        return f"<script>{'var boats = [1, 2, 3]; ' * 8 * self.paragraphs}</script>" if self.paragraphs > 20 else ""

    def _body(self, host: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        kind, _, rest = path.strip("/").partition("/")
        if path == "/robots.txt":
            return 200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /private*/\nDisallow: /*.zip$\n"
        if (host, path) in self.texts:
            return _with_validators(self.texts[host, path].encode(), headers)
        if kind == "page":
            number = host.split(".") if host.startswith("127.1.") else ["", "", "0", "1"]  # a name that leads here
            company = int(number[2]) * 250 + int(number[3]) - 1
            body = _page(f"Boats {rest}", story(company, int(rest), self.paragraphs), self._weight())
            return _with_validators(body.encode(), headers)
        if found := _READABLE_BODIES.get(kind):
            return found(headers)
        return _FAILING_BODIES[kind]()

    async def _big(self, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"<p>" + b"x" * 65530 + b"</p>"
        for _ in range(BIG // len(piece)):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        return True

    async def _drip(self, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><p>")
        for _ in range(10_000):
            writer.write(b"slow ")
            await writer.drain()
            await asyncio.sleep(0.1)
        return False

    async def _silent(self, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(1000)
        return False

    async def _torn(self, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n<html><p>half a")
        await writer.drain()
        writer.transport.abort()
        return False


_REASONS = {200: "OK", 302: "Found", 304: "Not Modified", 404: "Not Found", 410: "Gone", 429: "Too Many Requests"}


def _head(status: int, body: bytes, more: dict[str, str]) -> bytes:
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body)), **more}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {_REASONS.get(status, 'Said')}\r\n{lines}\r\n".encode() + (
        b"" if status == 304 else body
    )


Body = tuple[int, dict[str, str], bytes]


def _with_validators(body: bytes, headers: dict[str, str]) -> Body:
    etag = f'"{zlib.crc32(body):08x}"'
    if headers.get("if-none-match") == etag:
        return 304, {"ETag": etag}, b""
    return 200, {"ETag": etag}, body


def _plain(text: str, **more: str) -> Callable[[], Body]:
    return lambda: (200, {name.replace("_", "-"): value for name, value in more.items()}, text.encode())


def _status(status: int, **more: str) -> Callable[[], Body]:
    return lambda: (status, {name.replace("_", "-"): value for name, value in more.items()}, b"<p>no</p>")


_counter = iter(range(10**9))
_FAILING_BODIES: dict[str, Callable[[], Body]] = {
    "missing": _status(404), "gone": _status(410), "blank": _plain("<html> </html>"), "nobody": _status(204),
    "oops": _plain(_page("Page not found", "<p>Sorry, we cannot find that page. Try the search.</p>")),
    "forsale": _plain("<html><title>boats.example</title><p>This domain is for sale.</p></html>"),
    "signin": _plain(_page("Sign in", "<form><input name=u><input type=password name=p><button>Go</button></form>")),
    "unauthorised": _status(401, WWW_Authenticate="Basic"),
    "abo": _plain(_page("How boats float", "<p>It all began with a plank.</p><p>Subscribe to continue reading.</p>")),
    "consent": _plain("<html><title>Boats</title><p>Accept cookies to continue.</p></html>"),
    "app": _plain('<html><body><div id="root"></div><script src="/app.js"></script><noscript>You need to enable '
                  "JavaScript to run this app.</noscript></body></html>"),
    "forbidden": _status(403), "slowdown": _status(429, Retry_After="60"),
    "challenge": _plain("<html><title>Just a moment...</title><p>Checking your browser.</p></html>"),
    "bomb": lambda: (200, {"Content-Encoding": "gzip"}, BOMB),
    "brochure": lambda: (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7 ..."),
    "inside": _status(302, Location="http://169.254.169.254/latest/meta-data/"),
    "broken": _status(503),
    "loop": _status(302, Location="/loop/again"),
    "chain": lambda: (302, {"Location": f"/chain/{next(_counter)}"}, b""),
    "private": _plain("<p>not for robots</p>"),
}  # fmt: skip

_UMLAUTS = _page("Türen", f"<p>{UMLAUT}.</p>" + "".join(f"<p>{topic}</p>" for topic in _TOPICS))


def _encoded(codec: str, header: str = "", head: str = "") -> Callable[[dict[str, str]], Body]:
    html = _UMLAUTS.replace("<title>", f"{head}<title>", 1)
    kind = f"text/html; charset={header}" if header else "text/html"
    return lambda _: (200, {"Content-Type": kind}, html.encode(codec))


def _packed(how: str, pack: Callable[[bytes], bytes]) -> Callable[[dict[str, str]], Body]:
    return lambda _: (200, {"Content-Encoding": how}, pack(_UMLAUTS.encode()))


_READABLE_BODIES: dict[str, Callable[[dict[str, str]], Body]] = {
    "latin1": _encoded("latin-1", "iso-8859-1"),
    "wrong-header": _encoded("cp1252", "utf-8"),
    "meta-only": _encoded("cp1252", head='<meta charset="windows-1252">'),
    "utf16": _encoded("utf-16"),
    "deflated": _packed("deflate", lambda body: zlib.compress(body)[2:-4]),
    "gzipped": _packed("gzip", gzip.compress),
    "moved": lambda _: (302, {"Location": "/gzipped/moved"}, b""),
    "cookie": lambda headers: (
        (200, {}, _UMLAUTS.encode())
        if "seen=1" in headers.get("cookie", "")
        else (302, {"Location": "?again", "Set-Cookie": "seen=1; Path=/"}, b"")
    ),
}


def host_and_path(url: str) -> tuple[str, str]:
    """Return how the farm counts the requests for an address."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.path + (f"?{parts.query}" if parts.query else "")
