"""ChatGPT's data export: each conversation is a tree of messages, of which the branch last shown is read."""

from typing import Any

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word

_READ = ("text", "multimodal_text", "")


class ChatGptConversations(ThreadFormat):
    name = "ChatGPT conversations"
    says = {"text": "content.parts", "times": "create_time", "role": "author.role"}

    def fits(self, found: Found) -> float:
        mapping = found.get("mapping")
        return 1.0 if isinstance(mapping, dict) and {"current_node", "create_time", "title"} & found.keys() else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        return Thread(
            [said for node in _branch(found) if (said := _said(node.get("message")))],
            external_id=found.get("conversation_id") or found.get("id"),
            at=found.get("create_time"),
            metadata=rest(found, "id", "conversation_id", "mapping", "current_node", "create_time"),
        )


def _branch(found: Found) -> list[dict[str, Any]]:
    """Return the nodes from the root to the current one, or to the youngest where none is current."""
    mapping = found["mapping"]
    current = found.get("current_node")
    if current not in mapping:
        ages = {key: ((node or {}).get("message") or {}).get("create_time") or 0 for key, node in mapping.items()}
        current = max(ages, key=lambda key: ages[key], default=None)
    nodes: list[dict[str, Any]] = []
    seen: set[str] = set()
    while isinstance(current, str) and current in mapping and current not in seen:
        seen.add(current)
        nodes.append(mapping[current])
        current = mapping[current].get("parent")
    return nodes[::-1]


def _said(message: Found | None) -> Said | None:
    if not message or (message.get("metadata") or {}).get("is_visually_hidden_from_conversation"):
        return None
    if message.get("recipient") not in (None, "", "all"):  # what a model writes to a tool is said to nobody
        return None
    content = message.get("content") or {}
    if (content.get("content_type") or "") not in _READ:
        return None
    parts = content.get("parts")
    text = text_of(parts) if isinstance(parts, list) else text_of(content)
    author = message.get("author") or {}
    return Said(text, word(author.get("role")), at=message.get("create_time"))
