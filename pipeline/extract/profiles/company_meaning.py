"""What a sentence of a web page says of its company, by its meaning and its words. Pure.

Lists of phrases do not carry over: a stranger always finds another way to say that a shop closes. So a sentence
is compared with some 5,300 sentences of our own in several languages (`company_sentences.txt`), half of which only
sound alike. From them a linear model learned to tell the signals from their vectors (of the English sentence
model that comes with the installation), their words, and marks of denial, doubt and advice. The vectors bring what is
said in other words; the words bring other languages, and who does what to whom ("acquires our company", "our company
acquires").

`python -m benchmarks.company_signals` learns the weights and writes them into `company_weights.npz`.
"""

import math
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from itertools import compress, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline.extract.embedding import Embedder

SENTENCES: Final = Path(__file__).with_name("company_sentences.txt")
WEIGHTS: Final = Path(__file__).with_name("company_weights.npz")

OUR_NAME: Final = "our company"
"""What stands for the company's own name, so that no sentence is judged by a name."""

IN_SENTENCES: Final = "Acme"
"""The name of the company whose page it is, in the sentences that the weights are learned from."""

WORD_PLACES: Final = 65_536
"""Over so many places words and pairs of words are spread by a hash. With 4,096 a word shared its place with four
others, and what was learned of `liquidator` also fell on what nobody had seen before (`benchmarks/QUALITY.md`)."""

VECTOR_WEIGHT, WORDS_WEIGHT, MARKS_WEIGHT = 3.0, 4.0, 0.6
"""How much vector, words and marks count before anything is learned: by the left-out groups of sentences in
`benchmarks/QUALITY.md`."""

REMEMBERED: Final = 4096
"""Sentences whose judgement is kept: the pages of a site repeat a good part of each other."""

Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence that the weights are learned from. Those of one `line` are variants of each other."""

    signal: str
    text: str
    line: int


def examples() -> Iterator[Example]:
    """Yield the sentences of the file: a line with alternatives stands for as many as its longest group has."""
    signal = ""
    for number, line in enumerate(SENTENCES.read_text(encoding="utf-8").splitlines()):
        if line.startswith("["):
            signal = line.strip("[]")
        elif line and not line.startswith("#"):
            groups = [group.split("|") for group in _GROUP.findall(line)]
            for turn in range(max(map(len, groups), default=1)):
                chosen = iter(group[turn % len(group)] for group in groups)
                text = _GROUP.sub(lambda _, chosen=chosen: next(chosen), line)  # type: ignore[misc]
                yield Example(signal, text.replace(IN_SENTENCES, OUR_NAME), number)


_GROUP: Final = re.compile(r"\(([^()]*\|[^()]*)\)")


# --- What a sentence is judged by -----------------------------------------------------------------------------------

_WORD: Final = re.compile(r"[^\W\d_]+|\d")
_LONG_WORD, _LONGER_WORD, _LONGEST_WORD = 6, 7, 12
"""Letters: of a longer word its first six count too, of one longer still its first four; beyond twelve nothing does."""


def words_of(text: str) -> npt.NDArray[np.int64]:
    """Return the places of a sentence's words, sorted, each once: words, pairs of neighbours, beginnings of long words.

    Beginnings take the place of grammar: `schließen` and `schließt`, `acquired` and `acquires` share one.
    """
    return np.array(sorted(_places_of(text)), np.int64)


def _places_of(text: str) -> set[int]:
    """Return what `words_of` does as a plain set: the sieve asks for a few dozen, too few for an array to pay."""
    words = ["0" if word.isdigit() else word[:_LONGEST_WORD] for word in _WORD.findall(text.casefold())]
    places = {zlib.crc32(f"{first} {second}".encode()) % WORD_PLACES for first, second in pairwise(["^", *words, "$"])}
    places.update(*map(_places_of_word, words))
    return places


@lru_cache(maxsize=16 * 1024)
def _places_of_word(word: str) -> tuple[int, ...]:
    """Return the places of a word and of its beginnings; remembered, for few words make up most of all texts."""
    forms = [word]
    if len(word) >= _LONG_WORD:
        forms.append(f"{word[:6]}*")
    if len(word) >= _LONGER_WORD:
        forms.append(f"{word[:4]}**")
    return tuple(zlib.crc32(form.encode()) % WORD_PLACES for form in forms)


def share_of_a_word(count: int) -> float:
    """Return how much each of so many words of one sentence counts: a long one is not judged by its length."""
    return WORDS_WEIGHT / math.sqrt(max(1, count))


_MARKS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # no and not, in the languages of the sentences
        r"\b(?:not|never|no|nor|neither|without|nicht|kein\w*|ne|pas|sans|non|niet|geen)\b|n['’]t\b",
        r"\b(?:rumou?rs?|untrue|false|contrary|deny|denied|reports)\b",
        r"\?\W*$",
        r"\b(?:if|in (?:the|any) (?:unlikely )?event|in case|whether|unless|upon|should|where)\b",
        r"\b(?:may|might|could|would|can)\b",
        r"\b(?:how|what|why|when|guide|tips?|steps|signs|checklist|advice)\b",
        # whom it speaks of: the reader, ourselves, the company by its name, others
        r"\b(?:you|your|yours)\b",
        r"\b(?:we|us|our|ours|we['’]\w+|i|my|wir|uns|unser\w*|nous|notre|nos|nuestr\w+|noi|nostr\w+|wij|onze|ons)\b",
        rf"\b{OUR_NAME}\b",
        r"\b(?:competitors?|rivals?|many|some|most|clients?|customers?|companies|firms|businesses|industry|portfolio|"
        r"neighbour|supplier|employers?)\b",
        # when: long ago, or now and on a day
        r"\b(?:1[89]\d\d|20[01]\d)\b",
        r"\b20[2-4]\d\b|\b(?:today|now|yesterday|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|"
        r"march|april|june|july|august|september|october|november|december|last week|this month|effective)\b",
        r"\b(?:help|advis\w*|services?|experts?|lawyers?|support|software|tool|solutions?|book a)\b",
        r"\b(?:will|shall|have|has|had|is|are|was|were)\b",
        r"\b(?:the (?:company|business|board|directors|shareholders|firm|shop|administrators?|court|plant|site))\b",
    )
)
_SHORT, _SHORTISH, _LONG = 4, 8, 30  # words
_NAME_WITHIN: Final = re.compile(r"(?<=[a-zà-ÿ,;] )[A-ZÀ-Þ][a-zà-ÿ]+")
_OF_US: Final = re.compile(
    rf"\b(?:we|us|our|ours|i|my|the (?:company|board|firm|business)|{OUR_NAME})\b", re.IGNORECASE
)


MARK_COUNT: Final = len(_MARKS) + 4
"""How many marks a sentence has: those above, three of its length, and whether it is of others."""


def _has_marks(text: str) -> tuple[bool, ...]:
    """Return which marks a sentence has, (m,) in their order: denial, doubt, advice, of whom, when, how long."""
    count = len(text.split())
    lengths = (count < _SHORT, count < _SHORTISH, count > _LONG)
    # somebody is named, and the company is not spoken of
    is_of_others = bool(_NAME_WITHIN.search(text)) and not _OF_US.search(text)
    return (*(bool(mark.search(text)) for mark in _MARKS), *lengths, is_of_others)


def dense_features(texts: Sequence[str]) -> Numbers:
    """Return vectors and marks of sentences side by side, (n, 384 + m) float32; `words_of` has the rest."""
    marks = np.array([_has_marks(text) for text in texts], np.float32)
    return np.concatenate([_model().encode(texts) * VECTOR_WEIGHT, marks * MARKS_WEIGHT], axis=1, dtype=np.float32)


@cache
def _model() -> "Embedder":
    """Return the English sentence model, whichever the themes' vectors are made with: the weights belong to it."""
    from pipeline.extract.embedding import Embedder
    from pipeline.extract.embedding.files import installed_model

    return Embedder(installed_model())


# --- Judging --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """What was learned, a column a signal: of vector and marks `dense` (384 + m, k), of the words at `places` (p,),
    sorted, `words` (p, k), and `bias` (k,). Words at other places say nothing. `learned_from` hashes the sentences.

    `sieve_words` (p,), `sieve_marks` (m,) and `sieve_bias` tell without a vector whether a sentence says any signal.
    """

    signals: tuple[str, ...]
    dense: Numbers
    places: npt.NDArray[np.int64]
    words: Numbers
    bias: Numbers
    sieve_words: Numbers
    sieve_marks: Numbers
    sieve_bias: float
    learned_from: str

    @classmethod
    def read(cls) -> "Weights":
        """Read the weights that are kept with us."""
        with np.load(WEIGHTS) as stored:
            return cls(
                signals=tuple(stored["signals"].tolist()),
                dense=stored["dense"].astype(np.float32),
                places=stored["places"].astype(np.int64),
                words=stored["words"].astype(np.float32),
                bias=stored["bias"],
                sieve_words=stored["sieve_words"].astype(np.float32),
                sieve_marks=stored["sieve_marks"].astype(np.float32),
                sieve_bias=float(stored["sieve_bias"]),
                learned_from=str(stored["learned_from"]),
            )

    def write(self) -> None:
        """Keep the weights, with as many digits as matter."""
        np.savez_compressed(
            WEIGHTS,
            signals=np.array(self.signals),
            dense=self.dense.astype(np.float16),
            places=self.places.astype(np.uint16),
            words=self.words.astype(np.float16),
            bias=self.bias.astype(np.float32),
            sieve_words=self.sieve_words.astype(np.float16),
            sieve_marks=self.sieve_marks.astype(np.float16),
            sieve_bias=np.array(self.sieve_bias),
            learned_from=np.array(self.learned_from),
        )

    def rows_of(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the rows of those of a sentence's words that were learned."""
        rows = np.minimum(np.searchsorted(self.places, places), len(self.places) - 1)
        known: npt.NDArray[np.int64] = rows[self.places[rows] == places]
        return known


@cache
def weights() -> Weights:
    """Return the weights, read once a process."""
    return Weights.read()


def hash_of_sentences() -> str:
    """Return what tells whether weights were learned from the sentences as they are."""
    return sha256(SENTENCES.read_bytes()).hexdigest()


MAY_TELL: Final = 0.15
"""How likely the words alone must say that a sentence tells something, for it to be read by its meaning: of ten
sentences of a page four are, and of sentences like none that were learned from 92 of 100 that tell something."""


_LEAST_TELLING: Final = math.log(MAY_TELL / (1 - MAY_TELL))


@cache
def _sieve() -> tuple[dict[int, float], tuple[float, ...]]:
    """Return what each place of a word and each mark adds to how telling a sentence is."""
    learned = weights()
    words = dict(zip(learned.places.tolist(), learned.sieve_words.tolist(), strict=True))
    return words, tuple((learned.sieve_marks * MARKS_WEIGHT).tolist())


@lru_cache(maxsize=4 * REMEMBERED)
def how_telling(text: str) -> float:
    """Return the logit of how likely a sentence says any signal, by its words and marks: some 60 us, a vector 2.5 ms.

    Remembered by the sentence alone: sites of several companies share sentences too.
    The company's name must have been replaced by OUR_NAME.
    """
    of_words, of_marks = _sieve()
    places = _places_of(text)
    # fsum: exact, so in whatever order a set yields its places
    words = math.fsum(of_words.get(place, 0.0) for place in places) * share_of_a_word(len(places))
    return words + math.fsum(compress(of_marks, _has_marks(text))) + weights().sieve_bias


def may_tell(text: str) -> bool:
    """Whether a sentence, with OUR_NAME for its company's name, may tell something and is worth a vector."""
    return how_telling(text) >= _LEAST_TELLING


@lru_cache(maxsize=REMEMBERED)
def judged(text: str) -> tuple[tuple[str, float], ...]:
    """Return how likely a sentence says each signal, 0 to 1, in the order of the weights; `no_signal` is one of them.

    The company's name must have been replaced by OUR_NAME.
    """
    learned, places = weights(), words_of(text)
    words = learned.words[learned.rows_of(places)].sum(axis=0, dtype=np.float64) * share_of_a_word(len(places))
    # no BLAS: its kernels sum in another order on other machines
    dense = (dense_features([text])[0][:, None] * learned.dense).sum(axis=0, dtype=np.float64)
    totals = dense + words + learned.bias
    likely = np.exp(totals - totals.max())
    return tuple(zip(learned.signals, (likely / likely.sum()).tolist(), strict=True))
