"""Find in the text of a page what a company says of itself, sentence by sentence. Pure.

Of the sentences that may tell something by their words each is judged by its meaning (`company_meaning`). What the
judge cannot see is looked at here: whose page it is, questions, years that are long past, plain denials, and the
days on which a shop that goes on is closed. Better a page too many than one too few: a person looks at what is found.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pipeline.extract.profiles.company_meaning import OUR_NAME, REMEMBERED, how_telling, judged, may_tell
from pipeline.ledger.transcript import Transcript
from pipeline.sources.understanding.language import UNDETERMINED

BAD_NEWS: Final = frozenset(("closing", "insolvency", "acquisition", "layoffs", "leadership_change"))
"""Signals that are weighed together: a sentence that is half a closing and half a sale needs a look all the same."""

NO_SIGNAL: Final = "no_signal"

LANGUAGES: Final = frozenset(("en", "de", "fr", "es", "it", "nl", "pt", "sv", "da", "nb", "no", "nn", "pl", "cs"))
"""Languages that sentences of ours are written in; from a page in another one that gives no signal nothing follows."""


def can_read(language: str) -> bool:
    """Whether silence in a text of this language, as `sources.understanding.language` names it, means anything."""
    return language in LANGUAGES or language in ("", UNDETERMINED)


LEAST: Final = 0.35
"""How sure a sentence must be to count: rather one page too many. What it finds is in `benchmarks/QUALITY.md`."""

SUREST: Final = 0.97
FEWEST_WORDS: Final = 2
MOST_JUDGED: Final = 45
"""Sentences of a page that are read by their meaning: two and a half milliseconds each. Pages of a hundred sentences
have as many that pass the sieve. Beyond, a page is a long text in which the words come up by chance."""

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
    r"\b(?:now|today|recently|ha(?:s|ve) been (?:made|named|appointed|sold|bought|acquired|closed)|"
    r"this (?:week|month|year|spring|summer|autumn|fall|winter)|effective|as of|will|"
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
    for sentence in _telling(text, names):
        if said := _said(sentence.text, _named_in(sentence.text, names), year):
            hits.setdefault(said[0], []).append(_Hit(said[0], sentence, said[1]))
    signals = [_found(signal, each) for signal, each in hits.items()]
    return sorted(signals, key=lambda one: (-one.confidence, one.signal))


def _telling(text: str, names: re.Pattern[str] | None) -> Sequence[Sentence]:
    """Return the sentences of a text that may tell something in their order; of many MOST_JUDGED."""
    found: list[tuple[float, Sentence]] = []
    place = 0
    for line in text.split("\n"):
        for telling, one in _telling_in(line, _named_in(line, names)):
            found.append((telling, Sentence(one.text, place + one.place)))
        place += len(line) + 1
    if len(found) > MOST_JUDGED:
        # notices stand in front of the content, what a footer says behind it; of what is between, the most telling.
        # Not those alone: fifty lines of a sale tell more by their words than one quiet sentence that matters.
        third = MOST_JUDGED // 3
        between = sorted(found[third:-third], key=lambda each: -each[0])[: MOST_JUDGED - 2 * third]
        between.sort(key=lambda each: each[1].place)
        found = [*found[:third], *between, *found[-third:]]
    return [one for _, one in found]


def _named_in(text: str, names: re.Pattern[str] | None) -> re.Pattern[str] | None:
    """Return the company's names if the text has one of them.

    What is remembered of a text is remembered for them; without a name in it, for every company at once.
    """
    return names if names and names.search(text) else None


@lru_cache(maxsize=REMEMBERED)
def _telling_in(line: str, names: re.Pattern[str] | None) -> tuple[tuple[float, Sentence], ...]:
    """Return the sentences of a line that may tell something, each with how telling it is (`how_telling`).

    Remembered, for pages of a site share many lines.
    """
    return tuple(
        (how_telling(text), one)
        for one in sentences(line)
        if one.text.count(" ") >= FEWEST_WORDS - 1 and may_tell(text := _without_name(one.text, names))
    )


def _without_name(text: str, names: re.Pattern[str] | None) -> str:
    """Return a sentence with OUR_NAME for the company's name: no sentence is judged by a name."""
    return names.sub(OUR_NAME, text) if names else text


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


@lru_cache(maxsize=REMEMBERED)
def _said(text: str, names: re.Pattern[str] | None, year: int) -> tuple[str, float] | None:
    """Return the signal that a sentence gives and how sure that is, if it gives one."""
    if _asks(text) or _is_old(text, year) or _DENIED.search(text) or _SUPPOSED.search(text):
        return None
    likely = dict(judged(_without_name(text, names)))
    bad = sum(likely[signal] for signal in BAD_NEWS)
    if bad >= LEAST:
        signal, sure = max(BAD_NEWS, key=lambda each: (likely[each], each)), bad
    else:
        signal, sure = max(likely.items(), key=lambda each: (each[1], each[0]))
        if signal == NO_SIGNAL or signal in BAD_NEWS or sure < LEAST:
            return None
    if signal in ("closing", "relaunch") and _is_for_a_while(text):
        return None
    return signal, min(SUREST, sure)


def _asks(text: str) -> bool:
    return text.rstrip("\"'”’) ").endswith("?")


def _is_old(text: str, year: int) -> bool:
    """Whether the sentence puts it into a year that is long past; when the company was founded does not count, nor
    what is told in passing of somebody (`Ms Hill, who has been with us since 2012, becomes ...`)."""
    told = _IN_PASSING.sub(",", text)
    old = any(
        int(match[1]) <= year - OLD_YEARS and not _FOUNDED.search(told[max(0, match.start() - 30) : match.start()])
        for match in _OLD.finditer(told)
    )
    return old and not re.search(rf"\b(?:{year - 1}|{year}|{year + 1})\b", told) and not _RECENT.search(told)


_IN_PASSING: Final = re.compile(r",\s(?:who|whom|whose|which|where|der|die|das|qui|dont|que)\s[^,.;]{1,120},", re.I)


_DENIED: Final = re.compile(
    r"\b(?:not|never|no (?:plans?|intention)|nor|nicht|niet)\b(?! only\b)(?: \w+){0,3} (?:clos(?:e|ing)|shut(?:ting)?|"
    r"sell(?:ing)?|sold|for sale|going (?:anywhere|out of business|under)|insolvent|bankrupt|lay(?:ing)? off|"
    r"redundanc\w+|merg\w+|schließen|geschlossen|verkauft)\b|"
    r"n['’]t (?:be )?(?:clos\w+|shut\w*|going (?:anywhere|out of business)|for sale|sell\w*|bankrupt)\b|"
    r"\bno (?:\w+ ){0,2}(?:jobs?|redundancies|layoffs|posts|one|body)\b.{0,40}\b(?:lost|cut|go|laid off|planned|"
    r"dismissed|affected)\b|\b(?:is|are|was|were) (?:not true|untrue|false|wrong|unfounded|nonsense|a hoax)\b|"
    r"\b(?:rumou?rs?|gerüchte?|rumeurs?|rumores)\b",
    re.IGNORECASE,
)
"""What a company says that it does not do. Other denials are told by the judge; these it must not get wrong."""

_SUPPOSED: Final = re.compile(
    r"\bif (?:we|the company|our (?:company|shop|business)) (?:were|had|ever|should)\b|"
    r"\bin (?:the|any) (?:unlikely )?event (?:that|of (?:(?:an?|the|our) )?"
    r"(?:merger|sale|insolvency|bankruptcy|closure))\b",
    re.IGNORECASE,
)
_SHUT: Final = re.compile(
    r"\b(?:clos\w+|shut|schlie\w+|geschlossen|ferm\w+|cerr\w+|cierr\w+|chius\w+|chiud\w+|geslot\w+)", re.I
)
_FOR_A_WHILE: Final = re.compile(
    r"\b(?:sundays?|mondays?|weekends?|holidays?|christmas|easter|new year|2[456] december|stocktak\w+|refurbish\w+|"
    r"renovat\w+|maintenance|cleaning|lunch|noon|\d{1,2}(?:[:.]\d\d)? ?(?:am|pm|uhr)|early|"
    r"(?:until|bis) (?:mon|tues|wednes|thurs|fri|satur|sun)day|road|street|lane|bridge|car park|pool|deadline|"
    r"applications?|registration|enrol\w+|feiertag\w*|betriebsferien|urlaub|inventur|ruhetag|bewerbung\w*|"
    r"jours? fériés?|congés|vacances|annuelle|hebdomadaire|festivos?|vacaciones|matrícula|inscri\w+|ferie|festivi|"
    r"iscrizion\w+|vakantie|feestdag\w*|inschrijving|feriados?)\b",
    re.IGNORECASE,
)
_FOR_GOOD: Final = re.compile(
    r"\b(?:for good|for ever|forever|permanent\w*|no longer|not (?:re)?open|last|final\w*|ceas\w+|retir\w+|goodbye|"
    r"farewell|endgültig|für immer|dauerhaft|letzte\w*|definitiv\w*|définitiv\w*|dernier\w*|jubila\w+|para siempre|"
    r"per sempre|voor (?:goed|altijd))\b",
    re.IGNORECASE,
)


def _is_for_a_while(text: str) -> bool:
    """Whether it is closed as shops are that go on: on Sundays, over Easter; but not on a Sunday for good."""
    return bool(_SHUT.search(text) and _FOR_A_WHILE.search(text)) and not _FOR_GOOD.search(text)


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
    told = [f"(?i:{re.escape(short)})"]
    if len(first) >= 4 and first.casefold() not in _COMMON:
        # written as a name is, or in a banner's capitals: the station of a village is no bookshop called Station
        told += [re.escape(first), re.escape(first.upper())]
    return re.compile(rf"(?<!\w)(?:{'|'.join(told)})(?!\w)")


def _newest_year(text: str) -> int:
    return max((int(found) for found in re.findall(r"\b20[0-4]\d\b", text)), default=2000)
