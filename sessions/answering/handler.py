"""What answers users. The setting SESSION_HANDLER names the class by its dotted path."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from sessions.chat.context import Context
from sessions.chat.messages import Option
from sessions.models import Message, Session


@dataclass(frozen=True)
class Turn:
    """A message that awaits its answer, and all that was looked up for it. A handler never opens the session again."""

    session: Session
    message: Message
    chosen: Option | None  # what the message means by what the user was shown last
    context: Context
    at: datetime


@dataclass(frozen=True)
class Answer:
    """What the user is told, and what they can choose from now."""

    text: str
    shown: Sequence[Option] = ()
    image_urls: Sequence[str] = ()


class Handler(ABC):
    """Answers one message of one user at a time. An exception fails the message, and the next one gets its turn."""

    def prepare(self, turn: Turn) -> Any:
        """Ask whatever is slow or far away: a model, another service. No transaction is open, and it may run again."""
        return None

    @abstractmethod
    def answer(self, turn: Turn, prepared: Any) -> Answer:
        """Return the answer. Runs in the transaction that stores it: what this writes counts with it, or not at all.
        Must not wait for anything but the database."""


def handler() -> Handler:
    """Return the handler of this deployment; ImproperlyConfigured if the setting names none."""
    return _handler(settings.SESSION_HANDLER)


@cache
def _handler(path: str) -> Handler:
    try:
        found = import_string(path)()
    except ImportError as error:
        raise ImproperlyConfigured(f"SESSION_HANDLER={path} cannot be imported: {error}") from error
    if not isinstance(found, Handler):
        raise ImproperlyConfigured(f"SESSION_HANDLER={path} is not a sessions.answering.handler.Handler.")
    return found
