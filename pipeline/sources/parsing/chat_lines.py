# ruff: noqa: RUF001, E501 (letters of other scripts are meant; some are counted as two columns)
"""How the lines of a chat begin, learned from the chat itself: who writes, when, and what stands between.

Programs that keep chats as text agree on little but this: somebody's name and a time, side by side in one order or the
other, and below or behind them the words. `12/05/2026, 09:15 - Cara: text`, `[Cara] [09:15] text`, `09:15 <@Cara> text`,
`09:15<tab>Cara<tab>text`, `Cara, [12.05.2026 09:15]` above the text. So a line is taken apart into such pieces, and what
remains of it is its shape: the signs between them. The shapes that come back again and again are the file's own
(`learn`); a line of another shape continues the message above it, for people write times and colons as well.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pipeline.sources.own_words.spans import UNSEEN
from pipeline.sources.understanding.moments import OpenDate, parse

LINE_LENGTH = 300
"""Characters of a line in which its beginning is looked for."""

MESSAGE_LENGTH = 100_000
"""Characters of a message that are kept: a longer one is a pasted file."""

LEARNED_LINES = 400
"""Lines that are looked at to learn how messages begin."""

# --- Moments, as programs write them in front of a line -------------------------------------------------------------

_MORNING = r"[Aa]\.? ?[Mm](?:\.|\b)|午前|上午|凌晨|清晨|早上|早晨|오전|새벽|π\.?μ\.?|vorm\.|dop\.|de\.|f\.?m\.|ap\.|ÖÖ|SA\b|ص|ق\.ظ\.?"
_AFTERNOON = r"[Pp]\.? ?[Mm](?:\.|\b)|午後|下午|中午|傍晚|晚上|오후|저녁|μ\.?μ\.?|nachm\.|odp\.|du\.|e\.?m\.|ip\.|ÖS|CH\b|م|ب\.ظ\.?"
_HALF = rf"{_MORNING}|{_AFTERNOON}"
_IS_MORNING = re.compile(_MORNING)
CLOCK = (
    rf"(?<![\d.:/])(?:(?P<before>{_HALF}) ?)?(?P<hour>\d{{1,2}})[:.h](?P<minute>\d{{2}})(?:[:.](?P<second>\d{{2}}))?"
    rf"(?:[.,]\d{{1,9}}(?=[\]) Z+]))?(?: ?(?P<half>{_HALF}))?(?: ?(?P<zone>Z|UTC|GMT|[+-]\d{{2}}:?\d{{2}})\b)?(?!\d|[.:]\d)"
)
NUMBERS = r"\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}(?:\.| г\.)?|\d{4} ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일]"
_WORD = r"[^\W\d_][^\W\d_.]{0,14}\.?"
_WORDS = (
    rf"(?:{_WORD},? )?\d{{1,2}}(?:st|nd|rd|th|er|º|\.)? (?:de )?{_WORD}(?:,? (?:de )?\d{{4}}(?: [гр]\.)?)?"
    rf"|(?:{_WORD},? )?{_WORD} {{1,2}}\d{{1,2}}(?:,? \d{{4}})?"
)
DATE = rf"(?:{NUMBERS}|{_WORDS})"
_BETWEEN = r"(?:T|,? (?:à|a las|às|klo|kl\.?|at|um|alle|om|в|о|saat) |[,،]? ?|, )"
_STAMP = rf"(?:(?P<day>{DATE})(?:{_BETWEEN}|(?P<shut> ?[\])] ?)))?{CLOCK}(?:,? (?P<after>{NUMBERS}))?"

_ABOUT = re.compile(
    r"(?:today|yesterday|heute|gestern|aujourd['’]hui|hier|hoy|ayer|oggi|ieri)(?: at| um| à| a las| alle)? $", re.I
)
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u3000]")
_BY_THE_PROGRAM = "\u200e"
"""The mark that WhatsApp on an iPhone sets before its own words, in every language."""

# --- The forms of a line ---------------------------------------------------------------------------------------------

_TIMED = re.compile(
    rf"(?P<open>[\[(<]?) ?{_STAMP}(?: ?(?P<close>[\])>]))?(?P<between> [-–—|] |[:,;]? ?\t|[,:;] | {{0,9}})(?P<rest>.*)$"
)
_NAMED = re.compile(
    rf"(?P<box>\[)?(?P<name>[^\s\[\]<>:：|][^\t\[\]<>:：]{{0,59}}?)(?(box)\])"
    rf"(?P<between>,? ?[\[(]|,? [—–|-] |,? |\t| {{2,9}}){_STAMP}(?P<close>[\])])?(?P<end>:?)(?P<rest>(?:\s.*)?)$"
)
# what names who writes behind the time, each with the shape it leaves
_IN_ANGLES = re.compile(r"<(?P<name>[^<>]{1,60})>(?:[ \t]+|$)(?P<text>.*)$")
_IN_BOX = re.compile(r"\[(?P<name>[^\[\]:]{1,60})\][ \t]*:?(?:[ \t]+|$)(?P<text>.*)$")
_BEFORE_TAB = re.compile(r"(?P<name>[^\t]{1,100})\t(?P<text>.*)$")
_BEFORE_COLON = re.compile(r"(?P<name>[^:：\t<>\[\]\"“”„«»|]{1,60}?) ?[:：](?:[ \t]|$)(?P<text>.*)$")
_ALONE = re.compile(r"(?P<name>[^:：\t]{1,60})$")

_HAS_CLOCK = re.compile(r"\d[:.h]\d\d")
_NUMBER_BEHIND = re.compile(r"(?: ?\(\+?\d[\d ]{3,20}\)| ?<[^<>\s]{3,60}>)$")  # of QQ, of mail
_MARK = re.compile(r"^[@%&~+]+ ?(?=[^\W\d_])|^~ ?(?=\S)")
OPERATORS = "@%&"
"""What IRC sets before the names of those who look after a channel."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a line begins. `name` is empty where the program itself writes; `shape` is what stands between the pieces.

    `day` is empty where the line has a clock alone, and may be without a year; `clock` is `HH:MM[:SS]` of 24 hours, with
    its zone where it names one.
    """

    shape: str
    stamp: str
    """The part of the shape before the name: lines of the program itself share it."""

    day: str
    clock: str
    name: str
    text: str
    mark: str = ""
    is_american: bool = False
    is_below: bool = False
    """Whether the words stand in the lines below."""

    is_the_programs: bool = False


def beginning(line: str) -> Beginning | None:
    """Return how a line begins as a message, or None if it does not."""
    seen = _seen(line[:LINE_LENGTH]).rstrip()
    plain = _in_our_digits(seen)
    found = (_timed(seen, plain) or _named(seen, plain)) if _HAS_CLOCK.search(plain) else None
    if found is None or not found.name:
        return found
    name = without_number(found.name)
    mark = _MARK.match(name)
    rest = line[LINE_LENGTH:] if not found.is_below else ""
    is_the_programs = _BY_THE_PROGRAM + found.text[:10] in line[:LINE_LENGTH] if found.text else False
    return replace(
        found,
        name=name[mark.end() :] if mark else name,
        mark=mark[0].strip() if mark else "",
        text=(found.text + rest).strip(),
        is_the_programs=is_the_programs,
    )


def _seen(text: str) -> str:
    """Return a text without invisible marks, and with every blank within a line as a plain one."""
    return _SPACES.sub(" ", UNSEEN.sub("", text))


def _in_our_digits(text: str) -> str:
    """Return a text with the digits of any script as 0 to 9, each sign at its place."""
    return text if text.isascii() else "".join(str(int(sign)) if sign.isdecimal() else sign for sign in text)


def without_number(name: str) -> str:
    """Return a name without the number or address that some programs write behind it."""
    return _NUMBER_BEHIND.sub("", name.strip()) or name.strip()


def _timed(seen: str, plain: str) -> Beginning | None:
    """Return the beginning of a line with the time first."""
    found = _TIMED.match(plain)
    stamp = found and _stamp(found)
    # a bracket may close behind the date or behind the clock
    if not found or not stamp or _closes(found["open"]) != (found["close"] or (found["shut"] or "").strip()):
        return None
    start = found.start("rest")
    rest, between = seen[start:], found["between"]
    shape = f"{found['open']}{stamp[0]}{found['close'] or ''}{_one(between)}"
    is_american = (found["half"] or "").endswith("M")
    begun = Beginning(shape, shape, stamp[1], stamp[2], "", rest, is_american=is_american)
    forms = [("<N>", _IN_ANGLES), ("[N]", _IN_BOX)]
    if "\t" in between or not between:
        forms.append(("N\t", _BEFORE_TAB))
    if not between.startswith("\t"):
        forms.append(("N:", _BEFORE_COLON))
    if between or found["close"]:
        for ends, form in forms:
            if (named := form.match(rest)) and is_name(named["name"]):
                return replace(begun, shape=f"{shape}{ends}", name=named["name"], text=named["text"])
        if (alone := _ALONE.match(rest)) and is_name(alone["name"]):
            return replace(begun, shape=f"{shape}N", name=alone["name"], text="", is_below=True)
    return begun


def _named(seen: str, plain: str) -> Beginning | None:
    """Return the beginning of a line with the name first."""
    found = _NAMED.match(plain)
    stamp = found and _stamp(found)
    if not found or not stamp or _closes(found["between"][-1]) != (found["close"] or ""):
        return None
    name, rest = (
        _ABOUT.sub("", seen[found.start("name") : found.end("name")] + " ").strip(" —–-,"),
        seen[found.start("rest") :].strip(),
    )
    if not is_name(name) or (rest and not found["end"] and not found["box"]):
        return None
    shape = f"{found['box'] or ''}N{_one(found['between'])}{stamp[0]}{found['close'] or ''}{found['end']}"
    # a colon behind the time may stand before the words or above them: both are one shape
    return Beginning(shape, "", stamp[1], stamp[2], name, rest, is_below=not rest)


def _closes(opened: str) -> str:
    return {"[": "]", "(": ")", "<": ">"}.get(opened, "")


def _one(between: str) -> str:
    return "\t" if "\t" in between else " " if between.isspace() else between


def _stamp(found: re.Match[str]) -> tuple[str, str, str] | None:
    """Return the kind of a moment (`D` a date, `d` one without year, `C` a clock), its day, and its clock in 24 hours."""
    hour, minute, second = int(found["hour"]), int(found["minute"]), found["second"]
    half = found["before"] or found["half"] or ""
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (0 if _IS_MORNING.match(half) else 12)
        if half == "中午" and hour == 23:
            hour = 11
    clock = f"{hour:02}:{minute:02}" + (f":{second}" if second else "") + (found["zone"] or "")
    day = (found["day"] or found["after"] or "").replace(" г.", "").strip()
    kind = _kind_of_day(day)
    return (f"{kind}C", day, clock) if kind is not None else None


@lru_cache(maxsize=4096)
def _kind_of_day(day: str) -> str | None:
    """Return D for a date, d for one without a year, nothing for none; None for what is no date."""
    if not day:
        return ""
    if re.fullmatch(NUMBERS, day) or parse(day):
        return "D"
    return "d" if parse(f"{day} 2000") else None


def is_name(text: str) -> bool:
    """Return whether a text could be what somebody is called: a few words, or the number of a telephone."""
    text = text.strip()
    if not 1 <= len(text) <= 60 or len(text.split()) > 8 or "://" in text:
        return False
    if not any(map(str.isalpha, text)):
        return bool(re.fullmatch(r"\+?[\d() -]{4,24}", text)) or not text.isascii()
    return text[-1] not in ".!?;,=" or len(text.split()) <= 3


# --- Learning --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grammar:
    """How messages of one file begin; `share` is which part of its first lines they are."""

    shapes: frozenset[str]
    stamps: frozenset[str]
    has_dates: bool
    share: float
    names: tuple[str, ...]
    starts: int
    """How many lines stand above the first message."""

    is_elapsed: bool = False
    """Whether the clocks say how far a call has gone: names stand above what is said, and it begins at nothing."""

    def begins(self, line: str) -> Beginning | None:
        """Return how a line begins a message of this file, or a line of the program itself (without a name)."""
        found = beginning(line)
        if found is None or found.shape in self.shapes:
            return found
        # `09:15 -!- Cara has joined`, or the notice that the chat is encrypted
        return replace(found, name="", is_below=False) if found.stamp and found.stamp in self.stamps else None


def learn(lines: Sequence[str]) -> Grammar | None:
    """Return how the messages of a file begin, learned from its first lines; None if it is no chat.

    One shape has to come back, or be that of the first line; one that is a fifth as frequent is the file's as well.
    """
    lines = [line for line in lines if line.strip()][:LEARNED_LINES]
    begun = [beginning(line) for line in lines]
    found = [
        (place, each)
        for place, each in enumerate(begun)
        # words that stand below a name must be there
        if each and each.name and not (each.is_below and (place + 1 == len(lines) or _is_said(begun[place + 1])))
    ]
    counts = Counter(each.shape for _, each in found)
    if not counts:
        return None
    most = max(counts.values())
    shapes = {shape for shape, count in counts.items() if count >= max(2, most / 5)}
    first = found[0][1]
    if not shapes and not found[0][0] and first.day and not first.is_below:
        shapes = {first.shape}
    said = [(place, each) for place, each in found if each.shape in shapes]
    if not said or _is_table(lines, said[0][0] if begun[0] is None else 0) or _is_log(said, lines):
        return None
    dates = sum("D" in shape or "d" in shape for shape in shapes)
    stamps = {each.stamp for _, each in said if each.stamp}
    share = sum(2 if each.is_below else 1 for _, each in said) / len(lines)
    names = tuple(dict.fromkeys(each.name for _, each in said))
    is_elapsed = not dates and said[0][1].clock.startswith("00:0") and all(each.is_below for _, each in said)
    starts = next(place for place, each in enumerate(begun) if each and (each.shape in shapes or each.stamp in stamps))
    return Grammar(frozenset(shapes), frozenset(stamps), bool(dates), share, names, starts, is_elapsed)


def _is_said(each: Beginning | None) -> bool:
    return each is not None and bool(each.name)


def _is_table(lines: Sequence[str], first: int) -> bool:
    """Return whether the lines are rows of a table: a head with as many tabs as each of them, or more than two tabs."""
    counts = Counter(line.count("\t") for line in lines[first:])
    tabs, often = counts.most_common(1)[0]
    if tabs < 2 or often < 0.9 * len(lines[first:]):
        return False
    return tabs > 2 or (first > 0 and lines[0].count("\t") == tabs)


_LEVELS = frozenset(
    "info error err warn warning debug trace fatal severe critical crit notice verbose emerg fine stderr stdout".split()  # noqa: SIM905
)
_WORDS_OF = re.compile(r"[^\W\d_]+")


def _is_log(said: Sequence[tuple[int, Beginning]], lines: Sequence[str]) -> bool:
    """Return whether programs write and not people: levels stand beside the times, or one host before every name.

    `said` are the beginnings of messages, each with the place of its line.
    """
    texts = [each.text or (lines[place + 1] if place + 1 < len(lines) else "") for place, each in said]
    words = [
        set(map(str.casefold, _WORDS_OF.findall(f"{each.name} {text[:12]}")))
        for (_, each), text in zip(said, texts, strict=True)
    ]
    levels = sum(not _LEVELS.isdisjoint(each) for each in words)
    # nobody writes numbers only, or says each name once in a long talk
    wordless = sum(not any(map(str.isalpha, text)) for text in texts)
    if 4 * levels >= len(words) or 5 * wordless >= 4 * len(texts):
        return True
    names = {each.name for _, each in said}
    hosts = {name.split()[0] for name in names}
    daemons = all(len(name.split()) == 2 and name.split()[1].islower() for name in names)
    return len(names) > 1 and len(hosts) == 1 and daemons


# --- Days that stand alone -------------------------------------------------------------------------------------------

_FRAME = "-=*_#—–·[]<>~ \t"
_OPENS = re.compile(
    r"\b(?:session|start|begin|began|opened|open|changed|day|conversation|unterhaltung|am)\w*\b", re.IGNORECASE
)
_IN_DAY = re.compile(r"\([^()]{1,12}\)\.?")


@lru_cache(maxsize=4096)
def day_in(line: str) -> str:
    """Return the date that a line of its own gives for the lines below it, or nothing.

    `--- 2026년 9월 1일 화요일 ---`, `2026/07/28(火)`, `--- Day changed Втр Апр 07 2026`, `Session Start: Mon Apr 06 2026`.
    A line that says more than a date must be set apart by signs, or say that something begins.
    """
    seen = _seen(line.strip())
    if len(seen) > 120 or not any(map(str.isdigit, seen)):
        return ""
    seen = _in_our_digits(seen)
    words = _IN_DAY.sub(" ", seen.strip(_FRAME)).split()
    is_apart = seen[:2] in ("--", "==", "**", "__", "##", "—-", "-=") or bool(_OPENS.search(seen))
    spare = 8 if is_apart else 1
    for left_out in range(min(spare, len(words) - 1) + 1):
        for start in range(left_out + 1):
            part = " ".join(words[start : len(words) - (left_out - start)]).strip(_FRAME + ":,")
            if _is_date(part):
                return part
    return ""


def _is_date(text: str) -> bool:
    """Return whether a text is a date with its year, perhaps with a clock; neither a clock alone nor a number."""
    is_number = re.fullmatch(r"\d*[.,]?\d*", text) is not None
    return bool(re.fullmatch(NUMBERS, text)) or (len(text) >= 6 and not is_number and parse(text) is not None)


def day_of(text: str) -> str:
    """Return a date alone, as `YYYY-MM-DD` where that is certain, else as it stands there."""
    at = parse(text)
    if at is None or isinstance(at, OpenDate):
        return re.split(r"[ ,]+\d{1,2}:", text)[0]
    return f"{at:%Y-%m-%d}"


# --- Messages --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A message: its moment as it can be read in any language (empty if none is given), who (empty: the program), what."""

    when: str
    author: str
    text: str
    mark: str = ""
    is_american: bool = False
    is_the_programs: bool = False


def messages(lines: Iterable[str], grammar: Grammar, day: str = "") -> Iterator[Line]:
    """Yield the messages, each with the lines that belong to it; what stands before the first one is nobody's.

    `day` is the date of lines that give only a clock, until a line of its own gives another.
    """
    current: Beginning | None = None
    when, size = "", 0
    more: list[str] = []
    for line in lines:
        if begun := grammar.begins(line):
            if current:
                yield _joined(current, more, when)
            current, more, when, size = begun, [], _when(begun, day), 0
        # a date of its own: the day of the lines below, or the year of a log that names only day and month
        elif (not grammar.has_dates or current is None) and (found := day_in(line)):
            day, size = day_of(found), MESSAGE_LENGTH  # nothing below it continues the message above
        elif (size := size + len(line)) <= MESSAGE_LENGTH and not (grammar.has_dates and is_stamp(line)):
            more.append(UNSEEN.sub("", line))
    if current:
        yield _joined(current, more, when)


def is_stamp(line: str) -> bool:
    """Return whether a line is nothing but a moment with its date, as some programs set days apart."""
    found = beginning(line) if len(line) <= 60 else None
    return found is not None and not found.name and not found.text and bool(found.day)


def _joined(begun: Beginning, more: Sequence[str], when: str) -> Line:
    text = "\n".join([begun.text, *more]).strip()
    return Line(when, begun.name, text[:MESSAGE_LENGTH], begun.mark, begun.is_american, begun.is_the_programs)


def _when(begun: Beginning, day: str) -> str:
    own = begun.day
    if own and _kind_of_day(own) == "d":
        own = f"{own} {day[:4]}" if day[:4].isdigit() else ""
    return f"{own or day} {begun.clock}" if own or day else ""
