"""Whatever a question is made of, nothing private of it reaches the provider: the last look at what leaves."""

import asyncio
import json
from typing import Any

import pytest

from pipeline.extract.knowledge import store_vocabulary
from pipeline.extract.llm.client import Client
from pipeline.extract.llm.endpoint import target
from pipeline.extract.llm.outbound import sealed, sealed_text
from pipeline.models import Call, ContextDocument
from tests.fakes.language_model import Model
from tests.support.seeding import NOW, finish, scripts, seed, start

CANARIES = ("mara.quill@example.org", "4111 1111 1111 1111", "+49 30 901820", "DE89 3704 0044 0532 0130 00")


@pytest.mark.parametrize("canary", CANARIES)
def test_what_has_the_form_of_something_private_is_taken_out(canary: str) -> None:
    said = sealed_text(f"Please write to {canary} about it.")
    assert canary not in said
    assert said.startswith("Please write to [")
    assert said.endswith("] about it.")


def test_what_is_not_private_is_the_same_text() -> None:
    text = 'Order 7741 of 2026-11-01: {"not": json}\n{"text": "version 1.2.3.4 of nothing"'
    assert sealed_text("plain words") == "plain words"
    assert sealed_text(text.replace("1.2.3.4", "one")) == text.replace("1.2.3.4", "one")


def test_a_line_of_json_stays_one_and_is_looked_at_value_by_value() -> None:
    line = json.dumps({"message": 1, "text": f'He said "{CANARIES[0]}"\nand {CANARIES[0]}', "list": [CANARIES[0], 3]})
    said = sealed_text(f"The conversation:\n{line}\nend")
    head, middle, end = said.split("\n")
    found = json.loads(middle)
    assert (head, end, found["message"], found["list"][1]) == ("The conversation:", "end", 1, 3)
    assert CANARIES[0] not in said
    # the same is the same each time: who reads can still tell that it is one person
    assert found["text"].count(found["list"][0]) == 2


def test_only_messages_are_touched_and_the_given_body_stays_as_it_is() -> None:
    body = {"messages": [{"role": "user", "content": CANARIES[0]}, {"role": "user", "content": None}], "seed": 7}
    said = sealed(body)
    assert body["messages"][0]["content"] == CANARIES[0]  # type: ignore[index]
    assert said["messages"][0]["content"] != CANARIES[0]
    assert (said["messages"][1]["content"], said["seed"]) == (None, 7)
    assert sealed({"model": "m"}) == {"model": "m"}


def sent(model: Model) -> str:
    return json.dumps([asked.body for asked in model.asked]) + json.dumps(model.files)


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["ask", "upload"])
def test_every_way_out_of_the_client_goes_through_the_door(model: Model, way: str) -> None:
    words: dict[str, Any] = {"messages": [{"role": "user", "content": f"They wrote from {CANARIES[0]}."}]}

    async def send() -> None:
        async with Client(target()) as client:
            if way == "ask":
                await client.ask(words)
            else:
                await client.upload([{"custom_id": "call-1", "body": words}])

    asyncio.run(send())
    assert "They wrote from [" in sent(model)
    assert CANARIES[0] not in sent(model)


@pytest.mark.django_db(transaction=True)
def test_neither_a_vocabulary_nor_a_document_carries_anything_private_out(model: Model) -> None:
    entry = {"key": "calendar_sync_fails", "description": f"ask {CANARIES[0]}", "examples": [f"call {CANARIES[2]}"]}
    store_vocabulary(
        profile="support", is_strict=False,
        content={"entries": [entry], "distinctions": [{"terms": ["a", "b"], "how": f"{CANARIES[0]} knows"}]},
    )  # fmt: skip
    ContextDocument.objects.create(
        profile="support",
        name="sync",
        text=f"The calendar syncs hourly. Write to {CANARIES[0]}.",
        content_hash="x",
        stored_at=NOW,
    )
    assert finish(start(seed(scripts(problems=1, each=3)), extractor="asked")).state == "completed"
    assert Call.objects.count() == 3
    said = sent(model)
    assert "calendar_sync_fails" in said
    assert "The calendar syncs hourly" in said
    assert not [canary for canary in CANARIES if canary in said]
