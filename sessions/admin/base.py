"""What all chat screens share."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pipeline.models.wording import words
from pipeline.web.admin.base import DecidingAdmin, WholePageAdmin, link_to, moment
from pipeline.web.parts.sections import Table
from pipeline.web.parts.texts import Piece, Turn
from sessions.chat.takeover import AlreadyTakenOverError
from sessions.models import ContextLoss, Message, Session

SHOWN = 100
"""Messages, transitions and other rows on a page."""


class ChatAdmin(WholePageAdmin):
    """A page to read, made of sections; what users do, nobody changes by hand."""

    change_form_template = "admin/pipeline/change_form.html"
    search_fields = ["user_id__exact"]  # a looser match would not use an index
    search_help_text = "The user's full ID in the front end"


class DecidingChatAdmin(DecidingAdmin, ChatAdmin):
    """A page with decisions about a user's chat; there is nothing to write."""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show no button to save."""
        context |= {"show_save": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def apply(self, request: HttpRequest, rows: QuerySet[Any], did: str, decide: Callable[[Any], object]) -> None:
        """Decide about each row, note it in the history of those that changed, and tell the person what came of it."""
        changed = []
        for row in rows.order_by("pk"):
            try:
                if decide(row):
                    changed.append(row)
            except AlreadyTakenOverError as error:
                messages.error(request, str(error))
        self.note(request, changed, f"{did.capitalize()}.")
        messages.success(request, f"{len(changed)} {did}.")


def when(field: str) -> Callable[[Any], SafeString | str]:
    """Return a column of a list: the row's moment of that name, short."""

    @admin.display(description=field.removesuffix("_at").replace("_", " "), ordering=field)
    def column(row: Any) -> SafeString | str:
        return moment(getattr(row, field))

    column.__name__ = field  # of which the admin makes the column's class
    return column


def person(request: HttpRequest) -> str:
    """Return the name under which what this person does is recorded."""
    return request.user.get_username()


def link_to_session(session_id: int | None) -> SafeString | str:
    """Return a link to the session's page, without asking for the session."""
    return link_to(Session(pk=session_id), f"session {session_id}") if session_id else "-"


def turn_of(message: Message) -> Turn:
    """Return the message as a turn of a thread: its text, images and options, and what it still awaits."""
    lines = [message.text] if message.text else []
    lines += [f"[image] {url}" for url in message.image_urls]
    lines += [f"{option['key']}: {option['label']}" for option in message.shown]
    if message.state not in (Message.State.ANSWERED, Message.State.SAID):
        lines.append(f"({': '.join(filter(None, [words(message.state), message.error]))})")
    return Turn(message.role, message.author, message.sent_at, (Piece("\n".join(lines)),))


def losses_table(losses: list[ContextLoss]) -> Table:
    """Return context losses, a row each."""
    rows = [
        (
            moment(each.noticed_at),
            each.what,
            each.expected or "none",
            each.actual or "none",
            "expired" if each.has_run_out else "",
        )
        for each in losses
    ]
    return Table("Context losses", ["Noticed", "What", "Expected", "Remembered", ""], rows)
