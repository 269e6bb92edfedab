"""Finds out whether a conversation is about several matters: "Charged twice. Also, the app crashes."

Rules propose where another matter may begin, the vectors of what is said before and from there on decide. To tear one
problem apart is worse than to miss a second one: what looks like a detail, an attempt or an answer begins nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np

from pipeline.extract.local.finding import Finding, Kind, find_main
from pipeline.extract.local.patterns import ATTEMPT, MARKER, POINTS_BACK, REQUEST_FORM
from pipeline.extract.local.text import CustomerSide, Said, Sentence, plain, singular
from pipeline.extract.local.words import DETAILS, STOP_WORDS, VERBS

MOST_MATTERS = 8  # of one conversation; of more, those that most of it is about
CHANNEL = 30  # messages of the customer's side; one person's thread has fewer
LEAST_WORDS = 4  # of a sentence that begins a matter


class Cue(StrEnum):
    """What speaks for another matter."""

    MARKED = "marked"  # it says so: "also", "another thing", a list
    CLAUSE = "clause"  # the second half of "charged twice and the app crashes"
    REQUEST = "request"  # a later message asks for something else
    MESSAGE = "message"  # a message of a channel, in which many speak of many things


NEAREST = {Cue.MARKED: 0.55, Cue.CLAUSE: 0.50, Cue.REQUEST: 0.30, Cue.MESSAGE: 0.45}
"""Cosine of what is said from a cue on to all before it, from which on it is the same matter."""

_MARKER = re.compile(MARKER)
_LISTED = re.compile(r"(?:\d{1,2}[.):]|\(\d{1,2}\)|[-*\u2022\u2013])\s")
_POINTS_BACK = re.compile(POINTS_BACK)
_LEANS_BACK = re.compile(r"\b(?:it|that|this|them|those|these|he|she|him|her|nevermind|never mind|changed?|instead)\b")
_ATTEMPT = re.compile(ATTEMPT)
_NAME = re.compile(r"(?<=[\w,;'] )[A-Z]\w+")
_REQUEST_FORM = re.compile(REQUEST_FORM)
_JOINT = re.compile(
    r"(?:,|;)? (?:and|plus|but)(?: also| now)? (?=(?:the|my|our|your|i|we|is|can|how|please|why|there|[a-z]+s?)\b)|; ",
    re.IGNORECASE,
)
_STATES = (Kind.PROBLEM, Kind.HOW_TO, Kind.REQUEST)
_LEAST_CLAUSE = 2  # words of half a sentence that states a problem
_HEAVY = 3  # weight of a problem that is one even in half a sentence


@dataclass(frozen=True, slots=True)
class Start:
    """A sentence of the customer's side at which another matter may begin."""

    sentence: int
    cue: Cue


def with_clauses(said: Said) -> Said:
    """Return what was said with sentences cut that state two problems: "I was charged twice and the app crashes"."""
    found: list[Sentence] = []
    for sentence in said.sentences:
        found += _clauses(sentence) if sentence.is_customers and sentence.is_telling else [sentence]
    return replace(said, sentences=tuple(found))


def _clauses(sentence: Sentence) -> list[Sentence]:
    # Both halves have to be problems by themselves and different ones: "the app is slow and crashes" is one.
    for joint in _JOINT.finditer(sentence.text):
        halves = sentence.text[: joint.start()].rstrip(), sentence.text[joint.end() :]
        one, other = (replace(sentence, text=half, plain=plain(half)) for half in halves)
        first, second = _finding(one), _finding(other)
        if min(one.plain.count(" "), other.plain.count(" ")) < _LEAST_CLAUSE - 1 or _looks_back(other.plain):
            continue
        if _is_heavy(first) and _is_heavy(second) and first.name != second.name:
            return [one, replace(other, is_clause=True)]
    return [sentence]


def _finding(sentence: Sentence) -> Finding:
    return find_main(CustomerSide((sentence,)))


def _is_heavy(finding: Finding) -> bool:
    return finding.kind in _STATES and (finding.weight >= _HEAVY or finding.kind is Kind.HOW_TO)


def _looks_back(words: str) -> bool:
    """Tell whether a sentence speaks of what was said before, or of what was tried."""
    return bool(_POINTS_BACK.search(words) or _ATTEMPT.search(words))


def possible_starts(side: CustomerSide) -> tuple[Start, ...]:
    """Return where another matter may begin, by the words alone."""
    found, seen, is_stated = [], set[str](), False
    if len({sentence.message for sentence in side.sentences}) >= CHANNEL:
        return tuple(_message_starts(side))
    for number, sentence in enumerate(side.sentences):
        topics = topics_of(sentence.plain)
        # nothing can be another matter before one has been stated
        if is_stated and (cue := _cue(sentence, side.sentences[number - 1], topics, seen)):
            found.append(Start(number, cue))
        is_stated = is_stated or _states_something(sentence, topics)
        seen |= topics
    return tuple(found)


def _states_something(sentence: Sentence, topics: set[str]) -> bool:
    """Tell whether a sentence says what somebody comes for: before "Hi, I am John" nothing else can begin."""
    return bool(topics and _is_asked(sentence)) or _finding(sentence).kind in _STATES


def _is_asked(sentence: Sentence) -> bool:
    return bool(_REQUEST_FORM.search(sentence.plain))


def _message_starts(side: CustomerSide) -> Iterator[Start]:
    """Yield of a channel each message that states something, whatever was said before."""
    for number, (before, sentence) in enumerate(pairwise(side.sentences), 1):
        if sentence.message == before.message or sentence.plain.count(" ") < LEAST_WORDS - 1:
            continue
        if not _looks_back(sentence.plain) and _finding(sentence).kind is not Kind.UNCLEAR:
            yield Start(number, Cue.MESSAGE)


def topics_of(words: str) -> set[str]:
    """Return the words of a sentence that name something."""
    named = {singular(word) for word in words.split() if len(word) > 2 and not word[0].isdigit()}
    return {word for word in named if word not in STOP_WORDS and word not in VERBS}


def _cue(sentence: Sentence, before: Sentence, topics: set[str], seen: set[str]) -> Cue | None:
    if sentence.is_clause:
        return Cue.CLAUSE
    words, marked = _MARKER.subn("", sentence.plain)
    listed = bool(_LISTED.match(sentence.text)) and _is_heavy(_finding(sentence))
    if words.count(" ") < LEAST_WORDS - 1 or not topics - seen or _looks_back(words):
        return None
    if listed or (marked and (len(topics - seen) > 1 or _finding(replace(sentence, plain=words)).kind in _STATES)):
        return Cue.MARKED
    is_new = topics.isdisjoint(seen) and not _LEANS_BACK.search(words)
    if sentence.message != before.message and is_new and _REQUEST_FORM.search(words):
        names = {name.lower() for name in _NAME.findall(sentence.text)}
        return Cue.REQUEST if topics - names - DETAILS else None
    return None


def settle(cues: Sequence[Cue], sums: np.ndarray) -> list[int]:
    """Return the matter, from 0, of each stretch of a conversation: the nearest so far if near enough, else a new one.

    cues: what speaks for another matter at the beginning of each stretch; that of the first is not looked at.
    sums: (n, d) sum of the states of the tokens of each stretch, the agent's included.
    """
    found: list[int] = []
    totals: list[np.ndarray] = []
    for cue, own in zip(cues, sums.astype(np.float64), strict=True):
        # with all matters so far, not only the last: people come back to the first one
        cosines = [_cosine(own, total) for total in totals]
        if not cosines or (max(cosines) < NEAREST[cue] and len(totals) < MOST_MATTERS):
            found.append(len(totals))
            totals.append(own)
        else:
            nearest = int(np.argmax(cosines))
            found.append(nearest)
            totals[nearest] = totals[nearest] + own
    return found


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Return the cosine of two sums; of nothing, 1: it belongs to whatever there is."""
    lengths = np.sqrt((one * one).sum() * (other * other).sum())
    return float((one * other).sum() / lengths) if lengths else 1.0
