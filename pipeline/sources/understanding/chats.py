"""Chats of many people without threads: cut into conversations by replies and by pauses.

A reply belongs to the conversation of what it replies to, however late. Any other message belongs to the conversation
that was last spoken in, unless it is silent for longer than the pause: then a new one begins.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.sources.understanding.threads import Said, Thread

OPEN_CONVERSATIONS = 5000
"""Conversations that a late reply still finds; the longest silent ones are given out first."""

GROUP_PAUSE = timedelta(minutes=30)
"""Where nobody said otherwise. Many people talk of many things: half an hour of silence ends most of them."""

DIRECT_PAUSE = timedelta(days=1)
"""Between two people, of whom one may answer tomorrow."""

MAX_MESSAGES = 2000
"""A conversation that never pauses is cut after so many."""


@dataclass(slots=True)
class ChatMessage:
    """One message of a chat. `id` and `reply_to` are the chat's own; `thread` names its thread where it has them."""

    id: str
    author: str
    text: str
    at: datetime | None
    line: int = 0
    reply_to: str = ""
    thread: str = ""
    role: str = ""
    part: str = ""


@dataclass(slots=True)
class _Open:
    key: str
    is_thread: bool
    messages: list[ChatMessage]
    last_at: datetime | None = None

    def thread(self, chat: str) -> Thread:
        first = self.messages[0]
        return Thread(
            [Said(each.text, each.role, each.author, each.at) for each in self.messages],
            line=first.line,
            external_id=f"{chat}:{self.key}"[:200],
            at=first.at,
            part=first.part,
            metadata={"chat": chat},
            unit="message",
        )


def cut(messages: Iterable[ChatMessage], *, chat: str, pause: timedelta) -> Iterator[Thread]:
    """Yield the conversations of one chat. The messages come in the order of time."""
    open_ones: OrderedDict[str, _Open] = OrderedDict()  # the last spoken in is the last
    where: OrderedDict[str, str] = OrderedDict()  # the id of a message to the key of its conversation
    for message in messages:
        key = message.thread or where.get(message.reply_to, "")
        if not message.thread and key not in open_ones:
            key = _last_spoken_in(open_ones, message, pause)
        if key in open_ones and len(open_ones[key].messages) >= MAX_MESSAGES:
            yield open_ones.pop(key).thread(chat)
            key = message.id
        key = key or message.id
        found = open_ones.setdefault(key, _Open(key, bool(message.thread), []))
        found.messages.append(message)
        found.last_at = message.at or found.last_at
        open_ones.move_to_end(key)
        where[message.id] = key
        if len(where) > 20 * OPEN_CONVERSATIONS:
            where.popitem(last=False)
        if len(open_ones) > OPEN_CONVERSATIONS:
            yield open_ones.popitem(last=False)[1].thread(chat)
    for found in open_ones.values():
        yield found.thread(chat)


def _last_spoken_in(open_ones: OrderedDict[str, _Open], message: ChatMessage, pause: timedelta) -> str:
    """Return the conversation that this message continues, or nothing where the silence was too long.

    A thread that the chat itself knows is continued by its own messages only.
    """
    last = next((one for one in reversed(open_ones.values()) if not one.is_thread), None)
    if last is None:
        return ""
    silence = message.at - last.last_at if message.at and last.last_at else timedelta(0)
    return last.key if silence <= pause else ""
