"""Chats of many people without threads: cut into conversations by replies and by pauses.

A reply belongs to the conversation of what it replies to, however late. Any other message belongs to the conversation
that was last spoken in, unless it is silent for longer than the pause: then a new one begins.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Recognised
from pipeline.sources.understanding.gathering import Gathered, order_of
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

    def thread(self, chat: str, title: str = "") -> Thread:
        first = self.messages[0]
        return Thread(
            [Said(each.text, each.role, each.author, each.at) for each in self.messages],
            line=first.line,
            # a thread with a file of its own has the id of the chat itself
            external_id=(chat if self.key == chat else f"{chat}:{self.key}")[:200],
            at=first.at,
            part=first.part,
            metadata={"chat": title or chat},
            unit="message",
        )


def cut(messages: Iterable[ChatMessage], *, chat: str, pause: timedelta, title: str = "") -> Iterator[Thread]:
    """Yield the conversations of one chat, which people know by its `title`. The messages come in the order of time."""
    open_ones: OrderedDict[str, _Open] = OrderedDict()  # the last spoken in is the last
    where: OrderedDict[str, str] = OrderedDict()  # the id of a message to the key of its conversation
    for message in messages:
        key = message.thread or where.get(message.reply_to, "")
        if not message.thread and key not in open_ones:
            key = _last_spoken_in(open_ones, message, pause)
        if key in open_ones and len(open_ones[key].messages) >= MAX_MESSAGES:
            yield open_ones.pop(key).thread(chat, title)
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
            yield open_ones.popitem(last=False)[1].thread(chat, title)
    for found in open_ones.values():
        yield found.thread(chat, title)


def _last_spoken_in(open_ones: OrderedDict[str, _Open], message: ChatMessage, pause: timedelta) -> str:
    """Return the conversation that this message continues, or nothing where the silence was too long.

    A thread that the chat itself knows is continued by its own messages only.
    """
    last = next((one for one in reversed(open_ones.values()) if not one.is_thread), None)
    if last is None:
        return ""
    silence = message.at - last.last_at if message.at and last.last_at else timedelta(0)
    return last.key if silence <= pause else ""


# --- Whole chats --------------------------------------------------------------------------------------------------


class Chats:
    """The messages of one or several chats, on disk until all are there. Used as a context."""

    def __init__(self) -> None:
        self.messages = self.cut_into = 0
        self._titles: dict[str, str] = {}
        self._authors: dict[str, set[str]] = {}  # of each chat; more than a few are a group
        self._gathered = Gathered()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gathered.__exit__(kind, error, trace)

    def add(self, chat: str, message: ChatMessage, title: str = "") -> None:
        """Keep a message of the chat of that name, or id; then `title` is what people call it."""
        self.messages += 1
        if title and chat not in self._titles:
            self._titles[chat] = title
        known = self._authors.setdefault(chat, set())
        if len(known) <= 2:
            known.add(message.author)
        at = message.at and message.at.isoformat()
        self._gathered.add(chat, {**asdict(message), "at": at}, order=order_of(message.at))

    def conversations(self, pause: timedelta | None) -> Iterator[Thread]:
        """Yield the conversations of all chats; without a `pause` it depends on how many people write."""
        for chat, known in self._authors.items():
            silence = pause or (DIRECT_PAUSE if len(known) <= 2 else GROUP_PAUSE)
            messages = map(_message_of, self._gathered.in_order(chat))
            for thread in cut(messages, chat=chat, pause=silence, title=self._titles.get(chat, "")):
                self.cut_into += 1
                yield thread


def _message_of(thing: dict[str, Any]) -> ChatMessage:
    return ChatMessage(**{**thing, "at": datetime.fromisoformat(thing["at"]) if thing["at"] else None})


def read_chat(
    messages: Iterable[ChatMessage], pause: timedelta | None, summary: Recognised, chat: str = "chat"
) -> Iterator[Thread]:
    """Yield the conversations of one chat, and say in the summary how it was cut."""
    passed_over = 0
    with Chats() as chats:
        for message in messages:
            if message.text.strip():
                chats.add(chat, message)
            else:
                passed_over += 1
        yield from chats.conversations(pause)
        say_cut(summary, chats.messages, chats.cut_into, pause, passed_over)


def message_id(author: str, text: str, at: datetime | None) -> str:
    """Return an id for a message of a chat without ids, made of what it says: a longer export has it again."""
    said = f"{at.isoformat() if at else ''} {author} {text}"
    return hashlib.sha256(said.encode(errors="replace")).hexdigest()[:16]


def is_chat(said: Sequence[tuple[str, datetime | None]]) -> bool:
    """Return whether messages of (author, time) that name no conversation are those of a chat.

    They are if somebody comes back after somebody else has spoken, and most messages follow another one before the
    pause is over. Tickets that are listed by who wrote them stand hours apart, and hardly anybody comes back.
    """
    known = sorted(((at, author) for author, at in said if at and author), key=lambda each: each[0])
    authors = [author for _, author in known]
    if 2 * len(known) < len(said) or not 2 <= len(set(authors)) < len(authors):
        return False
    close = sum(second[0] - first[0] <= GROUP_PAUSE for first, second in pairwise(known))
    turns = sum(first != second for first, second in pairwise(authors))
    return 2 * close >= len(known) - 1 and turns >= len(set(authors))


def say_cut(summary: Recognised, count: int, conversations: int, pause: timedelta | None, passed_over: int = 0) -> None:
    """Say how a chat was cut into conversations, and how to do it otherwise."""
    silence = _in_words(pause) if pause else f"{_in_words(GROUP_PAUSE)} ({_in_words(DIRECT_PAUSE)} between two people)"
    summary.note(
        f"{counted(count, 'message')} divided into {counted(conversations, 'conversation')}: by threads and replies, "
        f"and wherever nobody wrote for {silence}. Change that with --pause MINUTES."
    )
    if passed_over:
        summary.note(
            f"Left out: {counted(passed_over, 'message')} without text, or written by the chat system or a bot."
        )


def _in_words(pause: timedelta) -> str:
    minutes = round(pause.total_seconds() / 60)
    return f"{minutes // 60} hours" if minutes >= 120 and not minutes % 60 else f"{minutes} minutes"
