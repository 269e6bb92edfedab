"""merge_whatif, regroup and compare_runs as people and scripts use them."""

import json

import pytest
from django.core.management import CommandError, call_command

from pipeline.merge.rules.versions import NEWEST, Rules
from pipeline.models import MergePass, Orphan, Registry, Run, Story
from tests.support.seeding import finish, first_run, scripts, seed, start

pytestmark = pytest.mark.django_db

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def run() -> Run:
    """Two stories and an orphan."""
    return first_run([*scripts(2, 4), "nr 1 name=rare problem=50"])


def shown(captured: Captured) -> str:
    """Return what was shown, without the lines' breaks."""
    return " ".join(captured.readouterr().out.split())


def test_merge_whatif_shows_the_curve_and_marks_the_rules_as_they_are(run: Run, capsys: Captured) -> None:
    call_command("merge_whatif", str(run.pk))
    out = shown(capsys)
    assert f"Run {run.pk}: 9 themes by {NEWEST.version}" in out
    assert "1.0* 3 1 8 4 2 █" in out


def test_merge_whatif_gives_data_for_a_chart(run: Run, capsys: Captured) -> None:
    call_command("merge_whatif", str(run.pk), "--json")
    found = json.loads(capsys.readouterr().out)
    (as_it_is,) = [point for point in found["points"] if point["strictness"] == 1.0]
    assert (found["run"], found["themes"], len(found["points"])) == (run.pk, 9, 9)
    assert as_it_is == {
        "strictness": 1.0, "signatures": 3, "stories": 2, "orphans": 1, "conversations": 8, "largest": 4,
    }  # fmt: skip


@pytest.mark.parametrize("words", [[], ["--dry-run"]])
def test_regroup_only_shows_unless_told_yes(run: Run, capsys: Captured, words: list[str], other_rules: Rules) -> None:
    call_command("regroup", "--rules", "0", *words)
    out = shown(capsys)
    assert f"Profile support: 9 themes by {other_rules.version}. 0 themes go to another signature." in out
    assert "Pairs of themes: 0 joined, 0 split. Signatures: 3 before, 3 after." in out
    assert "2 stories stay the same." in out
    assert out.endswith("Nothing was written. Apply it with: ./manage.py regroup support --rules 0 --yes")
    assert MergePass.objects.get().run == run


def test_regroup_says_that_a_profile_would_be_strict_and_how_to_make_it_so(run: Run, capsys: Captured) -> None:
    call_command("regroup", "--strict")
    out = shown(capsys)
    assert f"9 themes by {NEWEST.version}, strict." in out
    assert out.endswith("./manage.py regroup support --rules 1 --strict --yes")
    call_command("regroup", "--strict", "--yes")
    assert MergePass.objects.get(run=None).reason == "by command --strict"
    assert Registry.objects.get().strict
    call_command("regroup", "--no-strict", "--yes")
    assert not Registry.objects.get().strict


def test_regroup_writes_when_told_yes_and_says_why_in_the_ledger(
    run: Run, capsys: Captured, other_rules: Rules
) -> None:
    call_command("regroup", "support", "--rules", "0", "--yes", "--reason", "to see the old ones", "--json")
    found = json.loads(capsys.readouterr().out)
    entry = MergePass.objects.get(run=None)
    assert (found["written"], found["rules"], found["themes"]) == (True, other_rules.version, 9)
    assert (entry.kind, entry.rules, entry.reason) == ("consolidation", other_rules.version, "to see the old ones")


def test_compare_runs_tells_what_became_of_stories(run: Run, capsys: Captured) -> None:
    second = finish(start(seed([f"nr {n} name=rare problem=50" for n in range(9, 12)])))
    call_command("compare_runs", str(run.pk), str(second.pk))
    out = shown(capsys)
    assert f"From run {run.pk} of file:test to run {second.pk} of file:test, profile support: 2 stories, then 3." in out
    assert "new │ │ rare (4)" in out
    assert "2 stories stay the same." in out
    call_command("compare_runs", str(run.pk), str(second.pk), "--json")
    kinds = [change["kind"] for change in json.loads(capsys.readouterr().out)["changes"]]
    assert kinds == ["new", "same", "same"]


def test_run_status_names_the_orphans_that_need_one_more_and_their_nearest_story(capsys: Captured) -> None:
    run = finish(
        start(seed([*scripts(2, 4), *[f"nr {n} name=rare problem=50" for n in range(2)], "name=odd problem=60"]))
    )
    call_command("run_status", str(run.pk))
    orphan = Orphan.objects.get(signature__key="rare")
    out = shown(capsys)
    near = f"rare; nearest story: {orphan.nearest_story} ({orphan.nearest_cosine:.2f})"
    assert f"Orphans that need one more conversation: {near}" in out
    assert "odd;" not in out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["merge_whatif", "999"], "there is no run 999; `./manage.py run_status` lists the newest"),
        (["regroup", "nobodys"], "profile nobodys has no themes"),
        (["compare_runs", "999", "998"], "there is no run 999"),
        (["regroup", "--rules", "99"], "there is no version 99 of the rules. Versions: 1"),
        (["regroup", "--dry-run", "--yes"], "cannot be combined"),
    ],
)
def test_they_refuse_what_cannot_be_and_say_what_to_do(run: Run, words: list[str], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        call_command(*(word.format(run=run.pk) for word in words))
    assert Story.objects.count() == 2
