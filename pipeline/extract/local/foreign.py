"""Reads what is not English: no rule for words is applied, only what holds in every language.

The rules of the other files know English alone: its spellings, plurals, symptoms and small talk. A conversation in
another language gets a name and quotes of its own words, letter for letter. If the model knows the language, its vector
is what is meant; if not, it stands for the words alone, so that nothing is grouped by a vector that means nothing:
each waits alone, or with those that say the very same.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from pipeline.extract.embedding import Embedder, Vectors
from pipeline.extract.local.text import sentences
from pipeline.extract.redaction import PLACEHOLDER, without_private
from pipeline.ledger.transcript import CUSTOMER, Transcript
from pipeline.merge.rules.grouping.vectors import unit_vector
from pipeline.sources.parsing.letters import WORD
from pipeline.sources.understanding.language import UNDETERMINED

READ_CONFIDENCE = 0.6
"""How sure a reading is whose language the model knows, with no rule beside it."""

QUESTION_MARK = re.compile("[?？؟;՞]")  # noqa: RUF001 - of other scripts too

MOST_SENTENCES = 120
MOST_CHARACTERS = 20_000
"""Of each side of a conversation that are read."""

PIECE = 600
"""Characters that the model reads at once, in whole sentences: within its 256 tokens in most languages."""

LONGEST_QUOTE = 300
LONGEST_SUMMARY = 200
NAME_WORDS, LONGEST_NAME = 5, 120
_TELLING_LETTERS = 12
_SHORT_WORD = 2
_OTHER_BREAKS = re.compile(r"(?<=[。！？｡؟۔।॥։።])\s*")  # noqa: RUF001 - the full stops of other scripts

Theme = dict[str, str | float | list[str]]


def is_for_rules(language: str) -> bool:
    """Whether the rules for English may be applied: to English, and to what may be English."""
    return language in ("", UNDETERMINED, "en")


def read_foreign(transcript: Transcript) -> Theme | None:
    """Return the theme of a conversation in its own words, but for its category; None if there are no words in it."""
    said = _sentences(transcript.customer_text)
    if not said:
        return None
    quotes = _quotes(said)
    return {
        "signature": name_of(PLACEHOLDER.sub(" ", without_private(quotes[0]))) or name_of(quotes[0]),
        "summary": _shortened(quotes[0]),
        "quotes": quotes,
        "confidence": READ_CONFIDENCE,
    }


def meaning(transcript: Transcript, embedder: Embedder) -> Vectors:
    """Return the unit vector of what is meant: both sides, each read from beginning to end, count alike."""
    others = "\n".join(message.own_text for message in transcript.messages if message.role != CUSTOMER)
    own = transcript.customer_text
    sides = [_side(text, embedder) for text in ([own] if own == others else [own, others])]
    total = np.stack([side for side in sides if side is not None]).sum(axis=0, dtype=np.float64)
    return embedder.without_language(unit_vector(total), transcript.language)


def words_alone(transcript: Transcript, dimension: int) -> Vectors:
    """Return a unit vector that depends on the words and means nothing: any two texts are at right angles, nearly.

    Texts that differ only in case, spaces and punctuation have the same.
    """
    words = " ".join(WORD.findall(unicodedata.normalize("NFKC", transcript.customer_text).casefold()))
    # random numbers that follow from the words: with 384 of them the cosine of two texts is 0, give or take .05
    drawn = np.frombuffer(hashlib.shake_256(words.encode()).digest(2 * dimension), np.uint16)
    return unit_vector(drawn.astype(np.float64) - 32_767.5)


def name_of(text: str) -> str:
    """Return a name of a sentence's own words: the longest few of them in their order, joined by underscores."""
    words = [word for word in WORD.findall(text) if len(word) > _SHORT_WORD or not word.isascii()]
    words = list(dict.fromkeys(words)) or WORD.findall(text)
    longest = sorted(range(len(words)), key=lambda place: (-len(words[place]), place))[:NAME_WORDS]
    return "_".join(words[place] for place in sorted(longest))[:LONGEST_NAME].strip("_")


def _sentences(text: str) -> list[str]:
    """Return the sentences with letters in them, verbatim."""
    found: list[str] = []
    for sentence in sentences(text[:MOST_CHARACTERS]):
        found += [part for part in _OTHER_BREAKS.split(sentence) if WORD.search(part)]
        if len(found) >= MOST_SENTENCES:
            break
    return found


def _quotes(said: Sequence[str]) -> list[str]:
    """Return one or two sentences, the first that tells something in front; greetings are shorter than that."""
    telling = [one for one in said if _letters(one) >= _TELLING_LETTERS] or [max(said, key=_letters)]
    return [_cut(one, LONGEST_QUOTE) for one in telling[:2]]


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    head = text[:longest]
    return head.rsplit(maxsplit=1)[0] if " " in head else head


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_SUMMARY else _cut(text, LONGEST_SUMMARY - 1) + "…"


def _side(text: str, embedder: Embedder) -> Vectors | None:
    """Return the unit vector of one side: the mean of its pieces, long ones counting more. None if nothing was said."""
    pieces: list[str] = []
    for sentence in _sentences(text):
        if pieces and len(pieces[-1]) + len(sentence) <= PIECE:
            pieces[-1] += f" {sentence}"
        else:
            pieces.append(sentence)
    if not pieces:
        return None
    lengths = np.array([min(len(piece), 2 * PIECE) for piece in pieces], np.float64)
    return unit_vector((embedder.encode(pieces) * lengths[:, None]).sum(axis=0))
