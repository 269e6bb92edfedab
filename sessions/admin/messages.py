"""Messages: what was said, the newest first."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pipeline.web.admin.base import badge, short
from pipeline.web.parts.sections import Facts, Section, Thread
from sessions.admin.base import ChatAdmin, link_to_session, turn_of, when
from sessions.models import Message


@admin.register(Message)
class MessageAdmin(ChatAdmin):
    """To read only: messages come from front ends."""

    list_display = ["id", "user_id", "role", "state_badge", "said", "session_link", when("sent_at")]
    list_filter = ["state", "role"]
    search_fields = ["user_id__exact", "key__exact"]
    search_help_text = "The full ID of the user, or the sender's full ID of the message"
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Return messages with what they answer."""
        return super().get_queryset(request).select_related("in_reply_to")

    @admin.display(description="state", ordering="state")
    def state_badge(self, message: Message) -> SafeString:
        return badge(message.state)

    @admin.display
    def said(self, message: Message) -> str:
        return short(message.text)

    @admin.display(description="session")
    def session_link(self, message: Message) -> SafeString | str:
        return link_to_session(message.session_id)

    def sections(self, request: HttpRequest, message: Message) -> list[Section]:
        """Return the message with what it answers, or with its answer."""
        other = [message.in_reply_to] if message.in_reply_to else list(message.replies.all())
        thread = sorted([message, *other], key=lambda each: each.pk)
        return [Facts(_facts(message)), Thread("Text", [turn_of(each) for each in thread])]


def _facts(message: Message) -> list[tuple[str, object]]:
    return [
        ("User", message.user_id),
        ("State", badge(message.state)),
        ("Error", message.error),
        ("Session", link_to_session(message.session_id)),
        ("Sender's ID", message.key),
    ]
