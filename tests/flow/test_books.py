"""A book from its file to its instances, over real worker processes."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from pipeline.models import Evidence, Item, Run, Source, Story
from tests.support.commands import command
from tests.support.workers import Worker

Captured = pytest.CaptureFixture[str]

LIKES = ["like a grey animal", "like a sheet of glass", "like smoke over the roofs"]
HEBREW = ["המים עלו בלילה", "והשדה היה כמו זכוכית"]


def book(folder: Path, chapters: int) -> Path:
    """Write a book: each chapter has a comparison in its second verse, and a trap in its third."""
    rows = [
        {
            "book": "River",
            "chapter": number,
            "lang": "en",
            "verses": [f"In year {number} it rained.", f"The water came {LIKES[number % 3]}.", "We like rivers."],
        }
        for number in range(1, chapters + 1)
    ]
    path = folder / "river.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_book_is_read_chapter_by_chapter_and_its_instances_listed(
    worker: Worker, capsys: Captured, tmp_path: Path
) -> None:
    path = book(tmp_path, 12)
    assert command("run_pipeline", "books", "--path", str(path), "--select", "1-10", "--json") == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)["book"]
    assert [row["chapter"] for row in report["chapters"]] == list(range(1, 11))
    assert all((row["verses_covered"], row["instances"], row["cost"]) == (3, 1, 0) for row in report["chapters"])
    assert all(row["seconds"] >= 0 for row in report["chapters"])
    assert (report["failures"], report["retry"]) == ([], "")
    run = Run.objects.get()
    assert (run.profile, run.state, run.parameters["select"]) == ("figurative", "completed", "1-10")
    assert {story.evidence.count() for story in Story.objects.all()} == {3, 4}
    assert Story.objects.count() == 3  # what is compared with the same thing comes together
    for evidence in Evidence.objects.select_related("version", "theme__conversation"):
        chapter = evidence.theme.conversation.metadata["chapter"]
        assert evidence.version.text[evidence.start : evidence.end] == evidence.quote
        assert evidence.details is not None
        assert evidence.details["unit"] == f"{chapter}:2"
    assert command("figures", "books:river", "3:1-2", "--json") == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["book"], row["chapter"], row["verse"], row["vehicle"]) == ("River", 3, "3:2", "a grey animal")
    assert command("figures", "books:river", "4:3") == 0
    assert "No figures of speech" in capsys.readouterr().out


def test_hebrew_is_said_not_to_be_read_and_is_no_heap(worker: Worker, capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "mayim.jsonl"
    path.write_text(json.dumps({"chapter": 1, "lang": "he", "verses": HEBREW}, ensure_ascii=False) + "\n")
    assert command("run_pipeline", "books", "--path", str(path), "--json") == 3
    item = Item.objects.get()
    assert (item.state, item.category) == ("filtered", "unread_language")
    assert item.reason.startswith("language: ")
    (row,) = json.loads(capsys.readouterr().out)["book"]["chapters"]
    assert (row["verses"], row["verses_covered"], row["instances"]) == (2, 0, 0)
    assert Run.objects.get().attention.startswith("none of 1 conversation produced a theme: 1 filtered: language: ")


def test_what_failed_is_listed_with_the_command_that_takes_it_up(
    worker: Worker, capsys: Captured, tmp_path: Path
) -> None:
    assert command("run_pipeline", "books", "--path", str(book(tmp_path, 3)), "--json") == 0
    run = Run.objects.get()
    run.items.filter(conversation__metadata__chapter=2).update(
        state="failed", stage="parse", reason="planted", error_class="Planted", error="by this test"
    )
    capsys.readouterr()
    assert command("chapters", str(run.pk)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "River 2: planted (by this test)" in shown
    assert f"Retry with: ./manage.py salvage {run.pk} --only-failed" in shown
    assert command("chapters", str(run.pk), "--json") == 0
    (failure,) = json.loads(capsys.readouterr().out)["failures"]
    assert (failure["chapter"], failure["verses_covered"]) == (2, 0)


@pytest.mark.parametrize("words", [["chapters", "999"], ["figures", "books:none"], ["figures", "books:x", "3:x"]])
@pytest.mark.django_db
def test_what_is_not_there_is_refused(words: list[str]) -> None:
    Source.objects.create(kind="books", name="x")
    with pytest.raises(CommandError):
        call_command(*words)
