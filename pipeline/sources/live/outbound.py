"""Calls to addresses that people name: only to where they are allowed to lead, checked at the moment of connecting.

A name is resolved once, the addresses are checked, and one of those is connected to: a name that leads elsewhere a
moment later, or a number in a strange notation, changes nothing. Nothing here follows a redirect or takes a proxy from
the environment; whoever follows redirects opens each hop here. Pure, so that the chats' webhooks may use it too.
"""

import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address


class ForbiddenAddress(ValueError):
    """An address that cannot be called, or must not be; the message says why."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where calls may lead. By default to public addresses by https only."""

    internal: bool = False  # also this machine and private networks, and http without TLS
    plain_http: bool = False


_INTERNAL = [
    ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
]
# What Python calls global, or private, and still is nobody's business: translations of IPv4 into IPv6 (RFC 6052, 3056,
# 4380, 4291), where a private address could hide, and the addresses at which clouds keep the secrets of a machine.
_NEVER = [
    ip_network(text)
    for text in (
        "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10", "192.88.99.0/24",
        "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128",
    )
]  # fmt: skip
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)


def check_url(url: str, reach: Reach) -> SplitResult:
    """Return the parts of an address that may be called, as far as can be said without asking for its name.

    Raises ForbiddenAddress.
    """
    if re.search(r"[\x00-\x20\x7f]", url):
        raise ForbiddenAddress("it contains a space, a line break or another control character")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ForbiddenAddress(str(error)) from error
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise ForbiddenAddress("it does not have the form https://host/path")
    if parts.scheme == "http" and not (reach.internal or reach.plain_http):
        raise ForbiddenAddress("it starts with http://, so anyone on the network could read what is sent")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress("it contains a user name or password")
    literal = _literal(host)
    if literal is None:
        _check_name(host)
    elif not may_lead_to(literal, reach):
        raise ForbiddenAddress(f"{host} is not a public address")
    return parts


def may_lead_to(address: Address, reach: Reach) -> bool:
    """Return whether a call may be made to this address."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return may_lead_to(address.ipv4_mapped, reach)
        if address.scope_id:
            return False
    if address.is_loopback:
        return reach.internal
    if any(address in network for network in _INTERNAL if network.version == address.version):
        return reach.internal and not _is_never(address)
    return address.is_global and not (address.is_multicast or address.is_reserved or _is_never(address))


def open_socket(host: str, port: int, seconds: float, reach: Reach) -> socket.socket:
    """Connect to a host within so many seconds, to an address that was checked.

    Raises ForbiddenAddress if its name leads to none that may be called, OSError if nobody listens there.
    """
    deadline = time.monotonic() + seconds
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = allowed_among(found, host, reach)
    problem: OSError = TimeoutError(f"{host} did not answer within {seconds:g} s")
    for family, kind, protocol, _, address in allowed:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(remaining)
            connection.connect(address)
        except OSError as error:
            connection.close()
            problem = error
        else:
            return connection
    raise problem


Found = tuple[int, int, int, str, tuple[Any, ...]]
"""One address of a name, as `getaddrinfo` gives it."""


def allowed_among(found: Sequence[Found], host: str, reach: Reach) -> list[Found]:
    """Return those of a name's addresses that may be connected to; ForbiddenAddress if it has none."""
    allowed = [each for each in found if may_lead_to(ip_address(str(each[4][0])), reach)]
    if not allowed:
        leads = f"leads to {found[0][4][0]}, which is not a public address" if found else "has no address"
        raise ForbiddenAddress(f"{host} {leads}")
    return allowed


class _Guarded(HTTPConnection):
    """Connects where its reach allows only."""

    reach = Reach()

    def connect(self) -> None:
        self.sock = open_socket(self.host, self.port, float(self.timeout or 10.0), self.reach)


class _GuardedTLS(HTTPSConnection, _Guarded):
    """The same below TLS: HTTPSConnection lays it on the socket that `_Guarded` opens."""


def open_connection(parts: SplitResult, seconds: float, reach: Reach) -> HTTPConnection:
    """Return a connection, not yet connected, for an address that `check_url` let pass."""
    kind = _GuardedTLS if parts.scheme == "https" else _Guarded
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    connection.reach = reach
    return connection


def _is_never(address: Address) -> bool:
    return any(address in network for network in _NEVER if network.version == address.version)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _check_name(host: str) -> None:
    """Refuse what no name can be, and numbers that the system would read as an address: 2130706433, 0x7f.1, 127.1."""
    try:
        labels = host.encode("idna").decode().removesuffix(".").split(".")
    except UnicodeError as error:
        raise ForbiddenAddress(f"{host} is not a valid host name") from error
    if not all(_LABEL.fullmatch(label) for label in labels) or _NUMBER.fullmatch(labels[-1]):
        raise ForbiddenAddress(f"{host} is not a valid host name")
