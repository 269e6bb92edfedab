"""What makes a run's result doubtful though nothing failed: groups that hold by something else than a problem.

`advance` asks when it ends a run; a doubt makes it `needs_attention`, with this sentence. Introductions and forms that
every conversation shares are the usual cause (benchmarks/QUALITY.md, "What the reader makes of a conversation").
"""

from collections.abc import Iterator, Sequence

import numpy as np
from django.db.models import Count, QuerySet

from pipeline.models import Evidence, Run, Signature, Theme
from pipeline.models.wording import counted

LEAST_CONVERSATIONS = 20
"""Of fewer nothing can be said: one story may well hold them all."""

MOST = 0.5
"""Share of a run's conversations in one story from which on it is more likely that something else unites them."""

LARGE = 0.1
"""Share of a run's conversations that a story has at least whose cohesion is looked at."""

REPEATED = 0.1
"""Share of a run's conversations that one same quote may stand in, as long as they are about different things."""

DIFFERENT_THINGS = 3
"""Groups that a quote must stand in to be nobody's own words: two may be one problem under two names."""

SAMPLED = 3_000  # themes, evenly spread, that show how alike any two of a run are
SHOWN = 80  # characters of a quote


def doubt_of_result(run: Run) -> str:
    """Return a sentence on what looks wrong with the groups of a run and what to do about it; empty if nothing does."""
    conversations = run.themes.values("conversation").distinct().count()
    if conversations < LEAST_CONVERSATIONS:
        return ""
    # the first only: one sentence is enough to look, and the later checks read more rows
    return next(_doubts(run, conversations), "")


def _doubts(run: Run, conversations: int) -> Iterator[str]:
    sizes = list(_sizes(run))
    if sizes and sizes[0][1] > MOST * conversations:
        root, count = sizes[0]
        yield f"{count} of {counted(conversations, 'conversation')} are in one group, {_named(root)}" + _why(
            run, root, count
        )
    yield from _repeated_quotes(run, conversations)
    yield from _loose_groups(run, [root for root, count in sizes if count >= LARGE * conversations])


def _why(run: Run, root: int, count: int) -> str:
    """Return what may unite a group of so many conversations, and what to do about it."""
    quotes = (
        run.themes.filter(signature__root_link__root=root, evidence__isnull=False).order_by().values("evidence__quote")
    )
    counts = quotes.annotate(number=Count("conversation", distinct=True)).order_by("-number")
    equal = counts.values_list("number", flat=True).first() or 0
    if equal > MOST * count:
        return (
            f", {equal} of them with identical wording. Is it a form or a notice, or is one sender repeating it? "
            "Dismiss the story if it is not a real problem"
        )
    return (
        ": what they share may be an introduction or a form rather than a problem. Read some of them (`./manage.py "
        f"diagnose {run.pk}`), then split the group, or remove the shared text and run them again with "
        "--force-refresh"
    )


def _sizes(run: Run) -> QuerySet[Theme, tuple[int, int]]:
    """The run's root signatures with their conversations, the largest first."""
    rows = run.themes.filter(signature__isnull=False).order_by().values_list("signature__root_link__root")
    return rows.annotate(number=Count("conversation", distinct=True)).order_by("-number", "signature__root_link__root")


def _named(root: int) -> str:
    return f"“{Signature.objects.defer('vector_sum').get(pk=root).name}”"


def _repeated_quotes(run: Run, conversations: int) -> Iterator[str]:
    """Say which quote stands in many conversations that are about different things: it is nobody's own words."""
    quotes = Evidence.objects.filter(theme__run=run, theme__signature__isnull=False).order_by().values("quote")
    repeated = quotes.annotate(
        number=Count("theme__conversation", distinct=True),
        things=Count("theme__signature__root_link__root", distinct=True),
    ).filter(number__gt=max(int(REPEATED * conversations), DIFFERENT_THINGS), things__gte=DIFFERENT_THINGS)
    for quote, number in repeated.order_by("-number", "quote").values_list("quote", "number")[:1]:
        shown = quote if len(quote) <= SHOWN else quote[:SHOWN].rstrip() + "…"
        yield (
            f"“{shown}” is quoted from {counted(number, 'conversation')} about different things, so it looks like "
            "text that is sent with every message. Import the conversations again, which leaves out shared text, "
            "and run them with --force-refresh"
        )


def _loose_groups(run: Run, roots: Sequence[int]) -> Iterator[str]:
    """Say which large group is no more alike inside than any two themes of the run."""
    usual = _likeness(_vectors(run.themes.all()))
    for root in roots:
        inside = _likeness(_vectors(run.themes.filter(signature__root_link__root=root)))
        if len(roots) > 1 and inside < usual:
            yield (
                f"the conversations of the group {_named(root)} are less similar ({inside:.2f}) than two random "
                f"themes of this run ({usual:.2f}), so it mixes several problems or none. Split it, or inspect it "
                f"with `./manage.py diagnose {run.pk}`"
            )


def _vectors(themes: QuerySet[Theme]) -> list[np.ndarray]:
    """Return the vectors of at most SAMPLED of the themes, evenly spread; none where people just moved them away."""
    ids = list(themes.filter(signature__isnull=False).order_by("id").values_list("id", flat=True))
    # -(-a // b) rounds up
    chosen = ids[:: max(1, -(-len(ids) // SAMPLED))]
    stored = Theme.objects.filter(pk__in=chosen).order_by("id").values_list("vector", flat=True)
    return [np.frombuffer(bytes(vector), np.float32) for vector in stored]


def _likeness(vectors: Sequence[np.ndarray]) -> float:
    """Return the mean cosine between two of the unit vectors, each (d,); 1 of fewer than two."""
    count = len(vectors)
    if count < 2:
        return 1.0
    total = np.stack(vectors).sum(axis=0, dtype=np.float64)
    return float((total @ total - count) / (count * (count - 1)))
