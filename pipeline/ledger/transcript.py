"""What was said in one version of a conversation, as a reader sees it.

Made from the stored messages by whoever claims, plans or verifies; readers get nothing else of a conversation, and
evidence is verified against `Transcript.text`. Nothing here reads or writes a row.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.sources.own_words.reading import left_out_of_thread
from pipeline.sources.own_words.repeated import NOTHING_REPEATED, Repeated
from pipeline.sources.understanding.language import language_of

CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is customer, agent, system or another word of the source.

    `left_out` are the parts of the text that are not its author's own words (a quoted reply, a signature, what many
    conversations share): (start, end, reason), sorted and disjoint. They stay in `text`, so that offsets stay true.
    """

    role: str
    text: str
    author: str = ""
    created_at: datetime | None = None
    left_out: tuple[tuple[int, int, str], ...] = ()
    unit: str = ""
    """The part of the conversation it belongs to, where such are told apart: the verse `3:12` of a book."""
    language: str = ""
    """As its source says; empty where nobody said."""

    @property
    def own_text(self) -> str:
        """The author's own words: the text without what is left out, a line break in the place of each part."""
        # the gaps between what is left out; one line break for each part keeps words on both sides from running
        # together
        starts = (0, *(end for _, end, _ in self.left_out))
        ends = (*(start for start, _, _ in self.left_out), len(self.text))
        return "\n".join(self.text[start:end] for start, end in zip(starts, ends, strict=True))


@dataclass(frozen=True, slots=True)
class Transcript:
    """One version of a conversation as an extractor sees it; `key` names it in errors."""

    key: str
    messages: tuple[Message, ...]
    customer: str = ""
    """As the customer's record calls them; empty if it is not known."""

    @property
    def text(self) -> str:
        """The whole conversation, the messages joined by newlines: evidence offsets count in this text."""
        return "\n".join(message.text for message in self.messages)

    def span_of(self, unit: str) -> tuple[int, int]:
        """Return where a unit stands in the text, (start, end); the whole text if no message is of that unit."""
        place, spans = 0, []
        for message in self.messages:
            if unit and message.unit == unit:
                spans.append((place, place + len(message.text)))
            # the newline that joins messages in `text`
            place += len(message.text) + 1
        return (spans[0][0], spans[-1][1]) if spans else (0, max(place - 1, 0))

    @property
    def why_nothing_own(self) -> str:
        """Why no word of the customer's own is left, such as `automatic notice`; empty where one is."""
        # letters or digits: a message of which only `--` or an emoji is left says nothing of its own
        said = [message for message in self.messages if message.role == CUSTOMER] or list(self.messages)
        if any(any(map(str.isalnum, message.own_text)) for message in said):
            return ""
        return ", ".join(sorted({reason for message in said for _, _, reason in message.left_out}))

    @property
    def customer_text(self) -> str:
        """The customer's own words, messages joined by newlines; everybody's when no message is the customer's."""
        own = [message.own_text for message in self.messages if message.role == CUSTOMER]
        return "\n".join(own) or "\n".join(message.own_text for message in self.messages)

    @property
    def language(self) -> str:
        """The language of the customer's own words, as `sources.language` names it."""
        return language_of(self.customer_text)


@dataclass(frozen=True, slots=True)
class Question:
    """A transcript to be read; `key` tells its answer from those to other questions asked together."""

    key: int
    transcript: Transcript


Turns = Sequence[Mapping[str, str]]
"""The messages of a conversation as a version stores them."""


def transcript_of(
    key: str, messages: str | Turns, repeated: Repeated = NOTHING_REPEATED, customer: str = ""
) -> Transcript:
    """Return stored messages (JSON or its list) as an extractor reads them.

    `repeated` is what the conversations of their source share: it is left out with the rest that is not said by the
    authors themselves.
    """
    turns: Turns = json.loads(messages) if isinstance(messages, str) else messages
    return Transcript(key=key, customer=customer, messages=tuple(messages_of(turns, repeated)))


def messages_of(turns: Turns, repeated: Repeated = NOTHING_REPEATED) -> Iterator[Message]:
    """Yield the messages of a conversation one by one, as `transcript_of` has them: own words are told apart as they
    are asked for, so the first messages of a long thread cost no more than themselves.
    """
    left_out = left_out_of_thread(((turn.get("role", ""), turn["text"]) for turn in turns), repeated)
    for turn, spans in zip(turns, left_out, strict=True):
        yield Message(
            turn.get("role", ""),
            turn["text"],
            author=turn.get("author", ""),
            left_out=spans,
            unit=turn.get("unit", ""),
            language=turn.get("language", ""),
        )
