"""People's decisions: what each changes at once, what later runs make of it, and what undoing brings back."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pipeline import review
from pipeline.models import (
    Conversation,
    Decision,
    Merge,
    Orphan,
    Registry,
    Run,
    Signature,
    Story,
    Theme,
)
from pipeline.review import DecisionRefused
from pipeline.review.decide import MOST_PARTS
from pipeline.review.regroup import plan_regroup, regroup
from pipeline.review.triage import set_status
from tests.support.decided import broken_promises, state
from tests.support.factories import SignatureFactory, alice, bob
from tests.support.scenes import scene
from tests.support.seeding import NOW, change, finish, partition, read, seed, start

pytestmark = pytest.mark.django_db

SYNC, LOGIN, CARD, REFUND = "sync_fails", "login_fails", "card_charged_twice", "refund_is_late"
PROBLEMS = {SYNC: 1, LOGIN: 2, CARD: 3, REFUND: 4}


def said(name: str, times: int, problem: int | None = None, first: int = 0) -> list[str]:
    number = PROBLEMS[name] if problem is None else problem
    return [f"nr {first + n} name={name} problem={number}" for n in range(times)]


@scene
def first_run() -> Run:
    """Two stories, Sync with 4 conversations and Login with 3, and two orphans that wait with 2 each."""
    texts = [*said(SYNC, 3), *said("calendar_sync", 1, 1), *said(LOGIN, 3), *said(CARD, 2), *said(REFUND, 2)]
    run = finish(start(seed(texts)))
    assert (run.state, Story.objects.count(), Orphan.objects.count()) == ("completed", 2, 2)
    return run


def sig(key: str) -> Signature:
    found: Signature = Signature.objects.get(key=key)
    return found


def story(key: str) -> Story:
    return Story.objects.get(signature__key=key)


def later(texts: list[str], name: str = "later") -> Run:
    run = finish(start(seed(texts, name=name)))
    assert run.state == "completed", run.attention or run.error
    assert broken_promises() == []
    return run


def conversations_of(found: Story) -> int:
    return found.evidence.count()


# --- Merging ------------------------------------------------------------------------------------------------------


def test_a_merge_says_who_what_when_and_how_near(first_run: Run) -> None:
    merge = review.merge_signatures(child=sig(CARD), parent=sig(REFUND), by=bob(), reason="one bug in the ledger")
    assert (str(merge), merge.rule, merge.reason) == (f"{CARD} into {REFUND}", "person", "one bug in the ledger")
    assert (merge.created_by, merge.vector_model, merge.stands) == (bob(), "scripted", True)
    assert merge.score is not None
    assert -0.5 < merge.score < 0.5
    assert merge.registry_version == Registry.objects.get().version == 2


def test_two_orphans_that_a_person_merges_become_a_story_and_wait_again_after_the_undo(first_run: Run) -> None:
    before = state()
    merge = review.merge_signatures(child=sig(CARD), parent=sig(REFUND), by=alice())
    assert conversations_of(story(REFUND)) == 4
    assert not Orphan.objects.filter(graduated_at=None).exists()
    review.undo(decision=merge, by=bob())
    assert state() == before
    merge.refresh_from_db()
    assert (merge.undone_by, merge.stands) == (bob(), False)


def test_the_story_of_the_parent_absorbs_the_childs_and_undoing_brings_it_back_as_it_was(first_run: Run) -> None:
    Story.objects.filter(pk=story(LOGIN).pk).update(status="in_progress", reviewed_by=bob(), reviewed_at=NOW)
    before = state()
    merge = review.merge_signatures(child=sig(LOGIN), parent=sig(SYNC), by=alice())
    assert story(LOGIN).absorbed_by == story(SYNC)
    assert conversations_of(story(SYNC)) == 7
    review.undo(decision=merge, by=alice())
    assert state() == before
    assert (story(LOGIN).status, story(LOGIN).reviewed_by) == ("in_progress", bob())


def test_an_orphan_takes_over_the_story_that_is_merged_into_it_with_its_peoples_columns(first_run: Run) -> None:
    Story.objects.filter(pk=story(LOGIN).pk).update(
        status="approved", title="Nobody gets in", reviewed_by=bob(), reviewed_at=NOW
    )
    before = state()
    merge = review.merge_signatures(child=sig(LOGIN), parent=sig(CARD), by=alice())
    taken = story(CARD)
    assert (taken.title, taken.status, taken.reviewed_by, conversations_of(taken)) == (
        "Nobody gets in", "approved", bob(), 5,
    )  # fmt: skip
    review.undo(decision=merge, by=alice())
    assert state() == before


@pytest.mark.parametrize("status", ["done", "dismissed"])
def test_a_closed_story_collects_what_is_merged_and_loses_it_with_the_undo(first_run: Run, status: str) -> None:
    Story.objects.filter(pk=story(SYNC).pk).update(status=status, reviewed_by=bob(), reviewed_at=NOW.replace(year=2027))
    before = state()
    merge = review.merge_signatures(child=sig(CARD), parent=sig(SYNC), by=alice())
    assert (story(SYNC).status, conversations_of(story(SYNC))) == (status, 6)
    review.undo(decision=merge, by=alice())
    assert state() == before


def test_a_story_a_merge_made_stays_once_somebody_has_reviewed_it(first_run: Run) -> None:
    merge = review.merge_signatures(child=sig(CARD), parent=sig(REFUND), by=alice())
    Story.objects.filter(pk=story(REFUND).pk).update(status="approved", reviewed_by=bob(), reviewed_at=NOW)
    review.undo(decision=merge, by=alice())
    assert (story(REFUND).status, conversations_of(story(REFUND))) == ("approved", 2)
    assert broken_promises() == []


def test_later_themes_follow_a_persons_merge_and_leave_with_the_child_when_it_is_undone(first_run: Run) -> None:
    merge = review.merge_signatures(child=sig(LOGIN), parent=sig(SYNC), by=alice())
    second = later([*said(LOGIN, 2, first=10), *said("cannot_log_in", 1, 2), *said(SYNC, 1, first=10)])
    assert set(partition(second).values()) == {SYNC}
    third = later(said(LOGIN, 1, first=20), name="third")
    assert (set(partition(third).values()), conversations_of(story(SYNC))) == ({SYNC}, 12)
    review.undo(decision=merge, by=alice())
    assert sorted(partition(second).values()) == [LOGIN, LOGIN, LOGIN, SYNC]
    assert (conversations_of(story(SYNC)), conversations_of(story(LOGIN))) == (5, 7)
    assert broken_promises() == []


def test_what_a_person_undid_of_a_rule_stays_undone(first_run: Run) -> None:
    merge = Merge.objects.get(child__key="calendar_sync")
    assert (merge.rule, merge.rule_version != "", merge.vector_model) == ("meaning", True, "scripted")
    review.undo(decision=merge, by=bob())
    assert Orphan.objects.get(signature__key="calendar_sync").detail.startswith("needs 2 more conversations")
    assert conversations_of(story(SYNC)) == 3
    later(said("calendar_sync", 1, 1, first=10))
    assert sig("calendar_sync").root_link.root.key == "calendar_sync"
    assert not Merge.objects.filter(child__key="calendar_sync", undone_at=None).exists()


def test_later_themes_of_a_name_whose_merge_a_person_undid_stay_with_the_name(first_run: Run) -> None:
    """Though what is said in them lies as near to what the name was merged into."""
    review.undo(decision=Merge.objects.get(child__key="calendar_sync"), by=bob())
    second = later([*said("calendar_sync", 6, 1, first=10), *said(SYNC, 2, first=10)])
    assert sorted(partition(second).values()) == ["calendar_sync"] * 6 + [SYNC] * 2
    regroup(plan=plan_regroup(profile="support"), reason="a test")
    assert sorted(partition(second).values()) == ["calendar_sync"] * 6 + [SYNC] * 2
    assert broken_promises() == []


def test_an_open_story_that_comes_beside_a_done_one_takes_nothing_from_it(first_run: Run) -> None:
    Story.objects.filter(pk=story(SYNC).pk).update(status="done", reviewed_by=bob(), reviewed_at=NOW.replace(year=2027))
    before = state()
    merge = review.merge_signatures(child=sig(LOGIN), parent=sig(SYNC), by=alice())
    sizes = {found.title: conversations_of(found) for found in Story.objects.filter(signature=sig(SYNC))}
    assert sizes == {"Sync fails": 4, "Login fails": 3}
    later(said(SYNC, 2, first=10))
    assert conversations_of(Story.objects.get(title="Login fails")) == 5
    review.undo(decision=merge, by=alice())
    assert broken_promises() == []
    assert {row for row in before.stories if row[1] == "Login fails"} <= state().stories


# --- Names whose last theme went elsewhere ------------------------------------------------------------------------


def emptied(name: str) -> Decision:
    """Move the only theme of the name to another signature."""
    return review.move_theme(theme=Theme.objects.get(signature=sig(name)), target=sig(CARD), by=alice())


@pytest.mark.parametrize("how", ["veto", "split"])
def test_what_people_keep_apart_stays_apart_though_one_side_is_empty(first_run: Run, how: str) -> None:
    """Otherwise the rules merge the name, as if it were new, and the run after that finds two decisions at odds."""
    if how == "veto":
        later(["nr 0 name=export_is_empty problem=5"], name="export")
        review.veto(first=sig("export_is_empty"), second=sig(SYNC), by=alice())
    else:
        one = Theme.objects.filter(signature=sig(SYNC)).values_list("conversation", flat=True)[:1]
        review.split_signature(signature=sig(SYNC), conversations=one, name="export_is_empty", by=alice())
    emptied("export_is_empty")
    later(["nr 2 name=export_is_empty problem=1"], name="said of the other side")
    later(said(LOGIN, 1, first=10), name="after that")
    assert sig("export_is_empty").root_link.root.key == "export_is_empty"


def test_a_rules_merge_that_was_undone_stays_undone_though_the_name_is_empty(first_run: Run) -> None:
    merge = Merge.objects.get(child=sig("calendar_sync"))
    emptied("calendar_sync")
    review.undo(decision=merge, by=alice())
    later(["nr 2 name=calendar_sync problem=1"])
    later(said(LOGIN, 1, first=10), name="after that")
    assert not Merge.objects.filter(child=sig("calendar_sync"), undone_at=None).exists()


def test_a_theme_goes_back_to_the_name_it_left(first_run: Run) -> None:
    later(["nr 0 name=export_is_empty problem=5"], name="export")
    theme, move = Theme.objects.get(signature=sig("export_is_empty")), emptied("export_is_empty")
    later(["nr 2 name=export_is_empty problem=1"], name="said of another")
    review.undo(decision=move, by=alice())
    theme.refresh_from_db()
    assert theme.signature.root_link.root.key == "export_is_empty"  # type: ignore[union-attr]  # it has one
    assert broken_promises() == []


def test_an_empty_name_is_given_to_its_problem_when_that_comes_back(first_run: Run) -> None:
    later(["nr 0 name=export_is_empty problem=5"], name="export")
    review.veto(first=sig("export_is_empty"), second=sig(SYNC), by=alice())
    emptied("export_is_empty")
    run = later([f"nr {n} name=export_is_empty problem=6" for n in range(2)], name="again")
    assert set(partition(run).values()) == {"export_is_empty"}


def test_no_rule_merges_the_name_of_an_open_story_that_people_emptied(first_run: Run) -> None:
    for theme in Theme.objects.filter(signature=sig(LOGIN)):
        review.move_theme(theme=theme, target=sig(SYNC), by=alice())
    later(["nr 20 name=login_fails problem=1"])
    assert sig(LOGIN).root_link.root.key == LOGIN
    assert story(LOGIN).status == Story.Status.EMPTIED


# --- Vetoes -------------------------------------------------------------------------------------------------------


def test_a_veto_beats_people_until_it_is_undone(first_run: Run) -> None:
    kept_apart = review.veto(first=sig(REFUND), second=sig(CARD), by=bob(), reason="two teams")
    assert {kept_apart.first, kept_apart.second} == {sig(CARD), sig(REFUND)}
    with pytest.raises(DecisionRefused, match=r"a veto keeps them apart: .*Undo it first"):
        review.merge_signatures(child=sig(CARD), parent=sig(REFUND), by=alice())
    review.merge_signatures(child=sig(CARD), parent=sig(LOGIN), by=alice())
    with pytest.raises(DecisionRefused, match="a veto keeps them apart"):
        review.merge_signatures(child=sig(LOGIN), parent=sig(REFUND), by=alice())
    review.undo(decision=kept_apart, by=alice())
    review.merge_signatures(child=sig(LOGIN), parent=sig(REFUND), by=alice())
    assert conversations_of(Story.objects.get(title="Login fails")) == 7


def test_a_veto_beats_every_rule_in_later_runs(first_run: Run) -> None:
    """The vectors say sync, the names say login: without the veto the rules file them under sync."""
    texts = said(LOGIN, 2, problem=1, first=10)
    without = later(texts, name="without")
    assert set(partition(without).values()) == {SYNC}
    review.veto(first=sig(LOGIN), second=sig(SYNC), by=alice())
    vetoed = later(said(LOGIN, 2, problem=1, first=30), name="vetoed")
    again = later(said(LOGIN, 2, problem=1, first=50), name="again")
    assert SYNC not in {*partition(vetoed).values(), *partition(again).values()}


# --- Splitting ----------------------------------------------------------------------------------------------------


def mixed() -> tuple[Signature, list[int]]:
    """Merge Login into Sync, and return the mixture with the ids of the conversations about login."""
    review.merge_signatures(child=sig(LOGIN), parent=sig(SYNC), by=alice())
    about_login = Conversation.objects.filter(themes__raw_signature=LOGIN).order_by("id")
    return sig(SYNC), list(about_login.values_list("pk", flat=True))


def test_a_split_takes_out_the_chosen_conversations_and_undoing_puts_them_back(first_run: Run) -> None:
    signature, chosen = mixed()
    before = state()
    split = review.split_signature(signature=signature, conversations=chosen[:2], name="Password Resets", by=bob())
    assert (split.made.key, split.moves.count(), split.created_by) == ("password_resets", 2, bob())
    assert split.reason == "conversations test-4, test-5"
    assert Orphan.objects.get(signature=split.made).detail.startswith("needs 1 more conversation")
    assert (conversations_of(story(SYNC)), broken_promises()) == (5, [])
    review.undo(decision=split, by=alice())
    assert state() == before
    assert not split.moves.filter(undone_at=None).exists()


def test_later_themes_go_to_the_nearer_side_of_a_split_whatever_they_are_called() -> None:
    """One name for two problems: the rules keep them together as long as the centre lies between them."""
    finish(start(seed([*said(SYNC, 4), *said(LOGIN, 4)])))
    signature, chosen = mixed()
    split = review.split_signature(signature=signature, conversations=chosen, name="locked_out", by=alice())
    run = later([*said(SYNC, 2, problem=2, first=10), *said(LOGIN, 1, problem=1, first=10)])
    assert sorted(partition(run).values()) == ["locked_out", "locked_out", SYNC]
    review.undo(decision=split, by=alice())
    assert set(partition(run).values()) == {SYNC}
    assert broken_promises() == []
    rest = Merge.objects.get(child=split.made, undone_at=None)
    assert rest.reason == "themes added to locked_out before the split was undone"


def test_a_name_that_an_undone_split_left_may_be_given_again_by_people_and_by_runs(first_run: Run) -> None:
    signature, chosen = mixed()
    for _ in range(2):
        split = review.split_signature(signature=signature, conversations=chosen[:1], name="locked_out", by=alice())
        review.undo(decision=split, by=alice())
    run = later(said("locked_out", 3, 9))
    assert set(partition(run).values()) == {"locked_out"}
    assert Signature.objects.filter(key="locked_out").count() == 1


def test_raising_the_threshold_takes_a_signature_apart_where_it_is_two_problems(first_run: Run) -> None:
    signature, _ = mixed()
    before = state()
    with pytest.raises(DecisionRefused, match="at the threshold -1, sync_fails stays in one piece"):
        review.split_by_threshold(signature=signature, threshold=-1, by=alice())
    [split] = review.split_by_threshold(signature=signature, threshold=0.5, by=alice())
    assert (split.made.key, split.threshold, split.moves.count()) == ("login_fails_2", 0.5, 3)
    assert conversations_of(story("login_fails_2")) == 3
    review.undo(decision=split, by=alice())
    assert state() == before


def test_taking_apart_counts_each_centre_once(db: None) -> None:
    """Counting the whole anew for each part would read all its vectors as often as there are parts."""
    finish(start(seed(said(SYNC, 10))))
    with CaptureQueriesContext(connection) as questions:
        splits = review.split_by_threshold(signature=sig(SYNC), threshold=1.0, by=alice())
    counted = [one for one in questions if "UPDATE pipeline_signature signature SET vector_sum" in one["sql"]]
    assert (len(counted), len(splits)) == (1, 9)
    assert broken_promises() == []


def test_more_parts_than_anybody_would_look_at_are_refused(db: None) -> None:
    finish(start(seed(said(SYNC, MOST_PARTS + 1))))
    before = state()
    with pytest.raises(
        DecisionRefused, match=r"would be split into 51 parts, more than the limit of 50; try a lower one"
    ):
        review.split_by_threshold(signature=sig(SYNC), threshold=1.0, by=alice())
    assert state() == before


# --- Moving -------------------------------------------------------------------------------------------------------


def test_a_moved_theme_counts_where_it_was_put_and_so_does_its_next_reading(first_run: Run) -> None:
    before, theme = state(), Theme.objects.get(conversation__external_id="test-0")
    move = review.move_theme(theme=theme, target=sig(CARD), by=bob())
    theme.refresh_from_db()
    assert (theme.signature, theme.signature_rule, theme.signature_score) == (sig(CARD), "person", None)
    assert (conversations_of(story(SYNC)), conversations_of(story(CARD))) == (3, 3)
    review.undo(decision=move, by=bob())
    assert state() == before
    review.move_theme(theme=theme, target=sig(CARD), by=bob())
    change(first_run.source, [f"again name={SYNC} problem=1", *[None] * 10])
    assert partition(finish(start(first_run.source))) == {"test-0": CARD}
    assert (conversations_of(story(CARD)), broken_promises()) == (3, [])


# --- Renaming -----------------------------------------------------------------------------------------------------


def test_a_renamed_signature_is_found_by_its_old_and_its_new_name(first_run: Run) -> None:
    rename = review.rename_signature(signature=sig(SYNC), name="Calendar is out of step", by=alice())
    assert story("calendar_is_out_of_step").title == "Calendar is out of step"
    run = later([*said(SYNC, 1, first=10), *said("calendar_is_out_of_steps", 1, 1)])
    assert set(partition(run).values()) == {"calendar_is_out_of_step"}
    assert not Signature.objects.filter(normal_form="calendarisoutofstep").exists()
    review.undo(decision=rename, by=alice())
    assert (story(SYNC).title, set(partition(run).values())) == ("Sync fails", {SYNC})


def test_a_title_somebody_wrote_survives_a_rename(first_run: Run) -> None:
    Story.objects.filter(pk=story(SYNC).pk).update(title="Google is slow", edited_at=NOW)
    review.rename_signature(signature=sig(SYNC), name="slow_google", by=alice())
    assert story("slow_google").title == "Google is slow"


def test_only_the_spelling_may_be_renamed_again_and_again(first_run: Run) -> None:
    for name in ("SyncFail", "syncfails", "sync_fails", "sync_fail"):
        review.rename_signature(signature=Signature.objects.get(normal_form="syncfail"), name=name, by=alice())
    assert Signature.objects.get(normal_form="syncfail").key == "sync_fail"


# --- Stories that are not open any more ---------------------------------------------------------------------------


def nearest_open() -> set[bool]:
    """Say of each orphan that waits whether the story it is nearest to is open."""
    assert Orphan.objects.filter(graduated_at=None).exists()
    return {bool(found.nearest_story and found.nearest_story.is_open) for found in Orphan.objects.all()}


def test_orphans_look_for_another_story_when_theirs_is_absorbed(first_run: Run) -> None:
    Orphan.objects.update(nearest_story=story(LOGIN))
    review.merge_signatures(child=sig(LOGIN), parent=sig(SYNC), by=alice())
    assert nearest_open() == {True}


def test_orphans_look_for_another_story_when_theirs_is_closed(first_run: Run) -> None:
    Orphan.objects.update(nearest_story=story(LOGIN))
    set_status(stories=Story.objects.filter(pk=story(LOGIN).pk), status="done", by=bob(), at=NOW)
    assert nearest_open() == {True}
    set_status(stories=Story.objects.all(), status="dismissed", by=bob(), at=NOW)
    assert not Orphan.objects.filter(nearest_story__isnull=False).exists()


# --- What is refused ----------------------------------------------------------------------------------------------


def _merged_already() -> None:
    review.merge_signatures(child=sig("calendar_sync"), parent=sig(SYNC), by=alice())


def _other_profile() -> None:
    review.merge_signatures(child=sig(CARD), parent=SignatureFactory(profile="sample"), by=alice())


def _veto_of_one() -> None:
    review.veto(first=sig("calendar_sync"), second=sig(SYNC), by=alice())


def _veto_twice() -> None:
    for first, second in ((CARD, SYNC), (SYNC, CARD)):
        review.veto(first=sig(first), second=sig(second), by=alice())


def _split_all() -> None:
    inside = Conversation.objects.filter(themes__signature=sig(LOGIN)).values_list("pk", flat=True)
    review.split_signature(signature=sig(LOGIN), conversations=list(inside), name="new_name", by=alice())


def _split_none() -> None:
    review.split_signature(signature=sig(LOGIN), conversations=[], name="new_name", by=alice())


def _split_to_a_name_in_use() -> None:
    one = list(Conversation.objects.filter(themes__signature=sig(LOGIN)).values_list("pk", flat=True))[:1]
    review.split_signature(signature=sig(LOGIN), conversations=one, name="RefundIsLate", by=alice())


def _merge_a_split() -> None:
    one = list(Conversation.objects.filter(themes__signature=sig(LOGIN)).values_list("pk", flat=True))[:1]
    split = review.split_signature(signature=sig(LOGIN), conversations=one, name="locked_out", by=alice())
    review.merge_signatures(child=split.made, parent=sig(LOGIN), by=alice())


def _move_nowhere() -> None:
    theme = Theme.objects.get(raw_signature="calendar_sync")
    review.move_theme(theme=theme, target=sig(SYNC), by=alice())


def _move_too_early() -> None:
    unread = start(seed(said(SYNC, 1), name="unmerged"))
    read(unread)
    review.move_theme(theme=unread.themes.get(), target=sig(CARD), by=alice())


def _rename_to_the_same() -> None:
    review.rename_signature(signature=sig(SYNC), name="Sync Fails", by=alice())


def _rename_to_anothers() -> None:
    review.rename_signature(signature=sig(SYNC), name="login_fail", by=alice())


def _rename_to_what_was_renamed() -> None:
    review.rename_signature(signature=sig(SYNC), name="one_name", by=alice())
    review.rename_signature(signature=sig("one_name"), name="other_name", by=alice())
    review.rename_signature(signature=sig(LOGIN), name="one_names", by=alice())


def _undo_twice() -> None:
    merge = review.merge_signatures(child=sig(CARD), parent=sig(SYNC), by=alice())
    for _ in range(2):
        review.undo(decision=merge, by=alice())


def _undo_below_a_later_move() -> None:
    theme = Theme.objects.filter(raw_signature=SYNC).first()
    assert theme
    first = review.move_theme(theme=theme, target=sig(CARD), by=alice())
    review.move_theme(theme=theme, target=sig(REFUND), by=alice())
    review.undo(decision=first, by=alice())


def _undo_below_a_later_split() -> None:
    one = list(Conversation.objects.filter(themes__signature=sig(LOGIN)).values_list("pk", flat=True))[:1]
    split = review.split_signature(signature=sig(LOGIN), conversations=one, name="locked_out", by=alice())
    review.merge_signatures(child=sig(CARD), parent=split.made, by=alice())
    review.undo(decision=split, by=alice())


def _undo_one_theme_of_a_split() -> None:
    one = list(Conversation.objects.filter(themes__signature=sig(LOGIN)).values_list("pk", flat=True))[:1]
    split = review.split_signature(signature=sig(LOGIN), conversations=one, name="locked_out", by=alice())
    review.undo(decision=split.moves.get(), by=alice())


def _undo_a_story_that_went_on() -> None:
    first = review.merge_signatures(child=sig(LOGIN), parent=sig(CARD), by=alice())
    review.merge_signatures(child=sig(CARD), parent=sig(REFUND), by=alice())
    review.undo(decision=first, by=alice())


@pytest.mark.parametrize(
    ("decide", "message"),
    [
        (_merged_already, "both names already mean sync_fails"),
        (_other_profile, r"different profiles \(sample and support\) cannot be combined"),
        (_veto_of_one, "are currently merged. Undo that merge"),
        (_veto_twice, "are already kept apart"),
        (_split_all, "all conversations of login_fails were chosen"),
        (_split_none, "none of the chosen conversations is in login_fails"),
        (_split_to_a_name_in_use, "refund_is_late is already the name of a signature"),
        (_merge_a_split, "a split keeps them apart: locked_out out of login_fails"),
        (_move_nowhere, "already belongs to sync_fails"),
        (_move_too_early, "has no signature yet"),
        (_rename_to_the_same, "already has that name"),
        (_rename_to_anothers, "is already the name of a signature"),
        (_rename_to_what_was_renamed, "is used by another rename"),
        (_undo_twice, "has already been undone"),
        (_undo_below_a_later_move, "a later move depends on it: .* Undo that first"),
        (_undo_below_a_later_split, "a later merge depends on it: card_charged_twice into locked_out"),
        (_undo_one_theme_of_a_split, "a later split depends on it: locked_out out of login_fails"),
        (_undo_a_story_that_went_on, "a later merge depends on it: card_charged_twice into refund_is_late"),
    ],
)
def test_it_refuses_what_makes_no_sense_and_says_why(first_run: Run, decide: Callable[[], None], message: str) -> None:
    with pytest.raises(DecisionRefused, match=message):
        decide()
    assert broken_promises() == []


def test_a_person_who_leaves_takes_no_decision_along(first_run: Run) -> None:
    charlie = User.objects.create(username="leaves")
    theme = Theme.objects.filter(raw_signature=SYNC).first()
    assert theme
    one = list(Conversation.objects.filter(themes__signature=sig(LOGIN)).values_list("pk", flat=True))[:1]
    decisions: list[Decision] = [
        review.merge_signatures(child=sig(CARD), parent=sig(SYNC), by=charlie),
        review.veto(first=sig(REFUND), second=sig(SYNC), by=charlie),
        review.split_signature(signature=sig(LOGIN), conversations=one, name="locked_out", by=charlie),
        review.move_theme(theme=theme, target=sig(REFUND), by=charlie),
        review.rename_signature(signature=sig(REFUND), name="slow_refund", by=charlie),
    ]
    was = state()
    charlie.delete()
    for decision in decisions:
        decision.refresh_from_db()
        assert (decision.created_by, decision.stands) == (None, True)
    assert state() == was
