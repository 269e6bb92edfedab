"""Why a run gave few stories, and the way of one conversation: every number and reason is that of the rows."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from pipeline.ledger.errors import RunError
from pipeline.models import Conversation, Item, Merge, Orphan, Run, Theme
from pipeline.reports.diagnose import diagnose_run
from pipeline.reports.trace import NoSuchConversation, trace_conversation
from pipeline.runs.create import Selection
from pipeline.runs.preview import preview
from pipeline.runs.reopen import reopen
from tests.support.factories import alice
from tests.support.seeding import NOW, change, finish, first_run, read, scripts, seed, start

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def of(name: str, problem: int, count: int, **words: object) -> list[str]:
    """Return scripts about one problem under one name."""
    extra = " ".join(f"{key}={value}" for key, value in words.items())
    return [f"{name} {number} name={name} problem={problem} {extra}" for number in range(count)]


LONG = "The kiln of our pottery does not heat. " + " ".join(
    f"Shelf {number} holds {number + 3} vases of the spring course." for number in range(3_000)
)


def test_it_says_of_a_long_conversation_what_was_not_read(
    capsys: pytest.CaptureFixture[str], admin_client: Client
) -> None:
    run = first_run([LONG, "The kiln does not heat any more."], "local")
    found = diagnose_run(run_id=run.pk)
    assert (found.too_long, [one.conversation for one in found.not_read]) == (1, ["test-0"])
    why = found.not_read[0].left_out
    assert why.startswith("too long to read in full: the model read ")
    long, short = (trace_conversation(external_id=f"test-{number}").readings[0] for number in (0, 1))
    assert (long.left_out, short.left_out, long.language) == (why, "", "English")
    call_command("diagnose", str(run.pk))
    assert "Only read in part (1 conversation)" in capsys.readouterr().out
    conversation = Conversation.objects.get(external_id="test-0")
    page = admin_client.get(f"/admin/pipeline/conversation/{conversation.pk}/change/").content.decode()
    assert why in page


# --- A run: what became of conversations and groups ---------------------------------------------------------------


def test_it_counts_groups_by_size_with_their_stories() -> None:
    sizes = {"alpha_fails": 1, "beta_hangs": 1, "gamma_is_lost": 2, "delta_is_late": 3, "epsilon_twice": 7}
    run = first_run([text for n, (name, count) in enumerate(sizes.items()) for text in of(name, n * 10, count)])
    found = diagnose_run(run_id=run.pk)
    assert (found.groups, found.stories, found.themes, found.names_proposed) == (5, 2, 14, 5)
    counted = {size.label: (size.groups, size.stories) for size in found.sizes}
    assert counted == {
        "1": (2, 0), "2": (1, 0), "3-4": (1, 1), "5-9": (1, 1), "10-19": (0, 0), "20-49": (0, 0), "50 and more": (0, 0),
    }  # fmt: skip
    assert found.one_short == 1
    assert (
        found.conclusion[0]
        == "3 of 5 groups have fewer than the 3 conversations a story needs; 1 of them are one conversation short."
    )
    assert found.conclusion[-1] == "2 of 5 groups are stories."


def test_it_counts_what_each_gate_holds_back_and_names_the_largest() -> None:
    texts = [*of("alpha_fails", 1, 5), *of("beta_hangs", 20, 4, confidence=0.1), *of("gamma_is_lost", 40, 2)]
    texts += [*of("delta_is_late", 60, 3, confidence=0.1), *of("epsilon_twice", 80, 1)]
    gates = {gate.reason: gate for gate in diagnose_run(run_id=first_run(texts).pk).gates}
    assert set(gates) == {"low_confidence", "too_few"}
    unclear = gates["low_confidence"]
    assert (unclear.groups, unclear.conversations) == (2, 7)
    assert [(held.signature, held.conversations) for held in unclear.largest] == [
        ("beta_hangs", 4),
        ("delta_is_late", 3),
    ]
    assert unclear.largest[0].needs == "confidence 30 of 100, needs 40"
    assert [held.signature for held in gates["too_few"].largest] == ["gamma_is_lost", "epsilon_twice"]


def test_it_counts_reasons_of_conversations_without_a_theme() -> None:
    run = first_run([*scripts(1, 3), *["category=spam"] * 4, "act=raise", "act=malformed"])
    reasons = [(one.state, one.reason, one.conversations) for one in diagnose_run(run_id=run.pk).reasons]
    assert reasons == [
        ("filtered", "spam", 4), ("failed", "could not parse: ValidationError", 1),
        ("failed", "could not read: RuntimeError", 1),
    ]  # fmt: skip


# --- A run: near twins --------------------------------------------------------------------------------------------


def near_twins() -> Run:
    """Return a run in which two names of one problem stayed apart, for a person undid their merge; others are far."""
    texts = [*of("calendar_sync_fails", 1, 2), *of("calendar_sync_failing", 1, 2)]
    texts += [text for n in range(8) for text in of(f"{chr(97 + n) * 6}_other", 100 + n, 1)]
    run = first_run(texts, no_stories=True)
    merge = Merge.objects.get()
    merge.child.vector_sum = Theme.objects.filter(signature=merge.child).earliest("id").vector
    merge.child.size = 1
    merge.child.save()
    Merge.objects.update(undone_at=NOW, undone_by=alice())
    return finish(reopen(run_id=run.pk, phase="group", with_stories=True))


def test_it_finds_near_twins_by_meaning_and_by_name_and_says_what_merging_would_give() -> None:
    pair = diagnose_run(run_id=near_twins().pk).pairs[0]
    assert {pair.first, pair.second} == {"calendar_sync_fails", "calendar_sync_failing"}
    assert 0.8 < pair.by_meaning <= 1
    assert 0.6 < pair.by_name < 1
    assert (pair.together, pair.would_be) == (4, "a story")


def test_the_conclusion_names_pairs_that_would_make_a_story() -> None:
    found = diagnose_run(run_id=near_twins().pk)
    assert any(line.endswith("1 would make a story if merged.") for line in found.conclusion)


def test_a_twin_of_a_story_would_make_it_larger() -> None:
    finish(start(seed(of("calendar_sync_fails", 1, 3, more=1), name="other")))
    run = near_twins()
    by_names = {frozenset((pair.first, pair.second)): pair for pair in diagnose_run(run_id=run.pk).pairs}
    pair = by_names[frozenset(("calendar_sync_fails", "calendar_sync_failing"))]
    assert (pair.together, pair.would_be) == (7, "one larger story")


def test_a_twin_whose_conversations_say_something_else_now_would_make_no_story() -> None:
    source = first_run(of("calendar_sync_fails", 1, 2)).source
    change(source, [f"{text} again" for text in of("beta_hangs", 33, 2)])
    finish(start(source))
    run = finish(start(seed(of("calendar_sync_failing", 77, 1), name="second")))
    (pair,) = diagnose_run(run_id=run.pk).pairs
    assert {pair.first, pair.second} == {"calendar_sync_fails", "calendar_sync_failing"}
    assert (pair.together, pair.would_be) == (1, "still too few")


def test_names_that_have_nothing_in_common_are_no_twins() -> None:
    texts = [text for n in range(5) for text in of(f"{chr(97 + n) * 6}_{chr(110 + n) * 5}", 100 + n, 1)]
    assert diagnose_run(run_id=first_run(texts).pk).pairs == ()


# --- A run: the conclusion ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "selection", "said"),
    [
        ([], {}, "The run selected no conversations of file:test. Check its dates"),
        (["category=spam"] * 3, {}, "Only 0 of 3 conversations that were read produced a theme; most often: spam."),
        ([*of("alpha_fails", 1, 5)], {"no_stories": True}, "No stories were requested; `./manage.py make_stories "),
        ([*of("alpha_fails", 1, 5)], {}, "1 of 1 groups are stories."),
        (
            [*of("alpha_fails", 1, 5), *of("beta_hangs", 20, 5), *of("gamma_is_lost", 40, 4, confidence=0.1)],
            {},
            "1 group is large enough but held back (low confidence), for example gamma_is_lost.",
        ),
    ],
)
def test_it_concludes_in_a_sentence(texts: list[str], selection: dict[str, Any], said: str) -> None:
    assert diagnose_run(run_id=first_run(texts, **selection).pk).conclusion[0].startswith(said)


def test_it_says_when_all_was_skipped() -> None:
    source = first_run(scripts(1, 3)).source
    found = diagnose_run(run_id=finish(start(source)).pk)
    assert found.conclusion == (
        "All 3 conversations were skipped as unchanged. Use --force-refresh to read them again.",
    )


def test_it_says_where_a_run_stands_that_has_not_grouped() -> None:
    run = start(seed(scripts(2, 3)))
    assert diagnose_run(run_id=run.pk).conclusion == ("6 of 6 conversations have not been read yet.",)
    run = finish(run)
    Orphan.objects.all().delete()
    run.new_stories.all().delete()
    Run.objects.filter(pk=run.pk).update(phase="group", state="failed")
    assert (
        diagnose_run(run_id=run.pk).conclusion[0]
        == "The run is failed and has not grouped its themes yet (it is before group)."
    )


def test_it_refuses_what_has_no_stories_to_ask_about() -> None:
    source = seed(scripts(1, 3))
    dry = preview(source=source, profile="support", extractor="scripted", selection=Selection())
    with pytest.raises(RunError, match="is a dry run, so it read nothing"):
        diagnose_run(run_id=dry.pk)
    with pytest.raises(RunError, match="there is no run 0"):
        diagnose_run(run_id=0)


# --- One conversation ---------------------------------------------------------------------------------------------


def test_it_follows_a_theme_from_its_name_to_its_story() -> None:
    run = first_run([*of("sync_broken", 3, 4), *of("calendar_stale", 3, 3), *scripts(2, 4, more=1)])
    merge = Merge.objects.get()
    theme = Theme.objects.filter(signature=merge.child).earliest("id")
    trace = trace_conversation(external_id=theme.conversation.external_id)
    (reading,) = trace.readings
    assert (reading.run, reading.state, reading.category, reading.deliveries) == (
        run.pk,
        "extracted",
        "product_issue",
        1,
    )
    assert [(call.step, call.attempt, call.finish_reason) for call in reading.calls] == [("extract", 1, "stop")]
    (step,) = reading.themes
    assert (step.raw, step.signature, step.root) == (merge.child.key, merge.child.key, merge.parent.key)
    assert (step.rule, step.quotes, step.confidence) == ("own_name", 1, 0.9)
    assert step.merges == (f"into {merge.parent.key} by meaning, {merge.score:.2f}: {merge.reason}",)
    assert step.home.endswith("(candidate, 7 conversations)")
    assert (trace.first_run, trace.not_selected) == (run.pk, ())


def test_it_says_what_an_orphan_needs() -> None:
    first_run([*scripts(3, 4), *of("rare_thing", 50, 2)])
    (reading,) = trace_conversation(external_id="test-12").readings
    assert reading.themes[0].home == "orphan, too few: needs 1 more conversation (has 2)"
    Orphan.objects.update(dismissed_at=NOW)
    (reading,) = trace_conversation(external_id="test-12").readings
    assert reading.themes[0].home.startswith("dismissed orphan, too few")


@pytest.mark.parametrize(
    ("text", "state", "reason", "error"),
    [
        ("category=spam", "filtered", "spam", ""),
        ("act=raise", "failed", "could not read: RuntimeError", "RuntimeError: asked to raise by 'act=raise'"),
    ],
)
def test_it_says_why_a_reading_gave_no_theme(text: str, state: str, reason: str, error: str) -> None:
    first_run([*scripts(1, 3), text])
    (reading,) = trace_conversation(external_id="test-3").readings
    assert (reading.state, reading.reason, reading.error, reading.themes) == (state, reason, error, ())


def test_it_tells_readings_of_several_versions_and_which_counts() -> None:
    first = first_run(of("alpha_fails", 1, 3))
    source = first.source
    change(source, ["again name=beta_hangs problem=20", None, None])
    second = finish(start(source))
    trace = trace_conversation(external_id="test-0")
    assert len(trace.versions) == 2
    newer, older = trace.readings
    assert (newer.run, older.run, newer.version != older.version) == (second.pk, first.pk, True)
    assert older.themes[0].home == f"superseded: run {second.pk} read it again"
    assert newer.themes[0].home == "orphan, too few: needs 2 more conversations (has 1)"
    unchanged = trace_conversation(external_id="test-1").readings
    assert [(reading.state, reading.reason) for reading in unchanged] == [("skipped", "unchanged"), ("extracted", "")]


def test_it_says_where_a_theme_stands_whose_run_has_not_merged() -> None:
    run = start(seed(scripts(1, 3)))
    read(run)
    (reading,) = trace_conversation(external_id="test-0").readings
    assert reading.themes[0].home == f"no signature yet: run {run.pk} is running, and its next phase is extract"


def test_it_says_why_a_run_passed_a_conversation_over() -> None:
    source = seed(scripts(1, 6))
    reasons = {
        finish(start(source, since=NOW + 3 * MINUTE)).pk: "occurred 2026-11-01 12:00, before --since 2026-11-01 12:03",
        finish(start(source, limit=2)).pk: "--limit 2 took newer conversations",
    }
    assert dict(trace_conversation(external_id="test-0").not_selected) == reasons
    last = finish(start(source, until=NOW + 2 * MINUTE, force_refresh=True))
    assert dict(trace_conversation(external_id="test-3").not_selected) == {
        last.pk: "occurred 2026-11-01 12:03, not before --until 2026-11-01 12:02",
        max(reasons): "--limit 2 took newer conversations",
    }
    seed(["later"])
    Conversation.objects.get(external_id="test-6").versions.update(stored_at=last.created_at + MINUTE)
    why = set(dict(trace_conversation(external_id="test-6").not_selected).values())
    assert [reason.startswith("imported later, ") for reason in why] == [True]


def test_an_id_of_several_sources_needs_its_source() -> None:
    seed(["x name=alpha problem=1"], name="one")
    seed(["x name=alpha problem=1"], name="two")
    Conversation.objects.update(external_id="t-1")
    with pytest.raises(
        NoSuchConversation, match=r"t-1 is a conversation in file:one, file:two; choose one with --source"
    ):
        trace_conversation(external_id="t-1")
    assert trace_conversation(external_id="t-1", source="file:two").source == "file:two"
    with pytest.raises(NoSuchConversation, match=r"there is no source file:three. Sources: file:one, file:two"):
        trace_conversation(external_id="t-1", source="file:three")
    with pytest.raises(NoSuchConversation, match="there is no conversation t-2 in file:one"):
        trace_conversation(external_id="t-2", source="file:one")


# --- The command --------------------------------------------------------------------------------------------------


def command(*words: object) -> Any:
    out = StringIO()
    call_command("diagnose", *map(str, words), "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_says_it_in_json() -> None:
    run = first_run([*of("alpha_fails", 1, 5), *of("rare_thing", 50, 1)])
    found = command(run.pk)
    assert (found["run"], found["stories"], found["gates"][0]["reason"]) == (run.pk, 1, "too_few")
    trace = command("--conversation", "test-5", "--source", "file:test")
    assert trace["readings"][0]["themes"][0]["home"] == "orphan, too few: needs 2 more conversations (has 1)"
    assert trace["occurred_at"] == "2026-11-01T12:05:00Z"


def test_the_command_prints_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run = near_twins()
    call_command("diagnose", str(run.pk))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    words = " ".join(out.split())
    for part in ("Groups by size (2 are one conversation short)", "too few", "calendar_sync_failing", "a story"):
        assert part in words
    call_command("diagnose", "--conversation", "test-0")
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert out.startswith("test-0 of file:test, customer customer-0\n")
    assert "  theme calendar_sync_fails: confidence 0.90, 1 quote\n" in out


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ((), "give either a run or --conversation ID"),
        (("1", "--conversation", "t-1"), "give either a run or --conversation ID"),
        (("0",), "there is no run 0"),
        (("--conversation", "t-1"), "there is no conversation t-1 in any source"),
    ],
)
def test_the_command_says_in_a_sentence_what_it_cannot_answer(words: tuple[str, ...], refusal: str) -> None:
    with pytest.raises(CommandError, match=refusal):
        call_command("diagnose", *words)
    assert not Item.objects.exists()
