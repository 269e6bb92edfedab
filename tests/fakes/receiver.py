"""A front end's webhook: a real HTTP server that keeps what it gets and answers as it is told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar


@dataclass
class Receiver:
    """`answers` are the status codes of the next requests; afterwards it is 200. A redirect leads to `elsewhere`."""

    url: str = ""
    elsewhere: str = ""
    answers: list[int] = field(default_factory=list)
    slow: float = 0.0  # seconds before it answers
    drip: float = 0.0  # seconds between the many lines of an answer
    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen on a free port of this machine."""
    kept = Receiver()

    class Listener(BaseHTTPRequestHandler):
        keep: ClassVar[Receiver] = kept

        def do_POST(self) -> None:
            self.keep.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.keep.signatures.append(self.headers["Leitmotif-Signature"])
            time.sleep(self.keep.slow)
            if self.keep.drip:
                self.drip()
                return
            status = self.keep.answers.pop(0) if self.keep.answers else 200
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", self.keep.elsewhere)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def drip(self) -> None:
            self.send_response(200)
            self.flush_headers()
            with suppress(OSError):  # the other side may hang up
                for _ in range(300):
                    self.wfile.write(b"X-And: another\r\n")
                    time.sleep(self.keep.drip)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    kept.url = f"http://127.0.0.1:{server.server_port}/answers?from=leitmotif"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join(240)
        server.server_close()
