"""Whatever people decide, in whatever order: promises hold after each step, and undoing all brings back the start."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pipeline import review
from pipeline.models import Conversation, Decision, Merge, Move, Rename, Signature, Split, Story, Theme, Veto
from pipeline.models.signature import STANDING
from tests.decided import broken_promises, state
from tests.factories import alice
from tests.seeding import finish, seed, start

TEXTS = [
    *(f"nr {n} name=sync_fails problem=1" for n in range(3)),
    *(f"nr {n} name=calendar_sync_broken problem=1" for n in range(2)),
    *(f"nr {n} name=login_fails problem=2" for n in range(3)),
    *(f"nr {n} name=card_charged_twice problem=3" for n in range(2)),
    *(f"nr {n} name=refund_is_late problem=4" for n in range(2)),
    *(f"nr {n} name=export_is_empty problem=5" for n in range(1)),
]
NAMES = ["one_more_name", "OneMoreNames", "sync_fails", "quite_another_thing"]

DECISIONS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "merge", "split", "threshold", "move", "rename", "veto", "undo"]),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 6),
    ),
    min_size=2,
    max_size=7,
)
LONG = st.lists(DECISIONS, min_size=1, max_size=4).map(lambda parts: [step for part in parts for step in part])


@pytest.fixture
def owner(db: None) -> User:
    """Alice, and what two runs found: two stories, one of which somebody triaged, and three orphans."""
    finish(start(seed(TEXTS[:9])))
    finish(start(seed(TEXTS[9:], name="second")))
    triaged = Story.objects.get(title="Login fails")
    Story.objects.filter(pk=triaged.pk).update(status="triaged", reviewed_by=alice(), title="People cannot log in")
    assert broken_promises() == []
    return alice()


@given(decisions=DECISIONS)
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_decisions_keep_all_promises_and_undoing_them_brings_back_the_start(
    owner: User, decisions: Sequence[tuple[str, int, int, int]]
) -> None:
    _decide_and_undo(owner, decisions)


@pytest.mark.slow
@given(decisions=LONG)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_long_histories_keep_all_promises_and_can_be_undone(
    owner: User, decisions: Sequence[tuple[str, int, int, int]]
) -> None:
    _decide_and_undo(owner, decisions)


def _decide_and_undo(owner: User, decisions: Sequence[tuple[str, int, int, int]]) -> None:
    with transaction.atomic():
        before, done = state(), []
        for kind, first, second, count in decisions:
            done += _decide(kind, first, second, count, owner)
            assert broken_promises() == [], (kind, first, second, count)
        for decision in reversed(done):
            decision.refresh_from_db()
            if decision.stands:
                review.undo(decision=decision, by=owner)
                assert broken_promises() == [], f"after undoing {decision}"
        assert state() == before
        transaction.set_rollback(True)


def _decide(kind: str, first: int, second: int, count: int, owner: User) -> list[Decision]:
    """Take a decision about what the numbers choose and return it; nothing if it is refused, which changes nothing."""
    was = state()
    try:
        with transaction.atomic():
            found = _DECISIONS[kind](first, second, count, owner)
    except review.DecisionRefused:
        assert state() == was
        event(f"{kind} refused")
        return []
    event(kind)
    return found


def _signature(number: int) -> Signature:
    names: list[Signature] = list(Signature.objects.filter(themes__isnull=False).distinct().order_by("id"))
    return names[number % len(names)]


def _merge(first: int, second: int, count: int, owner: User) -> list[Decision]:
    return [review.merge_signatures(child=_signature(first), parent=_signature(second), by=owner)]


def _split(first: int, second: int, count: int, owner: User) -> list[Decision]:
    signature = _signature(first)
    inside = Conversation.objects.filter(themes__signature=signature).order_by("id").values_list("pk", flat=True)
    chosen = list(inside)[:count]
    name = NAMES[second % len(NAMES)]
    return [review.split_signature(signature=signature, conversations=chosen, name=name, by=owner)]


def _threshold(first: int, second: int, count: int, owner: User) -> list[Decision]:
    return [*review.split_by_threshold(signature=_signature(first), threshold=0.93 + count / 100, by=owner)]


def _move(first: int, second: int, count: int, owner: User) -> list[Decision]:
    themes = list(Theme.objects.order_by("id"))
    theme = themes[first % len(themes)]
    return [review.move_theme(theme=theme, target=_signature(second), by=owner)]


def _rename(first: int, second: int, count: int, owner: User) -> list[Decision]:
    return [review.rename_signature(signature=_signature(first), name=NAMES[second % len(NAMES)], by=owner)]


def _veto(first: int, second: int, count: int, owner: User) -> list[Decision]:
    return [review.veto(first=_signature(first), second=_signature(second), by=owner)]


def _undo(first: int, second: int, count: int, owner: User) -> list[Decision]:
    """Undo one of the standing decisions of people, not always the newest."""
    models: list[Any] = [Merge, Veto, Split, Move, Rename]
    standing = [one for model in models for one in model.objects.filter(STANDING, created_by=owner).order_by("id")]
    if standing:
        review.undo(decision=standing[first % len(standing)], by=owner)
    return []


_DECISIONS = {
    "merge": _merge,
    "split": _split,
    "threshold": _threshold,
    "move": _move,
    "rename": _rename,
    "veto": _veto,
    "undo": _undo,
}
