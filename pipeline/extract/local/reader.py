"""Rules find what is said, the model places what is meant. The rules know English alone; see `foreign` for the rest."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

import numpy as np

from pipeline.extract.base import Answer
from pipeline.extract.embedding import Embedder, Vectors
from pipeline.extract.local.category import GENERAL, category_of, reason_to_filter
from pipeline.extract.local.finding import UNCLEAR, Finding, Kind, find_main
from pipeline.extract.local.foreign import QUESTION_MARK, is_for_rules, meaning, read_foreign, words_alone
from pipeline.extract.local.naming import name_finding
from pipeline.extract.local.quotes import choose_quotes, summarise
from pipeline.extract.local.text import CustomerSide, customer_side
from pipeline.extract.local.words import PROTOTYPES
from pipeline.extract.profiles import Profile
from pipeline.ledger.transcript import CUSTOMER, Transcript

_ENCODER = json.JSONEncoder(ensure_ascii=False)
_TURN = 16  # transcripts; a stop is honoured after it
_GREETING = 20  # characters; a shorter first message greets
_ENGLISH_SHARE = 0.1
_FOREIGN_CONFIDENCE = 0.4
_KIND_CLARITY = {Kind.PROBLEM: 1.0, Kind.HOW_TO: 0.9, Kind.REQUEST: 0.9, Kind.QUESTION: 0.6, Kind.UNCLEAR: 0.0}


Theme = dict[str, str | float | list[str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What the rules say of one conversation, before the model has read it.

    The category is empty if the rules decide none. `ids` are the token ids of `views`; none mean that the conversation
    is filtered.
    """

    side: CustomerSide
    category: str
    filtered_because: str = ""
    ids: Sequence[Sequence[int]] = ()
    theme: Theme = field(default_factory=dict)


class LocalExtractor:
    """Reads by rules and the embedded model: one theme a conversation, its vector the mean of its `views`.

    Deterministic: an answer depends on its transcript alone.
    """

    name = "local"
    version = "local-1"
    is_paid = False

    def __init__(self, embedder: Embedder | None = None) -> None:
        self.embedder = embedder or Embedder()

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
        for is_english, together in groupby(transcripts, key=lambda transcript: is_for_rules(transcript.language)):
            if is_english:
                yield from self._read_english(list(together), profile)
            else:
                yield from (self._read_foreign(transcript, profile) for transcript in together)

    def _read_foreign(self, transcript: Transcript, profile: Profile) -> Answer:
        theme = read_foreign(transcript)
        if theme is None:
            return Answer(text=_json(category=GENERAL, filtered_because="there are no words in it", themes=[]))
        if not self.embedder.can_read(transcript.language):
            category = next(category.name for category in profile.categories if category.goes_on)
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
            drafts = [self._draft(transcript, profile) for transcript in transcripts[start : start + _TURN]]
            vectors = [[self.embedder.encode_ids(ids) for ids in draft.ids] for draft in drafts]
            yield from map(self._answer, drafts, vectors)

    def _draft(self, transcript: Transcript, profile: Profile) -> Draft:
        side = customer_side(transcript)
        finding = find_main(side) if side.sentences else UNCLEAR
        category, reason = reason_to_filter(side, _opening(transcript), finding)
        if category and not profile.category(category).goes_on:
            return Draft(side, category, filtered_because=reason)
        name = name_finding(side, finding, self.embedder.rank)
        quotes = choose_quotes(side, finding)
        theme: Theme = {
            "signature": name.signature,
            "summary": summarise(quotes, transcript),
            "quotes": quotes,
            "confidence": confidence(side, finding, name.clarity),
        }
        ids = [self.embedder.token_ids(view) for view in views(transcript)]
        return Draft(side, category_of(side, finding, name.signature), ids=ids, theme=theme)

    def _answer(self, draft: Draft, vectors: Sequence[Vectors]) -> Answer:
        if not vectors:
            return Answer(text=_json(category=draft.category, filtered_because=draft.filtered_because, themes=[]))
        vectors = [self.embedder.without_language(vector, "en") for vector in vectors]
        category = draft.category or self._nearest_category("?" if draft.side.question else "", vectors[0])
        text = _json(category=category, themes=[{**draft.theme, "category": category}])
        return Answer(text=text, vectors=_mean(vectors).tobytes(), input_tokens=sum(map(len, draft.ids)))

    def _nearest_category(self, text: str, vector: Vectors) -> str:
        """The category of the nearest prototype; how-to only where something is asked."""
        for nearest in np.argsort(-(self._prototypes @ vector), kind="stable"):
            category = PROTOTYPES[nearest][0]
            if category != "how_to_question" or QUESTION_MARK.search(text):
                break
        return category

    @cached_property
    def _prototypes(self) -> Vectors:
        vectors = self.embedder.encode([sentence for _, sentence in PROTOTYPES])
        return np.stack([self.embedder.without_language(vector, "en") for vector in vectors])


def views(transcript: Transcript) -> tuple[str, ...]:
    """Return the texts whose mean vector stands for a conversation: the customer's side and, if longer, the whole.

    What the agent finds out names the problem better than the customer can. Pairwise F1 of the groups with the
    customer's side alone, the whole alone, and both: STAR .90, .98, .95; SGD .88, .84, .89; our sample .37, .58, .51.
    Both is the one that never loses.
    """
    own, whole = transcript.customer_text, transcript.text
    return (own,) if own == whole else (own, whole)


def _mean(vectors: Sequence[Vectors]) -> Vectors:
    if len(vectors) == 1:
        return vectors[0]
    total = np.stack(vectors).astype(np.float64).sum(axis=0)
    unit: Vectors = (total / np.sqrt(np.square(total).sum())).astype(np.float32)  # no BLAS: its kernels differ in bits
    return unit


def _opening(transcript: Transcript) -> str:
    """The first message with words in it, the customer's if there is one, else all that was said."""
    own = (
        message.text for message in transcript.messages if message.role == CUSTOMER and len(message.text) > _GREETING
    )
    return next(own, transcript.customer_text)


def confidence(side: CustomerSide, finding: Finding, feature_clarity: float) -> float:
    """Return how sure the reading is, in 0..1, to two digits.

    0.2 + 0.4 x how clear the kind is (a problem 1, scaled by the symptom's weight of 1 to 4; a how-to or wish 0.9;
    another question 0.6; nothing recognised 0) + 0.25 x how clear the feature is + 0.15 x length (full from 12 words).
    At most 0.4 for text that is not English. A named problem of a named feature is above the gate of 0.5; a text of
    which only the topic is known is below.
    """
    clarity = _KIND_CLARITY[finding.kind]
    if finding.kind is Kind.PROBLEM:
        clarity *= min(1.0, 0.4 + 0.2 * finding.weight)
    length = min(1.0, len(side.text.split()) / 12)
    sure = 0.2 + 0.4 * clarity + 0.25 * feature_clarity + 0.15 * length
    if side.english < _ENGLISH_SHARE and length == 1.0:
        sure = min(sure, _FOREIGN_CONFIDENCE)
    return round(sure, 2)


def _json(**answer: object) -> str:
    return _ENCODER.encode(answer)
