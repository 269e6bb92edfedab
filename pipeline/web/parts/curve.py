"""The what-if curve on a run's page: drawn when it is asked for, for it groups the profile's themes several times."""

from collections.abc import Sequence

from django.http import HttpRequest

from pipeline.ledger.current import current_themes
from pipeline.models import Run
from pipeline.reports.whatif import Point, what_if
from pipeline.review.regroup import NothingToRegroup
from pipeline.web.parts.sections import Chart, Commands, Line, Links, Note, Section, Table

MOST_THEMES = 3000
"""A profile with more is left to the command: nobody waits that long for a page."""

ASKED = "what_if"


def curve(request: HttpRequest, run: Run, themes: int) -> list[Section]:
    """Return the curve if it is asked for, else the way to it; nothing for a run without stories to speak of."""
    if run.state not in Run.FINISHED or not themes:
        return []
    if current_themes(run.profile).count() > MOST_THEMES:
        command = f"./manage.py merge_whatif {run.pk}"
        return [
            Commands(
                "What if the rules were stricter?", [(command, "shows how many stories stricter rules would make")]
            )
        ]
    if ASKED not in request.GET:
        return [Links([(f"?{ASKED}=1", "What if the rules were stricter?")])]
    try:
        found = what_if(run=run)
    except NothingToRegroup as error:
        return [Note(str(error))]
    return [chart_of(found.points), _table(found.points)]


def chart_of(points: Sequence[Point]) -> Chart:
    """Return stories and orphans over strictness, as lines."""
    return Chart(
        title="What if the rules were stricter?",
        labels=[f"{point.strictness:.1f}" for point in points],
        lines=[
            Line("stories", "good", [point.stories for point in points]),
            Line("orphans", "warn", [point.orphans for point in points]),
        ],
    )


def _table(points: Sequence[Point]) -> Table:
    rows = [
        (
            f"{point.strictness:.1f}" + (" (current)" if point.strictness == 1.0 else ""),
            point.signatures,
            point.stories,
            point.orphans,
            point.conversations,
            point.largest,
        )
        for point in points
    ]
    heads = ["Strictness", "Signatures", "Stories", "Orphans", "Conversations in stories", "Largest story"]
    return Table("Numbers", heads, rows, numbers=range(1, 6))
