"""A heartbeat while something long is done, so that nobody takes it over or calls the run lost."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.conf import settings
from django.db import Error, connection

log = logging.getLogger(__name__)


@contextmanager
def beating(beat: Callable[[], object], *, every: float | None = None) -> Iterator[None]:
    """Call `beat` every so many seconds while the block runs, by default three times in each CLAIM_TIMEOUT.

    Three times, so that two beats may fail before somebody takes the work over. From a thread, because the block may
    compute for minutes without coming up for air; it has its own database connection, and what it writes is committed
    at once, also while the block holds a transaction. A process that dies takes the thread along: then the silence is
    real.
    """
    done = Event()
    thread = Thread(target=_beat_until, args=(done, beat, every or settings.CLAIM_TIMEOUT / 3), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat_until(done: Event, beat: Callable[[], object], every: float) -> None:
    try:
        while not done.wait(every):
            try:
                beat()
            # A server that restarts must not end the work that is done meanwhile; if it stays away the claim lapses by
            # itself, and the guarded write at the end finds that out. `Error`, for a connection that is closed already
            # raises InterfaceError, which is no DatabaseError.
            except Error:
                log.warning("a heartbeat could not be sent; trying again", exc_info=True)
                connection.close()  # the next beat opens a new one
    finally:
        connection.close()  # this thread's own: Django closes those of requests and tasks only
