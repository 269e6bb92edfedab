"""Which themes count: those of each conversation's newest reading."""

from django.db.models import (
    Exists,
    OuterRef,
    Q,
    QuerySet,
)

from pipeline.models import (
    Item,
    Run,
    Theme,
)


def current_themes(profile: str, run: Run | None = None) -> QuerySet[Theme]:
    """Themes of the profile that count: for each conversation those of its newest reading.

    A reading counts once its run is finished; those of runs that group now, and of this run if given, count already.
    """
    # Two runs of two sources may group at the same moment and share a signature: each has to count what the other is
    # about to bring, or both leave it below the gates
    # (test_two_runs_of_two_sources_that_group_at_once_count_each_others_themes). A run that still merges does not
    # count: it may be stopped, and its themes have no names yet.
    grouping = Q(run__state=Run.State.RUNNING, run__phase__in=(Run.Phase.GROUP, Run.Phase.FINISH))
    counts = Q(run__first_finished_at__isnull=False) | grouping
    if run is not None:
        counts |= Q(run=run)
    return Theme.objects.filter(counts, ~was_read_again(counts), profile=profile, signature__isnull=False)


def was_read_again(counts: Q) -> Exists:
    """Whether a theme's conversation has a newer reading for its profile, of those that count.

    `counts` holds for themes and items alike: it only looks at their `run`. The newer item need not have a theme: a
    conversation that now says nothing takes its old themes away (tests/pipeline/group/test_settle.py).
    """
    # ids rise in the order in which items are planned, so the higher one is the newer reading
    newer = Item.objects.filter(
        counts,
        conversation=OuterRef("conversation"),
        run__profile=OuterRef("profile"),
        state__in=(Item.State.EXTRACTED, Item.State.FILTERED),
        id__gt=OuterRef("item_id"),
    )
    return Exists(newer)
