"""What goes in and out of the HTTP API; a webhook's body is what a poll returns."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, model_validator

from sessions.chat.users import LONGEST_ID, zone_names

LONGEST_TEXT = 10_000
LONGEST_URL = 2_000
MOST_IMAGES = 10
LARGEST_ROW_ID = 2**63 - 1
_HTTP_URL = TypeAdapter(HttpUrl)


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain a NUL character")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _http_url(value: str) -> str:
    _HTTP_URL.validate_python(value)
    return value


def _zone(value: str) -> str:
    if value not in zone_names():
        raise ValueError("must be the name of a time zone, such as Europe/Berlin")
    return value


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_ID), AfterValidator(_storable), AfterValidator(_not_blank)]
Choice = Annotated[str, Field(max_length=LONGEST_ID), AfterValidator(_storable)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_storable)]
ImageUrl = Annotated[str, Field(max_length=LONGEST_URL), AfterValidator(_storable), AfterValidator(_http_url)]
Zone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]
Limit = Annotated[int, Field(ge=1, le=200)]
RowId = Annotated[int, Field(ge=1, le=LARGEST_ROW_ID)]


# --- In -----------------------------------------------------------------------------------------------------------


class In(BaseModel):
    """A body; a field it does not know is refused, for it may be a typing error."""

    model_config = ConfigDict(extra="forbid")


class MessageIn(In):
    """What a user wrote or clicked. `key` is the sender's id of it: sent again, it is stored and answered once."""

    user_id: Name
    key: Name
    text: Text = ""
    image_urls: Annotated[list[ImageUrl], Field(max_length=MOST_IMAGES)] = []
    zone: Annotated[Zone | None, Field(description="the user's time zone; remembered for later messages")] = None
    project_id: Annotated[Choice | None, Field(description="the project shown to the user; empty: none")] = None
    task_id: Annotated[Choice | None, Field(description="the task shown to the user; empty: none")] = None

    @model_validator(mode="after")
    def _says_something(self) -> "MessageIn":
        if not self.text.strip() and not self.image_urls:
            raise ValueError("a message needs text or an image")
        return self


class SaidIn(In):
    """What a person answers instead of the automation."""

    by: Name
    key: Name
    text: Annotated[Text, Field(min_length=1)]


class TakeoverIn(In):
    """Who answers the user, and until when; left out, for the length the setting says."""

    user_id: Name
    by: Name
    until: AwareDatetime | None = None


class ReleaseIn(In):
    user_id: Name
    by: Name


# --- Out ----------------------------------------------------------------------------------------------------------


class Accepted(Schema):
    """A message is stored. The same for every delivery of it; `poll` is where its answer will be."""

    id: int
    user_id: str
    key: str
    session_id: int
    sent_at: datetime
    poll: str


class OptionOut(Schema):
    key: str
    label: str
    value: str


class MessageOut(Schema):
    id: int
    session_id: int
    user_id: str
    key: str
    role: str
    author: str
    state: str
    text: str
    image_urls: list[str]
    shown: list[OptionOut]
    in_reply_to_id: int | None
    sent_at: datetime


class AnswerOut(Schema):
    """A user's message and what became of it; `reply` is null until there is one."""

    message: MessageOut
    reply: MessageOut | None


class SessionOut(Schema):
    id: int
    user_id: str
    zone: str
    state: str
    started_at: datetime
    last_message_at: datetime
    ended_at: datetime | None
    ended_reason: str
    message_count: int
    reply_count: int

    @staticmethod
    def resolve_message_count(row: Any) -> int:
        # the message that began it, and each that used it again
        return int(row.reuse_count) + 1


class TakeoverOut(Schema):
    user_id: str
    taken_by: str
    taken_at: datetime
    until: datetime


class Changed(Schema):
    """`changed` is false when there was nothing to change; that is no error."""

    changed: bool


class SessionChanged(Changed):
    session: SessionOut


class History(Schema):
    """A page of messages; `next` is the id to go on with, null on the last page."""

    messages: list[MessageOut]
    next: int | None


class MetricsOut(Schema):
    created: int
    reused: int
    ratio: float | None
    verdict: str
    rapid_creates: int
    context_losses: int
    active: int
    duplicate_active: int
