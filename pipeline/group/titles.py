"""Titles of groups: a clause in people's own words, chosen by contrast with the other groups.

A pure function of what the central members of each group said and of all groups' centres. The clause wins that lies
near its own group's centre and far from the nearest other one, that reads well aloud (`clauses`), and whose words many
members share: so names, numbers and slips of one person stay out. What was measured stands in benchmarks/QUALITY.md.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.group.clauses import clauses, count_words
from pipeline.group.vocabulary import Vocabulary
from pipeline.merge.rules.grouping.vectors import unit

Floats = NDArray[np.float32]

LONGEST_TITLE = 120

MOST_CANDIDATES = 24
"""Clauses of a group that the model is asked about, the best by their words; 60 are no better."""

MANY_GROUPS, FEW_VOICES, FEWEST_CANDIDATES = 100, 8, 2
"""Where so many groups want a title at once, the clauses of so many voices, and the model is asked about so many whose
vectors are not known from reading; the latter also where most of a group's voices are short messages. A run whose
stories are all new must not spend more on their titles than 15 % of what reading costs."""

WHOLE = 0.75
"""Share of the words of an opening that a clause has from which on it means what the opening means."""

RIVAL = 0.5
"""Weight of the cosine to the nearest other centre against the one to the own centre."""

TYPICAL = 0.09
"""What it is worth to consist of the group's most typical words."""

FORM, TOO_AWKWARD, UNSAYABLE = 0.6, 0.13, 1.9
"""What a clause loses by its form counts FORM beside the contrast; what it loses beyond TOO_AWKWARD, UNSAYABLE: between
two that can be said aloud meaning decides, but nothing makes up for one that cannot."""

KEEPS = 0.1
"""What it is worth to be the title that people know already."""

QUOTED = 0.02
"""What it is worth to have been quoted as evidence; five times as much for the model to be asked about it."""


def title_of(key: str) -> str:
    """Return a signature as a heading: `calendar_sync_duplicates` becomes `Calendar sync duplicates`."""
    return key.replace("_", " ").capitalize()[:LONGEST_TITLE]


class Model(Protocol):
    """What turns texts into vectors of the centres' space."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one unit vector a text, (n, d)."""
        ...

    def without_language(self, vector: Floats, language: str) -> Floats:
        """Return what a text's vector says apart from its language, as the centres' members do."""
        ...

    def rank(self, word: str) -> int | None:
        """Return None for a word the model does not know whole: a rare name, or a slip."""
        ...


@dataclass(frozen=True, slots=True)
class Voice:
    """What one central member said: how it opened, what is quoted of it, the names of who spoke, and the language.

    vector: what it means, (d,), where the opening is all that was said; else None.
    """

    opening: str
    quotes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    language: str = ""
    vector: Floats | None = None

    @property
    def text(self) -> str:
        """The opening, and the quotes that are no part of it."""
        return "\n".join((self.opening, *(quote for quote in self.quotes if quote not in self.opening)))


@dataclass(frozen=True, slots=True)
class Untitled:
    """A group that wants a title: its centre, (d,), and its voices, the most central first.

    `name` is its signature in words; `is_named` says that most readers called it so, which makes it better than mere
    words where no clause qualifies. `current` is the title people know, "" if there is none.
    """

    key: int
    centre: Floats
    voices: tuple[Voice, ...]
    name: str
    is_named: bool = False
    current: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A title, and the words most typical of its group."""

    title: str
    typical: tuple[str, ...]


def choose_titles(
    groups: Sequence[Untitled], *, others: Sequence[Floats] = (), model: Model | None, taken: Collection[str] = ()
) -> dict[int, Choice]:
    """Return a title for each group by its key: no two alike, and none of those that are `taken`.

    Groups choose in their order. `others` are the centres, (d,), of groups that have titles and keep them. Without a
    model the words alone decide.
    """
    vocabulary = Vocabulary(
        [[voice.text for voice in group.voices] for group in groups],
        [[name for voice in group.voices for name in voice.names] for group in groups],
        known=model.rank if model else None,
    )
    candidates = [
        _candidates(group, number, vocabulary, many=len(groups) > MANY_GROUPS) for number, group in enumerate(groups)
    ]
    contrasts = _contrasts(groups, others, candidates, model)
    # in their order, the largest first: the story that most people see has the first choice
    used, chosen = {plain(title) for title in taken}, {}
    for number, group in enumerate(groups):
        ranked = sorted(
            zip(candidates[number], contrasts[number], strict=True), key=lambda one: one[0].worth + one[1], reverse=True
        )
        typical = vocabulary.typical(number)
        ways = [vocabulary.polished(candidate.text, number) for candidate, _ in ranked]
        title = next(title for title in _ways_to_call(group, ways, typical) if plain(title) not in used)
        used.add(plain(title))
        chosen[group.key] = Choice(title, tuple(typical))
    return chosen


def plain(title: str) -> str:
    """Return a title as it is compared with others: without case, spaces and a question mark that make no other."""
    return " ".join(title.casefold().rstrip("?").split())


def _ways_to_call(group: Untitled, clauses: Sequence[str], typical: Sequence[str]) -> Iterator[str]:
    """Yield titles, the best first: clauses, else the name if readers agree on it, else typical words, numbered."""
    yield from (clause[:LONGEST_TITLE] for clause in clauses)
    words = ", ".join(typical[:4])
    words = words[:1].upper() + words[1:]
    last = group.name if group.is_named or len(typical) < 2 else words
    yield last[:LONGEST_TITLE]
    yield from (f"{last[: LONGEST_TITLE - 10]} {number}" for number in count(2))


# --- Candidates ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """A clause, and what it is worth before the model has seen it; `vector` is what it means, (d,), where known."""

    text: str
    worth: float
    language: str
    vector: Floats | None = None


def _candidates(group: Untitled, number: int, vocabulary: Vocabulary, *, many: bool) -> list[Candidate]:
    """Return the clauses that are worth most to the words alone, the best first; and the current title."""
    english = vocabulary.is_english(number)
    said: dict[str, Candidate] = {}
    quoted: set[str] = set()
    for voice in group.voices[: FEW_VOICES if many else None]:
        proof, length = "\n".join(voice.quotes).casefold(), count_words(voice.opening)
        for clause in clauses(voice.text, english=english):
            form = clause.text.casefold()
            is_whole = voice.vector is not None and count_words(clause.text) >= WHOLE * length
            if form not in said or (is_whole and said[form].vector is None):
                vector = voice.vector if is_whole else None
                said[form] = Candidate(clause.text, -clause.awkward, voice.language, vector)
            if form.rstrip("?") in proof:
                quoted.add(form)
    fits = {form: vocabulary.fit(candidate.text, number) for form, candidate in said.items()}
    most = max(fits.values(), default=0.0) or 1.0
    found = []
    for form, candidate in said.items():
        cost, fit = vocabulary.strangeness(candidate.text, number) - candidate.worth, fits[form] / most
        # Two different sums: `promise` says what is worth a question to the model, and counts form double, for the
        # model cannot judge that; `worth` is added to the model's cosines, beside which it must be small.
        promise = fit - 2 * cost + QUOTED * (form in quoted)
        found.append((promise, replace(candidate, worth=TYPICAL * fit - _loss(cost))))
    found.sort(key=lambda one: one[0], reverse=True)
    are_short = 2 * sum(voice.vector is not None for voice in group.voices) > len(group.voices)
    kept = list(_worth_asking([candidate for _, candidate in found], few=many or are_short))
    if group.current:
        kept = [one for one in kept if plain(one.text) != plain(group.current)]
        worth = TYPICAL * vocabulary.fit(group.current, number) / most + KEEPS
        # always asked about, however little its words promise: a title that people know goes only to a better one
        kept.insert(0, Candidate(group.current, worth, group.voices[0].language if group.voices else ""))
    return kept


def _loss(cost: float) -> float:
    return FORM * cost + (UNSAYABLE - FORM) * max(0.0, cost - TOO_AWKWARD)


def _worth_asking(candidates: Sequence[Candidate], *, few: bool) -> Iterator[Candidate]:
    """Yield the best MOST_CANDIDATES; if `few`, of those whose vector is not known FEWEST_CANDIDATES."""
    asked = 0
    for candidate in candidates[:MOST_CANDIDATES]:
        asked += candidate.vector is None
        if candidate.vector is not None or not few or asked <= FEWEST_CANDIDATES:
            yield candidate


# --- Contrast -----------------------------------------------------------------------------------------------------


def _contrasts(
    groups: Sequence[Untitled],
    others: Sequence[Floats],
    candidates: Sequence[Sequence[Candidate]],
    model: Model | None,
) -> list[list[float]]:
    """Return for each candidate of each group the cosine to its own centre less RIVAL x that to the nearest other."""
    if model is None or not any(candidates):
        return [[0.0] * len(found) for found in candidates]
    vectors = _encoded([one for found in candidates for one in found], model)
    centres = unit(np.stack([*(group.centre for group in groups), *others])).astype(np.float32)
    contrasts: list[list[float]] = []
    for number, found in enumerate(candidates):
        if not found:
            contrasts.append([])
            continue
        cosines = np.stack([next(vectors) for _ in found]) @ centres.T
        own = cosines[:, number].copy()
        # the own centre is no rival
        cosines[:, number] = -1.0
        rival = cosines.max(axis=1) if len(centres) > 1 else np.zeros_like(own)
        contrasts.append((own - RIVAL * rival).tolist())
    return contrasts


_PIECE = 32
"""Clauses that one thread encodes at a time: short ones, so that a batch of them fills the model."""


def _encoded(candidates: Sequence[Candidate], model: Model) -> Iterator[Floats]:
    """Yield the vector of each candidate; what is not known is encoded in as many threads as there are processors."""
    texts = [candidate.text for candidate in candidates if candidate.vector is None]
    pieces = [texts[start : start + _PIECE] for start in range(0, len(texts), _PIECE)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # in pieces and in their order, so that threads share the work and the result is the same
        vectors = (vector for piece in pool.map(model.encode, pieces) for vector in piece)
        for candidate in candidates:
            yield (
                candidate.vector
                if candidate.vector is not None
                else model.without_language(next(vectors), candidate.language)
            )
