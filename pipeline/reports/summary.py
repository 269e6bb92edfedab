"""What a run did, in numbers and lists."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import (
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
)
from django.db.models.functions import Lower

from pipeline.ledger.counts import ItemCounts, item_counts, seconds_worked
from pipeline.models import (
    Conversation,
    Evidence,
    Item,
    MergePass,
    Orphan,
    Reassignment,
    Run,
    SignatureRoot,
    Source,
    Story,
    StoryEvidence,
    Theme,
)
from pipeline.reports.companies import PageRun, page_run
from pipeline.reports.costs import ModelUse, flaws_of, model_use_of
from pipeline.reports.judging import Judging, judging_of


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
    languages: dict[str, int]
    orphans: dict[str, int]
    grouping: str
    seconds: float
    conversations_per_second: float
    model_use: Sequence[ModelUse] = ()
    flaws: Mapping[str, int] = field(default_factory=dict)
    estimate: Mapping[str, Any] | None = None
    judging: Judging | None = None
    """What a language model judged of the result, if it did or is to."""
    pages: PageRun | None = None
    """Of a run over web pages, what it did in companies and URLs."""

    def as_json(self) -> dict[str, object]:
        """Return the summary as plain values."""
        return asdict(self)


def stories_of_run(run: Run | int) -> QuerySet[Story]:
    """Stories the run made or added to, the largest first, with their sizes."""
    touched = Q(first_run=run) | Exists(StoryEvidence.objects.filter(story=OuterRef("pk"), run=run))
    return largest_first(Story.objects.standing().filter(touched))


def stories_of_source(source: Source) -> QuerySet[Story]:
    """Stories with a conversation of the source, the largest first, with their sizes."""
    inside = StoryEvidence.objects.filter(story=OuterRef("pk"), conversation__source=source)
    return largest_first(Story.objects.standing().filter(Exists(inside)))


def largest_first(stories: QuerySet[Story]) -> QuerySet[Story]:
    """The stories with their sizes, those with most conversations first."""
    return with_sizes(stories).order_by(F("conversations").desc(), "title")


def with_sizes(stories: QuerySet[Story]) -> QuerySet[Story]:
    """The stories with `conversations`, `customers` (unknown ones count each), `first_at` and `last_at`.

    `known_customers` and `unknown_customers` say how much of the count is known, as the gate counts (gates.Customers).
    """
    is_unknown = Q(evidence__conversation__customer="")
    return stories.annotate(
        conversations=Count("evidence", distinct=True),
        known_customers=Count(Lower("evidence__conversation__customer"), filter=~is_unknown, distinct=True),
        unknown_customers=Count("evidence", filter=is_unknown, distinct=True),
        customers=F("known_customers") + F("unknown_customers"),
        first_at=Min("evidence__conversation__occurred_at"),
        last_at=Max("evidence__conversation__occurred_at"),
    )


def quotes_of(stories: Sequence[Story]) -> dict[int, str]:
    """For each story one quote: that of the theme nearest to the middle of its signature. One question."""
    # the filter, the order and the value mean one and the same join to the quotes
    rows = (
        StoryEvidence.objects.filter(story__in=[story.pk for story in stories], theme__evidence__quote__gt="")
        .order_by("story_id", F("theme__signature_score").desc(nulls_last=True), "theme_id", "theme__evidence__id")
        .distinct("story_id")
        .values_list("story_id", "theme__evidence__quote")
    )
    return dict(rows)


def orphans_of_run(run: Run | int) -> QuerySet[Orphan]:
    """Waiting orphans that the run's themes belong to."""
    roots = SignatureRoot.objects.filter(signature__themes__run=run).values("root")
    waiting: QuerySet[Orphan] = Orphan.objects.waiting().filter(signature__in=roots)
    return waiting


def nearly_stories(run: Run | int) -> QuerySet[Orphan]:
    """Orphans of the run that one more conversation could make a story, the surest first, with the story nearest."""
    nearly = orphans_of_run(run).filter(dismissed_at__isnull=True, missing_conversations=1)
    return (
        nearly.select_related("signature", "nearest_story").defer("signature__vector_sum").order_by("-confidence", "id")
    )


@dataclass(frozen=True, slots=True)
class Brought:
    """What a run brought to review: stories that it made, stories that it added to, waiting orphans by reason."""

    new: int
    grown: int
    orphans: dict[str, int]


def brought_by(run: Run) -> Brought:
    """Return what the run brought to review, counted now; three questions."""
    stories = stories_of_run(run)
    by_reason = orphans_of_run(run).values_list("reason").annotate(number=Count("id")).order_by("reason")
    return Brought(stories.filter(first_run=run).count(), stories.exclude(first_run=run).count(), dict(by_reason))


def run_summary(run: Run) -> RunSummary:
    """All that the run did, counted now."""
    counts, seconds = item_counts(run), seconds_worked(run)
    themes = Theme.objects.filter(run=run)
    brought = brought_by(run)
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
        signatures_after_merge=themes.exclude(signature=None).values("signature__root_link__root").distinct().count(),
        stories_new=brought.new,
        stories_grown=brought.grown,
        languages=languages_of_run(run),
        orphans=brought.orphans,
        grouping=_told(list(run.passes.order_by("id"))),
        seconds=seconds,
        conversations_per_second=counts.finished / seconds if seconds else 0.0,
        model_use=model_use_of(run),
        flaws=flaws_of(run),
        estimate=(run.preview or {}).get("estimate"),
        judging=judging_of(run),
        pages=page_run(run, counts) if run.is_of_pages else None,
    )


def languages_of_run(run: Run) -> dict[str, int]:
    """How many of the conversations the run read are in each language, the commonest first; without words none."""
    read = run.items.exclude(language="").order_by()
    counts = read.values_list("language").annotate(number=Count("id")).order_by("-number", "language")
    return dict(counts)


def earlier_run_that_read(run: Run) -> Run | None:
    """Where a completed run skipped all as unchanged: the newest run before it that read some of it, if it is there."""
    if run.state != Run.State.COMPLETED or run.items.exclude(state=Item.State.SKIPPED).exists():
        return None
    read = Item.objects.filter(run=OuterRef("pk"), state=Item.State.EXTRACTED)
    earlier = Run.objects.filter(Exists(read), source=run.source, profile=run.profile, pk__lt=run.pk)
    return earlier.filter(state__in=Run.FINISHED).select_related("source").order_by("-pk").first()


def passes_over(run: Run) -> QuerySet[MergePass]:
    """The merges of the run, and the later consolidations that moved any of its themes, the first first."""
    moved = Reassignment.objects.filter(merge_pass=OuterRef("pk"), theme__run=run)
    passes = MergePass.objects.filter(Q(run=run) | Q(Exists(moved)), profile=run.profile)
    return passes.select_related("created_by").order_by("id")


def _told(passes: Sequence[MergePass]) -> str:
    """Return in words how the run's themes were grouped."""
    kinds = MergePass.Kind
    words = {
        kinds.JOIN: "{new} new themes joined the existing groups; {moved} moved",
        kinds.CONSOLIDATION: "all {all} themes were regrouped; {moved} moved",
    }
    told = [
        words[kinds(one.kind)].format(new=one.new_count, all=one.theme_count, moved=one.moved_count)
        + (", what only loosely fits kept out (strict)" if one.strict else "")
        for one in passes
    ]
    return "; then ".join(told)


def themes_of_conversation(conversation: Conversation) -> QuerySet[Theme]:
    """What was found in the conversation, the newest run first, with quotes; vectors stay where they are."""
    themes = conversation.themes.select_related("run__source", "signature").defer("vector", "signature__vector_sum")
    return themes.order_by("-run_id", "id").prefetch_related(Prefetch("evidence", Evidence.objects.order_by("start")))
