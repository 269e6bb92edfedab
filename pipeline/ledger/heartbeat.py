"""A sign of life while something long is done, so that nobody takes it over or calls the run lost."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.conf import settings
from django.db import DatabaseError, connection

log = logging.getLogger(__name__)


@contextmanager
def beating(beat: Callable[[], object]) -> Iterator[None]:
    """Call `beat` three times in each CLAIM_TIMEOUT while the block runs, from a thread of its own."""
    done = Event()
    thread = Thread(target=_beat_until, args=(done, beat), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat_until(done: Event, beat: Callable[[], object]) -> None:
    try:
        while not done.wait(settings.CLAIM_TIMEOUT / 3):
            try:
                beat()
            except DatabaseError:
                log.warning("could not leave a sign of life; trying again", exc_info=True)
                connection.close()  # the next beat opens a new one
    finally:
        connection.close()
