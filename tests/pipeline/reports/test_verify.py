"""A run is proved from its rows: honest runs hold, and whatever is broken on purpose is found and named."""

import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from rich.console import Console

from pipeline import review
from pipeline.ledger.errors import RunError
from pipeline.ledger.states import lose
from pipeline.management.commands import demo
from pipeline.merge.counting import recount
from pipeline.merge.rules.versions import NEWEST
from pipeline.models import (
    Call,
    Evidence,
    Item,
    Merge,
    MergePass,
    Orphan,
    Registry,
    Run,
    Signature,
    Story,
    StoryEvidence,
    Theme,
)
from pipeline.reports.verify import Verification, verify
from pipeline.runs.create import Selection
from pipeline.runs.preview import preview
from pipeline.runs.reopen import reopen
from tests.fakes.scripted import ScriptedExtractor
from tests.support.factories import alice
from tests.support.scenes import made_once
from tests.support.seeding import change, finish, first_run, read, scripts, seed, start, twins
from tests.support.waiting import refused

pytestmark = pytest.mark.django_db(transaction=True)


def renamed(name: str, problem: int, count: int) -> list[str]:
    """Return scripts that give a problem another name than `scripts` does."""
    return [f"{name} {number} name={name} problem={problem}" for number in range(count)]


@made_once
def a_run() -> Run:
    """Return a completed run with stories, an orphan, a filtered conversation and a merge of two names."""
    texts = [
        *scripts(4, 5),
        *renamed("calendar_is_stale", 1, 4),
        *scripts(1, 2, problem=40, name="rare"),
        "category=spam",
    ]
    return finish(start(seed(texts), chunk_size=50))


def not_checked(found: Verification) -> dict[str, str]:
    return {check.name: check.not_checked for check in found.checks if check.not_checked}


# --- What holds ---------------------------------------------------------------------------------------------------


def test_a_run_holds() -> None:
    found = verify(run_id=a_run().pk)
    assert (found.faults, not_checked(found)) == ((), {})
    said = {check.name: check.said for check in found.checks}
    assert said["conservation"] == (
        "27 conversations = 26 extracted + 1 filtered + 0 failed + 0 skipped; 26 themes = 24 in stories + 2 in orphans"
    )
    again = "26 themes (all themes were regrouped), grouped in 3 shuffled orders: same groups each time"
    assert said["partition"] == again
    assert said["evidence"].startswith("26 quotes")
    assert Merge.objects.exists()


@pytest.mark.parametrize("texts", [[], ["category=spam"] * 2, [*scripts(2, 3), "act=raise", "act=malformed"]])
def test_it_holds_whatever_came_of_the_conversations(texts: list[str]) -> None:
    found = verify(run_id=finish(start(seed(texts))).pk)
    assert (found.faults, not_checked(found)) == ((), {})


def test_the_newest_pass_is_made_again_on_the_registry_it_read() -> None:
    for texts, name, no_stories in (
        (twins(12, 15), "first", False),
        ([*renamed("sync_is_late", 3, 5), *scripts(20, 4)], "second", False),
        (renamed("one_more_name", 17, 6), "other", False),
        (scripts(3, 3), "third", True),
    ):
        found = verify(run_id=finish(start(seed(texts, name=name), no_stories=no_stories)).pk)
        assert (found.faults, not_checked(found)) == ((), {})
    assert set(MergePass.objects.values_list("kind", flat=True)) == {"join", "consolidation"}


def test_a_run_that_was_merged_in_two_passes_is_verified_in_both() -> None:
    source = seed([*scripts(3, 5), *renamed("calendar_is_stale", 1, 4)])
    with refused("pipeline_theme", unless="raw_signature <> 'calendar_is_stale'"):
        run = finish(start(source))
    assert run.state == "completed_with_errors"
    failed = run.items.filter(state=Item.State.FAILED)
    run = finish(reopen(run_id=run.pk, phase="extract", again=failed))
    assert run.state == "completed"
    found = verify(run_id=run.pk)
    assert (found.faults, not_checked(found)) == ((), {})
    assert run.passes.count() == 2


def test_what_later_runs_read_and_merge_does_not_matter_to_an_earlier_run() -> None:
    run = first_run(scripts(4, 5))
    source = run.source
    change(source, [f"{text} reopened" if number < 3 else None for number, text in enumerate(scripts(4, 5))])
    seed(renamed("calendar_is_stale", 1, 4))
    finish(start(source))
    found = verify(run_id=run.pk)
    assert (found.faults, not_checked(found)) == ((), {})
    assert "3 replaced by a newer reading" in found.checks[0].said


# --- What cannot be derived any more ------------------------------------------------------------------------------


def test_it_says_when_the_rules_are_no_longer_those_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run()
    monkeypatch.setattr("pipeline.reports.last_pass.NEWEST", replace(NEWEST, version="names-2 assign-9 groups-9"))
    found = verify(run_id=run.pk)
    assert found.holds
    assert "the rules are now names-2 assign-9 groups-9" in not_checked(found)["partition"]


def test_it_says_when_the_reader_is_no_longer_that_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run()
    monkeypatch.setattr(ScriptedExtractor, "version", "scripted-2")
    found = verify(run_id=run.pk)
    assert found.holds
    assert "extractor scripted-1 is now scripted-2" in not_checked(found)["answers"]


def rename_one() -> None:
    signature = Signature.objects.filter(size__gt=0).earliest("pk")
    review.rename_signature(signature=signature, name="another_name", by=alice())


def test_it_says_when_people_decided_since_the_newest_pass() -> None:
    run = a_run()
    rename_one()
    found = verify(run_id=run.pk)
    assert found.holds
    assert "people made 1 decision since pass" in not_checked(found)["partition"]


def test_after_a_run_was_deleted_it_says_that_themes_are_gone_and_blames_nobody() -> None:
    source = seed(scripts(2, 3))
    earliest, deleted, latest = (finish(start(source, force_refresh=True)) for _ in range(3))
    deleted.delete()
    found = verify(run_id=latest.pk)
    assert found.faults == ()
    assert set(not_checked(found)) == {"registry"}
    assert "6 themes are gone" in not_checked(found)["registry"]
    assert verify(run_id=earliest.pk).holds


# --- What may be wrong and is no fault ----------------------------------------------------------------------------


def test_a_loose_story_is_named_and_no_fault() -> None:
    run = first_run(scripts(6, 5))
    assert verify(run_id=run.pk).warnings == ()
    story = Story.objects.earliest("id")
    for axis, theme in enumerate(Theme.objects.filter(pk__in=story.evidence.values("theme")).order_by("id")):
        theme.vector = np.eye(64, dtype=np.float32)[axis].tobytes()  # all at right angles
        theme.save(update_fields=["vector"])
    recount([story.signature_id])
    [warning] = [one for one in verify(run_id=run.pk).warnings if one.startswith("cohesion")]
    assert warning.startswith(
        f"cohesion: story {story.pk} ({story.title}): two of its conversations have a similarity of 0.00"
    )


LOCKERS = ("The locker code is refused at the door.", "My locker code is refused.", "Locker code refused again.")
BUSES = ("The school bus is late every day.", "The school bus comes late.", "Why is the school bus late again?")
SOUPS = ("The soup in the canteen is cold.", "Cold soup in the canteen again.", "The canteen soup was cold today.")


def test_a_title_that_is_about_another_story_is_named() -> None:
    run = first_run([*LOCKERS, *BUSES, *SOUPS], "local")
    assert verify(run_id=run.pk).warnings == ()
    story = Story.objects.get(title__icontains="soup")
    Story.objects.filter(pk=story.pk).update(title="The school bus never comes on time", edited_at=timezone.now())
    found = verify(run_id=run.pk)
    assert found.holds
    [warning] = found.warnings
    assert warning.startswith(f"titles: story {story.pk} (The school bus never comes on time): its title is closer to")
    out = StringIO()
    with redirect_stdout(out):
        call_command("verify_run", str(run.pk))
    assert "1 warning: see the lines that start with an exclamation mark." in " ".join(out.getvalue().split())


def test_a_title_that_was_chosen_for_others_is_named() -> None:
    run = first_run([*LOCKERS, *BUSES, *SOUPS], "local")
    story = Story.objects.get(title__icontains="soup")
    story.evidence.update(in_title=False)
    [warning] = verify(run_id=run.pk).warnings
    assert "its title was chosen for other conversations than most of those it has now" in warning


# --- What is broken on purpose ------------------------------------------------------------------------------------


def swap_signatures(run: Run) -> None:
    first, second = (
        run.themes.get(item__conversation__external_id="test-0"),
        run.themes.get(item__conversation__external_id="test-1"),
    )
    Theme.objects.filter(pk=first.pk).update(signature=second.signature_id)
    Theme.objects.filter(pk=second.pk).update(signature=first.signature_id)


def forget_the_merge(run: Run) -> None:
    run.merges.all().delete()


def invent_a_merge(run: Run) -> None:
    keys = {key: Signature.objects.get(key=key) for key in ("problem_000_fails", "problem_002_fails")}
    edge = {"child": keys["problem_000_fails"], "parent": keys["problem_002_fails"]}
    version = Registry.objects.get().version
    Merge.objects.create(
        **edge, rule="meaning", rule_version=NEWEST.version, score=0.9, reason="because", run=run,
        registry_version=version, created_at=timezone.now(),
    )  # fmt: skip


def drop(table: str, name: str) -> Callable[[Run], None]:
    def dropped(run: Run) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
            cursor.execute(f"DROP INDEX IF EXISTS {name}")

    return dropped


def invert_a_vector(run: Run) -> None:
    """Leave the length as it is, and the direction not."""
    signature = Signature.objects.filter(vector_sum__isnull=False).earliest("id")
    Signature.objects.filter(pk=signature.pk).update(vector_sum=bytes(signature.vector_sum or b"")[::-1])


def first(run: Run, **columns: object) -> None:
    """Change columns of the run's first theme."""
    Theme.objects.filter(pk=run.themes.earliest("id").pk).update(**columns)


def spoil_the_answer(run: Run) -> None:
    call = Call.objects.filter(item__run=run, item__state=Item.State.EXTRACTED).earliest("id")
    Call.objects.filter(pk=call.pk).update(answer=call.answer.replace("product_issue", "how_to_question"))


def quote(**columns: object) -> Callable[[Run], object]:
    """Return what changes columns of the first quote."""
    return lambda run: Evidence.objects.filter(pk=Evidence.objects.earliest("id").pk).update(**columns)


def another_version(run: Run) -> None:
    evidence = Evidence.objects.earliest("id")
    other = Evidence.objects.exclude(version=evidence.version).earliest("id")
    Evidence.objects.filter(pk=evidence.pk).update(version=other.version_id)


BREAKAGES: list[tuple[Callable[[Run], object], str]] = [
    (swap_signatures, r"registry: signature problem000fail: its vector is not the sum of its 5 themes"),
    (forget_the_merge, r"registry: signature \w+ should count 0 themes, but counts 4"),
    (invent_a_merge, r"registry: signature problem002fail should count 5 themes, but counts 10"),
    (invert_a_vector, r"registry: signature \w+: its vector is not the sum"),
    (lambda run: first(run, signature_rule="meaning"), r"partition: .* theme \d+ has the rule and score meaning"),
    (lambda run: first(run, signature_score=0.1), r"partition: .* theme \d+ has the rule and score own_name 0\.1"),
    (lambda run: first(run, registry_version=None), r"partition: theme \d+ has a signature that no pass recorded"),
    (lambda run: first(run, signature=None), r"conservation: 1 of 26 themes have no signature"),
    (lambda run: first(run, raw_signature="other_name"), r"answers: theme \d+: raw signature is 'other_name', but its"),
    (lambda run: first(run, raw_signature="other_name"), r"raw names: theme \d+: raw signature 'other_name' has the"),
    (lambda run: first(run, raw_key="otherkey"), r"answers: theme \d+ \(otherkey\) is not in its answer"),
    (lambda run: first(run, summary="Otherwise."),
        r"answers: theme \d+: summary is 'Otherwise\.', but its answer gives"),  
    (lambda run: first(run, confidence=0.2), r"answers: theme \d+: confidence is 0\.2, but its answer gives 0\.9"),
    (lambda run: first(run, vector=b"\0" * 256), r"vectors: theme \d+: its vector has the length 0, not 1"),
    (lambda run: first(run, vector=b"\0" * 255), r"vectors: theme \d+: its vector has the length 0, not 1"),
    (lambda run: first(run, vector=run.themes.latest("id").vector), r"answers: theme \d+: its vector is not"),
    (lambda run: first(run, vector=b"\0" * 255),
        r"registry: vectors of support have 255 and 256 bytes, so they cannot"),  
    (lambda run: first(run, vector_model="another"), r"vectors: vectors of different models or sizes: another, script"),
    (spoil_the_answer, r"answers: theme \d+: category is 'product_issue', but its answer gives 'how_to_question'"),
    (lambda run: Call.objects.earliest("id").delete(), r"answers: item \d+ has no answer"),
    (lambda run: run.items.earliest("id").delete(),
        r"conservation: 27 conversations were planned, but there are items"),  
    (lambda run: run.themes.earliest("id").delete(), r"conservation: item \d+ is extracted but has no theme"),
    (lambda run: run.themes.earliest("id").delete(), r"answers: item \d+: its answer has the theme problem000fail"),
    (quote(start=3), r"evidence: evidence \d+ of theme \d+: its quote is not at 3 to"),
    (quote(end=9999), r"evidence: evidence \d+ of theme \d+: its quote is not at 0 to 9999"),
    (quote(quote="nr 9"), r"evidence: evidence \d+ of theme \d+: its quote is not at"),
    (quote(quote="nr 9"), r"answers: theme \d+: its quotes \[\('nr 9', 0, \d+\)\] are not those in its answer"),
    (another_version, r"evidence: evidence \d+ of theme \d+: belongs to another version than the one that was read"),
    (lambda run: Orphan.objects.all().delete(), r"conservation: 2 of 26 themes are in no story and no orphan"),
    (lambda run: StoryEvidence.objects.earliest("id").delete(), r"conservation: 1 of 26 themes are in no story and no"),
    (
        lambda run: run.items.filter(state="extracted").update(state="filtered", reason="spam"),
        r"conservation: item \d+ has themes but is not extracted",
    ),
    (
        lambda run: run.items.filter(state="filtered").update(state="extracted"),
        r"answers: item \d+ is extracted, but its answer gives filtered",
    ),
    (
        lambda run: run.items.filter(state="filtered").update(state="pending", finished_at=None),
        r"conservation: 1 of 27 conversations are unfinished; the run ended as completed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "fault"), BREAKAGES)
def test_what_was_broken_is_found_and_named(spoil: Callable[[Run], object], fault: str) -> None:
    run = a_run()
    spoil(run)
    found = verify(run_id=run.pk)
    assert not found.holds
    assert [line for line in found.faults if re.search(f"^{fault}", line)], found.faults


def test_a_conversation_in_two_stories_is_found() -> None:
    run = a_run()
    one = StoryEvidence.objects.earliest("id")
    story = one.story
    twin = Story.objects.create(
        signature=story.signature, title="Twin", category="product_issue", created_at=timezone.now(),
        updated_at=timezone.now(), status="done",
    )  # fmt: skip
    StoryEvidence.objects.create(story=twin, conversation=one.conversation, theme=one.theme, run=run)
    assert "conservation: 1 of 26 themes are in more than one story" in verify(run_id=run.pk).faults


def test_a_promise_that_was_dropped_is_named() -> None:
    run = a_run()
    constraint = next(c for c in Theme._meta.constraints if c.name.startswith("one_theme_per_run"))
    with connection.schema_editor() as editor:
        editor.remove_constraint(Theme, constraint)
    try:
        found = verify(run_id=run.pk)
    finally:
        with connection.schema_editor() as editor:
            editor.add_constraint(Theme, constraint)
    assert len(found.faults) == 1
    assert found.faults[0].startswith(
        "promises: one_theme_per_run_conversation_profile_raw_key of the table pipeline_theme"
    )
    assert verify(run_id=run.pk).holds


def test_it_names_a_few_rows_and_counts_the_others() -> None:
    run = a_run()
    Evidence.objects.update(start=1)
    lines = [line for line in verify(run_id=run.pk).faults if line.startswith("evidence: ")]
    assert len(lines) == 6
    assert lines[-1] == "evidence: ... and 21 more like these"


# --- Which runs ---------------------------------------------------------------------------------------------------


def test_it_refuses_runs_that_it_cannot_prove() -> None:
    source = seed(scripts(1, 3))
    dry = preview(source=source, profile="support", extractor="scripted", selection=Selection())
    with pytest.raises(RunError, match=f"run {dry.pk} is a dry run, so it read nothing"):
        verify(run_id=dry.pk)
    live = start(source)
    with pytest.raises(RunError, match=f"run {live.pk} is running; verify it after it has ended"):
        verify(run_id=live.pk)
    for number in (0, -1, 4711):
        with pytest.raises(RunError, match=f"there is no run {number}"):
            verify(run_id=number)


def test_a_run_that_ended_early_is_looked_at_and_what_is_missing_is_named() -> None:
    run = start(seed(scripts(2, 3)))
    read(run)
    lose(run_id=run.pk, why="a test")
    assert verify(run_id=run.pk).faults == ("conservation: 6 of 6 themes have no signature",)


def test_it_changes_nothing_and_reads_one_moment_while_another_run_merges() -> None:
    earlier = a_run()
    versions = list(Registry.objects.values_list())
    finish(start(seed(scripts(9, 4), name="other")))
    before = list(Signature.objects.order_by("id").values_list())
    assert verify(run_id=earlier.pk).holds
    assert list(Signature.objects.order_by("id").values_list()) == before
    assert list(Registry.objects.values_list()) != versions


# --- The command --------------------------------------------------------------------------------------------------


def command(*words: object) -> tuple[int, str]:
    """Return exit status and output of `verify_run`."""
    out = StringIO()
    try:
        call_command("verify_run", *map(str, words), stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_in_json_what_holds_and_what_does_not() -> None:
    run = a_run()
    code, out = command(run.pk, "--json")
    assert (code, json.loads(out)["holds"]) == (0, True)
    Orphan.objects.all().delete()
    code, out = command(run.pk, "--json")
    found = json.loads(out)
    assert (code, found["run"], found["holds"]) == (1, run.pk, False)
    broken = [check for check in found["checks"] if not check["holds"]]
    assert [(check["name"], check["faults"]) for check in broken] == [
        ("conservation", ["2 of 26 themes are in no story and no orphan"])
    ]


def test_the_command_prints_each_check_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run()
    assert command(run.pk)[0] == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert out.endswith("All checks passed.\n")
    Orphan.objects.all().delete()
    assert command(run.pk)[0] == 1
    assert "- 2 of 26 themes are in no story and no orphan" in " ".join(capsys.readouterr().out.split())


def test_the_command_says_in_a_sentence_why_it_does_not_look() -> None:
    with pytest.raises(CommandError, match=r"there is no run 0; `./manage.py run_status` lists the newest"):
        call_command("verify_run", "0")


def test_the_demo_says_in_a_line_whether_its_run_can_be_proved(capsys: pytest.CaptureFixture[str]) -> None:
    run, console = a_run(), Console(width=200)
    assert demo.prove(run, console)
    names = "conservation, answers, raw names, evidence, vectors, partition, cohesion, titles, registry, promises"
    assert capsys.readouterr().out == f"Verified: {names}. More: ./manage.py verify_run {run.pk}\n"
    Orphan.objects.all().delete()
    assert not demo.prove(run, console)
    assert "Check failed: conservation: 2 of 26 themes are in no story" in capsys.readouterr().out


def test_the_demo_shows_what_is_there_where_nothing_new_came_in(capsys: pytest.CaptureFixture[str]) -> None:
    run, console = a_run(), Console(width=80)
    assert demo.show(run, console) == run
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    again = finish(start(run.source))
    assert demo.show(again, console) == run
    assert capsys.readouterr().out == f"Nothing new was imported. This is what run {run.pk} found:\n{told}"
    seed(["later name=problem_001_fails problem=1"], name=run.source.name)
    more = finish(start(run.source))
    assert demo.show(more, console) == more
    assert "Nothing new" not in capsys.readouterr().out
