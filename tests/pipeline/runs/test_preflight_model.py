"""Before a run by a language model begins, the model is asked something tiny, and what it can do is shown."""

from typing import Any

import pytest
from django.db.models import Sum
from pytest_django import Settings

from pipeline.extract.profiles import get_profile
from pipeline.extract.profiles.support import SUPPORT
from pipeline.models import Budget, Call, Run
from pipeline.reports.costs import in_words, step_costs_of
from pipeline.reports.summary import run_summary
from pipeline.runs import preview
from pipeline.runs.create import Selection
from pipeline.runs.preflight import Finding, RunRequest, _at_once
from tests.fakes.language_model import Model
from tests.pipeline.extract.llm.conftest import KEY, model
from tests.support.seeding import finish, scripts, seed, start

__all__ = ["model"]

pytestmark = pytest.mark.django_db(transaction=True)


def reader(**words: Any) -> Finding:
    return next(each for each in _at_once(RunRequest("support", "asked", **words)) if each.name == "extractor")


def test_it_is_shown_how_the_model_is_asked_and_what_it_costs(model: Model) -> None:
    found = reader()
    assert found.ok
    for words in ("fake-model at 127.0.0.1", "json_schema, strict", "temperature and seed", "1.00 dollars per million"):
        assert words in found.sentence
    assert len(model.asked) == 1


def test_a_refused_key_is_a_reason_not_to_begin(model: Model) -> None:
    model.faults = ["no_key"]
    found = reader()
    assert not found.ok
    assert "rejected the API key" in found.sentence
    assert KEY not in str(found)


def test_where_nothing_is_to_be_asked_nothing_is_asked(model: Model) -> None:
    assert reader(asks=False).ok
    assert model.asked == []


def test_a_budget_in_dollars_needs_a_price(model: Model, settings: Settings) -> None:
    assert reader(spends=True).ok
    settings.LLM_PRICES = {}
    found = reader(spends=True)
    assert not found.ok
    assert "LLM_PRICES" in found.hint
    assert reader().ok


def test_a_missing_model_is_named(model: Model, settings: Settings) -> None:
    settings.LLM_MODEL = ""
    found = reader()
    assert not found.ok
    assert "LLM_MODEL is not set" in found.sentence


def test_a_dry_run_says_what_it_would_cost_and_a_run_what_it_did(model: Model) -> None:
    assert get_profile("support") == SUPPORT
    source = seed(scripts(problems=2, each=10))
    before = preview.preview(source=source, profile="support", extractor="asked", selection=Selection()).preview
    assert before is not None
    assert before["estimate"]["calls"] == 20
    assert model.asked == []
    run = start(source, extractor="asked")
    preview.note_estimate(run=run, selection=Selection())
    run = finish(run)
    assert run.preview == {"estimate": before["estimate"]}
    (use,) = run_summary(run).model_use
    assert (use.step, use.model, use.calls, use.unpriced) == ("extract", "fake-model", 20, 0)
    assert use.dollars == pytest.approx((use.input_tokens + 2 * use.output_tokens) / 1e6)
    assert "20 of fake-model" in in_words([use])
    assert before["estimate"]["input_tokens"] == pytest.approx(use.input_tokens, rel=0.5)
    (step,) = step_costs_of(run)
    assert step.expected
    assert (step.use, step.expected["calls"]) == (use, 20)
    assert not Budget.objects.exists()
    assert Run.objects.filter(is_preview=True).count() == 1


def test_an_estimate_learns_from_calls_how_often_each_step_is_asked(model: Model) -> None:
    finish(
        start(seed([*scripts(problems=1, each=3), "nr 1 name=sync_fails says=cut"], name="first"), extractor="asked")
    )
    later = seed(scripts(problems=1, each=40), name="later")
    found = preview.preview(source=later, profile="support", extractor="asked", selection=Selection()).preview
    assert found is not None
    steps = found["estimate"]["steps"]
    assert {step: each["calls"] for step, each in steps.items()} == {"extract": 40, "reask": 10}
    assert found["estimate"]["calls"] == 50
    assert found["estimate"]["tokens"] == sum(each["tokens"] for each in steps.values())
    assert found["estimate"]["dollars"] == pytest.approx(sum(each["dollars"] for each in steps.values()), abs=1e-5)
    finish(start(later, extractor="asked"))
    calls = Call.objects.filter(item__run__source=later).aggregate(given=Sum("input_tokens"))
    assert steps["extract"]["input_tokens"] == pytest.approx(calls["given"], rel=0.05)  # bytes a token are known now
