"""People and runs at once: one decides while another merges or groups; nobody waits in a ring, nothing is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from pipeline import review
from pipeline.advance import advance
from pipeline.merge import apply
from pipeline.merge.rules.records import Assignment
from pipeline.merge.rules.versions import NEWEST
from pipeline.models import Merge, Registry, Run, Signature, Story, Veto
from pipeline.review import DecisionRefused
from pipeline.review.deciding import lock
from tests.support.decided import broken_promises
from tests.support.factories import alice, bob
from tests.support.seeding import finish, partition, read, scripts, seed, start

NAMES = ("sync_fails", "login_fails")

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Do all of this in threads with connections of their own, begun at one moment; return results or errors."""
    barrier = Barrier(len(works), timeout=240)

    def begin(work: Callable[[], object]) -> object:
        try:
            barrier.wait(240)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        futures: list[Future[object]] = [pool.submit(begin, work) for work in works]
        return [future.exception() or future.result() for future in futures]


def sig(problem: int) -> Signature:
    found: Signature = Signature.objects.get(key=f"problem_{problem:03}_fails")
    return found


# --- Two merges with the same keys in opposite order --------------------------------------------------------------


def rows_of(keys: list[str], barrier: Barrier, *, in_order: bool) -> None:
    """Insert signatures one after the other in a transaction, the second half after both transactions began."""
    keys = sorted(keys) if in_order else keys
    with transaction.atomic():
        for number, key in enumerate(keys):
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO pipeline_signature (profile, key, normal_form, created_at, vector_model, size) "
                    "VALUES ('support', %s, %s, %s, '', 0) ON CONFLICT DO NOTHING",
                    [key, key.replace("_", ""), timezone.now()],
                )
            if number == 0 and not in_order:
                barrier.wait(240)


@pytest.mark.parametrize(("in_order", "deadlocks"), [(True, 0), (False, 1)])
def test_keys_in_opposite_order_deadlock_unless_they_are_sorted(in_order: bool, deadlocks: int) -> None:
    """The control shows what merges would meet without the registry's lock and their sorted order."""
    keys, barrier = ["one_name", "two_names"], Barrier(2, timeout=240)
    results = at_once(
        lambda: rows_of(keys, barrier, in_order=in_order),
        lambda: rows_of(keys[::-1], barrier, in_order=in_order),
    )
    assert sum(isinstance(result, OperationalError) for result in results) == deadlocks
    assert Signature.objects.count() == 2


def test_two_merges_with_the_same_new_names_in_opposite_order_both_end() -> None:
    texts = scripts(12, 3)
    pair = [start(seed(texts, name="first")), start(seed(texts[::-1], name="second"))]
    for run in pair:
        read(run)
    assert at_once(*[lambda run=run: _advance(run) for run in pair]) == ["completed", "completed"]
    assert Signature.objects.count() == 12
    assert {story.evidence.count() for story in Story.objects.all()} == {6}


def _advance(run: Run) -> str:
    for _ in range(200):
        if not advance(run_id=run.pk).is_live:
            break
        Run.objects.filter(pk=run.pk).update(advance_claimed_at=None)
    return str(Run.objects.get(pk=run.pk).state)


# --- Two people ---------------------------------------------------------------------------------------------------


def test_two_people_who_merge_in_opposite_directions_make_one_merge() -> None:
    finish(start(seed(scripts(4, 3))))
    one, other, alices, bobs = sig(0), sig(1), alice(), bob()
    results = at_once(
        lambda: review.merge_signatures(child=one, parent=other, by=alices),
        lambda: review.merge_signatures(child=other, parent=one, by=bobs),
    )
    assert {type(result) for result in results} == {Merge, DecisionRefused}
    assert (Merge.objects.filter(rule="person").count(), broken_promises()) == (1, [])


def test_without_the_registrys_lock_both_merges_pass_and_the_names_hang_in_a_ring() -> None:
    """The control: look, then write, as `merge_signatures` does behind the lock."""
    finish(start(seed(scripts(4, 3))))
    one, other, barrier = sig(0), sig(1), Barrier(2, timeout=240)

    def look_then_merge(child: Signature, parent: Signature) -> None:
        assert not Merge.objects.filter(child=parent, undone_at=None).exists()
        barrier.wait(240)
        now = timezone.now()
        Merge.objects.create(child=child, parent=parent, rule="person", registry_version=9, created_at=now)

    at_once(lambda: look_then_merge(one, other), lambda: look_then_merge(other, one))
    assert Merge.objects.filter(rule="person").count() == 2
    assert any("roots" in wrong for wrong in broken_promises())


def test_a_yes_and_a_no_to_one_pair_at_once_leave_one_of_them() -> None:
    finish(start(seed(scripts(4, 3))))
    one, other, alices, bobs = sig(0), sig(1), alice(), bob()
    results = at_once(
        lambda: review.answer(child=one, parent=other, same=True, by=alices),
        lambda: review.answer(child=one, parent=other, same=False, by=bobs),
    )
    assert sum(isinstance(result, DecisionRefused) for result in results) == 1
    assert Merge.objects.filter(rule="person").count() + Veto.objects.count() == 1
    assert broken_promises() == []


def test_twenty_decisions_about_the_same_names_at_once_all_end() -> None:
    finish(start(seed(scripts(6, 3))))
    people = [alice(), bob()]
    before = Registry.objects.get().version

    def decide(number: int) -> object:
        kwargs = {"child": sig(number % 6), "parent": sig((number + 1 + number // 6) % 6)}
        decision = review.merge_signatures(**kwargs, by=people[number % 2])  # type: ignore[arg-type]
        review.undo(decision=decision, by=people[number % 2])
        return decision

    results = at_once(*[lambda number=number: decide(number) for number in range(20)])
    assert {type(result) for result in results} <= {Merge, DecisionRefused}
    recorded = Merge.objects.filter(rule="person")
    undone = recorded.filter(undone_at__isnull=False)
    assert recorded.exists()
    assert Registry.objects.get().version == before + recorded.count() + undone.count()
    assert broken_promises() == []


# --- A person and a run -------------------------------------------------------------------------------------------


def test_a_decision_during_a_merge_lets_the_merge_compute_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The veto comes when the merge has computed and has not applied yet: what it computed is thrown away."""
    run, one, other, owner = _themes_called_like_one_that_mean_the_other()
    computed: list[Registry] = []
    with _decided_meanwhile(monkeypatch, computed, lambda: review.veto(first=one, second=other, by=owner)):
        assert _advance(run) == "completed"
    assert len(computed) == 2
    assert "sync_fails" not in set(partition(run).values())
    assert broken_promises() == []


def test_a_merge_ends_though_people_never_stop_to_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody decides as often as it computes. After three times in vain it lets them wait until it is done."""
    run, one, other, owner = _themes_called_like_one_that_mean_the_other()
    compute = NEWEST.assign
    computed: list[object] = []
    waited: list[object] = []

    def decide() -> object:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
        decision = review.veto(first=one, second=other, by=owner)
        review.undo(decision=decision, by=owner)
        return decision

    def compute_while_somebody_decides(*args: object, **kwargs: object) -> Assignment:
        found = compute(*args, **kwargs)  # type: ignore[arg-type]
        [result] = at_once(decide)
        (waited if isinstance(result, OperationalError) else computed).append(result)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(apply, "NEWEST", replace(NEWEST, assign=compute_while_somebody_decides))
        assert _advance(run) == "completed"
    assert (len(computed), len(waited)) == (apply.MOST_LOST, 1)
    assert isinstance(decide(), Veto)
    assert broken_promises() == []


def test_without_the_version_the_veto_would_come_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: applied as computed, themes named like one side lie on the other side of the veto."""
    run, one, other, owner = _themes_called_like_one_that_mean_the_other()
    monkeypatch.setattr(apply, "_is_still_mine", lambda *args: True)
    with _decided_meanwhile(monkeypatch, [], lambda: review.veto(first=one, second=other, by=owner)):
        assert _advance(run) == "completed"
    assert set(partition(run).values()) == {"sync_fails"}


def _themes_called_like_one_that_mean_the_other() -> tuple[Run, Signature, Signature, User]:
    """Return a run that has read conversations about sync in which login is named, and the two signatures."""
    texts = {name: [f"nr {n} name={name} problem={number}" for n in range(4)] for number, name in enumerate(NAMES)}
    finish(start(seed([text for several in texts.values() for text in several])))
    run = start(seed([f"later {n} name=login_fails problem=0" for n in range(3)], name="later"))
    read(run)
    sync, login = (Signature.objects.get(key=name) for name in NAMES)
    return run, sync, login, alice()


@contextmanager
def _decided_meanwhile(
    monkeypatch: pytest.MonkeyPatch, computed: list[Registry], decide: Callable[[], object]
) -> Iterator[None]:
    """After the first computation of a merge somebody decides, on a connection of their own."""
    compute = NEWEST.assign

    def compute_slowly(*args: object, **kwargs: object) -> Assignment:
        found = compute(*args, **kwargs)  # type: ignore[arg-type]
        computed.append(Registry.objects.get())
        if not Veto.objects.exists():
            [result] = at_once(decide)
            assert isinstance(result, Veto), result
        return found

    with monkeypatch.context() as patched:
        patched.setattr(apply, "NEWEST", replace(NEWEST, assign=compute_slowly))
        yield


def test_people_decide_while_runs_merge_and_group() -> None:
    finish(start(seed(scripts(8, 3))))
    pair = [start(seed(scripts(8, 3, at=name), name=name)) for name in ("first", "second")]
    for run in pair:
        read(run)
    owner, signatures = alice(), [sig(number) for number in range(8)]

    def merge_and_undo() -> str:
        for one, other in zip(signatures[::2], signatures[1::2], strict=True):
            review.undo(decision=review.merge_signatures(child=one, parent=other, by=owner), by=owner)
        return "decided"

    results = at_once(merge_and_undo, *[lambda run=run: _advance(run) for run in pair])
    assert results == ["decided", "completed", "completed"]
    assert broken_promises() == []
    assert {story.evidence.count() for story in Story.objects.all()} == {9}


# --- Locks --------------------------------------------------------------------------------------------------------


def _lock_two(first: list[int], barrier: Barrier, *, in_order: bool) -> None:
    with transaction.atomic():
        if in_order:
            lock(first)
            return
        for pk in first:
            list(Signature.objects.filter(pk=pk).select_for_update())
            if pk == first[0]:
                barrier.wait(240)


@pytest.mark.parametrize(("in_order", "deadlocks"), [(True, 0), (False, 1)])
def test_locks_on_signatures_are_taken_in_one_order(in_order: bool, deadlocks: int) -> None:
    finish(start(seed(scripts(2, 3))))
    ids, barrier = [sig(0).pk, sig(1).pk], Barrier(2, timeout=240)
    results = at_once(
        lambda: _lock_two(ids, barrier, in_order=in_order), lambda: _lock_two(ids[::-1], barrier, in_order=in_order)
    )
    assert sum(isinstance(result, OperationalError) for result in results) == deadlocks
