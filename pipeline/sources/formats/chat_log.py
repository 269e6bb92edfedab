"""Logs of chats that write their messages in another way than WhatsApp: Viber, KakaoTalk on a computer, IRC, QQ, and
what is copied out of Telegram.

Each is put into WhatsApp's form, line by line, and read as that: `[02.05.2026, 08:00] Kim: text`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

from pipeline.sources.formats.base import Head, Options, Stream
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.formats.whatsapp import DATE, LINE_LENGTH, TIME, conversations
from pipeline.sources.parsing.lines import text_lines
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding.chats import say_cut

_WHO = r"(?P<who>[^<>\[\]:\n]{1,60}?)"
_WHEN = rf"(?P<day>{DATE}),? (?P<clock>{TIME})"
_INLINE = (
    re.compile(rf"\[ ?(?P<day>{DATE}) ?\] (?P<clock>{TIME}) {_WHO}: (?P<text>.*)$"),  # Viber
    re.compile(rf"\[?{_WHEN}\]? <{_WHO}> (?P<text>.*)$"),  # IRC
    re.compile(rf"\[{_WHO}\] \[(?P<clock>{TIME})\] (?P<text>.*)$"),  # KakaoTalk on a computer, below a day
)
_ABOVE = (
    re.compile(rf"{_WHEN} {_WHO}(?:\(\d{{4,12}}\)|<[^<>\s]{{3,60}}>)$"),  # QQ
    re.compile(rf"{_WHO}, \[{_WHEN}\]:?$"),  # copied out of Telegram
)
_DAY = re.compile(rf"-{{3,40}} ?(?P<day>{DATE})[^\d\n]{{0,12}}-{{3,40}}$")


class ChatLog:
    """One chat to a file."""

    name = "Chat log"

    def sniff(self, head: Head) -> float:
        lines = [line.strip() for line in head.text[:20_000].splitlines()[:100] if line.strip()]
        inside = sum(any(form.match(line[:LINE_LENGTH]) for form in _INLINE) for line in lines)
        above = sum(any(form.match(line[:LINE_LENGTH]) for form in _ABOVE) for line in lines)
        # below each line that names who writes stands at least one of what they wrote
        return 0.93 if max(inside, 2 * above) >= max(2, 0.6 * len(lines)) else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(text="message", author="name", times="at each message")
        counts = Counter[str]()
        for part in stream.parts:
            lines = partial(_lines, part, options)
            yield from conversations(part, lines, stream.summary, options, counts)
        say_cut(stream.summary, counts["messages"], counts["conversations"], options.pause, counts["skipped"])


def _lines(part: Part, options: Options) -> Iterator[str]:
    return as_whatsapp(text_lines(part, options))


def as_whatsapp(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a log as WhatsApp would have written them; what goes on with a message stays as it is."""
    day, waiting = "", ""
    for line in lines:
        begin = line[:LINE_LENGTH].strip()
        if found := _DAY.match(begin):
            day = found["day"]
        elif found := next((found for form in _ABOVE if (found := form.match(begin))), None):
            waiting = f"[{found['day']}, {found['clock']}] {found['who'].strip()}: "
        elif found := next((found for form in _INLINE if (found := form.match(line.strip()))), None):
            on = found.groupdict().get("day") or day
            if on:
                yield f"[{on}, {found['clock']}] {found['who'].strip()}: {found['text']}"
        elif waiting and begin:
            yield waiting + line.strip()
            waiting = ""
        elif begin:
            yield line
