"""Companies come in from tables, in one way however they are written, and again without a change."""

from pathlib import Path

import pytest
from django.core.management import call_command

from pipeline.models import Company, CompanyUrl
from pipeline.sources.companies.lists import Listed, parse_company_mapping, read_list
from pipeline.sources.companies.sync import sync_companies
from pipeline.sources.companies.urls import BadUrl, normal_url
from pipeline.sources.formats.base import Options
from pipeline.sources.records import UnreadableSource
from pipeline.sources.understanding.column_names import UnknownColumn
from tests.support.workbooks import workbook


def read(tmp_path: Path, text: str, **mapping: str) -> list[Listed]:
    file = tmp_path / "list.csv"
    file.write_text(text, encoding="utf-8")
    return read_list([str(file)], mapping, Options()).companies


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("acme.example", "https://acme.example/"),
        ("HTTP://Acme.Example:80/a b?q=ü#team", "http://acme.example/a%20b?q=%C3%BC"),
        ("//acme.example/x", "https://acme.example/x"),
        ("https://müller.example", "https://xn--mller-kva.example/"),
        ("https://acme.example:8443/%7Ea", "https://acme.example:8443/%7Ea"),
        ("http://[::1]:80/", "http://[::1]/"),
    ],
)
def test_an_address_is_written_in_one_way(written: str, normal: str) -> None:
    assert normal_url(written) == normal
    assert normal_url(normal) == normal


@pytest.mark.parametrize(
    "written",
    ["ftp://acme.example", "mailto:a@b.example", "https://", "https://u:p@acme.example", f"a.example/{'x' * 2000}"],
)
def test_it_says_what_is_no_address_of_a_page(written: str) -> None:
    with pytest.raises(BadUrl):
        normal_url(written)


def test_columns_are_found_by_their_names_and_values(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "Record ID,Company,Sector,Website,Blog\nr1,Acme Ltd,boats,acme.example,https://blog.acme.example/news\n"
        "r2,Beta GmbH,bikes,,\n",
    )
    assert found == [
        Listed("r1", "Acme Ltd", ("https://acme.example/", "https://blog.acme.example/news"), {"Sector": "boats"}),
        Listed("r2", "Beta GmbH", (), {"Sector": "bikes"}),
    ]


def test_rows_of_one_company_and_cells_of_several_addresses_come_together(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'Firma;Webseite\nAcme;"www.acme.example, acme.example/jobs"\nAcme;https://acme.example/press\n'
        "Beta;b.example,beta.example\n",
    )
    assert found[0].urls == (
        "https://www.acme.example/", "https://acme.example/jobs", "https://acme.example/press",
    )  # fmt: skip
    assert [each.external_id for each in found] == ["acme", "beta"]
    assert found[1].urls == ("https://b.example/", "https://beta.example/")


def test_a_person_says_which_columns(tmp_path: Path) -> None:
    mapping = parse_company_mapping(["id=Key", "name=Wer", "url=Eins", "url=Zwei"])
    found = read(tmp_path, "Key,Wer,Eins,Zwei\n7,Acme,a.example,b.example\n", **mapping)
    assert found == [Listed("7", "Acme", ("https://a.example/", "https://b.example/"))]
    with pytest.raises(UnknownColumn, match="there is no column 'Nope'"):
        read(tmp_path, "Key,Wer\n7,Acme\n", name="Nope")
    with pytest.raises(UnknownColumn, match="write FIELD=COLUMN"):
        parse_company_mapping(["text=Wer"])


def test_a_workbook_is_read_as_well(tmp_path: Path) -> None:
    file = tmp_path / "list.xlsx"
    file.write_bytes(workbook({"Companies": [["id", "name", "url"], [1, "Acme", "acme.example"], [2, "Beta", ""]]}))
    found = read_list([str(file)], {}, Options())
    assert found.companies == [Listed("1", "Acme", ("https://acme.example/",)), Listed("2", "Beta")]


def test_rows_that_cannot_be_companies_are_named(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,name,url\n,Nameless,a.example\n3,Gamma,ftp://x.example\n")
    found = read_list([str(file)], {}, Options())
    assert [each.external_id for each in found.companies] == ["3"]
    assert found.rejects[0] == "line 2: no id"
    assert "is not a valid page address" in found.rejects[1]
    with pytest.raises(UnreadableSource):
        read_list([str(tmp_path / "missing.csv")], {}, Options())


# --- Sync ---------------------------------------------------------------------------------------------------------


def made_up(count: int, without: int) -> list[Listed]:
    return [
        Listed(f"c{number}", f"Company {number}", () if number < without else (f"https://c{number}.example/",))
        for number in range(count)
    ]


@pytest.mark.django_db
def test_a_sync_says_what_it_did_and_does_it_once() -> None:
    listed = made_up(979, 207)
    assert str(sync_companies(listed)) == (
        "979 companies: 772 created, 0 updated, 0 unchanged, 207 without URLs; 772 URLs created"
    )
    assert str(sync_companies(listed)) == (
        "979 companies: 0 created, 0 updated, 772 unchanged, 207 without URLs; 0 URLs created"
    )
    assert Company.objects.count() == 979


@pytest.mark.django_db
def test_what_the_list_says_replaces_what_was_known_and_nothing_is_lost() -> None:
    sync_companies([Listed("a", "Acme", ("https://a.example/", "https://a.example/old")), Listed("b", "Beta")])
    counts = sync_companies([Listed("a", "Acme Two", ("https://a.example/", "https://a.example/new"))])
    assert (counts.updated, counts.urls_created, counts.urls_removed) == (1, 1, 1)
    gone = CompanyUrl.objects.get(url="https://a.example/old")
    assert gone.removed_at is not None
    assert gone.conversation.customer == "Acme Two"
    assert Company.objects.get(external_id="b").name == "Beta"
    again = sync_companies([Listed("a", "Acme Two", ("https://a.example/", "https://a.example/old"))])
    assert (again.urls_created, again.urls_removed) == (1, 1)
    gone.refresh_from_db()
    assert gone.removed_at is None


@pytest.mark.django_db
def test_two_companies_of_one_name_stay_two_customers_and_may_share_an_address() -> None:
    sync_companies([Listed("1", "Twin", ("https://t.example/",)), Listed("2", "Twin", ("https://t.example/",))])
    assert set(CompanyUrl.objects.values_list("conversation__customer", flat=True)) == {"Twin (1)", "Twin (2)"}


@pytest.mark.django_db
def test_the_command_brings_in_a_list_and_ends_by_how_it_went(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,name,website\n1,Acme,acme.example\n2,Beta,\n")
    call_command("companies", "sync", str(file))
    assert "2 companies: 1 created, 0 updated, 0 unchanged, 1 without URLs; 1 URL created" in capsys.readouterr().out
    call_command("companies", "without-urls", "--csv")
    assert capsys.readouterr().out.splitlines() == ["id,company", "2,Beta"]
