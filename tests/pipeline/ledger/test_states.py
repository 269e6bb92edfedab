"""A run's life without a worker: starting, advancing, ending, reopening. Two lives and two hands never mix."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from django.utils import timezone
from pytest_django import Settings

from pipeline.advance import advance
from pipeline.extract.chunk import read_chunk
from pipeline.group import settle as group
from pipeline.group.conservation import homes_of_themes
from pipeline.ledger.counts import item_counts
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import lose, request_stop
from pipeline.merge import apply
from pipeline.merge.rules.records import Assignment
from pipeline.merge.rules.versions import NEWEST
from pipeline.models import Call, Item, Orphan, Registry, Run, Signature, Source, Story, Theme
from pipeline.runs.create import Selection, create_run
from pipeline.runs.preview import preview
from pipeline.runs.reopen import reopen
from pipeline.runs.salvage import SalvageOptions
from tests.fakes.scripted import ScriptedExtractor
from tests.support.scenes import made_once
from tests.support.seeding import change, finish, first_run, read, salvage, scripts, seed, start
from tests.support.waiting import refused, until

pytestmark = pytest.mark.django_db(transaction=True)

During = Callable[[Callable[[], object]], list[int]]


@pytest.fixture
def during_merge(monkeypatch: pytest.MonkeyPatch) -> During:
    """A way to let something happen while the first merge computes; returns a list that grows with each computation."""
    assign = NEWEST.assign

    def let(happen: Callable[[], object]) -> list[int]:
        computed: list[int] = []

        def computing(*words: Any, **options: Any) -> Assignment:
            computed.append(1)
            if len(computed) == 1:
                happen()
            return assign(*words, **options)

        monkeypatch.setattr(apply, "NEWEST", replace(NEWEST, assign=computing))
        return computed

    return let


@made_once
def read_run(problems: int = 2, each: int = 3) -> Run:
    """Return a run whose conversations are all read, and nothing merged."""
    run = start(seed(scripts(problems, each)))
    read(run)
    return run


def fresh(run: Run) -> Run:
    """Return the run as it is stored now."""
    return Run.objects.select_related("source").get(pk=run.pk)


def cause(error: Exception) -> Callable[[], None]:
    """Return something that raises the error."""

    def happen() -> None:
        raise error

    return happen


# --- Starting -----------------------------------------------------------------------------------------------------


def test_vectors_of_another_model_are_refused_before_any_row_is_written() -> None:
    first_run(scripts(2, 3))
    other = seed(scripts(2, 3), name="other")
    with pytest.raises(RunError, match="vectors from the model scripted, but this extractor uses null"):
        start(other, extractor="null")
    assert (Run.objects.count(), Item.objects.count(), Call.objects.count()) == (1, 6, 6)


def test_an_extractor_of_the_same_model_may_go_on_with_the_signatures() -> None:
    first_run(scripts(2, 3))
    assert finish(start(seed(scripts(2, 3), name="other"), extractor="odd")).state == "completed"
    assert {story.evidence.count() for story in Story.objects.all()} == {6}


@pytest.mark.parametrize(("profile", "extractor"), [("nonsense", "scripted"), ("support", "nonsense")])
def test_an_unknown_profile_or_extractor_is_refused_before_any_row_is_written(profile: str, extractor: str) -> None:
    source = seed(scripts(1, 3))
    with pytest.raises(
        Exception, match=r"there is no (profile|extractor) 'nonsense'. (Profiles|Extractors): "
    ) as refusal:
        create_run(source=source, profile=profile, extractor=extractor, selection=Selection())
    assert type(refusal.value).__name__ in ("UnknownProfile", "UnknownExtractor")
    assert not Run.objects.exists()


def test_a_run_that_cannot_be_planned_fails_with_the_error_and_blocks_nobody() -> None:
    source = seed(scripts(1, 3))
    with refused("pipeline_item", unless="chunk < 0"), pytest.raises(IntegrityError):
        start(source)
    failed = Run.objects.get()
    assert (failed.state, failed.phase) == ("failed", "plan")
    assert failed.error.startswith("IntegrityError: ")
    assert finish(start(source)).state == "completed"


# --- Advancing ----------------------------------------------------------------------------------------------------


def test_it_waits_for_the_last_item() -> None:
    run = start(seed(scripts(2, 3)))
    assert (advance(run_id=run.pk).phase, advance(run_id=run.pk).state) == ("extract", "running")


def test_it_merges_again_at_once_when_the_registry_changed_meanwhile(during_merge: During) -> None:
    run = read_run()
    computed = during_merge(lambda: Registry.objects.update(version=99))
    assert advance(run_id=run.pk).state == "completed"
    assert len(computed) == 2
    assert Signature.objects.count() == 2


def test_a_stop_during_the_merge_is_honoured_and_nothing_is_written(during_merge: During) -> None:
    run = read_run()
    during_merge(lambda: request_stop(run_id=run.pk))
    stopped = advance(run_id=run.pk)
    assert (stopped.state, stopped.phase, stopped.advance_claimed_at) == ("stopped", "merge", None)
    assert not Signature.objects.exists()
    assert finish(reopen(run_id=run.pk)).state == "completed"


def test_a_stop_while_grouping_is_honoured_between_two_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    run, settle = read_run(problems=4), group.settle
    monkeypatch.setattr(group, "BATCH", 1)

    def settle_and_stop(**asked: Any) -> None:
        settle(**asked)
        request_stop(run_id=run.pk)

    with monkeypatch.context() as patch:
        patch.setattr(group, "settle", settle_and_stop)
        stopped = advance(run_id=run.pk)
    assert (stopped.state, stopped.phase, stopped.advance_claimed_at) == ("stopped", "group", None)
    assert Story.objects.count() == 1
    assert finish(reopen(run_id=run.pk)).state == "completed"
    assert Story.objects.count() == 4


def test_a_step_that_raises_fails_the_run_and_keeps_what_was_read(during_merge: During) -> None:
    run = read_run()
    during_merge(cause(ValueError("it is \0 odd")))
    failed = advance(run_id=run.pk)
    assert (failed.state, failed.phase, failed.error) == ("failed", "merge", "ValueError: it is  odd")
    assert finish(reopen(run_id=run.pk)).state == "completed"
    assert Call.objects.count() == 6


def test_trouble_of_an_earlier_life_does_not_fail_a_later_one(during_merge: During) -> None:
    run = read_run()

    def begin_a_new_life_and_raise() -> None:
        assert lose(run_id=run.pk, why="a test")
        reopen(run_id=run.pk)
        raise ValueError("trouble of the earlier life")

    during_merge(begin_a_new_life_and_raise)
    advance(run_id=run.pk)
    run = fresh(run)
    assert (run.state, run.epoch, run.error) == ("completed", 2, "")


def test_an_error_of_the_infrastructure_rises_and_leaves_the_phase_free(during_merge: During) -> None:
    run = read_run()
    during_merge(cause(OperationalError("the server is restarting")))
    with pytest.raises(OperationalError):
        advance(run_id=run.pk)
    run = fresh(run)
    assert (run.state, run.phase, run.advance_claimed_at) == ("running", "merge", None)
    assert advance(run_id=run.pk).state == "completed"


def test_a_long_merge_gives_signs_of_life_and_nobody_else_computes_it(during_merge: During, settings: Settings) -> None:
    settings.CLAIM_TIMEOUT = 0.3
    run = read_run()

    def last_until_the_claim_would_be_stale() -> None:
        twice_the_timeout = timezone.now() + timedelta(seconds=0.6)
        renewed = Run.objects.filter(pk=run.pk, advance_claimed_at__gt=twice_the_timeout)
        until(lambda: renewed.filter(heartbeat_at__gt=twice_the_timeout).exists())
        assert advance(run_id=run.pk).phase == "merge"

    computed = during_merge(last_until_the_claim_would_be_stale)
    assert advance(run_id=run.pk).state == "completed"
    assert len(computed) == 1


def test_a_phase_is_left_to_who_has_it_and_taken_over_when_that_one_is_silent() -> None:
    run = read_run()
    Run.objects.filter(pk=run.pk).update(phase="merge", advance_claimed_at=timezone.now())
    assert advance(run_id=run.pk).phase == "merge"
    Run.objects.filter(pk=run.pk).update(advance_claimed_at=timezone.now() - timedelta(days=1))
    assert advance(run_id=run.pk).state == "completed"


# --- Ending -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "state", "attention"),
    [
        ([], "completed", ""),
        (scripts(2, 3), "completed", ""),
        ([*scripts(2, 3), "category=spam"], "completed", ""),
        ([*scripts(2, 3), "act=raise"], "completed_with_errors", "1 of 7 conversations failed"),
        (["category=spam"] * 3, "needs_attention", "none of 3 conversations produced a theme: 3 filtered: spam"),
        (
            ["act=raise"],
            "needs_attention",
            "none of 1 conversation produced a theme: 1 failed: could not read: RuntimeError",
        ),
        (scripts(1, 19), "completed", ""),
        (scripts(1, 20), "needs_attention", "all 20 conversations with a theme have the same signature"),
        (
            [*scripts(1, 20), "category=spam"],
            "needs_attention",
            "all 20 conversations with a theme have the same signature",
        ),
        (
            [*scripts(1, 20), "act=raise"],
            "needs_attention",
            "all 20 conversations with a theme have the same signature",
        ),
    ],
)
def test_a_run_ends_in_a_state_that_says_whether_somebody_should_look(
    texts: list[str], state: str, attention: str
) -> None:
    run = finish(start(seed(texts)))
    assert (run.state, run.attention, run.error) == (state, attention, "")


@pytest.mark.parametrize(
    ("script", "others_days_ago", "in_days"),
    [
        ("category=spam", 1, 25_000),
        ("name=rare_thing problem=70", 1, 25_000),
        ("category=spam", 60, 0),  # what gave no theme is no measure of how old the themes are
    ],
)
def test_a_conversation_dated_in_the_future_or_without_a_theme_does_not_age_the_others(
    script: str, others_days_ago: int, in_days: int
) -> None:
    source = seed([*scripts(3, 4), script])
    now = timezone.now()
    source.conversations.update(occurred_at=now - timedelta(days=others_days_ago))
    source.conversations.filter(external_id="test-12").update(occurred_at=now + timedelta(days=in_days))
    run = finish(start(source))
    assert run.as_of is not None
    assert run.as_of <= timezone.now()
    assert Story.objects.count() == 3


def test_recency_counts_from_until_where_it_was_asked_for() -> None:
    source = seed(scripts(1, 3))
    until_day = timezone.now() + timedelta(days=3650)
    run = finish(start(source, until=until_day))
    assert run.as_of == until_day
    assert Orphan.objects.get().reason == "not_recent"


def test_themes_without_a_home_need_attention_and_the_way_to_mend_it_works() -> None:
    source = seed(scripts(3, 3))
    run = start(source)
    with refused("pipeline_story", unless="title <> 'Problem 001 fails'"):
        run = finish(run)
    assert run.state == "needs_attention"
    assert run.attention == f"3 themes are in no story and no orphan; `./manage.py salvage {run.pk}` tries again"
    assert Story.objects.count() == 2
    mended = finish(reopen(run_id=run.pk, phase="group"))
    assert (mended.state, mended.attention, mended.error) == ("completed", "", "")
    assert Story.objects.count() == 3


def test_a_run_without_stories_misses_only_themes_without_a_signature() -> None:
    run = first_run(scripts(2, 3), no_stories=True)
    assert run.state == "completed"
    assert homes_of_themes(run).missed == 0
    Theme.objects.filter(pk=run.themes.values("pk")[:1]).update(signature=None)
    assert homes_of_themes(run).missed == 1


def test_a_theme_without_a_signature_has_no_home() -> None:
    run = first_run(scripts(2, 3))
    assert homes_of_themes(run).missed == 0
    Theme.objects.filter(pk=run.themes.values("pk")[:1]).update(signature=None)
    assert homes_of_themes(run).missed == 1


def test_an_orphan_that_graduated_is_no_home_for_a_conversation_its_story_lacks() -> None:
    first_run(scripts(1, 2))
    run = finish(start(seed(scripts(1, 2))))
    assert Orphan.objects.get().graduated_at is not None
    assert homes_of_themes(run).missed == 0
    Story.objects.get().evidence.filter(theme=run.themes.all()[0]).delete()
    assert homes_of_themes(run).missed == 1


# --- Reopening ----------------------------------------------------------------------------------------------------


def live(source: Source) -> int:
    return start(source).pk


def completed(source: Source) -> int:
    return finish(start(source)).pk


def previewed(source: Source) -> int:
    return preview(source=source, profile="support", extractor="scripted", selection=Selection()).pk


def unplanned(source: Source) -> int:
    with refused("pipeline_item", unless="chunk < 0"), pytest.raises(IntegrityError):
        start(source)
    return Run.objects.get().pk


def superseded(source: Source) -> int:
    lost = start(source)
    lose(run_id=lost.pk, why="a test")
    start(source)
    return lost.pk


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        (lambda source: 0, "there is no run 0; `./manage.py run_status` lists the newest"),
        (live, "is running; there is nothing to salvage yet"),
        (completed, "is completed; there is nothing left to do"),
        (previewed, "is a dry run, so it read nothing"),
        (unplanned, "failed while it was being planned: IntegrityError"),
        (superseded, "file:test already has a live run"),
    ],
)
def test_it_refuses_to_reopen_what_cannot_go_on(make: Callable[[Source], int], refusal: str) -> None:
    run_id = make(seed(scripts(1, 3)))
    before = list(Run.objects.values_list("id", "state", "phase", "epoch"))
    with pytest.raises(RunError, match=refusal):
        reopen(run_id=run_id)
    assert list(Run.objects.values_list("id", "state", "phase", "epoch")) == before


@pytest.mark.parametrize("phase", ["extract", "merge", "group"])
def test_a_run_that_was_never_planned_cannot_be_salvaged_at_any_phase(phase: str) -> None:
    run_id = unplanned(seed(scripts(1, 3)))
    with pytest.raises(RunError, match="failed while it was being planned"):
        salvage(run_id=run_id, choice=SalvageOptions(phase=phase))
    assert Run.objects.get().state == "failed"


@pytest.mark.parametrize("part", ["version", "model"])
def test_it_refuses_to_go_on_with_another_reader_than_it_began_with(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    run = start(seed(scripts(2, 3)))
    lose(run_id=run.pk, why="a test")
    monkeypatch.setattr(ScriptedExtractor, part, "scripted-2")
    with pytest.raises(RunError, match=rf"run {run.pk} was read with .*, but this installation reads with .*-2"):
        reopen(run_id=run.pk)
    assert fresh(run).state == "lost"


def test_who_loses_a_race_to_reopen_frees_no_claim_of_the_new_life(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(seed(scripts(2, 3)))
    lose(run_id=run.pk, why="a test")
    as_both_saw_it = fresh(run)
    reopen(run_id=run.pk)
    run.items.update(state=Item.State.READING, claim="worker:1", claimed_at=timezone.now())
    monkeypatch.setattr("pipeline.runs.reopen.reopenable", lambda **_: as_both_saw_it)
    with pytest.raises(RunError, match="was changed by someone else a moment ago"):
        reopen(run_id=run.pk, again=Item.objects.filter(state=Item.State.FAILED))
    assert set(run.items.values_list("state", "claim")) == {("reading", "worker:1")}
    assert fresh(run).epoch == 2


def test_a_stopped_run_asks_only_about_the_rest_when_it_goes_on() -> None:
    run = start(seed(scripts(2, 6)), chunk_size=4)
    read_first_chunk(run)
    assert request_stop(run_id=run.pk)
    read(run)
    stopped = advance(run_id=run.pk)
    assert (stopped.state, item_counts(run).extracted) == ("stopped", 4)
    assert finish(reopen(run_id=run.pk)).state == "completed"
    assert list(Call.objects.values_list("attempt", flat=True)) == [1] * 12


def read_first_chunk(run: Run) -> None:
    read_chunk(run_id=run.pk, epoch=run.epoch, chunk=0, delivery="first")


def test_failed_items_are_pending_again_in_the_same_moment_in_which_the_run_lives_again() -> None:
    """Else a late message of the first life could end the second before they are."""
    run = first_run([*scripts(2, 3), "act=raise"])
    assert run.state == "completed_with_errors"
    run = reopen(run_id=run.pk, phase="extract", again=Item.objects.filter(state=Item.State.FAILED))
    assert advance(run_id=run.pk).state == "running"
    assert run.items.get(state="pending").delivery_count == 0
    assert finish(run).state == "completed_with_errors"


def test_an_older_run_that_goes_on_after_a_newer_reading_is_not_missing_anything() -> None:
    source = seed(scripts(3, 3))
    older = start(source)
    read(older)
    request_stop(run_id=older.pk)
    advance(run_id=older.pk)
    change(source, [f"again {n} name=other_{n % 3}_thing problem={n % 3 + 40}" for n in range(9)])
    assert finish(start(source)).state == "completed"
    resumed = finish(reopen(run_id=older.pk))
    assert (resumed.state, resumed.attention) == ("completed", "")
    assert sorted(Story.objects.values_list("title", flat=True)) == [f"Other {n} thing" for n in range(3)]
