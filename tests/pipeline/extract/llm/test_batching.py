"""A run whose questions are handed over in files: half the price, and what expires is asked again, and only that."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from pipeline import tasks
from pipeline.extract.llm import batching, left_files
from pipeline.extract.llm.batching import collect
from pipeline.extract.llm.budget import set_budget
from pipeline.extract.llm.client import Client
from pipeline.extract.llm.faults import Rejected, RunFault
from pipeline.extract.reading import MAX_DELIVERIES
from pipeline.ledger.states import fail
from pipeline.models import Batch, Budget, Call, LeftFile, Reservation, Run, Theme
from pipeline.runs.delete_source import delete_source
from pipeline.runs.reopen import reopen
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
        assert any(collect(run=run) for _ in range(20))
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


# --- What is left at the provider -------------------------------------------------------------------------------------


def test_no_file_of_questions_or_answers_stays_at_the_provider(model: Model) -> None:
    expires = "nr 8 name=sync_fails says=unanswered"
    assert to_the_end(batched([*scripts(problems=1, each=4), expires])).state == "completed"
    assert len(model.files) >= 4  # questions and answers, twice
    assert not model.kept()
    assert not LeftFile.objects.exists()


def test_a_delete_that_fails_is_tried_again_later_and_costs_the_run_nothing(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.deletes_refused = 1
    assert to_the_end(batched(scripts(problems=1, each=4))).state == "completed"
    assert len(model.kept()) == LeftFile.objects.count() == 2  # the first was refused, then no other was tried
    assert "HTTP 500" in LeftFile.objects.exclude(problem="").get().problem
    assert left_files.delete() == 1  # the one that was not tried
    monkeypatch.setattr(left_files, "TRY_EVERY", timedelta(0))
    tasks.watch_runs()  # of a run that is finished, too
    assert not model.kept()
    assert not LeftFile.objects.exists()


def test_a_file_that_is_gone_already_is_deleted(model: Model) -> None:
    with transaction.atomic():
        left_files.leave(base_url=model.url, file_ids=["file-of-before", "", "file-of-before"])
        left_files.leave(base_url="http://elsewhere/v1", file_ids=["file-of-others"])
    assert left_files.delete() == 1
    assert LeftFile.objects.get().file_id == "file-of-others"  # until the settings name that provider again


def test_questions_of_an_order_that_was_refused_do_not_stay_either(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(self: Client, *words: Any) -> str:
        raise Rejected("HTTP 400 no batches today")

    monkeypatch.setattr(Client, "order_batch", refused)
    with pytest.raises(RunFault, match="did not take a batch"):
        read(batched(scripts(problems=1, each=4)))
    tasks.watch_runs()
    assert len(model.files) == 1
    assert not model.kept()


def test_questions_do_not_stay_there_when_their_source_is_deleted(model: Model) -> None:
    run = batched(scripts(problems=1, each=4), chunk_size=4)
    read(run)
    fail(run=run, error=RunFault("a person ends it"))
    delete_source(source=run.source)
    assert not Batch.objects.exists()
    tasks.watch_runs()
    assert "file-0" in model.deleted


# --- Whose sender dies ----------------------------------------------------------------------------------------------


class Death(BaseException):
    """The process ends here: nothing of ours runs after it."""


def dying(monkeypatch: pytest.MonkeyPatch, where: str, *, after: bool) -> None:
    """Have the next call of a method of the client be the last thing that its process does."""
    really = getattr(Client, where)

    async def last(self: Client, *words: Any) -> str:
        monkeypatch.setattr(Client, where, really)
        if after:
            await really(self, *words)
        raise Death

    monkeypatch.setattr(Client, where, last)


def silent_for_long(run: Run) -> None:
    """Let the time pass after which a claim of a dead worker lapses."""
    long_ago = timezone.now() - timedelta(hours=1)
    run.items.update(claimed_at=long_ago)
    Batch.objects.update(made_at=long_ago)


@pytest.mark.parametrize(
    ("where", "after", "is_ordered"),
    [("upload", False, False), ("upload", True, False), ("order_batch", False, False), ("order_batch", True, True)],
)
def test_a_sender_that_dies_has_nothing_paid_twice_and_nothing_is_lost(
    model: Model, monkeypatch: pytest.MonkeyPatch, where: str, after: bool, is_ordered: bool
) -> None:
    run = batched(scripts(problems=2, each=4), chunk_size=8)
    set_budget(run=run, most_tokens=10**9)
    dying(monkeypatch, where, after=after)
    with pytest.raises(Death):
        read(run)
    assert len(model.batches) == is_ordered
    # while the sender may still be there nobody takes its place
    assert collect(run=run) == []
    read(run)
    assert len(model.batches) == is_ordered
    silent_for_long(run)
    assert collect(run=run) == ([] if is_ordered else [0])
    assert to_the_end(run).state == "completed"
    assert len(model.batches) == 1
    assert set(model.paid().values()) == {1}
    assert Call.objects.count() == 8
    assert not Reservation.objects.exists()


def test_an_order_of_which_nobody_heard_again_is_looked_for_before_it_is_given_again(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.extract.llm.client.FIRST_PAUSE", 0.01)
    model.orders_cut = 1
    run = to_the_end(batched(scripts(problems=1, each=4)))
    assert run.state == "completed"
    assert len(model.batches) == 1
    assert set(model.paid().values()) == {1}


def test_where_no_provider_says_which_batches_it_has_a_person_decides(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = batched(scripts(problems=1, each=4), chunk_size=4)
    dying(monkeypatch, "order_batch", after=True)
    with pytest.raises(Death):
        read(run)
    silent_for_long(run)
    model.lists_batches = False
    with pytest.raises(RunFault, match="cancel it") as raised:
        collect(run=run)
    fail(run=run, error=raised.value)
    assert to_the_end(reopen(run_id=run.pk)).state == "completed"
    assert len(model.batches) == 2


def test_a_provider_that_takes_no_batch_ends_the_run_and_nothing_stays_reserved(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(self: Client, *words: Any) -> str:
        raise Rejected("HTTP 400 no batches here")

    monkeypatch.setattr(Client, "upload", refused)
    run = batched(scripts(problems=1, each=4), chunk_size=4)
    set_budget(run=run, most_tokens=10**9)
    with pytest.raises(RunFault, match="did not take a batch"):
        read(run)
    assert set(run.items.values_list("state", "delivery_count")) == {("pending", 0)}
    assert not Batch.objects.exists()
    assert not Reservation.objects.exists()


def test_one_that_ends_its_worker_each_time_is_given_up(model: Model) -> None:
    run = batched(scripts(problems=1, each=3), chunk_size=3)
    worst = run.items.order_by("id")[0]
    run.items.filter(pk=worst.pk).update(delivery_count=MAX_DELIVERIES)
    assert to_the_end(run).state == "completed_with_errors"
    worst.refresh_from_db()
    assert (worst.state, worst.error_class, worst.stage) == ("failed", "WorkerLost", "read")
    assert Call.objects.count() == 2
