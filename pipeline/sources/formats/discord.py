"""Discord channels as DiscordChatExporter and the API write them in JSON. A thread's own file is one conversation."""

from pipeline.sources.formats.base import Head
from pipeline.sources.formats.json_objects import ChatFormat, Found
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage
from pipeline.sources.understanding.threads import text_of, word

_SAID = ("Default", "Reply", "ThreadStarterMessage", "0", "19", "21")
_NAMES = ("nickname", "name", "global_name", "username", "id")
"""Of an author, in the exporter's file and in the answers of Discord's API."""


class DiscordChat(ChatFormat):
    name = "Discord chat"
    says = {"text": "content", "times": "timestamp", "author": "author", "conversation": "reference.messageId"}

    def __init__(self) -> None:
        self._channel = ""  # of the message that was read last, as the API names it

    def fits(self, found: Found) -> float:
        if not {"timestamp", "author", "content", "type"} <= found.keys() or not isinstance(found["author"], dict):
            return 0.0
        return (
            1.0
            if {"isPinned", "attachments", "embeds", "mentions", "timestampEdited", "reactions"} & found.keys()
            else 0.8
        )

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        channel = _channel(head)
        return word(channel.get("name")) or word(channel.get("id")) or self._channel or part.basename

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        author = found["author"]
        if word(found["type"]) not in _SAID or author.get("isBot") or author.get("bot"):
            return None
        self._channel = word(found.get("channel_id"))
        channel = _channel(head)
        is_thread = "thread" in str(channel.get("type", "")).casefold()
        return ChatMessage(
            word(found["id"]),
            next((name for key in _NAMES if (name := word(author.get(key)))), ""),
            text_of(found["content"]),
            times.read(found["timestamp"]),
            reply_to=word((found.get("reference") or {}).get("messageId"))
            or word((found.get("message_reference") or {}).get("message_id")),
            thread=word(channel.get("id")) if is_thread else "",
        )


def _channel(head: Head) -> Found:
    channel = head.envelope.get("channel")
    return channel if isinstance(channel, dict) else {}
