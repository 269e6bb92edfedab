"""Screens for people who look after chats."""

from django.contrib import admin
from django.http import HttpRequest

from sessions.models import Session


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes none when it runs
    """To read only: sessions are opened, ended and expired by chat.py, which guards what a form would not."""

    list_display = [
        "id",
        "user_id",
        "state",
        "ended_reason",
        "started_at",
        "last_message_at",
        "ended_at",
        "reuse_count",
    ]
    list_filter = ["state", "ended_reason"]
    search_fields = ["user_id__exact"]  # a looser match would not use sessions_by_user_and_start
    search_help_text = "The user's id in the front end, in full"
    date_hierarchy = "started_at"
    ordering = ["-started_at", "-id"]
    fieldsets = [
        (None, {"fields": ["user_id", "state", "started_at", "last_message_at", "reuse_count"]}),
        ("End", {"fields": ["ended_at", "ended_reason"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False
