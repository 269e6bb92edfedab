"""Charts as SVG, of the pages and of reports that stand by themselves: numbers come in, shapes and words go out.

The template draws; here is only where things stand. Each chart says in words what it shows, for who cannot see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, BASE, TOP = 720, 190, 164, 22
LINE_WIDTH, LINE_HEIGHT = 180, 34
BAR_WIDTH = 200


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its box, its value, and its label, which is empty where labels would overlap; `mark` says what
    happened then, where something did.
    """

    x: float
    y: float
    width: float
    height: float
    value: int
    label: str
    mark: str = ""

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)

    @property
    def above(self) -> float:
        """Where the value stands."""
        return round(self.y - 5, 1)


@dataclass(frozen=True, slots=True)
class Columns:
    """A chart of columns, the oldest left. `shows_values`: there is room for a number on each."""

    columns: list[Column]
    told: str
    shows_values: bool
    width: int = WIDTH
    height: int = HEIGHT
    base: int = BASE


def columns(values: Sequence[int], labels: Sequence[str], marks: Sequence[str] = ()) -> Columns:
    """Return the columns of these values; a label stands under every one, or every so many that they do not overlap.

    `marks` has as many texts as there are values, or none.
    """
    most, step = max(values, default=0) or 1, WIDTH / max(len(values), 1)
    wide = min(step * 0.72, 90)  # a few columns are not as wide as walls
    longest = max((len(label) for label in labels), default=1)
    # 8: about as wide as a letter is in the page's font, rounded up
    every = max(1, -(-int(longest * 8) // max(int(step), 1)))
    made = []
    for place, (value, label) in enumerate(zip(values, labels, strict=True)):
        tall = round((BASE - TOP) * value / most, 1)
        # counted from the right: the newest always has its label
        shown = label if (len(values) - 1 - place) % every == 0 else ""
        x = round(place * step + (step - wide) / 2, 1)
        mark = marks[place] if marks else ""
        made.append(Column(x, round(BASE - tall, 1), round(wide, 1), tall, value, shown, mark))
    told = "; ".join(f"{label}: {value}" for value, label in zip(values, labels, strict=True))
    return Columns(made, told, shows_values=len(values) <= 16)


@dataclass(frozen=True, slots=True)
class Bar:
    """A share as a bar lying down, `width` of `whole`."""

    width: float
    whole: int = BAR_WIDTH


def share_bar(value: int, most: int) -> Bar:
    """Return how long a bar is beside the longest; what is not nothing can be seen."""
    return Bar(round(max(BAR_WIDTH * value / max(most, 1), 2 if value else 0), 1))


@dataclass(frozen=True, slots=True)
class Line:
    """A line through values as the `d` of a path, and the area under it."""

    path: str
    area: str
    told: str
    width: int = LINE_WIDTH
    height: int = LINE_HEIGHT


def line(values: Sequence[int], labels: Sequence[str], *, width: int = LINE_WIDTH, height: int = LINE_HEIGHT) -> Line:
    """Return the line through the values, the oldest left, the highest at the top."""
    most, step = max(values, default=0) or 1, width / max(len(values) - 1, 1)
    points = [
        (round(place * step, 1), round(2 + (height - 4) * (1 - value / most), 1)) for place, value in enumerate(values)
    ]
    path = " ".join(f"{'L' if place else 'M'}{x:g} {y:g}" for place, (x, y) in enumerate(points))
    area = f"{path} L{width} {height} L0 {height} Z" if points else ""
    told = "; ".join(f"{label}: {value}" for value, label in zip(values, labels, strict=True))
    return Line(path, area, told, width, height)
