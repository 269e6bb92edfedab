"""Ten chapters, three workers, one in sixty answers malformed: all chapters are read and nobody has to do anything."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from pipeline.models import Call, Evidence, Run
from tests.fakes.language_model import language_model
from tests.fakes.reader_of_verses import ReaderOfVerses
from tests.support.workers import Worker

Captured = pytest.CaptureFixture[str]

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "ezekiel_web.jsonl.gz"
THINGS = ("a grey animal", "smoke over roofs", "a sheet of glass", "an old song", "bread left in rain")
PLAIN = ("the boats stayed in", "the bells were silent", "nobody crossed the bridge", "the mill stood still")


def river(folder: Path) -> Path:
    """Write a book of ten chapters with up to 40 verses, every third of which compares."""
    rows = []
    for chapter in range(1, 11):
        verses = []
        for verse in range(1, 12 + 3 * chapter):
            plain = PLAIN[(chapter + verse) % 4]
            compared = f" and the water came like {THINGS[(chapter * verse) % 5]}" if verse % 3 == 0 else ""
            verses.append(f"On day {verse} of year {chapter} {plain}{compared}.")
        rows.append({"book": "River", "chapter": chapter, "lang": "en", "verses": verses})
    path = folder / "river.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    "book",
    [
        "river",
        pytest.param(
            "ezekiel",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(not SHARED.exists(), reason="the data sets beside the repository are not there"),
            ],
        ),
    ],
)
def test_ten_of_ten_chapters_are_read_without_anybody_doing_anything(
    start_worker: type[Worker], settings: Settings, capsys: Captured, tmp_path: Path, book: str
) -> None:
    path = SHARED if book == "ezekiel" else river(tmp_path)
    settings.LLM_MODEL, settings.LLM_PRICES = "fake-model", {"input": 1.0, "output": 2.0}
    with language_model() as model:
        reader = ReaderOfVerses()
        model.says = reader
        settings.LLM_BASE_URL = model.url
        words = {"LLM_MODEL": "fake-model", "LLM_BASE_URL": model.url, "LLM_API_KEY": "k"}
        prices = {"LLM_PRICES": json.dumps(settings.LLM_PRICES)}
        start_worker(concurrency=3, **words, **prices).wait_until_ready()
        call_command(
            "run_pipeline", "books", "--path", str(path), "--select", "1-10", "--extractor", "asked", "--json",
            "--chunk-size", "2", "--concurrency", "6",
        )  # fmt: skip
    report: dict[str, Any] = json.loads(capsys.readouterr().out)["book"]
    run = Run.objects.get()
    assert (run.state, run.epoch, report["retry"], report["failures"]) == ("completed", 1, "", [])
    assert [row["chapter"] for row in report["chapters"]] == list(range(1, 11))
    assert all(row["verses_covered"] == row["verses"] > 0 for row in report["chapters"])
    assert all(row["cost"] and row["seconds"] > 0 and row["calls"] >= 1 for row in report["chapters"])

    verses = sum(row["verses"] for row in report["chapters"])
    assert len(reader.asked) == verses
    assert len(reader.malformed) >= verses // reader.every  # and what was malformed is what was asked about again
    again = {unit for (_, unit), count in reader.asked.items() if count > 1}
    assert again <= set(reader.malformed)
    assert again
    assert Counter(reader.asked.values()).keys() <= {1, 2}
    assert Call.objects.filter(step="reask").count() >= 1

    evidence = Evidence.objects.select_related("version", "theme__conversation")
    assert evidence
    for each in evidence:
        assert each.version.text[each.start : each.end] == each.quote
        assert each.details is not None
        assert each.details["reason"] == "Seen again."
        unit = each.details["unit"]
        texts = {message["unit"]: message["text"] for message in each.version.messages}
        assert each.quote in texts[unit]
        before = each.version.text[: each.start].count("\n")
        assert each.version.messages[before]["unit"] == unit
    assert {tuple(each.details["kinds"]) for each in evidence if each.details} == {("simile",), ("hyperbole", "simile")}
