"""Drift: conversations with messages, and plain lists of messages. `author.type` is contact or user."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import MessageFormat, ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word


class DriftConversations(ThreadFormat):
    name = "Drift conversations"
    says = {"customer": "contactId", "text": "messages", "times": "createdAt", "role": "author.type"}

    def fits(self, found: Found) -> float:
        messages = found.get("messages")
        if not isinstance(messages, list) or not messages or not _is_message(messages[0]):
            return 0.0
        return 1.0 if {"id", "contactId", "inboxId"} & found.keys() else 0.4  # a page of messages has none of them

    def thread(self, found: Found, summary: Recognised) -> Thread:
        messages = sorted(found["messages"], key=lambda each: each.get("createdAt") or 0)
        return Thread(
            [said for each in messages if (said := _said(each))],
            external_id=found.get("id") or found.get("conversationId") or messages[0]["conversationId"],
            customer=found.get("contactId") or _contact(messages),
            at=found.get("createdAt"),
            metadata=rest(found, "id", "contactId", "createdAt"),
        )


class DriftMessages(MessageFormat):
    name = "Drift messages"
    says = {"customer": "author", "text": "body", "times": "createdAt", "role": "author.type"}

    def fits(self, found: Found) -> float:
        return 1.0 if "conversationId" in found and _is_message(found) else 0.0

    def message(self, found: Found) -> tuple[str, Said | None]:
        return word(found["conversationId"]), _said(found)

    def describe(self, thread: Thread, found: Found) -> None:
        thread.customer = thread.customer or _contact([found])


def _is_message(found: object) -> bool:
    author = found.get("author") if isinstance(found, dict) else None
    return (
        isinstance(found, dict)
        and isinstance(author, dict)
        and author.get("type") in ("contact", "user")
        and "body" in found
    )


def _contact(messages: list[Found]) -> object:
    return next((each["author"].get("id") for each in messages if each["author"].get("type") == "contact"), None)


def _said(message: Found) -> Said | None:
    if message.get("type", "chat") not in ("chat", "email", "CHAT", "EMAIL"):
        return None
    author = message["author"]
    role = "bot" if author.get("bot") else "customer" if author.get("type") == "contact" else "agent"
    return Said(text_of(message.get("body")), role, word(author.get("name")), message.get("createdAt"))
