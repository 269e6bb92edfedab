"""What a language model judged of a run, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count

from pipeline.models import Judgement, Run
from pipeline.models.wording import counted

FAILED, WAITING = "failed", "not asked yet"


@dataclass(frozen=True, slots=True)
class Judging:
    """By kind of question how often each verdict was given, with FAILED and WAITING beside them.

    `is_over` is False while it goes on, and where it was not asked for with the run; `stopped` says why it ended before
    everything was asked.
    """

    counts: Mapping[str, Mapping[str, int]]
    is_over: bool
    stopped: str

    def __str__(self) -> str:
        if not self.counts:
            return "nothing to ask about" if self.is_over else "not yet"
        return ", ".join(
            f"{counted(sum(verdicts.values()), kind)} "
            f"({', '.join(f'{count} {verdict}' for verdict, count in verdicts.items())})"
            for kind, verdicts in self.counts.items()
        )


def judging_of(run: Run) -> Judging | None:
    """Return what was judged of a run; None if nothing was, and nothing is to be."""
    rows = run.judgements.values_list("about", "state", "verdict").annotate(number=Count("id"))
    counts: dict[str, dict[str, int]] = {}
    for about, state, verdict, number in rows.order_by("about", "state", "verdict"):
        name = {Judgement.State.ANSWERED: verdict, Judgement.State.FAILED: FAILED}.get(state, WAITING)
        verdicts = counts.setdefault(about, {})
        verdicts[name] = verdicts.get(name, 0) + number
    if not counts and not run.parameters.get("judge"):
        return None
    return Judging(counts, run.judged_at is not None, run.judging_stopped)
