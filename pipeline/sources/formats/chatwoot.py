"""Chatwoot: conversations with messages, and plain lists of messages. `message_type` says who speaks."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import MessageFormat, ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word

_ROLES = {"0": "customer", "incoming": "customer", "1": "agent", "outgoing": "agent", "2": "system",
          "activity": "system", "3": "bot", "template": "bot"}  # fmt: skip


class ChatwootConversations(ThreadFormat):
    name = "Chatwoot conversations"
    says = {"customer": "sender", "text": "messages", "times": "created_at", "role": "message_type"}

    def fits(self, found: Found) -> float:
        messages = found.get("messages")
        if isinstance(messages, list) and messages and isinstance(messages[0], dict):
            # other vendors have a field of that name, with other words in it
            return 1.0 if str(messages[0].get("message_type")) in _ROLES else 0.0
        return 0.6 if {"inbox_id", "account_id", "contact_last_seen_at"} <= found.keys() else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        messages = sorted(found.get("messages") or [], key=lambda each: each.get("created_at") or 0)
        meta = found.get("meta") or {}
        senders = [each["sender"] for each in messages if _role(each) == "customer" and each.get("sender")]
        extra = found.get("additional_attributes") or {}
        return Thread(
            [_said(each) for each in messages if not each.get("private")],
            external_id=found.get("id") or found["display_id"],
            subject=text_of(extra.get("mail_subject")),
            customer=meta.get("sender") or (senders[0] if senders else None),
            at=found.get("created_at") or found.get("timestamp"),
            metadata=rest(found, "id", "created_at", "timestamp"),
        )


class ChatwootMessages(MessageFormat):
    name = "Chatwoot messages"
    says = {"customer": "sender", "text": "content", "times": "created_at", "role": "message_type"}

    def fits(self, found: Found) -> float:
        return 1.0 if {"message_type", "content", "conversation_id"} <= found.keys() else 0.0

    def message(self, found: Found) -> tuple[str, Said | None]:
        return word(found["conversation_id"]), None if found.get("private") else _said(found)

    def describe(self, thread: Thread, found: Found) -> None:
        if _role(found) == "customer" and not thread.customer:
            thread.customer = found.get("sender") or found.get("sender_id")


def _role(message: Found) -> str:
    kind = str(message.get("message_type")).casefold()
    sender = message.get("sender") or {}
    if kind in ("1", "outgoing") and str(sender.get("type", message.get("sender_type"))).casefold() in (
        "agent_bot",
        "agentbot",
    ):
        return "bot"
    return _ROLES.get(kind, kind)


def _said(message: Found) -> Said:
    sender = message.get("sender") or {}
    return Said(text_of(message.get("content")), _role(message), word(sender.get("name")), message.get("created_at"))
