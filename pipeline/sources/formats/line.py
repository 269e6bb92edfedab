"""LINE chats as the telephone exports them: a line for each day, and below it `08:15<tab>name<tab>text`."""

import re
from collections.abc import Iterable, Iterator

from pipeline.sources.formats.base import Head, Options, Stream
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.parsing.encodings import UnknownEncoding
from pipeline.sources.parsing.lines import text_lines
from pipeline.sources.parsing.parts import DAMAGE, Part
from pipeline.sources.records import Reject
from pipeline.sources.understanding.chats import ChatMessage, Chats, message_id, say_cut
from pipeline.sources.understanding.threads import record_of
from pipeline.sources.understanding.times import read as read_time

MESSAGE_LENGTH = 100_000
"""Characters of a message that are kept."""

_DAY = re.compile(r"(\d{4}[/.]\d{1,2}[/.]\d{1,2})\.?(?: ?\([^()]{1,12}\)| \w{1,12})?\s*$")
_SAID = re.compile(r"((?:午前|午後|오전 |오후 )?\d{1,2}:\d{2}(?: ?[AP]M)?)\t([^\t]{1,100})\t(.*)$", re.DOTALL)
_BY_THE_CHAT = re.compile(r"(?:午前|午後)?\d{1,2}:\d{2}\t")


class LineChat:
    """One chat to a file; what the chat itself writes has no name, and is left out."""

    name = "LINE chat"

    def sniff(self, head: Head) -> float:
        lines = head.text[:20_000].splitlines()[:60]
        days = [place for place, line in enumerate(lines) if _DAY.match(line)]
        return 0.98 if days and days[0] < 8 and any(_SAID.match(line) for line in lines[days[0] + 1 :]) else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(
            text="message", author="name", times="the date above and the time before each name"
        )
        with Chats() as chats:
            for part in stream.parts:
                try:
                    for message in _messages(text_lines(part, options), part):
                        chats.add(part.basename.removesuffix(".txt")[:100], message)
                except (*DAMAGE, OSError, UnknownEncoding) as error:
                    yield Reject(1, f"the rest of the chat cannot be read: {error}", unit="message", part=part.name)
            for thread in chats.conversations(options.pause):
                yield record_of(thread)
            say_cut(stream.summary, chats.messages, chats.cut_into, options.pause)


def _messages(lines: Iterable[str], part: Part) -> Iterator[ChatMessage]:
    """Yield the messages, each with the lines that go on with it."""
    day, said = "", None
    for number, line in enumerate(lines, start=1):
        found, is_day = _SAID.match(line[: MESSAGE_LENGTH + 200]), _DAY.match(line[:60])
        if said and (found or is_day or _BY_THE_CHAT.match(line[:20])):
            yield _message(said, part)
            said = None
        if is_day:
            day = is_day[1].replace("/", "-").replace(".", "-")
        elif found and day:
            said = (number, f"{day} {found[1]}", found[2].strip(), found[3])
        elif said and len(said[3]) < MESSAGE_LENGTH:
            said = (*said[:3], f"{said[3]}\n{line}")
    if said:
        yield _message(said, part)


def _message(said: tuple[int, str, str, str], part: Part) -> ChatMessage:
    line, when, author, text = said
    text, at = text.strip().removeprefix('"').removesuffix('"'), read_time(when)
    return ChatMessage(message_id(author, text, at), author, text, at, line, part=part.name)
