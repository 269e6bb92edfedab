"""Find in the text of a page what a company says of itself: phrases, each judged by the sentence around it. Pure.

A phrase alone says little: "we are closing the gap", "closing date for applications", "in the event of insolvency",
"our competitor was acquired". So each phrase is looked at in its sentence: is it denied, only supposed, asked, long
ago, or said of somebody else? The judgement is a confidence; what stays below LEAST is dropped.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from pipeline.extract.profiles.company_phrases import (
    ABOUT_OTHERS,
    CONDITION,
    DENIAL,
    DENIED_AFTER,
    FIRST_PERSON,
    PHRASES,
    THE_COMPANY,
    Phrase,
)
from pipeline.ledger.transcript import Transcript

LEAST: Final = 0.5
"""How sure a sentence must be to count; held by `test_pages_that_need_a_look_are_found_and_few_others`: of the
pages there .95 are found and .7 of what is found is right."""

MOST_QUOTES: Final = 3
LONGEST_QUOTE: Final = 300
LONGEST_SENTENCE: Final = 1000
MOST_CHARACTERS: Final = 200_000
OLD_YEARS: Final = 2
"""What happened in a year so long before the page was read is history, and no news."""

_END: Final = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+")
_ABBREVIATED: Final = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Inc|Ltd|Corp|Co|St|No|vs|approx|bzw|z\.B|ca|Nr|u\.a|d\.h)|\b[A-Z])\.$"
)
_DAY: Final = re.compile(r"\b\d{1,2}\.$")
_GOES_ON: Final = re.compile(r"[a-zà-ÿ]|(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)")
"""What follows a day that is written with a dot, as in `zum 31. März`: the sentence goes on."""

_OLD: Final = re.compile(
    r"\b(?:in|im|since|seit|until|bis|during|back in|by|en|depuis|nel|em|sinds|of|from|to|–|-|,|\() ?"
    r"(?:(?:early|late|mid|the year|january|february|march|april|may|june|july|august|september|october|november|"
    r"december|januar|februar|märz|mai|juni|juli|oktober|dezember|jahr)[ -]){0,2}((?:18|19|20)\d\d)\b",
    re.IGNORECASE,
)
_FOUNDED: Final = re.compile(
    r"\b(?:found|establish|start|since|serving|born|gegründet|seit|fond|depuis|desde|dal)\w*\W*(?:\w+\W+){0,2}$",
    re.IGNORECASE,
)
_RECENT: Final = re.compile(
    r"\b(?:now|today|recently|this (?:week|month|year|spring|summer|autumn|fall|winter)|effective|as of|will|"
    r"with immediate|heute|jetzt|ab sofort|künftig|désormais|aujourd|hoy|oggi|vandaag|nu)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it stands in the text."""

    text: str
    place: int


@dataclass(frozen=True, slots=True)
class Found:
    """One signal that a page gives, with the sentences that say it, verbatim, the surest first."""

    signal: str
    quotes: tuple[str, ...]
    summary: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Hit:
    signal: str
    sentence: Sentence
    confidence: float


def find_signals(transcript: Transcript) -> Sequence[Found]:
    """Return what a page tells, a thing a signal, the surest first; each with up to three sentences that say it."""
    message = transcript.messages[0] if transcript.messages else None
    if message is None:
        return ()
    text = transcript.text[:MOST_CHARACTERS]
    # when the page was read; else the newest year that it names itself
    year = message.created_at.year if message.created_at else _newest_year(text)
    names = _names(message.author)
    hits: dict[str, list[_Hit]] = {}
    words, phrases = _needed()
    place = 0
    for line in text.split("\n"):
        if words.Match(line.casefold()):  # few lines hold any of the words; the others are not taken apart
            for sentence in sentences(line):
                found = words.Match(sentence.text.casefold()) or ()
                likely = sorted({phrase for word in found for phrase in phrases[word]})
                for hit in _hits(Sentence(sentence.text, place + sentence.place), likely, names, year):
                    hits.setdefault(hit.signal, []).append(hit)
        place += len(line) + 1
    signals = [_found(signal, each) for signal, each in hits.items()]
    return sorted(signals, key=lambda one: (-one.confidence, one.signal))


def sentences(text: str) -> Iterator[Sentence]:
    """Yield the sentences of a text in their order; abbreviations end none, line breaks do."""
    start = 0
    for end in _END.finditer(text):
        before = text[max(start, end.start() - 12) : end.start()]
        if "\n" not in end[0] and (
            _ABBREVIATED.search(before) or (_DAY.search(before) and _GOES_ON.match(text, end.end()))
        ):
            continue
        yield from _pieces(text, start, end.start())
        start = end.end()
    yield from _pieces(text, start, len(text))


def _pieces(text: str, start: int, end: int) -> Iterator[Sentence]:
    """Yield a sentence, one that is too long to be one in pieces."""
    for place in range(start, end, LONGEST_SENTENCE):
        if piece := text[place : min(end, place + LONGEST_SENTENCE)].strip():
            yield Sentence(piece, text.index(piece, place))


def _found(signal: str, hits: Sequence[_Hit]) -> Found:
    surest = sorted(hits, key=lambda hit: (-hit.confidence, hit.sentence.place))[:MOST_QUOTES]
    quotes = tuple(dict.fromkeys(_cut(hit.sentence.text) for hit in surest))
    more = 0.05 if len(surest) > 1 else 0.0  # a page that says it twice means it
    return Found(signal, quotes, " ".join(quotes[0].split()), round(min(0.99, surest[0].confidence + more), 2))


def _cut(text: str) -> str:
    """Return a sentence, or its beginning up to a word's end: still verbatim."""
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rsplit(maxsplit=1)[0].rstrip(",;:-")


# --- One sentence -------------------------------------------------------------------------------------------------


def _hits(sentence: Sentence, phrases: Sequence[int], names: re.Pattern[str] | None, year: int) -> Iterator[_Hit]:
    for phrase in (PHRASES[number] for number in phrases):
        best = max(
            (_judged(phrase, found, sentence.text, names, year) for found in phrase.matches(sentence.text, names)),
            default=0.0,
        )
        if best >= LEAST:
            yield _Hit(phrase.signal, sentence, best)


@cache
def _needed() -> tuple[Any, list[list[int]]]:
    """Return the words that phrases need, to be looked for all at once, and for each the numbers of its phrases."""
    import re2  # this profile alone needs it

    places: dict[str, list[int]] = {}
    for number, phrase in enumerate(PHRASES):
        for word in phrase.needs:
            places.setdefault(word, []).append(number)
    words = re2.Set.SearchSet()
    for word in places:
        words.Add(re2.escape(word))
    words.Compile()
    return words, list(places.values())


def _judged(phrase: Phrase, found: re.Match[str], text: str, names: re.Pattern[str] | None, year: int) -> float:
    """Return how sure it is, 0 to 1, that a phrase in its sentence says of the company what the signal means."""
    before, after = text[: found.start()], text[found.end() :]
    if (phrase.unless and phrase.unless.search(text)) or not all(each.search(text) for each in phrase.also):
        return 0.0
    if _is_denied(before, after) or _is_supposed(before, text) or _is_old(before, after, text, year):
        return 0.0
    ours = _is_of_us(text, names)
    others = ABOUT_OTHERS.search(before[-80:])
    if others and not _is_of_us(f"{others[0]} {found[0]}", names):  # "our clients know that we ..." is of us again
        return 0.0
    if not ours and phrase.needs_subject and not THE_COMPANY.search(text):
        return 0.0
    return min(0.97, phrase.confidence + (0.05 if ours else 0.0))


def _is_of_us(words: str, names: re.Pattern[str] | None) -> bool:
    return bool(FIRST_PERSON.search(words)) or bool(names and names.search(words))


def _is_denied(before: str, after: str) -> bool:
    """Whether the words before say no, a few words away at most, or those after call it untrue."""
    return bool(DENIAL.search(before[-60:])) or bool(DENIED_AFTER.search(after[:80]))


def _is_supposed(before: str, text: str) -> bool:
    return text.rstrip("\"'”’) ").endswith("?") or bool(CONDITION.search(before))


def _is_old(before: str, after: str, text: str, year: int) -> bool:
    """Whether the sentence puts it into a year that is long past; when the company was founded does not count."""
    old = [
        match
        for match in _OLD.finditer(text)
        if int(match[1]) <= year - OLD_YEARS and not _FOUNDED.search(text[max(0, match.start() - 30) : match.start()])
    ]
    new = re.search(rf"\b(?:{year - 1}|{year}|{year + 1})\b", text)
    return bool(old) and not new and not _RECENT.search(text)


# --- Names --------------------------------------------------------------------------------------------------------

_LEGAL: Final = re.compile(
    r"[\s,]+(?:inc|llc|ltd|limited|gmbh|ag|kg|co|corp|corporation|company|plc|s\.?a\.?r?\.?l?|s\.?r\.?l|b\.?v|oy|ab|as|aps|"
    r"pty|se|ug|e\.?v|n\.?v|spa|group|holding|holdings)\.?$",
    re.IGNORECASE,
)


_COMMON: Final = frozenset(
    """
    first united global national international general american british european royal north south east west
    northern southern eastern western central great little good best blue green black white silver golden open
    smart digital data cloud tech media city world home house food health care group hotel studio atelier
    librairie bakkerij panadería werkstatt restaurant café cafe bäckerei maschinenbau garage club team early
    corner company business shop store factory the
    """.split()  # noqa: SIM905
)
"""First words of names that mean something else by themselves."""


@lru_cache(maxsize=1024)
def _names(name: str) -> re.Pattern[str] | None:
    """Return what finds the company's name in a sentence, without its legal form; None for no name, or one letter."""
    short = name.strip()
    while (shorter := _LEGAL.sub("", short)) != short:
        short = shorter
    # two letters stand in too many words and abbreviations to be a name
    if len(short) < 3:
        return None
    first = short.split()[0].strip(",.&")
    # people call a company by the first word of its name, where that is no common word
    told = [short, *([first] if len(first) >= 4 and first.casefold() not in _COMMON else [])]
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, told))})(?!\w)", re.IGNORECASE)


def _newest_year(text: str) -> int:
    return max((int(found) for found in re.findall(r"\b20[0-4]\d\b", text)), default=2000)
