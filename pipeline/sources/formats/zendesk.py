"""Zendesk: tickets as the API and the JSON export give them, comments inline or in the stream of ticket events.

A comment is the customer's if its author is the ticket's requester. Internal notes (`public: false`) are left out.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from pipeline.sources.formats.base import Found, Options, Recognised, Stream, limit
from pipeline.sources.formats.json_objects import MessageFormat, Rows, ThreadFormat
from pipeline.sources.parsing.elements import parse
from pipeline.sources.parsing.heads import elements_of, head_of
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word

_OWN = {"submitter_id", "brand_id", "raw_subject", "ticket_form_id", "external_id", "collaborator_ids", "assignee_id",
        "organization_id", "satisfaction_rating", "custom_fields", "submitter", "via"}  # fmt: skip


MAX_PEOPLE = 200_000


class ZendeskTickets(ThreadFormat):
    name = "Zendesk tickets"
    says = {"customer": "requester", "text": "subject, description and comments", "times": "created_at"}

    def fits(self, found: Found) -> float:
        if "/api/v2/tickets/" in str(found.get("url", "")):
            return 1.0
        if not ("requester_id" in found or "requester" in found) or not {"description", "comments"} & found.keys():
            return 0.0
        if {"description_text", "conversations", "fr_escalated", "cc_emails"} & found.keys():
            return 0.1  # Freshdesk's
        return 0.9 if len(_OWN & found.keys()) >= 2 else 0.6 if _OWN & found.keys() else 0.0

    def __init__(self) -> None:
        self._people: dict[str, Found] = {}
        """Who is side-loaded beside the tickets, by id: the requester's address, and who is staff."""

    def records(self, stream: Stream, options: Options) -> Rows:
        for part in stream.parts:
            head = head_of(part, options)
            # a page of the API lists its users behind its tickets, so the file is gone through for them first
            users = elements_of(part, ("users",), head, limit()) if self.path(head) else ()
            people = (user for element in users if isinstance(user := parse(element), dict))
            self._people = {word(user.get("id")): user for user in islice(people, MAX_PEOPLE)}
            yield from super().records(replace(stream, parts=[part]), options)

    def thread(self, found: Found, summary: Recognised) -> Thread:
        requester = found.get("requester") or {}
        requester_id = word(found.get("requester_id") or requester.get("id"))
        requester = requester or self._people.get(requester_id, {})
        comments = sorted(
            (each for each in found.get("comments") or [] if each.get("public") is not False),
            key=lambda each: str(each.get("created_at", "")),
        )
        opened_for = _opened_for_them(found, requester_id)
        messages = [_comment(each, found, requester_id, self._people) for each in comments]
        description = text_of(found.get("description"))
        if not any(said.text.strip()[:200] == description.strip()[:200] for said in messages):
            messages.insert(0, Said(description, "agent" if opened_for else "customer", at=found.get("created_at")))
        return Thread(
            messages,
            external_id=found["id"],
            subject=text_of(found.get("subject") or found.get("raw_subject")),
            customer=requester or requester_id,
            at=found.get("created_at"),
            url=str(found.get("url") or "").replace("/api/v2/tickets/", "/agent/tickets/").removesuffix(".json"),
            metadata=rest(found, "id", "url", "subject", "raw_subject", "description", "created_at", "requester_id"),
        )


def _opened_for_them(found: Found, requester_id: str) -> bool:
    """Return whether somebody of the team opened the ticket in the requester's name: then its text is that agent's.

    What comes over the API was written by the customer all the same, in a form whose integration submits it.
    """
    submitter_id = word(found.get("submitter_id") or (found.get("submitter") or {}).get("id"))
    if not submitter_id or not requester_id or submitter_id == requester_id:
        return False
    via = found.get("via") or {}
    return word(via.get("channel")) in ("web", "", "closed_ticket", "side_conversation", "sample_ticket")


def _comment(comment: Found, ticket: Found, requester_id: str, people: Mapping[str, Found]) -> Said:
    """Return a public comment. Beside the requester, those on copy are on the customer's side unless they are staff."""
    author = comment.get("author") or {}
    author_id = word(comment.get("author_id") or author.get("id"))
    author = author or people.get(author_id, {})
    copied = {word(each) for key in ("email_cc_ids", "collaborator_ids") for each in ticket.get(key) or []}
    is_theirs = author_id == requester_id or author.get("role") == "end-user"
    if not is_theirs and author_id in copied and author_id != word(ticket.get("assignee_id")):
        is_theirs = author.get("role") in (None, "end-user")
    if not is_theirs and author_id == word(ticket.get("submitter_id")) and not _opened_for_them(ticket, requester_id):
        is_theirs = (comment.get("via") or {}).get("channel") == "api" and author_id != word(ticket.get("assignee_id"))
    role = "customer" if is_theirs else "agent"
    text = next(
        (text for key in ("plain_body", "body", "html_body", "value") if (text := text_of(comment.get(key)))), ""
    )
    return Said(text, role, word(author.get("name")) or author_id, comment.get("created_at"))


class ZendeskEvents(MessageFormat):
    """Events of `incremental/ticket_events.json?include=comment_events`, or audits: each names its ticket and holds
    its comments.

    Events do not name the requester: over the whole file, who writes in many tickets is staff.
    """

    name = "Zendesk ticket events"
    says = {"text": "comments", "times": "created_at", "conversation": "ticket_id"}

    def fits(self, found: Found) -> float:
        if "ticket_id" not in found:
            return 0.0
        is_audit = isinstance(found.get("events"), list) and {"author_id", "metadata", "via"} & found.keys()
        return 1.0 if is_audit or isinstance(found.get("child_events"), list) else 0.0

    def message(self, found: Found) -> tuple[str, Said | None]:
        comments: list[Any] = [
            each for each in _events(found)
            if each.get("event_type", each.get("type")) == "Comment"
            and each.get("public", each.get("comment_public")) is not False
        ]  # fmt: skip
        key, at = word(found["ticket_id"]), found.get("created_at") or found.get("timestamp")
        if not comments:
            return key, None
        text = "\n\n".join(
            text_of(each.get("plain_body") or each.get("body") or each.get("html_body")) for each in comments
        )
        return key, Said(text, author=word(comments[0].get("author_id") or found.get("updater_id")), at=at)

    def describe(self, thread: Thread, found: Found) -> None:
        subjects = [
            each.get("subject") or (each.get("value") if each.get("field_name") == "subject" else "")
            for each in _events(found)
            if each.get("event_type", each.get("type")) == "Create"
        ]
        thread.subject = thread.subject or text_of(next((each for each in subjects if each), ""))


def _events(found: Found) -> list[Any]:
    """Return what happened to a ticket at once: comments, changes of fields, notifications."""
    return list(found.get("child_events") or found.get("events") or [])
