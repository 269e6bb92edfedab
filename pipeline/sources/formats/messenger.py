"""Messenger and Instagram messages as Meta's "download your information" gives them.

Their files write each byte of UTF-8 as a letter of its own (`Ã©` for `é`); that is undone. The newest message is first.
"""

import hashlib

from pipeline.sources.formats.base import Found, Head
from pipeline.sources.formats.json_objects import ChatFormat
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage
from pipeline.sources.understanding.threads import text_of, word


class MessengerChat(ChatFormat):
    """Of an encrypted chat the file is another: `senderName`, `text` and `timestamp`, in letters as they are."""

    name = "Messenger chat"
    says = {"text": "content", "times": "timestamp_ms", "author": "sender_name"}

    def fits(self, found: Found) -> float:
        if {"sender_name", "timestamp_ms"} <= found.keys():
            return 1.0
        return 1.0 if {"senderName", "timestamp"} <= found.keys() and {"isUnsent", "reactions"} & found.keys() else 0.0

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        if title := word(element.around.get("threadName")):
            return title
        folder = part.folder.rpartition("/")[2]  # message_1.json, message_2.json ... of one chat lie in one folder
        people = head.envelope.get("participants")
        names = ", ".join(word(each.get("name")) for each in people) if isinstance(people, list) else ""
        return folder or mended(word(element.around.get("title")) or names) or part.basename

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        is_encrypted = "senderName" in found
        text = text_of(found.get("text")) if is_encrypted else mended(text_of(found.get("content")))
        if not text or found.get("is_unsent") or found.get("isUnsent"):
            return None
        name = word(found["senderName"]) if is_encrypted else mended(word(found["sender_name"]))
        moment = word(found["timestamp"] if is_encrypted else found["timestamp_ms"])
        digest = hashlib.sha256(f"{name} {text}".encode(errors="replace")).hexdigest()[:6]
        return ChatMessage(f"{moment}-{digest}", name, text, times.read(int(moment)))


def mended(text: str) -> str:
    """Return a text whose letters are the bytes of UTF-8 as it was written; any other text as it is."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
