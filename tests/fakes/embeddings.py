"""An endpoint of the OpenAI embeddings API: a real HTTP server that answers as it is told."""

import json
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import numpy as np

DIMENSION = 32


@dataclass
class Endpoint:
    """`faults` are what the next requests get instead of vectors: a status, or the bytes of a 200 answer."""

    url: str = ""
    faults: list[int | bytes] = field(default_factory=list)
    retry_after: str = "0"
    drip: float = 0.0  # seconds between the bytes of an answer
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Listen on a free port of this machine."""
    kept = Endpoint()

    class Listener(BaseHTTPRequestHandler):
        keep: ClassVar[Endpoint] = kept

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.keep.requests.append(asked)
            self.keep.keys.append(self.headers["Authorization"])
            if self.path != "/v1/embeddings":
                self.answer(404, b"{}")
                return
            fault = self.keep.faults.pop(0) if self.keep.faults else None
            if isinstance(fault, int):
                self.answer(fault, json.dumps({"error": {"message": f"no, {self.headers['Authorization']}"}}).encode())
            else:
                self.answer(200, fault if fault is not None else vectors_for(asked["input"]))

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Retry-After", self.keep.retry_after)
            if 300 <= status < 400:
                self.send_header("Location", f"{self.keep.url}/elsewhere")
            self.end_headers()
            with suppress(OSError):  # the other side may hang up
                for place in range(0, len(content), 1 if self.keep.drip else len(content)):
                    self.wfile.write(content[place : place + 1] if self.keep.drip else content)
                    time.sleep(self.keep.drip)

        def log_message(self, format: str, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    kept.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join(240)


def vectors_for(texts: list[str]) -> bytes:
    """Return an answer, the last text first: clients go by the index."""
    rows = [{"object": "embedding", "index": number, "embedding": vector_of(text)} for number, text in enumerate(texts)]
    return json.dumps({"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": 1}}).encode()


def vector_of(text: str) -> list[float]:
    """Return three times a direction that the first word chooses."""
    rng = np.random.default_rng(zlib.crc32(text.split()[0].encode()) if text.split() else 0)
    return [float(3 * number) for number in rng.standard_normal(DIMENSION)]
