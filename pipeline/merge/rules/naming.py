"""Readable names for groups of themes, chosen from the names and words that people and readers used."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import count
from math import log

from pipeline.merge.rules import normalise

VERSION = "naming-2"

LONGEST_WORD = 30
"""Characters from which on a word is a code or an address, not part of a name; in scripts without spaces a sentence."""


def spellings(raws: Sequence[str], forms: Sequence[str]) -> dict[str, str]:
    """Return for each normal form its most used spelling in snake_case; ties go to the first in the alphabet."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (raw, form), times in Counter(zip(raws, forms, strict=True)).items():
        counts[form][normalise.snake_case(raw)] += times
    return {form: min(used, key=lambda spelling: (-used[spelling], spelling)) for form, used in counts.items()}


class Words:
    """How typical words are of a target: the share of its themes that say them, times how few targets do."""

    def __init__(self, texts: Sequence[str], targets: Sequence[int]) -> None:
        self.shares: dict[int, Counter[str]] = defaultdict(Counter)
        self.sizes = Counter(targets)
        self.spelled: dict[str, str] = {}  # of words that folding would misspell
        for text, target in zip(texts, targets, strict=True):
            said = normalise.words(text)
            self.shares[target].update({normalise.singular(word) for word in said})
            # only there does folding change letters; for ASCII the spelling is the word itself
            if not text.isascii():
                self.spelled.update(zip(said, normalise.small_words(text), strict=True))
        self.spread = Counter(word for shares in self.shares.values() for word in shares)

    def weight(self, word: str, target: int) -> float:
        """Return squared share times rarity: class-based tf-idf (Grootendorst 2022, arXiv 2203.05794), but that a word
        must stand for many of the target's themes; a rare word of one of them is no name for all.
        """
        share = self.shares[target][word] / self.sizes[target]
        return share**2 * log(1 + len(self.sizes) / self.spread[word])

    def fit(self, key: str, target: int) -> float:
        """Return how well a name fits a target: the mean weight of its words."""
        name_words = [normalise.singular(word) for word in normalise.words(key)] or [normalise.UNNAMED]
        return sum(self.weight(word, target) for word in name_words if word in self.spread) / len(name_words)

    def made_up_name(self, target: int, taken: set[str]) -> str:
        """Return a name nobody has, from the target's most typical words; numbered if they are used up."""
        typical = sorted(self.shares[target], key=lambda word: (-self.weight(word, target), word))
        typical = [self.spelled.get(word, word) for word in typical if _may_name(word)] or [normalise.UNNAMED]
        for length in range(2, 6):
            if normalise.normal_form(key := "_".join(typical[:length])[: normalise.LONGEST_NAME]) not in taken:
                return key
        return next(name for number in count(2) if normalise.normal_form(name := f"{key}_{number}") not in taken)


def _may_name(word: str) -> bool:
    return len(word) > 2 and (len(word) <= LONGEST_WORD or not word.isascii())
