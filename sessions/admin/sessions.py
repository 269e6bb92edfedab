"""Sessions: what was said, and what people decide about them."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from pipeline.models.wording import counted, words
from pipeline.web.admin.base import badge, moment
from pipeline.web.parts.sections import Facts, Note, Section, Thread
from sessions.admin.base import SHOWN, DecidingChatAdmin, losses_table, person, turn_of, when
from sessions.chat.opening import end_session, escalate_session
from sessions.chat.takeover import release, standing_takeover, take_over
from sessions.models import ContextLoss, Session

END, ESCALATE, TAKE_OVER, RELEASE = "end", "escalate", "take_over", "release"


def _end(session: Session, by: str, at: datetime) -> bool:
    return end_session(session_id=session.pk, at=at, reason=Session.Reason.USER_REQUEST)


def _escalate(session: Session, by: str, at: datetime) -> bool:
    return escalate_session(session_id=session.pk, at=at)


def _take_over(session: Session, by: str, at: datetime) -> bool:
    return bool(take_over(user_id=session.user_id, by=by, at=at))


def _release(session: Session, by: str, at: datetime) -> bool:
    return release(user_id=session.user_id, by=by, at=at)


def _about_user(user_id: str) -> list[str]:
    """Return what a person can do about the user: while one answers, only release; while none has come yet, both."""
    standing = standing_takeover(user_id, at=timezone.now())
    if standing is None:
        return [TAKE_OVER]
    return [RELEASE] if standing.taken_by else [TAKE_OVER, RELEASE]


@admin.register(Session)
class SessionAdmin(DecidingChatAdmin):
    """Sessions are opened and expired by chat.py; people end and escalate them, and take over their users."""

    list_display = [
        "id", "user_id", "state_badge", "reason", when("started_at"), when("last_message_at"), "reuse_count",
    ]  # fmt: skip
    list_filter = ["state", "ended_reason", "started_at"]
    ordering = ["-started_at", "-id"]
    actions = ["end", "escalate"]
    decisions = {
        END: "End",
        ESCALATE: "Hand over to people",
        TAKE_OVER: "Take over the user",
        RELEASE: "Release the user",
    }
    ways: ClassVar[dict[str, tuple[str, Callable[[Session, str, datetime], bool]]]] = {
        END: ("ended", _end),
        ESCALATE: ("escalated", _escalate),
        TAKE_OVER: ("taken over", _take_over),
        RELEASE: ("released", _release),
    }
    """What is said when it is done, and what does it: whether it changed anything comes out."""

    @admin.display(description="state", ordering="state")
    def state_badge(self, session: Session) -> SafeString:
        return badge(session.state)

    @admin.display(ordering="ended_reason")
    def reason(self, session: Session) -> str:
        return words(session.ended_reason)

    # --- Decisions ------------------------------------------------------------------------------------------------

    def decide(self, request: HttpRequest, rows: QuerySet[Session], decision: str) -> None:
        """End or escalate the sessions, or take over or release their users."""
        did, way = self.ways[decision]
        self.apply(request, rows, did, lambda session: way(session, person(request), timezone.now()))

    @admin.action(description="End", permissions=["change"])
    def end(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        self.decide(request, sessions, END)

    @admin.action(description="Hand over to people", permissions=["change"])
    def escalate(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        self.decide(request, sessions, ESCALATE)

    def decisions_about(self, row: Session) -> list[tuple[str, str]]:
        """Return what would change something now."""
        about_session = (END, ESCALATE) if row.is_active else ()
        return [(each, self.decisions[each]) for each in (*about_session, *_about_user(row.user_id))]

    # --- The page -------------------------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, session: Session) -> list[Section]:
        """Return who answers, the session's life, what was said, and what was lost."""
        said = list(session.messages.order_by("pk")[: SHOWN + 1])
        title = "Messages" if len(said) <= SHOWN else f"The first {SHOWN} messages"
        losses = list(ContextLoss.objects.filter(session=session)[:SHOWN])
        return [
            *_note_about(session),
            Facts(_facts(session)),
            Thread(title, [turn_of(message) for message in said[:SHOWN]]),
            *([losses_table(losses)] if losses else []),
        ]


def _note_about(session: Session) -> list[Section]:
    standing = standing_takeover(session.user_id, at=timezone.now())
    if standing is None:
        return []
    until = f"until {standing.until:%Y-%m-%d %H:%M} UTC"
    if not standing.taken_by:
        return [Note(f"This user is waiting for a person; the automation does not answer {until}.")]
    return [Note(f"{standing.taken_by} is answering this user {until}.")]


def _facts(session: Session) -> list[tuple[str, object]]:
    return [
        ("User", session.user_id),
        ("Time zone", session.zone),
        ("State", badge(session.state)),
        ("Reason", words(session.ended_reason)),
        ("Started", moment(session.started_at)),
        ("Last message", moment(session.last_message_at)),
        ("Ended", moment(session.ended_at)),
        ("Times reused", counted(session.reuse_count, "time")),
        ("Replies", session.reply_count),
    ]
