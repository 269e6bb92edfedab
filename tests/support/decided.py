"""What decisions change, as plain values to compare, and what must be true after any of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Count, F, OuterRef, Q, Subquery

from pipeline.group.conservation import homes_of_themes
from pipeline.ledger.current import current_themes
from pipeline.merge import registry
from pipeline.models import Orphan, Run, Signature, SignatureRoot, Split, Story, StoryEvidence, Theme, Veto
from pipeline.models.signature import STANDING


@dataclass(frozen=True, slots=True)
class State:
    """Membership, sizes, statuses and people's columns; without ids and times."""

    themes: frozenset[Any]
    centres: frozenset[Any]
    stories: frozenset[Any]
    orphans: frozenset[Any]
    vetoes: frozenset[Any]


def state() -> State:
    """Return all that a decision may change and its undoing brings back."""
    themes = Theme.objects.values_list(
        "id", "signature__key", "signature__root_link__root__key", "signature_rule", "signature_score"
    )
    orphans = Orphan.objects.filter(graduated_at=None)
    vetoes = Veto.objects.filter(STANDING)
    return State(
        themes=frozenset(themes),
        centres=frozenset(Signature.objects.filter(size__gt=0).values_list("key", "normal_form", "size")),
        stories=frozenset(_story(story) for story in Story.objects.select_related("signature", "absorbed_by")),
        orphans=frozenset(orphans.values_list("signature__key", "reason", "detail", "dismissed_by", "confidence")),
        vetoes=frozenset(vetoes.values_list("first__key", "second__key")),
    )


def _story(story: Story) -> tuple[object, ...]:
    conversations = story.evidence.values_list("conversation__external_id", "theme_id")
    absorber = story.absorbed_by.title if story.absorbed_by else ""
    return (
        *(story.signature.key, story.title, story.description, story.status, story.first_run_id),
        *(story.reviewed_by_id, story.edited_by_id),
        *(absorber, story.confidence, frozenset(conversations)),
    )


def broken_promises() -> list[str]:
    """Return what is wrong with the database in words; nothing, if decisions keep what they promise."""
    connection.check_constraints()
    return [
        *_themes_without_a_home(),
        *_themes_in_two_stories(),
        *_names_that_are_no_forest(),
        *_wrong_sums(),
        *_homes_of_names_that_are_no_roots(),
        *_pairs_that_meet(),
    ]


def _themes_without_a_home() -> list[str]:
    runs = [run for run in Run.objects.filter(state__in=Run.FINISHED) if run.makes_stories]
    missed = {run: homes_of_themes(run).missed for run in runs}
    return [f"{count} themes of {run} have no home" for run, count in missed.items() if count]


def _themes_in_two_stories() -> list[str]:
    """Look at every finished run: a conversation counts in one story of what its current themes mean."""
    mine = StoryEvidence.objects.filter(
        story__signature=OuterRef("signature__root_link__root"), story__absorbed_by=None,
        conversation=OuterRef("conversation"),
    )  # fmt: skip
    count = Subquery(mine.order_by().values("conversation").annotate(number=Count("id")).values("number"))
    found = []
    for run in Run.objects.filter(state__in=Run.FINISHED):
        themes = current_themes(run.profile, run).filter(run=run)
        if twice := themes.annotate(stories=count).filter(stories__gt=1).count():
            found.append(f"{twice} themes of {run} are in two stories")
    return found


def _names_that_are_no_forest() -> list[str]:
    links = list(SignatureRoot.objects.values_list("signature_id", flat=True))
    names = Signature.objects.count()
    return (
        [f"{names} names have {len(links)} roots"] if sorted(set(links)) != sorted(links) or len(links) != names else []
    )


def _wrong_sums() -> list[str]:
    profile = "support"
    names = registry.names_of_profile(profile)
    found: dict[int, list[np.ndarray]] = {}
    for signature, vector in Theme.objects.filter(signature__isnull=False).values_list("signature_id", "vector"):
        found.setdefault(names.centre(signature), []).append(np.frombuffer(bytes(vector), np.float32))
    wrong = []
    for signature in Signature.objects.filter(profile=profile):
        vectors = found.get(signature.pk, [])
        if signature.size != len(vectors) or (signature.vector_sum is None) != (not vectors):
            wrong.append(f"{signature} has size {signature.size} and {len(vectors)} themes")
        elif vectors and not np.allclose(
            np.frombuffer(bytes(signature.vector_sum or b""), np.float32), np.sum(vectors, axis=0), atol=1e-4
        ):
            wrong.append(f"the sum of {signature} is not that of its themes")
    return wrong


def _homes_of_names_that_are_no_roots() -> list[str]:
    is_root = Q(signature__root_link__root=F("signature"))
    open_stories = Story.objects.filter(~is_root, status__in=Story.OPEN, absorbed_by=None)
    waiting = Orphan.objects.filter(~is_root, graduated_at=None, dismissed_at=None)
    wrong = [f"{home} is open or waits, but its name is merged" for home in [*open_stories, *waiting]]
    both = Orphan.objects.filter(
        graduated_at=None, dismissed_at=None, signature__stories__status__in=Story.OPEN,
        signature__stories__absorbed_by=None,
    )  # fmt: skip
    return [*wrong, *(f"{orphan} waits beside an open story" for orphan in both)]


def _pairs_that_meet() -> list[str]:
    vetoes = Veto.objects.filter(STANDING, first__root_link__root=F("second__root_link__root"))
    splits = Split.objects.filter(STANDING, signature__root_link__root=F("made__root_link__root"))
    return [f"{pair} does not hold" for pair in [*vetoes, *splits]]
