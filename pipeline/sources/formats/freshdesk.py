"""Freshdesk tickets: of the API with their conversations, and of the account's JSON export (`helpdesk_ticket`)."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word

_OWN = {"description_text", "fr_escalated", "cc_emails", "fwd_emails", "reply_cc_emails", "spam", "due_by", "fr_due_by",
        "responder_id", "is_escalated", "display_id", "conversations"}  # fmt: skip

_OUTBOUND = 10
"""The source of a ticket that an agent began by writing to the customer."""


class FreshdeskTickets(ThreadFormat):
    name = "Freshdesk tickets"
    says = {"customer": "requester", "text": "subject, description and conversations", "times": "created_at",
            "role": "incoming"}  # fmt: skip

    def fits(self, found: Found) -> float:
        if isinstance(found.get("helpdesk_ticket"), dict):
            return 1.0
        conversations = found.get("conversations")
        first = conversations[0] if isinstance(conversations, list) and conversations else {}
        if isinstance(first, dict) and "incoming" in first:
            return 1.0
        if not ("requester_id" in found or "requester" in found) or "description" not in found:
            return 0.0
        return 0.95 if len(_OWN & found.keys()) >= 2 else 0.8 if "description_text" in found else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        found = found.get("helpdesk_ticket", found)
        description = found.get("description_text") or found.get("description")
        opener = "agent" if found.get("source") == _OUTBOUND else "customer"
        messages = [Said(text_of(description), opener, at=found.get("created_at"))]
        said = [each.get("note", each) for each in found.get("conversations") or found.get("notes") or []]
        for each in sorted(said, key=lambda each: str(each.get("created_at", ""))):
            if not each.get("private"):
                role = "customer" if each.get("incoming") else "agent"
                text = text_of(each.get("body_text") or each.get("body"))
                messages.append(Said(text, role, word(each.get("user_id")), each.get("created_at")))
        customer = found.get("requester") or found.get("email") or found.get("requester_id")
        return Thread(
            messages,
            external_id=found.get("id") or found["display_id"],
            subject=text_of(found.get("subject")),
            customer=customer or found.get("requester_name"),
            at=found.get("created_at"),
            metadata=rest(found, "id", "subject", "description", "description_text", "created_at", "requester_id"),
        )
