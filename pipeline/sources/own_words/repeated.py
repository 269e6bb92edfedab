"""Passages that many conversations of a source share word for word, found by counting.

An agent's or a bot's sentence that a fifth of the conversations hold is a template. A customer's is so only where it
is part of a long passage with something of the customer's own beside it: a legal notice, a form's frame, the
announcement of a call. A complaint that many write in the same words is short, or is all they write; it is read.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from pipeline.sources.own_words.spans import LINE_LENGTH, READ_LENGTH, REPEATED, Span, own_parts

MIN_CONVERSATIONS = 8
"""Conversations that must hold a passage, however few there are."""

MIN_SHARE = 0.2
"""Share of the conversations. Where six problems are equally frequent each has a sixth: what all who have one problem
write is less than this."""

MIN_LENGTH = 80
"""Characters of a customer's passage, all its sentences in a row; 12 words or so."""

MIN_TEMPLATE_LENGTH = 15
"""Characters of an agent's template: a shorter one ("You're welcome!") costs nothing to read."""

TOGETHER = 0.9
"""Sentences are one passage if they stand side by side in this share of the conversations that hold either; and a
short sentence apart belongs to a long passage if they share so many conversations."""

FRAME_SHARE = 0.5
"""Share of the conversations that must hold a short sentence of the second kind."""

WITH_OWN_SHARE = 0.7
"""Share of a passage's conversations that must hold something else, of OWN_LENGTH characters."""

OWN_LENGTH = 15
MAX_PASSAGES = 300
MAX_COUNTED = 100_000
"""Different sentences remembered at a time; when there are more, those seen once are forgotten."""

MAX_UNITS = 200
"""Sentences of a conversation that are counted."""

CUSTOMER = "customer"
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+|\n")
_BLANKS = re.compile(r"[\s>*_\u200b-\u200f\u202a-\u202e\u2060-\u2069]+")
_NUMBER = re.compile(r"\d+")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence that `conversations` of the `counted` ones share. `key` finds it; `said_by` is customer or others."""

    key: str
    text: str
    said_by: str
    conversations: int
    counted: int

    def as_json(self) -> dict[str, str | int]:
        """Return what is stored with a source."""
        return asdict(self)


def told_apart(passages: Sequence[Passage]) -> str:
    """Return in a sentence what was found to be repeated, with the most frequent passage; empty if nothing was."""
    if not passages:
        return ""
    first = passages[0]
    text = first.text if len(first.text) <= 60 else f"{first.text[:60].rstrip()} ..."
    what = "1 sentence" if len(passages) == 1 else f"{len(passages)} sentences"
    where = f'"{" ".join(text.split())}" in {first.conversations:,} of {first.counted:,} conversations'
    return f"Left out because many conversations contain it word for word: {what}, for example {where}"


@dataclass(frozen=True, slots=True)
class Repeated:
    """The keys of the passages a source's conversations share, by whether a customer or somebody else says them."""

    of_customers: frozenset[str] = frozenset()
    of_others: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, stored: Iterable[Mapping[str, object]]) -> "Repeated":
        """Return what `Passage.as_json` stored."""
        keys: dict[bool, set[str]] = {True: set(), False: set()}
        for each in stored:
            keys[each.get("said_by") == CUSTOMER].add(str(each.get("key", "")))
        return cls(frozenset(keys[True]), frozenset(keys[False]))

    def said_by(self, role: str) -> frozenset[str]:
        return self.of_customers if role == CUSTOMER else self.of_others


NOTHING_REPEATED = Repeated()


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence or line at start..end of a text; equal units have equal keys, whatever numbers they hold."""

    start: int
    end: int
    key: str
    length: int  # characters, a Chinese or Japanese one counted as three


def units_of(text: str, spans: Sequence[Span] = ()) -> Iterator[Unit]:
    """Yield the sentences of what the spans leave of a text."""
    for start, end in own_parts(text[:READ_LENGTH], spans):
        for found in _END.finditer(text, start, min(end, READ_LENGTH)):
            if unit := _unit(text, start, found.end()):
                yield unit
            start = found.end()
        if unit := _unit(text, start, min(end, READ_LENGTH)):
            yield unit


def _unit(text: str, start: int, end: int) -> Unit | None:
    words = _BLANKS.sub(" ", text[start:end]).strip().casefold()
    if not any(map(str.isalpha, words)):
        return None
    # numbers count as equal: an order's number in a notice makes no other notice
    key = hashlib.blake2b(_NUMBER.sub("0", words).encode(errors="surrogatepass"), digest_size=8).hexdigest()
    wide = 0 if words.isascii() else len(_WIDE.findall(words[:LINE_LENGTH]))
    return Unit(start, end, key, len(words) + 2 * wide)


def repeated_spans(text: str, spans: Sequence[Span], keys: frozenset[str]) -> list[Span]:
    """Return the spans of the sentences with these keys in what the spans leave of a text."""
    if not keys:
        return []
    return [(unit.start, unit.end, REPEATED) for unit in units_of(text, spans) if unit.key in keys]


# --- Counting -----------------------------------------------------------------------------------------------------

Said = Sequence[tuple[str, str, Sequence[Span]]]
"""A conversation's messages: role, text, and the spans that are left out for other reasons."""


def needed_of(conversations: int) -> float:
    """Return how many of so many conversations must hold a passage."""
    return max(MIN_CONVERSATIONS, MIN_SHARE * conversations)


class PassageCounter:
    """Counts sentences over distinct conversations. What it remembers is bounded, except eight bytes a sentence."""

    def __init__(self) -> None:
        self.conversations = 0
        self._texts: dict[str, str] = {}
        self._lengths: dict[str, int] = {}
        self._counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        self._customers: list[list[list[str]]] = []  # by conversation and message: the keys of its sentences

    def add(self, said: Said) -> None:
        """Count one conversation."""
        self.conversations += 1
        keys: dict[bool, set[str]] = {True: set(), False: set()}
        messages, count = [], 0
        for role, text, spans in said:
            is_customer = role == CUSTOMER
            message = []
            for unit in units_of(text, spans):
                if (count := count + 1) > MAX_UNITS:
                    break
                message.append(unit.key)
                keys[is_customer].add(unit.key)
                self._texts.setdefault(unit.key, text[unit.start : unit.end].strip()[:LINE_LENGTH])
                self._lengths[unit.key] = unit.length
            if is_customer and message:
                messages.append(message)
        for is_customer, found in keys.items():
            self._counts[is_customer].update(found)
        self._customers.append(messages)
        if len(self._texts) > MAX_COUNTED:
            self._forget()

    def pass_over(self) -> None:
        """Count a conversation that is known to hold nothing that others hold."""
        self.conversations += 1

    def _forget(self) -> None:
        """Forget the sentences seen once; a template's are seen again many times."""
        for counts in self._counts.values():
            for key in [key for key, count in counts.items() if count == 1]:
                del counts[key]
        kept = self._counts[True].keys() | self._counts[False].keys()
        self._texts = {key: text for key, text in self._texts.items() if key in kept}
        self._lengths = {key: length for key, length in self._lengths.items() if key in kept}
        for messages in self._customers:
            # an empty word in their place, so that sentences that did not stand side by side do not seem to
            messages[:] = [[key if key in kept else "" for key in message] for message in messages]

    def passages(self) -> list[Passage]:
        """Return what is shared, most frequent first, at most MAX_PASSAGES."""
        needed = needed_of(self.conversations)
        templates = [
            key
            for key, count in self._counts[False].items()
            if count >= needed and self._lengths[key] >= MIN_TEMPLATE_LENGTH
        ]
        found = [self._passage(key, is_customer=False) for key in templates]
        found += [self._passage(key, is_customer=True) for key in self._customers_frames(needed)]
        return sorted(found, key=lambda each: (-each.conversations, each.said_by, each.key))[:MAX_PASSAGES]

    def _passage(self, key: str, *, is_customer: bool) -> Passage:
        role = CUSTOMER if is_customer else "others"
        return Passage(key, self._texts[key], role, self._counts[is_customer][key], self.conversations)

    def _customers_frames(self, needed: float) -> set[str]:
        counts = {key: count for key, count in self._counts[True].items() if count >= needed}
        if not counts:
            return set()
        # Long passages first, then short sentences that always stand beside one (a form's labels); both only where most
        # conversations hold something else as well, which is asked twice because the short ones change what is left.
        bound = self._bound_pairs(counts)
        long = self._with_own({key for run in self._runs(counts, bound) for key in run}, counts)
        return self._with_own(long | self._short_frames(counts, long), counts)

    def _bound_pairs(self, counts: Mapping[str, int]) -> set[tuple[str, str]]:
        """Return the pairs of sentences that follow each other wherever either stands, nearly."""
        pairs: Counter[tuple[str, str]] = Counter()
        for messages in self._customers:
            pairs.update(
                {pair for keys in messages for pair in pairwise(keys) if pair[0] in counts and pair[1] in counts}
            )
        return {
            (first, second)
            for (first, second), count in pairs.items()
            if count >= TOGETHER * max(counts[first], counts[second])
        }

    def _runs(self, counts: Mapping[str, int], bound: set[tuple[str, str]]) -> Iterator[list[str]]:
        """Yield the passages that are long enough, as often as they occur."""
        for keys in (keys for messages in self._customers for keys in messages):
            run: list[str] = []
            for key in [*keys, ""]:
                if run and (run[-1], key) in bound:
                    run.append(key)
                    continue
                if sum(self._lengths[each] for each in run) >= MIN_LENGTH:
                    yield run
                run = [key] if key in counts else []

    def _short_frames(self, counts: Mapping[str, int], long: set[str]) -> set[str]:
        """Return the short sentences that stand in the same conversations as a long passage."""
        frequent = {key for key, count in counts.items() if count >= FRAME_SHARE * self.conversations}
        holders = dict.fromkeys(frequent | long, 0)
        for number, messages in enumerate(self._customers):
            for key in {key for keys in messages for key in keys if key in holders}:
                # a set of conversations as the bits of one integer: two are compared in one operation
                holders[key] |= 1 << number
        return {
            key
            for key in frequent - long
            if any(
                (holders[key] & holders[other]).bit_count() >= TOGETHER * (holders[key] | holders[other]).bit_count()
                for other in long
            )
        }

    def _with_own(self, frames: set[str], counts: Mapping[str, int]) -> set[str]:
        """Return those beside which most conversations hold something of their own."""
        with_own: Counter[str] = Counter()
        for messages in self._customers:
            keys = {key for message in messages for key in message}
            own = keys - frames
            # a sentence that was forgotten is long enough: it was rare
            if sum(self._lengths.get(key, OWN_LENGTH) for key in own) >= OWN_LENGTH:
                with_own.update(keys & frames)
        return {key for key in frames if with_own[key] >= WITH_OWN_SHARE * counts[key]}
