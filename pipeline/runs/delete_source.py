"""Remove a source and all that hangs on it: an import that was made by mistake leaves nothing behind."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from pipeline.extract.llm.left_files import leave_batches
from pipeline.group.settle import point_to_nearest_stories, settle
from pipeline.ledger.current import current_themes
from pipeline.ledger.errors import RunError
from pipeline.merge.apply import AT_ONCE
from pipeline.merge.counting import recount
from pipeline.merge.forest import standing_forest
from pipeline.models import (
    Batch,
    Budget,
    Call,
    Change,
    Company,
    CompanyUrl,
    ContextUsage,
    Conversation,
    ConversationVersion,
    Evidence,
    Fetch,
    Hold,
    Item,
    Judgement,
    MapPoint,
    Merge,
    MergePass,
    Move,
    Orphan,
    Reassignment,
    Rename,
    Reservation,
    Run,
    SearchText,
    Signature,
    SignatureRoot,
    Snapshot,
    Source,
    Split,
    StatusChange,
    Story,
    StoryEvidence,
    Theme,
    Upload,
    Veto,
)
from pipeline.models.wording import counted
from pipeline.review.deciding import as_of, deciding, lock
from pipeline.review.regroup import consolidate
from pipeline.runs.create import refuse_live


@dataclass(frozen=True, slots=True)
class Hanging:
    """How much hangs on a source. `emptied` stories have no conversation besides, `shrunken` ones have others too."""

    conversations: int
    runs: int
    themes: int
    emptied: int
    shrunken: int
    touched: int
    """Of the emptied ones, those that people reviewed or wrote in: they stay, without conversations."""

    def __str__(self) -> str:
        """Return what would go, in a sentence."""
        parts = [counted(self.conversations, "conversation"), counted(self.runs, "run"), counted(self.themes, "theme")]
        gone = f"{', '.join(parts)} and {counted(self.emptied - self.touched, 'story', 'stories')}"
        kept = []
        if self.shrunken:
            kept.append(f"{counted(self.shrunken, 'story', 'stories')} would lose some of their conversations")
        if self.touched:
            kept.append(
                f"{counted(self.touched, 'story', 'stories')} that people worked on would be kept without conversations"
            )
        return "; ".join([gone, *kept])


def what_hangs_on(source: Source) -> Hanging:
    """Count what `delete_source` would remove and change."""
    with_it = StoryEvidence.objects.filter(conversation__source=source).values("story")
    stories = Story.objects.filter(pk__in=with_it).annotate(
        total=Count("evidence"), own=Count("evidence", filter=Q(evidence__conversation__source=source))
    )
    emptied = stories.filter(own=F("total"))
    return Hanging(
        conversations=Conversation.objects.filter(source=source).count(),
        runs=Run.objects.filter(source=source).count(),
        themes=Theme.objects.filter(conversation__source=source).count(),
        emptied=emptied.count(),
        shrunken=stories.filter(own__lt=F("total")).count(),
        touched=emptied.exclude(Story.UNTOUCHED).count(),
    )


def delete_source(*, source: Source) -> Hanging:
    """Remove the source with its conversations, runs and themes, settle what they were in, and return what went.

    Opens a transaction. RunError, and nothing changed, if a run of the source is live, or it is gone already. Stories
    that only its conversations made go too, unless people worked on them; names of problems stay in the registry.
    If much has gone, all that is left is grouped again, here or, where that takes long, after the next run: what the
    source made of other sources' groups goes with it.
    """
    refuse_live(source=source)
    with transaction.atomic():
        # the lock holds off a run or an import that would begin meanwhile: their rows need the source's
        if not Source.objects.select_for_update().filter(pk=source.pk).exists():
            raise RunError(f"{source} no longer exists.")
        refuse_live(source=source)
        hanging = what_hangs_on(source)
        roots = _roots_by_profile(source)
        with_it = StoryEvidence.objects.filter(conversation__source=source).values_list("story", flat=True)
        stories = list(with_it.distinct())
        with ExitStack() as held:
            for profile in sorted(roots):
                held.enter_context(deciding(profile, None))  # a merge that runs meanwhile computes again
            centres = _centres_of(source, roots)
            lock({*centres, *chain.from_iterable(roots.values())})
            _delete_rows(source)
            recount(centres)
            for profile, touched in sorted(roots.items()):
                settle(profile=profile, as_of=as_of(profile), roots=touched)
            _delete_empty_stories(stories)
            for profile, touched in sorted(roots.items()):
                point_to_nearest_stories(profile=profile, roots=touched)
    for profile in sorted(roots):
        if current_themes(profile).count() <= AT_ONCE:
            consolidate(profile=profile)
    return hanging


def _centres_of(source: Source, profiles: Iterable[str]) -> set[int]:
    """Return the signatures in which the source's themes are counted."""
    leaves = list(_signatures_of(source).values_list("signature", "profile"))
    forests = {profile: standing_forest(profile) for profile in profiles}
    return {forests[profile].centre(leaf) for leaf, profile in leaves}


def _signatures_of(source: Source) -> QuerySet[Theme, int]:
    """The signatures that the source's themes have."""
    themes = Theme.objects.filter(conversation__source=source, signature__isnull=False)
    return themes.values_list("signature", flat=True).distinct().order_by("signature")


def _roots_by_profile(source: Source) -> dict[str, list[int]]:
    """Return the root signatures that the source's themes belong to, by profile."""
    named = SignatureRoot.objects.filter(signature__in=_signatures_of(source))
    rows = named.values_list("root__profile", "root").distinct()
    roots: dict[str, list[int]] = {}
    for profile, root in rows.order_by("root"):
        roots.setdefault(profile, []).append(root)
    return roots


def _delete_rows(source: Source) -> None:
    """Delete bottom up, each table by one statement: a source may have a million conversations."""
    themes = Theme.objects.filter(conversation__source=source)
    runs = Run.objects.filter(source=source)
    conversations = Conversation.objects.filter(source=source)
    leave_batches(runs=runs)
    for decision in (Merge, Veto, Split, Move, Rename, Hold, Change):  # they stay, with the name of the model
        decision._default_manager.filter(judgement__run__in=runs).update(judgement=None)
    for rows in (
        Fetch.objects.filter(company_url__conversation__in=conversations),
        Evidence.objects.filter(theme__in=themes),
        ContextUsage.objects.filter(theme__in=themes),
        Move.objects.filter(theme__in=themes),
        Reassignment.objects.filter(theme__in=themes),
        StoryEvidence.objects.filter(conversation__in=conversations),
        SearchText.objects.filter(conversation__in=conversations),
        MapPoint.objects.filter(theme__in=themes),
        themes,
        Call.objects.filter(item__run__in=runs),
        Call.objects.filter(judgement__run__in=runs),
        Reservation.objects.filter(budget__run__in=runs),
        Budget.objects.filter(run__in=runs),
        Batch.objects.filter(run__in=runs),
        Judgement.objects.filter(run__in=runs),
        Item.objects.filter(run__in=runs),
    ):
        _delete(rows)
    StoryEvidence.objects.filter(run__in=runs).update(run=None)
    Story.objects.filter(first_run__in=runs).update(first_run=None)
    Signature.objects.filter(created_run__in=runs).update(created_run=None)
    Merge.objects.filter(run__in=runs).update(run=None)
    MergePass.objects.filter(run__in=runs).update(run=None)
    Upload.objects.filter(run__in=runs).update(run=None)
    if source.is_of_pages:
        CompanyUrl.objects.update(snapshot=None, good_at=None)
        for watched in (Snapshot, StatusChange, CompanyUrl, Company):
            _delete(watched.objects.all())
    _delete(ConversationVersion.objects.filter(conversation__in=conversations))
    _delete(conversations)
    _delete(runs)
    _delete(Source.objects.filter(pk=source.pk))


def _delete(rows: QuerySet) -> None:  # type: ignore[type-arg]
    """Delete the rows without loading them; what refers to them was deleted before."""
    rows._raw_delete(rows.db)


def _delete_empty_stories(stories: Sequence[int]) -> None:
    """Delete those of the stories that have no conversation left and that no person has touched."""
    empty = Story.objects.filter(pk__in=stories, evidence__isnull=True).filter(Story.UNTOUCHED)
    Orphan.objects.filter(story__in=empty).delete()
    empty.delete()
