"""Zulip: messages as its API and its export give them. A topic is cut where nobody writes for long, like any chat."""

from pipeline.sources.formats.base import Found, Head
from pipeline.sources.formats.json_objects import ChatFormat
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage
from pipeline.sources.understanding.threads import text_of, word


class ZulipMessages(ChatFormat):
    name = "Zulip messages"
    says = {"text": "content", "author": "sender_full_name", "times": "timestamp"}

    def fits(self, found: Found) -> float:
        if {"sender_full_name", "display_recipient", "content"} <= found.keys():
            return 1.0
        return 1.0 if {"date_sent", "recipient", "sender", "content"} <= found.keys() else 0.0

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        author = word(found.get("sender_full_name")) or word(found.get("sender"))
        at = times.read(found.get("timestamp") or found.get("date_sent"))
        return ChatMessage(word(found["id"]), author, text_of(found["content"]), at)

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        return part.basename[:100]

    def chat_named(self, found: Found, otherwise: str) -> str:
        stream, topic = found.get("display_recipient"), word(found.get("subject"))
        place = stream if isinstance(stream, str) else word(found.get("recipient"))
        return " > ".join(part for part in (place, topic) if part)[:100] or otherwise
