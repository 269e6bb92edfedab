"""The way out: every connection is made to an address that was checked, whatever the name said before or says later.

The check stands in the one place where connections are opened, below redirects, robots.txt and HTTP/2, so there is
nothing to forget. No proxy of the environment is taken, and no unix socket.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore2
import httpx2

from pipeline.sources.live.outbound import Found, Reach, allowed_among
from pipeline.sources.websites.policy import Policy, default_trust

Resolve = Callable[[str, int], Awaitable[Sequence[Found]]]
"""Gives the addresses of a host, as `getaddrinfo` does; socket.gaierror if it has none."""


async def resolve(host: str, port: int) -> Sequence[Found]:
    """Ask the system for the addresses of a host."""
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections where its reach allows only.

    ForbiddenAddress and socket.gaierror rise as they are, through the pool; the caller tells them apart.
    """

    def __init__(self, reach: Reach, look_up: Resolve = resolve) -> None:
        self.reach, self.look_up = reach, look_up
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Look the name up once and connect to one of its addresses that may be called."""
        try:
            found = await asyncio.wait_for(self.look_up(host, port), timeout)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"the name {host} was not looked up in time") from error
        problem: Exception = httpcore2.ConnectError(f"{host} cannot be connected to")
        for each in allowed_among(found, host, self.reach):
            try:
                return await self._inner.connect_tcp(str(each[4][0]), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                problem = error
        raise problem

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: a web page is never there."""
        raise httpcore2.ConnectError("no unix socket is called")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport over the guarded backend: HTTP/1.1, and HTTP/2 where TLS agrees on it."""

    def __init__(self, policy: Policy, look_up: Resolve = resolve) -> None:
        trust = policy.trust or default_trust()
        super().__init__(verify=trust, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=trust,
            max_connections=200,
            max_keepalive_connections=50,
            keepalive_expiry=10.0,
            http2=True,
            network_backend=GuardedBackend(policy.reach, look_up),
        )
