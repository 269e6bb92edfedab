"""Open stories that lie near a story, and the parts a story may fall into, for people to look at."""

from collections import Counter
from dataclasses import dataclass

from pipeline.group.current import centres_of, open_stories
from pipeline.group.titles import title_of
from pipeline.merge.rules import normalise
from pipeline.merge.rules.doubt import nearest_groups
from pipeline.models import Signature, Story, Theme
from pipeline.review.centres import root_of
from pipeline.review.decide import themes_inside
from pipeline.review.parts import MOST_THEMES, alike
from pipeline.review.queue import MOST_STORIES

LEAST_ALIKE = 0.2
"""Cosine below which two stories have nothing in common that a person would look at."""

THRESHOLDS = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
"""At which a story is tried to be taken apart, from the coarsest."""

MOST_PARTS_SHOWN = 4
FEWEST_IN_PART = 2


@dataclass(frozen=True, slots=True)
class SimilarStory:
    """A story near another, and how near: the cosine of the centres less what all stories share."""

    story: Story
    cosine: float


def similar_stories(story: Story, limit: int) -> list[SimilarStory]:
    """Return the open stories of the profile nearest to this one, the nearest first; bounded work.

    The stories compared are those that changed last: one table of at most MOST_STORIES centres.
    """
    own = centres_of([root := root_of(story.signature_id)])
    newest = open_stories(story.signature.profile).exclude(pk=story.pk).order_by("-updated_at", "-id")[:MOST_STORIES]
    by_root = dict(newest.values_list("signature_id", "pk"))
    by_root.pop(root, None)
    if not own or not by_root:
        return []
    near = [
        (by_root[key], cosine)
        for key, cosine in nearest_groups(own[0], centres_of(sorted(by_root)), limit=limit)
        if cosine >= LEAST_ALIKE
    ]
    found = Story.objects.select_related("signature").defer("signature__vector_sum").in_bulk([pk for pk, _ in near])
    return [SimilarStory(found[pk], cosine) for pk, cosine in near if pk in found]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a story: how it would be called, its conversations, and what the most typical one says."""

    title: str
    conversations: int
    summary: str


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts a story falls into at a threshold; the first keeps the name. No parts: it is of one piece."""

    threshold: float
    parts: list[Part]


def parts_of(story: Story) -> Parts:
    """Return the coarsest way to take a story apart in which the parts are more than stray conversations.

    Every part but the last-resort rest must have FEWEST_IN_PART conversations, and there are at most MOST_PARTS_SHOWN.
    """
    themes = list(themes_inside(root_of(story.signature_id))[: MOST_THEMES + 1])
    if not 2 * FEWEST_IN_PART <= len(themes) <= MOST_THEMES:
        return Parts(0.0, [])
    for threshold in THRESHOLDS:
        parts = alike(themes, threshold)
        if len(parts) > MOST_PARTS_SHOWN:
            break
        if len(parts) > 1 and all(_conversations(part) >= FEWEST_IN_PART for part in parts):
            return Parts(threshold, _named(story, parts))
    return Parts(0.0, [])


def _named(story: Story, parts: list[list[Theme]]) -> list[Part]:
    named, taken = [], {story.signature.key}
    forms = {normalise.normal_form(theme.raw_signature) for part in parts for theme in part}
    known = Signature.objects.filter(profile=story.signature.profile, normal_form__in=forms).exclude(title="")
    titles = dict(known.values_list("normal_form", "title"))
    for place, part in enumerate(parts):
        names = Counter(normalise.snake_case(theme.raw_signature) for theme in part)
        name = next((name for name, _ in names.most_common() if name not in taken), names.most_common(1)[0][0])
        taken.add(name)
        nearest = max(part, key=lambda theme: (theme.signature_score or 0.0, -theme.pk))
        title = story.title if place == 0 else titles.get(normalise.normal_form(name)) or title_of(name)
        named.append(Part(title, _conversations(part), nearest.summary))
    return named


def _conversations(part: list[Theme]) -> int:
    return len({theme.conversation_id for theme in part})
