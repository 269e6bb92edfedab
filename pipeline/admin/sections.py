"""What a row's page is made of. Each section names the template that shows it; all text is escaped there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipeline.admin.texts import Excerpt, Turn


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person must see; `tone` is warn or bad."""

    text: str
    tone: str = "warn"
    template: str = "admin/pipeline/note.html"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values. Empty values are left out."""

    rows: Sequence[tuple[str, object]]
    title: str = ""
    template: str = "admin/pipeline/facts.html"

    @property
    def filled(self) -> list[tuple[str, object]]:
        return [(name, value) for name, value in self.rows if value not in (None, "", "-")]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; `numbers` are the columns to be set right, `more` says what is not shown."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    more: str = ""
    numbers: Sequence[int] = ()
    template: str = "admin/pipeline/table.html"

    @property
    def columns(self) -> Iterable[tuple[str, bool]]:
        return ((head, column in self.numbers) for column, head in enumerate(self.heads))

    @property
    def cells(self) -> Iterable[list[tuple[object, bool]]]:
        return ([(cell, column in self.numbers) for column, cell in enumerate(row)] for row in self.rows)


@dataclass(frozen=True, slots=True)
class Quoted:
    """Where quotes come from, the summary of what they show, and the quotes in the text around them."""

    source: Sequence[object]
    summary: str
    excerpts: Sequence[Excerpt]


@dataclass(frozen=True, slots=True)
class Quotes:
    """Evidence, one conversation or theme after the other."""

    title: str
    entries: Sequence[Quoted]
    more: object = ""
    template: str = "admin/pipeline/quotes.html"


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation's turns; marks in them lead to the themes listed below."""

    title: str
    turns: Sequence[Turn]
    template: str = "admin/pipeline/thread.html"


@dataclass(frozen=True, slots=True)
class Bar:
    """How far something is, as a bar with words."""

    done: int
    total: int
    text: str
    template: str = "admin/pipeline/bar.html"


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type, and what each line does."""

    title: str
    lines: Sequence[tuple[str, str]] = field(default=())
    template: str = "admin/pipeline/commands.html"


Section = Note | Facts | Table | Quotes | Thread | Bar | Commands
