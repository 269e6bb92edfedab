"""Addresses of pages, written in one way: two spellings of one address are one page."""

import re
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

LONGEST: Final = 2000
_PORTS: Final = {"http": 80, "https": 443}
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_KEPT: Final = "!#$%&'()*+,/:;=?@[]~"
"""Signs that have a meaning in an address, and the percent sign of what is quoted already."""


class BadUrl(ValueError):
    """This cannot be the address of a page; the message says why."""


def normal_url(text: str) -> str:
    """Return an address in ASCII with its scheme and host in small letters, without fragment and usual port.

    `Acme.example/Über#team` is `https://acme.example/%C3%9Cber`. Raises BadUrl.
    """
    text = text.strip()
    if not _SCHEME.match(text):
        text = f"https://{text.removeprefix('//')}"
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise BadUrl(str(error)) from error
    if parts.scheme not in _PORTS:
        raise BadUrl("it does not start with http:// or https://")
    if not host or any(sign in host for sign in " <>\"'\\^`{|}"):
        raise BadUrl("it has no host")
    if parts.username is not None or parts.password is not None:
        raise BadUrl("it contains a user name or password")
    place = _ascii_host(host) + (f":{port}" if port is not None and port != _PORTS[parts.scheme] else "")
    url = urlunsplit((parts.scheme, place, quote(parts.path, _KEPT) or "/", quote(parts.query, _KEPT), ""))
    if len(url) > LONGEST:
        raise BadUrl(f"it is longer than {LONGEST} characters")
    return url


def host_of(url: str) -> str:
    """Return host and port of a normal address: what politeness is kept for."""
    return urlsplit(url).netloc[:260]


def _ascii_host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    try:
        return host.encode("idna").decode().lower() if not host.isascii() else host.lower()
    except UnicodeError as error:
        raise BadUrl(f"{host} is not a valid host name") from error
