"""Claude's data export: conversations with `chat_messages`."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word


class ClaudeConversations(ThreadFormat):
    name = "Claude conversations"
    says = {"customer": "account", "text": "chat_messages", "times": "created_at", "role": "sender"}

    def fits(self, found: Found) -> float:
        return 1.0 if isinstance(found.get("chat_messages"), list) else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        return Thread(
            [_said(each) for each in found["chat_messages"]],
            external_id=found.get("uuid"),
            customer=(found.get("account") or {}).get("uuid"),
            at=found.get("created_at"),
            metadata=rest(found, "uuid", "created_at"),
        )


def _said(message: Found) -> Said:
    text = text_of(message.get("content")) or text_of(message.get("text"))  # `text` has placeholders for tools in it
    return Said(text, word(message.get("sender")), at=message.get("created_at"))
