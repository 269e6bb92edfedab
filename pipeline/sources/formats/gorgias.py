"""Gorgias: tickets with their messages, and plain lists of messages. `from_agent` says who speaks."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import MessageFormat, ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word


class GorgiasTickets(ThreadFormat):
    name = "Gorgias tickets"
    says = {"customer": "customer", "text": "subject and messages", "times": "created_datetime", "role": "from_agent"}

    def fits(self, found: Found) -> float:
        messages = found.get("messages")
        if isinstance(messages, list) and messages and isinstance(messages[0], dict) and "from_agent" in messages[0]:
            return 1.0
        first = found.get("first_message")
        if isinstance(first, dict) and "from_agent" in first:
            return 1.0
        return 0.8 if {"created_datetime", "customer", "channel"} <= found.keys() else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        given = found.get("messages") or [each for each in (found.get("first_message"),) if each]
        messages = sorted(given, key=lambda each: str(each.get("created_datetime") or each.get("sent_datetime") or ""))
        said = [_said(each) for each in messages if each.get("public") is not False]
        if not said and found.get("excerpt"):
            said = [Said(text_of(found["excerpt"]), "customer", at=found.get("created_datetime"))]
            summary.note("The export has tickets without messages, so only their excerpts were read.")
        return Thread(
            said,
            external_id=found["id"],
            subject=text_of(found.get("subject")),
            customer=found.get("customer") or found.get("requester"),
            at=found.get("created_datetime"),
            metadata=rest(found, "id", "uri", "subject", "excerpt", "created_datetime"),
        )


class GorgiasMessages(MessageFormat):
    """The answer of `/api/messages`: each names its ticket."""

    name = "Gorgias messages"
    says = {"customer": "sender", "text": "body_text", "times": "created_datetime", "role": "from_agent"}

    def fits(self, found: Found) -> float:
        return 1.0 if {"from_agent", "ticket_id"} <= found.keys() else 0.0

    def message(self, found: Found) -> tuple[str, Said | None]:
        return word(found["ticket_id"]), None if found.get("public") is False else _said(found)

    def describe(self, thread: Thread, found: Found) -> None:
        thread.subject = thread.subject or text_of(found.get("subject"))
        if not found.get("from_agent") and not thread.customer:
            thread.customer = found.get("sender")


def _said(message: Found) -> Said:
    sender = message.get("sender") or {}
    text = next(
        (text for key in ("body_text", "stripped_text", "body_html") if (text := text_of(message.get(key)))), ""
    )
    role = "agent" if message.get("from_agent") else "customer"
    at = message.get("created_datetime") or message.get("sent_datetime")
    return Said(text, role, word(sender.get("name")) or word(sender.get("email")), at)
