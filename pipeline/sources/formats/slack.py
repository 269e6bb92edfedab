"""Slack exports: the day files of each channel, as a zip, a folder or a single file.

Threads are those of `thread_ts`; what stands outside of them is cut by pauses. `users.json` beside the channels gives
the names. What bots and the channel itself write (somebody joined) is left out.
"""

import html
import re

from pipeline.sources.formats.base import Found, Head, Options, Stream, limit
from pipeline.sources.formats.json_objects import ChatFormat, Rows
from pipeline.sources.parsing.elements import Element, parse
from pipeline.sources.parsing.heads import elements_of, head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage
from pipeline.sources.understanding.threads import text_of, word

_SAID = ("", "thread_broadcast", "me_message", "file_share", "reply_broadcast")
_MARKUP = re.compile(r"<([@#!]?)([^<>|\n]{1,500})(?:\|([^<>\n]{0,500}))?>")


class SlackExport(ChatFormat):
    name = "Slack export"
    says = {"text": "text", "times": "ts", "conversation": "thread_ts", "author": "user"}

    def __init__(self) -> None:
        self._users: dict[str, str] = {}
        self._bots: set[str] = set()

    def fits(self, found: Found) -> float:
        is_message = found.get("type") == "message" and "ts" in found
        return 1.0 if is_message and {"user", "text", "subtype", "bot_id"} & found.keys() else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        for part in stream.companions:
            if part.basename == "users.json":
                self._learn(part, options)
                stream.summary.has_used(part.name)
                stream.summary.note("The names of people are those of users.json.")
        return super().records(stream, options)

    def _learn(self, part: Part, options: Options) -> None:
        for element in elements_of(part, (), head_of(part, options), limit()):
            user = parse(element)
            if isinstance(user, dict):
                profile = user["profile"] if isinstance(user.get("profile"), dict) else {}
                # the whole name first: who asks is known by it, and not as "nick"
                names = (user.get("real_name"), profile.get("real_name"), profile.get("display_name"), user.get("name"))
                self._users[word(user.get("id"))] = next((word(name) for name in names if word(name)), "")
                if user.get("is_bot"):
                    self._bots.add(word(user.get("id")))

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        return part.folder.rpartition("/")[2] or part.basename.removesuffix(".json")

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        user = word(found.get("user"))
        is_bot = found.get("bot_id") or user in self._bots or user == "USLACKBOT"  # which users.json calls no bot
        if (found.get("subtype") or "") not in _SAID or is_bot:
            return None
        profile = found.get("user_profile") or {}
        author = self._users.get(user) or word(profile.get("display_name") or profile.get("real_name")) or user
        thread = word(found.get("thread_ts")) if found.get("reply_count") or found.get("parent_user_id") else ""
        if found.get("thread_ts") and found.get("thread_ts") != found["ts"]:
            thread = word(found["thread_ts"])
        text = _MARKUP.sub(self._plain, text_of(found.get("text"))[:1_000_000])
        return ChatMessage(
            word(found["ts"]), author, html.unescape(text), times.read(float(found["ts"])), thread=thread
        )

    def _plain(self, found: re.Match[str]) -> str:
        """Return `<@U02>`, `<#C1|help>` and `<https://..|here>` as one reads them."""
        mark, what, label = found.groups()
        if mark == "@":
            return f"@{label or self._users.get(what) or what}"
        return f"{'#' if mark == '#' else '@' if mark else ''}{label or what}"
