"""Regroups at once, and a person who decides between a plan and its regroup."""

import pytest

from pipeline import review
from pipeline.merge.apply import RegistryChanged
from pipeline.models import MergePass, Registry, Signature
from pipeline.review import regroup as regrouping
from pipeline.review.regroup import Plan, plan_regroup, regroup
from tests.pipeline.review.test_regroup import ODD_APART, PAIRS_AS_ONE
from tests.races.test_decisions import at_once
from tests.support.decided import broken_promises
from tests.support.factories import alice
from tests.support.seeding import finish, scripts, seed, start

pytestmark = pytest.mark.django_db(transaction=True)


def two_plans() -> list[Plan]:
    """Return two plans made on the same registry."""
    finish(start(seed(scripts(4, 4))))
    return [plan_regroup(profile="support", rules=rules) for rules in (PAIRS_AS_ONE, ODD_APART)]


def test_of_two_regroups_at_once_one_writes_and_the_other_says_so() -> None:
    first, second = two_plans()
    results = at_once(lambda: regroup(plan=first, reason="first"), lambda: regroup(plan=second, reason="second"))
    assert sorted(type(result).__name__ for result in results) == ["MergePass", "RegistryChanged"]
    assert MergePass.objects.count() == 2  # the run's merge is one
    assert Registry.objects.get().version == 2
    assert broken_promises() == []


def test_a_decision_between_plan_and_regroup_stands() -> None:
    plan, _ = two_plans()
    veto_of_what_the_rules_would_join()
    with pytest.raises(RegistryChanged):
        regroup(plan=plan, reason="too late")
    assert broken_promises() == []


def test_without_the_guard_a_regroup_breaks_a_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the version of the registry protects from."""
    plan, _ = two_plans()
    veto_of_what_the_rules_would_join()

    monkeypatch.setattr(regrouping, "_hold_registry", lambda frozen: None)
    regroup(plan=plan, reason="nobody looks")
    assert any("does not hold" in promise for promise in broken_promises())


def veto_of_what_the_rules_would_join() -> None:
    first, second = (Signature.objects.get(key=f"problem_00{number}_fails") for number in (0, 1))
    review.veto(first=first, second=second, by=alice())
