"""Microsoft Teams: messages of chats and channels as Microsoft Graph gives them (`/messages`, Export API)."""

from collections.abc import Iterator

from pipeline.sources.formats.base import Found, Head, Options, Stream
from pipeline.sources.formats.json_objects import ChatFormat
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.parts import Part
from pipeline.sources.records import Reject
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage
from pipeline.sources.understanding.threads import text_of, word


class TeamsChat(ChatFormat):
    """What the chat itself writes (somebody joined), what applications post and what was deleted is left out."""

    name = "Microsoft Teams chat"
    says = {"text": "body", "times": "createdDateTime", "author": "from", "conversation": "replyToId"}

    def __init__(self) -> None:
        self._chat = ""  # of the message that was read last: a file may hold those of several chats

    def fits(self, found: Found) -> float:
        return 1.0 if {"messageType", "createdDateTime", "body"} <= found.keys() else 0.0

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        return self._chat or part.basename.removesuffix(".json")

    def objects(self, stream: Stream, options: Options) -> Iterator[tuple[Element, Part, Found] | Reject]:
        """Yield the messages; those that answer one in a channel may stand within it, as `replies`."""
        for each in super().objects(stream, options):
            yield each
            if isinstance(each, Reject):
                continue
            element, part, found = each
            for reply in found.get("replies") or []:
                if isinstance(reply, dict):
                    yield element, part, {"replyToId": found.get("id"), **reply}

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        channel = found.get("channelIdentity") or {}
        self._chat = word(found.get("chatId")) or word(channel.get("channelId"))
        sender = found.get("from") or {}
        user = sender.get("user") or {}
        if found["messageType"] != "message" or not user or found.get("deletedDateTime"):
            return None
        author = word(user.get("displayName")) or word(user.get("id"))
        own, answered = word(found.get("id")), word(found.get("replyToId"))
        return ChatMessage(
            own,
            author,
            text_of(found["body"]),
            times.read(found["createdDateTime"]),
            reply_to=answered,
            # in a channel each post begins a thread, and `replyToId` is that post; a chat has no threads
            thread=(answered or own) if channel.get("channelId") and not found.get("chatId") else "",
        )
