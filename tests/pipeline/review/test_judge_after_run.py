"""A run that asks for it is judged by a language model once it has finished, within its budget."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rich.console import Console

from pipeline import tasks
from pipeline.ledger.claims import claim_judging, runs_to_judge
from pipeline.ledger.errors import RunError
from pipeline.management import following
from pipeline.models import Call, Judgement, Run, Source
from pipeline.reports.summary import run_summary
from pipeline.review.judge.after_run import judge_finished_run
from pipeline.runs import preflight
from pipeline.runs.preflight import RunRequest
from pipeline.runs.reopen import reopen
from pipeline.runs.salvage import SalvageOptions, reopen_to_salvage
from tests.fakes.language_model import Model
from tests.pipeline.review.test_decisions import CARD, LOGIN, SYNC, said
from tests.pipeline.review.test_judge import KEEP, TITLE, answering
from tests.support.commands import Captured, command, words_for_people
from tests.support.factories import alice
from tests.support.seeding import finish, seed, start

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.extract.llm.client.FIRST_PAUSE", 0.01)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The runs that were sent to be judged, in place of a worker that does so."""
    found: list[int] = []
    monkeypatch.setattr(tasks.judge_run, "apply_async", lambda kwargs, **words: found.append(kwargs["run_id"]))
    return found


def asking(**words: Any) -> Run:
    run = start(seed([*said(SYNC, 4), *said(LOGIN, 3), *said(CARD, 2)]), judge=True, **words)
    return finish(run)


def test_a_run_is_judged_once_it_has_finished_and_then_never_again(
    model: Model, sent: list[int], client: Client
) -> None:
    model.says = answering(group=KEEP, title=TITLE)
    run = asking()
    assert (run.state, run.is_to_be_judged) == ("completed", True)
    tasks.advance_run(run_id=run.pk)
    tasks.advance_run(run_id=run.pk)
    assert sent == [run.pk]
    assert judge_finished_run(run_id=run.pk)
    run.refresh_from_db()
    assert (run.state, run.judging_stopped, run.is_to_be_judged) == ("completed", "", False)
    found = run_summary(run).judging
    assert found is not None
    assert found.counts == {"group": {"keep": 2}, "title": {"written": 2}}
    assert str(found) == "2 groups (2 keep), 2 titles (2 written)"
    client.force_login(alice())
    page = words_for_people(client.get(reverse("admin:run", args=[run.pk])).content.decode())
    assert "<b>Judged by the model:</b> 2 groups (2 keep), 2 titles (2 written) </p>" in page
    asked = Call.objects.count()
    assert not judge_finished_run(run_id=run.pk)
    tasks.advance_run(run_id=run.pk)
    tasks.watch_runs()
    assert (Call.objects.count(), sent) == (asked, [run.pk])


def test_a_run_that_does_not_ask_is_not_judged(model: Model, sent: list[int]) -> None:
    run = finish(start(seed(said(SYNC, 4))))
    tasks.advance_run(run_id=run.pk)
    tasks.watch_runs()
    assert not judge_finished_run(run_id=run.pk)
    assert (sent, Judgement.objects.count(), run_summary(run).judging) == ([], 0, None)


def test_where_the_worker_that_judged_died_another_is_sent(sent: list[int]) -> None:
    run = asking()
    assert claim_judging(run=run)
    tasks.watch_runs()
    assert sent == []
    Run.objects.update(advance_claimed_at=timezone.now() - timedelta(hours=1))
    tasks.watch_runs()
    tasks.watch_runs()
    assert sent == [run.pk]


def test_a_budget_that_is_used_up_ends_the_judging_and_not_the_run(model: Model) -> None:
    model.says = answering(group=KEEP, title=TITLE)
    run = asking(budget=Decimal("0.0001"))
    assert not judge_finished_run(run_id=run.pk)
    run.refresh_from_db()
    assert run.state == "completed"
    assert "budget is used up" in run.judging_stopped
    assert Call.objects.filter(judgement__run=run).count() == 1
    assert not runs_to_judge().exists()


def test_a_refused_key_is_noted_and_the_run_stays_finished(model: Model) -> None:
    run = asking()
    model.faults = ["no_key"] * 20
    assert not judge_finished_run(run_id=run.pk)
    run.refresh_from_db()
    assert run.state == "completed"
    assert "rejected the API key" in run.judging_stopped


def test_what_is_salvaged_is_judged_again_with_what_is_new(model: Model) -> None:
    model.says = answering(group=KEEP, title=TITLE)
    run = asking()
    judge_finished_run(run_id=run.pk)
    asked = Call.objects.filter(judgement__run=run).count()
    again, _ = reopen_to_salvage(run_id=run.pk, choice=SalvageOptions(phase="group"))
    assert not again.is_to_be_judged
    assert finish(again).is_to_be_judged
    assert judge_finished_run(run_id=run.pk)
    assert Call.objects.filter(judgement__run=run).count() == asked


def test_what_has_no_groups_cannot_be_judged(model: Model) -> None:
    with pytest.raises(RunError, match="--no-stories"):
        start(seed(said(SYNC, 3)), judge=True, no_stories=True)
    watched = Source.objects.create(kind=Source.WEBSITES, name="watched")
    with pytest.raises(RunError, match="no groups"):
        start(watched, judge=True)
    assert not Run.objects.exists()


def test_before_a_run_starts_the_model_that_is_to_judge_is_asked(model: Model, settings: Any) -> None:
    request = RunRequest("support", "scripted", judges=True)
    found = {finding.name: finding for finding in preflight._at_once(request)}
    assert found["judge"].ok, found["judge"]
    settings.LLM_PRICES, settings.LLM_MODEL = {}, "unheard-of"
    found = {
        finding.name: finding
        for finding in preflight._at_once(RunRequest("support", "scripted", judges=True, spends=True))
    }
    assert "price of unheard-of" in found["judge"].sentence
    settings.LLM_MODEL = ""
    found = {finding.name: finding for finding in preflight._at_once(request)}
    assert "LLM_MODEL is not set" in found["judge"].sentence


def test_the_command_waits_for_it_and_prints_it(
    model: Model, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    model.says = answering(group=KEEP, title=TITLE)
    monkeypatch.setattr(tasks.judge_run, "apply_async", lambda kwargs, **words: judge_finished_run(**kwargs))
    run = asking()
    told = StringIO()
    assert not following.follow_judging(run, Console(file=told, width=200)).is_to_be_judged
    assert "judging, 0 of 0 questions" in told.getvalue()
    command("run_status", str(run.pk))
    assert "2 groups (2 keep), 2 titles (2 written)" in capsys.readouterr().out


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.RUN_LOST_AFTER = 0
    monkeypatch.setattr(following, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(tasks, "send_to_be_judged", lambda run: False)
    told = StringIO()
    run = following.follow_judging(asking(), Console(file=told, width=200))
    assert run.is_to_be_judged
    assert f"./manage.py judge {run.pk}" in told.getvalue()


def test_a_stopped_run_is_judged_when_it_has_finished(sent: list[int]) -> None:
    run = start(seed(said(SYNC, 4)), judge=True)
    Run.objects.filter(pk=run.pk).update(state="stopped", finished_at=timezone.now())
    tasks.watch_runs()
    assert sent == []
    finish(reopen(run_id=run.pk))
    tasks.watch_runs()
    assert sent == [run.pk]
