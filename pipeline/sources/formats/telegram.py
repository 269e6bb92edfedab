"""Telegram chats as its desktop program exports them in JSON: one chat, or all of an account."""

from pipeline.sources.formats.base import Found, Head
from pipeline.sources.formats.json_objects import ChatFormat
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage
from pipeline.sources.understanding.threads import word


class TelegramChat(ChatFormat):
    name = "Telegram chat"
    says = {"text": "text", "times": "date_unixtime", "author": "from", "conversation": "reply_to_message_id"}

    def fits(self, found: Found) -> float:
        if found.get("type") not in ("message", "service") or not {"id", "date"} <= found.keys():
            return 0.0
        return 1.0 if {"from", "from_id", "actor", "text_entities"} & found.keys() else 0.5

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        # two chats may have one name, and somebody may change theirs
        return word(element.around.get("id")) or word(element.around.get("name")) or part.basename

    def title_of(self, element: Element, head: Head) -> str:
        return word(element.around.get("name"))

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        if found["type"] != "message":
            return None
        return ChatMessage(
            word(found["id"]),
            word(found.get("from")) or word(found.get("from_id")),
            _text(found.get("text")),
            times.read(found.get("date_unixtime")) or times.read(found["date"]),
            reply_to=word(found.get("reply_to_message_id")),
        )


def _text(value: object) -> str:
    """Return a text that is written in pieces, some of them with a format or a link."""
    if isinstance(value, list):
        return "".join(_text(each) for each in value)
    if isinstance(value, dict):
        return _text(value.get("text"))
    return value if isinstance(value, str) else ""
