"""Screens for people who look after chats; a file a noun."""

from sessions.admin import access, health, messages, progress, sessions, users

__all__ = ["access", "health", "messages", "progress", "sessions", "users"]
