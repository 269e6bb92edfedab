"""Rooms of Matrix: events as Element exports them (`messages`) and as the protocol gives them (`chunk`).

Names stand in the events of who joined. An edit is an event of its own, which takes the place of the first words; what
a reply repeats of the message it answers is cut off. Reactions, calls and what could not be decrypted say nothing.
"""

import re

from pipeline.sources.formats.base import Found, Head, Options, Stream
from pipeline.sources.formats.json_objects import ChatFormat, Rows
from pipeline.sources.parsing.elements import Element, parse
from pipeline.sources.parsing.heads import elements_of, head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage
from pipeline.sources.understanding.roles import AGENT
from pipeline.sources.understanding.threads import text_of, word

MAX_KNOWN = 100_000
"""Names, and edits, that are remembered."""

_SAID = ("m.text", "m.notice", "m.emote")
_FALLBACK = re.compile(r"(?:> [^\n]*\n){1,500}\n?")
"""The lines of the answered message above a reply, as older programs write it."""


class MatrixRoom(ChatFormat):
    name = "Matrix room"
    says = {"text": "content.body", "times": "origin_server_ts", "author": "sender", "conversation": "m.in_reply_to"}

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._edits: dict[str, str] = {}
        self._rooms: dict[str, str] = {}  # of each file: most events name their room, and some do not
        self._owner = ""

    def fits(self, found: Found) -> float:
        is_event = {"sender", "content", "origin_server_ts", "event_id"} <= found.keys()
        return 1.0 if is_event and str(found.get("type", "")).startswith("m.") else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        for part in stream.parts:
            self._learn(part, options)
            self._owner = self._owner or word(head_of(part, options).envelope.get("exported_by"))
        if self._owner:
            name = self._names.get(self._owner, self._owner)
            stream.summary.note(f"The room was exported by {name}, who is read as the agent.")
        return super().records(stream, options)

    def _learn(self, part: Part, options: Options) -> None:
        """Read the names and the edits, which may stand before or behind what they are for."""
        head = head_of(part, options)
        for element in elements_of(part, self.path(head), head, 1 << 20):
            event = parse(element)
            content = event.get("content") if isinstance(event, dict) else None
            if not isinstance(event, dict) or not isinstance(content, dict):
                continue
            if len(self._names) < MAX_KNOWN and event.get("type") == "m.room.member" and content.get("displayname"):
                self._names[word(event.get("state_key")) or word(event.get("sender"))] = word(content["displayname"])
            if room := word(event.get("room_id")):
                self._rooms.setdefault(part.name, room)
            related, new = content.get("m.relates_to"), content.get("m.new_content")
            if not isinstance(related, dict) or not isinstance(new, dict) or len(self._edits) >= MAX_KNOWN:
                continue
            if related.get("rel_type") == "m.replace":
                self._edits[word(related.get("event_id"))] = text_of(new.get("body"))

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        return self._rooms.get(part.name) or word(head.envelope.get("room_name")) or part.basename

    def title_of(self, element: Element, head: Head) -> str:
        return word(head.envelope.get("room_name"))

    def chat_named(self, found: Found, otherwise: str) -> str:
        return word(found.get("room_id")) or otherwise

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        content = found["content"]
        related = content.get("m.relates_to") or {}
        if found.get("type") != "m.room.message" or content.get("msgtype") not in _SAID:
            return None
        if related.get("rel_type") == "m.replace":
            return None
        own, sender = word(found["event_id"]), word(found["sender"])
        answered = word((related.get("m.in_reply_to") or {}).get("event_id"))
        text = self._edits.get(own) or text_of(content.get("body"))
        return ChatMessage(
            own,
            self._names.get(sender, sender),
            _FALLBACK.sub("", text, count=1) if answered else text,
            times.read(found["origin_server_ts"]),
            reply_to=answered,
            thread=word(related.get("event_id")) if related.get("rel_type") == "m.thread" else "",
            role=AGENT if sender == self._owner else "",
        )
