"""What the columns of a table mean, and whether a row is a conversation, a message of one, or one of a chat."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pipeline.sources.formats.base import Options
from pipeline.sources.records import UnreadableSource
from pipeline.sources.tables.header import Header
from pipeline.sources.tables.rows import Row, cell_text, is_blank
from pipeline.sources.understanding import column_names, columns, times
from pipeline.sources.understanding.chats import is_chat
from pipeline.sources.understanding.times import TimeColumn


@dataclass(frozen=True, slots=True)
class Layout:
    """The header with what its columns mean. `comments` are Jira's: repeated columns of `date;author;text`."""

    header: Header
    mapping: columns.Mapping
    places: Mapping[str, tuple[int, ...]]
    comments: str = ""
    rows_are_messages: bool = False
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
    profiles, comments = _profiles(header, places, sample)
    given = dict(options.mapping)
    answers = [name for name in header.names if name in header.answers]
    if answers and "text" not in given:
        given["text"] = "\n".join(answers)
    comment_column = next((name for name, count in comments.items() if count >= 0.5 * profiles[name].filled), "")
    known = [profile for name, profile in profiles.items() if name != comment_column]
    try:
        mapping = columns.find(known, given)
    except (columns.AmbiguousColumns, column_names.UnknownColumn) as error:
        raise UnreadableSource(str(error)) from error
    fixed = {name: tuple(where) for name, where in places.items()}
    are_messages = _rows_are_messages(mapping, profiles)
    layout = Layout(header, mapping, fixed, comment_column, are_messages, sample=profiles)
    room = next((name for name in header.names if column_names.compact(name) in _ROOMS), "")
    author = _chat_author(layout, sample, options, in_a_room=bool(room))
    return replace(layout, chat_author=author, chat_room=room)


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
    writers = _WRITERS | {"user", "username", "name", "displayname"} if in_a_room else _WRITERS
    writer = next((name for name in layout.header.names if column_names.compact(name) in writers), "")
    time = known.one("created_at")
    if not writer or not time:
        return ""
    reader = TimeColumn().reader(options.date_format)
    rows = [row.cells for row in sample if not row.reason and row.line > layout.header.line]
    said = [(layout.word(cells, writer), reader.read(layout.value(cells, time))) for cells in rows]
    return writer if is_chat(said) else ""


def _profiles(
    header: Header, places: Mapping[str, Sequence[int]], sample: Sequence[Row]
) -> tuple[dict[str, columns.Profile], Counter[str]]:
    """Return what each column's values look like, and how many of a column of comments are as Jira writes them."""
    profiles = {name: columns.Profile(name) for name in places}
    comments: Counter[str] = Counter()
    for row in sample:
        if row.reason or row.line <= header.line:
            continue
        for place, cell in enumerate(row.cells[: len(header.names)]):
            name = header.names[place]
            profiles[name].see(cell)
            if isinstance(cell, str) and column_names.compact(name) in ("comment", "comments") and comment_in(cell):
                comments[name] += 1
    return profiles, comments


def comment_in(cell: str) -> re.Match[str] | None:
    found = _COMMENT.match(cell)
    return found if found and times.is_time(found[1]) else None


def _rows_are_messages(mapping: columns.Mapping, profiles: Mapping[str, columns.Profile]) -> bool:
    """Return whether several rows make a conversation.

    They do if a column names the conversation, or the message that is answered; or if ids come again, and a role or an
    author says who speaks each time.
    """
    if mapping.of("reply_to") or mapping.of("conversation"):
        return True
    ids = profiles.get(mapping.one("id"))
    comes_again = ids is not None and ids.filled > len(ids.distinct) and ids.filled <= columns.MAX_DISTINCT
    return comes_again and bool(mapping.of("role") or mapping.of("author"))
