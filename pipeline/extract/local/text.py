"""Cuts a transcript into sentences, and sentences into plain words; nothing here judges what they mean."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pipeline.extract.local.patterns import CLOSING, COURTESY, GREETING, VENTING
from pipeline.extract.local.words import ENGLISH, PHRASES, PLURAL_EXCEPTIONS, SPELLINGS, STOP_WORDS
from pipeline.ledger.transcript import CUSTOMER, Transcript

MAX_READ = 120_000  # characters of a conversation that the rules look at
STRETCHES = 24  # in which they are taken from a longer one
LONGEST_SENTENCE = 1_000  # characters; bounds every pattern that is not linear
LONGEST_WORD = 40  # letters; what is longer is no word
OPENING_WORDS = 12

_BOUNDARY = re.compile(r"(?<=[.!?…])[\"')\]”\u2019]*\s+|(?<=\w)\s+(?=-\s\w)")
_ABBREVIATION = re.compile(
    r"\b(?:mr|mrs|ms|dr|st|no|vs|approx|e\.g|i\.e|etc|incl?|excl|ltd|co|prof|sr|jr|[a-z])\.$", re.IGNORECASE
)
_NUMBERED = re.compile(r"\s*\(?\d{1,2}[.)]")
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
_VENTING = re.compile("|".join(VENTING))


def compile_words(pattern: str) -> re.Pattern[str]:
    """Compile a pattern for plain text in which every sentence begins with a space.

    Where every alternative begins with a word boundary, the boundary becomes that space: the engine leaps from space
    to space instead of trying every letter, which takes a third of the time.
    """
    # only if all of them begin with a boundary: a mixed pattern would lose those that do not
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
    """One sentence as it was written: a verbatim part of its message, never longer than LONGEST_SENTENCE.

    `plain` are its words, see `plain`; empty for those of the agent. `message` is the place of its message in the
    conversation, from 0. `is_telling` is false for courtesies and signatures, and where it is only `is_venting`.
    """

    text: str
    plain: str
    message: int
    is_customers: bool = True
    is_telling: bool = True
    is_venting: bool = False
    is_clause: bool = False  # the second half of a sentence that was cut in two


@dataclass(frozen=True)
class CustomerSide:
    """The customer's sentences that say something, without greetings and signatures, and their plain text."""

    sentences: tuple[Sentence, ...]
    agent: str = ""  # the agent's side, as written

    def only(self, numbers: Sequence[int]) -> "CustomerSide":
        """Return the side as if only these of its sentences had been said, in this order."""
        return CustomerSide(tuple(self.sentences[number] for number in numbers), self.agent)

    @cached_property
    def plains(self) -> tuple[str, ...]:
        """The plain words of each sentence."""
        return tuple(sentence.plain for sentence in self.sentences)

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


def customer_side(said: Iterable[Sentence], agent: str = "") -> CustomerSide:
    """Return what the customer said that tells something; if nothing does, what else there is but courtesies."""
    own = [sentence for sentence in said if sentence.is_customers]
    telling = tuple(sentence for sentence in own if sentence.is_telling)
    return CustomerSide(telling or tuple(sentence for sentence in own if sentence.is_venting), agent)


@dataclass(frozen=True, slots=True)
class Said:
    """The sentences of a conversation, each once, in order, and how many characters of it were left unread."""

    sentences: tuple[Sentence, ...]
    unread: int = 0


def said(transcript: Transcript) -> Said:
    """Return the sentences of a conversation; all are the customer's if none is.

    Who says the same twice has said it once: of equal sentences of one side the first counts. Of more than MAX_READ
    characters the beginning and evenly spread parts of what follows are taken, so that what is said late counts too.
    """
    everybody = not any(message.role == CUSTOMER for message in transcript.messages)
    found: dict[tuple[bool, str], tuple[str, int, bool]] = {}
    for number, message in enumerate(transcript.messages):
        is_customers = everybody or message.role == CUSTOMER
        for text, is_telling in message_sentences(message.own_text):
            # of each side: an agent who repeats the question does not make it less the customer's
            found.setdefault((is_customers, text.casefold()), (text, number, is_telling))
    places, unread = _spread([len(text) for text, _, _ in found.values()])
    every = [(is_customers, *rest) for (is_customers, _), rest in found.items()]
    return Said(tuple(_sentence(*every[place]) for place in places), unread)


def _sentence(is_customers: bool, text: str, message: int, is_telling: bool) -> Sentence:
    words = plain(text) if is_customers else ""
    venting = is_customers and is_venting(words)
    return Sentence(text, words, message, is_customers, is_telling and not venting, venting)


def _spread(lengths: Sequence[int]) -> tuple[Sequence[int], int]:
    """Return which sentences of these lengths are read, and how many characters are not: all, or evenly spread
    stretches of neighbours that have MAX_READ characters together.
    """
    total = sum(lengths)
    if total <= MAX_READ:
        return range(len(lengths)), 0
    # whole stretches and not single sentences: a sentence without its neighbours says little
    taken, stretch, step, offset = [], MAX_READ // STRETCHES, total / STRETCHES, 0
    for place, length in enumerate(lengths):
        if offset % step < stretch:
            taken.append(place)
        offset += length
    return taken, total - sum(lengths[place] for place in taken)


def message_sentences(message: str) -> Iterator[tuple[str, bool]]:
    """Yield a message's sentences, verbatim and without greetings, and whether they tell something."""
    closed = False
    for text in sentences(message):
        if _FORWARDED.match(text):
            continue
        body = text[_greeting_end(text) :].lstrip("> ")
        if not any(letter.isalnum() for letter in body):
            continue
        if _CLOSING.match(text):
            closed = closed or (len(text) < 40 and not text.lower().startswith(("thank", "thx", "ta", "cheers")))
            yield body, False
            continue
        yield body, not closed and any(letter.isalpha() for letter in body) and not _COURTESY.match(body)


def telling_sentences(message: str) -> Iterator[str]:
    """Yield the sentences of a message that tell something, verbatim and without greetings."""
    for text, is_telling in message_sentences(message):
        if is_telling and not is_venting(plain(text)):
            yield text


def is_venting(words: str) -> bool:
    """Tell whether a sentence in plain words is nothing but anger, threats and one's own loyalty.

    What remains without them must say something to be a problem: two words that not every text has.
    """
    rest, count = _VENTING.subn(" ", words)
    return count > 0 and sum(len(word) > 2 and word not in STOP_WORDS for word in rest.split()) < 2


def _greeting_end(text: str) -> int:
    found = _GREETING.match(text)
    return found.end() if found else 0


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, each a verbatim part of it, trimmed, of at most LONGEST_SENTENCE characters.

    Of equal lines the first counts.
    """
    for line in dict.fromkeys(text.splitlines()):
        start = 0
        for boundary in _BOUNDARY.finditer(line):
            if _ABBREVIATION.search(line, max(start, boundary.start() - 8), boundary.start()):
                continue
            if _NUMBERED.fullmatch(line, start, boundary.start()):
                continue
            yield from _bounded(line[start : boundary.end()].strip())
            start = boundary.end()
        yield from _bounded(line[start:].strip())


def _bounded(sentence: str) -> Iterator[str]:
    """Yield a sentence, if there is one, in pieces of at most LONGEST_SENTENCE, cut at spaces where there are any."""
    start = 0
    while len(sentence) - start > LONGEST_SENTENCE:
        end = start + LONGEST_SENTENCE
        cut = sentence.rfind(" ", start + 1, end)
        cut = cut if cut > 0 else end
        if piece := sentence[start:cut].strip():
            yield piece
        start = cut
    if piece := sentence[start:].strip():
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
    words = " ".join([_plain_word(word[:LONGEST_WORD]) for word in _WORD.findall(lowered)])
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
