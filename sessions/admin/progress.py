"""Guided progress updates, each with the log of what happened to it."""

from django.contrib import admin
from django.http import HttpRequest

from pipeline.models.wording import words
from pipeline.web.admin.base import moment
from pipeline.web.parts.sections import Facts, Section, Table
from sessions.admin.base import SHOWN, ChatAdmin, when
from sessions.models import ProgressUpdate


@admin.register(ProgressUpdate)
class ProgressUpdateAdmin(ChatAdmin):
    """To read only: users open, fill and close them."""

    list_display = [
        "id", "user_id", "task_id", "step", "images", "comments", when("opened_at"), when("last_change_at"), "closed",
    ]  # fmt: skip
    list_filter = ["closed_reason", "step", "opened_at"]
    ordering = ["-opened_at", "-id"]

    @admin.display(ordering="images_uploaded")
    def images(self, update: ProgressUpdate) -> int:
        return update.images_uploaded

    @admin.display(ordering="comments_added")
    def comments(self, update: ProgressUpdate) -> int:
        return update.comments_added

    @admin.display(ordering="closed_reason")
    def closed(self, update: ProgressUpdate) -> str:
        return words(update.closed_reason)

    def sections(self, request: HttpRequest, update: ProgressUpdate) -> list[Section]:
        """Return the counters and the log."""
        log = update.transitions.order_by("pk")[:SHOWN]
        rows = [(moment(each.at), words(each.what), each.detail, each.task_id) for each in log]
        return [Facts(_facts(update)), Table("What happened", ["When", "What", "Detail", "Task"], rows)]


def _facts(update: ProgressUpdate) -> list[tuple[str, object]]:
    return [
        ("User", update.user_id),
        ("Project", update.project_id),
        ("Task", update.task_id),
        ("Waiting for", words(update.step)),
        ("Images", update.images_uploaded),
        ("Comments", update.comments_added),
        ("Status changes", update.status_changed),
        ("Opened", moment(update.opened_at)),
        ("Last change", moment(update.last_change_at)),
        ("Closed", moment(update.closed_at)),
        ("Reason", words(update.closed_reason)),
    ]
