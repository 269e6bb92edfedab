"""A real local server that speaks the part of Airtable's API that reading a table needs: pages, tokens, limits."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 100
"""Records that the API gives at a time, at most."""


class Airtable:
    """Tables by `BASE/TABLE`; `refusals` are statuses that the next requests are answered with, one each."""

    def __init__(self, tables: Mapping[str, Sequence[Mapping[str, Any]]], token: str) -> None:
        self.tables, self.token = dict(tables), token
        self.refusals: list[int] = []
        self.asked: list[str] = []

    def answer(self, address: str, authorization: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the body for a request."""
        self.asked.append(address)
        if self.refusals:
            status = self.refusals.pop(0)
            return status, {"error": {"type": "REFUSED", "message": f"told to answer {status}"}}
        if authorization != f"Bearer {self.token}":
            return 401, {"error": {"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}}
        place = urlsplit(address)
        name = unquote(place.path).removeprefix("/v0/")
        if name not in self.tables:
            return 404, {"error": "NOT_FOUND"}
        words = parse_qs(place.query)
        first = int(words.get("offset", ["itr/0"])[0].rpartition("/")[2])
        size = min(PAGE, int(words.get("pageSize", [PAGE])[0]))
        rows = self.tables[name]
        records = [
            {"id": f"rec{number:05}", "createdTime": "2026-05-02T08:00:00.000Z", "fields": dict(rows[number])}
            for number in range(first, min(first + size, len(rows)))
        ]
        more = {"offset": f"itr/{first + size}"} if first + size < len(rows) else {}
        return 200, {"records": records, **more}

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve in a thread and yield the address."""
        table = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = table.answer(self.path, self.headers.get("Authorization", ""))
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *words: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join(240)
