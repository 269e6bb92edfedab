"""How a profile reads a conversation with a language model: all that a profile has to say, and nothing of how it is
asked.

A profile has a `Prompt`: a version, and a function that reads one conversation. That function is a generator. It yields
one question after another and is sent the answer to each; what it returns is the reading.

    class Found(BaseModel):                                   # the answer: what is on the wire is made of it
        themes: list[FoundTheme]

    def read(conversation: Transcript, known: object) -> Steps:
        kind = yield from whole(Ask(Call.Step.CLASSIFY, messages, Kind))
        if kind.category == "spam":
            return Reading(category="spam", filtered_because=kind.reason)
        found = yield from whole(Ask(Call.Step.EXTRACT, messages, Found))
        return Reading(category=kind.category, themes=[...])

    PROMPT = Prompt(version="mine-1", read=read)

The engine does the rest. It sends the question, stores the bytes of the answer as a `Call` before anybody looks at
them, checks them, repairs what is safe to repair, asks once more for what is missing, and only then sends the answer
into the generator. Where an answer is stored already, it is sent in without asking: so a generator must do the same
whenever it is sent the same, which is why it touches no database, no clock and no network. That is also how a run is
salvaged, and how a change in the generator is tried on answers that are paid for.

What a question must hold to:

- `answer` is a Pydantic model. What goes to the provider is a schema made of it (see `wire`) in the subset that all
  providers know; limits, patterns and default values are checked here afterwards, always. Let every field be required
  in what you ask for: a model that may leave a field out will.
- A question is about the conversation as a whole, or about `units` of it: verses, messages, instances found before.
  Then `answer` is the model of one unit, its field `unit_field` says which, and each unit must be answered exactly
  once. Those that are missing, wrong or answered twice are asked for once more, and only those.
- What is the same for all conversations comes first in `messages`: providers charge less for a beginning that they
  have just read. The conversation comes last, as data (`as_data`), never as instruction.

An answer that cannot be had ends the conversation with a typed reason (`faults`), by an `AnswerFault` that is thrown
into the generator where it waits. A step that may be missing catches it; a label that stands for "don't know" must
never be made up in its place.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from pipeline.extract.themes import Reading
from pipeline.ledger.transcript import Question, Transcript
from pipeline.models import Call

if TYPE_CHECKING:
    from pipeline.extract.profiles import Profile

A = TypeVar("A", bound=BaseModel)
R = TypeVar("R")

WHOLE = ""
"""The unit of a question that is about the conversation as a whole."""


class Say(NamedTuple):
    """One message of a question; `role` is system, user or assistant."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Ask(Generic[A]):
    """One question to the model about one conversation.

    `step` and `part` name it: within one reading no two questions may share both. `part` is for a conversation that is
    too long for one question, as `verses 1-40`. `units` are the units each of which is to be answered once; without
    any the answer is about the whole. `most_tokens` bounds the answer, and so what it can cost.
    """

    step: Call.Step
    messages: tuple[Say, ...]
    answer: type[A]
    units: tuple[str, ...] = ()
    unit_field: str = "unit"
    part: str = ""
    most_tokens: int = 4096

    def __post_init__(self) -> None:
        if len(set(self.units)) != len(self.units) or WHOLE in self.units:
            raise ValueError(f"the units of a question must differ and have names; these are {self.units}")
        if self.units and self.unit_field not in self.answer.model_fields:
            raise ValueError(f"{self.answer.__name__} has no field {self.unit_field!r} that says which unit it is")


Asks = Generator[Ask[Any], dict[str, Any], R]
"""Questions under way: yields each, is sent its answer by unit, returns what they come to."""

Steps = Asks[Reading]
"""A reading under way."""


def whole(ask: Ask[A]) -> Generator[Ask[Any], dict[str, Any], A]:
    """Ask about the conversation as a whole and return the answer: `found = yield from whole(Ask(...))`."""
    if ask.units:
        raise ValueError("a question about the whole conversation has no units")
    answers: dict[str, A] = yield ask
    return answers[WHOLE]


def each(ask: Ask[A]) -> Generator[Ask[Any], dict[str, Any], dict[str, A]]:
    """Ask about units and return the answer to each, in the order of the units; nothing is asked if there are none."""
    if not ask.units:
        return {}
    answers: dict[str, A] = yield ask
    return {unit: answers[unit] for unit in ask.units}


Encode = Callable[[Sequence[str]], Any]
"""Texts to unit vectors, (n, d) float32, by the model that makes the vectors of themes."""

Prepare = Callable[["Profile", Sequence[Question], Encode], Mapping[int, object]]
"""What a profile looks up before reading: itself, with the vocabulary of the run, and some questions in; what each
reading is to know out, by the question's key. Called on the task's own thread, where the database may be asked."""


def nothing_known(_profile: "Profile", _questions: Sequence[Question], _encode: Encode) -> Mapping[int, object]:
    """Return nothing: what a profile prepares that needs nothing from the database."""
    return {}


@dataclass(frozen=True, slots=True)
class Prompt:
    """How a profile reads with a language model.

    `version` changes whenever an answer would: it is stored with each call. `read` is given the conversation and what
    `prepare` said of it (None if nothing). What is prepared may differ from one time to the next; stored answers are
    used all the same, because they are found by the conversation, the step and the part and not by the words sent.
    """

    version: str
    read: Callable[[Transcript, Any], Steps]
    prepare: Prepare = nothing_known


def as_data(transcript: Transcript) -> str:
    """Return a conversation as data for a message: one JSON object a line, with number, role and the author's own text.

    JSON keeps what is said apart from the instructions around it: no text can close its quotes, pretend to be another
    turn or end the list.
    """
    lines = [
        json.dumps({"message": number, "role": message.role, "text": message.own_text}, ensure_ascii=False)
        for number, message in enumerate(transcript.messages, 1)
    ]
    return "\n".join(lines)
