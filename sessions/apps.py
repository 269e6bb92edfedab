from django.apps import AppConfig


class SessionsConfig(AppConfig):
    """Live chats. The label is `chat`, for Django's own app is labelled `sessions`."""

    name = "sessions"
    label = "chat"
    verbose_name = "Chat"
