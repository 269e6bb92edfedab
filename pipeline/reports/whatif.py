"""What a run's themes would make if the rules were stricter or more lenient; nothing is written."""

from dataclasses import asdict, dataclass

from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.versions import NEWEST
from pipeline.models import Run
from pipeline.review import reassignment

STRICTNESSES = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)
"""Factors on every cosine the rules compare with; 1 are the rules as they are."""


@dataclass(frozen=True, slots=True)
class Point:
    """What the run's themes would make at one strictness; conversations are those in stories."""

    strictness: float
    signatures: int
    stories: int
    orphans: int
    conversations: int
    largest: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The curve of a run; `held` of its themes stay at any strictness, for people decided about their signatures."""

    run: int
    rules: str
    themes: int
    held: int
    points: tuple[Point, ...]

    def as_json(self) -> dict[str, object]:
        """Return the curve as plain values."""
        return asdict(self)


def what_if(*, run: Run, strictnesses: tuple[float, ...] = STRICTNESSES) -> WhatIf:
    """Assign the run's themes by the newest rules at each strictness, and count. Raises NothingToReplay."""
    taken = reassignment.take_out(run)
    assignments = [
        assign(taken.themes, taken.registered, taken.decisions, strictness=strictness) for strictness in strictnesses
    ]
    scene = reassignment.scene(taken, assignments)
    points = []
    for strictness, assignment in zip(strictnesses, assignments, strict=True):
        groups = scene.of_run(scene.after(assignment))
        stories = reassignment.stories_of(groups, run)
        points.append(
            Point(
                strictness=strictness,
                signatures=len(groups),
                stories=len(stories),
                orphans=len(groups) - len(stories),
                conversations=sum(stories.values()),
                largest=max(stories.values(), default=0),
            )
        )
    return WhatIf(run.pk, NEWEST.version, len(taken.themes), len(taken.held), tuple(points))
