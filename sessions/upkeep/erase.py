"""Erase what is kept of one user's chats, at the user's request: text and ids go, rows and counts stay.

One of settings.ERASERS: `manage.py erase_customer` asks it.
"""

from collections.abc import Mapping
from typing import Protocol

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from pipeline.models.erasure import Fate
from sessions.models import (
    ChatUser,
    ContextLoss,
    Delivery,
    Message,
    ProgressTransition,
    ProgressUpdate,
    Session,
    Takeover,
)


class Person(Protocol):
    """Whom an erasure is about: what they were called in the request, and the pseudonym that stands for them after."""

    @property
    def word(self) -> str: ...
    @property
    def pseudonym(self) -> str: ...


COLUMNS: Mapping[str, Mapping[Fate, str]] = {
    "chat.Session": {Fate.EMPTIED: "user_id zone"},
    "chat.Message": {Fate.EMPTIED: "user_id key text image_urls shown error", Fate.OPERATORS: "author"},
    "chat.Delivery": {Fate.EMPTIED: "error"},
    "chat.ChatUser": {Fate.EMPTIED: "user_id zone project_id task_id"},
    "chat.ContextLoss": {Fate.EMPTIED: "user_id expected actual"},
    "chat.ProgressUpdate": {Fate.EMPTIED: "user_id project_id task_id"},
    "chat.ProgressTransition": {Fate.EMPTIED: "user_id task_id", Fate.OURS: "detail"},
    "chat.Takeover": {Fate.EMPTIED: "user_id", Fate.OPERATORS: "taken_by ended_by"},
}
"""What becomes of each column that can hold words, in the terms of pipeline.runs.erased_columns."""


def held(word: str) -> dict[str, int]:
    """Return how many rows are kept of this user, by what they are."""
    return {
        "chat sessions": Session.objects.filter(user_id__iexact=word).count(),
        "chat messages": Message.objects.filter(user_id__iexact=word).count(),
        "other chat rows": sum(model.objects.filter(user_id__iexact=word).count() for model in _OTHERS),
    }


_OTHERS = (ChatUser, ContextLoss, Takeover, ProgressUpdate, ProgressTransition)


def erase(person: Person) -> dict[str, int]:
    """Take text and ids out of all rows of a user; return how many of each kind. Requires a transaction.

    An active session ends, and what awaited an answer gets none. A user may be known under several spellings of the id,
    which are several users to the chats: each gets a pseudonym of its own.
    """
    counts, now = held(person.word), timezone.now()
    ids: set[str] = set()
    for model in (Session, Message, *_OTHERS):
        ids.update(model.objects.filter(user_id__iexact=person.word).values_list("user_id", flat=True))
    for number, user_id in enumerate(sorted(ids), 1):
        _erase_user(user_id, f"{person.pseudonym}-{number}", now)
    return counts


def _erase_user(user_id: str, pseudonym: str, now: object) -> None:
    # each model's locks are taken in the order in which the chat takes them: the session first
    active = Session.objects.filter(user_id=user_id, state=Session.State.ACTIVE)
    active.update(state=Session.State.ENDED, ended_reason=Session.Reason.USER_REQUEST, ended_at=now)
    Session.objects.filter(user_id=user_id).update(user_id=pseudonym, zone="UTC")
    messages = Message.objects.filter(user_id=user_id)
    Delivery.objects.filter(message__in=messages).exclude(error="").update(error="erased")
    waiting = messages.filter(state=Message.State.RECEIVED)
    waiting.update(state=Message.State.FAILED, error="erased before it was answered")
    messages.filter(state=Message.State.FAILED).update(error="erased")
    keyed = Concat(Value("erased-"), Cast(F("pk"), CharField()))
    messages.exclude(key="").update(key=keyed)
    messages.update(user_id=pseudonym, text="", image_urls=[], shown=[])
    ChatUser.objects.filter(user_id=user_id).update(
        user_id=pseudonym, zone="", project_id="", project_until=None, task_id="", task_until=None
    )
    # what was at work on is the front end's id of a thing, and may name its user: a difference has to stay one
    ContextLoss.objects.filter(user_id=user_id).update(user_id=pseudonym, expected="erased", actual="")
    standing = Takeover.objects.filter(user_id=user_id, ended_at__isnull=True)
    standing.update(ended_at=now, ended_reason=Takeover.EndedReason.TIME_OVER)
    Takeover.objects.filter(user_id=user_id).update(user_id=pseudonym)
    updates = ProgressUpdate.objects.filter(user_id=user_id)
    updates.filter(closed_at__isnull=True).update(closed_at=now, closed_reason=ProgressUpdate.ClosedReason.CANCELLED)
    updates.exclude(task_id="").update(task_id="erased")
    updates.update(user_id=pseudonym, project_id="")
    transitions = ProgressTransition.objects.filter(user_id=user_id)
    transitions.exclude(task_id="").update(task_id="erased")
    transitions.update(user_id=pseudonym)
