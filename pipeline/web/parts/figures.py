"""Figures for lists and pages: a page of rows at a time, a fixed number of queries for any number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import (
    Count,
    F,
    Func,
    IntegerField,
    Prefetch,
    Q,
    QuerySet,
)

from pipeline.merge.forest import leaves_of
from pipeline.models import (
    Conversation,
    Evidence,
    Item,
    Run,
    Signature,
    SignatureRoot,
    Source,
    Story,
    StoryEvidence,
    Theme,
)


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
