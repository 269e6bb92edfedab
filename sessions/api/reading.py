"""Chat sessions in the REST API: to read, over all users. Front ends of chats have an API of their own (`routes`)."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import AwareDatetime

from pipeline.web.api.door import Scope, needs
from pipeline.web.api.paging import NEWEST, OLDEST, Cursor, Limit, Page, page_of
from pipeline.web.api.shapes import Row, Word
from sessions.answering.schemas import MessageOut, SessionOut
from sessions.models import Message, Session

router = Router(tags=["sessions"])


class SessionFilter(Schema):
    """Which sessions: all that are given must hold."""

    user_id: Word = ""
    state: Literal["active", "ended", "expired", "escalated"] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


@router.get("", response=Page[SessionOut])
@needs(Scope.CHAT_READ)
def list_sessions(
    request: HttpRequest, asked: Query[SessionFilter], cursor: Cursor = None, limit: Limit = 50
) -> dict[str, Any]:
    """List chat sessions, the newest first; `since` and `until` are about when they began."""
    conditions: dict[str, Any] = {
        "user_id": asked.user_id, "state": asked.state, "started_at__gte": asked.since, "started_at__lt": asked.until,
    }  # fmt: skip
    found = Session.objects.filter(**{name: value for name, value in conditions.items() if value})
    rows, after = page_of(found, NEWEST, cursor, limit)
    return {"items": rows, "next": after}


@router.get("/{session_id}", response=SessionOut)
@needs(Scope.CHAT_READ)
def get_session(request: HttpRequest, session_id: Row) -> Session:
    """Return a chat session."""
    return Session.objects.get(pk=session_id)


@router.get("/{session_id}/messages", response=Page[MessageOut])
@needs(Scope.CHAT_READ)
def list_messages(request: HttpRequest, session_id: Row, cursor: Cursor = None, limit: Limit = 50) -> dict[str, Any]:
    """List what was said in a session, the oldest first."""
    found = Message.objects.filter(session=Session.objects.only("pk").get(pk=session_id))
    rows, after = page_of(found, OLDEST, cursor, limit)
    return {"items": rows, "next": after}
