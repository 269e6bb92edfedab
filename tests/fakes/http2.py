"""A real local web server that speaks HTTP/2 over TLS, and nothing else, by the same library as our client."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, RequestReceived
from h2.exceptions import ProtocolError

CERTIFICATE = Path(__file__).with_name("self_signed.pem")


@dataclass
class Http2Server:
    """Answers every path with one page. `connections` counts them, `protocols` notes what TLS agreed on."""

    page: bytes
    connections: int = 0
    asked: list[str] = field(default_factory=list)
    protocols: set[str | None] = field(default_factory=set)
    port: int = 0

    @contextmanager
    def running(self) -> Iterator["Http2Server"]:
        """Serve in a thread."""
        ready, loop = threading.Event(), asyncio.new_event_loop()
        thread = threading.Thread(target=self._run, args=(loop, ready), daemon=True)
        thread.start()
        assert ready.wait(240), "the server did not begin"
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(self._done.set)
            thread.join(240)
            assert not thread.is_alive(), "the server did not end"

    def _run(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(self._serve(ready))
        loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._done = asyncio.Event()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
        tls.set_alpn_protocols(["h2"])
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._done.wait()
        server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.protocols.add(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        with suppress(ConnectionError, ProtocolError):
            while True:
                writer.write(connection.data_to_send())
                await writer.drain()
                data = await reader.read(65536)
                if not data or self._react(connection, data):
                    break
        with suppress(ConnectionError):
            writer.close()

    def _react(self, connection: H2Connection, data: bytes) -> bool:
        """Answer what came; say whether that was the end."""
        for event in connection.receive_data(data):
            if isinstance(event, RequestReceived):
                path = dict(event.headers)[b":path"].decode()
                self.asked.append(path)
                found = b"404" if path == "/robots.txt" else b"200"
                body = b"" if found == b"404" else self.page
                headers = [(":status", found.decode()), ("content-type", "text/html; charset=utf-8")]
                connection.send_headers(event.stream_id, headers)
                connection.send_data(event.stream_id, body, end_stream=True)
            elif isinstance(event, DataReceived):
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, ConnectionTerminated):
                return True
        return False
