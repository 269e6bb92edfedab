"""All themes of a profile grouped again, by these or other rules: what it says beforehand, and what it leaves."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from pipeline import review
from pipeline.merge.apply import RegistryChanged
from pipeline.merge.rules.decisions import Decisions
from pipeline.merge.rules.records import Assignment, Registered, ThemeRow
from pipeline.merge.rules.versions import NEWEST, Rules, get_rules
from pipeline.models import MergePass, Orphan, Registry, Signature, Story, Theme
from pipeline.review.regroup import NothingToRegroup, Plan, plan_regroup, regroup
from tests.fakes.scripted import vector_of
from tests.pipeline.group.test_settle import conversations_of, story_of
from tests.support.decided import broken_promises
from tests.support.factories import alice
from tests.support.seeding import NOW, finish, first_run, partition, scripts, seed, start

pytestmark = pytest.mark.django_db


def rules_that_see(problem_in: Callable[[int, int], int], version: str = "test-rules") -> Rules:
    """Return the newest rules, but that they see other problems: those that `problem_in` gives (problem, number).

    They know no opposites: the names of two problems differ by a number, and may still be one.
    """

    def assign(
        themes: Iterable[ThemeRow], registered: Registered, decisions: Decisions, *, consolidate: bool = False
    ) -> Assignment:
        # all at once: as long as they come the connection that `_seen` asks can do nothing else
        seen = [replace(theme, vector=_seen(theme, problem_in)) for theme in list(themes)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pipeline.merge.rules.meaning.antonym_names", lambda keys: {})
            return NEWEST.assign(seen, registered, decisions, consolidate=consolidate)

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


def apply(rules: Rules) -> MergePass:
    """Regroup, and see that nothing is lost and that what was told came true."""
    plan, came_back = plan_regroup(profile="support", rules=rules), Story.objects.filter(recurs_from__isnull=False)
    nothing_came_back = not came_back.exists()  # else what a done story keeps is in no group
    entry = regroup(plan=plan, reason="a test")
    assert broken_promises() == []
    again = plan_regroup(profile="support", rules=rules).difference
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
    first_run([*scripts(4, 4), "nr 99 name=rare problem=50"])
    before = state()
    plan = plan_regroup(profile="support", rules=PAIRS_AS_ONE)
    found = plan.difference
    assert (found.before.signatures, found.before.stories, found.before.orphans) == (5, 4, 1)
    assert (found.after.signatures, found.after.stories, found.after.orphans) == (3, 2, 1)
    assert (found.pairs_joined, found.pairs_split) == (2 * 4 * 4, 0)
    assert [change.kind for change in found.changes] == ["merged", "merged"]
    assert {group.size for change in found.changes for group in change.after} == {8}
    assert (state(), MergePass.objects.count(), Registry.objects.get().version) == (before, 1, 1)


def test_looking_tells_what_splits_and_which_story_is_gone() -> None:
    first_run([*scripts(1, 6), *[f"nr {n} name=small problem=7" for n in range(3)]])
    plan = plan_regroup(profile="support", rules=ODD_APART)
    assert (plan.difference.pairs_joined, plan.difference.pairs_split) == (0, 3 * 3 + 2 * 1)
    kinds = [line.split(":")[0] for line in told(plan)]
    assert kinds == ["split", "gone"]
    assert told(plan)[1] == "gone: small 3 > "


def test_the_same_rules_change_nothing() -> None:
    first_run([*scripts(4, 5), "nr 99 name=rare problem=50"])
    difference = plan_regroup(profile="support", rules=NEWEST).difference
    assert (difference.pairs_joined, difference.pairs_split) == (0, 0)
    assert {str(change.kind) for change in difference.changes} == {"same"}


# --- Applying -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 0], ids=["newest", "planted"])
def test_applying_rules_that_find_the_same_changes_no_row_people_see(number: int, other_rules: Rules) -> None:
    finish(start(seed([*scripts(4, 5), "nr 99 name=rare problem=50"])))
    before = state()
    apply(get_rules(number))
    assert state() == before


def test_applying_does_what_was_told_and_the_ledger_says_so() -> None:
    run = first_run([*scripts(4, 4), "nr 99 name=rare problem=50"])
    plan = plan_regroup(profile="support", rules=PAIRS_AS_ONE)
    entry = regroup(plan=plan, reason="broader stories", by=alice())
    stories = Story.objects.filter(absorbed_by=None)
    assert sorted(story.evidence.count() for story in stories) == [8, 8]
    assert (entry.kind, entry.rules, entry.run) == ("consolidation", "test-rules", None)
    assert (entry.reason, entry.created_by, entry.theme_count) == ("broader stories", alice(), 17)
    assert (plan.difference.pairs_joined, plan.difference.moved, entry.moved_count) == (32, 8, 8)
    assert entry.registry_version == Registry.objects.get().version == 2
    assert entry.reassignments.count() == 8
    assert all("cosine" in moved.reason for moved in entry.reassignments.all())
    assert len(set(partition(run).values())) == 3


def test_there_and_back_again() -> None:
    run = first_run([*scripts(4, 4), "nr 99 name=rare problem=50"])
    before = partition(run)
    apply(PAIRS_AS_ONE)
    apply(NEWEST)
    assert partition(run) == before
    assert {story.evidence.count() for story in Story.objects.filter(absorbed_by=None)} == {4}


def test_the_story_people_touched_absorbs_the_other_and_keeps_their_columns() -> None:
    first_run(scripts(2, 4))
    touched, other = story_of(1), story_of(0)
    Story.objects.filter(pk=touched.pk).update(title="Mine", status="approved", reviewed_at=NOW, reviewed_by=alice())
    apply(PAIRS_AS_ONE)
    touched.refresh_from_db()
    other.refresh_from_db()
    assert (touched.title, touched.status, touched.reviewed_by, touched.absorbed_by) == (
        "Mine",
        "approved",
        alice(),
        None,
    )
    assert other.absorbed_by == touched
    assert touched.evidence.count() == 8


def test_a_profile_made_strict_keeps_out_what_only_loosely_fits_until_it_is_no_longer_strict() -> None:
    first_run([*scripts(4, 6), "nr 7 name=loosely problem=1 noise=1.0"])
    assert sorted(partition_sizes()) == [6, 6, 6, 7]
    plan = plan_regroup(profile="support", strict=True)
    assert (plan.difference.strict, plan.difference.moved) == (True, 1)
    assert (sorted(partition_sizes()), Registry.objects.get().strict) == ([6, 6, 6, 7], False)

    regroup(plan=plan, reason="a test")
    assert (sorted(partition_sizes()), Registry.objects.get().strict) == ([1, 6, 6, 6, 6], True)
    finish(start(seed(["nr 8 name=loosely_too problem=2 noise=1.0", *scripts(1, 1)])))
    assert (sorted(partition_sizes()), Registry.objects.get().strict) == ([1, 1, 6, 6, 6, 7], True)
    assert plan_regroup(profile="support").difference.strict, "a regroup that says nothing changed the setting"

    regroup(plan=plan_regroup(profile="support", strict=False), reason="a test")
    assert (sorted(partition_sizes()), Registry.objects.get().strict) == ([6, 7, 7, 7], False)


def partition_sizes() -> list[int]:
    """Return how many current themes each root has."""
    roots = Theme.objects.values_list("signature__root_link__root_id", flat=True)
    return list(Counter(roots).values())


def test_a_story_follows_most_of_its_conversations() -> None:
    first_run([f"nr {n} name=it_fails problem=3" for n in range(7)])
    story = Story.objects.get()
    Story.objects.filter(pk=story.pk).update(status="in_progress", reviewed_at=NOW)
    apply(rules_that_see(lambda problem, number: 100 if number < 5 else 200))
    story.refresh_from_db()
    assert story.evidence.count() == 5
    assert Orphan.objects.get().detail == "needs 1 more conversation"


def test_a_candidate_that_no_longer_passes_waits_again_and_one_people_touched_stays() -> None:
    first_run(scripts(2, 4))
    touched, untouched = story_of(0), story_of(1)
    Story.objects.filter(pk=touched.pk).update(status="approved", reviewed_at=NOW)
    apply(ODD_APART)
    assert not Story.objects.filter(pk=untouched.pk).exists()
    assert Story.objects.get().pk == touched.pk
    assert set(Orphan.objects.filter(graduated_at=None).values_list("detail", flat=True)) == {
        "needs 1 more conversation"
    }


def test_a_candidate_somebody_wrote_in_stays_and_absorbs_others() -> None:
    first_run(scripts(2, 4))
    story = story_of(0)
    Story.objects.filter(pk=story.pk).update(description="Ours.", edited_at=NOW, edited_by=alice())
    apply(ODD_APART)
    assert list(Story.objects.values_list("pk", "description")) == [(story.pk, "Ours.")]


def test_what_people_dismissed_stays_dismissed_and_silences_nothing_larger() -> None:
    first_run([*scripts(1, 6), "nr 0 name=rare problem=1"])
    Orphan.objects.update(dismissed_at=NOW, dismissed_by=alice())
    apply(PAIRS_AS_ONE)
    assert Story.objects.get(absorbed_by=None).evidence.count() == 7
    assert Orphan.objects.get().dismissed_at == NOW


# --- What people decided ------------------------------------------------------------------------------------------


def test_a_persons_merge_outlives_a_regroup() -> None:
    run = first_run(scripts(4, 4))
    child, parent = (Signature.objects.get(key=f"problem_00{n}_fails") for n in (0, 3))
    review.merge_signatures(child=child, parent=parent, by=alice(), reason="the same")
    apply(PAIRS_AS_ONE)
    assert len(set(partition(run).values())) == 1  # rules join 0 with 1 and 2 with 3, the person joined 0 with 3
    assert Story.objects.filter(absorbed_by=None, signature=parent).get().evidence.count() == 16


def test_a_veto_outlives_a_regroup() -> None:
    run = first_run(scripts(2, 4))
    one, other = Signature.objects.order_by("key")
    review.veto(first=one, second=other, by=alice(), reason="two problems")
    apply(PAIRS_AS_ONE)
    assert len(set(partition(run).values())) == 2


def test_two_whose_merge_a_person_took_back_stay_two() -> None:
    """Without that, the rules make one of them: see the first test."""
    run = first_run(scripts(4, 4))
    child, parent = (Signature.objects.get(key=f"problem_00{n}_fails") for n in (0, 1))
    review.undo(decision=review.merge_signatures(child=child, parent=parent, by=alice()), by=alice())
    apply(PAIRS_AS_ONE)
    found = Counter(partition(run).values())
    assert sorted(found.values()) == [4, 4, 8]
    assert {child.key, parent.key} < found.keys()


@pytest.mark.parametrize("chance", range(5))
def test_whatever_rules_find_and_people_decided_nothing_is_lost(chance: int) -> None:
    """Any partition, over any decisions, twice; two runs share the registry."""
    dice = random.Random(chance)
    finish(start(seed(scripts(3, 3), name="first")))
    run = finish(start(seed([*scripts(5, 4), "nr 1 name=rare problem=50"], name="second")))
    decide_something(dice)
    for _ in range(2):
        seen = {(problem, number): dice.randrange(8) for problem in (*range(5), 50) for number in range(5)}
        apply(rules_that_see(by_table(seen)))
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
    for status in ("approved", "done", "dismissed"):
        story = dice.choice(list(Story.objects.filter(absorbed_by=None).order_by("id")))
        Story.objects.filter(pk=story.pk).update(status=status, reviewed_at=NOW, reviewed_by=alice())


# --- Refusals -----------------------------------------------------------------------------------------------------


def test_a_registry_that_changed_meanwhile_is_not_written_to() -> None:
    first_run(scripts(2, 4))
    plan = plan_regroup(profile="support", rules=PAIRS_AS_ONE)
    before = state()
    Registry.objects.update(version=99)
    with pytest.raises(RegistryChanged, match="nothing was written"):
        regroup(plan=plan, reason="a test")
    assert (state(), MergePass.objects.count()) == (before, 1)


def test_a_profile_without_themes_is_refused() -> None:
    start(seed(scripts(1, 3)))
    with pytest.raises(NothingToRegroup, match="has no themes"):
        plan_regroup(profile="support")
