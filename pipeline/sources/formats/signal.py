"""Signal: the messages of signal-cli, and of tools that read the desktop's database. Each group or person is a chat."""

from typing import Any

from pipeline.sources.formats.base import Found, Head
from pipeline.sources.formats.json_objects import ChatFormat
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage, message_id
from pipeline.sources.understanding.threads import text_of, word


class SignalMessages(ChatFormat):
    name = "Signal messages"
    says = {"text": "body", "author": "source", "times": "sent_at"}

    def fits(self, found: Found) -> float:
        if isinstance(envelope := found.get("envelope"), dict):
            return 1.0 if {"timestamp", "source"} <= envelope.keys() else 0.0
        return 0.95 if {"body", "conversationId", "sent_at", "type"} <= found.keys() else 0.0

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        said = _of_the_command_line(found["envelope"]) if "envelope" in found else _of_the_desktop(found)
        text, author = text_of(said["text"]), word(said["author"])
        at = times.read(said["at"])
        return ChatMessage(message_id(author, text, at), author, text, at) if text else None

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        return part.basename[:100]

    def chat_named(self, found: Found, otherwise: str) -> str:
        if envelope := found.get("envelope"):
            group = ((envelope.get("dataMessage") or {}).get("groupInfo") or {}).get("groupId")
            return word(group or envelope.get("sourceNumber") or envelope.get("source"))
        return word(found["conversationId"]) or otherwise


def _of_the_command_line(envelope: Found) -> dict[str, Any]:
    sent = ((envelope.get("syncMessage") or {}).get("sentMessage")) or {}
    data = envelope.get("dataMessage") or sent
    return {
        "text": data.get("message"),
        "author": envelope.get("sourceName") or envelope.get("source"),
        "at": envelope["timestamp"],
    }


def _of_the_desktop(found: Found) -> dict[str, Any]:
    kind = found["type"]
    author = found.get("source") or found.get("sourceServiceId") or ("me" if kind == "outgoing" else "")
    return {
        "text": found.get("body") if kind in ("incoming", "outgoing") else "",
        "author": author,
        "at": found["sent_at"],
    }
