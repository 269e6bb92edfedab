"""Reads for the steps, screens and commands. Progress and counters are questions to the ledger, never stored sums."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
from django.db import connection
from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from pipeline.gates import Member
from pipeline.models import (
    Conversation,
    Evidence,
    Item,
    Merge,
    Orphan,
    Regroup,
    Run,
    Signature,
    SignatureRoot,
    Source,
    Story,
    StoryEvidence,
    Theme,
    Veto,
)
from pipeline.refusals import RunError
from pipeline.signatures.nearest import GroupSum


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


def refresh_statistics() -> None:
    """Tell PostgreSQL's planner how large the tables have become: a run fills them faster than autovacuum looks."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE pipeline_item, pipeline_theme, pipeline_evidence")


def find_run(run_id: int) -> Run:
    """The run with its source; RunError says what to do if there is none of that number."""
    run = Run.objects.select_related("source").filter(pk=run_id).first() if run_id > 0 else None
    if run is None:
        raise RunError(f"there is no run {run_id}; `./manage.py run_status` lists the newest.")
    return run


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


def current_themes(profile: str, run: Run | None = None) -> QuerySet[Theme]:
    """Themes of the profile that count: for each conversation those of its newest reading.

    A reading counts once its run is finished; those of runs that group now, and of this run if given, count already.
    """
    grouping = Q(run__state=Run.State.RUNNING, run__phase__in=(Run.Phase.GROUP, Run.Phase.FINISH))
    counts = Q(run__first_finished_at__isnull=False) | grouping
    if run is not None:
        counts |= Q(run=run)
    return Theme.objects.filter(counts, ~_was_read_again(counts), profile=profile, signature__isnull=False)


def _was_read_again(counts: Q) -> Exists:
    """Whether a theme's conversation has a newer reading for its profile, of those that count."""
    newer = Item.objects.filter(
        counts,
        conversation=OuterRef("conversation"),
        run__profile=OuterRef("profile"),
        state__in=(Item.State.EXTRACTED, Item.State.FILTERED),
        id__gt=OuterRef("item_id"),
    )
    return Exists(newer)


def members(themes: QuerySet[Theme]) -> Iterator[tuple[int, Member]]:
    """The signature of each of these themes, and what the gates look at, in the order of their conversations' time."""
    rows = (
        themes.annotate(proven=Exists(Evidence.objects.filter(theme=OuterRef("pk"))))
        .order_by("conversation__occurred_at", "conversation_id", F("signature_score").desc(), "id")
        .values_list(
            "signature_id", "id", "conversation_id", "conversation__customer",
            "conversation__occurred_at", "category", "summary", "confidence", "signature_score", "proven",
        )
    )  # fmt: skip
    for row in rows:
        yield row[0], Member(*row[1:])


def affected_roots(run: Run) -> list[int]:
    """Ids of the root signatures that the run's readings touch, rising: those of every theme of its conversations."""
    read = Item.objects.filter(run=run, state__in=(Item.State.EXTRACTED, Item.State.FILTERED))
    themes = Theme.objects.filter(profile=run.profile, conversation__in=read.values("conversation"))
    leaves = themes.filter(signature__isnull=False).values("signature")
    roots = SignatureRoot.objects.filter(signature__in=leaves)
    return list(roots.values_list("root_id", flat=True).distinct().order_by("root_id"))


def leaves_of(roots: Sequence[int]) -> dict[int, int]:
    """The root of each signature that means one of these roots, themselves included.

    Asked first, so that themes are then found by the index on their signature: the view would hide it.
    """
    return dict(SignatureRoot.objects.filter(root__in=roots).values_list("signature_id", "root_id"))


def _story_count() -> Coalesce:
    """How many stories of a theme's root have its conversation."""
    of_root = StoryEvidence.objects.filter(story__signature=OuterRef("signature__root_link__root"))
    mine = of_root.filter(story__absorbed_by__isnull=True, conversation=OuterRef("conversation")).order_by()
    return Coalesce(Subquery(mine.values("conversation").annotate(number=Count("id")).values("number")), 0)


def _has_orphan() -> Exists:
    """Whether a theme's root waits as an orphan, dismissed or not."""
    of_root = Orphan.objects.filter(signature=OuterRef("signature__root_link__root"))
    return Exists(of_root.filter(graduated_at__isnull=True))


@dataclass(frozen=True, slots=True)
class Homes:
    """Where a run's themes are. The unit is themes; all but `total` add up to it.

    In a story, whatever its status, is a theme whose conversation is in one of its root; a waiting or dismissed orphan
    of its root is a home as well.
    """

    makes_stories: bool
    total: int
    unassigned: int
    replaced: int
    in_story: int
    in_orphan: int
    homeless: int
    in_two_stories: int

    @property
    def missed(self) -> int:
        """Themes that conservation misses: without a signature or, in a run that makes stories, without a home."""
        return self.unassigned + (self.homeless if self.makes_stories else 0)


def homes_of_themes(run: Run) -> Homes:
    """Where the themes of the run are now; those that a newer reading replaced need no home."""
    themes = Theme.objects.filter(run=run)
    total, unassigned = themes.count(), themes.filter(signature__isnull=True).count()
    current = (
        current_themes(run.profile, run)
        .filter(run=run)
        .annotate(stories=_story_count(), waits=_has_orphan())
        .order_by()
    )
    found: Counter[str] = Counter()
    for stories, waits, number in current.values_list("stories", "waits").annotate(number=Count("id")):
        home = ("in_orphan" if waits else "homeless", "in_story", "in_two_stories")[min(stories, 2)]
        found[home] += number
    homes = {home: found[home] for home in ("in_story", "in_orphan", "homeless", "in_two_stories")}
    replaced = total - unassigned - sum(homes.values())
    return Homes(run.makes_stories, total=total, unassigned=unassigned, replaced=replaced, **homes)


def extracted_items_without_a_theme(run: Run) -> QuerySet[Item]:
    """Items that the ledger calls extracted and that have no theme: something was lost."""
    return Item.objects.filter(~Exists(Theme.objects.filter(item=OuterRef("pk"))), run=run, state=Item.State.EXTRACTED)


# --- Stories and orphans ------------------------------------------------------------------------------------------


def open_stories(profile: str) -> QuerySet[Story]:
    """Stories of the profile that people still work on."""
    return Story.objects.filter(signature__profile=profile, status__in=Story.OPEN, absorbed_by__isnull=True)


def centres_of(roots: Sequence[int]) -> list[GroupSum]:
    """The centre of each of these roots that has one, by rising id: with those of the names merged into it."""
    rows = Signature.objects.filter(root_link__root__in=roots, vector_sum__isnull=False, size__gt=0)
    sums: dict[int, np.ndarray] = {}
    sizes: Counter[int] = Counter()
    for root, vector_sum, size in rows.order_by("pk").values_list("root_link__root", "vector_sum", "size"):
        vector = np.frombuffer(bytes(vector_sum), np.float32)
        sums[root] = sums[root] + vector if root in sums else vector
        sizes[root] += size
    return [GroupSum(root, sums[root].tobytes(), sizes[root]) for root in sorted(sums)]


def stories_of_run(run: Run | int) -> QuerySet[Story]:
    """Stories the run made or added to, the largest first, with their sizes."""
    touched = Q(first_run=run) | Exists(StoryEvidence.objects.filter(story=OuterRef("pk"), run=run))
    return largest_first(Story.objects.filter(touched, absorbed_by__isnull=True))


def stories_of_source(source: Source) -> QuerySet[Story]:
    """Stories with a conversation of the source, the largest first, with their sizes."""
    inside = StoryEvidence.objects.filter(story=OuterRef("pk"), conversation__source=source)
    return largest_first(Story.objects.filter(Exists(inside), absorbed_by__isnull=True))


def largest_first(stories: QuerySet[Story]) -> QuerySet[Story]:
    """The stories with their sizes, those with most conversations first."""
    return with_sizes(stories).order_by(F("conversations").desc(), "title")


def with_sizes(stories: QuerySet[Story]) -> QuerySet[Story]:
    """The stories with `conversations`, `customers` (unknown ones count each), `first_at` and `last_at`."""
    return stories.annotate(
        conversations=Count("evidence", distinct=True),
        customers=Count(
            "evidence__conversation__customer", filter=~Q(evidence__conversation__customer=""), distinct=True
        )
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
    quotes = Evidence.objects.filter(theme__in=themes.values()).order_by("theme_id", "id").distinct("theme_id")
    by_theme = {evidence.theme_id: evidence.quote for evidence in quotes}
    return {story: by_theme[theme] for story, theme in themes.items()}


def orphans_of_run(run: Run | int) -> QuerySet[Orphan]:
    """Waiting orphans that the run's themes belong to."""
    roots = SignatureRoot.objects.filter(signature__themes__run=run).values("root")
    return Orphan.objects.filter(signature__in=roots, graduated_at__isnull=True)


def nearly_stories(run: Run | int) -> QuerySet[Orphan]:
    """Orphans of the run that one more conversation could make a story, the surest first, with the story nearest."""
    nearly = orphans_of_run(run).filter(dismissed_at__isnull=True, detail__startswith="needs 1 more conversation")
    return (
        nearly.select_related("signature", "nearest_story").defer("signature__vector_sum").order_by("-confidence", "id")
    )


# --- Runs ---------------------------------------------------------------------------------------------------------


def run_summary(run: Run) -> RunSummary:
    """All that the run did, counted now."""
    counts, seconds = item_counts(run), seconds_worked(run)
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
        signatures_after_merge=themes.exclude(signature=None).values("signature__root_link__root").distinct().count(),
        stories_new=stories.filter(first_run=run).count(),
        stories_grown=stories.exclude(first_run=run).count(),
        orphans=dict(by_reason),
        seconds=seconds,
        conversations_per_second=counts.finished / seconds if seconds else 0.0,
    )


def earlier_run_that_read(run: Run) -> Run | None:
    """Where a completed run skipped all as unchanged: the newest run before it that read some of it, if it is there."""
    if run.state != Run.State.COMPLETED or run.items.exclude(state=Item.State.SKIPPED).exists():
        return None
    read = Item.objects.filter(run=OuterRef("pk"), state=Item.State.EXTRACTED)
    earlier = Run.objects.filter(Exists(read), source=run.source, profile=run.profile, pk__lt=run.pk)
    return earlier.filter(state__in=Run.FINISHED).select_related("source").order_by("-pk").first()


def regroups_of(run: Run) -> QuerySet[Regroup]:
    """When the run's themes were assigned anew, the first first."""
    return Regroup.objects.filter(run=run).select_related("created_by").order_by("id")


def seconds_worked(run: Run) -> float:
    """Seconds from each start of the run to its end or last sign of life; the pauses between its lives do not count."""
    ended: datetime | None = run.finished_at or run.heartbeat_at
    this_life = (ended - run.started_at).total_seconds() if run.started_at and ended else 0.0
    return run.seconds_before + this_life


# --- Screens: a page of rows at a time, a fixed number of questions for any number of rows ------------------------


@dataclass(frozen=True, slots=True)
class Size:
    """How much a group of themes is; unknown customers count each."""

    themes: int = 0
    conversations: int = 0
    customers: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(slots=True)
class RunFigures:
    """A run in a list."""

    planned: int = 0
    finished: int = 0
    themes: int = 0
    stories_new: int = 0
    orphans: int = 0


@dataclass(slots=True)
class SourceFigures:
    """A source in a list."""

    runs: int = 0
    conversations: int = 0
    last_run: Run | None = None


def run_figures(runs: Sequence[int]) -> dict[int, RunFigures]:
    """For each of these runs its figures."""
    figures = {run: RunFigures() for run in runs}
    items = Item.objects.filter(run__in=runs).order_by()
    for run, state, count in items.values_list("run", "state").annotate(Count("id")):
        figures[run].planned += count
        figures[run].finished += count if state not in Item.UNFINISHED else 0
    for run, count in Theme.objects.filter(run__in=runs).values_list("run").annotate(Count("id")).order_by():
        figures[run].themes = count
    new = Story.objects.filter(first_run__in=runs).values_list("first_run").annotate(Count("id")).order_by()
    for run, count in new:
        figures[run].stories_new = count
    for run, count in _orphans_by_run(runs):
        figures[run].orphans = count
    return figures


def _orphans_by_run(runs: Sequence[int]) -> list[tuple[int, int]]:
    themes = Theme.objects.filter(run__in=runs, signature__root_link__root__orphans__graduated_at__isnull=True)
    orphans = Count("signature__root_link__root__orphans", distinct=True)
    return list(themes.values_list("run").annotate(orphans).order_by())


def source_figures(sources: Sequence[int]) -> dict[int, SourceFigures]:
    """For each of these sources its figures."""
    figures = {source: SourceFigures() for source in sources}
    counted = Source.objects.filter(pk__in=sources)
    for source, count in counted.values_list("pk").annotate(Count("runs")).order_by():
        figures[source].runs = count
    for source, count in counted.values_list("pk").annotate(Count("conversations")).order_by():
        figures[source].conversations = count
    for run in Run.objects.filter(source__in=sources).order_by("source_id", "-id").distinct("source_id"):
        figures[run.source_id].last_run = run
    return figures


def _sizes(themes: QuerySet[Theme], group: str) -> dict[int, Size]:
    unknown = Q(conversation__customer="")
    rows = themes.values_list(group).annotate(
        themes=Count("id", distinct=True),
        conversations=Count("conversation", distinct=True),
        customers=Count("conversation__customer", filter=~unknown, distinct=True)
        + Count("conversation", filter=unknown, distinct=True),
        first_at=Min("conversation__occurred_at"),
        last_at=Max("conversation__occurred_at"),
    )
    return {pk: Size(*figures) for pk, *figures in rows.order_by()}


def sizes_of_signatures(signatures: Sequence[int]) -> dict[int, Size]:
    """For each of these signatures all its themes ever: a root's with those of the names merged into it."""
    own = _sizes(Theme.objects.filter(signature__in=signatures), "signature")
    return own | _sizes(_themes_of_roots(signatures), "signature__root_link__root")


def sizes_that_wait(roots: Sequence[int]) -> dict[int, Size]:
    """For each of these roots the themes that count towards a story."""
    return _sizes(themes_that_wait(roots), "signature__root_link__root")


def themes_that_wait(roots: Sequence[int]) -> QuerySet[Theme]:
    """Themes of these roots that count towards a story: those of each conversation's newest reading."""
    return _themes_of_roots(roots).exclude(_was_read_again(Q(run__first_finished_at__isnull=False)))


def _themes_of_roots(roots: Sequence[int]) -> QuerySet[Theme]:
    return Theme.objects.filter(signature__in=leaves_of(roots), signature__root_link__root__in=roots)


def quotes_of_roots(roots: Sequence[int]) -> dict[int, str]:
    """For each of these roots one quote: that of the theme nearest to its middle."""
    root = "theme__signature__root_link__root"
    rows = (
        Evidence.objects.filter(theme__signature__in=leaves_of(roots))
        .order_by(root, F("theme__signature_score").desc(nulls_last=True), "theme_id", "start")
        .distinct(root)
    )
    return dict(rows.values_list(root, "quote"))


def roots_of(signatures: Sequence[int]) -> dict[int, Signature]:
    """For each of these signatures what it means in the end: itself, or the one it was merged into."""
    links = SignatureRoot.objects.filter(signature__in=signatures).select_related("root").defer("root__vector_sum")
    return {link.signature_id: link.root for link in links}


def homes_of(roots: Sequence[int]) -> dict[int, Story | Orphan]:
    """For each of these signatures its newest story, or else the orphan that waits."""
    orphans = Orphan.objects.filter(signature__in=roots, graduated_at__isnull=True)
    stories = Story.objects.filter(signature__in=roots, absorbed_by__isnull=True).order_by("id")
    homes: dict[int, Story | Orphan] = {orphan.signature_id: orphan for orphan in orphans}
    return homes | {story.signature_id: story for story in stories}


def merges_into(root: Signature | int) -> QuerySet[Merge]:
    """Standing merges that lead to this root, directly or over others."""
    merges = Merge.objects.filter(undone_at__isnull=True, child__root_link__root=root)
    merges = merges.select_related("child", "parent", "run__source", "created_by")
    return merges.defer("child__vector_sum", "parent__vector_sum").order_by("-score", "id")


@dataclass(frozen=True, slots=True)
class ReviewedPair:
    """What a person said about two signatures, by their keys: whether they are the same problem."""

    first: str
    second: str
    same: bool


def reviewed_pairs(profile: str) -> list[ReviewedPair]:
    """The profile's pairs that people judged and that still stand: merges are the same, vetoes are not."""
    merges = Merge.objects.filter(undone_at__isnull=True, rule=Merge.PERSON, child__profile=profile)
    vetoes = Veto.objects.filter(undone_at__isnull=True, first__profile=profile)
    same = [ReviewedPair(*keys, True) for keys in merges.values_list("child__key", "parent__key").order_by("id")]
    return [*same, *(ReviewedPair(*keys, False) for keys in vetoes.values_list("first__key", "second__key"))]


def spellings_of(signature: Signature) -> QuerySet[Theme, tuple[str, int]]:
    """Raw signatures that came to mean this one, each with its number of themes, the commonest first."""
    mine = Theme.objects.filter(signature__in={signature.pk, *leaves_of([signature.pk])})
    return mine.values_list("raw_signature").annotate(number=Count("id")).order_by("-number", "raw_signature")


def newest_stories_to_review(limit: int) -> list[Story]:
    """The newest stories that nobody has looked at, with their sizes."""
    waiting = Story.objects.filter(status=Story.Status.CANDIDATE, absorbed_by__isnull=True)
    newest = list(waiting.order_by("-created_at", "-id").values_list("pk", flat=True)[:limit])
    return list(with_sizes(Story.objects.filter(pk__in=newest)).order_by("-created_at", "-id"))


def waiting_orphans_by_reason() -> dict[str, int]:
    """How many orphans wait, for each reason."""
    waiting = Orphan.objects.filter(graduated_at__isnull=True, dismissed_at__isnull=True)
    return dict(waiting.values_list("reason").annotate(number=Count("id")).order_by("reason"))


def stories_that_mention(word: str) -> QuerySet[Story]:
    """Stories with the word in title, description, a name merged into them, a quote or a customer's name."""
    evidence = StoryEvidence.objects.filter(
        Q(conversation__customer__icontains=word) | Q(theme__evidence__quote__icontains=word)
    )
    names = SignatureRoot.objects.filter(signature__key__icontains=word)
    return Story.objects.filter(
        Q(title__icontains=word)
        | Q(description__icontains=word)
        | Q(signature__in=names.values("root"))
        | Q(pk__in=evidence.values("story"))
    )


def evidence_of_story(story: Story) -> QuerySet[StoryEvidence]:
    """The story's conversations, the newest first, with their themes and quotes; vectors stay where they are."""
    rows = story.evidence.select_related("conversation", "theme", "run__source").defer("theme__vector")
    quotes = Prefetch("theme__evidence", quotes_in_order())
    return rows.order_by("-conversation__occurred_at", "-id").prefetch_related(quotes)


def quotes_in_order() -> QuerySet[Evidence]:
    """Evidence with the text it stands in, in the order of the text."""
    return Evidence.objects.select_related("version").order_by("start")


def themes_of_root(root: Signature) -> QuerySet[Theme]:
    """All themes of the signature and the names merged into it, the newest conversation first, with quotes."""
    themes = Theme.objects.filter(signature__in=leaves_of([root.pk])).select_related("conversation").defer("vector")
    quotes = Prefetch("evidence", quotes_in_order())
    return themes.order_by("-conversation__occurred_at", "-id").prefetch_related(quotes)


def themes_of_conversation(conversation: Conversation) -> QuerySet[Theme]:
    """What was found in the conversation, the newest run first, with quotes; vectors stay where they are."""
    themes = conversation.themes.select_related("run__source", "signature").defer("vector", "signature__vector_sum")
    return themes.order_by("-run_id", "id").prefetch_related(Prefetch("evidence", Evidence.objects.order_by("start")))


def figures_of_conversations(conversations: Sequence[int]) -> dict[int, tuple[int, list[StoryEvidence]]]:
    """For each of these conversations how many messages it has and the stories it is in."""
    version = "current_version__messages"
    counts = Conversation.objects.filter(pk__in=conversations, current_version__isnull=False).values_list(
        "pk", Func(F(version), function="jsonb_array_length", output_field=IntegerField())
    )
    figures: dict[int, tuple[int, list[StoryEvidence]]] = {pk: (count, []) for pk, count in counts}
    rows = StoryEvidence.objects.filter(conversation__in=conversations, story__absorbed_by__isnull=True)
    for row in rows.select_related("story").order_by("id"):
        figures.setdefault(row.conversation_id, (0, []))[1].append(row)
    return figures
