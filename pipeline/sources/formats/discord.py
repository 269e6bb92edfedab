"""Discord channels as DiscordChatExporter and the API write them in JSON. A thread's own file is one conversation."""

import re

from pipeline.sources.formats.base import Found, Head
from pipeline.sources.formats.json_objects import ChatFormat
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage
from pipeline.sources.understanding.roles import AGENT, BOT, role_of
from pipeline.sources.understanding.threads import text_of, word

_SAID = ("Default", "Reply", "ThreadStarterMessage", "0", "19", "21")
_NAMES = ("nickname", "name", "global_name", "username", "id")
"""Of an author, in the exporter's file and in the answers of Discord's API."""

_TICKET = re.compile(r"(?:ticket|support|case|request|help|claim|issue|closed)[-_]?\d{2,8}$", re.IGNORECASE)
"""A channel that a ticket bot opened for one person's request: all of it is one conversation, greeted by the bot."""


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
        # many servers have a channel called `support`
        channel = _channel(head)
        return word(channel.get("id")) or word(channel.get("name")) or self._channel or part.basename

    def title_of(self, element: Element, head: Head) -> str:
        return word(_channel(head).get("name"))

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        author = found["author"]
        self._channel = word(found.get("channel_id"))
        channel = _channel(head)
        is_ticket = _TICKET.match(str(channel.get("name", ""))) is not None
        is_bot = bool(author.get("isBot") or author.get("bot"))
        if word(found["type"]) not in _SAID or (is_bot and not is_ticket):
            return None
        is_thread = is_ticket or "thread" in str(channel.get("type", "")).casefold()
        return ChatMessage(
            word(found["id"]),
            next((name for key in _NAMES if (name := word(author.get(key)))), ""),
            text_of(found["content"]) or (_embedded(found) if is_bot else ""),
            times.read(found["timestamp"]),
            reply_to=word((found.get("reference") or {}).get("messageId"))
            or word((found.get("message_reference") or {}).get("message_id")),
            thread=word(channel.get("id")) if is_thread else "",
            role=BOT if is_bot else _role(author),
        )


def _role(author: Found) -> str:
    """Return the role that somebody's roles on the server say, as far as their names are words for one: `Staff`."""
    names = [word(each.get("name")) for each in author.get("roles") or [] if isinstance(each, dict)]
    return AGENT if any(role_of(name) == AGENT for name in names) else ""


def _embedded(found: Found) -> str:
    """Return what a bot says in a box below its message, where it says nothing else."""
    boxes = [each for each in found.get("embeds") or [] if isinstance(each, dict)]
    return "\n".join(text for box in boxes for key in ("title", "description") if (text := text_of(box.get(key))))


def _channel(head: Head) -> Found:
    channel = head.envelope.get("channel")
    return channel if isinstance(channel, dict) else {}
