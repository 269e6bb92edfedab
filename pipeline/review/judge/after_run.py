"""A run that ends with the judgement of a language model: sent once it has finished, taken over where a worker died.

The run is finished and usable before it is judged, and stays so whatever becomes of that. What it may cost is the run's
own budget, of which reading has taken its part.
"""

from django.utils import timezone

from pipeline.extract.base import asks, get_extractor
from pipeline.extract.llm.faults import RunFault
from pipeline.ledger.counts import find_run
from pipeline.ledger.heartbeat import beating
from pipeline.models import Run
from pipeline.review.judge.session import CannotJudge, judge


def judge_finished_run(*, run_id: int) -> bool:
    """Judge a finished run that asks for it, within its budget, and note the end; return whether all was asked.

    What ends it early (a budget, a refused key) is noted on the run and not tried again: `judge RUN` goes on. Errors of
    the infrastructure rise, and the task is tried again.
    """
    run = find_run(run_id)
    if not run.is_to_be_judged:
        return False
    mine = Run.objects.filter(pk=run.pk, epoch=run.epoch, state__in=Run.FINISHED)
    # of a run read by a model it is the number of questions under way; else it counts chunks
    pace = run.parameters.get("concurrency") if asks(get_extractor(run.extractor)) else None
    try:
        with beating(lambda: mine.update(advance_claimed_at=timezone.now())):
            stopped = judge(run_id=run.pk, concurrency=int(pace) if pace else None).stopped
    except (RunFault, CannotJudge) as refusal:
        stopped = str(refusal)
    mine.update(judged_at=timezone.now(), judging_stopped=stopped.replace("\0", ""), advance_claimed_at=None)
    return not stopped
