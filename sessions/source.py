"""Sessions that are over, as conversations for the pipeline: the source `chats:default`."""

import json
from collections.abc import Iterator

from django.db.models import Prefetch

from pipeline.sources.records import Record, Reject, UnreadableSource, read_record
from sessions.models import Message, Session

BATCH = 200


class ChatsSource:
    """All sessions that are over and in which something was written, by number. Whoever reads again sees what grew."""

    kind = "chats"
    is_live = True

    def __init__(self, name: str = "default") -> None:
        self.name = name

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def records(self) -> Iterator[Record | Reject]:
        """Return the conversations one by one; memory does not grow with their number.

        UnreadableSource for another name than `default`: there is one set of sessions.
        """
        if self.name != "default":
            raise UnreadableSource(f"there is no source {self}; the sessions of this database are chats:default")
        return self._records()

    def _records(self) -> Iterator[Record | Reject]:
        written = Message.objects.exclude(text="").order_by("pk")
        over = Session.objects.exclude(state=Session.State.ACTIVE).order_by("pk")
        last = 0
        while batch := list(over.filter(pk__gt=last).prefetch_related(Prefetch("messages", written))[:BATCH]):
            for session in batch:
                if said := list(session.messages.all()):
                    yield read_record(_json(session, said), line=session.pk, unit="session")
            last = batch[-1].pk


def _json(session: Session, said: list[Message]) -> bytes:
    conversation = {
        "id": str(session.pk),
        "customer": session.user_id,
        "created_at": session.started_at.isoformat(),
        "messages": [
            {"role": each.role, "author": each.author, "text": each.text, "created_at": each.sent_at.isoformat()}
            for each in said
        ],
        "metadata": {"state": session.state, "ended_reason": session.ended_reason},
    }
    return json.dumps(conversation).encode()
