"""What was said in one version of a conversation, as a reader sees it."""

import json
from dataclasses import dataclass
from datetime import datetime

CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is customer, agent, system or another word of the source."""

    role: str
    text: str
    author: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """One version of a conversation as an extractor sees it; `key` names it in errors."""

    key: str
    messages: tuple[Message, ...]

    @property
    def text(self) -> str:
        """The whole conversation, the messages joined by newlines: evidence offsets count in this text."""
        return "\n".join(message.text for message in self.messages)

    @property
    def customer_text(self) -> str:
        """The customer's side, messages joined by newlines; all of it when no message is the customer's."""
        own = [message.text for message in self.messages if message.role == CUSTOMER]
        return "\n".join(own) or self.text


def transcript_of(key: str, messages: str | list[dict[str, str]]) -> Transcript:
    """Return stored messages (JSON or its list) as an extractor reads them."""
    turns = json.loads(messages) if isinstance(messages, str) else messages
    return Transcript(
        key=key,
        messages=tuple(
            Message(role=turn.get("role", ""), author=turn.get("author", ""), text=turn["text"]) for turn in turns
        ),
    )
