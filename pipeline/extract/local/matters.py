"""Finds out whether a conversation is about several matters: "Charged twice. Also, the app crashes."

Rules propose where another matter may begin, the vectors of what is said before and from there on decide. To tear one
problem apart is worse than to miss a second one: what looks like a detail, an attempt or an answer begins nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np

from pipeline.extract.local.finding import Finding, Kind, find_main
from pipeline.extract.local.patterns import ANNOUNCED, ATTEMPT, MARKER, POINTS_BACK, REQUEST_FORM, TROUBLE
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
_LISTED = re.compile(r"(?:\d{1,2}[.):]|[a-e][.)]|\((?:\d{1,2}|[a-e])\)|[-*\u2022\u2013])\s")
_ANNOUNCED = re.compile(ANNOUNCED)
_ANNOUNCEMENT = re.compile(rf"[^:.!?]{{0,40}}{ANNOUNCED}[^:.!?]{{0,20}}:\s+", re.IGNORECASE)
_TROUBLE = re.compile(TROUBLE)
# "a) the mail is late b) the map is blank", "firstly ..., secondly ...": numbers that follow each other
_NUMBERED = tuple(
    re.compile(rf"(?:^|[\s:]){first}\s+(?:\S+\s+){{2,}}?(?P<cut>{second}\s+)(?=\S+\s+\S)", re.IGNORECASE)
    for first, second in (
        (r"\(?1[.)]", r"\(?2[.)]"), (r"\(?2[.)]", r"\(?3[.)]"), (r"\(?a[.)]", r"\(?b[.)]"), (r"\(?b[.)]", r"\(?c[.)]"),
        ("first(?:ly)?,?", "(?:and )?second(?:ly)?,?"), ("second(?:ly)?,?", "(?:and )?third(?:ly)?,?"),
    )
)  # fmt: skip
# What begins a half that has no subject of its own, or only says where and when: "and crashes when", "and in the app"
_NO_SUBJECT = re.compile(
    r"^(?:in|on|at|to|of|by|for|from|with|then|again|still|when|while|after|before|if|so|out|up|off|back|\w+(?:ed|shes"
    r"|zes|ses))\b",
)
_STILL = re.compile(r"\bstill\b")
_POINTS_BACK = re.compile(POINTS_BACK)
_LEANS_BACK = re.compile(r"\b(?:it|that|this|them|those|these|he|she|him|her|nevermind|never mind|changed?|instead)\b")
_ATTEMPT = re.compile(ATTEMPT)
_NAME = re.compile(r"(?<=[\w,;'] )[A-Z]\w+")
_REQUEST_FORM = re.compile(REQUEST_FORM)
_JOINT = re.compile(
    r"(?:,|;)? (?:and|plus|but)(?: also| now)?,? (?=[a-z])|; ",
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
    announced = False
    for sentence in said.sentences:
        is_cut = sentence.is_customers and sentence.is_telling
        announced = announced or (is_cut and _announces(sentence))
        found += _clauses(sentence, announced) if is_cut else [sentence]
    return replace(said, sentences=tuple(found))


def _announces(sentence: Sentence) -> bool:
    return bool(_ANNOUNCED.search(sentence.plain))


def _clauses(sentence: Sentence, announced: bool) -> list[Sentence]:
    """Return a sentence in as many parts as it states problems, which mostly is one.

    announced: somebody said that they have several matters, so less has to speak for a second one.
    """
    if before := _ANNOUNCEMENT.match(sentence.text):
        # what only announces tells nothing, and would be the summary of the first matter
        told = replace(sentence, text=before[0].rstrip(), plain=plain(before[0]), is_telling=False)
        rest = sentence.text[before.end() :]
        return [told, *_clauses(replace(sentence, text=rest, plain=plain(rest)), True)]
    for numbers in _NUMBERED:
        second = numbers.search(sentence.text)
        cut = _cut(sentence, second.start("cut"), second.end("cut")) if second else None
        if cut and all(_tells(half) for half in cut):
            return [cut[0], *_clauses(cut[1], announced)]
    # Both halves have to be problems by themselves and different ones: "the app is slow and crashes" is one.
    for joint in _JOINT.finditer(sentence.text):
        cut = _cut(sentence, joint.start(), joint.end())
        if cut and _are_two_matters(*cut, sign=joint[0], announced=announced):
            return list(cut)
    return [sentence]


def _cut(sentence: Sentence, end: int, start: int) -> tuple[Sentence, Sentence] | None:
    """Return what a sentence says up to a place and from another on; None if that is too little."""
    halves = sentence.text[:end].rstrip(" ,;"), sentence.text[start:]
    one, other = (replace(sentence, text=half, plain=plain(half)) for half in halves)
    if min(one.plain.count(" "), other.plain.count(" ")) < _LEAST_CLAUSE - 1:
        return None
    return one, replace(other, is_clause=True)


def _are_two_matters(one: Sentence, other: Sentence, *, sign: str, announced: bool) -> bool:
    """Tell whether the halves of a sentence state a problem each, and not the same one.

    Two heavy problems do. Of others it is asked that they share no topic, and that something speaks for it: they were
    announced, it says "also", or a comma stands between them and one is heavy.
    """
    if _looks_back(other.plain) or _ATTEMPT.search(one.plain):
        return False
    if _STILL.search(other.plain) or _NO_SUBJECT.search(other.plain):
        return False
    first, second = _finding(one), _finding(other)
    # the symptom comes first: what "crashes when I open it" stands in the other half
    if second.kind is Kind.PROBLEM and second.first == 0 and not topics_of(other.plain.split(" ", 1)[0]):
        return False
    if _is_heavy(first) and _is_heavy(second):
        return first.name != second.name
    topics = topics_of(other.plain)
    if not topics or not topics.isdisjoint(topics_of(one.plain)) or not _tells(one):
        return False
    if announced and len(topics) > 1:
        return True
    if "also" in f"{sign} {other.plain}".split():
        return _tells(other)
    # not what is only asked for: "and I want the second payment back" belongs to what went wrong
    both_go_wrong = all(
        found.kind is Kind.PROBLEM or _TROUBLE.search(half.plain) for found, half in ((first, one), (second, other))
    )
    return "," in sign and both_go_wrong and (_is_heavy(first) or _is_heavy(second))


def _tells(sentence: Sentence) -> bool:
    """Tell whether a sentence states a problem, in words that are known or not, or asks for something."""
    is_known = _finding(sentence).kind in _STATES
    return is_known or bool(_TROUBLE.search(sentence.plain) or _REQUEST_FORM.search(sentence.plain))


def _finding(sentence: Sentence) -> Finding:
    return find_main(CustomerSide((sentence,)))


def _is_heavy(finding: Finding) -> bool:
    return finding.kind in _STATES and (finding.weight >= _HEAVY or finding.kind is Kind.HOW_TO)


def _looks_back(words: str) -> bool:
    """Tell whether a sentence speaks of what was said before, or of what was tried."""
    return bool(_POINTS_BACK.search(words) or _ATTEMPT.search(words))


def possible_starts(side: CustomerSide) -> tuple[Start, ...]:
    """Return where another matter may begin, by the words alone."""
    found, seen, is_stated, announced = [], set[str](), False, False
    if len({sentence.message for sentence in side.sentences}) >= CHANNEL:
        return tuple(_message_starts(side))
    # one dash may be a habit of the writer; two in a message are a list
    items = Counter(sentence.message for sentence in side.sentences if _LISTED.match(sentence.text))
    for number, sentence in enumerate(side.sentences):
        topics = topics_of(sentence.plain)
        # nothing can be another matter before one has been stated
        if is_stated and (
            cue := _cue(sentence, side.sentences[number - 1], topics, seen, announced, items[sentence.message] > 1)
        ):
            found.append(Start(number, cue))
        announced = announced or _announces(sentence)
        is_stated = is_stated or _states_something(sentence, topics)
        seen |= topics
    return tuple(found)


def _states_something(sentence: Sentence, topics: set[str]) -> bool:
    """Tell whether a sentence says what somebody comes for: before "Hi, I am John" nothing else can begin.

    Nor does "I have two problems" state one.
    """
    if _announces(sentence) and not topics:
        return False
    is_known = _finding(sentence).kind in _STATES
    is_asked = _is_asked(sentence) or sentence.text.endswith("?")
    return is_known or bool((topics and is_asked) or _TROUBLE.search(sentence.plain))


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


def _cue(
    sentence: Sentence, before: Sentence, topics: set[str], seen: set[str], announced: bool, in_list: bool
) -> Cue | None:
    if sentence.is_clause:
        return Cue.CLAUSE
    words, marked = _MARKER.subn("", sentence.plain)
    # steps of one problem are listed as well: an item has to tell something
    is_item = bool(_LISTED.match(sentence.text))
    listed = (is_item and _is_heavy(_finding(sentence))) or ((announced or (is_item and in_list)) and _tells(sentence))
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
