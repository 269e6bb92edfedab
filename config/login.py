"""The admin's login, which refuses to try passwords for ever.

Failed logins are counted in Redis, over all web processes: by name and address together, so that one guesser locks out
nobody else, and by address, so that many names do not help. Without Redis nothing is counted and logins still work:
people need the admin to see what is wrong. Our own, since it is small and needs no tables; django-axes would bring
three, a middleware and a second authentication backend.
"""

import hashlib
import ipaddress
import logging
from typing import Any

import redis
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

logger = logging.getLogger(__name__)


class ThrottledLoginForm(AdminAuthenticationForm):
    """Name and password, as long as not too many were wrong."""

    def clean(self) -> dict[str, Any]:
        """Count the try before the password is looked at, so that many at once are counted too."""
        name = str(self.cleaned_data.get("username", ""))
        keys = _keys(name, client_address(self.request))
        waits = _count(keys)
        if waits:
            minutes = -(-waits // 60)
            raise ValidationError(
                f"Too many failed logins. Try again in {minutes} minute{'s' * (minutes > 1)}.", code="throttled"
            )
        cleaned = super().clean()
        _forget(keys)
        return cleaned


def client_address(request: HttpRequest | None) -> str:
    """Return whom a request comes from: behind a proxy of ours what that says, of IPv6 the network of one customer."""
    if request is None:
        return ""
    # only behind a proxy of ours, which HTTPS says: anybody else may write that header themselves
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.HTTPS else ""
    said = forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ipaddress.ip_address(said)
    except ValueError:
        return said
    return str(address) if address.version == 4 else str(ipaddress.ip_network((int(address), 64), strict=False))


def _keys(name: str, address: str) -> dict[str, int]:
    """Return under which keys a try is counted, each with its limit."""
    limits = settings.LOGIN_LIMITS
    return {_key("name", f"{name.casefold()}\0{address}"): limits["name"], _key("address", address): limits["address"]}


def _key(kind: str, of: str) -> str:
    return f"{settings.REDIS_PREFIX}login:{kind}:{hashlib.sha256(of.encode(errors='replace')).hexdigest()[:32]}"


def _count(keys: dict[str, int]) -> int:
    """Count a try; return for how many seconds no more are taken, 0 if this one is."""
    waits = 0
    try:
        with _redis() as client:
            for key, limit in keys.items():
                tries = client.incr(key)
                if tries == 1 or client.ttl(key) < 0:
                    client.expire(key, settings.LOGIN_LIMITS["seconds"])
                if tries > limit:
                    waits = max(waits, client.ttl(key))
    except redis.RedisError as error:
        logger.warning("failed logins are not being counted because Redis cannot be used: %s", error)
    return waits


def _forget(keys: dict[str, int]) -> None:
    """A login that succeeded is no guess: its own count is gone, and that of its address one less."""
    try:
        with _redis() as client:
            by_name, by_address = keys
            client.delete(by_name)
            client.decr(by_address)
    except redis.RedisError as error:
        logger.warning("the count of failed logins could not be lowered after a successful one: %s", error)


def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)
