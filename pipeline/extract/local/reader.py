"""Rules find what is said, the model places what is meant. The rules know English alone; see `foreign` for the rest.

In: transcripts, a profile. Out: an answer each, JSON in the form of `Reading` and a vector a theme. The way of a
conversation: sentences (`text`), what it is about (`finding`), whether it is filtered (`category`), where another
matter may begin (`matters`), then the model reads, and name (`naming`), quotes and summary (`quotes`) are chosen. What
was measured stands in benchmarks/QUALITY.md, "What the reader makes of a conversation".
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise

import numpy as np

from pipeline.extract.base import Answer
from pipeline.extract.embedding import Embedder, Parts, Vectors
from pipeline.extract.embedding.endpoint import EndpointEmbedder, configured_embedder
from pipeline.extract.local.category import GENERAL, category_of, reason_to_filter
from pipeline.extract.local.finding import UNCLEAR, Finding, Kind, find_main
from pipeline.extract.local.foreign import QUESTION_MARK, is_for_rules, meaning, read_foreign, words_alone
from pipeline.extract.local.matters import Cue, Start, possible_starts, settle, with_clauses
from pipeline.extract.local.naming import name_finding
from pipeline.extract.local.quotes import choose_quotes, summarise
from pipeline.extract.local.text import CustomerSide, Said, Sentence, customer_side, said
from pipeline.extract.local.words import PROTOTYPES, STOP_WORDS
from pipeline.extract.profiles import Profile
from pipeline.extract.profiles.one_meaning import category_vectors
from pipeline.extract.profiles.vocabulary import FITS_NONE, Entry
from pipeline.extract.redaction import full_name
from pipeline.extract.themes import Reading
from pipeline.ledger.transcript import CUSTOMER, Transcript
from pipeline.merge.rules.grouping.vectors import unit_vector

_ENCODER = json.JSONEncoder(ensure_ascii=False)
_TURN = 16  # transcripts; a stop is honoured after it
_GREETING = 20  # characters; a shorter first message greets
_ENGLISH_SHARE = 0.1
_ENGLISH_WORDS = 12  # of fewer the share says little
_FOREIGN_CONFIDENCE = 0.4
_SHORT_WORD, _NAMED_WORDS = 2, 2
_MARKS = ".,;:!?()[]\"'“”"
_POINTING = frozenset([
    "see", "attached", "attachment", "attachments", "screenshot", "screenshots", "picture", "pictures", "photo",
    "photos", "image", "images", "video", "file", "files", "link", "enclosed", "below", "above",
])  # fmt: skip
"""Words that say where something is told, and not what."""

_KIND_CLARITY = {Kind.PROBLEM: 1.0, Kind.HOW_TO: 0.9, Kind.REQUEST: 0.9, Kind.QUESTION: 0.6, Kind.UNCLEAR: 0.0}

MOST_CHARACTERS = 20_000
"""Of one side of a conversation that the model reads: 4,000 words, 20 windows."""

COURTESY_WEIGHT = 0.5
"""How much a sentence counts that tells nothing (a greeting, thanks, anger), beside one that does."""

TELLING_SHARE = 0.5
"""The sentences that are quoted count at least so much of all that one side says."""

NEAR_ENOUGH = 0.55
"""Cosine between a theme and a known name (its words, meaning and examples) from which it is taken to fit.

Measured with 20 of 77 intents of bank questions as the list, by their names alone: of questions that are in the list
66 of 100 are sorted rightly and 28 are said to fit none; of those that are not, 30 are put into a neighbour all the
same. With three examples for each name: 77, 18 and 28. At 0.5: 73, 16, 46; at 0.6: 59, 37, 17.
"""

OWN_SHARE = 0.7
"""Of several matters, how much the vector of each is made of its own sentences; the rest is the whole conversation."""

Theme = dict[str, str | float | list[str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What the rules say of one conversation, before the model has read it.

    `starts` are the sentences of `side` where another matter may begin. A draft that is `filtered` is not read.
    """

    said: Said
    side: CustomerSide
    finding: Finding
    starts: tuple[Start, ...] = ()
    category: str = ""
    filtered_because: str = ""


@dataclass(frozen=True)
class Stretch:
    """A part of a conversation that is read together: the numbers of its sentences in the customer's side, all that the
    customer says in it, and what the model makes of that and of the agent's replies.
    """

    cue: Cue
    numbers: list[int]
    own: list[Sentence]
    customers: Parts
    agents: Parts

    @classmethod
    def joined(cls, stretches: Sequence["Stretch"]) -> "Stretch":
        """Return several stretches as one."""
        if len(stretches) == 1:
            return stretches[0]
        return cls(
            stretches[0].cue,
            [number for one in stretches for number in one.numbers],
            [sentence for one in stretches for sentence in one.own],
            Parts.joined([one.customers for one in stretches]),
            Parts.joined([one.agents for one in stretches]),
        )


class LocalExtractor:
    """Reads by rules and the embedded model: mostly one theme a conversation, several if it is about several matters.

    A theme's vector is made of the customer's side and the agent's, each read from beginning to end. Deterministic: an
    answer depends on its transcript alone.
    """

    name = "local"
    version = "local-4"

    def __init__(self, embedder: Embedder | None = None) -> None:
        self.embedder = embedder or configured_embedder()
        # of the vocabulary that was read with last: runs of one profile come one after another
        self._known: tuple[tuple[Entry, ...], Vectors] = ((), np.zeros((0, 0), np.float32))

    @property
    def is_paid(self) -> bool:
        """Whether each answer costs money: where an endpoint makes the vectors it may."""
        return isinstance(self.embedder, EndpointEmbedder)

    @property
    def model(self) -> str:
        """The name of the vectors' space."""
        return self.embedder.name

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self.embedder.dimension

    def check(self) -> None:
        """Load the model and let it read two words; EmbeddingModelError, or what its libraries raise, if it cannot."""
        self.embedder.encode(["It works."])

    def read(self, transcripts: Sequence[Transcript], profile: Profile) -> Iterator[Answer]:
        """Yield one answer a transcript, in their order; what is not English is read without rules, see `foreign`."""
        if profile.vocabulary.is_strict:
            yield from (self._sorted(answer, profile) for answer in self._read(transcripts, profile))
        else:
            yield from self._read(transcripts, profile)

    def _read(self, transcripts: Sequence[Transcript], profile: Profile) -> Iterator[Answer]:
        if profile.read_locally:
            yield from (self._read_by(profile.read_locally, transcript, profile) for transcript in transcripts)
            return
        # neighbours of one kind are read together; the order of the answers stays that of the questions
        for is_english, together in groupby(transcripts, key=lambda transcript: is_for_rules(transcript.language)):
            if is_english:
                yield from self._read_english(list(together), profile)
            else:
                yield from (
                    _without_names(self._read_foreign(transcript, profile), transcript) for transcript in together
                )

    def _sorted(self, answer: Answer, profile: Profile) -> Answer:
        """Return an answer with each theme under the known name whose meaning is nearest, if any is near enough."""
        reading = Reading.model_validate_json(answer.text)
        if not reading.themes:
            return answer
        entries = profile.vocabulary.entries
        rows = np.frombuffer(answer.vectors, np.float32).reshape(len(reading.themes), -1)
        scores = rows @ self._entry_vectors(entries).T
        themes, kept = [], []
        for place, theme in enumerate(reading.themes):
            best = int(scores[place].argmax())
            if scores[place, best] >= NEAR_ENOUGH:
                details = {**theme.details, "match": round(float(scores[place, best]), 3)}
                themes.append(theme.model_copy(update={"signature": entries[best].key, "details": details}))
                kept.append(place)
        if not themes:
            best = int(scores.max(axis=0).argmax())
            why = (
                f"fits none of the {len(entries)} known names; the closest is {entries[best].key} ({scores.max():.2f})"
            )
            return Answer(text=Reading(category=FITS_NONE, filtered_because=why[:200]).model_dump_json())
        text = reading.model_copy(update={"themes": themes}).model_dump_json()
        return replace(answer, text=text, vectors=np.ascontiguousarray(rows[kept]).tobytes())

    def _entry_vectors(self, entries: tuple[Entry, ...]) -> Vectors:
        if self._known[0] != entries:
            vectors = [
                self.embedder.without_language(row, "en") for row in self.embedder.encode([e.text for e in entries])
            ]
            self._known = entries, np.stack(vectors)
        return self._known[1]

    def _read_by(self, read: Callable[[Transcript], Reading], transcript: Transcript, profile: Profile) -> Answer:
        """Return what a profile's own function reads; the vector of a theme is made of its meaning, or its category."""
        reading = read(transcript)
        texts = [profile.meaning_of(theme) for theme in reading.themes]
        if profile.one_meaning_a_category:
            vectors = category_vectors([theme.category for theme in reading.themes], profile, self.dimension).tobytes()
        else:
            vectors = self.embedder.encode(texts).tobytes() if texts else b""
        return Answer(text=reading.model_dump_json(), vectors=vectors)

    def _read_foreign(self, transcript: Transcript, profile: Profile) -> Answer:
        theme = read_foreign(transcript)
        if theme is None:
            reason = _nothing_own(transcript) or "it contains no words"
            return Answer(text=_json(category=GENERAL, filtered_because=reason, themes=[]))
        if not self.embedder.can_read(transcript.language):
            category = next(category.name for category in profile.categories if category.goes_on)
            # nobody here can tell which category it is: the first that goes on, so that it is not lost, and little sure
            themes = [{**theme, "category": category, "confidence": _FOREIGN_CONFIDENCE}]
            text = _json(category=category, unread_language=transcript.language, themes=themes)
            return Answer(text=text, vectors=words_alone(transcript, self.dimension).tobytes())
        vector = meaning(transcript, self.embedder)
        category = self._nearest_category(transcript.customer_text, vector)
        text = _json(category=category, themes=[{**theme, "category": category}])
        return Answer(text=text, vectors=vector.tobytes())

    def _read_english(self, transcripts: Sequence[Transcript], profile: Profile) -> Iterator[Answer]:
        """Rules, model and answers take turns over a few transcripts: each finds the processor's caches warm."""
        for start in range(0, len(transcripts), _TURN):
            turn = transcripts[start : start + _TURN]
            drafts = [self._draft(transcript, profile) for transcript in turn]
            for transcript, draft in zip(turn, drafts, strict=True):
                yield _without_names(self._answer(draft), transcript)

    def _draft(self, transcript: Transcript, profile: Profile) -> Draft:
        spoken = with_clauses(said(transcript))
        # the agent's words name the feature, and are never taken for what the customer wants
        agent = "\n".join(one.text for one in spoken.sentences if not one.is_customers)
        side = customer_side(spoken.sentences, agent)
        finding = find_main(side) if side.sentences else UNCLEAR
        category, reason = reason_to_filter(side, _opening(transcript), finding)
        if category and not profile.category(category).goes_on:
            return Draft(spoken, side, finding, category=category, filtered_because=_nothing_own(transcript) or reason)
        return Draft(spoken, side, finding, possible_starts(side))

    def _answer(self, draft: Draft) -> Answer:
        if draft.filtered_because:
            return Answer(text=_json(category=draft.category, filtered_because=draft.filtered_because, themes=[]))
        # whatever the model reads is read once; what is found to be one matter is put together from the same states
        stretches = self._read_apart(draft)
        whole = Stretch.joined(stretches)
        matters = [whole] if len(stretches) == 1 else _by_matter(stretches)
        themes, vectors, main_quotes = [], [], list[str]()
        for matter in matters:
            side, finding = draft.side, draft.finding
            if len(matters) > 1:
                side = draft.side.only(matter.numbers)
                finding = find_main(side)
            quotes = choose_quotes(side, finding)
            main_quotes = main_quotes or quotes
            vector = _both_sides(matter, quotes)
            if len(matters) > 1:
                # some of the whole stays in it: a second matter said in five words has little meaning of its own
                vector = unit_vector(OWN_SHARE * vector + (1 - OWN_SHARE) * _both_sides(whole, main_quotes))
            vectors.append(self.embedder.without_language(vector, "en"))
            themes.append(self._theme(side, finding, quotes, vectors[-1]))
        text = _json(category=themes[0]["category"], themes=themes, **_left_out(draft.said, whole))
        tokens = int(whole.customers.tokens.sum() + whole.agents.tokens.sum())
        return Answer(text=text, vectors=np.stack(vectors).tobytes(), input_tokens=tokens)

    def _read_apart(self, draft: Draft) -> list[Stretch]:
        """Read the conversation; what may be another matter is read by itself, so that neither colours the other."""
        own, others = affordable(draft)
        sentences, read = draft.side.sentences, {id(one) for one in own}
        starts = [start for start in draft.starts if id(sentences[start.sentence]) in read]
        bounds = [0, *(start.sentence for start in starts), len(sentences)]
        cues = [Cue.MARKED, *(start.cue for start in starts)]
        stretches = []
        for cue, (first, last) in zip(cues, pairwise(bounds), strict=True):
            here, replies = own, others
            if last < len(sentences):
                begins = sentences[last]
                here = own[: next(place for place, one in enumerate(own) if one is begins)]
                replies = [one for one in others if one.message < begins.message]
            own, others = own[len(here) :], others[len(replies) :]
            numbers = [number for number in range(first, last) if id(sentences[number]) in read]
            customers = self.embedder.encode_parts([one.text for one in here])
            agents = self.embedder.encode_parts([one.text for one in replies])
            stretches.append(Stretch(cue, numbers, here, customers, agents))
        return stretches

    def _theme(self, side: CustomerSide, finding: Finding, quotes: list[str], vector: Vectors) -> Theme:
        name = name_finding(side, finding, self.embedder.rank)
        return {
            "signature": name.signature,
            "category": category_of(side, finding, name.signature)
            or self._nearest_category("?" if side.question else "", vector),
            "summary": summarise(quotes, side.text),
            "quotes": quotes,
            "confidence": confidence(side, finding, name.clarity),
        }

    def _nearest_category(self, text: str, vector: Vectors) -> str:
        """The category of the nearest prototype; how-to only where something is asked."""
        # the nearest first; a how-to that asks nothing is passed over for the next
        for nearest in np.argsort(-(self._prototypes @ vector), kind="stable"):
            category = PROTOTYPES[nearest][0]
            if category != "how_to_question" or QUESTION_MARK.search(text):
                break
        return category

    @cached_property
    def _prototypes(self) -> Vectors:
        vectors = self.embedder.encode([sentence for _, sentence in PROTOTYPES])
        return np.stack([self.embedder.without_language(vector, "en") for vector in vectors])


def _without_names(answer: Answer, transcript: Transcript) -> Answer:
    """Return an answer whose themes are not named after people: names of themes become titles, and go into exports."""
    people = {transcript.customer, *(message.author for message in transcript.messages)}
    words = {part.casefold() for name in people for part in full_name(name)}
    if not words:
        return answer
    found = json.loads(answer.text)
    is_changed = False
    for theme in found.get("themes", ()):
        kept = [part for part in theme["signature"].split("_") if part.casefold() not in words]
        if kept and "_".join(kept) != theme["signature"]:
            theme["signature"], is_changed = "_".join(kept), True
    return replace(answer, text=_ENCODER.encode(found)) if is_changed else answer


def _by_matter(stretches: Sequence[Stretch]) -> list[Stretch]:
    sums = np.stack([one.customers.sum + one.agents.sum for one in stretches])
    numbers = settle([one.cue for one in stretches], sums)
    found = [[one for one, number in zip(stretches, numbers, strict=True) if number == each] for each in set(numbers)]
    return [Stretch.joined(each) for each in found]


def _both_sides(stretch: Stretch, quotes: Sequence[str]) -> Vectors:
    """Return the unit vector of what is said in a stretch, (d,).

    What the agent finds out names the problem better than the customer can, and both sides count alike however much
    either says. See benchmarks/QUALITY.md for other ways.
    """
    return unit_vector(unit_vector(_weighted(stretch.own, stretch.customers, quotes)) + unit_vector(stretch.agents.sum))


def _weighted(own: Sequence[Sentence], parts: Parts, quotes: Sequence[str]) -> Vectors:
    """Return the sum of the customer's states, (d,), the telling sentences first.

    Courtesies count less. What is quoted counts for at least TELLING_SHARE of it: a problem that is told in one
    sentence must not drown in an introduction that all conversations share.
    """
    weights = parts.tokens * np.array([1.0 if one.is_telling else COURTESY_WEIGHT for one in own])
    quoted = np.array([any(one.text.startswith(quote) for quote in quotes) for one in own], dtype=bool)
    share, rest = weights[quoted].sum(), weights[~quoted].sum()
    # raised to exactly TELLING_SHARE of the whole, and never lowered
    if share and rest and share < TELLING_SHARE * (share + rest):
        weights[quoted] *= TELLING_SHARE * rest / ((1 - TELLING_SHARE) * share)
    total: Vectors = (parts.states * weights[:, None]).sum(axis=0, dtype=np.float64).astype(np.float32)
    return total


def affordable(draft: Draft) -> tuple[list[Sentence], list[Sentence]]:
    """Return the customer's sentences and the agent's that the model reads: all, or as many as MOST_CHARACTERS allow.

    Of too many, those come first in which the rules found something, then others, evenly spread.
    """
    telling = {draft.finding.sentence, *(start.sentence for start in draft.starts)}
    first = {id(draft.side.sentences[number]) for number in telling if number < len(draft.side.sentences)}
    own = [one for one in draft.said.sentences if one.is_customers]
    own = [one for one in own if not one.is_venting] or own  # anger is told by everybody and tells nothing
    others = [one for one in draft.said.sentences if not one.is_customers]
    return _affordable(own, first), _affordable(others, set())


def _affordable(sentences: Sequence[Sentence], first: set[int]) -> list[Sentence]:
    total = sum(len(one.text) for one in sentences)
    if total <= MOST_CHARACTERS:
        return list(sentences)
    wanted = sum(len(one.text) for one in sentences if id(one) in first)
    # at least half of the room is for what the rules found nothing in: they know only some of what people say
    share = max(MOST_CHARACTERS - wanted, MOST_CHARACTERS / 2) / total
    chosen, spent, due = [], 0, 0.0
    for one in sentences:
        due += share * len(one.text)
        if spent < MOST_CHARACTERS and (id(one) in first or due >= len(one.text)):
            chosen.append(one)
            spent += len(one.text)
            due -= 0 if id(one) in first else len(one.text)
    return chosen


def _left_out(spoken: Said, whole: Stretch) -> dict[str, str]:
    """Return what to say of a conversation that is too long to be read whole; nothing of others."""
    count = sum(not one.is_venting for one in spoken.sentences)
    read = int((whole.customers.tokens > 0).sum() + (whole.agents.tokens > 0).sum())
    if read >= count and not spoken.unread:
        return {}
    unread = f", and {spoken.unread:,} more characters were not looked at" if spoken.unread else ""
    return {"left_out": f"too long to read in full: the model read {read:,} of {count:,} sentences{unread}"}


def _nothing_own(transcript: Transcript) -> str:
    """Return why a conversation is filtered in which nothing is the customer's own words; empty if something is."""
    return f"nothing in it was written by a customer: {why}" if (why := transcript.why_nothing_own) else ""


def _opening(transcript: Transcript) -> str:
    """The first message with words in it, the customer's if there is one, else all that was said."""
    own = (message.own_text for message in transcript.messages if message.role == CUSTOMER)
    return next((text for text in own if len(text) > _GREETING), transcript.customer_text)


def confidence(side: CustomerSide, finding: Finding, feature_clarity: float) -> float:
    """Return how sure the reading is, in 0..1, to two digits.

    0.2 + 0.4 x how clear the kind is (a problem 1, scaled by the symptom's weight of 1 to 4; a how-to or wish 0.9;
    another question 0.6; nothing recognised 0) + 0.25 x how clear the feature is + 0.15 if it names anything: two words
    that not every text has. So a text is not less sure for being short. At most 0.4 for text that is not English, and
    0.2 for one that only points at something else ("see attachment").
    """
    clarity = _KIND_CLARITY[finding.kind]
    if finding.kind is Kind.PROBLEM:
        clarity *= min(1.0, 0.4 + 0.2 * finding.weight)
    words = side.text.split()
    telling = {word for word in words if len(word) > _SHORT_WORD and word not in STOP_WORDS}
    if finding.kind is Kind.UNCLEAR and {word.strip(_MARKS).lower() for word in telling} <= _POINTING:
        return 0.2
    named = len(telling)
    sure = 0.2 + 0.4 * clarity + 0.25 * feature_clarity + 0.15 * min(1.0, named / _NAMED_WORDS)
    if side.english < _ENGLISH_SHARE and len(words) >= _ENGLISH_WORDS:
        sure = min(sure, _FOREIGN_CONFIDENCE)
    return round(sure, 2)


def _json(**answer: object) -> str:
    return _ENCODER.encode(answer)
