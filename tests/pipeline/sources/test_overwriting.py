"""A second file under the name of a source: what it would replace is said first, whatever form the file has."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.models import Conversation
from pipeline.sources.ingest import Import, WouldReplace, import_files
from tests.support.workbooks import workbook

Rows = list[list[object]]

JANUARY: Rows = [["id", "text"], [1, "The bell is silent."], [2, "The lock is jammed."], [3, "The light is dim."]]
FEBRUARY: Rows = [["id", "text"], [1, "My tyre is flat."], [2, "The chain came off."], [4, "The saddle is loose."]]


def as_csv(rows: Rows) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)
    return file.getvalue().encode()


def as_json(rows: Rows) -> bytes:
    return json.dumps({"tickets": [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]}).encode()


def as_lines(rows: Rows) -> bytes:
    return "\n".join(json.dumps(dict(zip(rows[0], row, strict=True))) for row in rows[1:]).encode()


def as_xml(rows: Rows) -> bytes:
    tickets = "".join(f"<ticket><id>{own}</id><text>{text}</text></ticket>" for own, text in rows[1:])
    return f"<tickets>{tickets}</tickets>".encode()


def as_zip(rows: Rows) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tickets.csv", as_csv(rows))
    return file.getvalue()


def as_workbook(rows: Rows) -> bytes:
    return workbook({"Tickets": rows})


FORMS = [as_csv, as_json, as_lines, as_xml, as_zip, as_workbook]


@pytest.mark.django_db
@pytest.mark.parametrize("form", FORMS, ids=[form.__name__ for form in FORMS])
def test_the_second_file_of_a_name_replaces_nothing_unasked(form: Callable[[Rows], bytes], tmp_path: Path) -> None:
    for month, rows in (("jan", JANUARY), ("feb", FEBRUARY)):
        (tmp_path / month).mkdir()
        (tmp_path / month / "export").write_bytes(form(rows))
    january, february = str(tmp_path / "jan" / "export"), str(tmp_path / "feb" / "export")
    import_files(Import((january,)))
    with pytest.raises(WouldReplace, match=r"2 would be replaced.*--name"):
        import_files(Import((february,)))
    assert Conversation.objects.count() == 3
    # the same file again, its rows in another order, changes nothing and asks nothing
    (tmp_path / "jan" / "export").write_bytes(form([JANUARY[0], *reversed(JANUARY[1:])]))
    assert str(import_files(Import((january,))).counts) == "0 new, 0 updated, 3 unchanged, 0 rejected"


@pytest.mark.django_db
def test_files_without_ids_add_what_is_new(tmp_path: Path) -> None:
    for month, texts in (("jan", ["The bell is silent.", "The lock is jammed."]), ("feb", ["The lock is jammed."])):
        (tmp_path / month).mkdir()
        (tmp_path / month / "export.csv").write_text("text\n" + "\n".join(texts))
    assert import_files(Import((str(tmp_path / "jan" / "export.csv"),))).counts.new == 2
    counts = import_files(Import((str(tmp_path / "feb" / "export.csv"),))).counts
    assert (counts.new, counts.unchanged) == (0, 1)  # made of the content, and so the same
