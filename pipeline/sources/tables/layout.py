"""What the columns of a table mean, and whether a row is a conversation, a message of one, or one of a chat."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pipeline.sources.formats.base import Options
from pipeline.sources.records import UnreadableSource
from pipeline.sources.tables.header import Header
from pipeline.sources.tables.rows import Row, cell_text, is_blank, is_frame
from pipeline.sources.understanding import column_names, columns, times
from pipeline.sources.understanding.chats import is_chat
from pipeline.sources.understanding.roles import split_journal
from pipeline.sources.understanding.times import TimeColumn


@dataclass(frozen=True, slots=True)
class Layout:
    """The header with what its columns mean. `comments` are Jira's: repeated columns of `date;author;text`."""

    header: Header
    mapping: columns.Mapping
    places: Mapping[str, tuple[int, ...]]
    comments: str = ""
    rows_are_messages: bool = False
    text_messages: tuple[str, str] | None = None
    """Of a log of text messages: the columns of who sends and of who receives. Which is the customer, the role says."""
    journals: tuple[str, ...] = ()
    """Columns of comments as ServiceNow writes them, several in one cell."""
    chat_author: str = ""
    """Where the rows are the messages of a chat that names no conversations: the column of who writes."""
    chat_room: str = ""
    """The column of the room or channel, where there is one."""
    sample: Mapping[str, columns.Profile] = field(default_factory=dict)

    def values(self, cells: Sequence[object], name: str) -> list[object]:
        """Return the cells of a column, and of those with an equal name, that hold something."""
        found = [cells[place] for place in self.places.get(name, ()) if place < len(cells)]
        return [cell for cell in found if not is_blank(cell)]

    def value(self, cells: Sequence[object], name: str) -> object:
        """Return the first cell of a column that holds something, or an empty word."""
        for place in self.places.get(name, ()):
            if place < len(cells) and not is_blank(cell := cells[place]):
                return cell
        return ""

    def word(self, cells: Sequence[object], name: str) -> str:
        """Return the same as a word."""
        text = cell_text(self.value(cells, name))
        return " ".join(text.split()) if text else ""


_COMMENT: Final = re.compile(r"\s*([^;\n]{6,40});([^;\n]{0,80});(.*)", re.DOTALL)


def layout_of(header: Header, sample: Sequence[Row], options: Options) -> Layout:
    """UnreadableSource if the columns do not tell what the text is, or a person names one that is not there."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header.names):
        places.setdefault(name, []).append(place)
    profiles, comments, journal_counts = _profiles(header, places, sample)
    given = dict(options.mapping)
    answers = [name for name in header.names if name in header.answers]
    if answers and "text" not in given:
        given["text"] = "\n".join(answers)
    comment_column = next((name for name, count in comments.items() if count >= 0.5 * profiles[name].filled), "")
    journals = tuple(name for name, count in journal_counts.items() if count >= 0.5 * profiles[name].filled)
    known = [profile for name, profile in profiles.items() if name != comment_column and name not in journals]
    if {"threadid", "poster", "type", "body"} <= set(map(column_names.compact, profiles)):
        given.setdefault("role", next(name for name in profiles if column_names.compact(name) == "type"))  # osTicket's
    try:
        mapping = columns.find(known, given)
    except (columns.AmbiguousColumns, column_names.UnknownColumn) as error:
        raise UnreadableSource(str(error)) from error
    mapping = _with_reference(mapping, profiles, given)
    fixed = {name: tuple(where) for name, where in places.items()}
    are_messages = _rows_are_messages(mapping, profiles)
    layout = Layout(header, mapping, fixed, comment_column, are_messages, journals=journals, sample=profiles)
    room = next((name for name in header.names if column_names.compact(name) in _ROOMS), "")
    author = _chat_author(layout, sample, options, in_a_room=bool(room))
    return replace(layout, chat_author=author, chat_room=room, text_messages=_text_messages(mapping, profiles))


_WRITERS: Final = frozenset(
    ("author", "authorname", "sender", "sendername", "from", "fromname", "nick", "nickname", "speaker", "writer")
)


_ROOMS: Final = frozenset(("channel", "channelname", "channelid", "room", "roomname", "roomid"))


def _chat_author(layout: Layout, sample: Sequence[Row], options: Options, *, in_a_room: bool) -> str:
    """Return the column of who writes, if the rows are messages of a chat; nothing if each is a conversation."""
    known = layout.mapping
    others = ("id", "conversation", "reply_to", "subject", "role", "label")
    if layout.rows_are_messages or any(known.of(name) for name in others) or "customer" in options.mapping:
        return ""
    # in a table of few columns a user is who writes; in one of tickets it is the customer
    is_small = len(layout.header.names) <= 5
    writers = _WRITERS | {"user", "username", "name", "displayname"} if in_a_room or is_small else _WRITERS
    writer = next((name for name in layout.header.names if column_names.compact(name) in writers), "")
    time = known.one("created_at")
    if not writer and layout.header.line < (sample[0].line if sample else 0):
        writer = _writer_without_name(layout, sample)
    if not writer or not time:
        return ""
    reader = TimeColumn().reader(options.date_format)
    rows = [row.cells for row in sample if not row.reason and row.line > layout.header.line]
    said = [(layout.word(cells, writer), reader.read(layout.value(cells, time))) for cells in rows]
    return writer if is_chat(said) else ""


_REFERENCES: Final = frozenset(
    """
    ticketid caseid issueid parentid requestid conversationid threadid topicid postid discussionid bugid taskid cardid
    itemid parentticketid parentcaseid ticketnumber casenumber
    """.split()  # noqa: SIM905
)


def _with_reference(
    mapping: columns.Mapping, profiles: Mapping[str, columns.Profile], given: Mapping[str, str]
) -> columns.Mapping:
    """Return the mapping with the column by which comments name the ticket that they are about, if there is one.

    It stands beside an id of their own, and who wrote, or whether it is public, is said for each. A parent that is
    none of the rows is such a ticket as well.
    """
    ids = profiles.get(mapping.one("id"))
    if mapping.of("conversation") or "conversation" in given or ids is None or not ids.filled:
        return mapping
    if parent := profiles.get(mapping.one("reply_to")):
        if parent.distinct & ids.distinct or "reply_to" in given:
            # the item of a list, say, under which several threads of posts and answers stand
            above = _reference_above(mapping, profiles, ids)
            return _of_messages(mapping, above) if above and "reply_to" not in given else mapping
        return _of_messages(mapping, parent.name)
    names = {column_names.compact(name): name for name in mapping.unused}
    reference = next((names[name] for name in sorted(_REFERENCES & names.keys())), "")
    says_who = (
        mapping.of("role") or mapping.of("author") or _SAYS_WHO & {column_names.compact(each) for each in profiles}
    )
    if not reference or not says_who or mapping.of("subject") or profiles[reference].filled < 0.9 * ids.filled:
        return mapping
    return _of_messages(mapping, reference)


def _reference_above(mapping: columns.Mapping, profiles: Mapping[str, columns.Profile], ids: columns.Profile) -> str:
    """Return the column of what all rows are about, some of them the same, where each names it; empty if none does."""
    for name in mapping.unused:
        each = profiles[name]
        if column_names.compact(name) in _REFERENCES and each.filled >= ids.filled > len(each.distinct):
            return name
    return ""


def _of_messages(mapping: columns.Mapping, conversation: str) -> columns.Mapping:
    """Return the mapping of a table of messages: who wrote one need not be the customer."""
    fields = {**mapping.fields, "reply_to": (), "conversation": (conversation,)}
    writers = {name: each for each in mapping.columns if (name := column_names.compact(each)) in _WRITER_IDS}
    theirs = tuple(each for each in mapping.of("customer") if column_names.compact(each) not in _WRITER_IDS)
    author = mapping.of("author") or tuple(writers.values())[:1]
    return replace(mapping, fields={**fields, "customer": theirs, "author": author})


_WRITER_IDS: Final = frozenset(("authorid", "senderid", "userid", "createdbyid", "createdby", "author", "sender"))


_SAYS_WHO: Final = frozenset(
    ("public", "ispublic", "isprivate", "private", "ispublished", "authorid", "createdbyid", "userid")
)


_PHONE: Final = re.compile(r"(?:whatsapp:|sms:)?\+?[\d ()-]{5,20}$")


def _text_messages(mapping: columns.Mapping, profiles: Mapping[str, columns.Profile]) -> tuple[str, str] | None:
    """Return the columns of a log of text messages (Twilio's, a provider's) with the numbers of both sides."""
    names = {column_names.compact(name): name for name in profiles}
    if "from" not in names or "to" not in names or not mapping.of("role") or mapping.of("conversation"):
        return None
    both = [profiles[names["from"]], profiles[names["to"]]]
    are_numbers = all(each.filled and all(map(_PHONE.match, each.distinct)) for each in both)
    return (names["from"], names["to"]) if are_numbers else None


def _writer_without_name(layout: Layout, sample: Sequence[Row]) -> str:
    """Return the column of who writes in a table without a header: a few names that come again and again."""
    for name, profile in layout.sample.items():
        is_name = profile.filled >= 4 and profile.share(profile.lettered) == 1 and profile.mean_words < 4
        if is_name and 2 <= len(profile.distinct) <= profile.filled // 2 and not profile.moments:
            return name
    return ""


def fills_down(mapping: columns.Mapping, profiles: Mapping[str, columns.Profile]) -> bool:
    """Return whether the id stands only in the first row of each conversation, as a report prints merged cells."""
    ids, role = profiles.get(mapping.one("id")), profiles.get(mapping.one("role"))
    if ids is None or role is None or not ids.filled or mapping.of("conversation"):
        return False
    return ids.filled == len(ids.distinct) and 3 * ids.filled <= 2 * role.filled


def _profiles(
    header: Header, places: Mapping[str, Sequence[int]], sample: Sequence[Row]
) -> tuple[dict[str, columns.Profile], Counter[str], Counter[str]]:
    """Return what each column's values look like, and how many are comments as Jira and ServiceNow write them."""
    profiles = {name: columns.Profile(name) for name in places}
    comments, journals = Counter[str](), Counter[str]()
    rows = [row for row in sample if not row.reason and row.line > header.line and not is_frame(row.cells)]
    # lines below a report ("Generated by ...") fill one cell where the rows fill many
    usual = max((row.filled for row in rows), default=0)
    for row in rows:
        if row.filled == 1 and usual >= 3:
            continue
        for place, cell in enumerate(row.cells[: len(header.names)]):
            name = header.names[place]
            profiles[name].see(cell)
            if isinstance(cell, str) and column_names.compact(name) in ("comment", "comments") and comment_in(cell):
                comments[name] += 1
            elif isinstance(cell, str) and " - " in cell[:40] and split_journal(cell):
                journals[name] += 1
    return profiles, comments, journals


def comment_in(cell: str) -> re.Match[str] | None:
    """Return time, author and text of a cell that holds a comment of a tracker; None if it is something else."""
    found = _COMMENT.match(cell)
    return found if found and times.is_time(found[1]) else None


def _rows_are_messages(mapping: columns.Mapping, profiles: Mapping[str, columns.Profile]) -> bool:
    """Return whether several rows make a conversation.

    They do if a column names the conversation, or the message that is answered; or if ids come again (or stand only
    in the first row of each), and a role or an author says who speaks each time.
    """
    if mapping.of("reply_to") or mapping.of("conversation"):
        return True
    ids = profiles.get(mapping.one("id"))
    if fills_down(mapping, profiles):
        return True
    comes_again = ids is not None and ids.filled > len(ids.distinct) and ids.filled <= columns.MAX_DISTINCT
    return comes_again and bool(mapping.of("role") or mapping.of("author"))
