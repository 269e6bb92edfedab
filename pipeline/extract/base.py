"""What every extractor promises: it reads transcripts and answers, and touches no row.

The answer is kept as it came (`Call.answer`), so that a mistake in reading it can be mended later without asking again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, runtime_checkable

from django.conf import settings
from django.utils.module_loading import import_string

from pipeline.extract.profiles import Profile
from pipeline.ledger.transcript import Transcript
from pipeline.models.refusal import Refusal


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
    """Reads conversations.

    `version` changes whenever an answer would; `model` and `dimension` name the vectors' space, and vectors of
    different models are never compared. Each answer of one that `is_paid` is stored before the next is asked for.
    """

    name: str
    version: str
    model: str
    dimension: int

    @property
    def is_paid(self) -> bool: ...

    def read(self, transcripts: Sequence[Transcript], profile: Profile) -> Iterator[Answer]:
        """Yield one answer a transcript, in their order, whatever else is in the batch.

        Raises whatever the reader raises; the caller then reads the transcripts one by one, so that one bad
        conversation costs only itself.
        """
        ...


@runtime_checkable
class Checked(Protocol):
    """An extractor that can say before a run, without spending anything, whether it could read now."""

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
        raise UnknownExtractor(f"there is no extractor {name!r}; registered are: {known}") from None
    extractor: Extractor = import_string(path)()
    return extractor
