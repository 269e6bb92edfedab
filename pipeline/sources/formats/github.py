"""GitHub issues: of the API, of `gh issue list --json`, and the body of a webhook.

Who opened an issue is its customer; owners, members and collaborators are the agents; anybody else stays open.
"""

import re

from pipeline.sources.formats.base import Found, Recognised
from pipeline.sources.formats.json_objects import ThreadFormat
from pipeline.sources.understanding.threads import Said, Thread, rest, text_of, word

_STAFF = ("OWNER", "MEMBER", "COLLABORATOR")
_PLACE = re.compile(r"github[^/]*/(?:repos/)?([^/]+/[^/]+)/(?:issues|pull)/(\d+)")


class GitHubIssues(ThreadFormat):
    name = "GitHub issues"
    says = {"customer": "author", "text": "title, body and comments", "times": "created_at"}

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
    return Said(text_of(found.get("body")), role, login, found.get("created_at") or found.get("createdAt"))
