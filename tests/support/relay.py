"""A server that listens on a socket in a folder, reached over TCP: what a worker on another machine sees of it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def over_tcp(path: Path) -> Iterator[int]:
    """Listen on a free port of this machine and hand everything on to the socket; yield the port."""
    loop = asyncio.new_event_loop()
    ready: asyncio.Future[asyncio.Server] = loop.create_future()

    async def serve() -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                inner_reader, inner_writer = await asyncio.open_unix_connection(path)
            except OSError:
                writer.close()
                return
            with suppress(asyncio.CancelledError):  # at the end of all
                await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

        ready.set_result(await asyncio.start_server(accept, "127.0.0.1", 0))

    serving = loop.create_task(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_value_of(ready), loop).result(30)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        assert serving.done()
        thread.join(30)
        loop.close()


async def _value_of(ready: "asyncio.Future[asyncio.Server]") -> asyncio.Server:
    return await ready


async def _end(server: asyncio.Server) -> None:
    """Listen no more, and cancel what is still copied: connections that nobody closed."""
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.CancelledError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()
