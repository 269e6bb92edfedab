"""Servers that nobody here wrote: one that judges its client, and llama.cpp's. Left out where they are missing."""

import asyncio
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from pytest_django import Settings

from pipeline.extract.llm.abilities import Abilities, Form, _probe, abilities_of
from pipeline.extract.llm.answers import Envelope, Reply, envelope_of, understand
from pipeline.extract.llm.client import Client
from pipeline.extract.llm.conduct import Request
from pipeline.extract.llm.endpoint import target
from pipeline.extract.llm.steps import WHOLE, Ask, Say
from pipeline.extract.llm.wire import schema_of
from pipeline.models import Call, Item
from tests.fakes.llamacpp import llamacpp
from tests.support.seeding import finish, seed, start

TEXTS = [f"Conversation {number}: the calendar shows each booking twice." for number in range(12)]


@pytest.fixture
def judge(request: pytest.FixtureRequest, settings: Settings) -> Any:
    """A server with faults that says at the end what its client did wrong."""
    pytest.importorskip("llmock", reason="not installed: pip install -r requirements-llmservers.txt")
    judge = request.getfixturevalue("llmock")
    settings.LLM_MODEL, settings.LLM_BASE_URL, settings.LLM_API_KEY = "gpt-4o-mini", judge.base_url(), "sk-test"
    return judge


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore")
def test_a_judge_of_clients_finds_nothing_to_complain_of(judge: Any) -> None:
    abilities_of(target())
    run = start(seed(TEXTS), extractor="asked", concurrency=4)
    judge.rate_limit(times=2, retry_after=1.0)
    judge.fail(500, times=2)
    judge.fail(503, times=1)
    judge.disconnect(times=1)
    finish(run)
    assert not Item.objects.filter(run=run, state__in=("pending", "reading", "failed")).exists()
    assert Call.objects.filter(item__run=run).count() == len(TEXTS)
    judge.assert_resilient(strict=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore")
def test_a_judge_sees_that_what_no_retry_helps_is_not_tried_again(judge: Any) -> None:
    run = start(seed(TEXTS[:3]), extractor="asked", concurrency=1)
    abilities_of(target())
    judge.context_overflow(times=1)
    finish(run)
    (failed,) = Item.objects.filter(run=run, state="failed")
    assert failed.error_class == "ContextTooLong"
    judge.assert_resilient(strict=True)


class Noise(BaseModel):
    mood: Literal["calm", "angry", "sad"]
    is_sure: bool
    signs: list[Literal["caps", "marks"]]


NOISE = Ask(Call.Step.CLASSIFY, (Say("user", "how do they feel?"),), Noise, most_tokens=400)
NOISE_REQUEST = Request(NOISE.step, "", NOISE.messages, schema_of(NOISE), NOISE.most_tokens)


@pytest.mark.slow
def test_llamacpp_holds_to_the_schema_a_hundred_times_at_once(settings: Settings) -> None:
    pytest.importorskip("xllamacpp", reason="not installed: pip install -r requirements-llmservers.txt")
    pytest.importorskip("gguf", reason="not installed: pip install -r requirements-llmservers.txt")
    settings.LLM_MODEL, settings.LLM_API_KEY, settings.LLM_DEADLINE = "tiny-random", "", 300.0
    with llamacpp() as url:
        settings.LLM_BASE_URL = url
        replies, form = asyncio.run(_ask_often(100))
    assert form in (Form.STRICT, Form.SCHEMA)
    envelopes = [envelope_of(reply.body) for reply in replies]
    whole = [reply for reply, said in zip(replies, envelopes, strict=True) if said.finish_reason == "stop"]
    assert len(whole) >= 90  # noise may run on to its limit, which is said
    assert all(isinstance(understand(reply.body, NOISE).values[WHOLE], Noise) for reply in whole)
    assert all(said.usage.is_known for said in envelopes)
    assert Envelope() not in envelopes


async def _ask_often(times: int) -> tuple[list[Reply], Form]:
    abilities = await _probe(target(), Abilities())
    async with Client(target()) as client:
        words = [{**abilities.words(NOISE_REQUEST), "seed": number, "temperature": 1} for number in range(times)]
        return list(await asyncio.gather(*(client.ask(each) for each in words))), abilities.form
