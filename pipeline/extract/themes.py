"""What any reader says of a conversation, once its answer is understood."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ProposedTheme(BaseModel):
    """One theme as an extractor proposes it.

    `details` is what its profile asks for beyond the columns of a theme (severity, root cause ...), as JSON, and
    `quote_details` what it asks for of each quote (the kind of a figure ...), in the order of the quotes or empty.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    signature: str = Field(min_length=1, max_length=200, description="snake_case, feature then symptom")
    category: str
    summary: str = Field(min_length=1, description="one sentence")
    quotes: list[str] = Field(default_factory=list, description="verbatim parts of the conversation")
    confidence: float = Field(ge=0, le=1)
    details: dict[str, Any] = Field(default_factory=dict)
    quote_details: list[dict[str, Any]] = Field(default_factory=list)

    def details_of(self, quote: str) -> dict[str, Any]:
        """Return what is said of a quote; of one that is there twice, what is said of it first."""
        place = self.quotes.index(quote)
        return self.quote_details[place] if place < len(self.quote_details) else {}


class Reading(BaseModel):
    """An extractor's answer, parsed: `filtered_because` is set when the conversation does not go on.

    `unread_language` is the conversation's language if the reader's model does not know it. `left_out` says what was
    not read of a conversation that is too long; empty if all of it was.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    category: str
    filtered_because: str = ""
    unread_language: str = ""
    left_out: str = ""
    themes: list[ProposedTheme] = Field(default_factory=list)
