"""What was said by somebody whose text is erased, and how it is found where others quoted it. Pure: no database.

A text quotes when it repeats a run of words, or a number, or names the person. Single common words are nobody's.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

HIDDEN = "[erased]"

RUN = 4
"""Words in a row that are a quotation. Three are chance: "I can not" stands in half of all conversations."""

UNSPACED_RUN = 8
"""The same for scripts without spaces, where each sign counts as a word."""

LEAST_NAME = 3
"""Letters of a name that is looked for: shorter ones stand in every text."""

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+|https?://[^\s<>\"']+")


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are compared; signs of scripts without spaces stand for themselves."""
    return [match[0].casefold() for match in _WORD.finditer(text)]


@dataclass(slots=True)
class ErasedText:
    """All that was said, as runs of words and as what names somebody; grows by `add`."""

    names: set[str] = field(default_factory=set)
    _runs: set[tuple[str, ...]] = field(default_factory=set)
    _telling: set[str] = field(default_factory=set)
    _vocabulary: set[str] = field(default_factory=set)

    def name(self, *names: str) -> None:
        """Note what the person is called: a name, an id, an address."""
        self.names |= {name.strip() for name in names if len(name.strip()) >= LEAST_NAME}

    def add(self, text: str) -> None:
        """Note a text of theirs."""
        words = words_of(text)
        self._vocabulary.update(words)
        # a number of three digits is an order, a phone or a date; a smaller one is anybody's
        self._telling.update(word for word in words if sum(sign.isdigit() for sign in word) >= 3)
        self._runs.update(tuple(words[at : at + size]) for size in (RUN, UNSPACED_RUN) for at in _starts(words, size))
        self.names |= {address for address in _ADDRESS.findall(text) if len(address) >= LEAST_NAME}

    def names_in(self, key: str) -> bool:
        """Whether a snake_case name holds what the person is called."""
        said = f" {' '.join(words_of(key))} "
        return any(f" {' '.join(words_of(name))} " in said for name in self.names if words_of(name))

    def quotes(self, text: str) -> bool:
        """Whether a text repeats a run of words of theirs, or names them."""
        words = words_of(text)
        runs = (tuple(words[at : at + size]) for size in (RUN, UNSPACED_RUN) for at in _starts(words, size))
        return any(run in self._runs for run in runs) or bool(self.names and self._pattern().search(text))

    def is_made_of_it(self, text: str) -> bool:
        """Whether a short text, such as a title, could be taken from what was said: most of its words are there."""
        words = words_of(text)
        return bool(words) and sum(word in self._vocabulary for word in words) >= 0.6 * len(words)

    def hidden(self, text: str) -> str:
        """Return a text with what quotes or names the person replaced; as it was if nothing does."""
        if not text:
            return text
        covered = self._quoted(text)
        if self.names:
            covered += [match.span() for match in self._pattern().finditer(text)]
        pieces, end = [], 0
        for start, stop in _joined(covered, text):
            pieces += [text[end:start], HIDDEN]
            end = stop
        return "".join([*pieces, text[end:]]) if pieces else text

    def hidden_in(self, value: Any) -> Any:
        """Return a JSON value with its texts, and texts that are keys, hidden."""
        if isinstance(value, str):
            return self.hidden(value)
        if isinstance(value, list):
            return [self.hidden_in(each) for each in value]
        if isinstance(value, dict):
            return {self.hidden(key): self.hidden_in(each) for key, each in value.items()}
        return value

    def _pattern(self) -> re.Pattern[str]:
        # the first that fits is taken, and of Ann Lee not only Ann is to be hidden
        longest_first = sorted(self.names, key=lambda name: (-len(name), name))
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

    def _quoted(self, text: str) -> list[tuple[int, int]]:
        found = list(_WORD.finditer(text))
        words = [match[0].casefold() for match in found]
        spans = [match.span() for match, word in zip(found, words, strict=True) if word in self._telling]
        for size in (RUN, UNSPACED_RUN):
            spans += [
                (found[at].start(), found[at + size - 1].end())
                for at in _starts(words, size)
                if tuple(words[at : at + size]) in self._runs
            ]
        return spans


def _starts(words: Sequence[str], size: int) -> Iterable[int]:
    """Yield where runs of this size begin: of four where some word is more than a sign, of eight where none is."""
    for at in range(len(words) - size + 1):
        is_unspaced = all(len(word) == 1 and re.match(f"[{_UNSPACED}]", word) for word in words[at : at + size])
        if is_unspaced == (size == UNSPACED_RUN):
            yield at


def _joined(spans: Iterable[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Return the spans in order, those that overlap or have nothing but spaces between them as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and (start <= joined[-1][1] or not text[joined[-1][1] : start].strip()):
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined
