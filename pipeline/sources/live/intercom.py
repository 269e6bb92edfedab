"""Intercom as a live source: `intercom:main`, with a token in INTERCOM_TOKEN.

Conversations are searched for by the time of their last change, oldest first, so that reading can stop and go on
anywhere; each is then fetched whole, since a search gives no parts.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.models.wording import counted
from pipeline.sources.formats.base import Recognised
from pipeline.sources.formats.intercom import IntercomConversations
from pipeline.sources.formats.json_objects import BAD_SHAPE
from pipeline.sources.live import client
from pipeline.sources.live.client import Api, BadRequest, Clock, NotFound, Pace
from pipeline.sources.live.helpdesk import Helpdesk
from pipeline.sources.records import Checkpoint, Record, Reject, Rows, UnreadableSource
from pipeline.sources.understanding.threads import record_of, word

VERSION = "2.14"
"""The API's version, which decides the shape of what it answers: pinned, so that nothing changes by itself."""

PAGE = 50
PACE = 150
"""Requests in ten seconds: an app may send 10,000 a minute, given out in portions of ten seconds; others share them."""

_NOT_SAID = ("note", "note_and_reopen")

MAX_PARTS = 500
"""Parts that Intercom gives of one conversation, the newest."""


class IntercomSource(Helpdesk):
    """The conversations of one Intercom workspace, from those changed longest ago to the newest."""

    kind = "intercom"
    vendor = "Intercom"

    def __init__(self, name: str = "main", *, clock: Clock | None = None) -> None:
        super().__init__(name, clock=clock)
        self._cut = 0

    def _url(self) -> str:
        return self._settings.url("https://api.intercom.io")

    def _headers(self) -> Mapping[str, str]:
        token = self._settings.required("TOKEN")
        return {"Authorization": f"Bearer {token}", "Intercom-Version": VERSION, "Accept": "application/json"}

    def _rows(self, api: Api, first: int) -> Rows:
        search = _Search(api, Pace(PACE, 10), first, self._changed_after(first))
        return self._pages(search, search.page(""))

    def _changed_after(self, first: int) -> int:
        """Return where the cursor says to go on: one second earlier, since more may have changed within that second."""
        if not self.cursor:
            return first - 1
        try:
            at = int(json.loads(self.cursor)["changed_at"])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            at = -1
        if 0 <= at <= self._clock.now() + 86_400:
            return at - 1
        self._warn(f"{self} starts over because its cursor {self.cursor[:60]!r} is not valid.")
        return first - 1

    def _pages(self, search: "_Search", page: dict[str, Any]) -> Rows:
        """Yield page after page; one that is no longer known is searched for again, from the newest change seen."""
        line, seen, newest = 0, set[str](), search.changed_after
        while found := client.objects(page.get("conversations")):
            for each in found:
                line += 1
                yield from self._conversation(search, each, line)
                newest = max(newest, client.second(each.get("updated_at")))
            yield Checkpoint(json.dumps({"changed_at": newest}))
            following = client.dig(page, "pages", "next", "starting_after")
            if not isinstance(following, str) or not following or following in seen:
                break
            seen.add(following)
            try:
                page = search.page(following)
            except BadRequest:
                self._warn(
                    f"{self} searches again from the last change it has seen, because Intercom no longer knows its "
                    "page."
                )
                if newest - 1 <= search.changed_after:
                    raise UnreadableSource(
                        f"{self} cannot continue: Intercom does not recognise the page cursor it gave out"
                    ) from None
                search, seen = replace(search, changed_after=newest - 1), set()
                page = search.page("")
        self.notes += self._quality.sentences()
        if self._cut:
            self.notes.append(
                f"Intercom returned only the newest {MAX_PARTS} parts of {counted(self._cut, 'conversation')}."
            )

    def _conversation(self, search: "_Search", found: dict[str, Any], line: int) -> Iterator[Record | Reject]:
        """Yield a conversation as it stands now, unless it is gone or not worth reading."""
        key = word(found.get("id"))
        try:
            whole = search.whole(key) if client.is_id(key) else {}
            thread = IntercomConversations().thread(_with_texts_only(whole), Recognised())
        except (NotFound, BadRequest):
            return  # deleted since it was found
        except BAD_SHAPE as error:
            yield Reject(
                line,
                f"not the structure of an Intercom conversation: {type(error).__name__}",
                key[:200],
                unit="conversation",
            )
            return
        thread.line, thread.unit = line, "conversation"
        record = record_of(thread)
        if isinstance(record, Reject):
            self._quality.left_out["without text"] += 1
        elif self._quality.keeps(record.messages):
            parts = client.dig(whole, "conversation_parts", "conversation_parts")
            total = client.second(client.dig(whole, "conversation_parts", "total_count"))
            self._cut += total > len(client.objects(parts))
            yield record


@dataclass(frozen=True, slots=True)
class _Search:
    """A search for conversations changed after a second; the filters are the other side's to apply."""

    intercom: Api
    pace: Pace
    first: int
    changed_after: int

    def page(self, starting_after: str) -> dict[str, Any]:
        """Return a page of what is found. BadRequest if `starting_after` is not known."""
        query = {
            "operator": "AND",
            "value": [
                {"field": "updated_at", "operator": ">", "value": self.changed_after},
                {"field": "created_at", "operator": ">", "value": self.first - 1},
            ],
        }
        pagination = {"per_page": PAGE, **({"starting_after": starting_after} if starting_after else {})}
        body = {"query": query, "pagination": pagination, "sort": {"field": "updated_at", "order": "ascending"}}
        return self.intercom.ask("POST", "/conversations/search", json=body, pace=self.pace)

    def whole(self, key: str) -> dict[str, Any]:
        """Return a conversation with its parts."""
        return self.intercom.ask("GET", f"/conversations/{key}", pace=self.pace)


def _with_texts_only(whole: dict[str, Any]) -> dict[str, Any]:
    """Return a conversation with those parts in which somebody says something to the other side."""
    parts = [
        part
        for part in client.objects(client.dig(whole, "conversation_parts", "conversation_parts"))
        if part.get("body") and part.get("part_type") not in _NOT_SAID and not part.get("redacted")
    ]
    return {**whole, "conversation_parts": {"conversation_parts": parts}}
