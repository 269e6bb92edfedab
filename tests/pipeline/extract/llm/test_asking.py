"""A run that asks a language model: every conversation ends read or failed for a reason, and is paid for once."""

import json
import re
import threading
from collections import Counter
from dataclasses import asdict, replace
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pipeline.extract.chunk import read_chunk
from pipeline.extract.knowledge import store_vocabulary
from pipeline.extract.llm import asking as asking_module
from pipeline.extract.llm.abilities import Abilities
from pipeline.extract.llm.answers import Reply, envelope_of
from pipeline.extract.llm.budget import Owner, set_budget
from pipeline.extract.llm.calls import Paid, store_calls
from pipeline.extract.llm.faults import RunFault
from pipeline.extract.llm.steps import Steps
from pipeline.extract.profiles import get_profile
from pipeline.extract.profiles.support import SUPPORT
from pipeline.extract.reading import MAX_DELIVERIES
from pipeline.ledger.claims import new_token
from pipeline.ledger.states import fail, request_stop
from pipeline.ledger.transcript import Transcript
from pipeline.models import Budget, Call, Endpoint, Item, Reservation, Run, Theme
from pipeline.reports.verify import verify
from pipeline.runs.reopen import reopen
from pipeline.runs.salvage import NothingToDo, SalvageOptions, reopen_to_salvage
from tests.fakes.language_model import Model, completion
from tests.support.seeding import finish, read, scripts, seed, start
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.extract.llm.client.FIRST_PAUSE", 0.01)


def asking(texts: list[str], **selection: object) -> Run:
    return start(seed(texts), extractor="asked", **selection)


def says(*faults: str) -> str:
    return f"nr 1 name=calendar_sync_fails says={','.join(faults)}"


def test_a_run_is_read_and_every_call_is_a_row(model: Model) -> None:
    run = finish(asking(scripts(problems=3, each=4)))
    assert run.state == "completed"
    assert Theme.objects.filter(run=run).count() == 12
    calls = Call.objects.filter(item__run=run)
    assert calls.count() == 12 == sum(model.paid().values())
    for call in calls:
        assert (call.step, call.unit, call.attempt) == ("extract", "", 1)
        assert (call.prompt, call.model, call.finish_reason) == ("support-prompt-4", "fake-model", "stop")
        assert call.cost == Decimal(call.input_tokens + 2 * call.output_tokens) / 1_000_000
        assert call.seconds is not None
        assert call.input_tokens > 0
    assert verify(run_id=run.pk).holds


# --- Beyond the own chunk -----------------------------------------------------------------------------------------


def read_first_chunk(run: Run, delivery: str = "first") -> int:
    return read_chunk(run_id=run.pk, epoch=run.epoch, chunk=0, delivery=delivery)


def test_a_reader_takes_from_other_chunks_instead_of_waiting_for_the_last_answers_of_its_own(model: Model) -> None:
    model.seconds = 0.2
    run = asking(scripts(problems=1, each=12), chunk_size=3, concurrency=6)
    assert read_first_chunk(run) == 12
    assert model.most_under_way == 6  # twice what its chunk has
    asked = len(model.asked)
    read(run)
    assert len(model.asked) == asked  # the messages of the other chunks find nothing


def test_for_a_while_only_so_that_others_get_their_turn(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_module, "GO_ON_FOR", 0.0)
    run = asking(scripts(problems=1, each=12), chunk_size=3, concurrency=6)
    assert read_first_chunk(run) == 3
    assert set(run.items.filter(state="pending").values_list("chunk", flat=True)) == {1, 2, 3}


def test_what_a_dead_reader_took_from_another_chunk_is_taken_over_when_its_message_comes_again(model: Model) -> None:
    run = asking(scripts(problems=1, each=6), chunk_size=3)
    taken = run.items.filter(chunk=1).order_by("id")[0]
    held = {"state": "reading", "claimed_at": timezone.now(), "delivery_count": 1}
    run.items.filter(pk=taken.pk).update(claim=new_token("first"), **held)
    # another message respects that claim, until it lapses
    assert read_chunk(run_id=run.pk, epoch=run.epoch, chunk=1, delivery="second") == 5
    assert read_first_chunk(run) == 1
    assert set(run.items.values_list("state", flat=True)) == {"extracted"}


READ = {
    "ok": (1, None),
    "fences": (1, {"repaired": 1}),
    "prose": (1, {"repaired": 1}),
    "single_quotes": (1, {"repaired": 1}),
    "stray_quote": (1, {"repaired": 1}),
    "usage_null": (1, None),
    "invented_quote": (1, {"quotes_dropped": 1}),
    "cut": (2, {"asked_again": 1}),
    "wrong_enum": (2, {"asked_again": 1}),
    "twice_the_key": (2, {"asked_again": 1}),
    "nan": (2, {"asked_again": 1}),
    "blank": (2, {"asked_again": 1}),
    "refusal_in_words": (2, {"asked_again": 1}),
    "broken": (1, None),
    "hangs_up": (1, None),
    "limit_without_a_word": (1, None),
}
FAILED = {
    "cut,cut": (2, "Malformed"),
    "wrong_enum,nan": (2, "Malformed"),
    "cut,refusal": (2, "Refused"),
    "length": (1, "CutOff"),
    "refusal": (1, "Refused"),
    "null": (1, "NoContent"),
    "reasoning_only": (1, "NoContent"),
    "filtered": (1, "ContentFiltered"),
    "choices_null": (1, "NoContent"),
    "choices_none": (1, "NoContent"),
    "latin1": (1, "Undecodable"),
    "html": (1, "NotACompletion"),
    "nothing": (1, "NotACompletion"),
    "error_inside": (1, "ErrorInside"),
    "content_filter": (0, "ContentFiltered"),
    "too_long": (0, "ContextTooLong"),
    "rejected": (0, "Rejected"),
    "broken,broken,broken,broken,broken": (0, "Unavailable"),
}


def test_each_fault_costs_its_own_conversation_and_nothing_more(model: Model) -> None:
    cases = {**READ, **FAILED}
    run = finish(asking([f"nr {number} name=sync_fails says={case}" for number, case in enumerate(cases)]))
    items = {item.version.text: item for item in run.items.select_related("version") if item.version}
    for number, (case, (calls, expected)) in enumerate(cases.items()):
        item = items[f"nr {number} name=sync_fails says={case}"]
        assert item.calls.count() == calls, case
        if case in READ:
            assert (item.state, item.flaws) == ("extracted", expected), (case, item.error)
        else:
            assert (item.state, item.error_class) == ("failed", expected), (case, item.error)
            assert item.reason
    assert set(model.answered.values()) - {0}  # and the endpoint was asked
    assert all(count <= 2 for count in model.paid().values())
    assert verify(run_id=run.pk).holds


def test_bytes_that_are_no_text_are_kept_as_they_came(model: Model) -> None:
    run = finish(asking([says("latin1"), says("html")]))
    latin, html = Call.objects.filter(item__run=run).order_by("item_id")
    assert latin.answer == ""
    assert b"caf\xe9" in bytes(latin.raw)
    assert html.answer.startswith("<html>")
    assert html.body == html.answer.encode()


@pytest.mark.parametrize(
    ("fault", "told"),
    [("no_key", "rejected the API key"), ("no_money", "no credit left"), ("no_quota", "no credit left")],
)
def test_what_stops_every_question_stops_the_run_at_once_and_it_can_be_resumed(
    model: Model, fault: str, told: str
) -> None:
    run = asking(scripts(problems=5, each=8), concurrency=4)
    Endpoint.objects.create(
        base_url=model.url, model="fake-model", probed_at="2026-01-01T00:00:00Z",
        abilities=asdict(Abilities()),
    )  # fmt: skip
    model.faults = ["ok", "ok", *[fault] * 4]
    with pytest.raises(RunFault, match=told) as raised:
        read(run)
    fail(run=run, error=raised.value)
    asked = len(model.asked)
    assert asked <= 2 + 2 * 4
    assert not Item.objects.filter(run=run, state="failed").exists()
    kept = Call.objects.count()
    model.faults = []
    assert finish(reopen(run_id=run.pk)).state == "completed"
    assert sum(model.paid().values()) == 40
    assert kept < Call.objects.count() == 40


def test_a_stop_ends_the_chunk_at_the_edge(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_module, "LOOK_EVERY", 0.0)
    model.seconds = 0.02
    run = asking(scripts(problems=5, each=10), concurrency=2)

    def stop() -> None:
        until(lambda: len(model.asked) >= 5)
        request_stop(run_id=run.pk)
        connection.close()

    thread = threading.Thread(target=stop)
    thread.start()
    read(run)
    thread.join(240)
    states = Counter(run.items.values_list("state", flat=True))
    assert states["reading"] == 0
    assert states["pending"] > 0
    assert Call.objects.count() == sum(model.paid().values()) == states["extracted"]


def test_stored_answers_are_not_asked_for_again(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    run = asking([*scripts(problems=2, each=3), "nr 9 name=sync_fails says=cut"])
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.extract.reading.normal_form", lambda raw: 1 / 0)
        assert finish(run).state == "needs_attention"
    asked = len(model.asked)
    again, plan = reopen_to_salvage(run_id=run.pk, choice=SalvageOptions())
    assert (plan.to_ask, plan.to_parse) == (0, 7)
    assert finish(again).state == "completed"
    assert len(model.asked) == asked
    assert Theme.objects.filter(run=run).count() == 7


def test_one_that_ended_its_worker_too_often_says_whether_its_answers_are_stored(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else people look for a fault of the endpoint where one of ours is, and think it has to be paid again."""
    run = asking(scripts(problems=1, each=2))
    answered, never = run.items.order_by("id")
    with monkeypatch.context() as patch:
        patch.setattr(asking_module._Chunk, "_store", lambda self, results: 0)
        read(run)
    assert Call.objects.filter(item=answered).count() == 1
    never.calls.all().delete()
    run.items.update(state="pending", claim="", delivery_count=2 * MAX_DELIVERIES)
    asked = len(model.asked)
    finish(run)
    assert len(model.asked) == asked
    assert dict(run.items.values_list("pk", "stage")) == {answered.pk: "parse", never.pk: "read"}
    assert set(run.items.values_list("error_class", flat=True)) == {"WorkerLost"}
    again, plan = reopen_to_salvage(run_id=run.pk)
    assert (plan.to_parse, plan.to_ask) == (1, 1)
    assert finish(again).state == "completed"
    assert model.paid().total() == 3


def test_a_lost_theme_is_made_again_from_its_answer(model: Model) -> None:
    run = finish(asking(scripts(problems=2, each=4)))
    before = {theme.item_id: bytes(theme.vector) for theme in Theme.objects.filter(run=run)}
    lost = Theme.objects.filter(run=run).order_by("id").first()
    assert lost is not None
    lost.delete()
    asked = len(model.asked)
    again, plan = reopen_to_salvage(run_id=run.pk)
    assert (plan.themes_lost, plan.to_ask, plan.to_parse) == (1, 0, 1)
    finish(again)
    assert len(model.asked) == asked
    assert {theme.item_id: bytes(theme.vector) for theme in Theme.objects.filter(run=run)} == before


def test_answers_of_extracted_conversations_are_parsed_again_where_they_come_out_otherwise(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finish(asking(scripts(problems=2, each=4)))
    assert run.state == "completed"
    with pytest.raises(NothingToDo):
        reopen_to_salvage(run_id=run.pk, choice=SalvageOptions(reparse=True))

    assert SUPPORT.prompt
    prompt = SUPPORT.prompt

    def read_otherwise(transcript: Transcript, known: object) -> Steps:
        reading = yield from prompt.read(transcript, known)
        if "problem_001" not in transcript.text:
            return reading
        return reading.model_copy(
            update={"themes": [theme.model_copy(update={"summary": "Seen anew."}) for theme in reading.themes]}
        )

    asked = len(model.asked)
    support = replace(SUPPORT, prompt=replace(prompt, read=read_otherwise))
    get_profile.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.extract.profiles.support.SUPPORT", support)
        again, plan = reopen_to_salvage(run_id=run.pk, choice=SalvageOptions(reparse=True))
        assert (plan.to_parse, plan.to_ask) == (4, 0)
        assert finish(again).state == "completed"
        assert verify(run_id=run.pk).holds
    get_profile.cache_clear()
    assert len(model.asked) == asked
    assert (
        sorted(Theme.objects.filter(run=run).values_list("summary", flat=True))
        == ["Problem 0."] * 4 + ["Seen anew."] * 4
    )


def test_what_failed_can_be_asked_about_once_more(model: Model) -> None:
    run = finish(asking([*scripts(problems=1, each=3), says("length")]))
    assert run.items.filter(state="failed").count() == 1
    for choice, asked in ((SalvageOptions(), 0), (SalvageOptions(ask_again=True), 1)):
        before = len(model.asked)
        again, plan = reopen_to_salvage(run_id=run.pk, choice=choice)
        assert plan.to_ask == asked
        run = finish(again)
        assert len(model.asked) - before == asked
    assert run.state == "completed"
    assert sorted(Call.objects.filter(item__version__messages__0__text=says("length")).values_list("attempt")) == [
        (1,),
        (2,),
    ]


def test_a_profile_that_cannot_prepare_costs_its_conversations_and_not_the_run(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_profile: object, _questions: object, _encode: object) -> dict[int, object]:
        raise LookupError("no such vocabulary")

    assert SUPPORT.prompt is not None
    monkeypatch.setattr(
        "pipeline.extract.profiles.support.SUPPORT", replace(SUPPORT, prompt=replace(SUPPORT.prompt, prepare=lost))
    )
    get_profile.cache_clear()
    try:
        run = finish(asking(scripts(problems=1, each=3)))
    finally:
        get_profile.cache_clear()
    assert set(run.items.values_list("state", "error_class")) == {("failed", "LookupError")}
    assert not any(asked.text for asked in model.asked)


def test_a_run_reads_with_the_vocabulary_it_was_started_with(model: Model) -> None:
    store_vocabulary(profile="support", content={"entries": [{"key": "name_of_before"}]}, is_strict=False)
    run = asking(scripts(problems=1, each=3))
    store_vocabulary(profile="support", content={"entries": [{"key": "name_of_later"}]}, is_strict=True)
    assert finish(run).state == "completed"
    sent = json.dumps([asked.body for asked in model.asked])
    assert "name_of_before" in sent
    assert "name_of_later" not in sent
    assert verify(run_id=run.pk).holds


# --- Money --------------------------------------------------------------------------------------------------------


def test_a_budget_of_tokens_stops_the_run_at_an_edge_and_a_larger_one_continues_it(model: Model) -> None:
    run = asking(scripts(problems=4, each=10), concurrency=8)
    finish(asking_one_to_learn(model))
    most = 10 * (Call.objects.earliest("id").input_tokens + 200)
    set_budget(run=run, most_tokens=most)
    assert finish(run).state == "stopped"
    budget = Budget.objects.get(run=run)
    calls = Call.objects.filter(item__run=run)
    spent = [call.input_tokens + call.output_tokens for call in calls]
    assert budget.spent_tokens == sum(spent)
    assert most <= sum(spent) < most + max(spent)
    assert not Reservation.objects.exists()
    assert "budget is used up" in Run.objects.get(pk=run.pk).error
    again = reopen(run_id=run.pk)
    set_budget(run=again, most_tokens=most * 100)
    assert finish(again).state == "completed"
    assert sum(count for text, count in model.paid().items() if "learn" not in text) == 40


def asking_one_to_learn(model: Model) -> Run:
    return start(seed(["learn name=sync_fails"], name="other"), extractor="asked")


def test_a_budget_of_money_counts_what_calls_cost(model: Model) -> None:
    run = asking(scripts(problems=4, each=5), concurrency=20)
    set_budget(run=run, most_cost=Decimal("0.003"))
    assert finish(run).state == "stopped"
    costs = [call.cost or Decimal(0) for call in Call.objects.filter(item__run=run)]
    assert Decimal("0.003") <= sum(costs) < Decimal("0.003") + max(costs)


def test_what_nobody_knows_the_price_of_has_no_cost(model: Model, settings: Settings) -> None:
    settings.LLM_PRICES = {}
    finish(asking(scripts(problems=1, each=3)))
    assert set(Call.objects.values_list("cost", flat=True)) == {None}


# --- Answers that come together -------------------------------------------------------------------------------------


def paid_for(item: Item, **words: object) -> Paid:
    reply = Reply(completion("said"), 0.5)
    at = {"owner": Owner(item.pk), "request_hash": "h", "step": "extract", "unit": "", **words}
    return Paid(**at, reply=reply, envelope=envelope_of(reply.body), prompt="p", model="m", cost=None, asked_bytes=9)  # type: ignore[arg-type]


def test_answers_that_come_together_are_stored_together_and_one_that_cannot_be_costs_no_other(model: Model) -> None:
    run = asking(scripts(problems=1, each=3))
    first, second, third = run.items.order_by("id")
    with CaptureQueriesContext(connection) as asked:
        assert store_calls(run=run, paid=[paid_for(first), paid_for(second)], is_budgeted=False) == [None, None]
    assert len(asked) == 4  # begin, one statement each, commit
    errors = store_calls(run=run, paid=[paid_for(first), paid_for(second, step="x" * 99), paid_for(third)])
    assert [type(error).__name__ for error in errors] == ["NoneType", "DataError", "NoneType"]
    stored = Call.objects.order_by("item_id", "attempt").values_list("item_id", "attempt")
    assert list(stored) == [(first.pk, 1), (first.pk, 2), (second.pk, 1), (third.pk, 1)]


# --- Many ---------------------------------------------------------------------------------------------------------


def mixed(count: int) -> list[str]:
    """So many conversations of which every fifth meets a fault, each kind in turn."""
    kinds = [*READ, *FAILED]
    return [
        f"nr {number} name=problem_{number % 7}_fails problem={number % 7}"
        + (f" says={kinds[(number // 5) % len(kinds)]}" if number % 5 == 0 else "")
        for number in range(count)
    ]


def many(count: int, model: Model) -> None:
    run = finish(asking(mixed(count), concurrency=20))
    states = Counter(run.items.values_list("state", flat=True))
    assert states["extracted"] + states["failed"] == count
    assert states["extracted"] >= 0.8 * count
    for item in run.items.filter(state="failed"):
        assert re.fullmatch(r"[A-Z]\w+", item.error_class)
        assert item.error_class not in ("Exception", "ValueError", "KeyError", "ValidationError")
    paid = model.paid()
    assert max(paid.values()) <= 2
    assert sum(paid.values()) == Call.objects.filter(item__run=run).count()
    assert verify(run_id=run.pk, orders=1).holds


def test_a_hundred_conversations_with_faults_end_read_or_failed_for_a_reason(model: Model) -> None:
    many(100, model)


@pytest.mark.slow
def test_a_thousand_conversations_with_faults_end_read_or_failed_for_a_reason(model: Model) -> None:
    many(1000, model)
