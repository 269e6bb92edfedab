"""What a row's page is made of. Each section names the template that shows it; all text is escaped there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipeline.sources.websites.changes import DiffLine
from pipeline.web.parts.texts import Excerpt, Turn


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
    """A conversation's turns; marks in them lead to the themes listed below.

    `left_out` says in a few words what in the turns is not read, and why.
    """

    title: str
    turns: Sequence[Turn]
    left_out: str = ""
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


@dataclass(frozen=True, slots=True)
class Links:
    """What a person may do from here: addresses and what stands on them."""

    links: Sequence[tuple[str, str]]
    template: str = "admin/pipeline/links.html"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: its name, its tone (good, busy, warn, bad) and a value for each label of the chart."""

    name: str
    tone: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class PlottedLine:
    """A line in the picture: its points as SVG has them, (x, y, value) of each, and where its name stands."""

    name: str
    tone: str
    points: str
    marks: Sequence[tuple[int, int, int]]
    end: int
    level: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A few lines over the same labels, from 0 up."""

    title: str
    labels: Sequence[str]
    lines: Sequence[Line]
    width: int = 640
    height: int = 200
    template: str = "admin/pipeline/chart.html"

    @property
    def ticks(self) -> list[tuple[int, str]]:
        return [(self._across(place), label) for place, label in enumerate(self.labels)]

    @property
    def summary(self) -> str:
        """The lines in words, for who cannot see them."""
        return "; ".join(f"{line.name}: {', '.join(map(str, line.values))}" for line in self.lines)

    @property
    def drawn(self) -> list[PlottedLine]:
        return [self._draw(line) for line in self.lines]

    def _draw(self, line: Line) -> PlottedLine:
        marks = [(self._across(place), self._up(value), value) for place, value in enumerate(line.values)]
        points = " ".join(f"{x},{y}" for x, y, _ in marks)
        x, y, _ = marks[-1]
        return PlottedLine(line.name, line.tone, points, marks, x + 8, y + 4)

    def _across(self, place: int) -> int:
        return 20 + round(place * (self.width - 110) / max(len(self.labels) - 1, 1))

    def _up(self, value: int) -> int:
        most = max((value for line in self.lines for value in line.values), default=0) or 1
        return 10 + round((self.height - 40) * (1 - value / most))


@dataclass(frozen=True, slots=True)
class Diff:
    """How a text changed: lines that were added or removed, with a few that stay around them."""

    title: str
    lines: Sequence[DiffLine]
    template: str = "admin/pipeline/diff.html"


Section = Chart | Diff | Note | Facts | Table | Quotes | Thread | Bar | Commands | Links
