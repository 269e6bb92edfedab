"""Finds what a customer's side is about: a problem, a how-to, a wish or a question, and where it is said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pipeline.extract.local.patterns import FEATURE_REQUEST, HOW_TO, QUESTIONS, SYMPTOMS
from pipeline.extract.local.text import CustomerSide, compile_words
from pipeline.extract.local.words import HINTS, IDLE_VERBS, PLAIN_FAILURE, VERBS


class Kind(StrEnum):
    """What somebody wants."""

    PROBLEM = "problem"
    HOW_TO = "how_to"
    REQUEST = "request"
    QUESTION = "question"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and where: sentence and first and last word in it, counted from 0."""

    kind: Kind
    name: str = ""  # the symptom, or the kind of question
    weight: float = 0.0
    verb: str = ""
    sentence: int = 0
    first: int = 0
    last: int = 0


UNCLEAR = Finding(Kind.UNCLEAR)

Symptoms = tuple[tuple[str, int, re.Pattern[str]], ...]

_SYMPTOMS: Symptoms = tuple((name, weight, compile_words(pattern)) for name, weight, pattern in SYMPTOMS)
_HEAVY_SYMPTOMS: Symptoms = tuple(symptom for symptom in _SYMPTOMS if symptom[1] >= 4)
_HOW_TO = tuple(compile_words(pattern) for pattern in HOW_TO)
_REQUEST = compile_words("|".join(FEATURE_REQUEST))
_QUESTIONS = tuple((name, compile_words(pattern)) for name, pattern in QUESTIONS)

# "can not ..." says what fails if a verb of doing follows.
_DOINGS = (VERBS | {"login", "topup", "checkin", "checkout", "sync", "access"}) - IDLE_VERBS

_LATER_SENTENCE = 0.1


def find_main(side: CustomerSide) -> Finding:
    """Return what the conversation is mainly about: a clear problem, else a wish, a how-to, a question."""
    problem, wish, how_to = find_problem(side), find_wish(side), find_how_to(side)
    # a wish in the opening is the matter, unless a clear problem is told before it
    if wish and not (problem and problem.weight >= 3 and problem.sentence <= wish.sentence):
        return wish
    if how_to and (problem is None or problem.weight < 2 or _asked_before(how_to, problem)):
        return how_to
    if problem and problem.weight >= 2:
        return problem
    # a weak problem is less than a plain question: `slow` may be said of anything
    return find_question(side) or problem or UNCLEAR


def _asked_before(how_to: Finding, problem: Finding) -> bool:
    """A how-to stated in an earlier sentence than the problem, or a mere hint of one in the same, is the matter."""
    return how_to.sentence < problem.sentence or (how_to.sentence == problem.sentence and problem.name in HINTS)


def find_problem(side: CustomerSide) -> Finding | None:
    """Return the most telling symptom of the opening, else a heavy one of what follows; None if there is none.

    What a customer opens with is the matter; what comes later answers questions.
    """
    return _most_telling(side, _SYMPTOMS, 0, side.opening_end) or _most_telling(
        side, _HEAVY_SYMPTOMS, side.opening_end, len(side.text)
    )


def _most_telling(side: CustomerSide, symptoms: Symptoms, start: int, end: int) -> Finding | None:
    """Return the heaviest symptom in a part of the text, the earlier sentence and then the earlier rule first."""
    best: Finding | None = None
    best_score = -1.0
    for name, weight, pattern in symptoms:
        if not pattern.search(side.text, start, end):
            continue
        found = _first_symptom(side, name, weight, pattern.finditer(side.text, start, end))
        if found and (score := weight - _LATER_SENTENCE * min(found.sentence, 10)) > best_score:
            best, best_score = found, score
    return best


def _first_symptom(side: CustomerSide, name: str, weight: int, matches: Iterator[re.Match[str]]) -> Finding | None:
    for match in matches:
        verb = next((group for group in match.groups() if group), "")
        if not verb:
            return _at(side, match, Finding(Kind.PROBLEM, name, weight))
        if verb in _DOINGS:
            return _at(side, match, Finding(Kind.PROBLEM, name, weight, "" if verb in PLAIN_FAILURE else verb))
    return None


def _at(side: CustomerSide, match: re.Match[str], found: Finding) -> Finding:
    sentence, first = side.locate(match.start())
    last = first + match[0].strip().count(" ")
    return Finding(found.kind, found.name, found.weight, found.verb, sentence, first, last)


def find_how_to(side: CustomerSide) -> Finding | None:
    """Return the first how-to question, with its verb."""
    found = [match for pattern in _HOW_TO if (match := pattern.search(side.text, 0, side.opening_end))]
    if not found:
        return None
    match = min(found, key=lambda match: match.start())
    return _at(side, match, Finding(Kind.HOW_TO, "how_to", 2, match["verb"]))


def find_wish(side: CustomerSide) -> Finding | None:
    """Return the first wish for something the product cannot do, if the customer opens with it."""
    match = _REQUEST.search(side.text, 0, side.opening_end)
    if match is None:
        return None
    return _at(side, match, Finding(Kind.REQUEST, "request", 3))


def find_question(side: CustomerSide) -> Finding | None:
    """Return the first kind of question that fits, in the order of the table."""
    for name, pattern in _QUESTIONS:
        if match := pattern.search(side.text, 0, side.opening_end):
            return _at(side, match, Finding(Kind.QUESTION, name, 1))
    return None
