"""Intercom and Zendesk as real local servers: paging, cursors, limits, faults, whatever content a test puts into them.

They share a clock with the client, so that nobody waits: a wait moves the clock on.
"""

import base64
import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipeline.sources.live.client import Clock

Answer = tuple[int, dict[str, str], bytes]
TOKEN = "s3cret-t0ken"
EMAIL = "bot@shop.example"
DROP = -1
"""As a fault's status: the connection ends without an answer."""


@dataclass
class FakeTime:
    """A clock that only waiting moves."""

    at: float = 1_780_000_000.0
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, wait=self.wait)


@dataclass
class Helpdesk:
    """What both servers have in common. `faults` are answered first, before anything else is looked at."""

    time: FakeTime
    faults: deque[Answer] = field(default_factory=deque)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)  # method, path, query or body
    limited: int = 0
    _sent: deque[float] = field(default_factory=deque)

    def answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(url)
        given = json.loads(body) if body else {key: value[0] for key, value in parse_qs(parts.query).items()}
        self.asked.append((method, parts.path, given))
        if self.faults:
            return self.faults.popleft()
        if not self.is_allowed(headers):
            return error(401)
        return self.reply(method, parts.path, given)

    def is_allowed(self, headers: dict[str, str]) -> bool:
        raise NotImplementedError

    def reply(self, method: str, path: str, given: Any) -> Answer:
        raise NotImplementedError

    def over_limit(self, requests: int, seconds: float) -> float:
        """Count a request; return the seconds until another one is allowed if it is one too many, else 0."""
        while self._sent and self._sent[0] <= self.time.at - seconds:
            self._sent.popleft()
        if len(self._sent) >= requests:
            self.limited += 1
            return self._sent[0] + seconds - self.time.at
        self._sent.append(self.time.at)
        return 0.0

    def count(self, path: str) -> int:
        """Return how often a path was asked for."""
        return Counter(asked for _, asked, _ in self.asked)[path]


def ok(found: object) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()


def error(status: int, **headers: str) -> Answer:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, b'{"errors": ["no"]}'


# --- Intercom -----------------------------------------------------------------------------------------------------


@dataclass
class Intercom(Helpdesk):
    """`conversations` by id, whole; a search shows them without their parts."""

    conversations: dict[str, dict[str, Any]] = field(default_factory=dict)
    limit: int = 1000
    known_pages: dict[str, tuple[str, int]] = field(default_factory=dict)

    def is_allowed(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {TOKEN}" and headers.get("intercom-version", "").startswith(
            "2."
        )

    def reply(self, method: str, path: str, given: Any) -> Answer:
        if seconds := self.over_limit(self.limit, 10):
            return error(429, X_RateLimit_Reset=str(int(self.time.at + seconds + 1)))
        if (method, path) == ("POST", "/conversations/search"):
            return self._search(given)
        found = self.conversations.get(path.removeprefix("/conversations/")) if method == "GET" else None
        return ok(found) if found else error(404)

    def _search(self, given: dict[str, Any]) -> Answer:
        key = json.dumps([given["query"], given.get("sort")])
        start = 0
        if following := given["pagination"].get("starting_after"):
            if following not in self.known_pages or self.known_pages[following][0] != key:
                return error(400)
            start = self.known_pages[following][1]
        found = [each for each in self.conversations.values() if _fits(each, given["query"])]
        found.sort(key=lambda each: each["updated_at"])
        end = start + given["pagination"]["per_page"]
        pages: dict[str, Any] = {"type": "pages", "total_pages": -(-len(found) // given["pagination"]["per_page"])}
        if end < len(found):
            following = f"page-{len(self.known_pages)}"
            self.known_pages[following] = (key, end)
            pages["next"] = {"page": 2, "starting_after": following}
        shown = [{name: each[name] for name in each if name != "conversation_parts"} for each in found[start:end]]
        return ok({"type": "conversation.list", "pages": pages, "total_count": len(found), "conversations": shown})


def _fits(found: dict[str, Any], query: dict[str, Any]) -> bool:
    if query["operator"] == "AND":
        return all(_fits(found, each) for each in query["value"])
    value = found[query["field"]]
    if not isinstance(value, int | float):
        return True
    return bool(value > query["value"] if query["operator"] == ">" else value == query["value"])


def intercom_conversation(
    key: str, *said: tuple[str, str], at: int, opened_by: str = "user", **more: Any
) -> dict[str, Any]:
    """Return a conversation: the first of (who, text) is its source, the others are parts a minute apart."""
    parts = [
        {
            "type": "conversation_part", "id": f"{key}-{number}", "part_type": "note" if who == "note" else "comment",
            "body": text, "created_at": at + 60 * number, "redacted": False,
            "author": {"type": "admin" if who == "note" else who, "id": who, "name": who.title()},
        }
        for number, (who, text) in enumerate(said[1:], start=1)
    ]  # fmt: skip
    return {
        "type": "conversation", "id": key, "created_at": at, "updated_at": at + 60 * len(parts), "state": "open",
        "source": {"type": "conversation", "delivered_as": "customer_initiated", "subject": "", "body": said[0][1],
                   "author": {"type": said[0][0], "id": said[0][0], "name": said[0][0].title(),
                   "email": f"{key}@post.example"}},
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": f"c-{key}"}]},
        "conversation_parts": {"conversation_parts": parts, "total_count": len(parts)},
        **more,
    }  # fmt: skip


# --- Zendesk ------------------------------------------------------------------------------------------------------


@dataclass
class Zendesk(Helpdesk):
    """Tickets by id with their comments. The exports leave the last minute out and repeat the rows at an edge."""

    tickets: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    page: int = 1000
    cursors: set[str] = field(default_factory=set)

    def is_allowed(self, headers: dict[str, str]) -> bool:
        secret = base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
        return headers.get("authorization") == f"Basic {secret}"

    def reply(self, method: str, path: str, given: Any) -> Answer:
        if path.startswith("/api/v2/tickets/"):
            key = int(path.split("/")[4])
            return (
                ok({"comments": self.comments[key], "meta": {"has_more": False}})
                if key in self.comments
                else error(404)
            )
        if seconds := self.over_limit(10, 60):
            return error(429, Retry_After=str(int(seconds + 1)))
        if int(given.get("start_time", 0)) > self.time.at - 60:
            return error(422)
        return self._tickets(given) if path.endswith("/tickets/cursor.json") else self._events(given)

    def _tickets(self, given: dict[str, str]) -> Answer:
        if cursor := given.get("cursor"):
            if cursor not in self.cursors:
                return error(400)
            begin = int(cursor.removeprefix("after-"))
        else:
            begin = int(given["start_time"])
        shown = [each for each in self.tickets.values() if begin <= each["generated_timestamp"] < self.time.at - 60]
        shown.sort(key=lambda each: each["generated_timestamp"])
        page = shown[: self.page]
        after = f"after-{page[-1]['generated_timestamp'] if page else begin}"
        self.cursors.add(after)
        users = [user for key, user in self.users.items() if key in {each["requester_id"] for each in page}]
        return ok({"tickets": page, "users": users, "after_cursor": after, "end_of_stream": len(shown) <= self.page})

    def _events(self, given: dict[str, str]) -> Answer:
        begin = int(given["start_time"])
        events = [
            {
                "id": 10_000 + comment["id"], "ticket_id": key, "timestamp": comment["at"],
                "created_at": comment["created_at"],
                "updater_id": comment["author_id"],
                "child_events": [{"event_type": "Change", "status": "open"}, {**comment, "event_type": "Comment"}],
            }
            for key, comments in self.comments.items()
            for comment in comments
            if begin <= comment["at"] < self.time.at - 60
        ]  # fmt: skip
        events.sort(key=lambda each: (each["timestamp"], each["id"]))
        page = events[: self.page]
        return ok({
            "ticket_events": page, "end_time": page[-1]["timestamp"] if page else None, "count": len(page),
            "end_of_stream": len(events) <= self.page,
        })  # fmt: skip

    def add(self, key: int, *said: tuple[int, str], at: int, public: bool = True, subject: str = "A matter") -> None:
        """Add a ticket, or comments to it: (author, text), a minute apart. The first author of a ticket requests it."""
        comments = self.comments.setdefault(key, [])
        for number, (author, text) in enumerate(said):
            comments.append({
                "id": 100 * key + len(comments), "author_id": author, "body": text, "html_body": f"<p>{text}</p>",
                "public": public, "at": at + 60 * number, "created_at": moment(at + 60 * number),
            })  # fmt: skip
            self.users.setdefault(
                author, {"id": author, "name": f"Person {author}", "email": f"p{author}@post.example"}
            )
        ticket = self.tickets.setdefault(key, {
            "id": key, "url": f"https://shop.zendesk.example/api/v2/tickets/{key}.json", "subject": subject,
            "description": said[0][1], "requester_id": said[0][0], "submitter_id": said[0][0], "status": "open",
            "created_at": moment(at),
        })  # fmt: skip
        ticket["generated_timestamp"] = at + 60 * (len(said) - 1)
        ticket["updated_at"] = moment(ticket["generated_timestamp"])


def moment(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


# --- Serving ------------------------------------------------------------------------------------------------------


@contextmanager
def served(helpdesk: Helpdesk, before: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Serve on a free port and yield the address. `before` is called before each request is answered."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            before()
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, body = helpdesk.answer(self.command, self.path, headers, self.rfile.read(length))
            if status == DROP:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(240)
