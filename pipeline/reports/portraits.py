"""Whether stories hold together and are called what they are about: judged by the vectors of their themes.

These are warnings and no faults: a loose story may be right, and a title that people wrote stays theirs. Constants were
chosen on labelled sets, see benchmarks/QUALITY.md.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from django.db.models import F

from pipeline.group.current import open_stories
from pipeline.group.titles import Floats, Model
from pipeline.group.titling import stories_due_a_title
from pipeline.merge.rules.grouping.vectors import unit
from pipeline.models import StoryEvidence

FEW_STORIES = 5
"""Of fewer nothing can be said: what is usual is a median over stories."""

LOOSE = 0.45
"""A story is loose whose themes are so much alike, as a share of what is usual. Both are what two themes of one story
have in common beyond two themes of any stories."""

MISNAMED = 0.05
"""By how much another story is nearer to a title than its own, as a cosine, for the title not to fit."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """An open story as its vectors show it: their sum, (d,), and how many conversations they come from.

    was_titled_for_others: most of its conversations are not those its title was chosen for.
    """

    story: int
    title: str
    total: Floats
    count: int
    was_titled_for_others: bool = False

    @property
    def likeness(self) -> float:
        """The mean cosine between the themes of two of its conversations; 1 where it has one."""
        if self.count < 2:
            return 1.0
        return float((self.total @ self.total - self.count) / (self.count * (self.count - 1)))


def portraits_of(profile: str) -> list[Portrait]:
    """Return the open stories of a profile; one pass over their vectors, none of which is kept."""
    sums: dict[int, np.ndarray] = {}
    counts: dict[int, int] = {}
    evidence = StoryEvidence.objects.filter(story__in=open_stories(profile)).order_by()
    for story, vector in evidence.values_list("story_id", F("theme__vector")).iterator(chunk_size=2000):
        row = np.frombuffer(bytes(vector), np.float32)
        sums[story] = sums[story] + row if story in sums else row.astype(np.float64)
        counts[story] = counts.get(story, 0) + 1
    due = set(stories_due_a_title(profile).values_list("pk", flat=True))
    titles = open_stories(profile).filter(pk__in=sums).order_by("pk").values_list("pk", "title")
    return [Portrait(pk, title, sums[pk], counts[pk], pk in due) for pk, title in titles]


def stories_of_run(run: int) -> set[int]:
    """Return the stories that have conversations by themes of this run."""
    return set(StoryEvidence.objects.filter(theme__run=run).values_list("story_id", flat=True).distinct())


def loose(portraits: Sequence[Portrait], looked_at: Collection[int]) -> Iterator[str]:
    """Say which of these stories hold together by much less than is usual among all."""
    if len(portraits) < FEW_STORIES:
        return
    # what all have in common is taken off both: in a narrow field everything is alike
    everything = np.sum([one.total for one in portraits], axis=0)
    whole = Portrait(0, "", everything, sum(one.count for one in portraits)).likeness
    usual = median(one.likeness for one in portraits)
    for one in portraits:
        if one.story in looked_at and one.likeness - whole < LOOSE * (usual - whole):
            yield (
                f"story {one.story} ({one.title}): two of its conversations have a similarity of {one.likeness:.2f} "
                f"on average, where {usual:.2f} is usual within a story and {whole:.2f} between any two in the "
                "profile. Read some of them, and split the story if they are about several problems"
            )


def misnamed(portraits: Sequence[Portrait], looked_at: Collection[int], model: Model | None) -> Iterator[str]:
    """Say which of these stories have a title that is not about most of their conversations.

    Where a model places words among the vectors, a title must not lie nearer to another story than to its own.
    """
    nearest = _nearest(portraits, model) if model and len(portraits) > 1 else {}
    for one in portraits:
        if one.story not in looked_at:
            continue
        if one.was_titled_for_others:
            yield (
                f"story {one.story} ({one.title}): its title was chosen for other conversations than most of those "
                "it has now"
            )
        elif one.story in nearest:
            other, own, rival = nearest[one.story]
            yield (
                f"story {one.story} ({one.title}): its title is closer to story {other.story} ({other.title}; cosine "
                f"{rival:.2f}) than to its own conversations (cosine {own:.2f})"
            )


def _nearest(portraits: Sequence[Portrait], model: Model) -> dict[int, tuple[Portrait, float, float]]:
    """Return of each title that lies clearly nearer to another story which one, and the cosines to its own and that."""
    everything = np.sum([one.total for one in portraits], axis=0) / sum(one.count for one in portraits)
    centres = unit(np.stack([one.total / one.count for one in portraits]) - everything)
    titles = model.encode([one.title for one in portraits])
    cosines = unit(titles - everything) @ centres.T
    own = cosines.diagonal().copy()
    np.fill_diagonal(cosines, -1.0)
    best = cosines.argmax(axis=1)
    return {
        portraits[row].story: (portraits[place], float(own[row]), float(cosines[row, place]))
        for row, place in enumerate(best.tolist())
        if cosines[row, place] > own[row] + MISNAMED
    }
