"""A language model as judge: each answer is a call, each verdict a decision that can be undone, people stand above."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction

from pipeline import review
from pipeline.extract.llm.abilities import abilities_of
from pipeline.extract.llm.endpoint import target
from pipeline.extract.llm.faults import RunFault
from pipeline.models import (
    Budget,
    Call,
    Change,
    ConversationVersion,
    Hold,
    Judgement,
    Merge,
    Orphan,
    Reservation,
    Run,
    Signature,
    Split,
    Story,
    Theme,
    Veto,
)
from pipeline.models.refusal import breaks
from pipeline.reports.costs import model_use_of
from pipeline.review import DecisionRefused
from pipeline.review.judge import session, verdicts
from pipeline.review.judge.questions import partition_problem
from pipeline.review.judge.session import CannotJudge, Judged
from pipeline.review.reviewed import reviewed_pairs
from pipeline.review.triage import edit_story, undo_change
from pipeline.runs.delete_source import delete_source
from tests.fakes.language_model import Model
from tests.pipeline.review.test_decisions import CARD, LOGIN, REFUND, SYNC, said, sig, story
from tests.support.commands import Captured, command
from tests.support.decided import broken_promises, state
from tests.support.factories import alice, bob
from tests.support.scenes import scene
from tests.support.seeding import NOW, finish, seed, start

pytestmark = pytest.mark.django_db

About = Judgement.About
ACTOR = "model:fake-model"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.extract.llm.client.FIRST_PAUSE", 0.01)


@scene
def run() -> Run:
    """Two stories, Sync with 4 conversations and Login with 3; two orphans with 2 each."""
    return finish(start(seed([*said(SYNC, 4), *said(LOGIN, 3), *said(CARD, 2), *said(REFUND, 2)])))


@pytest.fixture
def near_pair(run: Run) -> None:
    """Bring the two orphans so near to each other by their centres that the review queue asks about them."""
    Signature.objects.filter(key=REFUND).update(vector_sum=sig(CARD).vector_sum)


KINDS = {"You judge": About.PAIR, "You review": About.GROUP, "You write": About.TITLE}


def answering(**by_kind: Any) -> Callable[[dict[str, Any]], str | None]:
    """Answer questions of a kind: with one value always, or with those of a list in turn."""

    def says(body: dict[str, Any]) -> str | None:
        head = body["messages"][0]["content"]
        kind = next((kind for words, kind in KINDS.items() if head.startswith(words)), None)
        said = by_kind.get(str(kind)) if kind else None
        if isinstance(said, list):
            said = said.pop(0)
        if callable(said):
            said = said(body)
        return None if said is None else json.dumps(said)

    return says


KEEP = {"verdict": "keep", "reason": "One change settles all.", "parts": []}
TITLE = {
    "name": "calendar_sync_breaks", "title": "Fix calendar sync that stops without a word",
    "what": "Sync stops.", "who": "People with a calendar.", "symptoms": ["Nothing arrives."],
    "acceptance_criteria": ["Events arrive within a minute."],
}  # fmt: skip


def parts(*members: list[int]) -> dict[str, Any]:
    named = [{"name": f"part_number_{number}", "members": some} for number, some in enumerate(members, 1)]
    return {"verdict": "split", "reason": "Two problems.", "parts": named}


def judge(run: Run, *kinds: Judgement.About, **words: Any) -> Judged:
    return session.judge(run_id=run.pk, kinds=kinds or session.ORDER, concurrency=words.pop("concurrency", 4), **words)


# --- What a call belongs to ---------------------------------------------------------------------------------------


def test_a_call_belongs_to_an_item_or_to_a_judgement_and_never_to_both_or_none(run: Run) -> None:
    judgement = Judgement.objects.create(
        run=run, about="group", first=sig(SYNC), request_hash="x", created_at=NOW
    )  # fmt: skip
    item = run.items.first()
    for columns in ({}, {"item": item, "judgement": judgement}):
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            Call.objects.create(attempt=9, answered_at=NOW, **columns)
        assert breaks(error.value, "a_call_belongs_to_an_item_or_a_judgement")
    Call.objects.create(attempt=1, answered_at=NOW, judgement=judgement)
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        Call.objects.create(attempt=1, answered_at=NOW, judgement=judgement)
    assert breaks(error.value, "one_call_per_judgement_step_unit_attempt")


# --- Groups -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "members", "problem"),
    [
        ("split", [[1, 2], [3]], ""),
        ("keep", [], ""),
        ("reject", [[1, 2, 3]], ""),
        ("split", [[1, 2, 3]], "a split has at least two parts"),
        ("split", [[1], [2]], "in no part: 3"),
        ("split", [[1, 2], [2, 3]], "in several parts: 2"),
        ("split", [[1, 1], [2, 3]], "in several parts: 1"),
        ("split", [[0, 1, 2], [3]], "there is no member 0"),
        ("split", [[1, 2], [3, 4]], "there is no member 4"),
        ("keep", [[1], [2, 3]], "the verdict is keep"),
    ],
)
def test_parts_are_total_or_are_told_what_is_wrong(verdict: str, members: list[list[int]], problem: str) -> None:
    found = partition_problem(verdict, members, 3)
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


def test_a_split_by_the_model_is_a_decision_of_its_own_that_can_be_undone(run: Run, model: Model) -> None:
    before = state()
    model.says = answering(group=lambda body: parts([1, 4], [2, 3]) if SYNC in said_in(body) else KEEP)
    judged = judge(run, About.GROUP)
    assert judged.counts["group"] == {"asked": 2, "split": 1, "keep": 1, "decided": 1}
    split = Split.objects.get()
    assert split.judgement
    assert (split.actor, split.created_by, split.reason, split.judgement.verdict) == (
        ACTOR, None, "Two problems.", "split",
    )  # fmt: skip
    assert (split.signature.key, split.made.key) == (SYNC, "part_number_2")
    moved = set(split.moves.values_list("theme__conversation_id", flat=True))
    assert len(moved) == 2
    assert broken_promises() == []
    assert finish(start(seed(said(LOGIN, 1, first=50), name="later"))).state == "completed"
    assert set(sig("part_number_2").themes.values_list("conversation_id", flat=True)) == moved  # later runs keep it
    review.undo(decision=split, by=bob())
    assert {theme[2] for theme in state().themes} == {theme[2] for theme in before.themes}


def said_in(body: dict[str, Any]) -> str:
    return str(body["messages"][1]["content"])


def test_parts_that_are_not_total_are_asked_for_once_more_and_then_hold_the_group(run: Run, model: Model) -> None:
    told: list[str] = []

    def says(body: dict[str, Any]) -> dict[str, Any]:
        told.append(str(body["messages"][-1]["content"]))
        return parts([1], [2]) if SYNC in said_in(body) else KEEP

    model.says = answering(group=says)
    judged = judge(run, About.GROUP, concurrency=1)
    assert (judged.counts["group"]["failed"], judged.counts["group"]["held"], judged.counts["group"]["keep"]) == (
        1,
        1,
        1,
    )
    assert sum("in no part: 3, 4" in text for text in told) == 1
    held = Orphan.objects.get(signature__key=SYNC)
    assert (held.reason, "its review failed" in held.detail) == ("held", True)
    assert not Story.objects.filter(signature__key=SYNC).exists()
    assert Hold.objects.get().is_failure
    assert broken_promises() == []
    # asked again another day, it is answered, and the group is a story again
    model.says = answering(group=KEEP)
    asked = len(model.asked)
    again = judge(run, About.GROUP)
    assert (again.counts["group"]["asked"], len(model.asked) - asked) == (1, 1)  # what was kept is not asked again
    assert Story.objects.get(signature__key=SYNC).evidence.count() == 4
    assert not Hold.objects.get().stands


FAULTS = ["refusal", "length", "html", "content_filter", "blank,blank"]


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_a_review_fails_by_holds_the_group_and_nothing_else(run: Run, model: Model, fault: str) -> None:
    abilities_of(target())
    model.says = answering(group=KEEP)
    model.faults = fault.split(",")
    judged = judge(run, About.GROUP, concurrency=1)
    assert (judged.counts["group"]["failed"], judged.counts["group"]["keep"]) == (1, 1)
    failed = Judgement.objects.get(state="failed")
    assert failed.error_class
    assert Hold.objects.get(signature=failed.first).reason.startswith("its review failed: ")
    assert Story.objects.count() == 1


def test_what_the_model_rejects_waits_until_a_person_undoes_it_and_is_not_asked_about_again(
    run: Run, model: Model
) -> None:
    before = state()
    model.says = answering(group={"verdict": "reject", "reason": "Nothing in common.", "parts": []})
    judge(run, About.GROUP)
    assert Story.objects.count() == 0
    assert set(Orphan.objects.filter(graduated_at=None, reason="held").values_list("signature__key", flat=True)) == {
        SYNC, LOGIN,
    }  # fmt: skip
    for hold in Hold.objects.all():
        assert (hold.actor, hold.reason, hold.is_failure) == (ACTOR, "Nothing in common.", False)
        review.undo(decision=hold, by=alice())
    assert {(row[0], row[3]) for row in state().stories} == {(row[0], row[3]) for row in before.stories}
    asked = len(model.asked)
    assert judge(run, About.GROUP).counts["group"]["asked"] == 0
    assert len(model.asked) == asked


def test_a_held_group_that_a_person_wants_is_a_story(run: Run, model: Model) -> None:
    model.says = answering(group={"verdict": "reject", "reason": "Nothing in common.", "parts": []})
    judge(run, About.GROUP)
    review.promote_orphan(orphan=Orphan.objects.get(signature__key=SYNC), by=bob())
    assert story(SYNC).status == "approved"
    later = finish(start(seed(said(SYNC, 1, first=70), name="later")))
    assert (later.state, story(SYNC).evidence.count()) == ("completed", 5)


def test_groups_that_people_touched_or_decided_about_are_not_reviewed(run: Run, model: Model) -> None:
    Story.objects.filter(pk=story(SYNC).pk).update(status="approved", reviewed_at=NOW, reviewed_by=bob())
    review.rename_signature(signature=sig(LOGIN), name="nobody_gets_in", by=bob())
    assert judge(run, About.GROUP).counts["group"]["asked"] == 0


def test_what_changed_while_the_model_thought_is_left_as_it_is(
    run: Run, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = verdicts.decide

    def late(**words: Any) -> bool:
        """Approve the story, as a person would, just before the answer is acted on."""
        Story.objects.filter(signature=words["subject"].first).update(
            status="approved", reviewed_at=NOW, reviewed_by=bob()
        )
        return decide(**words)

    monkeypatch.setattr("pipeline.review.judge.asking.decide", late)
    model.says = answering(group={"verdict": "reject", "reason": "Nothing in common.", "parts": []})
    assert judge(run, About.GROUP).counts["group"]["decided"] == 0
    assert set(Judgement.objects.values_list("outcome", flat=True)) == {
        "nothing followed: people have decided about this group"
    }
    assert Story.objects.filter(status="approved").count() == 2


# --- Pairs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", ["same", "different", "unsure"])
def test_a_pair_is_joined_kept_apart_or_left_to_people(near_pair: None, run: Run, model: Model, verdict: str) -> None:
    before = state()
    model.says = answering(pair={"verdict": verdict, "reason": "By what they say."})
    judged = judge(run, About.PAIR)
    assert judged.counts["pair"]["asked"] == judged.counts["pair"][verdict] == 1
    call = Call.objects.get(judgement__isnull=False)
    assert (call.step, call.item, call.prompt, call.model) == ("review", None, "judge-2", "fake-model")
    assert call.cost == Decimal(call.input_tokens + 2 * call.output_tokens) / 1_000_000
    assert reviewed_pairs("support") == []  # no measure of anything: a person said nothing
    made = [*Merge.objects.filter(rule="person"), *Veto.objects.all()]
    if verdict == "unsure":
        assert made == []
        assert Judgement.objects.get().outcome == "left to people"
        assert len(review.uncertain_pairs("support", 10)) == 1
        return
    [decision] = made
    assert (decision.actor, decision.created_by, decision.reason) == (ACTOR, None, "By what they say.")
    assert type(decision) is (Merge if verdict == "same" else Veto)
    assert review.uncertain_pairs("support", 10) == []
    review.undo(decision=decision, by=bob())
    assert state() == before
    if verdict == "same":  # whoever takes a model's merge back says that these are two
        assert review.uncertain_pairs("support", 10) == []
    assert judge(run, About.PAIR).counts["pair"]["asked"] == 0


def test_a_person_merges_over_the_models_veto_and_the_model_never_over_a_persons(
    near_pair: None, run: Run, model: Model
) -> None:
    model.says = answering(pair={"verdict": "different", "reason": "Two bugs."})
    judge(run, About.PAIR)
    kept = Veto.objects.get()
    review.merge_signatures(child=sig(CARD), parent=sig(REFUND), by=bob())
    kept.refresh_from_db()
    assert (kept.stands, kept.undone_by) == (False, bob())
    review.undo(decision=Merge.objects.get(rule="person"), by=bob())
    review.veto(first=sig(CARD), second=sig(REFUND), by=bob())
    by = review.ModelActor("fake-model", Judgement.objects.get().pk)
    with pytest.raises(DecisionRefused, match="keeps them apart"):
        review.merge_signatures(child=sig(CARD), parent=sig(REFUND), by=by)
    assert Veto.objects.get(created_by=bob()).stands


# --- Titles -------------------------------------------------------------------------------------------------------


def test_a_story_gets_a_name_a_title_and_a_description_and_each_can_be_undone(run: Run, model: Model) -> None:
    model.says = answering(title=lambda body: TITLE if SYNC in said_in(body) else None)
    title, description = story(SYNC).title, story(SYNC).description
    judge(run, About.TITLE, most=1)
    written = Story.objects.get(signature__key="calendar_sync_breaks")
    assert written.title == TITLE["title"]
    assert written.description == (
        "Sync stops.\nWho: People with a calendar.\nSymptoms:\n- Nothing arrives.\n"
        "Done when:\n- Events arrive within a minute."
    )
    assert (written.edited_actor, written.edited_by) == (ACTOR, None)
    assert Call.objects.filter(step="title", judgement__isnull=False).count() == 1
    changes = list(Change.objects.order_by("id"))
    assert [(change.what, change.actor) for change in changes] == [("title", ACTOR), ("description", ACTOR)]
    finish(start(seed(said(SYNC, 1, first=60), name="later")))
    written.refresh_from_db()
    assert (written.title, written.evidence.count()) == (TITLE["title"], 5)  # a run does not replace it
    for change in reversed(changes):
        undo_change(change=change, by=bob(), at=NOW)
    written.refresh_from_db()
    assert (written.edited_at, written.edited_actor, written.description) == (None, "", description)
    assert written.title != TITLE["title"]
    assert title
    assert judge(run, About.TITLE, most=1).counts["title"]["asked"] == 1  # the other story: this one was undone


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("title", "Calendar sync stops"), ("title", "Fix " + "x" * 90), ("title", "Fix\nthis calendar"),
        ("name", "Calendar sync"), ("symptoms", []), ("acceptance_criteria", ["x" * 400]),
    ],
)  # fmt: skip
def test_words_that_break_a_rule_are_asked_for_once_more(run: Run, model: Model, field: str, bad: object) -> None:
    model.says = answering(title=[{**TITLE, field: bad}, TITLE])
    judge(run, About.TITLE, most=1)
    assert Story.objects.filter(title=TITLE["title"]).count() == 1
    assert sorted(Call.objects.filter(judgement__isnull=False).values_list("step", flat=True)) == ["reask", "title"]
    told = str(model.asked[-1].body["messages"][-1]["content"])
    assert field in told


def test_what_a_person_wrote_stays_and_a_persons_words_replace_the_models(run: Run, model: Model) -> None:
    edit_story(story=story(SYNC), by=bob(), at=NOW, title="Ours")
    model.says = answering(title=TITLE)
    judge(run, About.TITLE)
    assert story(SYNC).title == "Ours"
    theirs = Story.objects.get(title=TITLE["title"])
    edit_story(story=theirs, by=alice(), at=NOW, description="In our words.")
    theirs.refresh_from_db()
    assert (theirs.edited_by, theirs.edited_actor) == (alice(), "")
    by = review.ModelActor("fake-model", Judgement.objects.earliest("id").pk)
    with pytest.raises(DecisionRefused, match="which is kept"):
        edit_story(story=theirs, by=by, at=NOW, title="Fix everything at once")


# --- Money, faults, stored answers --------------------------------------------------------------------------------


def test_judging_is_in_the_runs_budget_and_in_what_it_cost(run: Run, model: Model) -> None:
    model.says = answering(group=KEEP, pair={"verdict": "unsure", "reason": "Who knows."}, title=TITLE)
    judged = judge(run, budget=Decimal("0.0001"), concurrency=1)
    assert judged.stopped
    assert (judged.calls, Judgement.objects.filter(state="waiting").count()) == (1, 1)
    assert Budget.objects.get(run=run).spent_cost == judged.dollars > 0
    assert not Reservation.objects.exists()
    use = model_use_of(run)
    assert [(one.step, one.calls) for one in use] == [("judge: review", 1)]
    rest = judge(run, budget=Decimal(1))
    assert not rest.stopped
    assert len(model.asked) - 1 == judged.calls + rest.calls  # besides the probe: nothing is asked twice
    assert not Judgement.objects.filter(state="waiting").exists()


def test_a_budget_in_dollars_needs_a_price(run: Run, model: Model, settings: Any) -> None:
    settings.LLM_PRICES = {}
    with pytest.raises(CannotJudge, match="--budget-tokens"):
        judge(run, budget=Decimal(1))
    assert model.asked == []


def test_a_refused_key_ends_it_and_nothing_is_held(run: Run, model: Model) -> None:
    model.says = answering(group=KEEP)
    abilities_of(target())
    model.faults = ["ok", "no_key"]
    with pytest.raises(RunFault, match="rejected the API key"):
        judge(run, About.GROUP, concurrency=1)
    assert not Hold.objects.exists()
    assert sorted(Judgement.objects.values_list("state", flat=True)) == ["answered", "waiting"]
    model.faults = []
    assert judge(run, About.GROUP).counts["group"]["asked"] == 1


def test_an_answer_that_is_stored_is_not_paid_for_again(
    run: Run, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.says = answering(group=KEEP)
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.review.judge.asking.decide", broken)
        with pytest.raises(OperationalError):
            judge(run, About.GROUP, concurrency=1)
    assert Call.objects.filter(judgement__isnull=False).count() == 1
    assert Judgement.objects.filter(state="waiting").count() == 2
    judge(run, About.GROUP)
    assert Call.objects.filter(judgement__isnull=False).count() == 2
    assert sum(asked.is_paid for asked in model.asked) - 1 == 2


def broken(**_words: Any) -> bool:
    raise OperationalError("the server went away")


def test_what_is_private_is_not_sent(model: Model) -> None:
    texts = [f"{text} mail to ann.quill{n}@mail.example" for n, text in enumerate(said(SYNC, 4))]
    run = finish(start(seed(texts)))
    run.source.conversations.update(customer="Ann Quillfeather")
    ConversationVersion.objects.filter(pk=run.items.values("version")[:1]).update(
        messages=[{"role": "customer", "author": "Bert Nomansland", "text": texts[0], "created_at": None}]
    )
    Theme.objects.update(summary="Ann Quillfeather and Bert Nomansland, +44 20 7946 0123, cannot sync")
    model.says = answering(group=KEEP, title=TITLE)
    judge(run)
    sent = json.dumps([asked.body for asked in model.asked])
    assert "cannot sync" in sent
    for secret in ("@mail.example", "Quillfeather", "7946"):
        assert secret not in sent


def test_a_source_that_goes_takes_its_judgements_along_and_leaves_the_decisions(run: Run, model: Model) -> None:
    model.says = answering(group={"verdict": "reject", "reason": "Nothing.", "parts": []})
    judge(run)
    delete_source(source=run.source)
    assert not Judgement.objects.exists()
    assert not Call.objects.exists()


# --- The command --------------------------------------------------------------------------------------------------


def test_a_dry_run_asks_nothing_and_says_what_it_would_cost(
    near_pair: None, run: Run, model: Model, capsys: Captured
) -> None:
    assert command("judge", str(run.pk), "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["questions"] == {"group": 2, "pair": 1, "title": 2}
    assert told["dollars"] > 0
    assert (model.asked, Judgement.objects.count()) == ([], 0)


def test_the_command_judges_what_it_is_told_to_and_ends_with_4_when_the_budget_is_used_up(
    near_pair: None, run: Run, model: Model, capsys: Captured
) -> None:
    model.says = answering(group=KEEP, pair={"verdict": "same", "reason": "One bug."}, title=TITLE)
    assert command("judge", str(run.pk), "--pairs", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["judged"] == {"pair": {"asked": 1, "same": 1, "decided": 1}}
    assert command("judge", str(run.pk), "--groups", "--budget-tokens", "1", "--concurrency", "1") == 4
    assert "the budget is used up" in capsys.readouterr().out


def test_a_run_that_is_not_finished_is_not_judged(model: Model) -> None:
    live = start(seed(said(SYNC, 3)))
    with pytest.raises(CannotJudge, match="only finished runs can be judged"):
        judge(live)
