"""The inputs beside the repository, where they are: the kinds of fault they stand for stay mended.

Those in JSON that say who speaks are in `test_imports`; what a run makes of them is tested with the runs.
"""

from pathlib import Path

import pytest
from django.core.management import call_command

from pipeline.sources.file import FileSource
from pipeline.sources.ingest import Import, WouldReplace, import_files
from pipeline.sources.own_words.reading import left_out
from pipeline.sources.own_words.repeated import Repeated
from pipeline.sources.own_words.spans import own_parts
from pipeline.sources.records import Record
from pipeline.sources.repetition import count_repeated

CASES = Path(__file__).parents[4] / "shared" / "cases"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not there")

WANTED = {
    "31-transcript-in-a-cell/62-text-col-is-transcript.csv": {"1": "customer agent customer", "2": "agent customer"},
    "32-row-per-message-csv/61-row-per-message.csv": {"1": "customer agent customer", "2": "customer agent"},
    "34-twcs-threads/21-twcs.csv": {"1": "customer agent customer"},
    "35-headers-caps-and-spaces/50-IDTEXT.csv": {"1": "customer"},
    "35-headers-caps-and-spaces/50-space.csv": {"1": "customer"},
    "35-headers-caps-and-spaces/50-caps.csv": {"1": "customer"},
    "37-no-column-options-in-demo/50-caps.csv": {"1": "customer"},
    "38-time-column-other-name/43-semicolon.csv": {"1": "customer"},
    "38-time-column-other-name/50-caps.csv": {"1": "customer"},
    "39-dates-not-iso/51-dates.csv": {str(number): "customer" for number in range(1, 11)},
    "42-utf16-csv/41-utf16.csv": {"1": "customer", "2": "customer"},
    "43-cp1252-csv/42-cp1252.csv": {"1": "customer", "2": "customer"},
    "44-excel-sep-line/46-sep.csv": {"1": "customer"},
    "45-duplicate-header/47-dup.csv": {"1": "customer"},
    "45-duplicate-header/25-jira.csv": {"AB-1": "customer  customer"},
    "46-ragged-and-quotes/49-trailing-comma.csv": {"1": "customer", "2": "customer"},
    "46-ragged-and-quotes/59-quotes.csv": {str(number): "customer" for number in range(1, 6)},
    "50-xlsx/32.xlsx": {"1": "customer", "2": "customer"},
    "54-mbox/28-inbox.mbox": {"a@x": "customer customer"},
    "56-vtt/30-call.vtt": {"30-call": "customer "},
    "78-subject-not-read/64-subject-and-body.csv": {"1": "customer", "2": "customer"},
}
"""For each file the roles of each conversation's messages."""

TIMELESS = {"39-dates-not-iso/51-dates.csv": 1, "38-time-column-other-name/43-semicolon.csv": 0, "50-xlsx/32.xlsx": 0}


@pytest.mark.parametrize("case", WANTED)
def test_the_case_is_read_as_it_is_meant(case: str) -> None:
    source = FileSource(CASES / case)
    rows = list(source.records())
    records = [row for row in rows if isinstance(row, Record)]
    assert len(rows) == len(records)
    roles = {record.external_id: " ".join(message["role"] for message in record.messages) for record in records}
    assert roles == WANTED[case]
    if case in TIMELESS:
        assert source.summary.times_unknown == TIMELESS[case]


def test_french_and_german_letters_of_the_cases_are_whole() -> None:
    for case in ("42-utf16-csv/41-utf16.csv", "43-cp1252-csv/42-cp1252.csv"):
        first = next(iter(FileSource(CASES / case).records()))
        assert isinstance(first, Record)
        assert first.messages[0]["text"] == "Größe der Tür ist falsch \N{EN DASH} Café"


def test_a_chat_of_a_telephone_is_read_with_its_lines_that_go_on() -> None:
    (found,) = FileSource(CASES / "52-whatsapp-android" / "15-whatsapp-android.txt").records()
    assert isinstance(found, Record)
    assert [message["author"] for message in found.messages] == ["Cara", "Shop"]
    assert "\n" in found.messages[0]["text"]
    assert found.occurred_at is not None


def test_reviews_of_a_console_are_read_in_utf16() -> None:
    source = FileSource(CASES / "42-utf16-csv" / "22-playstore-utf16.csv")
    (found,) = source.records()
    assert isinstance(found, Record)
    assert found.occurred_at is not None
    assert source.summary.encoding.startswith("UTF-16")


FRAMED = {
    "57-html-bodies/b05-html.jsonl": ("<", "style", "&nbsp;", "Example Widgets"),
    "58-legal-disclaimer/b03-disclaimer.jsonl": ("CONFIDENTIALITY", "company number", "environment"),
    "59-gmail-quote-top-posted/b04-quoted.jsonl": ("wrote:", "ticket", "password, use"),
    "63-same-beginning-call-intro/f04-call-intro.jsonl": ("recorded for training", "privacy policy"),
    "77-angry-frame/b25-upset.jsonl": ("disappointed", "lawyer", "loyal"),
}
"""What nobody may read of them."""


@pytest.mark.parametrize("case", FRAMED)
def test_what_is_not_the_customers_own_words_is_not_read(case: str) -> None:
    """Over the whole file, as an import counts what its conversations share; each keeps the sentence of its own."""
    records = [row for row in FileSource(CASES / case).records() if isinstance(row, Record)]
    passages = count_repeated([record.messages for record in records])
    repeated = Repeated.from_json(passage.as_json() for passage in passages)
    assert len(records) == 42
    for record in records:
        own = []
        for message in record.messages:
            spans = left_out(message["text"], role=message["role"], repeated=repeated)
            own += [message["text"][start:end].strip() for start, end in own_parts(message["text"], spans)]
        text = " ".join(own)
        assert 20 <= len(text) <= 150, (record.external_id, text)
        assert not [frame for frame in FRAMED[case] if frame in text], text


@pytest.mark.django_db
def test_the_second_file_of_one_name_asks() -> None:
    folder = CASES / "75-same-file-name-overwrites"
    assert import_files(Import((str(folder / "jan" / "export.csv"),))).counts.new
    with pytest.raises(WouldReplace, match="--name"):
        import_files(Import((str(folder / "feb" / "export.csv"),)))


@pytest.mark.django_db
def test_the_demo_takes_the_options_that_name_columns(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(CASES / "37-no-column-options-in-demo" / "50-caps.csv")
    for command in (["import_conversations", path], ["demo", path], ["run_pipeline", "file", "--path", path]):
        call_command(*command, "--dry-run", "--text-column", "Description", "--id-column", "Ticket ID")
        assert "id = Ticket ID, text = Description" in capsys.readouterr().out
