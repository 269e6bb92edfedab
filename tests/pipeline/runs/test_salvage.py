"""Salvaging: says what there is and what it costs, asks nobody what is answered, and changes nothing twice."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError

from pipeline.extract.base import get_extractor
from pipeline.ledger.counts import failed_items, item_counts
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import lose
from pipeline.models import Call, Item, Orphan, Run, Story, Theme
from pipeline.runs.reopen import reopen
from pipeline.runs.salvage import NothingToDo, SalvageOptions, plan_salvage, runs_to_salvage
from tests.support.commands import Captured, command, words_for_people
from tests.support.scenes import made_once
from tests.support.seeding import finish, first_run, partition, read, salvage, scripts, seed, start
from tests.support.waiting import refused, until
from tests.support.workers import Worker

pytestmark = pytest.mark.django_db(transaction=True)

ONE_RAISES = [*scripts(2, 3), "act=raise"]


@made_once
def broken(texts: list[str] = ONE_RAISES) -> Run:
    """Return an ended run none of whose themes could be stored."""
    run = start(seed(texts))
    with refused("pipeline_theme", unless="confidence < 0"):
        return finish(run)


def rows() -> list[list[Any]]:
    """Return all that a run made, without times."""
    return [
        list(Item.objects.order_by("id").values_list("id", "state", "reason", "error_class")),
        list(Call.objects.order_by("id").values_list("id", "answer")),
        list(Theme.objects.order_by("id").values_list("id", "raw_signature", "signature", "registry_version")),
        list(Story.objects.order_by("id").values_list("id", "title", "status")),
        list(Orphan.objects.order_by("id").values_list("id", "reason", "detail")),
    ]


# --- What it says -------------------------------------------------------------------------------------------------


def test_it_says_what_is_stored_what_is_missing_and_what_would_be_asked() -> None:
    stock = plan_salvage(run=broken())
    assert (stock.phase, stock.answers, stock.to_parse, stock.to_ask) == ("extract", 6, 6, 1)
    assert stock.errors == {"IntegrityError": 6, "RuntimeError": 1}
    assert 10 < stock.tokens_to_ask < 50
    assert stock.is_worth_it


def test_a_dry_run_prints_it_and_changes_nothing(capsys: Captured) -> None:
    run = broken()
    before = rows()
    assert command("salvage", str(run.pk), "--dry-run") == 0
    shown = words_for_people(capsys.readouterr().out)
    assert "6 answers and 0 themes stored; 7 conversations failed (6 IntegrityError, 1 RuntimeError)" in shown
    assert "parses 6 stored answers, sends 1 conversation to the extractor, about" in shown
    assert (rows(), Run.objects.get().epoch) == (before, 1)


def test_it_lists_the_runs_that_lack_something_and_no_others(capsys: Captured) -> None:
    finish(start(seed(scripts(2, 3), name="whole")))
    finish(start(seed(["category=spam"] * 3, name="nothing-to-mend")))
    run = broken()
    capsys.readouterr()
    assert command("salvage", "--list") == 0
    shown = words_for_people(capsys.readouterr().out)
    assert f"{run.pk} file:test needs_attention extract 7 conversations 1" in shown
    assert "file:whole" not in shown
    assert "file:nothing-to-mend" not in shown


@pytest.mark.parametrize("state", ["failed", "lost", "stopped", "completed_with_errors", "needs_attention"])
def test_every_kind_of_ended_run_can_be_found(state: str) -> None:
    run = first_run(scripts(1, 3))
    Run.objects.filter(pk=run.pk).update(state=state)
    assert list(runs_to_salvage()) == [run]


def test_a_run_whose_profile_is_no_longer_registered_is_listed_with_the_others(capsys: Captured) -> None:
    gone, other = broken(), finish(start(seed(["act=raise"], name="other")))
    Run.objects.filter(pk=gone.pk).update(profile="gone")
    capsys.readouterr()
    assert command("salvage", "--list") == 0
    shown = words_for_people(capsys.readouterr().out)
    assert f"{gone.pk} file:test" in shown
    assert f"{other.pk} file:other" in shown


def test_it_does_not_spend_without_being_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    run = broken()
    monkeypatch.setattr(get_extractor("scripted"), "is_paid", True)
    with pytest.raises(CommandError, match=r"1 conversation need.*Add --yes") as refusal:
        command("salvage", str(run.pk))
    assert refusal.value.returncode == 2
    assert Run.objects.get().epoch == 1


# --- What it does -------------------------------------------------------------------------------------------------


def test_where_asking_costs_nothing_it_does_not_ask_for_leave(worker: Worker, capsys: Captured) -> None:
    run = broken()
    assert command("salvage", str(run.pk)) == 3
    assert "--yes" not in capsys.readouterr().out


def test_it_takes_up_what_failed_and_ends_as_the_run_does(worker: Worker, capsys: Captured) -> None:
    run = broken()
    assert command("salvage", str(run.pk), "--yes") == 3
    assert "continues at extract" in capsys.readouterr().out
    run.refresh_from_db()
    assert (run.state, item_counts(run).extracted) == ("completed_with_errors", 6)


def test_salvaging_twice_changes_nothing() -> None:
    run = broken(scripts(2, 3))
    salvage(run_id=run.pk)
    assert go_on(run).state == "completed"
    before = rows()
    with pytest.raises(NothingToDo, match="is completed; nothing is missing"):
        salvage(run_id=run.pk)
    for phase in ("group", "merge", "extract"):
        salvage(run_id=run.pk, choice=SalvageOptions(phase=phase))
        assert go_on(run).state == "completed"
        assert rows() == before


def fresh(run: Run) -> Run:
    return Run.objects.select_related("source").get(pk=run.pk)


def go_on(run: Run) -> Run:
    """Take a salvaged run to its end, in this process or, if a worker of other tests is there, beside it."""
    finish(fresh(run))
    until(lambda: not fresh(run).is_live)
    return fresh(run)


def test_a_mistake_in_parsing_is_mended_without_asking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = partition(finish(start(seed(scripts(3, 4), name="undisturbed"))))

    def mistaken(*_: object) -> None:
        raise TypeError("a bug of ours")

    run = start(seed(scripts(3, 4)))
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.extract.reading._drafts", mistaken)
        run = finish(run)
    assert run.state == "needs_attention"
    assert set(run.items.values_list("stage", "error_class")) == {("parse", "TypeError")}
    salvage(run_id=run.pk)
    ended = go_on(run)
    assert (ended.state, Call.objects.filter(item__run=run).count()) == ("completed", 12)
    assert sorted(partition(ended).values()) == sorted(expected.values())


def test_a_mistake_that_filtered_conversations_is_mended_from_their_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(seed(scripts(3, 4)))
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.extract.reading._drafts", lambda *_: ([], 0))
        run = finish(run)
    assert item_counts(run).filtered == 12
    with pytest.raises(NothingToDo, match="--phase extract"):
        salvage(run_id=run.pk)
    _, stock = salvage(run_id=run.pk, choice=SalvageOptions(phase="extract"))
    assert (stock.to_parse, stock.to_ask) == (12, 0)
    assert go_on(run).state == "completed"
    assert (Call.objects.count(), Story.objects.count()) == (12, 3)


# --- What is chosen -----------------------------------------------------------------------------------------------


def test_one_error_class_is_taken_up_and_the_others_stay() -> None:
    run = broken()
    _, stock = salvage(run_id=run.pk, choice=SalvageOptions(error_class="IntegrityError"))
    assert (stock.to_parse, stock.to_ask) == (6, 0)
    assert go_on(run).state == "completed_with_errors"
    assert failed_items(run).get().error_class == "RuntimeError"
    assert Call.objects.count() == 6


def test_one_item_is_taken_up_and_the_others_stay() -> None:
    run = broken()
    item = run.items.filter(error_class="IntegrityError").first()
    assert item is not None
    salvage(run_id=run.pk, choice=SalvageOptions(item=item.pk))
    go_on(run)
    assert (Theme.objects.get().item_id, failed_items(run).count()) == (item.pk, 6)


def test_only_failed_leaves_filtered_ones_alone() -> None:
    run = broken([*scripts(1, 3), "category=spam"])
    assert plan_salvage(run=run, choice=SalvageOptions(phase="extract")).to_parse == 4
    assert plan_salvage(run=run, choice=SalvageOptions(phase="extract", only_failed=True)).to_parse == 3


def foreign_item(run: Run) -> SalvageOptions:
    other = finish(start(seed(scripts(1, 3), name="other")))
    return SalvageOptions(item=other.items.values_list("pk", flat=True)[0])


@pytest.mark.parametrize(
    ("choose", "refusal"),
    [
        (
            lambda run: SalvageOptions(item=0x7FFFFFFF),
            r"there is no item 2147483647; the page of run \d+ in the admin lists",
        ),
        (foreign_item, r"item \d+ belongs to run \d+; the page of run \d+ in the admin"),
        (
            lambda run: SalvageOptions(error_class="Typo"),
            r"no failed conversation with the error class Typo; it has: Integrity",
        ),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_a_sentence(
    choose: Callable[[Run], SalvageOptions], refusal: str
) -> None:
    run = broken()
    with pytest.raises(RunError, match=refusal):
        salvage(run_id=run.pk, choice=choose(run))
    assert fresh(run).epoch == 1


def test_what_is_extracted_is_not_taken_up_again() -> None:
    run = first_run(ONE_RAISES)
    item = run.items.filter(state="extracted").first()
    assert item is not None
    with pytest.raises(RunError, match=f"item {item.pk} is extracted; only failed and filtered items"):
        salvage(run_id=run.pk, choice=SalvageOptions(item=item.pk))


def test_choices_of_conversations_do_not_go_with_another_phase() -> None:
    run = broken()
    with pytest.raises(CommandError, match="choose what to extract, so they cannot be used with --phase merge"):
        command("salvage", str(run.pk), "--phase", "merge", "--only-failed")


def test_it_refuses_a_live_run() -> None:
    run = start(seed(scripts(1, 3)))
    with pytest.raises(CommandError, match="is running; there is nothing to salvage yet"):
        command("salvage", str(run.pk))
    assert Run.objects.get().epoch == 1


# --- Stories later ------------------------------------------------------------------------------------------------


def test_a_run_stops_before_its_stories_and_makes_them_later(worker: Worker, capsys: Captured) -> None:
    run = first_run([*scripts(3, 4), "name=rare problem=60"], no_stories=True)
    assert (run.state, Story.objects.count(), Orphan.objects.count()) == ("completed", 0, 0)
    assert command("make_stories", str(run.pk)) == 0
    assert (Story.objects.count(), Orphan.objects.count(), Call.objects.count()) == (3, 1, 13)
    assert "3 new, 0 grown" in words_for_people(capsys.readouterr().out)
    with pytest.raises(CommandError, match="makes stories by itself"):
        command("make_stories", str(run.pk))


def test_stories_later_equal_stories_at_once() -> None:
    texts = [*scripts(3, 4), "name=rare problem=60"]
    first_run(texts)
    at_once = story_titles()
    later = finish(start(seed([]), force_refresh=True, no_stories=True))
    reopen(run_id=later.pk, phase="group", with_stories=True)
    assert finish(fresh(later)).state == "completed"
    assert story_titles() == at_once


def story_titles() -> list[tuple[str, int]]:
    return [(story.title, story.evidence.count()) for story in Story.objects.order_by("title")]


def test_a_run_that_did_not_finish_makes_no_stories_yet() -> None:
    run = start(seed(scripts(1, 3)), no_stories=True)
    read(run)
    lose(run_id=run.pk, why="a test")
    with pytest.raises(CommandError, match=f"is lost; finish it first with ./manage.py salvage {run.pk}"):
        command("make_stories", str(run.pk))
