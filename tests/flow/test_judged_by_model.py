"""Runs that end with a language model's judgement, by real workers: ordered on the command line, by a schedule, and
judged to the end although the worker that judged was killed."""

import json
from collections import Counter
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from pipeline import tasks
from pipeline.models import Call, Change, Judgement, Run, Source, Story
from pipeline.review.triage import undo_change
from pipeline.runs import schedule
from pipeline.runs.schedule import Assignment
from tests.fakes.labelled import answers_from
from tests.fakes.language_model import Model
from tests.pipeline.extract.llm.conftest import model as model  # the fixture
from tests.support.factories import alice
from tests.support.seeding import seed
from tests.support.waiting import until
from tests.support.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)

PROBLEMS = 4


def source_of(model: Model, name: str) -> Source:
    """Store conversations about a few problems, for which the model has names and, as a judge, titles."""
    texts = {
        f"Text {number} about problem {number % PROBLEMS}": f"thing_{number % PROBLEMS}_breaks" for number in range(24)
    }
    model.says = answers_from(texts)
    return seed(list(texts), name=name)


def words(model: Model) -> dict[str, str]:
    return {"LLM_MODEL": "fake-model", "LLM_BASE_URL": model.url, "LLM_API_KEY": "k"}


def is_judged(run: Run) -> bool:
    run.refresh_from_db()
    return run.judged_at is not None


def test_a_run_and_a_scheduled_run_are_judged_by_the_workers(
    start_worker: type[Worker], model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    start_worker(concurrency=2, **words(model)).wait_until_ready()
    source = source_of(model, "ordered")
    call_command("run_pipeline", str(source), "--extractor", "asked", "--judge", "--json")
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    run = Run.objects.get()
    assert (run.state, run.judging_stopped, is_judged(run)) == ("completed", "", True)
    assert not Judgement.objects.filter(state__in=Judgement.OPEN).exists()
    assert "judge: title" in {use["step"] for use in told["model_use"]}
    titles = dict(Story.objects.values_list("title", "edited_actor"))
    assert len(titles) == PROBLEMS
    assert all(title.startswith("Fix thing") and actor == "model:fake-model" for title, actor in titles.items())

    # what the model wrote is a decision that a person takes back
    change = Change.objects.filter(what="title").earliest("pk")
    undo_change(change=change, by=alice(), at=timezone.now())
    assert Story.objects.filter(title__startswith="Fix thing").count() == PROBLEMS - 1

    # and by the clock nobody waits for it: whoever finishes the run sends it to be judged
    second = source_of(model, "scheduled")
    assignment = Assignment(source=str(second), profile="support", extractor="asked", judge=True, budget_tokens=10**6)
    assert "was started" in schedule.fire(assignment, at=timezone.now())
    scheduled = Run.objects.get(source=second)
    until(lambda: is_judged(scheduled))
    assert (scheduled.state, scheduled.judging_stopped) == ("completed", "")


@pytest.mark.slow
def test_a_killed_worker_leaves_its_judging_to_the_next_and_no_answer_is_paid_twice(
    start_worker: type[Worker], model: Model, settings: Settings
) -> None:
    settings.CLAIM_TIMEOUT = 2
    short = {**words(model), "CLAIM_TIMEOUT": "2"}
    worker = start_worker(concurrency=1, **short)
    worker.wait_until_ready()
    model.seconds = 0.3
    source = source_of(model, "killed")
    call_command(
        "run_pipeline", str(source), "--extractor", "asked", "--judge", "--concurrency", "1", "--detach", "--json"
    )
    run = Run.objects.get()
    judged = Call.objects.filter(judgement__run=run)
    until(lambda: judged.count() >= 1)
    worker.kill()
    kept = set(judged.values_list("pk", flat=True))
    assert not is_judged(run)
    model.seconds = 0.0
    start_worker(concurrency=1, **short).wait_until_ready()

    def beat() -> bool:
        tasks.watch_runs()
        return is_judged(run)

    until(beat)
    assert run.judging_stopped == ""
    assert not Judgement.objects.filter(state__in=Judgement.OPEN).exists()
    calls = Counter(judged.values_list("judgement", flat=True))
    assert kept <= set(judged.values_list("pk", flat=True))
    assert set(calls.values()) == {1}
    assert calls.keys() == set(run.judgements.values_list("pk", flat=True))
