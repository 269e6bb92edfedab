"""What a run's themes would make if the rules were stricter or more lenient; nothing is written.

The themes are grouped with all others of the profile, as a consolidation groups them.
"""

from dataclasses import asdict, dataclass

from pipeline.merge.apply import read_scene
from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.versions import NEWEST
from pipeline.models import Run, Theme
from pipeline.review.regroup import NothingToRegroup, groups_before_and_after, stories_of

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
    """The curve of a run over its `themes` that count."""

    run: int
    rules: str
    themes: int
    points: tuple[Point, ...]

    def as_json(self) -> dict[str, object]:
        """Return the curve as plain values."""
        return asdict(self)


def what_if(*, run: Run, strictnesses: tuple[float, ...] = STRICTNESSES) -> WhatIf:
    """Group all current themes of the run's profile at each strictness, and count the groups with any of the run's.

    People's decisions stay. Raises NothingToRegroup if there is no theme of the run to look at.
    """
    scene = read_scene(profile=run.profile)
    mine = set(Theme.objects.filter(run=run, signature__isnull=False).values_list("pk", flat=True))
    rows = list(scene.rows())
    if not any(row.id in mine for row in rows):
        raise NothingToRegroup(f"run {run.pk} has no merged themes; `./manage.py run_status {run.pk}` shows why.")
    points = []
    for strictness in strictnesses:
        found = assign(rows, scene.registered, scene.decisions, consolidate=True, strictness=strictness)
        _, groups = groups_before_and_after(scene, found)
        of_run = {root: members for root, members in groups.items() if any(m.theme_id in mine for m in members)}
        stories = stories_of(of_run, run.profile, run.as_of)
        points.append(
            Point(
                strictness=strictness,
                signatures=len(of_run),
                stories=len(stories),
                orphans=len(of_run) - len(stories),
                conversations=sum(stories.values()),
                largest=max(stories.values(), default=0),
            )
        )
    return WhatIf(run.pk, NEWEST.version, len(mine & {row.id for row in rows}), tuple(points))
