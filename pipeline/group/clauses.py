"""Cuts what people wrote into clauses that could be a title, and judges how each would sound when read aloud.

A clause is a part of one sentence of 3 to 10 words. Nothing here knows what a group is about: `titles` weighs that.
The tables of words hold for English; clauses of other languages are cut by punctuation and judged by their form alone.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from pipeline.extract.local.text import telling_sentences
from pipeline.extract.local.words import PERSONS, STOP_WORDS
from pipeline.group.speech import (
    AGAINST,
    ASKING_FIRST,
    ASKING_SECOND,
    BARE,
    CHATTER,
    CONTINUES,
    COUNTED_TAIL,
    DATE,
    DATED_TAIL,
    EMPTY_IT,
    ENDS_NOTHING,
    ENDS_WEAKLY,
    ENDS_WELL,
    FINITE,
    GO_WITH_ON,
    GOES_WELL,
    LEAD,
    LEADS_INTO,
    LEADS_ON,
    LEANS,
    MISASKED,
    NEGATED_WELL,
    NEGATES,
    NUMBERS,
    OPENS_NOTHING,
    PERSON_TAIL,
    POINTERS,
    PRONOUNS,
    QUALIFIES,
    QUESTION,
    REPORTS,
    SPEAKER,
    SUBJECTS,
    TAIL,
    TELLS,
    VERBAL,
    WANTING,
    WISH,
    WITHIN,
)

MIN_WORDS, MAX_WORDS = 3, 10
LONGEST_TEXT = 2_000
"""Characters of one text that are looked at; what people come for stands at the beginning."""

MOST_CLAUSES = 12
"""Clauses of one text; what comes later is detail."""

LONGEST_CLAUSE = 120
"""Characters; ten words that are longer are no words."""

SHORTENED = 0.04
"""What a clause loses that ends where its writer went on."""

CONCEDED = 0.10
"""What a clause loses that is only said against the next: what matters stands behind the "but"."""

TRIMMED = 0.01
"""What a clause loses without the number of people or the day that its writer told."""

RUN_ON = 0.15
"""What it loses if a second sentence begins in it."""

NEGATED = 0.25
"""What it loses if it begins with the "not" of something that stands before: "not closed all day"."""

SUBJECTLESS = 0.15
"""What it loses if it begins with what somebody does: "does not come to the invoices"."""

WELL = 0.10
"""What it loses if it says what works."""

VERBLESS = 0.08
"""What it loses without a word that could be a verb."""

MISFORMED = 0.08
"""What a question loses that is put together wrongly."""

SOMEBODYS = 0.05
"""What it loses if it ends in how many, whom or when it was for."""

IDLE = 0.05
"""What a clause loses that says neither what goes wrong nor what is wanted."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause, its ends clean; `awkward` is 0 where it reads well, and from 0.1 on another should be taken."""

    text: str
    awkward: float


def clauses(text: str, *, english: bool = True) -> list[Clause]:
    """Return the clauses of one text in its order, each once."""
    found: dict[str, Clause] = {}
    for sentence in telling_sentences(text[:LONGEST_TEXT]):
        for piece, cost in _pieces(" ".join(sentence.split())):
            clause = _clause(piece, cost, english)
            if clause is None:
                continue
            # the first way to cut a clause is the plainest; what gives the same words again costs the same or more
            found.setdefault(clause.text.casefold(), clause)
            if len(found) == MOST_CLAUSES:
                return list(found.values())
    return list(found.values())


# --- Cutting ------------------------------------------------------------------------------------------------------

_MARK = re.compile(
    r"[,;:!?\u2026()\[\]{}\"\u201c\u201d\u201e\u00ab\u00bb\u3001\u3002\uff0c\uff1b\uff1a\uff01\uff1f\u060c\u061b\u061f\u0964]+"
    r"|(?<=\s)[-\u2013\u2014]+(?=\s)|\u2014|\.{2,}|\.(?=\s)|\s(?=(?:and|but|because|so|since|which|then)\s)",
    re.IGNORECASE,
)
_QUESTION_MARKS = ("?", "\uff1f", "\u061f")
# Where a piece that is still too long may end: what follows only adds to it.
_ADDITION = re.compile(
    r"\s(?=(?:when|while|whenever|if|even|after|before|where|until|although|though|as soon|due to|for|without|from"
    r")\s)",
    re.IGNORECASE,
)
_TRIM = " \t'\u2018\u2019`*_~#>|<=+\u2022\u00b7.-\u2013\u2014"
_TRIM_MARKS = _TRIM + '?!,;:\u3002\uff0c\uff1f\uff01\u061f"\u201c\u201d\u201e\u00ab\u00bb()[]{}'
_WORD = re.compile(r"[^\W_]+(?:['\u2019.@/&+-][^\W_]+)*")
# Scripts that put no spaces between words: two letters are about a word.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def _pieces(sentence: str) -> Iterator[tuple[str, float]]:
    """Yield a sentence whole and the parts between its marks, and what it costs to have cut it there.

    A question mark stays with the part it ends.
    """
    # whole first: a sentence of at most ten words is the best title there is
    yield sentence, 0.0
    start = 0
    for mark in _MARK.finditer(sentence):
        part = sentence[start : mark.start()]
        against = CONCEDED if AGAINST.match(sentence, mark.end()) else 0.0
        yield part + ("?" if mark[0].lstrip().startswith(_QUESTION_MARKS) else ""), against
        yield from _smaller(part, against)
        start = mark.end()
    if start:
        yield sentence[start:], 0.0
    yield from _smaller(sentence[start:], 0.0)


def _smaller(part: str, cost: float) -> Iterator[tuple[str, float]]:
    """Yield what is said in a part that has more than one thing to say, and the part without a number at its end."""
    for piece, shortened in _beginning(part):
        yield piece, cost + shortened
    words = part.split()
    if place := _second_sentence(_words(part)):
        yield " ".join(words[:place]), cost
        yield " ".join(words[place:]), cost
    whole = part.rstrip(_TRIM_MARKS)
    for tail in (COUNTED_TAIL, DATED_TAIL, PERSON_TAIL):
        if (trimmed := tail.sub("", whole)) != whole:
            yield trimmed, cost + TRIMMED


def _beginning(part: str) -> Iterator[tuple[str, float]]:
    """Yield the beginning of a part that is too long, up to where it only adds something."""
    if part.count(" ") < MAX_WORDS:
        return
    for addition in _ADDITION.finditer(part):
        if (length := count_words(part[: addition.start()])) > MAX_WORDS:
            return
        if length >= MIN_WORDS:
            yield part[: addition.start()], SHORTENED


def _clause(piece: str, cost: float, english: bool) -> Clause | None:
    asks = piece.rstrip(" \"'\u2019\u201d)!").endswith(_QUESTION_MARKS)
    text = piece.strip(_TRIM_MARKS)
    if english:
        # leads are English only; elsewhere a clause begins as its writer began it
        text = _without_lead(text)
    if not MIN_WORDS <= count_words(text) <= MAX_WORDS or len(text) > LONGEST_CLAUSE:
        return None
    if ADDRESS.search(text) or not _is_speech(text):
        return None
    awkward = cost + _stumbles(text)
    if english:
        words = _words(text)
        if _dangles(words) or _points_away(words, text) or _UNFINISHED.search(text):
            return None
        asks, awkward = _asks(words, text), awkward + _awkward(words, text)
    return Clause(text + "?" * asks, round(awkward, 3))


def _without_lead(text: str) -> str:
    """Take away what only leads to the matter: "Hi, I was wondering if", and "I need to" before what is needed."""
    text = TAIL.sub("", LEAD.sub("", text)).strip(_TRIM)
    wanted = WISH.sub("", text).strip(_TRIM)
    return wanted if count_words(wanted) >= MIN_WORDS else text


def count_words(text: str) -> int:
    """Return how many words a text has; in scripts without spaces two letters count as one."""
    letters = len(UNSPACED.findall(text))
    spaced = UNSPACED.sub(" ", text) if letters else text
    return len(_WORD.findall(spaced)) + ceil(letters / 2)


# --- Judging the form ---------------------------------------------------------------------------------------------

ADDRESS = re.compile(
    r"https?:|www\.|\S@\S|\w/\w+/|\w\(|::|[{}<>|\\^$=~_]|\w\.\w+\.\w"
    r"|\b\w+\.(?:py|js|ts|java|php|rb|go|cs|com|org|net|io)\b|\bat \w+\.\w|\bline \d",
    re.IGNORECASE,
)
_STUMBLE = re.compile(r"[#*/&%+:;\"\u201c\u201d()\[\]]|\s['\u2018]|['\u2019](?:\s|$)")


def _is_speech(text: str) -> bool:
    """Whether nearly all of it are letters and spaces: codes, tables and smileys are not read aloud."""
    spoken = sum(char.isalpha() or char == " " or unicodedata.category(char)[0] == "M" for char in text)
    return spoken >= 0.75 * len(text)


def is_shouted(text: str) -> bool:
    """Whether most of its letters are capitals."""
    letters = [char for char in text if char.isalpha()]
    return sum(map(str.isupper, letters)) > 0.6 * len(letters)


def _stumbles(text: str) -> float:
    return 0.02 * is_shouted(text) + 0.05 * bool(_STUMBLE.search(text)) + 0.05 * ("," in text)


# --- Judging English ----------------------------------------------------------------------------------------------


_WHO = PERSONS | {"she", "he", "they"}
_UNFINISHED = re.compile(r"\bbetween\b(?!.* and )|\bboth\b$|\([^)]*$|\[[^\]]*$", re.IGNORECASE)


def _words(text: str) -> list[str]:
    return [word.lower().replace("\u2019", "'") for word in text.split()]


def _asks(words: list[str], text: str) -> bool:
    """Whether a clause is a question by its words, marked or not."""
    if not QUESTION.match(text):
        return False
    if words[:2] == ["how", "to"]:
        return False
    return words[0] not in OPENS_NOTHING | ASKING_FIRST or "".join(words[1:2]) in ASKING_SECOND


def _second_sentence(words: Sequence[str]) -> int:
    """Return the place at which a second sentence begins without a word or a mark between; 0 if there is none."""
    for place in range(2, len(words) - 2):
        is_wanting = words[place] in {"i", "we"} and words[place + 1] in WANTING
        if not (words[place] in SUBJECTS or is_wanting) or words[place - 1] in LEADS_INTO:
            continue
        # "how do I know my card came" has two verbs and is one question; "is my card" after a verb belongs to it
        if words[0] in ASKING_FIRST or words[place - 1] in FINITE:
            continue
        if FINITE.intersection(words[1:place]) and FINITE.intersection(words[place : place + 4]):
            return place
    return 0


def _dangles(words: list[str]) -> bool:
    """Whether a clause begins or ends in the middle: "because the", "when I try", "it went to the"."""
    asks = "".join(words[1:2]) in ASKING_SECOND and words[0] in ASKING_FIRST
    ends_on = words[-1] == "on" and words[-2] not in GO_WITH_ON  # "calendar sync stuck on"
    return (words[0] in OPENS_NOTHING and not asks) or words[-1] in ENDS_NOTHING or ends_on


def _points_away(words: list[str], text: str) -> bool:
    """Whether its subject stands in another sentence: "it was a swap", "both booked themselves", "that is mine"."""
    first, second = words[0], words[1]
    if first in PRONOUNS:
        return not EMPTY_IT.match(text)
    return first in POINTERS and (second in FINITE or second in {"of", "with", "at", "in"} or second.endswith("ed"))


def _awkward(words: list[str], text: str) -> float:
    ending = 0.06 * (words[-1] in ENDS_WEAKLY) + 0.1 * (words[-1] in ENDS_WELL)
    return _opening(words, text) + ending + _body(words, text)


def _opening(words: list[str], text: str) -> float:
    """How the first words sound: a "he" that nobody knows, a verb without who does it, "I" where things could speak."""
    first = words[0]
    if _asks(words, text) or words[:2] == ["how", "to"]:
        return 0.0
    if first in NEGATES:
        follows = "".join(words[1:2])
        return 0.05 if follows.endswith("ing") or follows in NEGATED_WELL or first == "never" else NEGATED
    if first.isdigit() or first in NUMBERS:
        return 0.04 + 0.10 * FINITE.isdisjoint(words)
    if first in BARE:
        return SUBJECTLESS
    if first in ASKING_FIRST:
        return 0.08
    told = 0.05 * (first.endswith("ed") and not TELLS.search(text))  # "subscribed to the feed": who, and what of it?
    speaker = 0.06 + 0.05 * (not TELLS.search(text)) if first in SPEAKER else 0.0
    return 0.1 * (first in LEANS) + 0.05 * (first in LEADS_ON) + speaker + told


def _body(words: list[str], text: str) -> float:
    """What is said: chatter, days, things pointed at, too little; and that it has a verb and is short."""
    # words that say something: none is nothing (0.3), one is little (0.06)
    telling = sum(len(word) > 2 and word not in STOP_WORDS for word in words)
    said = 0.12 * bool(CHATTER.search(text)) + 0.05 * bool(DATE.search(text)) + (0.3, 0.06, 0.0)[min(2, telling)]
    pointing = min(0.06, 0.03 * sum(word in WITHIN for word in words[1:]))
    # nobody knows who that is
    pointing += 0.05 * any(word in {"he", "she", "him", "her"} for word in words[1:])
    pointing += 0.05 * any(word in CONTINUES for word in words)
    pointing += 0.1 * any(one.rstrip("s") in _WHO and other in REPORTS for one, other in pairwise(words))
    said += WELL * (bool(GOES_WELL.search(text)) and not _asks(words, text))
    form = (
        VERBLESS * (not VERBAL.search(QUALIFIES.sub(" ", text)))
        + 0.01 * max(0, len(words) - 8)
        + 0.02 * (len(words) == MIN_WORDS)
    )
    form += RUN_ON * bool(_second_sentence(words)) + MISFORMED * bool(MISASKED.search(text))
    # its own trimmed self stands beside it
    form += SOMEBODYS * bool(COUNTED_TAIL.search(text) or PERSON_TAIL.search(text) or DATED_TAIL.search(text))
    return said + pointing + form + IDLE * (not TELLS.search(text))
