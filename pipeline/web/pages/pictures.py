"""Small pictures as SVG: lines for lists and bars for a story's weeks. Numbers come in, coordinates go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

SPARK_WIDTH, SPARK_HEIGHT = 96, 22


@dataclass(frozen=True, slots=True)
class Spark:
    """A line through the values, as the `d` of an SVG path; `told` says them in words."""

    path: str
    told: str


def spark(values: Sequence[int]) -> Spark:
    """Return the line through the values, the oldest left, its highest point at the top."""
    most = max(values, default=0) or 1
    step = SPARK_WIDTH / max(len(values) - 1, 1)
    points = [
        (round(place * step, 1), round(1 + (SPARK_HEIGHT - 3) * (1 - value / most), 1))
        for place, value in enumerate(values)
    ]
    path = " ".join(f"{'L' if place else 'M'}{x:g} {y:g}" for place, (x, y) in enumerate(points))
    return Spark(path, f"conversations a week: {', '.join(map(str, values))}")


@dataclass(frozen=True, slots=True)
class BarOfChart:
    """One bar: where it stands, how high it is, its value and label; `mark` names the runs that read in that week."""

    x: float
    y: float
    width: float
    height: float
    value: int
    label: str
    mark: str = ""

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart over weeks."""

    bars: list[BarOfChart]
    width: int
    height: int
    base: int
    told: str


def bars(
    values: Sequence[int], ends: Sequence[datetime], marks: Sequence[str] = (), *, width: int = 720, height: int = 150
) -> Bars:
    """Return the bars of the values, one for each week that ended then; every second label is left out where many."""
    most, base = max(values, default=0) or 1, height - 24
    step = width / max(len(values), 1)
    every = 1 if len(values) <= 8 else 2
    made = []
    for place, (value, end) in enumerate(zip(values, ends, strict=True)):
        tall = round((base - 20) * value / most, 1)
        label = f"{end.day} {end:%b}" if (len(values) - 1 - place) % every == 0 else ""
        mark = marks[place] if place < len(marks) else ""
        made.append(
            BarOfChart(
                round(place * step + step * 0.14, 1), base - tall, round(step * 0.72, 1), tall, value, label, mark
            )
        )
    told = "; ".join(f"week to {end.day} {end:%B}: {value}" for value, end in zip(values, ends, strict=True))
    return Bars(made, width, height, base, told)
