"""GitHub issues: of the API, of `gh issue list --json`, and the body of a webhook.

Who opened an issue is its customer; owners, members and collaborators are the agents; anybody else stays open.
"""

import re
from collections.abc import Iterator
from itertools import islice

from pipeline.sources.formats.base import Found, Options, Recognised, Stream
from pipeline.sources.formats.json_lists import lists_of, objects_at
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.parsing.elements import Element
from pipeline.sources.parsing.heads import head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.records import Reject
from pipeline.sources.understanding.gathering import Gathered
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word

MAX_COMMENTS = 10_000
"""Comments of one issue that are read."""

_STAFF = ("OWNER", "MEMBER", "COLLABORATOR")
_HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
_PLACE = re.compile(r"github[^/]*/(?:repos/)?([^/]+/[^/]+)/(?:issues|pull)/(\d+)")


class GitHubIssues(ThreadFormat):
    name = "GitHub issues"
    says = {"customer": "author", "text": "title, body and comments", "times": "created_at"}

    def objects(self, stream: Stream, options: Options) -> Iterator[tuple[Element, Part, Found] | Reject]:
        """Yield the issues, each with its comments, which the API lists apart: they name it by `issue_url`."""
        with Gathered() as comments:
            for part in stream.parts:
                head = head_of(part, options)
                for path, first in lists_of(part, head).items():
                    if any(each.get("issue_url") for each in first):
                        for found in objects_at(path, part, head):
                            comments.add(text_of(found.get("issue_url")), dict(found))
            for each in super().objects(stream, options):
                if not isinstance(each, Reject) and not isinstance(each[2].get("comments"), list):
                    element, part, found = each
                    own = text_of(found.get("url"))
                    told = list(islice(comments.in_order(own), MAX_COMMENTS)) if own else []
                    each = element, part, {**found, "comments": told} if told else found
                yield each

    def fits(self, found: Found) -> float:
        if isinstance(found.get("issue"), dict) and "action" in found and "repository" in found:
            return 1.0
        if not {"number", "title"} <= found.keys():
            return 0.0
        address = str(found.get("html_url") or found.get("url") or "")
        if _PLACE.search(address):
            return 1.0
        author = found.get("user") or found.get("author")
        return 0.9 if isinstance(author, dict) and "login" in author and "body" in found else 0.0

    def thread(self, found: Found, summary: Recognised) -> Thread:
        event = found if isinstance(found.get("issue"), dict) else {}
        issue = event.get("issue") or found
        if issue.get("pull_request"):
            raise ValueError("it is a pull request")
        login = _login(issue)
        comments = issue["comments"] if isinstance(issue.get("comments"), list) else []
        if event.get("comment"):
            comments = [event["comment"]]
        comments = [each for each in comments if not each.get("isMinimized")]  # spam, or what somebody hid
        comments = sorted(comments, key=lambda each: str(each.get("created_at") or each.get("createdAt") or ""))
        address = text_of(issue.get("html_url") or issue.get("url"))
        place = _PLACE.search(address)
        labels = [
            word(each.get("name")) if isinstance(each, dict) else word(each) for each in issue.get("labels") or []
        ]
        return Thread(
            [_said(each, login) for each in (issue, *comments)],
            external_id=f"{place[1]}#{place[2]}" if place else issue["number"],
            subject=text_of(issue["title"]),
            customer=login,
            at=issue.get("created_at") or issue.get("createdAt"),
            url=address,
            metadata={**rest(issue, "title", "body", "html_url", "url", "created_at", "createdAt"), "labels": labels},
        )


def _login(found: Found) -> str:
    return word((found.get("user") or found.get("author") or {}).get("login"))


def _said(found: Found, opener: str) -> Said:
    user = found.get("user") or found.get("author") or {}
    login = word(user.get("login"))
    association = found.get("author_association") or found.get("authorAssociation")
    role = "customer" if login == opener else "agent" if association in _STAFF else ""
    if user.get("type") == "Bot" or user.get("is_bot") or login.endswith("[bot]"):
        role = "bot"
    body = _HIDDEN.sub("", text_of(found.get("body")))  # what the form of the repository asks those who fill it in
    return Said(body, role, login, found.get("created_at") or found.get("createdAt"))
