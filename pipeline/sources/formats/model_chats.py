"""Chats with language models as they are collected and trained on: OpenAI's messages, ShareGPT, WildChat, LMSYS.

Content may be a list of parts: their texts are read, pictures and tool calls are left out.
"""

from collections.abc import Iterable
from typing import Any

from pipeline.sources.formats.base import Found, Head, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.parsing.elements import Path
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word

_SAYS = {"text": "content", "role": "role"}
_MODEL_ROLES = {"system", "user", "assistant", "tool", "developer", "function"}


class OpenAiMessages(ThreadFormat):
    """Lines for fine-tuning and logs of requests: `messages` of role and content, mostly without an id."""

    name = "OpenAI messages"
    says = _SAYS

    def fits(self, found: Found) -> float:
        if isinstance(found.get("prompt"), str) and isinstance(found.get("completion"), str):
            return 0.8
        messages = found.get("messages")
        if not _are_messages(messages, "role", ("content", "tool_calls", "function_call")):
            return 0.0
        assert isinstance(messages, list)
        if not {word(each.get("role")) for each in messages} <= _MODEL_ROLES or any(
            "text" in each for each in messages
        ):
            return 0.0
        has_parts = any(isinstance(each.get("content"), list) for each in messages)
        return 0.9 if has_parts or "id" not in found else 0.4

    def _best(self, head: Head) -> tuple[float, Path]:
        """Return the best fit; a poor one where the messages are the `request`, or the `inputs`, of a log's entry.

        The entry has the id, the time, the user and the answer: it is read as any JSON is.
        """
        sure, path = super()._best(head)
        entries = head.lists.get(path[:-1], ()) if path else ()
        is_within = bool(entries) and all(isinstance(each.get(path[-1]), dict) for each in entries)
        return (0.4 * sure if is_within else sure), path

    def thread(self, found: Found, summary: Recognised) -> Thread:
        if "messages" not in found:
            messages = [Said(text_of(found["prompt"]), "user"), Said(text_of(found["completion"]), "assistant")]
        else:
            messages = _said(found["messages"], "role", "content")
        return Thread(
            messages,
            external_id=found.get("id") or found.get("conversation_id"),
            customer=found.get("customer") or found.get("user"),
            at=found.get("created_at") or found.get("created") or found.get("timestamp"),
            label=word(found.get("label")),
            metadata=rest(found, "id", "prompt", "completion", "label", "customer", "created_at"),
        )


class OpenAssistantTrees(ThreadFormat):
    """Trees of answers: of each message the first reply is followed, which is the best rated one."""

    name = "OpenAssistant trees"
    says = {"text": "text", "role": "role", "times": "created_date"}

    def fits(self, found: Found) -> float:
        prompt = found.get("prompt")
        return 1.0 if isinstance(prompt, dict) and {"text", "role", "replies"} <= prompt.keys() else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        node, said = found["prompt"], list[Said]()
        while node:
            said.append(Said(text_of(node["text"]), node["role"], at=node.get("created_date")))
            node = next(iter(node.get("replies") or []), None)
        return Thread(said, external_id=found.get("message_tree_id"), at=said[0].at)


class ShareGptConversations(ThreadFormat):
    name = "ShareGPT conversations"
    says = {"text": "value", "role": "from"}

    def fits(self, found: Found) -> float:
        given = found.get("conversations") or found.get("items") or found.get("conversation")
        return 0.97 if _are_messages(given, "from", ("value",)) else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        given = found.get("conversations") or found.get("items") or found.get("conversation")
        return Thread(
            _said(given or [], "from", "value"),
            external_id=found.get("id"),
            at=found.get("created_at") or found.get("timestamp"),
            metadata=rest(found, "id"),
        )


class WildChatConversations(ThreadFormat):
    """WildChat and LMSYS: `conversation` of role and content, `conversation_hash` or `conversation_id`."""

    name = "WildChat conversations"
    says = {**_SAYS, "times": "timestamp", "customer": "hashed_ip"}

    def fits(self, found: Found) -> float:
        return 0.97 if _are_messages(found.get("conversation"), "role", ("content",)) else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        return Thread(
            _said(found["conversation"], "role", "content"),
            external_id=found.get("conversation_hash") or found.get("conversation_id") or found.get("id"),
            customer=found.get("hashed_ip") or found.get("user_id"),
            at=found.get("timestamp") or found.get("tstamp"),
            metadata=rest(found, "conversation_hash", "conversation_id", "timestamp", "hashed_ip"),
        )


def _are_messages(value: object, role: str, contents: tuple[str, ...]) -> bool:
    """Return whether a value is a list of objects that say who speaks and what."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and role in each and any(key in each for key in contents) for each in value[:20])
    )


def _said(messages: Iterable[dict[str, Any]], role: str, content: str) -> list[Said]:
    return [
        Said(text_of(each.get(content)), word(each.get(role)), at=each.get("timestamp") or each.get("created_at"))
        for each in messages
    ]
