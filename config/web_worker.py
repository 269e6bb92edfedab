"""gunicorn's threaded worker, made patient: a thread is given a request only once the whole of it has arrived.

In gunicorn's own worker a client that sends half a request occupies a thread until it sends the rest, so a handful of
slow or malicious sockets take the site down. Here one loop per process receives for all connections without waiting
for any, and the threads only ever see complete requests. What a client may send, and how long it may take, is limited.
"""

import os
import re
import socket
import struct
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

BODY_LIMIT = int(os.environ.get("WEB_BODY_LIMIT", 10_000_000))
"""Bytes of one request's body."""

HEADERS_LIMIT = 65_536
"""Bytes of request line and headers together; gunicorn limits each by itself."""

HEADERS_WITHIN, BODY_WITHIN = 10.0, 60.0
"""Seconds from the first moment of a request until its headers, and all of it, must be here."""

SEND_WITHIN = 20.0
"""Seconds without any progress after which a client that does not read its answer is given up."""

MEMORY_LIMIT = 128_000_000
"""Bytes of unfinished requests in one process; beyond it the one that has waited longest is dropped."""

END_OF_HEADERS = b"\r\n\r\n"
_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*(\d+)[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_EXPECTS = re.compile(rb"^expect:[ \t]*100-continue[ \t]*\r$", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True, eq=False)
class Arriving:
    """A connection and what has come of its next request."""

    connection: TConn
    deadline: float
    received: bytearray = field(default_factory=bytearray)
    needed: int | None = None  # bytes of the whole request, once its headers are here
    answered: bool = False  # nothing is awaited but the client's end: what still comes is thrown away


class BufferedWorker(ThreadWorker):
    """Serves plain HTTP/1.1; TLS belongs to the proxy in front."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.arriving: dict[TConn, Arriving] = {}  # the longest waiting first
        self.buffered = 0
        self.looked_at = 0.0

    @classmethod
    def check_config(cls, cfg: Config, log: Any) -> None:
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise SystemExit("This web server speaks plain HTTP only. Put a proxy in front of it for TLS.")

    # Receiving, in the loop -------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection; where there is no room, the longest waiting unfinished one makes it."""
        if self.nr_conns >= self.worker_connections - 1 and self.arriving:
            self._drop(next(iter(self.arriving.values())))
        try:
            client, address = listener.accept()
        except OSError:  # it hung up, another process was quicker, or there are no more file numbers
            return
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(SEND_WITHIN), 0))
        self.nr_conns += 1
        self._await_request(TConn(self.cfg, client, address, listener.getsockname()), HEADERS_WITHIN)

    def _await_request(self, connection: TConn, seconds: float, begun: bytes = b"") -> Arriving:
        connection.sock.setblocking(False)
        arriving = self.arriving[connection] = Arriving(connection, time.monotonic() + seconds)
        self.poller.register(connection.sock, EVENT_READ, partial(self._receive, arriving))
        if begun:
            self._add(arriving, begun)
        return arriving

    def _receive(self, arriving: Arriving, client: socket.socket) -> None:
        if self.arriving.get(arriving.connection) is not arriving:
            return  # dropped by an event just before this one
        try:
            data = client.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(arriving)
        elif not arriving.answered:
            self._add(arriving, data)

    def _add(self, arriving: Arriving, data: bytes) -> None:
        if not arriving.received:
            arriving.deadline = time.monotonic() + HEADERS_WITHIN
        # the end may have come in two pieces: look again at the last bytes of what was there
        searched = max(0, len(arriving.received) - len(END_OF_HEADERS))
        arriving.received += data
        self.buffered += len(data)
        if arriving.needed is None:
            self._read_headers(arriving, searched)
        if arriving.needed is not None and len(arriving.received) >= arriving.needed:
            self._hand_over(arriving)
        # the longest waiting first: a real client is done in a moment
        while self.buffered > MEMORY_LIMIT and self.arriving:
            self._drop(next(iter(self.arriving.values())))

    def _read_headers(self, arriving: Arriving, searched: int) -> None:
        """Find out how long the request is; refuse one that is too long."""
        end = arriving.received.find(END_OF_HEADERS, searched)
        if end < 0:
            if len(arriving.received) > HEADERS_LIMIT:
                self._refuse(arriving, "431 Request Header Fields Too Large")
            return
        headers = bytes(arriving.received[: end + 2])
        length = _CONTENT_LENGTH.search(headers)  # one without it has no body, or says 411 before it is read
        body = int(length[1][:20]) if length else 0  # twenty digits are too much already
        if body > BODY_LIMIT:
            self._refuse(arriving, "413 Content Too Large")
            return
        arriving.needed = end + len(END_OF_HEADERS) + body
        arriving.deadline = time.monotonic() + BODY_WITHIN
        if body and len(arriving.received) < arriving.needed and _EXPECTS.search(headers):
            self._write(arriving, b"HTTP/1.1 100 Continue\r\n\r\n")

    def _hand_over(self, arriving: Arriving) -> None:
        """Give the request to a thread, with a parser that reads what is here and never the socket."""
        self._forget(arriving)
        connection = arriving.connection
        # gunicorn's own parser on bytes that are all here: no second reading of HTTP, and no thread that waits
        connection.parser = get_parser(self.cfg, iter([bytes(arriving.received)]), connection.client)
        connection.initialized = connection.data_ready = True
        self.enqueue_req(connection)

    def _refuse(self, arriving: Arriving, status: str) -> None:
        """Answer from here, without a thread."""
        text = f"{status}\n"
        answer = (
            f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}"
        )
        if self._write(arriving, answer.encode()):
            self._forget(arriving)
            self._hang_up(arriving.connection)

    def _write(self, arriving: Arriving, line: bytes) -> bool:
        try:
            arriving.connection.sock.send(line)  # a few bytes into an empty buffer: all or an error
        except OSError:
            self._drop(arriving)
            return False
        return True

    def _hang_up(self, connection: TConn) -> None:
        """Say that nothing more is coming; close when the client has done the same, or a moment later.

        To close at once would make the system throw away what the client has not read of the answer yet, if bytes of
        the client's are still unread.
        """
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            connection.close()
        else:
            self._await_request(connection, STOP_KEEPALIVE_LINGER).answered = True

    def _forget(self, arriving: Arriving) -> None:
        if self.arriving.pop(arriving.connection, None):
            self.buffered -= len(arriving.received)
            self.poller.unregister(arriving.connection.sock)

    def _drop(self, arriving: Arriving) -> None:
        if arriving.connection in self.arriving:
            self._forget(arriving)
            self.nr_conns -= 1
            arriving.connection.close()

    # What gunicorn's loop calls ---------------------------------------------

    def murder_pending(self) -> None:
        """Drop whoever is late, looking once a second."""
        now = time.monotonic()
        if now - self.looked_at < 1.0:
            return
        self.looked_at = now
        for arriving in [each for each in self.arriving.values() if each.deadline < now]:
            self._drop(arriving)

    def finish_request(self, connection: TConn, answered: "Future[bool]") -> None:
        """After an answer wait for the next request on the same connection, if it stays open."""
        if answered.cancelled() or answered.exception() or not answered.result():
            self._hang_up(connection)
            return
        pipelined = connection.parser.unreader.take_buffered()
        self._await_request(connection, self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER, pipelined)

    def _keepalive_after(self, connection: TConn, keepalive: bool) -> bool:
        """Go on with the connection if the request's whole body was here: of one in chunks nobody read the rest."""
        return keepalive and bool(connection.parser.finish_body())

    def _cap_keepalive(self, deadline: float) -> None:
        """When the process stops, unfinished requests have a moment, not their whole time."""
        for arriving in self.arriving.values():
            arriving.deadline = min(arriving.deadline, deadline)
