"""Trello: the cards of a board's export, or as the API gives them, with the comments that stand among its actions.

A card is what somebody asks for; whoever works on the board answers in comments. Who made the card may be either.
"""

from collections.abc import Iterator, Mapping

from pipeline.sources.formats.base import Found, Head, Options, Stream, limit
from pipeline.sources.formats.json_objects import BAD_SHAPE, JsonFormat, Rows, refused, time_reader
from pipeline.sources.parsing.elements import parse
from pipeline.sources.parsing.heads import elements_of, head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.records import Record, Reject
from pipeline.sources.understanding.column_names import at_path
from pipeline.sources.understanding.gathering import Gathered
from pipeline.sources.understanding.threads import Said, Thread, record_of, rest, text_of, word
from pipeline.sources.understanding.times import TimeReader


class TrelloCards(JsonFormat):
    name = "Trello cards"
    says: Mapping[str, str] = {"text": "name, desc and comments", "times": "createCard, else the first comment"}

    def fits(self, found: Found) -> float:
        return 1.0 if {"idList", "desc", "name"} <= found.keys() else 0.0

    def records(self, stream: Stream, options: Options) -> Rows:
        clock = time_reader(options)
        for part in stream.parts:
            head = head_of(part, options)
            with Gathered() as actions:
                # behind the cards in the file, so they are gathered first
                for found in _actions(part, head):
                    key = word(at_path(found, "data.card.id"))
                    if key and found.get("type") in ("commentCard", "createCard"):
                        actions.add(key, dict(found))
                yield from self._cards(Stream([part], stream.summary), options, actions, clock)

    def _cards(self, stream: Stream, options: Options, actions: Gathered, clock: TimeReader) -> Rows:
        for each in self.objects(stream, options):
            if isinstance(each, Reject):
                yield each
                continue
            element, part, card = each
            try:
                thread = _thread(card, [*(card.get("actions") or []), *actions.in_order(word(card.get("id")))])
            except BAD_SHAPE as error:
                yield refused(element, part, f"not the structure of {self.name}: {error}")
                continue
            thread.line, thread.part, thread.raw = element.number, part.label, element.raw[:2000]
            row = record_of(thread, clock)
            if isinstance(row, Record) or card.get("name") or card.get("desc"):
                yield row
            else:
                yield refused(element, part, "no text")


def _actions(part: Part, head: Head) -> Iterator[Found]:
    """Yield the actions of a board's export; none where the file is a list of cards."""
    if "cards" in head.envelope:
        for element in elements_of(part, ("actions",), head, limit()):
            if isinstance(found := parse(element), dict):
                yield found


def _thread(card: Found, actions: list[Found]) -> Thread:
    created = next((each for each in actions if each.get("type") == "createCard"), {})
    maker = word(created.get("idMemberCreator"))
    comments = sorted((each for each in actions if each.get("type") == "commentCard"), key=lambda each: each["date"])
    said = [Said(text_of(card.get("desc")), "customer", at=created.get("date"))]
    for each in comments:
        author = word(each.get("idMemberCreator"))
        name = word((each.get("memberCreator") or {}).get("fullName"))
        # who made the card goes on in their own words where somebody else answers; alone, they work on it
        is_open = author == maker and any(word(other.get("idMemberCreator")) != maker for other in comments)
        said.append(Said(text_of(each["data"].get("text")), "" if is_open else "agent", name, each["date"]))
    return Thread(
        said,
        external_id=card["id"],
        subject=text_of(card.get("name")),
        at=created.get("date") or (comments[0]["date"] if comments else None),
        url=word(card.get("shortUrl") or card.get("url")),
        label=", ".join(word(each.get("name")) for each in card.get("labels") or [])[:200],
        metadata=rest(card, "id", "name", "desc", "labels", "url", "shortUrl"),
    )
