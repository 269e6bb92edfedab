"""Front: conversations with their messages, and plain lists of messages (`_results`)."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import MessageFormat, ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word


class FrontConversations(ThreadFormat):
    name = "Front conversations"
    says = {"customer": "recipient", "text": "subject and messages", "times": "created_at", "role": "is_inbound"}

    def fits(self, found: Found) -> float:
        links = found.get("_links")
        own = str(links.get("self", "")) if isinstance(links, dict) else ""
        is_conversation = str(found.get("id", "")).startswith("cnv_") or "/conversations/cnv_" in own
        # a message, or a comment, links to its conversation too
        if not is_conversation or "is_inbound" in found or found.get("_type") in ("message", "comment"):
            return 0.0
        return 1.0 if {"messages", "_messages", "last_message", "subject"} & found.keys() else 0.5

    def thread(self, found: Found, summary: Recognised) -> Thread:
        given = found.get("messages") or found.get("_messages") or []
        given = given.get("_results", []) if isinstance(given, dict) else given
        if not given and found.get("last_message"):
            given = [found["last_message"]]
            summary.note(
                "The export has conversations without their messages, so only the last message of each was read."
            )
        sent = [each for each in given if not _is_draft(each)]
        said = [_said(each) for each in sorted(sent, key=lambda each: each.get("created_at") or 0)]
        return Thread(
            said,
            external_id=found["id"],
            subject=text_of(found.get("subject")),
            customer=found.get("recipient"),
            at=found.get("created_at"),
            metadata={
                **rest(found, "id", "subject", "created_at"),
                "tags": [tag["name"] for tag in found.get("tags") or []],
            },
        )


class FrontMessages(MessageFormat):
    name = "Front messages"
    says = {"text": "text", "times": "created_at", "role": "is_inbound", "customer": "the sender of inbound messages"}

    def fits(self, found: Found) -> float:
        if found.get("_type") == "comment" and ("posted_at" in found or "conversation" in found):
            return 1.0
        return 1.0 if "is_inbound" in found and ("blurb" in found or "recipients" in found) else 0.0

    def message(self, found: Found) -> tuple[str, Said | None]:
        # comments are what the team writes to each other
        is_note = found.get("_type") == "comment" or "posted_at" in found
        return _conversation(found), None if is_note or _is_draft(found) else _said(found)

    def describe(self, thread: Thread, found: Found) -> None:
        about = found["conversation"] if isinstance(found.get("conversation"), dict) else {}
        thread.subject = thread.subject or text_of(found.get("subject")) or text_of(about.get("subject"))
        if found.get("is_inbound") and not thread.customer:
            thread.customer = _sender(found)
            thread.names = tuple(filter(None, (word(each.get("name")) for each in _senders(found))))


def _conversation(message: Found) -> str:
    """Return the id of the conversation of a message: it names it, holds it, or links to it."""
    about = message.get("conversation")
    related = (message.get("_links") or {}).get("related") or {}
    key = word(message.get("conversation_id")) or word(about.get("id") if isinstance(about, dict) else about)
    return key or str(related.get("conversation") or "").rpartition("/")[2] or "messages"


def _is_draft(message: Found) -> bool:
    """Return whether a message was never sent."""
    return bool(message.get("is_draft") or message.get("draft_mode"))


def _said(message: Found) -> Said:
    text = text_of(message.get("text")) or text_of(message.get("body")) or text_of(message.get("blurb"))
    return Said(text, "customer" if message.get("is_inbound") else "agent", _sender(message), message.get("created_at"))


def _sender(message: Found) -> str:
    author = message.get("author") or {}
    senders = _senders(message)
    return (
        word(author.get("email")) or word(author.get("username")) or word(senders[0].get("handle") if senders else "")
    )


def _senders(message: Found) -> list[Found]:
    return [each for each in message.get("recipients") or [] if each.get("role") == "from"]
