"""A recorded run is replayed bit for bit without an endpoint."""

from pathlib import Path

import pytest
from pytest_django import Settings

from pipeline.extract.llm.abilities import abilities_of
from pipeline.extract.llm.endpoint import target
from pipeline.extract.llm.faults import RunFault
from pipeline.models import Call, Endpoint, Run, Theme
from tests.fakes.language_model import Model
from tests.support.seeding import finish, read, scripts, seed, start

TEXTS = [
    *scripts(problems=2, each=3),
    *(f"nr 7 name=sync_fails says={fault}" for fault in ("cut", "hangs_up", "latin1")),
]


def calls(run: Run) -> list[tuple[object, ...]]:
    rows = Call.objects.filter(item__run=run).order_by("item__conversation__external_id", "step", "attempt")
    return [
        (call.item and call.item.conversation_id, call.step, call.attempt, call.body, call.input_tokens)
        for call in rows
    ]


def themes(run: Run) -> list[tuple[object, ...]]:
    rows = Theme.objects.filter(run=run).order_by("conversation_id", "id")
    return [(theme.conversation_id, theme.raw_signature, theme.summary, bytes(theme.vector)) for theme in rows]


@pytest.mark.django_db(transaction=True)
def test_a_run_is_replayed_bit_for_bit(
    model: Model, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.extract.llm.client.FIRST_PAUSE", 0.01)
    settings.LLM_RECORD = str(tmp_path / "run.jsonl")
    source = seed(TEXTS)
    first = finish(start(source, extractor="asked"))
    asked = len(model.asked)
    Endpoint.objects.all().delete()

    settings.LLM_RECORD, settings.LLM_REPLAY = "", settings.LLM_RECORD
    settings.LLM_BASE_URL = "http://127.0.0.1:9/v1"
    again = finish(start(source, extractor="asked", force_refresh=True))
    assert len(model.asked) == asked
    assert calls(again) == calls(first)
    assert themes(again) == themes(first)
    states = [list(run.items.order_by("id").values_list("state", "error_class")) for run in (first, again)]
    assert states[0] == states[1]
    assert settings.LLM_API_KEY not in (tmp_path / "run.jsonl").read_text()


@pytest.mark.django_db(transaction=True)
def test_a_question_that_is_not_in_the_recording_stops_the_run(
    model: Model, settings: Settings, tmp_path: Path
) -> None:
    abilities_of(target())
    (tmp_path / "run.jsonl").write_text("")
    settings.LLM_REPLAY = str(tmp_path / "run.jsonl")
    with pytest.raises(RunFault, match="no answer to this request"):
        read(start(seed(scripts(problems=1, each=2)), extractor="asked"))
