"""A run from start to end, over real worker processes."""

import time

import pytest
from rich.console import Console

from pipeline import tasks
from pipeline.ledger.counts import failed_items, item_counts
from pipeline.ledger.states import request_stop
from pipeline.management.following import follow
from pipeline.merge.rules.assign import assign
from pipeline.merge.rules.records import Registered, ThemeRow
from pipeline.models import Call, Evidence, Item, Merge, Orphan, Run, Signature, Story, Theme
from pipeline.runs.create import RunIsLive
from pipeline.runs.reopen import reopen
from tests.fakes.scripted import vector_of
from tests.support.seeding import partition, scripts, seed, start, twins
from tests.support.workers import Worker

OTHER_WORDS = ("apple", "birch", "cedar", "daisy", "elder", "fern", "grape", "hazel")
"""For names that differ in more than a number: those are different errors."""


def finish(run: Run, seconds: float = 60) -> Run:
    """Dispatch a run and wait for its end without looking after it: the chord alone must bring it there."""
    tasks.dispatch(run=run)
    return wait(run, seconds)


def wait(run: Run, seconds: float = 60) -> Run:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if not run.is_live:
            return run
        time.sleep(0.05)
    raise AssertionError(f"run {run.pk} is still {run.state} in {run.phase}: {item_counts(run)}")


def test_a_run_ends_with_stories_and_orphans(worker: Worker) -> None:
    source = seed([*scripts(problems=4, each=5), *scripts(problems=1, each=2, name="rare_thing_breaks", problem=77)])
    run = finish(start(source))
    assert (run.state, run.phase, run.error, run.attention) == ("completed", "done", "", "")
    assert item_counts(run).extracted == 22
    assert Story.objects.count() == 4
    orphan = Orphan.objects.get()
    assert (orphan.reason, orphan.detail) == ("too_few", "needs 1 more conversation")
    assert {story.evidence.count() for story in Story.objects.all()} == {5}
    assert Call.objects.count() == 22


def test_every_quote_stands_where_it_says(worker: Worker) -> None:
    finish(start(seed(scripts(problems=2, each=3))))
    quotes = Evidence.objects.select_related("version")
    assert len(quotes) == 6
    assert all(evidence.version.text[evidence.start : evidence.end] == evidence.quote for evidence in quotes)


def test_an_empty_run_completes(worker: Worker) -> None:
    run = finish(start(seed([])))
    assert (run.state, run.phase) == ("completed", "done")


def test_a_run_of_one_chunk_completes(worker: Worker) -> None:
    run = finish(start(seed(scripts(problems=1, each=3)), chunk_size=500))
    assert run.state == "completed"
    assert Story.objects.get().title == "Problem 000 fails"


def test_a_bad_conversation_costs_only_itself(worker: Worker) -> None:
    texts = scripts(problems=2, each=5)
    source = seed([*texts, "name=bad_one act=raise", "name=bad_two act=malformed", *scripts(1, 3, problem=9)])
    run = finish(start(source))
    assert run.state == "completed_with_errors"
    assert run.attention == "2 of 15 conversations failed"
    failed = {item.error_class: item.stage for item in failed_items(run)}
    assert failed == {"RuntimeError": "read", "ValidationError": "parse"}
    assert Theme.objects.count() == 13


def test_a_malformed_answer_is_kept_whole(worker: Worker) -> None:
    run = finish(start(seed([*scripts(1, 4), "act=malformed"])))
    item = failed_items(run).get()
    assert item.calls.get().answer.endswith('"themes": [{"signature"')


def test_a_run_in_which_nothing_was_found_needs_attention(worker: Worker) -> None:
    run = finish(start(seed(["category=spam"] * 3)))
    assert (run.state, run.attention) == (
        "needs_attention",
        "none of 3 conversations produced a theme: 3 filtered: spam",
    )


def test_one_signature_for_everything_needs_attention(worker: Worker) -> None:
    run = finish(start(seed(scripts(problems=1, each=25))))
    assert run.state == "needs_attention"
    assert "the same signature" in run.attention


def test_without_stories_the_run_ends_after_the_merge(worker: Worker) -> None:
    run = finish(start(seed(scripts(problems=2, each=4)), no_stories=True))
    assert run.state == "completed"
    assert (Story.objects.count(), Orphan.objects.count()) == (0, 0)
    assert not Theme.objects.filter(signature=None).exists()


def test_spelling_twins_share_one_signature_and_every_merge_says_why(worker: Worker) -> None:
    run = finish(start(seed(twins(problems=5, each=12))))
    assert len(set(partition(run).values())) == 5
    assert Story.objects.count() == Signature.objects.count() == 5
    assert Theme.objects.values("raw_signature").distinct().count() == 20


def test_names_that_differ_for_one_problem_are_merged_with_rule_score_and_reason(worker: Worker) -> None:
    texts = [f"nr {n} name={name} problem=3" for name in ("sync_broken", "calendar_stale") for n in range(4)]
    run = finish(start(seed(texts + scripts(problems=2, each=4))))
    assert len(set(partition(run).values())) == 3
    merge = Merge.objects.get()
    assert {merge.child.key, merge.parent.key} == {"sync_broken", "calendar_stale"}
    assert merge.rule == "meaning"
    assert (merge.score or 0) > 0.9
    assert merge.reason.startswith(f"4 themes named {merge.child.key}: mean cosine 0.9")


def test_one_name_for_two_problems_is_not_glued(worker: Worker) -> None:
    texts = [f"nr {n} name=it_fails problem={problem}" for problem in (31, 32) for n in range(4)]
    run = finish(start(seed(texts + scripts(problems=2, each=4))))
    assert len(set(partition(run).values())) == 4


def test_a_second_run_routes_new_conversations_to_existing_stories(worker: Worker) -> None:
    finish(start(seed(scripts(problems=4, each=5))))
    before = set(Story.objects.values_list("pk", flat=True))
    texts = [f"later {n} name=another_{word} problem={n % 4}" for n, word in enumerate(OTHER_WORDS)]
    second = finish(start(seed(texts)))
    assert second.state == "completed"
    assert set(Story.objects.values_list("pk", flat=True)) == before
    assert {story.evidence.count() for story in Story.objects.all()} == {7}
    assert item_counts(second).skipped == 20


def test_orphans_accumulate_across_runs_and_graduate(worker: Worker) -> None:
    finish(start(seed([*scripts(3, 4), "nr 1 name=rare problem=50", "nr 2 name=rare problem=50"])))
    assert Orphan.objects.get().graduated_at is None
    finish(start(seed(["nr 3 name=rare problem=50"])))
    orphan = Orphan.objects.get()
    assert orphan.graduated_at is not None
    assert orphan.story is not None
    assert orphan.story.evidence.count() == 3


def test_unchanged_conversations_are_skipped_and_forced_ones_read_again(worker: Worker) -> None:
    source = seed(scripts(problems=2, each=4))
    finish(start(source))
    again = finish(start(source))
    assert (again.state, item_counts(again).skipped) == ("completed", 8)
    forced = finish(start(source, force_refresh=True))
    assert item_counts(forced).extracted == 8
    assert {story.evidence.count() for story in Story.objects.all()} == {4}


def test_concurrency_bounds_the_chunks_in_flight(start_worker: type[Worker]) -> None:
    run = start(seed(scripts(problems=2, each=12, slow=0.05)), concurrency=2, chunk_size=2)
    worker = start_worker(concurrency=6)
    worker.wait_until_ready()
    tasks.dispatch(run=run)
    most = 0
    while run.is_live:
        reading = run.items.filter(state=Item.State.READING).values("chunk").distinct().count()
        most = max(most, reading)
        run.refresh_from_db()
    assert run.state == "completed"
    assert most == 2


def test_a_stopped_run_stops_at_an_edge_and_resumes(worker: Worker) -> None:
    run = start(seed(scripts(problems=3, each=40, slow=0.02)), chunk_size=10)
    tasks.dispatch(run=run)
    while item_counts(run).finished < 10:
        time.sleep(0.02)
    assert request_stop(run_id=run.pk)
    run = follow(run.pk, Console(quiet=True))
    assert run.state == "stopped"
    counts = item_counts(run)
    assert counts.pending > 0
    assert counts.reading == 0
    resumed = finish(reopen(run_id=run.pk))
    assert resumed.state == "completed"
    assert Call.objects.count() == 120
    assert Call.objects.filter(attempt__gt=1).count() == 0


def test_a_live_run_refuses_a_second_one_of_its_source(transactional_db: None) -> None:
    source = seed(scripts(problems=1, each=3))
    run = start(source)
    with pytest.raises(RunIsLive, match=f"live run: {run.pk} "):
        start(source)


def test_a_dead_run_is_marked_lost_and_blocks_nobody(transactional_db: None) -> None:
    source = seed(scripts(problems=1, each=3))
    dead = start(source)
    Run.objects.update(heartbeat_at="2026-01-01T00:00Z")
    start(source)
    dead.refresh_from_db()
    assert dead.state == "lost"
    assert "no heartbeat" in dead.error


@pytest.mark.parametrize(("chunk_size", "concurrency"), [(1, 20), (7, 1), (500, 1), (7, 20)])
def test_names_and_groups_do_not_depend_on_order_chunks_or_concurrency(
    worker: Worker, chunk_size: int, concurrency: int
) -> None:
    texts = [*twins(problems=6, each=10, seed=chunk_size), *scripts(problems=1, each=2, name="rare", problem=90)]
    run = finish(start(seed(texts), chunk_size=chunk_size, concurrency=concurrency))
    texts_of = dict(run.source.conversations.values_list("external_id", "current_version__messages__0__text"))
    found = {str(texts_of[key]): name for key, name in partition(run).items()}
    assert found == _assigned_alone(sorted(texts))


def _assigned_alone(texts: list[str]) -> dict[str, str]:
    """Return the root's key for each text, by the pure rules in this process, from another order."""
    themes = []
    for number, text in enumerate(texts):
        name, problem = (word.partition("=")[2] for word in text.split()[-2:])
        themes.append(ThemeRow(number, name, f"Problem {problem}.", vector_of(int(problem), text).tobytes()))
    result = assign(themes, Registered())
    keys = {signature.form: signature.key for signature in result.signatures}
    return {texts[theme.theme_id]: keys[result.root_of[theme.form]] for theme in result.themes}
