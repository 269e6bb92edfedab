"""Jira issues: the XML of its search view, and the JSON of its API. (Its CSV is a table with repeated columns.)

The reporter is the customer. Of those who comment, the assignee is the agent; anybody else stays open.
"""

import html
import re
from collections.abc import Mapping
from typing import Any

from pipeline.sources.formats.base import Found, Head, Options, Recognised, Stream, limit
from pipeline.sources.formats.json_objects import Rows, ThreadFormat, time_reader
from pipeline.sources.parsing.parts import Part
from pipeline.sources.parsing.xml_elements import XmlElement, elements_in
from pipeline.sources.records import Reject
from pipeline.sources.understanding.threads import Said, Thread, record_of, rest, text_of, word
from pipeline.sources.understanding.times import TimeReader

_KEY = re.compile(r"^[A-Z][A-Z0-9_]{1,20}-\d+$")
_SAYS: Mapping[str, str] = {"customer": "reporter", "text": "summary, description and comments", "times": "created"}


class JiraXml:
    name = "Jira issues (XML)"

    def sniff(self, head: Head) -> float:
        is_feed = "<rss" in head.text[:4000] and "<item>" in head.text
        return 1.0 if is_feed and "<key id=" in head.text and "<summary>" in head.text else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        stream.summary.fields.update(_SAYS)
        reader = time_reader(options)
        for part in stream.parts:
            for item in elements_in(part, "item", limit()):
                if item.reason:
                    yield Reject(item.number, item.reason, unit="item", part=part.label)
                else:
                    yield record_of(_issue(item, part, reader), reader)


def _issue(item: XmlElement, part: Part, reader: TimeReader) -> Thread:
    reporter, assignee = _person(item.first("reporter")), _person(item.first("assignee"))
    created = item.first("created").text
    said = [Said(item.first("description").text, "customer", reporter, created)]
    for comment in item.first("comments").all("comment"):
        author = comment.attributes.get("author", "")
        role = "customer" if author in (reporter, item.first("reporter").attributes.get("username")) else ""
        role = "agent" if not role and author and author == assignee else role
        said.append(Said(comment.text, role, author, comment.attributes.get("created")))
    fields = ("project", "type", "priority", "status", "resolution", "component", "version")
    return Thread(
        said,
        line=item.number,
        external_id=item.first("key").text,
        subject=html.unescape(item.first("summary").text),
        customer=reporter,
        at=created,
        url=item.first("link").text.strip(),
        metadata={name: text for name in fields if (text := item.first(name).text.strip())},
        unit="item",
        part=part.label,
    )


def _person(element: XmlElement) -> str:
    return element.attributes.get("username") or element.attributes.get("accountid") or element.text.strip()


class JiraJson(ThreadFormat):
    name = "Jira issues"
    says = _SAYS

    def fits(self, found: Found) -> float:
        fields = found.get("fields")
        if not isinstance(fields, dict) or not _KEY.match(str(found.get("key", ""))):
            return 0.0
        return 1.0 if {"summary", "description", "issuetype"} & fields.keys() else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        fields: Mapping[str, Any] = found["fields"]
        reporter = fields.get("reporter") or fields.get("creator") or {}
        assignee = fields.get("assignee") or {}
        said = [Said(_document(fields.get("description")), "customer", _name(reporter), fields.get("created"))]
        for comment in (fields.get("comment") or {}).get("comments") or []:
            if comment.get("jsdPublic") is False or comment.get("visibility"):
                continue  # a note of the team, or for those of a group only
            person = comment.get("author") or {}
            author = _name(person)
            role = "customer" if author == _name(reporter) else "agent" if author and author == _name(assignee) else ""
            if person.get("accountType") == "app":
                role = "bot"
            said.append(Said(_document(comment.get("body")), role, author, comment.get("created")))
        email = word(reporter.get("emailAddress"))
        return Thread(
            said,
            external_id=found["key"],
            subject=text_of(fields.get("summary")),
            customer=email or word(reporter.get("accountId")) or _name(reporter),
            at=fields.get("created"),
            metadata={
                key: word(value.get("name"))
                for key, value in fields.items()
                if isinstance(value, dict) and value.get("name")
            }
            | rest(fields, "summary", "description", "created"),
        )


def _name(person: Found) -> str:
    return word(person.get("displayName")) or word(person.get("name")) or word(person.get("accountId"))


_IN_A_LINE = frozenset(("text", "mention", "emoji", "hardBreak", "inlineCard", "date", "status"))


def _document(value: object) -> str:
    """Return the text of a field: of text as it is, of Atlassian's document format a line for each block in it."""
    if not isinstance(value, Mapping) or not isinstance(value.get("content"), list):
        return text_of(value)
    parts: list[str] = []
    for node in value["content"]:
        kind = node.get("type") if isinstance(node, Mapping) else None
        if kind not in _IN_A_LINE:
            parts.append(f"{_document(node)}\n")
        elif kind == "hardBreak":
            parts.append("\n")
        else:
            attributes = node.get("attrs") or {}
            said = node.get("text") or attributes.get("text") or attributes.get("shortName") or attributes.get("url")
            parts.append(str(said or ""))
    return "".join(parts).strip("\n")
