"""The tables among the inputs beside the repository, where they are: the kinds of fault they stand for stay mended."""

from pathlib import Path

import pytest

from pipeline.sources.file import FileSource
from pipeline.sources.records import Record

CASES = Path(__file__).parents[4] / "shared" / "cases"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not there")

WANTED = {
    "31-transcript-in-a-cell/62-text-col-is-transcript.csv": {"1": "customer agent customer", "2": "agent customer"},
    "32-row-per-message-csv/61-row-per-message.csv": {"1": "customer agent customer", "2": "customer agent"},
    "34-twcs-threads/21-twcs.csv": {"1": "customer agent customer"},
    "35-headers-caps-and-spaces/50-IDTEXT.csv": {"1": "customer"},
    "35-headers-caps-and-spaces/50-space.csv": {"1": "customer"},
    "35-headers-caps-and-spaces/50-caps.csv": {"1": "customer"},
    "38-time-column-other-name/43-semicolon.csv": {"1": "customer"},
    "39-dates-not-iso/51-dates.csv": {str(number): "customer" for number in range(1, 11)},
    "42-utf16-csv/41-utf16.csv": {"1": "customer", "2": "customer"},
    "43-cp1252-csv/42-cp1252.csv": {"1": "customer", "2": "customer"},
    "44-excel-sep-line/46-sep.csv": {"1": "customer"},
    "45-duplicate-header/25-jira.csv": {"AB-1": "customer  customer"},
    "46-ragged-and-quotes/49-trailing-comma.csv": {"1": "customer", "2": "customer"},
    "46-ragged-and-quotes/59-quotes.csv": {str(number): "customer" for number in range(1, 6)},
    "50-xlsx/32.xlsx": {"1": "customer", "2": "customer"},
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
