"""Zendesk as a live source: `zendesk:main`, with ZENDESK_SUBDOMAIN, ZENDESK_EMAIL and ZENDESK_TOKEN.

Two exports are read side by side, each from the oldest change to the newest: tickets, and the events that hold their
comments, as far as the tickets that are given. A ticket that is older than the events read is asked for by
itself. Both exports repeat rows; that does no harm, since a conversation that comes again is the same or newer.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.sources.formats.base import Recognised, limit
from pipeline.sources.formats.json_objects import BAD_SHAPE
from pipeline.sources.formats.zendesk import ZendeskTickets
from pipeline.sources.live import client
from pipeline.sources.live.client import Api, BadRequest, NotFound, Pace
from pipeline.sources.live.helpdesk import Helpdesk
from pipeline.sources.records import Checkpoint, Record, Reject, Rows, UnreadableSource
from pipeline.sources.understanding.gathering import Gathered
from pipeline.sources.understanding.threads import record_of, word
from pipeline.sources.understanding.times import read as read_time

TICKETS = "/api/v2/incremental/tickets/cursor.json"
EVENTS = "/api/v2/incremental/ticket_events.json"
PER_PAGE = 1000
EXPORTS_A_MINUTE = 10
"""Requests to the exports that Zendesk allows; those for the comments of one ticket count elsewhere."""

MAX_COMMENT_PAGES = 50
TOO_RECENT = 60
"""Seconds: the exports leave the last minute out, and refuse to begin within it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """How far both exports are read. `tickets` is Zendesk's cursor; empty at the beginning."""

    tickets: str
    events: int

    def as_cursor(self) -> str:
        return json.dumps({"tickets": self.tickets, "events": self.events})


class ZendeskSource(Helpdesk):
    """The tickets of one Zendesk account, from those changed longest ago to the newest."""

    kind = "zendesk"
    vendor = "Zendesk"

    def _url(self) -> str:
        if self._settings.get("URL"):
            return self._settings.url("")
        account = self._settings.required("SUBDOMAIN")
        if not client.is_id(account):
            raise UnreadableSource(f"{self._settings.variable('SUBDOMAIN')} is not an account name")
        return f"https://{account}.zendesk.com"

    def _headers(self) -> Mapping[str, str]:
        email, token = self._settings.required("EMAIL"), self._settings.required("TOKEN")
        secret = base64.b64encode(f"{email}/token:{token}".encode()).decode()
        return {"Authorization": f"Basic {secret}", "Accept": "application/json"}

    def _rows(self, api: Api, first: int) -> Rows:
        exports = _Exports(api, Pace(EXPORTS_A_MINUTE, 60), first)
        return self._pages(exports, *self._first_page(exports))

    def _first_page(self, exports: "_Exports") -> tuple[_Place, dict[str, Any]]:
        """Return where the cursor says to go on, and the tickets there; from the first day on if it is not known."""
        place = self._place(exports.first)
        try:
            return place, exports.tickets(place.tickets)
        except BadRequest:
            if not place.tickets:
                raise UnreadableSource(f"{self} cannot be read: Zendesk does not accept its start date") from None
        self._warn(f"{self} starts over because Zendesk no longer knows its cursor.")
        return _Place("", exports.first), exports.tickets("")

    def _place(self, first: int) -> _Place:
        """Return where the cursor says to go on."""
        if not self.cursor:
            return _Place("", first)
        try:
            found = json.loads(self.cursor)
            tickets, events = found["tickets"], client.second(found["events"])
        except (ValueError, TypeError, KeyError, RecursionError):
            tickets, events = "", 0
        if isinstance(tickets, str) and tickets and events:
            return _Place(tickets, events)
        self._warn(f"{self} starts over because its cursor {self.cursor[:60]!r} is not valid.")
        return _Place("", first)

    def _pages(self, exports: "_Exports", place: _Place, page: dict[str, Any]) -> Rows:
        line, seen = 0, set[str]()
        with Gathered() as gathered:
            comments = _Comments(exports, gathered, begin=place.events, end=place.events, now=self._clock.now)
            while True:
                users = {word(user.get("id")): user for user in client.objects(page.get("users"))}
                tickets = {word(ticket.get("id")): ticket for ticket in client.objects(page.get("tickets"))}
                comments.read_up_to(max(map(_changed_at, tickets.values()), default=0))
                for key, ticket in tickets.items():
                    line += 1
                    yield from self._ticket(comments, key, ticket, users, line)
                cursor = page.get("after_cursor")
                if isinstance(cursor, str) and cursor:
                    yield Checkpoint(_Place(cursor, comments.end).as_cursor())
                if page.get("end_of_stream") or not isinstance(cursor, str) or not cursor or cursor in seen:
                    break
                seen.add(cursor)
                page = exports.tickets(cursor)
        self.notes += self._quality.sentences()

    def _ticket(
        self, comments: "_Comments", key: str, ticket: dict[str, Any], users: dict[str, dict[str, Any]], line: int
    ) -> Iterator[Record | Reject]:
        """Yield a ticket with its comments, unless it is deleted or not worth reading."""
        if ticket.get("status") == "deleted" or not client.is_id(key):
            return
        try:
            said = comments.of(key, ticket)
            for comment in said:
                comment["author"] = users.get(word(comment.get("author_id")), {})
            requester = users.get(word(ticket.get("requester_id"))) or {"id": ticket.get("requester_id")}
            thread = ZendeskTickets().thread({**ticket, "requester": requester, "comments": said}, Recognised())
        except (NotFound, BadRequest):
            return  # deleted since it was found
        except BAD_SHAPE as error:
            yield Reject(line, f"not the structure of a Zendesk ticket: {type(error).__name__}", key, unit="ticket")
            return
        thread.line, thread.unit = line, "ticket"
        record = record_of(thread)
        if isinstance(record, Reject):
            self._quality.left_out["without text"] += 1
        elif sum(len(message["text"]) for message in record.messages) > limit():
            yield record.reject(f"the ticket is longer than {limit():,} characters")
        elif self._quality.keeps(record.messages):
            yield record


def _changed_at(ticket: dict[str, Any]) -> int:
    """Return the second of a ticket's last change, by which the export is ordered."""
    return client.second(ticket.get("generated_timestamp")) or _second_of(ticket.get("updated_at"))


def _second_of(value: object) -> int:
    at = read_time(value)
    return int(at.timestamp()) if at else 0


# --- The two exports ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Exports:
    """Asks for pages; the limit of the exports is theirs together."""

    zendesk: Api
    pace: Pace
    first: int

    def tickets(self, cursor: str) -> dict[str, Any]:
        """Return a page of tickets with their users. BadRequest if the cursor is not known."""
        begin = {"cursor": cursor} if cursor else {"start_time": self.first}
        params = {**begin, "per_page": PER_PAGE, "include": "users", "exclude_deleted": "true"}
        return self.zendesk.ask("GET", TICKETS, params=params, pace=self.pace)

    def events(self, start_time: int) -> dict[str, Any]:
        """Return a page of events with their comments."""
        params = {"start_time": start_time, "include": "comment_events"}
        return self.zendesk.ask("GET", EVENTS, params=params, pace=self.pace)

    def comments(self, key: str) -> list[dict[str, Any]]:
        """Return all comments of one ticket."""
        found, cursor = list[dict[str, Any]](), ""
        for _ in range(MAX_COMMENT_PAGES):
            params = {"page[size]": 100, **({"page[after]": cursor} if cursor else {})}
            page = self.zendesk.ask("GET", f"/api/v2/tickets/{key}/comments.json", params=params)
            found += client.objects(page.get("comments"))
            following = client.dig(page, "meta", "after_cursor")
            if not client.dig(page, "meta", "has_more") or not isinstance(following, str) or following == cursor:
                break
            cursor = following
        return found


@dataclass(slots=True)
class _Comments:
    """The comments of all tickets between the seconds `begin` and `end`, kept on disk by ticket."""

    exports: _Exports
    gathered: Gathered
    begin: int
    end: int
    now: Callable[[], float]
    is_complete: bool = False

    def read_up_to(self, at: int) -> None:
        """Read events until those of that second are there, or there are no more."""
        while self.end <= at and not self.is_complete:
            if self.end > self.now() - TOO_RECENT:
                self.is_complete = True
                return
            page = self.exports.events(self.end)
            events = client.objects(page.get("ticket_events"))
            for event in events:
                self._keep(event)
            end = client.second(page.get("end_time"))
            self.is_complete = bool(page.get("end_of_stream")) or not events or not end
            # where a whole page is of one second, the next one begins a second later: Zendesk gives no way to page on
            self.end = max(self.end, end) if self.is_complete else max(self.end + 1, end)

    def _keep(self, event: dict[str, Any]) -> None:
        for child in client.objects(event.get("child_events")):
            if (child.get("event_type") or child.get("type")) == "Comment":
                kept = {
                    name: child.get(name) for name in ("id", "author_id", "plain_body", "body", "html_body", "public")
                }
                kept["created_at"] = event.get("created_at") or event.get("timestamp")
                self.gathered.add(
                    word(event.get("ticket_id")), kept, order=float(client.second(event.get("timestamp")))
                )

    def of(self, key: str, ticket: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a ticket's comments, each once: as they were read, or asked for if it is older than what was read."""
        is_within = _second_of(ticket.get("created_at")) > self.begin
        if is_within and (self.is_complete or _changed_at(ticket) < self.end):
            found = list(self.gathered.in_order(key))
        else:
            found = self.exports.comments(key)
        return list({word(comment.get("id")) or str(number): comment for number, comment in enumerate(found)}.values())
