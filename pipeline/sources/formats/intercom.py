"""Intercom conversations: the source message and the parts, as the API, its list pages and exports give them."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word

_ROLES = {"user": "customer", "lead": "customer", "contact": "customer", "visitor": "customer", "admin": "agent",
          "team": "agent", "bot": "bot"}  # fmt: skip


class IntercomConversations(ThreadFormat):
    name = "Intercom conversations"
    says = {
        "customer": "contact",
        "text": "source and conversation parts",
        "times": "created_at",
        "role": "author.type",
    }

    def fits(self, found: Found) -> float:
        if "conversation_parts" in found and ("source" in found or "conversation_message" in found):
            return 1.0
        source = found.get("source")
        is_own = isinstance(source, dict) and "delivered_as" in source
        return 0.95 if is_own or ("conversation_parts" in found and "created_at" in found) else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        source = found.get("source") or found.get("conversation_message") or {}
        parts = found.get("conversation_parts") or {}
        parts = parts.get("conversation_parts", []) if isinstance(parts, dict) else parts
        if len(parts) >= 500:
            summary.note("Intercom exports at most 500 parts per conversation; later ones are not in this file.")
        messages = [_said(source, source.get("created_at") or found.get("created_at"))]
        messages += [
            _said(part, part.get("created_at"))
            for part in sorted(parts, key=lambda each: each.get("created_at") or 0)
            if part.get("part_type") not in ("note", "note_and_reopen") and not part.get("redacted")
        ]
        contacts = found.get("contacts") or found.get("user") or []
        contacts = contacts.get("contacts", [contacts]) if isinstance(contacts, dict) else contacts
        author = source.get("author") or {}
        is_customer = _ROLES.get(author.get("type", ""), "customer") == "customer" and author
        return Thread(
            messages,
            external_id=found["id"],
            subject=text_of(found.get("title") or source.get("subject")),
            customer=author if is_customer else contacts,
            at=found.get("created_at"),
            url=text_of((found.get("links") or {}).get("conversation_web")) or text_of(source.get("url")),
            metadata=rest(found, "id", "title", "created_at", "type"),
        )


def _said(part: Found, at: object) -> Said:
    author = part.get("author") or {}
    kind = str(author.get("type", "")).casefold()
    role = "bot" if author.get("from_ai_agent") or author.get("is_ai_answer") else _ROLES.get(kind, kind)
    return Said(text_of(part.get("body")), role, word(author.get("name")) or word(author.get("email")), at)
