"""A run's themes assigned anew by other rules: what it says beforehand, and what it leaves."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from pipeline import review
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.records import Assignment, Registered, ThemeRow
from pipeline.merge.rules.versions import NEWEST, Rules, get_rules
from pipeline.models import Merge, Orphan, Registry, Regroup, Run, Signature, Story, Theme
from pipeline.review.reassignment import NothingToReassign
from pipeline.review.regroup import Plan, RegistryChanged, plan_regroup, regroup
from tests.fakes.scripted import vector_of
from tests.pipeline.group.test_settle import conversations_of, later, story_of
from tests.support.decided import broken_promises
from tests.support.factories import alice
from tests.support.seeding import NOW, finish, partition, scripts, seed, start

pytestmark = pytest.mark.django_db


def rules_that_see(problem_in: Callable[[int, int], int], version: str = "test-rules") -> Rules:
    """Return the newest rules, but that they see other problems: those that `problem_in` gives (problem, number).

    They know no opposites: the names of two problems differ by a number, and may still be one.
    """

    def assign(themes: Iterable[ThemeRow], registered: Registered, decisions: Decisions) -> Assignment:
        seen = [replace(theme, vector=_seen(theme, problem_in)) for theme in themes]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pipeline.merge.rules.meaning.antonym_names", lambda keys: {})
            return NEWEST.assign(seen, registered, decisions)

    return Rules(77, version, assign)


def _seen(theme: ThemeRow, problem_in: Callable[[int, int], int]) -> bytes:
    quote = Theme.objects.get(pk=theme.id).evidence.get().quote
    words = dict(word.split("=") for word in quote.split() if "=" in word)
    number = int(quote.split("nr ")[1].split()[0])
    return vector_of(problem_in(int(words["problem"]), number), quote).tobytes()


PAIRS_AS_ONE = rules_that_see(lambda problem, number: problem // 2 * 2)
"""Problems 0 and 1 are one, so are 2 and 3."""

ODD_APART = rules_that_see(lambda problem, number: problem + 100 * (number % 2))
"""Of each problem, the odd ones are another."""


def apply(run: Run, rules: Rules) -> Regroup:
    """Regroup, and see that nothing is lost and that what was told came true."""
    plan, came_back = plan_regroup(run=run, rules=rules), Story.objects.filter(recurs_from__isnull=False)
    nothing_came_back = not came_back.exists()  # else what a done story keeps is in no group
    entry = regroup(plan=plan, reason="a test")
    assert broken_promises() == []
    again = plan_regroup(run=Run.objects.get(pk=run.pk), rules=rules).difference
    assert (again.pairs_joined, again.pairs_split) == (0, 0)
    if nothing_came_back and not came_back.exists():
        assert again.before == plan.difference.after
    return entry


def told(plan: Plan) -> list[str]:
    """Return the changes in a line each."""
    return [
        f"{change.kind}: {' + '.join(f'{g.name} {g.size}' for g in change.before)}"
        f" > {' + '.join(f'{g.name} {g.size}' for g in change.after)}"
        for change in plan.difference.changes
    ]


def state() -> tuple[object, ...]:
    """Return all that grouping decides, without ids that are given anew and without times."""
    stories = sorted(
        (story.title, story.status, story.signature.key, tuple(sorted(conversations_of(story))), story.confidence)
        for story in Story.objects.filter(absorbed_by=None).select_related("signature")
    )
    orphans = Orphan.objects.filter(graduated_at=None).order_by("signature__key")
    themes = Theme.objects.order_by("id").values_list("id", "signature__root_link__root__key")
    return stories, list(orphans.values_list("signature__key", "reason", "detail")), list(themes)


# --- Looking ------------------------------------------------------------------------------------------------------


def test_looking_writes_nothing_and_tells_what_joins() -> None:
    run = finish(start(seed([*scripts(4, 4), "nr 99 name=rare problem=50"])))
    before = state()
    plan = plan_regroup(run=run, rules=PAIRS_AS_ONE)
    found = plan.difference
    assert (found.before.signatures, found.before.stories, found.before.orphans) == (5, 4, 1)
    assert (found.after.signatures, found.after.stories, found.after.orphans) == (3, 2, 1)
    assert (found.pairs_joined, found.pairs_split) == (2 * 4 * 4, 0)
    assert [change.kind for change in found.changes] == ["merged", "merged"]
    assert {group.size for change in found.changes for group in change.after} == {8}
    assert (state(), Regroup.objects.count(), Registry.objects.get().version) == (before, 0, 1)


def test_looking_tells_what_splits_and_which_story_is_gone() -> None:
    run = finish(start(seed([*scripts(1, 6), *[f"nr {n} name=small problem=7" for n in range(3)]])))
    plan = plan_regroup(run=run, rules=ODD_APART)
    assert (plan.difference.pairs_joined, plan.difference.pairs_split) == (0, 3 * 3 + 2 * 1)
    kinds = [line.split(":")[0] for line in told(plan)]
    assert kinds == ["split", "gone"]
    assert told(plan)[1] == "gone: small 3 > "


def test_the_same_rules_change_nothing() -> None:
    run = finish(start(seed([*scripts(4, 5), "nr 99 name=rare problem=50"])))
    difference = plan_regroup(run=run, rules=NEWEST).difference
    assert (difference.pairs_joined, difference.pairs_split) == (0, 0)
    assert {str(change.kind) for change in difference.changes} == {"same"}


# --- Applying -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 0], ids=["newest", "planted"])
def test_applying_rules_that_find_the_same_changes_no_row_people_see(number: int, other_rules: Rules) -> None:
    run = finish(start(seed([*scripts(4, 5), "nr 99 name=rare problem=50"])))
    before = state()
    apply(run, get_rules(number))
    assert state() == before


def test_applying_does_what_was_told_and_the_ledger_says_so() -> None:
    run = finish(start(seed([*scripts(4, 4), "nr 99 name=rare problem=50"])))
    plan = plan_regroup(run=run, rules=PAIRS_AS_ONE)
    entry = regroup(plan=plan, reason="broader stories", by=alice())
    run.refresh_from_db()
    stories = Story.objects.filter(absorbed_by=None)
    assert sorted(story.evidence.count() for story in stories) == [8, 8]
    assert (entry.rules_before, entry.rules, run.versions["rules"]) == (NEWEST.version, "test-rules", "test-rules")
    assert (entry.reason, entry.created_by, entry.themes, entry.pairs_joined) == ("broader stories", alice(), 17, 32)
    assert entry.registry_version == Registry.objects.get().version == 2
    assert set(Merge.objects.filter(undone_at=None).values_list("rule_version", flat=True)) == {"test-rules"}
    assert set(Theme.objects.values_list("registry_version", flat=True)) == {2}
    assert len(set(partition(run).values())) == 3


def test_there_and_back_again() -> None:
    run = finish(start(seed([*scripts(4, 4), "nr 99 name=rare problem=50"])))
    before = partition(run)
    apply(run, PAIRS_AS_ONE)
    apply(Run.objects.get(), NEWEST)
    assert partition(run) == before
    assert {story.evidence.count() for story in Story.objects.filter(absorbed_by=None)} == {4}


def test_the_story_people_touched_absorbs_the_other_and_keeps_their_columns() -> None:
    run = finish(start(seed(scripts(2, 4))))
    touched, other = story_of(1), story_of(0)
    Story.objects.filter(pk=touched.pk).update(title="Mine", status="triaged", reviewed_at=NOW, reviewed_by=alice())
    apply(run, PAIRS_AS_ONE)
    touched.refresh_from_db()
    other.refresh_from_db()
    assert (touched.title, touched.status, touched.reviewed_by, touched.absorbed_by) == (
        "Mine",
        "triaged",
        alice(),
        None,
    )
    assert other.absorbed_by == touched
    assert touched.evidence.count() == 8


def test_a_story_follows_most_of_its_conversations() -> None:
    run = finish(start(seed([f"nr {n} name=it_fails problem=3" for n in range(7)])))
    story = Story.objects.get()
    Story.objects.filter(pk=story.pk).update(status="in_progress", reviewed_at=NOW)
    apply(run, rules_that_see(lambda problem, number: 100 if number < 5 else 200))
    story.refresh_from_db()
    assert story.evidence.count() == 5
    assert Orphan.objects.get().detail == "needs 1 more conversation"


def test_a_candidate_that_no_longer_passes_waits_again_and_one_people_touched_stays() -> None:
    run = finish(start(seed(scripts(2, 4))))
    touched, untouched = story_of(0), story_of(1)
    Story.objects.filter(pk=touched.pk).update(status="triaged", reviewed_at=NOW)
    apply(run, ODD_APART)
    assert not Story.objects.filter(pk=untouched.pk).exists()
    assert Story.objects.get().pk == touched.pk
    assert set(Orphan.objects.filter(graduated_at=None).values_list("detail", flat=True)) == {
        "needs 1 more conversation"
    }


def test_a_candidate_somebody_wrote_in_stays_and_absorbs_others() -> None:
    run = finish(start(seed(scripts(2, 4))))
    story = story_of(0)
    Story.objects.filter(pk=story.pk).update(description="Ours.", edited_at=NOW, edited_by=alice())
    apply(run, ODD_APART)
    assert list(Story.objects.values_list("pk", "description")) == [(story.pk, "Ours.")]


def test_themes_of_other_runs_stay_where_they_are() -> None:
    finish(start(seed(scripts(2, 4))))
    second = finish(start(later(0, 3, day=2)))
    others = partition(Run.objects.order_by("id")[0])
    apply(second, rules_that_see(lambda problem, number: 40))
    assert partition(Run.objects.order_by("id")[0]) == others
    assert len(set(partition(second).values()) & set(others.values())) == 0
    assert story_of(0).evidence.count() == 4
    assert Story.objects.filter(absorbed_by=None).count() == 3


def test_what_people_dismissed_stays_dismissed_and_silences_nothing_larger() -> None:
    run = finish(start(seed([*scripts(1, 6), "nr 0 name=rare problem=1"])))
    Orphan.objects.update(dismissed_at=NOW, dismissed_by=alice())
    apply(run, PAIRS_AS_ONE)
    assert Story.objects.get(absorbed_by=None).evidence.count() == 7
    assert Orphan.objects.get().dismissed_at == NOW


# --- What people decided ------------------------------------------------------------------------------------------


def test_a_persons_merge_outlives_a_regroup() -> None:
    run = finish(start(seed(scripts(4, 4))))
    child, parent = (Signature.objects.get(key=f"problem_00{n}_fails") for n in (0, 3))
    review.merge_signatures(child=child, parent=parent, by=alice(), reason="the same")
    difference = plan_regroup(run=run, rules=PAIRS_AS_ONE).difference
    assert (difference.themes, difference.held) == (8, 8)
    apply(run, PAIRS_AS_ONE)
    assert len(set(partition(run).values())) == 2
    assert Story.objects.filter(absorbed_by=None, signature=parent).get().evidence.count() == 12  # rules add problem 1


def test_a_veto_outlives_a_regroup() -> None:
    run = finish(start(seed(scripts(2, 4))))
    one, other = Signature.objects.order_by("key")
    review.veto(first=one, second=other, by=alice(), reason="two problems")
    with pytest.raises(NothingToReassign, match=r"people decided about the signatures of all its 8 themes"):
        plan_regroup(run=run, rules=PAIRS_AS_ONE)


@pytest.mark.parametrize("chance", range(5))
def test_whatever_rules_find_and_people_decided_nothing_is_lost(chance: int) -> None:
    """Any partition, over any decisions, twice; two runs share the registry."""
    dice = random.Random(chance)
    finish(start(seed(scripts(3, 3), name="first")))
    run = finish(start(seed([*scripts(5, 4), "nr 1 name=rare problem=50"], name="second")))
    decide_something(dice)
    for _ in range(2):
        seen = {(problem, number): dice.randrange(8) for problem in (*range(5), 50) for number in range(5)}
        apply(run, rules_that_see(by_table(seen)))
        run.refresh_from_db()


def by_table(seen: dict[tuple[int, int], int]) -> Callable[[int, int], int]:
    return lambda problem, number: seen[problem, number]


def decide_something(dice: random.Random) -> None:
    """Perhaps merge two, perhaps veto two; close some stories and begin with others."""
    roots = list(Signature.objects.filter(size__gt=0).order_by("key"))
    dice.shuffle(roots)
    one, other, third, fourth, *_ = roots
    if dice.random() < 0.5:
        review.merge_signatures(child=one, parent=other, by=alice())
    if dice.random() < 0.5:
        review.veto(first=third, second=fourth, by=alice())
    for status in ("triaged", "done", "dismissed"):
        story = dice.choice(list(Story.objects.filter(absorbed_by=None).order_by("id")))
        Story.objects.filter(pk=story.pk).update(status=status, reviewed_at=NOW, reviewed_by=alice())


# --- Refusals -----------------------------------------------------------------------------------------------------


def test_a_registry_that_changed_meanwhile_is_not_written_to() -> None:
    run = finish(start(seed(scripts(2, 4))))
    plan = plan_regroup(run=run, rules=PAIRS_AS_ONE)
    before = state()
    Registry.objects.update(version=99)
    with pytest.raises(RegistryChanged, match="nothing was written"):
        regroup(plan=plan, reason="a test")
    assert (state(), Regroup.objects.count()) == (before, 0)


def test_a_live_run_is_refused() -> None:
    with pytest.raises(NothingToReassign, match="wait until it has ended"):
        plan_regroup(run=start(seed(scripts(1, 3))), rules=NEWEST)
