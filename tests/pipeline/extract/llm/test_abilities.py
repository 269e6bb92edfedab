"""How a model wants to be asked is found out with few questions, and kept."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.extract.llm import faults
from pipeline.extract.llm.abilities import Abilities, Form, _probe, abilities_of, probe
from pipeline.extract.llm.endpoint import target
from pipeline.models import Endpoint
from tests.fakes.language_model import Model


def found(first: Abilities | None = None) -> Abilities:
    return asyncio.run(_probe(target(), first or Abilities()))


def format_of(body: dict[str, Any]) -> str:
    return str((body.get("response_format") or {}).get("type", ""))


def refuses_strict(body: dict[str, Any]) -> str:
    return "strict" if "strict" in str(body.get("response_format")) else ""


def takes_new_names_only(body: dict[str, Any]) -> str:
    return "max_tokens" if "max_tokens" in body else "temperature" if "temperature" in body else ""


def takes_objects_only(body: dict[str, Any]) -> str:
    return "response_format" if format_of(body) == "json_schema" else ""


def takes_no_format(body: dict[str, Any]) -> str:
    return "something" if "response_format" in body else ""


def takes_little(body: dict[str, Any]) -> str:
    return "something" if {"max_tokens", "max_completion_tokens", "seed"} & body.keys() else ""


@pytest.mark.parametrize(
    ("takes", "expected", "most"),
    [
        (lambda body: "", Abilities(), 1),
        (refuses_strict, Abilities(form=Form.SCHEMA), 2),
        (takes_new_names_only, Abilities(limit="max_completion_tokens", temperature=False), 3),
        (takes_objects_only, Abilities(form=Form.OBJECT), 3),
    ],
)
def test_a_refusal_that_says_what_it_is_about_costs_one_question(
    model: Model, takes: Callable[[dict[str, Any]], str], expected: Abilities, most: int
) -> None:
    model.takes = takes
    assert found() == expected
    assert len(model.asked) == most


@pytest.mark.parametrize("takes", [takes_no_format, takes_little])
def test_a_refusal_that_says_nothing_is_found_out_all_the_same(
    model: Model, takes: Callable[[dict[str, Any]], str]
) -> None:
    model.takes = takes
    abilities = found()
    assert not takes(model.asked[-1].body)
    assert len(model.asked) <= 20
    model.asked.clear()
    assert found(abilities) == abilities
    assert len(model.asked) == 1


def test_a_schema_that_is_ignored_in_silence_is_asked_for_in_the_prompt(model: Model) -> None:
    model.faults = ["refusal_in_words"] * 3
    assert found().form == Form.PROMPT
    asked = str(model.asked[-1].body["messages"][0]["content"])
    assert "JSON schema" in asked
    assert "is_blue" in asked


def test_a_model_that_thinks_too_long_for_something_tiny_is_taken_as_it_is(model: Model) -> None:
    model.faults = ["length"]
    assert found().form == Form.STRICT


def test_it_is_noticed_that_tokens_are_not_counted(model: Model) -> None:
    model.faults = ["usage_null"]
    assert not found().usage


@pytest.mark.parametrize(
    ("fault", "error"),
    [("no_key", faults.InvalidKey), ("html", faults.CannotAnswer), ("filtered", faults.CannotAnswer)],
)
def test_an_endpoint_that_cannot_answer_is_a_reason_not_to_begin(
    model: Model, fault: str, error: type[Exception]
) -> None:
    model.faults = [fault]
    with pytest.raises(error):
        found()


@pytest.mark.django_db
def test_it_is_kept_for_each_address_and_model(model: Model) -> None:
    model.takes = refuses_strict
    assert probe(target()) == abilities_of(target()) == Abilities(form=Form.SCHEMA)
    assert len(model.asked) == 2
    row = Endpoint.objects.get()
    assert (row.base_url, row.model) == (model.url, "fake-model")
    model.takes = lambda body: ""
    probe(target())
    assert len(model.asked) == 3
