"""Users: what they are at work on, who answers them, and where we got it wrong."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from pipeline.models.wording import words
from pipeline.web.admin.base import badge, link_to, moment
from pipeline.web.parts.sections import Facts, Section, Table
from sessions.admin.base import ChatAdmin, DecidingChatAdmin, link_to_session, losses_table, person, when
from sessions.chat.context import context_of
from sessions.chat.takeover import extend_takeover, release
from sessions.models import ChatUser, ContextLoss, Session, Takeover

LATEST = 10
RELEASE, EXTEND = "release", "extend"


@admin.register(ChatUser)
class ChatUserAdmin(ChatAdmin):
    """To read only: users choose for themselves."""

    list_display = ["user_id", "zone", "project_id", when("project_until"), "task_id", when("task_until")]
    ordering = ["user_id"]

    def sections(self, request: HttpRequest, user: ChatUser) -> list[Section]:
        """Return what counts now, and the user's latest sessions."""
        context = context_of(user.user_id, at=timezone.now())
        facts = [
            ("Time zone", user.zone),
            ("Project", context.project_id or "none"),
            ("Task", context.task_id or "none"),
        ]
        return [Facts(facts), _latest_sessions(user)]


def _latest_sessions(user: ChatUser) -> Table:
    sessions = Session.objects.filter(user_id=user.user_id).order_by("-started_at")[:LATEST]
    rows = [(link_to(each), badge(each.state), words(each.ended_reason), moment(each.started_at)) for each in sessions]
    return Table("Latest sessions", ["Session", "State", "Reason", "Started"], rows)


@admin.register(Takeover)
class TakeoverAdmin(DecidingChatAdmin):
    """Who answers whom; a user is taken over on the page of one of their sessions."""

    list_display = [
        "id",
        "user_id",
        "taken_by",
        when("taken_at"),
        when("until"),
        when("ended_at"),
        "ended_by",
        "ended_reason",
    ]
    list_filter = ["ended_reason", "taken_at"]
    ordering = ["-taken_at", "-id"]
    actions = ["release", "extend"]
    decisions = {RELEASE: "Release", EXTEND: "Extend"}

    def decide(self, request: HttpRequest, rows: QuerySet[Takeover], decision: str) -> None:
        """Release or extend those that stand; only who has taken over extends."""
        way, did = (release, "released") if decision == RELEASE else (extend_takeover, "extended")
        standing = rows.filter(ended_at__isnull=True)
        self.apply(
            request, standing, did, lambda each: way(user_id=each.user_id, by=person(request), at=timezone.now())
        )

    @admin.action(description="Release", permissions=["change"])
    def release(self, request: HttpRequest, takeovers: QuerySet[Takeover]) -> None:
        self.decide(request, takeovers, RELEASE)

    @admin.action(description="Extend", permissions=["change"])
    def extend(self, request: HttpRequest, takeovers: QuerySet[Takeover]) -> None:
        self.decide(request, takeovers, EXTEND)

    def decisions_about(self, row: Takeover) -> list[tuple[str, str]]:
        """Return nothing for one that is over."""
        return [] if row.ended_at or row.until <= timezone.now() else list(self.decisions.items())

    def sections(self, request: HttpRequest, takeover: Takeover) -> list[Section]:
        """Return who answers whom, and until when."""
        facts = [
            ("User", takeover.user_id),
            ("Answers", takeover.taken_by),
            ("Since", moment(takeover.taken_at)),
            ("Until", moment(takeover.until)),
            ("Ended", moment(takeover.ended_at)),
            ("Ended by", takeover.ended_by),
            ("Reason", words(takeover.ended_reason)),
        ]
        return [Facts(facts)]


@admin.register(ContextLoss)
class ContextLossAdmin(ChatAdmin):
    """Where we thought wrongly what a user was at work on, the newest first."""

    list_display = [when("noticed_at"), "user_id", "what", "expected", "actual", "has_run_out", "session_link"]
    list_filter = ["what", "has_run_out", "noticed_at"]
    ordering = ["-noticed_at", "-id"]

    @admin.display(description="session")
    def session_link(self, loss: ContextLoss) -> SafeString | str:
        return link_to_session(loss.session_id)

    def sections(self, request: HttpRequest, loss: ContextLoss) -> list[Section]:
        """Return the difference."""
        facts = [("User", loss.user_id), ("Session", link_to_session(loss.session_id))]
        return [Facts(facts), losses_table([loss])]
