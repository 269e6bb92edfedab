"""Whatever people decide, in whatever order: promises hold after each step, and undoing all brings back the start."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from pipeline import review
from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.versions import NEWEST, Rules
from pipeline.models import (
    Conversation,
    Decision,
    Merge,
    Move,
    Orphan,
    Rename,
    Signature,
    Split,
    Story,
    Theme,
    Veto,
)
from pipeline.models.signature import STANDING
from pipeline.review.regroup import plan_regroup, regroup
from pipeline.review.triage import set_status
from tests.support.decided import broken_promises, state
from tests.support.factories import alice, bob
from tests.support.seeding import NOW, finish, seed, start

TEXTS = [
    *(f"nr {n} name=sync_fails problem=1" for n in range(3)),
    *(f"nr {n} name=calendar_sync_broken problem=1" for n in range(2)),
    *(f"nr {n} name=login_fails problem=2" for n in range(3)),
    *(f"nr {n} name=card_charged_twice problem=3" for n in range(2)),
    *(f"nr {n} name=refund_is_late problem=4" for n in range(2)),
    "nr 1 name=export_is_empty problem=5",
]
NAMES = ["one_more_name", "OneMoreNames", "sync_fails", "quite_another_thing"]

SYNCS_CHILD, CARD, EXPORT, LOGIN, REFUND, SYNC = range(6)  # the names of the texts in alphabetical order

KINDS = ["merge", "merge", "split", "threshold", "move", "rename", "veto", "undo"]
DECISIONS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 6),
    ),
    min_size=2,
    max_size=7,
)
AFTERWARDS = NOW + timedelta(days=9)
STRICTER = Rules(0, "planted-0", partial(assign, strictness=1.2))
STATUS = st.sampled_from(["candidate", "in_progress", "done", "dismissed"])
Step = tuple[str, int, int, int]

LONG = st.lists(DECISIONS, min_size=1, max_size=4).map(lambda parts: [step for part in parts for step in part])


@pytest.fixture
def owner(db: None) -> User:
    """Alice, and what two runs found: two stories, one of which somebody approved, and three orphans, one dismissed."""
    finish(start(seed(TEXTS[:9])))
    finish(start(seed(TEXTS[9:], name="second")))
    approved = Story.objects.get(title="Login fails")
    Story.objects.filter(pk=approved.pk).update(
        status="approved", reviewed_by=alice(), reviewed_at=NOW,
        title="People cannot log in", edited_by=alice(), edited_at=NOW,
    )  # fmt: skip
    Orphan.objects.filter(signature__key="export_is_empty").update(dismissed_at=NOW, dismissed_by=alice())
    assert broken_promises() == []
    return alice()


@given(status=STATUS, decisions=DECISIONS)
@example(status="candidate", decisions=[("merge", CARD, REFUND, 1)])  # two orphans become a story
@example(status="candidate", decisions=[("merge", LOGIN, SYNC, 1)])  # one story absorbs another
@example(status="candidate", decisions=[("merge", LOGIN, CARD, 1)])  # an orphan takes over a story
@example(status="done", decisions=[("merge", CARD, SYNC, 1)])  # a closed story collects
@example(status="candidate", decisions=[("veto", LOGIN, SYNC, 1), ("merge", LOGIN, SYNC, 1)])
@example(status="candidate", decisions=[("move", 0, CARD, 1), ("move", 0, REFUND, 1), ("undo", 0, 0, 1)])
@example(status="candidate", decisions=[("split", SYNC, 0, 2), ("merge", SYNC, REFUND, 1), ("undo", 1, 0, 1)])
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_decisions_keep_all_promises_and_undoing_them_brings_back_the_start(
    owner: User, status: str, decisions: Sequence[Step]
) -> None:
    _decide_and_undo(owner, status, decisions)


@pytest.mark.slow
@given(status=STATUS, decisions=LONG)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_long_histories_keep_all_promises_and_can_be_undone(
    owner: User, status: str, decisions: Sequence[Step]
) -> None:
    _decide_and_undo(owner, status, decisions)


# --- With runs between --------------------------------------------------------------------------------------------

HISTORY = st.lists(
    st.tuples(
        st.sampled_from([*KINDS, "move", "undo", "run", "run", "status", "regroup"]),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 4),
    ),
    min_size=3,
    max_size=9,
)
LONG_HISTORY = st.lists(HISTORY, min_size=1, max_size=3).map(lambda parts: [step for part in parts for step in part])
SAID = [
    "calendar_sync_broken",
    "card_charged_twice",
    "export_is_empty",
    "login_fails",
    "refund_is_late",
    "sync_fails",
    "quite_another_thing",
]
OF_EXPORT, OF_LOGIN, ANOTHER = 12, (5, 6, 7), 6  # themes by the order in which they were read; a name


@given(history=HISTORY)
@example(history=[("veto", EXPORT, SYNC, 1), ("move", OF_EXPORT, CARD, 1), ("run", EXPORT, 0, 1), ("run", SYNC, 0, 1)])
@example(history=[("split", SYNC, 3, 1), ("move", 0, CARD, 1), ("run", ANOTHER, 0, 1), ("run", SYNC, 0, 1)])
@example(history=[*(("move", theme, SYNC, 1) for theme in OF_LOGIN), ("run", LOGIN, 0, 1)])
@example(history=[("status", 1, 2, 1), ("merge", LOGIN, SYNC, 1), ("run", SYNC, 0, 3)])  # a done one beside an open
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_runs_and_regroups_between_decisions_keep_all_promises(owner: User, history: Sequence[Step]) -> None:
    _live_through(owner, history)


@pytest.mark.slow
@given(history=LONG_HISTORY)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_long_histories_with_runs_keep_all_promises(owner: User, history: Sequence[Step]) -> None:
    _live_through(owner, history)


def _live_through(owner: User, history: Sequence[Step]) -> None:
    """Do all of it, then undo every decision of people from the newest on, and run once more."""
    with transaction.atomic():
        done = []
        for step in history:
            done += _step(step, owner)
            assert broken_promises() == [], step
        for decision in reversed(done):
            decision.refresh_from_db()
            if decision.stands:
                review.undo(decision=decision, by=owner)
                assert broken_promises() == [], f"after undoing {decision}"
        _run(SYNC, 0, 4)
        assert broken_promises() == []
        transaction.set_rollback(True)


def _step(step: Step, owner: User) -> list[Decision]:
    kind, first, second, count = step
    if kind not in _HAPPENINGS:
        return _decide(kind, first, second, count, owner)
    _HAPPENINGS[kind](first, second, count)
    event(kind)
    return []


def _run(first: int, second: int, count: int) -> None:
    """Read new conversations in which any name is said of any problem."""
    said = [(SAID[(first + n) % len(SAID)], 1 + (second + n) % 5) for n in range(count)]
    run = finish(start(seed([f"later name={name} problem={problem}" for name, problem in said], name="later")))
    assert (run.state, run.attention, run.error) == ("completed", "", "")


def _status(first: int, second: int, count: int) -> None:
    stories = list(Story.objects.filter(absorbed_by=None).order_by("title", "id"))
    story, status = stories[first % len(stories)], ["approved", "in_progress", "done", "dismissed"][second % 4]
    set_status(stories=Story.objects.filter(pk=story.pk), status=status, by=bob(), at=NOW)


def _regroup(first: int, second: int, count: int) -> None:
    regroup(plan=plan_regroup(profile="support", rules=(NEWEST, STRICTER)[second % 2]), reason="a test")


_HAPPENINGS = {"run": _run, "status": _status, "regroup": _regroup}


# --- Taking the decisions -----------------------------------------------------------------------------------------


def _decide_and_undo(owner: User, status: str, decisions: Sequence[Step]) -> None:
    with transaction.atomic():
        Story.objects.filter(title="Sync fails").update(status=status, reviewed_at=AFTERWARDS, reviewed_by=owner)
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
    names: list[Signature] = list(Signature.objects.filter(themes__isnull=False).distinct().order_by("key"))
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
