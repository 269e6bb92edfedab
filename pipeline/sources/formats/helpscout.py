"""Help Scout conversations with their threads, oldest first; notes, events and drafts are left out."""

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word

_UNSENT = {"draft", "hidden", "underreview"}
_SAID = {"customer", "reply", "message", "chat", "phone", "beaconchat", "forwardparent", "forwardchild"}


class HelpScoutConversations(ThreadFormat):
    name = "Help Scout conversations"
    says = {"customer": "primaryCustomer", "text": "subject and threads", "times": "createdAt", "role": "type"}

    def fits(self, found: Found) -> float:
        threads = _threads(found)
        first = threads[0] if threads else None
        if isinstance(first, dict) and first.get("type") in {*_SAID, "note", "lineitem"} and "body" in {*first, "body"}:
            return 1.0 if {"createdBy", "createdAt", "customer"} & first.keys() else 0.6
        return 0.9 if "primaryCustomer" in found and "subject" in found else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        said = [each for each in _threads(found) if each.get("type") in _SAID and each.get("state") not in _UNSENT]
        messages = [_said(each) for each in sorted(said, key=lambda each: str(each.get("createdAt", "")))]
        if not messages and found.get("preview"):
            messages = [Said(text_of(found["preview"]), "customer", at=found.get("createdAt"))]
            summary.note(
                "The export has conversations without threads, so only their previews were read. Export them "
                "with embed=threads."
            )
        links = found.get("_links") or {}
        return Thread(
            messages,
            external_id=found["id"],
            subject=text_of(found.get("subject")),
            customer=found.get("primaryCustomer") or found.get("customer"),
            at=found.get("createdAt"),
            url=text_of((links.get("web") or {}).get("href")),
            metadata=rest(found, "id", "subject", "createdAt", "preview"),
        )


def _threads(found: Found) -> list[Found]:
    embedded = found.get("_embedded")
    threads = embedded.get("threads") if isinstance(embedded, dict) else found.get("threads")
    return threads if isinstance(threads, list) else []


def _said(thread: Found) -> Said:
    by = thread.get("createdBy") or thread.get("author") or {}
    is_customer = thread.get("type") == "customer" or by.get("type") == "customer"
    names = (by.get("first") or by.get("firstName"), by.get("last") or by.get("lastName"))
    name = " ".join(part for each in names if (part := word(each))) or word(by.get("email"))
    text = text_of(thread.get("body") or thread.get("text"))
    return Said(text, "customer" if is_customer else "agent", name, thread.get("createdAt"))
