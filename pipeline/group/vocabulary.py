"""The words of groups: which are typical of one, which only one person says, and how they are usually spelled."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log

from pipeline.extract.local.words import ENGLISH, PERSONS, STOP_WORDS, THINGS, VERBS
from pipeline.group.clauses import UNSPACED, is_shouted
from pipeline.group.speech import GIVEN_NAMES, NUMBERS, PERSON, SLIPS, UNITS
from pipeline.merge.rules.normalise import singular

ENGLISH_SHARE = 0.2
"""From this share of the words that English cannot do without, a group speaks English; German and Dutch reach 0.1."""

COMMON = 0.2
"""From this share of voices on, and from two, a word is not one person's."""

COUNTED = 0.06
"""What a clause loses with a number in words that is one person's: "for three people"."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_MID_SENTENCE = re.compile(r"(?<=[^\W\d_] )[^\W\d_]+")
_ORDINARY = ENGLISH | STOP_WORDS | VERBS | THINGS | PERSONS
_SELF = ("I", "I'm", "I've", "I'd", "I'll")


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What one group's voices say: how many say each word, how English they are, whether capitals mean names."""

    voices: int
    said_by: Counter[str]
    is_english: bool
    capitals_mean_names: bool
    names: frozenset[str]

    def by(self, word: str) -> int:
        """How many voices say a word, in singular or plural, with or without 's."""
        stem = _stem(word)
        return max(self.said_by[singular(stem)], self.said_by[stem])


class Vocabulary:
    """The words of some groups, numbered as they come; `texts` are those of each group's voices, `names` who spoke."""

    def __init__(
        self,
        texts: Sequence[Sequence[str]],
        names: Sequence[Sequence[str]],
        known: Callable[[str], int | None] | None = None,
    ) -> None:
        self._known = known
        # over all groups: how a word is spelled inside sentences, where a capital means something
        self._usual: dict[str, Counter[str]] = defaultdict(Counter)
        self._forms: dict[str, Counter[str]] = defaultdict(Counter)
        self._groups = [self._listen(*one) for one in zip(texts, names, strict=True)]
        # in how many groups a word is said at all: what all say names none
        self._spread = Counter(word for spoken in self._groups for word in spoken.said_by)

    def _listen(self, texts: Sequence[str], names: Sequence[str]) -> _Spoken:
        said_by: Counter[str] = Counter()
        english = words = capital = inside = 0
        for text in texts:
            found = [word.lower() for word in _WORD.findall(text)]
            words += len(found)
            english += sum(word in ENGLISH for word in found)
            said_by.update({*_telling(found), *NUMBERS.intersection(found)})
            for word in found:
                self._forms[singular(word)][word] += 1
            spelled = _MID_SENTENCE.findall(text)
            inside += len(spelled)
            capital += sum(word[0].isupper() and not word.isupper() for word in spelled)
            for word in set(spelled):
                self._usual[word.lower()][word] += 1
        return _Spoken(
            voices=len(texts),
            said_by=said_by,
            is_english=english >= ENGLISH_SHARE * max(1, words),
            capitals_mean_names=capital < 0.2 * max(1, inside),
            names=frozenset(_stem(word) for name in names for word in _WORD.findall(name) if len(word) > 2),
        )

    def is_english(self, group: int) -> bool:
        """Whether the group's voices speak English."""
        return self._groups[group].is_english

    def fit(self, text: str, group: int) -> float:
        """Return how typical a text's words are of the group, the mean over them: squared share times rarity.

        Class-based tf-idf (Grootendorst 2022, arXiv 2203.05794), but that a word must stand for many voices.
        """
        words = list(_telling(word.lower() for word in _WORD.findall(text)))
        return sum(self._weight(word, group) for word in words) / len(words) if words else 0.0

    def _weight(self, word: str, group: int) -> float:
        spoken = self._groups[group]
        if not spoken.said_by[word]:
            return 0.0
        return (spoken.said_by[word] / spoken.voices) ** 2 * log(1 + len(self._groups) / self._spread[word])

    def typical(self, group: int) -> list[str]:
        """Return the words most typical of the group, the most typical first, as they are usually spelled."""
        spoken = self._groups[group]
        shared = [word for word, times in spoken.said_by.items() if times >= max(2, COMMON * spoken.voices)]
        shared = [word for word in shared if word.isalpha() and word not in GIVEN_NAMES and not UNSPACED.search(word)]
        shared.sort(key=lambda word: (-self._weight(word, group), word))
        return [self._spelled(self._commonest_form(word)) for word in shared[:8]]

    def _commonest_form(self, word: str) -> str:
        return min(self._forms[word].items(), key=lambda one: (-one[1], one[0]))[0]

    def strangeness(self, text: str, group: int) -> float:
        """Return how much of a text is one person's: names, numbers, and words that nobody else in the group says."""
        words = _WORD.findall(text)
        total = 0.2 * bool(PERSON.search(text))
        for number, word in enumerate(words):
            is_measure = word.isdigit() and len(word) < 4 and "".join(words[number + 1 : number + 2]).lower() in UNITS
            total += 0.03 if is_measure else self._word_strangeness(word, number, group)
        return total

    def _word_strangeness(self, word: str, number: int, group: int) -> float:
        spoken, said = self._groups[group], self._groups[group].by(word)
        is_common = said >= max(2, COMMON * spoken.voices)
        if any(map(str.isdigit, word)):
            return _number(word, most_say_it=2 * said > spoken.voices, is_common=is_common)
        if (stem := _stem(word)) in GIVEN_NAMES or (stem in spoken.names and not is_common):
            return 0.2
        if stem in NUMBERS:
            return 0.0 if is_common else COUNTED
        total = 0.0
        # of one or two voices most say each word: there every capital counts, but for words the model knows whole
        is_few = spoken.voices <= 2
        is_own = is_few or 2 * said <= spoken.voices
        if (spoken.capitals_mean_names or is_few) and is_own and self._looks_like_a_name(word, number):
            is_known = is_few and self._known is not None and self._known(stem) is not None
            total += 0.04 if is_common or is_known else 0.15
        if said == 1 and spoken.voices > 2:
            # a word only one person says: a slip or a name if the model does not know it, else just a detail
            total += 0.06 if self._known and self._known(stem) is None else 0.01
        return total

    def _looks_like_a_name(self, word: str, number: int) -> bool:
        """Whether a word has a capital that its place does not ask for, and is not written small as often."""
        if not word[0].isupper() or word.isupper() or word in _SELF:
            return False
        usual = self._usual.get(stem := _stem(word))
        if usual and 2 * usual[stem] >= usual.total():
            return False
        return number > 0 or (stem not in ENGLISH and stem not in STOP_WORDS and bool(usual))

    # --- Spelling -------------------------------------------------------------------------------------------------

    def polished(self, text: str, group: int) -> str:
        """Return a clause in sentence case, shouting lowered, capitals where most people put them, slips corrected."""
        if is_shouted(text):
            text = text.lower()
        if self._groups[group].is_english:
            text = _WORD.sub(lambda found: SLIPS.get(found[0].lower(), found[0]), text)
        text = _WORD.sub(lambda found: self._spelled(found[0]), text)
        first = text.split(" ", 1)[0]
        return text if any(map(str.isupper, first)) else text[:1].upper() + text[1:]

    def _spelled(self, word: str) -> str:
        """Return a small word with the capitals that most voices give it."""
        usual = self._usual.get(word) if word not in _ORDINARY else None
        if not usual or usual.total() < 3:
            return word
        spelling, times = min(usual.items(), key=lambda one: (-one[1], one[0]))
        return spelling if times > 0.55 * usual.total() and not spelling.islower() else word


def _stem(word: str) -> str:
    return word.lower().replace("\u2019", "'").split("'", 1)[0]


def _telling(words: Iterator[str] | Sequence[str]) -> Iterator[str]:
    """Yield what words a text is about; of scripts without spaces its pairs of letters."""
    for word in words:
        if UNSPACED.search(word):
            yield from (word[at : at + 2] for at in range(len(word) - 1))
        elif len(word) > 2 and word not in STOP_WORDS:
            yield singular(word)


def _number(word: str, *, most_say_it: bool, is_common: bool) -> float:
    """A number or code is somebody's own unless most say it: then it names the problem."""
    if most_say_it:
        return 0.0
    if word.isdigit() and len(word) < 3:
        return 0.08
    return 0.12 if is_common else 0.2
