"""What every extractor promises: it reads transcripts and answers, and touches no row.

The answer is kept as it came (`Call.answer`), so that a mistake in reading it can be corrected later without asking
again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, TypeGuard, cast, runtime_checkable

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string

from pipeline.extract.llm.steps import Prompt
from pipeline.extract.profiles import Profile
from pipeline.ledger.transcript import Question, Transcript
from pipeline.models.refusal import Refusal

Vectors = np.ndarray
"""float32 numbers; which shape, each function says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One raw answer: `text` is JSON in the form of `Reading`; `vectors` are float32, one row a theme, in its order.

    `flaws` count what had to be put right to read it, as in `Item.flaws`.
    """

    text: str
    vectors: bytes = b""
    finish_reason: str = "stop"
    input_tokens: int = 0
    output_tokens: int = 0
    flaws: Mapping[str, int] = field(default_factory=dict)


class Extractor(Protocol):
    """Reads conversations, in one of two ways: `AtOnce`, or by `Asking` a language model several times.

    `version` changes whenever an answer would; `model` and `dimension` name the vectors' space, and vectors of
    different models are never compared. Each answer of one that `is_paid` is stored before the next is asked for.
    """

    name: str
    version: str
    model: str
    dimension: int

    @property
    def is_paid(self) -> bool: ...


class AtOnce(Extractor, Protocol):
    """Reads a batch of conversations by itself, with one answer to each."""

    def read(self, transcripts: Sequence[Transcript], profile: Profile) -> Iterator[Answer]:
        """Yield one answer a transcript, in their order, whatever else is in the batch.

        Raises whatever the reader raises; the caller then reads the transcripts one by one, so that one bad
        conversation costs only itself.
        """
        ...


class Asking(Extractor, Protocol):
    """Reads by the questions of the profile's prompt, each of which is a call; `llm.asking` puts them."""

    def prompt_of(self, profile: Profile) -> Prompt:
        """Return how the profile reads with a language model; Refusal if it does not."""
        ...

    def reread(
        self, question: Question, bodies: Mapping[tuple[str, str], bytes], profile: Profile, known: object
    ) -> Answer:
        """Return what stored answers say, without vectors; AnswerFault where one is of no use or missing."""
        ...

    def embed(self, transcript: Transcript, answer: Answer, profile: Profile) -> Answer:
        """Return the answer with a vector for each theme."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of texts, (n, d) float32, in the space of the themes' vectors."""
        ...

    def told(self) -> str:
        """Return in words which model is asked, where, how and at what price."""
        ...

    def vector_of(self, summary: str, quotes: list[str]) -> Vectors:
        """Return the unit vector of a theme, (d,) float32, from its summary and its verified quotes."""
        ...


def asks(extractor: Extractor) -> TypeGuard[Asking]:
    """Whether an extractor reads by asking a language model. No property is looked at: some load a model."""
    return hasattr(type(extractor), "prompt_of")


class NotAtOnce(Refusal):
    """The extractor asks a language model, and this needs one that reads by itself."""


def at_once(extractor: Extractor) -> AtOnce:
    """Return an extractor that reads by itself; NotAtOnce for one that asks a language model."""
    if asks(extractor):
        raise NotAtOnce(f"the extractor {extractor.name} can only be used in runs. Use local here.")
    return cast(AtOnce, extractor)


@runtime_checkable
class Checked(Protocol):
    """An extractor that can say before a run, at next to no cost, whether it could read now."""

    def check(self) -> None:
        """Return if it could read; raise what it would raise when reading, with what to do."""
        ...


class UnknownExtractor(Refusal):
    """No extractor of that name is registered."""


@cache
def get_extractor(name: str) -> Extractor:
    """Return the registered extractor, made once a process; UnknownExtractor names the registered ones."""
    try:
        path = settings.EXTRACTORS[name]
    except KeyError:
        known = ", ".join(sorted(settings.EXTRACTORS))
        raise UnknownExtractor(f"there is no extractor {name!r}. Extractors: {known}") from None
    extractor: Extractor = import_string(path)()
    return extractor
