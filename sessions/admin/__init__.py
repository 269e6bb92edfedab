"""Screens for people who look after chats; a file a noun."""

from sessions.admin import deliveries, health, messages, progress, sessions, users

__all__ = ["deliveries", "health", "messages", "progress", "sessions", "users"]
