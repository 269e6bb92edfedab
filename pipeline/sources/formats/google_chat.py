"""Google Chat as Google's data export gives it (`messages.json` of each conversation or space), and its API.

In the export, in a space with threads, `topic_id` is the message that a thread begins with. Between two people each
message has a topic of its own, so only answers are kept together by it; what begins a topic is told apart by pauses.
"""

from pipeline.sources.formats.base import Found, Head, Options, Stream
from pipeline.sources.formats.json_objects import ChatFormat, Rows
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.heads import head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.understanding import times
from pipeline.sources.understanding.chats import ChatMessage
from pipeline.sources.understanding.roles import AGENT
from pipeline.sources.understanding.threads import text_of, word


class GoogleChat(ChatFormat):
    name = "Google Chat"
    says = {"text": "text", "times": "created_date", "author": "creator", "conversation": "topic_id"}

    def __init__(self) -> None:
        self._space = ""  # of the message that was read last, as the API names it
        self._owner = ""  # whose data it is, as user_info.json says

    def fits(self, found: Found) -> float:
        if {"creator", "created_date"} <= found.keys() and {"topic_id", "message_id"} & found.keys():
            return 1.0
        return 1.0 if _is_of_api(found) and {"sender", "createTime"} <= found.keys() else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        for part in stream.companions:
            if part.basename == "user_info.json":
                user = head_of(part, options).envelope.get("user")
                self._owner = _address(user) if isinstance(user, dict) else ""
                if self._owner:
                    stream.summary.has_used(part.name)
                    stream.summary.note(f"The export is that of {self._owner}, who is read as the agent.")
        return super().records(stream, options)

    def chat_of(self, element: Element, part: Part, head: Head) -> str:
        return self._space or part.folder.rpartition("/")[2] or part.basename.removesuffix(".json")

    def message(self, found: Found, head: Head) -> ChatMessage | None:
        if _is_of_api(found):
            self._space = str(found["name"]).split("/")[1]
            return _message_of_api(found)
        creator = found["creator"]
        text = text_of(found.get("text"))
        if not text or str(creator.get("user_type", "Human")).casefold() not in ("human", ""):
            return None
        topic, own = word(found.get("topic_id")), word(found.get("message_id"))
        opener = f"{own.rpartition('/')[0]}/{topic}" if own else topic
        author = word(creator.get("name")) or word(creator.get("email"))
        reply_to = "" if opener == own else opener
        role = AGENT if self._owner and _address(creator) == self._owner else ""
        return ChatMessage(own or topic, author, text, times.read(found["created_date"]), reply_to=reply_to, role=role)


def _address(user: Found) -> str:
    return word(user.get("email")) or word(user.get("name"))


def _is_of_api(found: Found) -> bool:
    """Return whether a message is one of the API: its name leads through its space, `spaces/A/messages/B.C`."""
    return str(found.get("name", "")).startswith("spaces/") and "/messages/" in str(found["name"])


def _message_of_api(found: Found) -> ChatMessage | None:
    sender = found["sender"]
    text = text_of(found.get("text"))
    if not text or sender.get("type") == "BOT" or found.get("deletionMetadata"):
        return None
    author = word(sender.get("displayName")) or word(sender.get("name"))
    thread = word((found.get("thread") or {}).get("name")).rpartition("/")[2]
    return ChatMessage(str(found["name"]), author, text, times.read(found["createTime"]), thread=thread)
