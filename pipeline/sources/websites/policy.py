"""How pages are asked for: names, patience and bounds, from the settings."""

import ssl
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from pipeline.sources.live.outbound import Reach

PUBLIC = Reach(plain_http=True)
"""Public addresses, with TLS or without."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for every page. Times are seconds; `delay` lies between the starts of two requests to one host.

    `whole` is what one page may take from its request on, redirects included, without what it waits for its turn.
    `max_bytes` bounds a body both as it comes and unpacked.
    """

    user_agent: str = "Leitmotif"
    delay: float = 0.5
    per_host: int = 2
    connect: float = 10.0
    read: float = 15.0
    whole: float = 30.0
    max_bytes: int = 5 << 20
    redirects: int = 10
    reach: Reach = PUBLIC
    asks_robots: bool = True
    trust: ssl.SSLContext | None = None


LONGEST_CRAWL_DELAY = 10.0
"""Seconds; a robots.txt that asks for more is met so far."""


def policy_of_settings() -> Policy:
    """Return how the settings say that pages are asked for."""
    return Policy(
        user_agent=settings.WEBSITES_USER_AGENT,
        delay=settings.WEBSITES_DELAY,
        whole=settings.WEBSITES_TIMEOUT,
        read=min(15.0, settings.WEBSITES_TIMEOUT),
        connect=min(10.0, settings.WEBSITES_TIMEOUT),
        max_bytes=settings.WEBSITES_MAX_BYTES,
        reach=Reach(internal=settings.WEBSITES_INTERNAL, plain_http=True),
        asks_robots=settings.WEBSITES_ROBOTS,
    )


@cache
def default_trust() -> ssl.SSLContext:
    """Return whom this machine trusts, read once: that takes longer than most requests."""
    return ssl.create_default_context()
