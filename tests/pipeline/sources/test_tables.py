# ruff: noqa: E501 (a table is read best as it stands in its file)
"""Tables as people export them: any dialect, any header, a row a conversation or a row a message."""

import csv
import io
import sys
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.formats.base import Head
from pipeline.sources.formats.parquet import ParquetFormat
from pipeline.sources.formats.table import TableFormat, dialect_of, loose_cells
from pipeline.sources.formats.xlsx import WorkbookFormat
from pipeline.sources.parsing import workbook_rows
from pipeline.sources.records import UnreadableSource
from tests.support.reading import Found, read_file
from tests.support.workbooks import binary_workbook, old_workbook, open_document, workbook

Read = Callable[..., Found]

EIGHT = datetime(2026, 5, 2, 8, tzinfo=UTC)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def given(content: str | bytes, maps: Sequence[str] = (), **options: Any) -> Found:
        path = tmp_path / "export.bin"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_file(TableFormat(), path, maps, **options)

    return given


# --- Dialects -----------------------------------------------------------------------------------------------------

PLAIN = {"1": ["The lamp flickers, always"], "2": ["Die Tür schließt nicht; nie"]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_it_reads_any_delimiter_and_line_end(read: Read, delimiter: str, end: str) -> None:
    rows = [["id", "text"], ["1", '"The lamp flickers, always"'], ["2", '"Die Tür schließt nicht; nie"']]
    assert read(end.join(delimiter.join(row) for row in rows) + end).texts() == PLAIN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp850", "mac_roman"])
def test_it_reads_any_encoding_whole(read: Read, encoding: str) -> None:
    table = 'id,text\n1,"The lamp flickers, always"\n2,Die Tür schließt nicht; nie\n'
    found = read(table.encode(encoding))
    assert found.texts() == PLAIN
    assert ("encoding" in found.said) == (encoding != "utf-8")


def test_it_refuses_a_file_whose_encoding_is_not_the_one_said(read: Read) -> None:
    with pytest.raises(UnreadableSource, match="parts of it are not UTF-8"):
        read("id,text\n1,Tür\n".encode("cp1252"), encoding="utf-8")


@pytest.mark.parametrize(
    "table",
    [
        "sep=;\r\nid;text\r\n1;one, two\r\n", '"sep=|"\nid|text\n1|one, two\n', "id;text\n1;one, two\n", 'id,text\n1,"one, two"\n',
        'id, text\n1, "one, two"\n', "\ufeffid\ttext\n1\tone, two\n", "Export of tickets,,\nMade on 2026-05-02,,\n,,\nid,text,\n1,\"one, two\",\n",
        'id,text,\n1,"one, two",\n', "id,text,,\n1,\"one, two\"\n", 'id,text\n\n,\n1,"one, two"\n\n', 'id,text\n1,"one, two"', "ID,TEXT\n1,one, two\n",
        '"id","text"\n"1","one, two"\n', "Tickets\n\nid;text\n1;one, two\n",
    ],
)  # fmt: skip
def test_it_reads_the_same_table_however_it_is_written(read: Read, table: str) -> None:
    assert read(table).texts() == {"1": ["one, two"]}


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('1,"He said "hello" and left"', ["1", 'He said "hello" and left']), ('2,5" screen is broken', ["2", '5" screen is broken']),
        ("3,'single'", ["3", "'single'"]), ('4,"open quote never closed', ["4", "open quote never closed"]), ('"a ""b"" c",d', ['a "b" c', "d"]),
        ('"",x', ["", "x"]), (",", ["", ""]), ("", [""]), ('"x', ["x"]), ('"a","b "c"', ["a", 'b "c']),
    ],
)  # fmt: skip
def test_it_reads_bare_quotes_as_they_stand(line: str, cells: list[str]) -> None:
    assert loose_cells(line, ",") == cells


def test_a_quote_that_is_never_closed_costs_no_other_row(read: Read) -> None:
    found = read('id,text\n1,fine\n2,"never closed\n3,also fine\n4,"He said "no" twice"\n5,"two\nlines"\n')
    assert found.texts() == {
        "1": ["fine"], "2": ["never closed"], "3": ["also fine"], "4": ['He said "no" twice'], "5": ["two\nlines"],
    }  # fmt: skip


def test_a_file_of_open_quotes_is_read_in_time(read: Read) -> None:
    found = read("id,text\n" + "".join(f'{number},"open\n' for number in range(20_001)))  # an odd number: none closes
    assert len(found.records) == 20_001


def test_a_text_with_bare_delimiters_in_the_last_column_is_whole(read: Read) -> None:
    found = read("id,text\n1,The lamp, the door, and the roof\n")
    assert found.texts() == {"1": ["The lamp, the door, and the roof"]}
    assert "1 row had more cells" in found.said


def test_surplus_cells_elsewhere_are_a_reject_that_says_how_many(read: Read) -> None:
    found = read("text,id\nThe lamp, the door,1\nfine,2\n")
    assert found.texts() == {"2": ["fine"]}
    assert "3 cells, but the header has 2" in found.rejects[0].reason


def test_columns_of_one_name_are_put_together_and_said(read: Read) -> None:
    found = read("id,text,text\n1,The lamp,flickers\n")
    assert found.texts() == {"1": ["The lamp\nflickers"]}
    assert "Columns with the same name were combined: 'text'" in found.said


def test_a_row_with_damage_is_a_reject_and_the_others_are_read(read: Read) -> None:
    rows = "".join(f"{number},Die Tür {number}\n" for number in range(20)).encode()
    found = read(b"id,text\n" + rows + b"99,broken \xff\n")
    assert (len(found.records), len(found.rejects)) == (20, 1)
    assert found.rejects[0].reason == "invalid UTF-8 in cell 2"
    assert found.rejects[0].line == 22


def test_a_table_without_a_header_is_read_by_its_values(read: Read) -> None:
    found = read(
        "2026-05-01,ann@example.org,The lamp flickers all the time\n2026-05-02,bea@example.org,The door does not close\n"
    )
    assert [record.customer for record in found.records] == ["ann@example.org", "bea@example.org"]
    assert [record.messages[0]["text"] for record in found.records] == [
        "The lamp flickers all the time",
        "The door does not close",
    ]
    assert "no column names" in found.said


def test_one_column_of_texts_is_a_table(read: Read) -> None:
    found = read("feedback\nThe lamp flickers\nThe door does not close\n")
    assert [record.messages[0]["text"] for record in found.records] == ["The lamp flickers", "The door does not close"]


def test_a_table_with_a_header_alone_or_nothing_gives_nothing(read: Read) -> None:
    assert read("id,text\n").records == []
    assert read("\n\n").records == []


def test_it_names_the_columns_where_none_is_the_text(read: Read) -> None:
    with pytest.raises(UnreadableSource, match=r"'foo', 'bar'\. Choose it with --map text=COLUMN"):
        read("foo,bar\n1,2\n3,4\n")


def test_a_column_that_is_named_is_taken(read: Read) -> None:
    assert read("foo,bar\n1,yes\n3,no\n", ["text=bar", "id=FOO"]).texts() == {"1": ["yes"], "3": ["no"]}


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("id,text\n1,a\n", 0.5), ("a;b;c\n1;2;3\n4;5;6\n", 0.5), ("feedback\nHello there\n", 0.3), ('{"id": 1}', 0.0), ("[1]", 0.0),
        ("<html>", 0.0), ("", 0.0), ("Just a letter.\nIt has lines, and commas.\nNothing else\n", 0.0),
    ],
)  # fmt: skip
def test_it_says_how_sure_it_is(text: str, sure: float) -> None:
    assert TableFormat().sniff(Head(text.encode(), text)) == sure


def test_it_finds_the_delimiter_by_regularity() -> None:
    assert dialect_of("id;text\n1;a, b\n2;c, d, e\n").delimiter == ";"
    assert dialect_of("a|b\n1|x,y\n").delimiter == "|"


# --- Ids, times, customers, subjects ------------------------------------------------------------------------------


def test_ids_that_are_missing_are_made_of_the_content_and_stay_the_same(read: Read) -> None:
    first = read("text\nThe lamp flickers\nThe door does not close\n")
    second = read("text\nThe door does not close\nSomething new\nThe lamp flickers\n")
    made = {record.messages[0]["text"]: record.external_id for record in first.records}
    again = {record.messages[0]["text"]: record.external_id for record in second.records}
    assert made.items() <= again.items()
    assert "made from the content" in first.said


def test_the_order_of_day_and_month_comes_from_the_last_row_too(read: Read) -> None:
    rows = "".join(f"{number},Lamp,0{1 + number % 9}/02/2026 08:00\n" for number in range(3000))
    found = read(f"id,text,created_at\n{rows}9999,Lamp,25/02/2026 08:00\n")
    assert found.summary.times_unknown == 0
    assert found.records[2].occurred_at == datetime(2026, 2, 3, 8, tzinfo=UTC)
    assert "day first" in found.said


def test_a_time_that_stays_open_costs_no_row_and_is_counted(read: Read) -> None:
    found = read("id,text,created_at\n1,Lamp,01/02/2026 08:00\n2,Door,03/04/2026\n3,Roof,2026-05-02 08:00\n")
    assert [record.occurred_at for record in found.records] == [None, None, EIGHT]
    assert found.summary.times_unknown == 2
    assert "2 times could not be read" in found.said
    assert "--date-format" in found.said
    again = read("id,text,created_at\n1,Lamp,01/02/2026 08:00\n", date_format="MM/DD/YYYY")
    assert again.records[0].occurred_at == datetime(2026, 1, 2, 8, tzinfo=UTC)


def test_another_column_of_times_tells_the_order(read: Read) -> None:
    found = read("id,text,Created,Closed\n1,Lamp,01/02/2026,03/02/2026\n2,Door,02/02/2026,26/02/2026\n")
    assert found.records[0].occurred_at == datetime(2026, 2, 1, tzinfo=UTC)


def test_a_day_and_a_time_of_day_in_two_columns_are_one_moment(read: Read) -> None:
    assert read("id,text,Date,Time\n1,Lamp,2026-05-02,08:00\n").records[0].occurred_at == EIGHT


def test_no_column_of_times_is_said(read: Read) -> None:
    assert "times = none found" in read("id,text\n1,Lamp\n").said


def test_address_and_name_of_one_person_are_one_customer(read: Read) -> None:
    found = read(
        "id,text,Requester email,Requester\n1,a,Ann@Example.org,Ann Lee\n2,b,ann@example.org,\n3,c,,Ann Lee\n4,d,,Bea\n"
        '5,e,"Ann Lee <ann@example.org>",\n'
    )
    assert [record.customer for record in found.records] == [*["ann@example.org"] * 3, "Bea", "ann@example.org"]


def test_a_name_of_two_people_is_not_taken_for_one_address(read: Read) -> None:
    found = read("id,text,email,name\n1,a,ann@a.example,Ann\n2,b,ann@b.example,Ann\n3,c,,Ann\n")
    assert [record.customer for record in found.records] == ["ann@a.example", "ann@b.example", "Ann"]


def test_a_subject_is_read_with_the_text(read: Read) -> None:
    found = read(
        "id,subject,text\n1,Charged twice for May,please see attached\n2,App crashes,see subject\n3,Only this,\n"
    )
    assert found.texts() == {
        "1": ["Charged twice for May\nplease see attached"], "2": ["App crashes\nsee subject"], "3": ["Only this"],
    }  # fmt: skip


def test_what_has_no_field_is_kept_in_the_metadata(read: Read) -> None:
    found = read('id,text,Plan,Seats,metadata\n1,Lamp,pro,3,"{""region"": ""eu""}"\n')
    assert found.records[0].metadata == {"Plan": "pro", "Seats": "3", "region": "eu"}


# --- A row a message ----------------------------------------------------------------------------------------------


def test_rows_of_one_id_are_joined_in_the_order_of_time(read: Read) -> None:
    found = read(
        "id,role,author,text,created_at\n2,customer,dan,The app crashes.,2026-05-02 09:00\n1,agent,ada,We refund it.,2026-05-02 08:05\n"
        "1,customer,cara,Charged twice.,2026-05-02 08:00\n2,agent,ada,Please update.,2026-05-02 09:05\n"
    )  # fmt: skip
    assert found.texts() == {"2": ["The app crashes.", "Please update."], "1": ["Charged twice.", "We refund it."]}
    assert found.roles() == {"2": ["customer", "agent"], "1": ["customer", "agent"]}
    assert {record.external_id: record.customer for record in found.records} == {"1": "cara", "2": "dan"}
    assert 'rows with the same "id" are one conversation' in found.said


@pytest.mark.parametrize(
    "header",
    [
        "Conversation ID,Message ID,Sender Type,Message,Sent At", "conversation_id,id,direction,body,timestamp", "Thread ID,ID,Role,Text,Date",
        "Gesprächs-ID,ID,Rolle,Nachricht,Zeitstempel", "ID conversation,ID,Rôle,Texte,Date", "session_id,uuid,speaker,utterance,time",
    ],
)  # fmt: skip
def test_a_column_names_the_conversation(read: Read, header: str) -> None:
    words = (
        "inbound outbound" if "direction" in header else "Kunde Mitarbeiter" if "Rolle" in header else "user assistant"
    )
    theirs, ours = words.split()
    rows = [
        f"c1,m1,{theirs},My lamp flickers,2026-05-02T08:00:00Z", f"c2,m2,{theirs},The door jams,2026-05-02T08:01:00Z",
        f"c1,m3,{ours},Which lamp?,2026-05-02T08:02:00Z",
    ]  # fmt: skip
    found = read("\n".join([header, *rows]))
    assert found.texts() == {"c1": ["My lamp flickers", "Which lamp?"], "c2": ["The door jams"]}
    assert found.roles() == {"c1": ["customer", "agent"], "c2": ["customer"]}


def test_messages_that_answer_each_other_are_one_conversation(read: Read) -> None:
    found = read(
        "tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id\n"
        "3,100,True,Tue Oct 31 22:16:47 +0000 2017,@HelpCo 5.1,,2\n"
        "1,100,True,Tue Oct 31 22:10:47 +0000 2017,@HelpCo my downloads vanished,2,\n"
        "2,HelpCo,False,Tue Oct 31 22:15:47 +0000 2017,@100 Which version?,3,1\n"
        "7,200,True,Tue Oct 31 23:10:47 +0000 2017,@HelpCo no sound,,\n"
    )
    assert found.texts() == {
        "1": ["@HelpCo my downloads vanished", "@100 Which version?", "@HelpCo 5.1"], "7": ["@HelpCo no sound"],
    }  # fmt: skip
    assert found.roles()["1"] == ["customer", "agent", "customer"]
    assert {record.customer for record in found.records} == {"100", "200"}


def test_an_id_twice_without_a_word_about_who_speaks_stays_two_rows(read: Read) -> None:
    assert len(read("id,text\n1,one\n1,two\n2,three\n").records) == 3


def test_a_row_without_a_conversation_is_one_by_itself(read: Read) -> None:
    found = read("conversation_id,role,text\nc1,user,one\n,user,alone\nc1,agent,two\n")
    assert sorted(map(len, found.texts().values())) == [1, 2]


def test_a_transcript_in_a_cell_is_several_messages(read: Read) -> None:
    found = read(
        'id,text\n1,"Customer: My lamp flickers.\nAgent: Which one?\nCustomer: The red one"\n2,"[08:00] Ada (Support): Hello\n[08:01] Cara: It jams"\n'
    )
    assert found.roles() == {"1": ["customer", "agent", "customer"], "2": ["agent", "customer"]}


# --- Exports with a form of their own -----------------------------------------------------------------------------


def test_jira_keeps_all_its_comments_with_author_and_time(read: Read) -> None:
    found = read(
        "Summary,Issue key,Issue id,Created,Reporter,Description,Comment,Comment,Labels,Labels\n"
        'Crash on start,AB-1,10001,02/May/26 8:00 AM,cara,It crashes,"02/May/26 9:00 AM;ada;Which OS?","02/May/26 9:10 AM;cara;Android; 14",x,y\n'
        "Sluggish,AB-2,10002,03/May/26 8:00 AM,dan,It is slow,,,,\n"
    )
    assert found.texts() == {
        "AB-1": ["Crash on start\nIt crashes", "Which OS?", "Android; 14"],
        "AB-2": ["Sluggish\nIt is slow"],
    }
    crash = next(record for record in found.records if record.external_id == "AB-1")
    assert crash.messages[1]["created_at"] == "2026-05-02T09:00:00+00:00"
    assert found.roles()["AB-1"] == ["customer", "", "customer"]
    assert crash.customer == "cara"
    assert (crash.metadata or {})["Labels"] == ["x", "y"]


def test_qualtrics_has_three_header_rows_and_the_open_answers_are_the_text(read: Read) -> None:
    found = read(
        "StartDate,ResponseId,RecipientEmail,Q1,Q2\nStart Date,Response ID,Recipient Email,How satisfied are you?,What went wrong with the lamp?\n"
        '"{""ImportId"":""startDate""}","{""ImportId"":""_recordId""}","{""ImportId"":""recipientEmail""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2_TEXT""}"\n'
        "2026-05-02 08:00:00,R_1,ann@example.org,4,It flickers every evening\n2026-05-02 08:00:00,R_2,bea@example.org,1,The door never closes at all\n"
    )
    assert found.texts() == {"R_1": ["It flickers every evening"], "R_2": ["The door never closes at all"]}
    assert [record.occurred_at for record in found.records] == [EIGHT, EIGHT]
    assert [record.customer for record in found.records] == ["ann@example.org", "bea@example.org"]
    assert "Qualtrics" in found.said


def test_google_forms_answers_are_the_text(read: Read) -> None:
    found = read(
        "Horodateur,Adresse e-mail,Comment avez-vous connu la lampe ?,Qu'est-ce qui ne va pas ?,Autre chose à nous dire sur la lampe ?\n"
        "02/05/2026 08:00:00,ann@example.org,Amis,Elle clignote tous les soirs,Rien de plus à dire ici\n"
        "22/05/2026 08:00:00,bea@example.org,Amis,La porte ne ferme pas,Merci pour votre aide rapide\n"
    )
    assert found.records[0].messages[0]["text"] == "Elle clignote tous les soirs\nRien de plus à dire ici"
    assert found.records[0].occurred_at == EIGHT
    assert found.records[1].customer == "bea@example.org"


def test_surveymonkey_has_two_header_rows(read: Read) -> None:
    found = read(
        "Respondent ID,Start Date,Rate us,What would you change?\n,,Response,Open-Ended Response\n11,05/22/2026 08:00:00 AM,5,The lamp\n12,05/02/2026 08:00:00 AM,1,Everything\n"
    )
    assert [record.messages[0]["text"] for record in found.records] == ["The lamp", "Everything"]
    assert found.records[1].occurred_at == EIGHT


def test_app_reviews_are_read_with_title_and_link(read: Read) -> None:
    table = (
        "Package Name,Reviewer Language,Review Submit Date and Time,Review Submit Millis Since Epoch,Star Rating,Review Title,Review Text,Review Link\n"
        "com.lamp,en,2026-05-02T08:00:00Z,1777708800000,1,Bad,It crashes on start,https://example.org/r?reviewid=1\n"
    )
    record = read(table.encode("utf-16")).records[0]
    assert (record.messages[0]["text"], record.occurred_at) == ("Bad\nIt crashes on start", EIGHT)
    assert record.url == "https://example.org/r?reviewid=1"


# --- Workbooks ----------------------------------------------------------------------------------------------------


def book(tmp_path: Path, sheets: dict[str, list[list[object]]], **options: Any) -> Found:
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook(sheets, **options))
    return read_file(WorkbookFormat(), path)


ROWS: list[list[object]] = [
    ["id", "text", "created_at"],
    [1, "The lamp flickers", EIGHT],
    [2.0, "Über\nzwei Zeilen", EIGHT],
]


def test_a_workbook_is_read_with_typed_times(tmp_path: Path) -> None:
    found = book(tmp_path, {"Tickets": ROWS})
    assert found.texts() == {"1": ["The lamp flickers"], "2": ["Über\nzwei Zeilen"]}
    assert [record.occurred_at for record in found.records] == [EIGHT, EIGHT]
    assert (found.records[1].unit, found.records[1].line) == ("row", 3)


def test_sheets_with_the_same_columns_are_read_and_others_are_said(tmp_path: Path) -> None:
    found = book(
        tmp_path,
        {
            "Cover": [["Report for May"]],
            "May": ROWS,
            "June": [ROWS[0], [3, "The door jams", EIGHT]],
            "Notes": [["x", "y"], [1, 2]],
        },
    )
    assert sorted(found.texts()) == ["1", "2", "3"]
    assert "Sheets read: 'May', 'June'; not read: 'Cover' (1 row), 'Notes' (2 rows)." in found.said


def test_a_hidden_sheet_is_not_read(tmp_path: Path) -> None:
    found = book(tmp_path, {"Old": [["id", "text"], [9, "old"]], "Tickets": ROWS}, hidden=["Old"])
    assert sorted(found.texts()) == ["1", "2"]


def test_title_rows_and_empty_columns_in_a_workbook_are_passed_over(tmp_path: Path) -> None:
    found = book(
        tmp_path, {"Tickets": [["Export of May"], [], ["", "Ticket ID", "Description"], ["", 7, "The lamp flickers"]]}
    )
    assert found.texts() == {"7": ["The lamp flickers"]}


def test_a_broken_workbook_says_so(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook({"Tickets": ROWS})[:900])
    with pytest.raises(UnreadableSource):
        read_file(WorkbookFormat(), path)


def test_old_and_binary_workbooks_and_open_documents_are_read_alike(tmp_path: Path) -> None:
    for number, write in enumerate((open_document, old_workbook, binary_workbook)):
        path = tmp_path / str(number)
        path.write_bytes(write({"Tickets": ROWS}))
        found = read_file(WorkbookFormat(), path)
        assert found.texts() == {"1": ["The lamp flickers"], "2": ["Über\nzwei Zeilen"]}
        assert [record.occurred_at for record in found.records] == [EIGHT, EIGHT]


def test_a_workbook_that_no_memory_would_hold_is_a_sentence(tmp_path: Path) -> None:
    """Two cells at the corners of a sheet are a rectangle of 17 thousand million cells for who unpacks it."""
    path = tmp_path / "corners"
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    with zipfile.ZipFile(path, "w") as written, zipfile.ZipFile(io.BytesIO(workbook({"Tickets": ROWS}))) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith("sheet1.xml"):
                content = content.replace(b"</sheetData>", far.encode())
            written.writestr(name, content)
    with pytest.raises(UnreadableSource, match=r"cannot be opened: it is damaged, or needs more than 280 MB to unpack"):
        read_file(WorkbookFormat(), path)


def test_an_old_workbook_whose_sectors_go_in_a_circle_is_a_sentence(tmp_path: Path) -> None:
    content = bytearray(old_workbook({"Tickets": ROWS}))
    table = 512 * (1 + int.from_bytes(content[76:80], "little"))  # the first sector of the table of sectors
    directory = int.from_bytes(content[48:52], "little")
    content[table + 4 * directory : table + 4 * directory + 4] = directory.to_bytes(4, "little")
    path = tmp_path / "circle"
    path.write_bytes(content)
    with pytest.raises(UnreadableSource, match="cannot be opened"):
        read_file(WorkbookFormat(), path)


def test_a_workbook_that_takes_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen sheets of a million cells each are some hundred kilobytes; what they cost a processor is bounded."""
    cells = "<c><v>1</v></c>" * 1000
    body = f"<sheetData>{f'<row>{cells}</row>' * 1000}</sheetData>".encode()
    path = tmp_path / "many"
    book = workbook({f"S{number}": [] for number in range(16)})
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as written,
        zipfile.ZipFile(io.BytesIO(book)) as archive,
    ):
        for name in archive.namelist():
            written.writestr(name, archive.read(name).replace(b"<sheetData></sheetData>", body))
    monkeypatch.setattr("pipeline.sources.formats.xlsx.SECONDS", 1)
    with pytest.raises(UnreadableSource, match="takes too long to unpack; save it as CSV"):
        read_file(WorkbookFormat(), path)


def test_rows_that_would_fill_the_disk_are_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Path(workbook_rows.__file__).read_text(encoding="utf-8")
    stricter = tmp_path / "workbook_rows.py"
    stricter.write_text(script.replace("MAX_WRITTEN = 1 << 30", "MAX_WRITTEN = 100"), encoding="utf-8")
    monkeypatch.setattr(workbook_rows, "__file__", str(stricter))
    path = tmp_path / "large"
    path.write_bytes(workbook({"Tickets": ROWS}))
    with pytest.raises(UnreadableSource, match="its rows take more than"):
        read_file(WorkbookFormat(), path)


def test_a_workbook_is_known_by_its_content() -> None:
    assert WorkbookFormat().sniff(Head(workbook({"Tickets": ROWS}))) == 1.0
    assert WorkbookFormat().sniff(Head(b"id,text\n")) == 0.0


# --- Parquet ------------------------------------------------------------------------------------------------------


def parquet(path: Path, query: str) -> Path:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is an extra: pip install -r requirements-parquet.txt")
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def test_parquet_is_read_as_a_table_with_typed_times(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "export.bin",
        "SELECT 1 AS ticket_id, 'The lamp flickers' AS description, TIMESTAMP '2026-05-02 08:00:00' AS created_at, 'Ann@x.example' AS email",
    )
    assert ParquetFormat().sniff(Head(path.read_bytes())) == 1.0
    found = read_file(ParquetFormat(), path)
    assert found.texts() == {"1": ["The lamp flickers"]}
    assert (found.records[0].occurred_at, found.records[0].customer) == (EIGHT, "ann@x.example")


def test_parquet_with_a_list_of_messages_is_read_as_json_is(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "export.bin",
        "SELECT 'c1' AS id, [{'role': 'user', 'content': 'It flickers'}, {'role': 'assistant', 'content': 'Which one?'}] AS messages",
    )
    found = read_file(ParquetFormat(), path)
    assert found.texts() == {"c1": ["It flickers", "Which one?"]}
    assert found.roles() == {"c1": ["customer", "agent"]}


def test_parquet_without_duckdb_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "export.bin"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UnreadableSource, match=r"install DuckDB with pip install -r requirements-parquet\.txt"):
        read_file(ParquetFormat(), path)


def test_broken_parquet_says_so(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    path = tmp_path / "export.bin"
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(UnreadableSource, match="cannot be read as Parquet"):
        read_file(ParquetFormat(), path)


# --- A table that is a chat ---------------------------------------------------------------------------------------


def test_a_table_of_a_channels_messages_is_cut_as_a_chat(tmp_path: Path) -> None:
    rows = [["AuthorID", "Author", "Date", "Content", "Attachments", "Reactions"]]
    for day in (2, 14):
        rows += [
            ["11", "kim", f"2026-03-{day:02}T08:15:00.0000000+00:00", "My lamp flickers", "", ""],
            ["12", "lee", f"2026-03-{day:02}T08:20:00.0000000+00:00", "Since when?", "", ""],
            ["11", "kim", f"2026-03-{day:02}T08:25:00.0000000+00:00", "Since Monday", "", ""],
        ]
    path = tmp_path / "channel"
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    found = read_file(TableFormat(), path)
    assert [len(record.messages) for record in found.records] == [3, 3]
    assert [[each["author"] for each in record.messages] for record in found.records] == [["kim", "lee", "kim"]] * 2
    assert "6 messages divided into 2 conversations" in found.said


def test_the_rooms_of_a_table_are_chats_of_their_own(tmp_path: Path) -> None:
    said = (("eva", "15:00", "The lamp flickers"), ("lee", "15:05", "Since when?"), ("eva", "15:06", "Since Monday"))
    rows = [[room, who, f"2026-03-02 {at}", text] for who, at, text in said for room in ("help", "sales")]
    path = tmp_path / "rooms"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["channel", "user", "ts", "message"], *rows])
    assert [len(record.messages) for record in read_file(TableFormat(), path).records] == [3, 3]


def test_a_table_of_who_wrote_what_is_no_chat_where_hardly_anybody_answers(tmp_path: Path) -> None:
    path = tmp_path / "reviews"
    path.write_text(
        "author,date,review\nkim,2026-03-02 08:15,The lamp flickers\nlee,2026-03-02 08:20,The door squeaks\n"
        "bo,2026-03-05 08:20,My parcel is late\nkim,2026-03-09 08:15,The lamp still flickers\n"
    )
    assert len(read_file(TableFormat(), path).records) == 4
