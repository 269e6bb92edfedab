"""A Redis that answers but refuses to write, or to do anything just now, counts as one that is away.

After a full disk it says MISCONF, without its replicas NOREPLICAS, with its memory full OOM, when it was made a replica
READONLY, during a long script BUSY. All of that passes. The client knows these replies as errors of the command, like
a typing mistake, so Celery's worker would end with them. Here they become connection errors, as LOADING is already:
Celery reconnects and tries again, and our tasks are retried.
"""

from typing import Any

import redis
from redis._parsers.base import BaseParser  # the only place where redis-py says which reply is which error

REFUSALS = ("MISCONF", "NOREPLICAS", "OOM", "READONLY", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN")
"""The first words of these replies."""


class RedisRefusesError(redis.ConnectionError):
    """Redis is there, but does not take commands for now; the text is its own."""

    def __init__(self, text: str, status_code: str = "", **words: Any) -> None:
        super().__init__(f"{status_code} {text}".strip(), **words)


def count_as_away() -> None:
    """From now on every client in this process raises RedisRefusesError for such a reply."""
    BaseParser.EXCEPTION_CLASSES.update(dict.fromkeys(REFUSALS, RedisRefusesError))
