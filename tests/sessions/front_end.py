"""A front end that talks to the API over real HTTP, and waits for answers as one does."""

import json
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.utils import timezone

from pipeline.access import make_token


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class FrontEnd:
    """Sends requests with a token; each on a connection of its own, so that it may be used by many threads."""

    def __init__(self, server: str, token: str | None = None) -> None:
        self.address = urlsplit(server)
        self.token = token if token is not None else make_token(name="front end", at=timezone.now())[1]
        self.keys = count(1)

    def request(
        self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **headers: str
    ) -> Response:
        content = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        connection = HTTPConnection(self.address.hostname or "", self.address.port, timeout=120)
        try:
            connection.request(method, path, content, sent)
            answer = connection.getresponse()
            return Response(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **query: object) -> Response:
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, **body: object) -> Response:
        return self.request("POST", path, body)

    def send(self, text: str, *, user_id: str = "alice", key: str = "", **fields: object) -> Response:
        """Send a user's message, under a new key unless one is given."""
        return self.post("/api/messages", user_id=user_id, key=key or f"key-{next(self.keys)}", text=text, **fields)

    def answer_to(self, sent: Response, seconds: float = 30) -> dict[str, Any]:
        """Poll until the message is no longer waiting, and return it with its reply."""
        deadline = time.monotonic() + seconds
        while (answer := self.get(sent.body["poll"]).body)["message"]["state"] == "received":
            assert time.monotonic() < deadline, "no answer came"
            time.sleep(0.03)
        found: dict[str, Any] = answer
        return found

    def ask(self, text: str, **fields: Any) -> dict[str, Any]:
        """Send a message and return its reply."""
        sent = self.send(text, **fields)
        assert sent.status == 202, sent.text
        reply: dict[str, Any] = self.answer_to(sent)["reply"]
        return reply
