"""Reads for the steps, screens and commands. Progress and counters are questions to the ledger, never stored sums."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet

from pipeline.models import Evidence, Item, Orphan, Run, SignatureRoot, Story, StoryEvidence, Theme


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """What became of a run's conversations."""

    planned: int
    pending: int
    reading: int
    extracted: int
    filtered: int
    skipped: int
    failed: int

    @property
    def finished(self) -> int:
        return self.planned - self.pending - self.reading


@dataclass(frozen=True, slots=True)
class RunSummary:
    """All that a run did, in numbers; the unit of the first five is conversations."""

    run: int
    source: str
    state: str
    phase: str
    attention: str
    error: str
    conversations: ItemCounts
    themes: int
    signatures_proposed: int
    signatures_after_merge: int
    stories_new: int
    stories_grown: int
    orphans: dict[str, int]
    seconds: float
    conversations_per_second: float

    def as_json(self) -> dict[str, object]:
        """Return the summary as plain values."""
        return asdict(self)


# --- Items --------------------------------------------------------------------------------------------------------


def unfinished_items(run: Run | int) -> QuerySet[Item]:
    """Items of the run that nobody has finished yet."""
    return Item.objects.filter(run=run, state__in=Item.UNFINISHED)


def unfinished_chunks(run: Run) -> list[int]:
    """The numbers of the chunks with unfinished items, rising."""
    return list(unfinished_items(run).values_list("chunk", flat=True).distinct().order_by("chunk"))


def item_counts(run: Run | int) -> ItemCounts:
    """How many conversations of the run are in which state."""
    by_state = dict(Item.objects.filter(run=run).values_list("state").annotate(number=Count("id")).order_by())
    states = {str(state): by_state.get(state, 0) for state in Item.State.values}
    return ItemCounts(planned=sum(states.values()), **states)


def commonest_reason(run: Run) -> str:
    """The reason most items that gave no theme share, with how many do."""
    reasons = run.items.exclude(state=Item.State.EXTRACTED).exclude(state=Item.State.SKIPPED).values("state", "reason")
    top = reasons.annotate(number=Count("id")).order_by("-number", "reason").first()
    return f"{top['number']} {top['state']}: {top['reason']}" if top else "no reason is recorded"


def failed_items(run: Run | int) -> QuerySet[Item]:
    """Failed items of the run with their conversations, in the order they were planned."""
    return Item.objects.filter(run=run, state=Item.State.FAILED).select_related("conversation").order_by("id")


# --- Themes -------------------------------------------------------------------------------------------------------


def current_themes(run: Run) -> QuerySet[Theme]:
    """Themes that count while this run groups: for each conversation those of its newest reading.

    A reading counts once its run is finished; this run's own count already.
    """
    newer = Item.objects.filter(
        Q(run__state__in=Run.FINISHED) | Q(run=run),
        conversation=OuterRef("conversation"),
        run__profile=OuterRef("profile"),
        state__in=(Item.State.EXTRACTED, Item.State.FILTERED),
        id__gt=OuterRef("item_id"),
    )
    counted = Theme.objects.filter(Q(run__state__in=Run.FINISHED) | Q(run=run), profile=run.profile)
    return counted.exclude(Exists(newer)).filter(signature__isnull=False)


def affected_roots(run: Run) -> list[int]:
    """Ids of the root signatures that the run's readings touch, rising: those of every theme of its conversations."""
    read = Item.objects.filter(run=run, state__in=(Item.State.EXTRACTED, Item.State.FILTERED))
    themes = Theme.objects.filter(profile=run.profile, conversation__in=read.values("conversation"))
    leaves = themes.filter(signature__isnull=False).values("signature")
    roots = SignatureRoot.objects.filter(signature__in=leaves)
    return list(roots.values_list("root_id", flat=True).distinct().order_by("root_id"))


def themes_without_a_home(run: Run) -> QuerySet[Theme]:
    """Themes of the run that conservation misses: unassigned, or, once stories are made, in no story and no orphan."""
    themes = Theme.objects.filter(run=run)
    if not run.makes_stories:
        return themes.filter(signature__isnull=True)
    root = OuterRef("signature__root_link__root")
    at_home = Exists(Story.objects.filter(signature=root)) | Exists(Orphan.objects.filter(signature=root))
    return themes.exclude(at_home)


# --- Stories and orphans ------------------------------------------------------------------------------------------


def stories_of_run(run: Run | int) -> QuerySet[Story]:
    """Stories the run made or added to, the largest first, with their sizes."""
    touched = Q(first_run=run) | Exists(StoryEvidence.objects.filter(story=OuterRef("pk"), run=run))
    return with_sizes(Story.objects.filter(touched, absorbed_by__isnull=True)).order_by("-conversations", "title")


def with_sizes(stories: QuerySet[Story]) -> QuerySet[Story]:
    """The stories with `conversations`, `customers` (unknown ones count each), `first_at` and `last_at`."""
    return stories.annotate(
        conversations=Count("evidence", distinct=True),
        customers=Count("evidence__conversation__customer", filter=~Q(evidence__conversation__customer=""), distinct=True)
        + Count("evidence", filter=Q(evidence__conversation__customer=""), distinct=True),
        first_at=Min("evidence__conversation__occurred_at"),
        last_at=Max("evidence__conversation__occurred_at"),
    )


def quotes_of(stories: Sequence[Story]) -> dict[int, str]:
    """For each story one quote: that of the theme nearest to the middle of its signature."""
    ids = [story.pk for story in stories]
    rows = (
        StoryEvidence.objects.filter(story__in=ids, theme__evidence__isnull=False)
        .order_by("story_id", F("theme__signature_score").desc(nulls_last=True), "theme_id")
        .distinct("story_id")
        .values_list("story_id", "theme_id")
    )
    themes = dict(rows)
    quotes = Evidence.objects.filter(theme__in=themes.values()).order_by("theme_id", "start").distinct("theme_id")
    by_theme = {evidence.theme_id: evidence.quote for evidence in quotes}
    return {story: by_theme[theme] for story, theme in themes.items()}


def orphans_of_run(run: Run | int) -> QuerySet[Orphan]:
    """Waiting orphans that the run's themes belong to."""
    roots = SignatureRoot.objects.filter(signature__themes__run=run).values("root")
    return Orphan.objects.filter(signature__in=roots, graduated_at__isnull=True)


# --- Runs ---------------------------------------------------------------------------------------------------------


def run_summary(run: Run) -> RunSummary:
    """All that the run did, counted now."""
    counts, seconds = item_counts(run), _seconds(run)
    themes = Theme.objects.filter(run=run)
    stories = stories_of_run(run)
    by_reason = orphans_of_run(run).values_list("reason").annotate(number=Count("id")).order_by("reason")
    return RunSummary(
        run=run.pk,
        source=str(run.source),
        state=run.state,
        phase=run.phase,
        attention=run.attention,
        error=run.error,
        conversations=counts,
        themes=themes.count(),
        signatures_proposed=themes.values("raw_signature").distinct().count(),
        signatures_after_merge=themes.values("signature__root_link__root").distinct().count(),
        stories_new=stories.filter(first_run=run).count(),
        stories_grown=stories.exclude(first_run=run).count(),
        orphans=dict(by_reason),
        seconds=seconds,
        conversations_per_second=counts.finished / seconds if seconds else 0.0,
    )


def _seconds(run: Run) -> float:
    ended: datetime | None = run.finished_at or run.heartbeat_at
    return (ended - run.started_at).total_seconds() if run.started_at and ended else 0.0
