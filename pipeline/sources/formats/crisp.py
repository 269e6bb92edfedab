"""Crisp: conversations with messages, and plain lists of messages by session. `from` is user or operator."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import MessageFormat, ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word


class CrispConversations(ThreadFormat):
    name = "Crisp conversations"
    says = {"customer": "meta.email", "text": "messages", "times": "timestamp", "role": "from"}

    def fits(self, found: Found) -> float:
        messages = found.get("messages")
        is_own = isinstance(messages, list) and messages and isinstance(messages[0], dict) and "from" in messages[0]
        if "session_id" in found and is_own:
            return 1.0
        return 0.9 if {"session_id", "people_id", "last_message"} <= found.keys() else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        if not isinstance(found.get("messages"), list):
            raise ValueError("it has its last message only, whoever wrote it: export the messages of each conversation")
        meta = found.get("meta") or {}
        messages = sorted(found["messages"], key=lambda each: each.get("timestamp") or 0)
        return Thread(
            [said for each in messages if (said := _said(each))],
            external_id=found["session_id"],
            subject=text_of(meta.get("subject")),
            customer={"email": meta.get("email"), "id": found.get("people_id"), "name": meta.get("nickname")},
            at=found.get("created_at"),
            metadata=rest(found, "session_id", "created_at"),
        )


class CrispMessages(MessageFormat):
    name = "Crisp messages"
    says = {"customer": "user", "text": "content", "times": "timestamp", "role": "from"}

    def fits(self, found: Found) -> float:
        return 1.0 if {"session_id", "from", "content"} <= found.keys() else 0.0

    def message(self, found: Found) -> tuple[str, Said | None]:
        return word(found["session_id"]), _said(found)

    def describe(self, thread: Thread, found: Found) -> None:
        if found.get("from") == "user" and not thread.customer:
            thread.customer = {
                "id": (found.get("user") or {}).get("user_id"),
                "name": (found.get("user") or {}).get("nickname"),
            }


def _said(message: Found) -> Said | None:
    """Return what was said; notes, events and files say nothing."""
    if message.get("type", "text") != "text" or not isinstance(message.get("content"), str):
        return None
    user = message.get("user") or {}
    role = "customer" if message.get("from") == "user" else "bot" if message.get("automated") else "agent"
    return Said(message["content"], role, word(user.get("nickname")), message.get("timestamp"))
