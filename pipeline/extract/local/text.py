"""Cuts a transcript into sentences, and sentences into plain words; nothing here judges what they mean."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from pipeline.extract.local.patterns import CLOSING, COURTESY, GREETING
from pipeline.extract.local.words import ENGLISH, PHRASES, PLURAL_EXCEPTIONS, SPELLINGS
from pipeline.ledger.transcript import CUSTOMER, Message, Transcript

MAX_MESSAGE = 20_000  # characters of one message that are looked at
OPENING_WORDS = 12
MAX_SENTENCES = 120  # of one conversation; a problem that is not named by then is not found

_BOUNDARY = re.compile(r"(?<=[.!?…])[\"')\]”\u2019]*\s+|\s*\n\s*|(?<=\w)\s+(?=-\s\w)")
_ABBREVIATION = re.compile(
    r"\b(?:mr|mrs|ms|dr|st|no|vs|approx|e\.g|i\.e|etc|inc|ltd|co|prof|sr|jr|[a-z])\.$", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_MOJIBAKE = re.compile(r"[ÃÂÅ][\u0080-\u00bf±™\u2018\u2019“”€šž]|â€|\ufffd")  # UTF-8 read as something else
_NEGATED = re.compile(r"^(\w+)n['\u2019]t$")
_PHRASE = re.compile(r"\b(?:" + "|".join(re.escape(phrase) for phrase, _ in PHRASES) + r")\b")
_ONE_WORD = dict(PHRASES)
_GREETING = re.compile(GREETING, re.IGNORECASE)
_CLOSING = re.compile(CLOSING, re.IGNORECASE)
_FORWARDED = re.compile(r"^[> ]*(?:from|to|sent|subject|date|cc):", re.IGNORECASE)
_PATTERN_TOKEN = re.compile(r"\\.|.", re.DOTALL)
_COURTESY = re.compile(COURTESY, re.IGNORECASE)


def compile_words(pattern: str) -> re.Pattern[str]:
    """Compile a pattern for plain text in which every sentence begins with a space.

    Where every alternative begins with a word boundary, the boundary becomes that space: the engine leaps from space
    to space instead of trying every letter, which takes a third of the time.
    """
    alternatives = _alternatives(pattern)
    if all(alternative.startswith(r"\b") for alternative in alternatives):
        pattern = "|".join(" " + alternative.removeprefix(r"\b") for alternative in alternatives)
    return re.compile(pattern)


def _alternatives(pattern: str) -> list[str]:
    """Split a pattern at the bars outside all brackets."""
    parts, depth = [""], 0
    for token in _PATTERN_TOKEN.findall(pattern):
        depth += (token in "([") - (token in ")]")
        if token == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += token
    return parts


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a message, as it was written; `message` counts the customer's messages from 0."""

    text: str
    message: int

    @property
    def plain(self) -> str:
        """The sentence in plain words."""
        return plain(self.text)


@dataclass(frozen=True)
class CustomerSide:
    """The customer's sentences that say something, without greetings and signatures, and their plain text."""

    sentences: tuple[Sentence, ...]
    agent: str = ""  # the agent's side, as written
    plains: tuple[str, ...] = field(default=())

    @cached_property
    def text(self) -> str:
        """All sentences in plain words, one a line, each after a space: see `compile_words`."""
        return "".join([f" {words}\n" for words in self.plains])

    @cached_property
    def starts(self) -> list[int]:
        """Where each sentence begins in `text`."""
        starts, offset = [], 1
        for words in self.plains:
            starts.append(offset)
            offset += len(words) + 2
        return starts

    @cached_property
    def opening(self) -> int:
        """How many sentences state the matter: the first message, and more messages while they are only a few words."""
        count, words = 0, 0
        for sentence, text in zip(self.sentences, self.plains, strict=True):
            if count and words >= OPENING_WORDS and sentence.message != self.sentences[count - 1].message:
                break
            count += 1
            words += len(text.split())
        return count

    @cached_property
    def opening_end(self) -> int:
        """Where the opening ends in `text`."""
        return self.starts[self.opening] if self.opening < len(self.starts) else len(self.text)

    def locate(self, offset: int) -> tuple[int, int]:
        """Return (sentence, word in it) of an offset in `text`."""
        offset += self.text[offset] == " "
        number = bisect_right(self.starts, offset) - 1
        return number, self.text.count(" ", self.starts[number], offset)

    @cached_property
    def english(self) -> float:
        """Share of the words that English cannot do without: above a tenth the text is English."""
        words = self.text.split()
        return sum(word in ENGLISH for word in words) / len(words) if words else 0.0

    @property
    def question(self) -> bool:
        """Whether the customer asks something, by the question mark."""
        return any("?" in sentence.text for sentence in self.sentences)


def customer_side(transcript: Transcript) -> CustomerSide:
    """Return what the customer said; the whole conversation's sentences if no message is the customer's."""
    own = [message for message in transcript.messages if message.role == CUSTOMER] or list(transcript.messages)
    sentences = tuple(_said(own))
    agent = "\n".join(message.text[:MAX_MESSAGE] for message in transcript.messages if message.role != CUSTOMER)
    return CustomerSide(sentences, agent, tuple(sentence.plain for sentence in sentences))


def _said(messages: Iterable[Message]) -> Iterator[Sentence]:
    count = 0
    for number, message in enumerate(messages):
        for text in telling_sentences(message.text[:MAX_MESSAGE]):
            yield Sentence(text, number)
            count += 1
            if count == MAX_SENTENCES:
                return


def telling_sentences(message: str) -> Iterator[str]:
    """Yield a message's sentences, verbatim, without greetings, courtesies and what follows a closing."""
    for text in sentences(message):
        if _FORWARDED.match(text):
            continue
        if _CLOSING.match(text):
            if len(text) < 40 and not text.lower().startswith(("thank", "thx", "ta", "cheers")):
                return
            continue
        body = text[_greeting_end(text) :].lstrip("> ")
        if any(letter.isalpha() for letter in body) and not _COURTESY.match(body):
            yield body


def _greeting_end(text: str) -> int:
    found = _GREETING.match(text)
    return found.end() if found else 0


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, each a verbatim part of it, trimmed."""
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        if _ABBREVIATION.search(text, max(start, boundary.start() - 8), boundary.start()):
            continue
        if piece := text[start : boundary.end()].strip():
            yield piece
        start = boundary.end()
    if piece := text[start:].strip():
        yield piece


@lru_cache(maxsize=4096)
def _plain_word(word: str) -> str:
    known = SPELLINGS.get(word)
    if known is not None:
        return known
    negated = _NEGATED.match(word)
    if negated:
        return f"{negated[1]} not"
    return word.removesuffix("'s").removesuffix("'").replace("'", " ")


def plain(text: str) -> str:
    """Return a text as lower-case words with one space between, negations spelled "not", no punctuation."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _MOJIBAKE.sub(" mojibake ", text)).replace("\u2019", "'")
    lowered = text.lower()
    words = " ".join([_plain_word(word) for word in _WORD.findall(lowered)])
    return _PHRASE.sub(lambda found: _ONE_WORD[found[0]], words)


@lru_cache(maxsize=4096)
def singular(word: str) -> str:
    """Return an English word's singular, as far as its ending tells."""
    if word in PLURAL_EXCEPTIONS:
        return PLURAL_EXCEPTIONS[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
