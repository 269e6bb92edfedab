"""The commands as people and scripts use them: what they print where, how they end, what they refuse."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from pipeline.ledger.counts import item_counts
from pipeline.models import (
    Call,
    Conversation,
    ConversationVersion,
    Evidence,
    Item,
    Merge,
    Orphan,
    Registry,
    Run,
    Signature,
    Source,
    Story,
    Theme,
)
from tests.pipeline.sources.test_import_command import environment
from tests.support.commands import SCRIPTED, Captured, command, words_for_people
from tests.support.seeding import finish, scripts, seed, start
from tests.support.waiting import refused, until
from tests.support.workers import Worker

MADE_BY_RUNS = (Item, Call, Theme, Evidence, Registry, Signature, Merge, Story, Orphan)
QUALITY = {
    "pairwise_f1", "v_measure", "ari", "groups_found", "groups_true", "orphan_share", "noise_orphan_share",
    "seconds",
}  # fmt: skip


def export(path: Path, *rows: dict[str, str]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def labelled(path: Path) -> Path:
    """Write twelve conversations about three problems, two of noise, and one without a label."""
    texts = [(f"problem {n % 3}", f"nr {n} name=problem_{n % 3}_fails problem={n % 3}") for n in range(12)]
    texts += [("noise", f"name=odd_{n} problem={90 + n}") for n in range(2)]
    rows = [{"id": str(n), "text": text, "label": label} for n, (label, text) in enumerate(texts)]
    return export(path, *rows, {"id": "x", "text": "name=unlabelled problem=0"})


# --- run_pipeline -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "code", "state"),
    [
        (scripts(2, 4), 0, "completed"),
        ([*scripts(2, 4), "act=raise"], 3, "completed_with_errors"),
        (["category=spam"] * 3, 3, "needs_attention"),
    ],
)
def test_its_exit_code_and_its_json_tell_how_the_run_ended(
    worker: Worker, capsys: Captured, texts: list[str], code: int, state: str
) -> None:
    seed(texts)
    assert command("run_pipeline", "file:test", *SCRIPTED, "--json") == code
    shown = capsys.readouterr()
    summary = json.loads(shown.out)
    assert (summary["state"], summary["conversations"]["planned"]) == (state, len(texts))
    assert "conversations/s" in shown.err


def test_a_run_that_fails_ends_with_1_and_says_why_and_how_to_go_on(worker: Worker, capsys: Captured) -> None:
    seed(scripts(2, 4))
    with refused("pipeline_signature", unless="id < 0"):
        assert command("run_pipeline", "file:test", *SCRIPTED) == 1
    shown = words_for_people(capsys.readouterr().out)
    assert "Note: IntegrityError: " in shown
    assert f"Repair it with: ./manage.py salvage {Run.objects.get().pk}" in shown
    assert command("salvage", str(Run.objects.get().pk)) == 0
    assert Story.objects.count() == 2


def test_ctrl_c_lets_it_stop_at_an_edge_and_end_with_4(worker: Worker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    texts = scripts(2, 25)
    seed([*texts[:12], *(f"{text} until={gate}" for text in texts[12:])])
    process = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_pipeline", "file:test", *SCRIPTED, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), "PYTHONWARNINGS": "default"},
    )
    with process:
        try:
            until(lambda: Item.objects.filter(state="extracted").exists())
            process.send_signal(signal.SIGINT)
            until(lambda: Run.objects.filter(stop_requested_at__isnull=False).exists())
        finally:
            gate.touch()  # or nothing would end
        out, err = process.communicate(timeout=120)
    run = Run.objects.get()
    assert (process.returncode, run.state, json.loads(out)["state"]) == (4, "stopped", "stopped")
    assert "Stopping after the conversations in progress." in err
    assert f"Continue with:  ./manage.py run_pipeline --resume {run.pk}" in err
    assert item_counts(run).pending > 0
    assert command("run_pipeline", "--resume", str(run.pk)) == 0


def test_a_detached_run_is_named_and_left_to_the_workers(worker: Worker, capsys: Captured) -> None:
    seed(scripts(2, 4))
    assert command("run_pipeline", "file:test", *SCRIPTED, "--detach", "--json") == 0
    run = Run.objects.get()
    assert json.loads(capsys.readouterr().out) == {"run": run.pk}
    until(lambda: Run.objects.get().state == "completed")


def test_it_imports_a_file_first_and_ends_with_3_if_rows_were_rejected(
    worker: Worker, capsys: Captured, tmp_path: Path
) -> None:
    rows = [{"id": str(n), "text": text} for n, text in enumerate(scripts(2, 4))]
    path = export(tmp_path / "march[b].jsonl", *rows, {"id": "no text"})
    assert command("run_pipeline", "file", "--path", str(path), *SCRIPTED) == 3
    shown = words_for_people(capsys.readouterr().out)
    assert "of file:march[b]" in shown
    assert "8 new, 0 updated, 0 unchanged, 1 rejected" in shown
    assert "2 new, 0 grown" in shown
    assert Run.objects.get().state == "completed"
    assert path.with_name(f"{path.name}.rejects.jsonl").exists()


def test_what_comes_through_a_pipe_is_read_whole(worker: Worker, tmp_path: Path) -> None:
    rows = export(tmp_path / "rows.jsonl", *({"id": str(n), "text": text} for n, text in enumerate(scripts(2, 4))))
    reading, writing = os.pipe()
    try:
        os.write(writing, rows.read_bytes())
        os.close(writing)
        assert command("run_pipeline", "file", "--path", f"/dev/fd/{reading}", "--name", "piped", *SCRIPTED) == 0
    finally:
        os.close(reading)
    assert item_counts(Run.objects.get()).extracted == 8


def test_a_file_of_a_source_that_is_being_read_is_not_imported(worker: Worker, tmp_path: Path) -> None:
    run = start(seed(scripts(1, 3), name="export"))
    path = export(tmp_path / "export.jsonl", {"id": "new", "text": "Hello"})
    with pytest.raises(CommandError, match=f"file:export already has a live run: {run.pk}"):
        call_command("run_pipeline", "file", "--path", str(path), *SCRIPTED)
    assert Conversation.objects.count() == 3


def test_a_dead_run_of_its_source_does_not_keep_a_file_out(worker: Worker, tmp_path: Path) -> None:
    dead = start(seed(scripts(1, 3), name="export"))
    Run.objects.update(heartbeat_at="2026-01-01T00:00Z")
    path = export(tmp_path / "export.jsonl", *({"id": str(n), "text": text} for n, text in enumerate(scripts(1, 3))))
    assert command("run_pipeline", "file", "--path", str(path), *SCRIPTED) == 0
    dead.refresh_from_db()
    assert dead.state == "lost"


WITHOUT_QUEUE = {"REDIS_URL": "redis://127.0.0.1:1/0", "PYTHONWARNINGS": "default"}


def test_an_unreachable_queue_is_refused_before_there_is_a_run(transactional_db: None) -> None:
    seed(scripts(1, 3))
    ended = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_pipeline", "file:test", *SCRIPTED, "--detach"],
        capture_output=True,
        text=True,
        env={**environment(), **WITHOUT_QUEUE},
        timeout=240,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("CommandError: the run cannot start. Redis: it cannot be reached: ")
    assert not Run.objects.exists()


def test_a_queue_that_goes_away_after_that_ends_the_run_and_leaves_its_source_free(transactional_db: None) -> None:
    run = start(seed(scripts(1, 3)))
    dispatch = (
        "import django; django.setup(); from pipeline import tasks; from pipeline.models import Run; "
        "tasks.dispatch(run=Run.objects.get())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", dispatch],
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
        env={**environment(), **WITHOUT_QUEUE},
        timeout=240,
        check=False,
    )
    run.refresh_from_db()
    assert (ended.returncode, run.state) == (1, "failed")
    assert "RunError: the queue cannot be reached" in ended.stderr
    assert f"manage.py run_pipeline --resume {run.pk}" in ended.stderr


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ([], "name a source, for example "),
        (["--resume", "1", "--dry-run"], "--resume continues .* Leave out dry-run"),
        (["file:test", "--resume", "1"], "Leave out source"),
        (["--resume", "1", "--path", "x.jsonl"], "Leave out path"),
        (["--resume", "1", "--limit", "5", "--force-refresh"], "Leave out limit, force-refresh"),
        (["--resume", "1", "--since", "2026-11-01"], "Leave out since"),
        (["--resume", "1", "--no-stories", "--concurrency", "2"], "Leave out no-stories"),
        (["--resume", "999999"], "there is no run 999999; `./manage.py run_status` lists the newest"),
        (["--resume", "0"], "'0' is not a whole number from 1"),
        (["file:test", "--limit", "-1"], "'-1' is not a whole number from 1|expected one argument"),
        (["file:test", "--concurrency", "many"], "'many' is not a whole number from 1"),
        (
            ["file:test", "--since", "yesterday"],
            "'yesterday' is not a valid date or time; write for example 2026-11-22",
        ),
        (["file:test", "--until", "2026-13-01"], "'2026-13-01' is not a valid date or time"),
        (["file:nowhere"], r"there is no source 'file:nowhere'. Sources: file:test. Import a file"),
        (["nonsense"], "there is no source 'nonsense'"),
        (["file:test", "--profile", "nonsense"], "there is no profile 'nonsense'. Profiles: .*sample, support"),
        (["file:test", "--extractor", "nonsense"], "there is no extractor 'nonsense'. Extractors: .*local, .*"),
        (["file:test", "--profile", "nonsense", "--dry-run"], "there is no profile 'nonsense'"),
        (["file", "--path", "/nowhere/export.jsonl"], "/nowhere/export.jsonl"),
    ],
)
def test_it_refuses_what_cannot_be_meant_with_a_sentence_and_leaves_no_run(words: list[str], refusal: str) -> None:
    seed(scripts(1, 3))
    with pytest.raises(CommandError, match=refusal):
        call_command("run_pipeline", *words)
    assert not Run.objects.exists()


@pytest.mark.django_db
def test_vectors_of_another_model_are_refused_before_anything_is_spent() -> None:
    finish(start(seed(scripts(2, 3))))
    seed(scripts(1, 3), name="other")
    with pytest.raises(CommandError, match="vectors from the model scripted, but this extractor uses null"):
        call_command("run_pipeline", "file:other", "--extractor", "null", "--detach")
    assert (Run.objects.count(), Item.objects.count(), Call.objects.count()) == (1, 6, 6)


# --- run_pipeline --dry-run ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_dry_run_shows_ten_samples_and_leaves_no_row_but_itself(capsys: Captured) -> None:
    seed(scripts(4, 8))
    before = Conversation.objects.count(), ConversationVersion.objects.count()
    assert command("run_pipeline", "file:test", *SCRIPTED, "--dry-run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["to_read"], found["unchanged"]) == (32, 0)
    assert len({sample["id"] for sample in found["samples"]}) == 10
    assert all(sample["text"].startswith("nr ") for sample in found["samples"])
    assert [model.__name__ for model in MADE_BY_RUNS if model.objects.exists()] == []
    assert (Conversation.objects.count(), ConversationVersion.objects.count()) == before
    assert not Conversation.objects.filter(first_run__isnull=False).exists()
    run = Run.objects.get()
    assert (run.pk, run.is_preview, run.state) == (found["run"], True, "completed")


@pytest.mark.django_db
def test_a_dry_run_tells_people_what_would_be_read(capsys: Captured) -> None:
    finish(start(seed(scripts(2, 3))))
    seed(scripts(1, 2, name="newer"))
    assert command("run_pipeline", "file:test", *SCRIPTED, "--dry-run", "--limit", "5") == 0
    shown = words_for_people(capsys.readouterr().out)
    assert "nothing was read. 2 conversations would be read, 3 skipped as unchanged." in shown
    assert "2 different samples: " in shown


@pytest.mark.django_db
def test_a_dry_run_neither_blocks_a_run_nor_counts_as_one() -> None:
    source = seed(scripts(2, 3))
    command("run_pipeline", "file:test", *SCRIPTED, "--dry-run")
    run = start(source)
    command("run_pipeline", "file:test", *SCRIPTED, "--dry-run")
    assert finish(run).state == "completed"
    assert item_counts(run).extracted == 6


# --- run_status ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_run_status_shows_one_run_or_the_newest_ten_without_dry_runs(capsys: Captured) -> None:
    source = seed(scripts(2, 3))
    made = [finish(start(source)) for _ in range(11)]
    command("run_pipeline", "file:test", *SCRIPTED, "--dry-run")
    capsys.readouterr()
    assert command("run_status", "--json") == 0
    assert [one["run"] for one in json.loads(capsys.readouterr().out)] == [run.pk for run in made[:0:-1]]
    assert command("run_status", str(made[0].pk), "--json") == 0
    one = json.loads(capsys.readouterr().out)
    assert (one["run"], one["stories_new"], one["conversations"]["extracted"]) == (made[0].pk, 2, 6)
    assert command("run_status") == 0
    assert "file:test" in capsys.readouterr().out


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["run_status", "salvage"])
def test_they_say_that_there_is_no_such_run(name: str) -> None:
    with pytest.raises(CommandError, match="there is no run 0;"):
        call_command(name, "0")


@pytest.mark.django_db
def test_square_brackets_are_shown_as_they_are(capsys: Captured) -> None:
    run = finish(start(seed([*scripts(2, 3), "[/b] act=raise"], name="a[/b][red]")))
    for words in ([str(run.pk)], []):
        assert command("run_status", *words) == 0
        assert "file:a[/b][red]" in words_for_people(capsys.readouterr().out)


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "is_offered"), [("act=raise", True), ("category=spam", False)])
def test_run_status_offers_to_salvage_only_where_that_would_do_something(
    capsys: Captured, text: str, is_offered: bool
) -> None:
    run = finish(start(seed([text] * 3)))
    assert run.state == "needs_attention"
    assert command("run_status", str(run.pk)) == 0
    assert (f"manage.py salvage {run.pk}" in capsys.readouterr().out) is is_offered


# --- evaluate -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_evaluate_prints_json_alone_and_leaves_no_row(tmp_path: Path, capsys: Captured) -> None:
    path = labelled(tmp_path / "labelled.jsonl")
    assert command("evaluate", str(path), *SCRIPTED, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) >= QUALITY
    assert (found["pairwise_f1"], found["v_measure"], found["ari"]) == (1.0, 1.0, 1.0)
    assert (found["groups_found"], found["groups_true"], found["conversations"], found["unlabelled"]) == (3, 3, 14, 1)
    assert (found["orphan_share"], found["noise_orphan_share"]) == (0.0, 1.0)
    everything = (*MADE_BY_RUNS, Run, Source, Conversation, ConversationVersion)
    assert [model.__name__ for model in everything if model.objects.exists()] == []


@pytest.mark.django_db
def test_evaluate_shows_people_both_groupings(tmp_path: Path, capsys: Captured) -> None:
    assert command("evaluate", str(labelled(tmp_path / "labelled.jsonl")), *SCRIPTED) == 0
    shown = words_for_people(capsys.readouterr().out)
    assert "14 labelled conversations, 3 groups of at least 3" in shown
    assert "Pairwise F1 │ 1.000 │ 1.000" in shown
    assert "1 without a label are left out" in shown


@pytest.mark.django_db
def test_evaluate_counts_what_failed_or_was_filtered_as_groups_of_one(tmp_path: Path, capsys: Captured) -> None:
    texts = [*scripts(1, 4), "nr 5 act=raise", "nr 6 category=spam"]
    path = export(tmp_path / "e.jsonl", *({"id": text, "text": text, "label": "a"} for text in texts))
    assert command("evaluate", str(path), *SCRIPTED, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["failed"], found["filtered"], found["groups_found"]) == (1, 1, 1)
    assert (found["orphan_share"], found["noise_orphan_share"]) == (round(2 / 6, 4), None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["unlabelled.jsonl"], "has no conversation with a label. Each row to evaluate needs the field `label`"),
        (["nowhere.jsonl"], "nowhere.jsonl"),
        (["labelled.jsonl", "--profile", "nonsense"], "there is no profile 'nonsense'. Profiles: "),
        (["labelled.jsonl", "--extractor", "nonsense"], "there is no extractor 'nonsense'. Extractors: "),
    ],
)
def test_evaluate_refuses_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], refusal: str
) -> None:
    monkeypatch.chdir(tmp_path)
    labelled(tmp_path / "labelled.jsonl")
    export(tmp_path / "unlabelled.jsonl", {"id": "1", "text": "Hello"})
    with pytest.raises(CommandError, match=refusal):
        call_command("evaluate", *words)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        ["file:test", "--path", "e.jsonl"],
        ["intercom:main", "--path", "e.jsonl"],
        ["file:test", "--name", "zzz"],
        ["--resume", "1", "--name", "x"],
        ["--resume", "1", "--extractor", "null"],
    ],
)
def test_it_refuses_options_that_contradict(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    export(tmp_path / "e.jsonl", {"id": "1", "text": "Hello"})
    seed(scripts(1, 3))
    with pytest.raises(CommandError, match=r"[Ll]eave (it )?out|only be used with --path|must be `file`"):
        call_command("run_pipeline", *words, "--dry-run" if "--resume" not in words else "--detach")


@pytest.mark.django_db
def test_it_refuses_a_limit_no_column_holds() -> None:
    seed(scripts(1, 3))
    with pytest.raises(CommandError, match="whole number"):
        call_command("run_pipeline", "file:test", "--limit", "9" * 20, "--dry-run")
