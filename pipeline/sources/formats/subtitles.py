"""Calls as subtitles: WebVTT and SubRip (SRT). A file is a conversation.

Cues that one speaker says in a row are one message.
"""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from pipeline.sources.formats.base import Head, Options, Stream
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.parsing.encodings import UnknownEncoding
from pipeline.sources.parsing.lines import text_lines
from pipeline.sources.parsing.parts import DAMAGE, Part
from pipeline.sources.records import Reject
from pipeline.sources.understanding.dated import HEAD_LINES, moment_in_head, moment_in_name
from pipeline.sources.understanding.roles import role_of
from pipeline.sources.understanding.threads import ID_LENGTH, Said, Thread, record_of

MAX_CUE = 10_000
"""Characters of a cue that are kept."""

MAX_CHARACTERS = 5_000_000
"""Of a call; a day of speech has a tenth of it."""

MAX_NAME_WORDS = 4

_CLOCK = r"(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_TIMING = re.compile(rf"\s{{0,9}}{_CLOCK}\s{{1,9}}-->\s{{1,9}}{_CLOCK}")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,50})?[ \t]{1,9}([^<>]{1,100})>")
_TAG = re.compile(r"</?[a-z][^<>]{0,100}>|<(?:\d{1,3}:)?\d{1,2}:\d{2}\.\d{3}>|\{\\[^{}]{0,50}\}", re.IGNORECASE)
_LABEL = re.compile(r"(?:>>|-)?\s?\[?([^\W\d_][^:：\[\]\n<>,;!?]{0,40})\]?[:：](?=\s)\s?")
_IN_BRACKETS = re.compile(r"(?:>>|-)?\s?[\[(]([^\W\d_][^:：\[\]()\n<>,;!?]{0,40})[\])]\s{1,3}(?=\S)")
_NAMED_CUE = re.compile(r"\d{1,7} \"([^\"]{1,100})\"(?: \(\d{1,20}\))?\s*$")
_SRT_NUMBER = re.compile(r"\d{1,7}$")


class Subtitles:
    """One call to a file."""

    name = "Subtitles of a call"

    def sniff(self, head: Head) -> float:
        lines = [line.strip() for line in head.text.lstrip("\ufeff")[:5000].splitlines() if line.strip()][:3]
        if lines and re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
            return 1.0
        has_timing = any(_TIMING.match(line) for line in lines[:2])
        return 0.98 if has_timing and (_SRT_NUMBER.match(lines[0]) or _TIMING.match(lines[0])) else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(text="cues", author="<v Name>, or the name before a colon")
        # the name without its ending, unless several files are called so
        names = Counter(_stem(part) for part in stream.parts)
        beside = {(each.folder, each.basename): each for each in stream.companions}
        dated = 0
        for part in stream.parts:
            name = _stem(part) if names[_stem(part)] == 1 else part.name
            try:
                cues = list(_cues(text_lines(part, options)))
            except (*DAMAGE, OSError, UnknownEncoding) as error:
                yield Reject(1, f"it cannot be read: {error}", unit="file", part=part.name)
                continue
            at = moment_in_name(part.basename) or _moment_in(beside.get((part.folder, f"{_stem(part)}.txt")), options)
            dated += at is not None
            yield record_of(_thread(part, name, cues, at))
        if dated:
            stream.summary.note(
                "Subtitles contain no date: calls have it from the names of their files, or from the text beside them."
            )
        if dated < len(stream.parts):
            stream.summary.note("Subtitles contain no date, so the time of the call is unknown.")


def _stem(part: Part) -> str:
    return re.sub(r"\.(?:vtt|srt)$", "", part.basename, flags=re.IGNORECASE) or part.basename


def _moment_in(beside: Part | None, options: Options) -> datetime | None:
    """Return the date above the same call as text, if a file of the same name lies beside it and can be read."""
    if beside is None:
        return None
    try:
        return moment_in_head(islice(text_lines(beside, options), HEAD_LINES))
    except (*DAMAGE, OSError, UnknownEncoding):
        return None


@dataclass(frozen=True, slots=True)
class _Cue:
    voice: str
    text: str


def _cues(lines: Iterable[str]) -> Iterator[_Cue]:
    """Yield what is said in each cue, line by line; other blocks of the file are passed over."""
    size, is_open, voice, before = 0, False, "", ""
    for line in lines:
        line = line[:MAX_CUE]
        if _TIMING.match(line):
            found = _NAMED_CUE.match(before)
            is_open, voice = True, " ".join(found[1].split()) if found else ""
        elif not line.strip():
            is_open = False
        elif is_open and size < MAX_CHARACTERS:
            size += len(line)
            yield from (replace(cue, voice=cue.voice or voice) for cue in _spoken(line))
        before = line


def _spoken(line: str) -> Iterator[_Cue]:
    """Yield the stretches of a line, each with the voice that a tag names."""
    place, voice = 0, ""
    for found in _VOICE.finditer(line):
        if text := _plain(line[place : found.start()]):
            yield _Cue(voice, text)
        place, voice = found.end(), " ".join(found[1].split())
    if text := _plain(line[place:]):
        yield _Cue(voice, text)


def _plain(text: str) -> str:
    return " ".join(html.unescape(_TAG.sub("", text)).replace("\xa0", " ").split())


def _thread(part: Part, name: str, cues: Sequence[_Cue], at: datetime | None) -> Thread:
    labels = _speakers(cues)
    said: list[Said] = []
    last = ""
    for cue in cues:
        speaker, text = cue.voice, cue.text
        found = None if speaker else _label(text)
        if found and found[1].strip() in labels:
            speaker, text = found[1].strip(), text[found.end() :]
        if not text or text == last:  # rolling captions say each line twice
            continue
        last = text
        if said and (not speaker or said[-1].author == speaker):
            said[-1].text = f"{said[-1].text} {text}"
        else:
            said.append(Said(text, role_of(speaker) or "" if speaker else "", speaker))
    for each in said:
        if each.role and " " not in each.author:
            each.author = ""  # a word for a role is nobody's name
    return Thread(said, line=1, external_id=name[-ID_LENGTH:], at=at, unit="file", part=part.name)


def _label(text: str) -> re.Match[str] | None:
    return _LABEL.match(text) or _IN_BRACKETS.match(text)


def _speakers(cues: Sequence[_Cue]) -> set[str]:
    """Return which words before a colon are speakers: those that stand there again and again, or name a role.

    In brackets sounds are written too, `[Music]`: there only words for roles count.
    """
    found = [match for cue in cues if not cue.voice and (match := _label(cue.text))]
    named = [match[1].strip() for match in found if match.re is _LABEL]
    counts = Counter(label for label in named if ". " not in label and len(label.split()) <= MAX_NAME_WORDS)
    speakers = {label for label, count in counts.items() if count > 1 or role_of(label) or len(counts) == 2}
    return speakers | {label for match in found if match.re is _IN_BRACKETS and role_of(label := match[1].strip())}
