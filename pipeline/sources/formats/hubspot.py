"""HubSpot: tickets as the CRM gives them (`properties`), and the messages of the conversations inbox."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import MessageFormat, ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word


class HubSpotTickets(ThreadFormat):
    name = "HubSpot tickets"
    says = {"text": "subject and content", "times": "createdate"}

    def fits(self, found: Found) -> float:
        properties = found.get("properties")
        if not isinstance(properties, dict) or not {"content", "subject"} & properties.keys():
            return 0.0
        return 1.0 if any(key.startswith(("hs_", "hubspot_")) for key in properties) or "archived" in found else 0.8

    def thread(self, found: Found, summary: Recognised) -> Thread:
        fields = {
            key: value.get("value") if isinstance(value, dict) else value  # the form before version 3
            for key, value in found["properties"].items()
        }
        at = fields.get("createdate") or found.get("createdAt")
        contacts = ((found.get("associations") or {}).get("contacts") or {}).get("results") or []
        email = fields.get("hs_ticket_contact_email") or fields.get("email")
        return Thread(
            [Said(text_of(fields.get("content")), "customer", at=at)],
            external_id=found.get("id") or found["objectId"],
            subject=text_of(fields.get("subject")),
            customer=email or contacts,
            at=at,
            url=text_of(found.get("url")),
            metadata=rest(fields, "subject", "content", "createdate", "email"),
        )


class HubSpotMessages(MessageFormat):
    name = "HubSpot conversations"
    says = {"customer": "sender", "text": "text", "times": "createdAt", "role": "direction"}

    def fits(self, found: Found) -> float:
        if "senders" not in found and found.get("direction") not in ("INCOMING", "OUTGOING"):
            return 0.0
        return 1.0 if {"conversationsThreadId", "threadId", "channelId"} & found.keys() else 0.0

    def message(self, found: Found) -> tuple[str, Said | None]:
        key = word(
            found.get("conversationsThreadId") or found.get("threadId") or found.get("conversationId") or "inbox"
        )
        if found.get("type") in ("COMMENT", "ASSIGNMENT", "THREAD_STATUS_CHANGE"):
            return key, None
        role = "customer" if found.get("direction") == "INCOMING" else "agent"
        sender = (found.get("senders") or [{}])[0]
        actor = word(sender.get("actorId"))
        if actor.startswith(("B-", "I-", "L-", "S-")) or found.get("type") == "WELCOME_MESSAGE":
            role = "bot"
        text = text_of(found.get("text")) or text_of(found.get("richText"))
        return key, Said(text, role, word(sender.get("name")) or actor, found.get("createdAt"))

    def describe(self, thread: Thread, found: Found) -> None:
        thread.subject = thread.subject or text_of(found.get("subject"))
        if found.get("direction") == "INCOMING" and not thread.customer:
            sender = (found.get("senders") or [{}])[0]
            thread.customer = (sender.get("deliveryIdentifier") or {}).get("value") or sender.get("actorId")
