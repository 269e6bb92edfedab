"""Names what a conversation is about: FEATURE then SYMPTOM, `calendar_sync_duplicates`, from that conversation alone.

Workers see no other conversation, so which words matter is judged by grammar (what follows "the" or "my", what stands
near the symptom), by repetition (also by the agent), and by the tokenizer's vocabulary: its ids are roughly in order
of frequency, and a word that is not in it whole is a person's name or a slip of the pen.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from pipeline.extract.local.finding import Finding, Kind
from pipeline.extract.local.text import CustomerSide, singular
from pipeline.extract.local.words import (
    ARTICLES,
    DETERMINERS,
    LIGHT_VERBS,
    NOUNS_IN_ED,
    NOUNS_IN_ING,
    PERSONS,
    PREPOSITIONS,
    SELF_NAMED,
    STOP_WORDS,
    THINGS,
    TITLES,
    VERB_BEFORE,
    VERB_NOUNS,
    VERBS,
)

Rank = Callable[[str], int | None]  # a word's place in the vocabulary; None if it is not one of its words

_CAPITALISED = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")
_NAMED_BY_SYMPTOM = 0.6  # clarity of a feature that only the symptom names: "charged twice"
LONGEST_NAME = 120  # characters; a name has five words
LONGEST_SLIP = 20  # letters; a longer word has too many spellings to try, and is rarely a slip of the pen
_MAX_AGENT = 2000  # characters of the agent's side that are looked at
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A run of nouns, singular, with where it stands and how well it names the feature."""

    words: tuple[str, ...]
    sentence: int
    first: int
    last: int
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Name:
    """A signature and how sure its feature is, 0 (none found) to 1."""

    signature: str
    clarity: float


def name_finding(side: CustomerSide, finding: Finding, rank: Rank) -> Name:
    """Return the raw signature of what was found: two to four words, never empty."""
    phrases = sorted(_scored(side, finding, rank), key=lambda phrase: (-phrase.score, phrase.sentence, phrase.first))
    # what is wanted follows the verb, wherever else a better noun stands
    if finding.kind is Kind.HOW_TO:
        phrases = _after_first(phrases, finding)
    ending = _ending(finding)
    usable = [] if finding.name in SELF_NAMED else [kept for phrase in phrases if (kept := _without(phrase, ending))]
    feature = _feature(usable, finding, rank)
    clarity = _clarity(usable)
    if finding.kind is Kind.HOW_TO:
        verb = () if finding.verb in LIGHT_VERBS or finding.verb in STOP_WORDS else (_base_verb(finding.verb),)
        feature = tuple(word for word in feature if word not in verb) or (() if verb else ("unclear",))
        return Name(_join(("how", "to", *verb, *feature[-2:])), clarity)
    # `charged_twice` says it all; `fails` alone does not
    if not feature and len(ending) > 1:
        return Name(_join(ending), _NAMED_BY_SYMPTOM)
    if not feature:
        return Name(_join((*ending, "unclear")), 0.0)
    return Name(_join((*feature, *(ending or (_open_end(side),)))), clarity)


def _ending(finding: Finding) -> tuple[str, ...]:
    if finding.kind is Kind.UNCLEAR:
        return ()
    if finding.kind is Kind.PROBLEM and finding.verb:
        return (_base_verb(finding.verb), "fails")
    return tuple(finding.name.split("_"))


def _open_end(side: CustomerSide) -> str:
    """How a name ends when no symptom is known."""
    return "question" if side.question else "unclear"


def _feature(phrases: list[Phrase], finding: Finding, rank: Rank) -> tuple[str, ...]:
    if not phrases:
        return ()
    words = phrases[0].words[-2:]
    # without a symptom one noun is a topic and no problem: a second one narrows it
    vague = finding.kind in (Kind.QUESTION, Kind.UNCLEAR)
    if vague and len(words) == 1:
        other = next((phrase for phrase in phrases[1:] if phrase.words[-1] not in words), None)
        words = (*words, other.words[-1]) if other else words
    return tuple(_respelled(word, rank) for word in words)


def _clarity(phrases: list[Phrase]) -> float:
    if not phrases:
        return 0.0
    return max(0.2, min(1.0, 0.25 + phrases[0].score / 4))


def _after_first(phrases: list[Phrase], finding: Finding) -> list[Phrase]:
    """What one wants to do something to follows the verb: take the nearest of those first."""
    after = [phrase for phrase in phrases if phrase.sentence == finding.sentence and phrase.first >= finding.last]
    rest = [phrase for phrase in phrases if phrase not in after]
    return sorted(after, key=lambda phrase: phrase.first) + rest


def _without(phrase: Phrase, ending: tuple[str, ...]) -> Phrase | None:
    """The phrase without words the ending says already; None if nothing is left."""
    # five letters stand for the word, whatever its ending: `payment` and `paid` stay two, `charge` and `charged` do not
    stems = {end[:5] for end in ending if len(end) > 3}
    words = tuple(word for word in phrase.words if word[:5] not in stems)
    return replace(phrase, words=words) if words else None


def _join(words: tuple[str, ...]) -> str:
    parts: list[str] = []
    for word in words:
        parts += [part for part in _WORD.findall(word.lower()) if part not in parts]
    return "_".join(parts[:5])[:LONGEST_NAME].rstrip("_")


# --- noun phrases -----------------------------------------------------------------------------------------------------


def _scored(side: CustomerSide, finding: Finding, rank: Rank) -> Iterator[Phrase]:
    """Yield the phrases of the sentences around the finding, each with its score."""
    counts = Counter(singular(word) for word in side.text.split())
    agent = frozenset(_WORD.findall(side.agent[:_MAX_AGENT].lower()))
    names = frozenset(word.lower() for sentence in side.sentences for word in _CAPITALISED.findall(sentence.text))
    for number, text in _nearby(side, finding):
        words = text.split()
        for phrase in _phrases(words, number):
            # how it stands to the symptom, what grammar says, whether it is a known thing, how often it is said,
            # whether the agent says it
            score = (
                _place(phrase, finding, side)
                + _grammar(words, phrase)
                + _familiarity(phrase, names, rank)
                + 0.4 * min(counts[phrase.words[-1]] - 1, 3)
                + 0.6 * (phrase.words[-1] in agent or phrase.words[-1] + "s" in agent)
            )
            yield Phrase(phrase.words, number, phrase.first, phrase.last, score)


def _nearby(side: CustomerSide, finding: Finding) -> list[tuple[int, str]]:
    first = max(0, finding.sentence - 3)
    return list(enumerate(side.plains))[first : finding.sentence + 4]


def _place(phrase: Phrase, finding: Finding, side: CustomerSide) -> float:
    """Near the symptom counts, before it a little more; another sentence less the further it is."""
    if phrase.sentence != finding.sentence:
        other = side.sentences[phrase.sentence].message != side.sentences[finding.sentence].message
        return -0.2 * abs(phrase.sentence - finding.sentence) - 0.5 * other
    if phrase.last < finding.first:
        return 1.8 - 0.12 * min(finding.first - phrase.last - 1, 10)
    return 1.5 - 0.12 * min(max(phrase.first - finding.last - 1, 0), 10)


def _grammar(words: list[str], phrase: Phrase) -> float:
    before = words[phrase.first - 1] if phrase.first else ""
    led = 0.5 if before in DETERMINERS else 0.0
    placed = -0.2 if before in PREPOSITIONS else 0.0
    titled = -2.0 if before in TITLES else 0.0
    return led + placed + titled + 0.4 * (len(phrase.words) > 1)


def _familiarity(phrase: Phrase, names: frozenset[str], rank: Rank) -> float:
    head = phrase.words[-1]
    if head not in THINGS and rank(head) is None:
        return -0.6 if _respelled(head, rank) != head else -1.2
    if head in PERSONS:
        return -0.7
    return (0.9 if head in THINGS else 0.0) - 0.6 * (head in names)


def _phrases(words: list[str], number: int) -> Iterator[Phrase]:
    run: list[str] = []
    for index, word in enumerate([*words, "the"]):
        before = words[index - 1] if index else ""
        if _is_noun(word, before, bool(run)):
            run.append(singular(word))
        elif run:
            yield Phrase(tuple(run[-2:]), number, index - len(run), index - 1)
            run = []


def _is_noun(word: str, before: str, in_run: bool) -> bool:
    if word in STOP_WORDS or len(word) < 2 or word[0].isdigit():
        return False
    if in_run and word != singular(word) and singular(word) in VERBS:  # "the printer prints"
        return False
    if word in VERB_NOUNS or singular(word) in VERB_NOUNS:
        return before not in VERB_BEFORE
    if word.endswith("ing") and word not in NOUNS_IN_ING:
        return False
    if (word.endswith("ed") and word not in NOUNS_IN_ED) or word.endswith(("ly", "n't")):
        return False
    if _base_verb(word) in VERBS:
        return before in ARTICLES
    return True


@lru_cache(maxsize=4096)
def _base_verb(word: str) -> str:
    """Return a verb's plain form, as far as its ending tells: charged, charges, charging -> charge."""
    if word in VERBS:
        return word
    for ending, others in (
        ("ies", ("y",)),
        ("ied", ("y",)),
        ("es", ("", "e")),
        ("ed", ("", "e")),
        ("s", ("",)),
        ("ing", ("", "e")),
    ):
        for other in others:
            stem = word.removesuffix(ending) + other
            if word.endswith(ending) and stem in VERBS:
                return stem
            if (
                ending in ("ed", "ing")
                and word.endswith(ending)
                and len(stem) > 3
                and stem[-1] == stem[-2]
                and stem[:-1] in VERBS
            ):
                return stem[:-1]
    return word


# --- spelling ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _respelled(word: str, rank: Rank) -> str:
    """Return the commonest known word one slip away from an unknown one ("calander"), else the word as it is."""
    if not 6 <= len(word) <= LONGEST_SLIP or not word.isascii() or not word.isalpha() or rank(word) is not None:
        return word
    known = [(place, other) for other in _slips(word) if (place := rank(other)) is not None]
    return min(known)[1] if known else word


def _slips(word: str) -> Iterator[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    splits = [(word[:cut], word[cut:]) for cut in range(1, len(word) + 1)]  # the first letter is rarely wrong
    for left, right in splits:
        if right:
            yield left + right[1:]
        if len(right) > 1:
            yield left + right[1] + right[0] + right[2:]
        for letter in letters:
            yield left + letter + right
            if right:
                yield left + letter + right[1:]
