"""A run whose questions are handed over in files: half the price, and what expires is asked again, and only that."""

from datetime import timedelta
from decimal import Decimal

import pytest

from pipeline import tasks
from pipeline.extract.llm import batching
from pipeline.extract.llm.batching import collect
from pipeline.extract.llm.budget import set_budget
from pipeline.models import Batch, Budget, Call, Reservation, Run, Theme
from tests.fakes.language_model import Model
from tests.support.seeding import finish, read, scripts, seed, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def looked_at_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "LOOK_EVERY", timedelta(0))


def batched(texts: list[str], **selection: object) -> Run:
    return start(seed(texts), extractor="asked", batch=True, **selection)


def to_the_end(run: Run, rounds: int = 10) -> Run:
    """Read and collect in turns, as workers and beat do, until nothing is out."""
    for _ in range(rounds):
        read(run)
        if not Batch.objects.filter(run=run, settled_at=None).exists():
            break
        while not collect(run=run):
            pass
    return finish(run)


def test_a_chunk_is_one_file_and_costs_half(model: Model) -> None:
    run = batched(scripts(problems=2, each=5))
    read(run)
    assert Call.objects.count() == 0
    assert set(run.items.values_list("state", "delivery_count")) == {("pending", 0)}
    sent = Batch.objects.count()
    read(run)
    assert Batch.objects.count() == sent == len({item.chunk for item in run.items.all()})
    run = to_the_end(run)
    assert run.state == "completed"
    assert Theme.objects.filter(run=run).count() == 10
    assert set(model.paid().values()) == {1}
    names = {row["custom_id"] for rows in model.files.values() for row in rows}
    assert names == {f"call-{pk}" for pk in Call.objects.values_list("pk", flat=True)}
    for call in Call.objects.all():
        assert call.cost == Decimal(call.input_tokens + 2 * call.output_tokens) / 2_000_000


def test_what_is_missing_from_a_batch_is_asked_again_and_only_that(model: Model) -> None:
    run = to_the_end(batched([*scripts(problems=1, each=4), "nr 8 name=sync_fails says=unanswered,unanswered"]))
    assert run.state == "completed"
    assert model.answered["nr 8 name=sync_fails says=unanswered,unanswered"] == 3
    assert set(model.paid().values()) == {1}
    assert max(model.answered[text] for text in scripts(problems=1, each=4)) == 1


def test_a_fault_costs_its_own_conversation_and_a_malformed_answer_one_more_question(model: Model) -> None:
    says = {"cut": "extracted", "cut,cut": "failed", "refusal": "failed", "too_long": "failed", "broken": "extracted"}
    texts = [f"nr {number} name=sync_fails says={fault}" for number, fault in enumerate(says)]
    run = to_the_end(batched(texts))
    found = {item.version.text: item for item in run.items.select_related("version") if item.version}
    assert {text: found[text].state for text in texts} == dict(zip(texts, says.values(), strict=True))
    assert found[texts[3]].error_class == "ContextTooLong"
    assert not Reservation.objects.exists()


def test_a_budget_bounds_what_is_handed_over(model: Model) -> None:
    run = batched(scripts(problems=4, each=5), chunk_size=20)
    set_budget(run=run, most_tokens=15_000)
    Budget.objects.update(spent_tokens=14_900)
    assert to_the_end(run).state == "stopped"
    assert Call.objects.count() == 1
    assert not Reservation.objects.exists()


def test_whoever_looks_after_a_run_collects_its_batches(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr(tasks.extract_chunk, "apply_async", lambda kwargs, **words: sent.append(kwargs["chunk"]))
    run = batched(scripts(problems=1, each=3), chunk_size=3)
    read(run)
    Run.objects.filter(pk=run.pk).update(heartbeat_at="2026-01-01T00:00:00Z")
    tasks.supervise(run_id=run.pk)
    run.refresh_from_db()
    assert run.state == "running"
    tasks.supervise(run_id=run.pk)
    assert 0 in sent
    assert Call.objects.count() == 3
