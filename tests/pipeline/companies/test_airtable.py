"""Companies are read from Airtable, by its own client and a server that speaks its API."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from pipeline.sources.companies.airtable import read_airtable
from pipeline.sources.records import UnreadableSource
from tests.fakes.airtable import Airtable

pytestmark = pytest.mark.skipif(not find_spec("pyairtable"), reason="an extra: requirements-airtable.txt")

ROWS = [
    {"Company": f"Company {number}", "Website": f"https://c{number}.example/", "Tags": ["boats", "kiel"], "Age": number}
    for number in range(230)
]
ROWS[3] = {"Company": "Nothing to see"}
ROWS[4] = {
    "Company": "Two sites",
    "Website": "https://a.example, https://b.example",
    "Owner": {"email": "kim@x.example"},
}
TOKEN = "patSecret.of-nobody"


@pytest.fixture
def airtable(monkeypatch: pytest.MonkeyPatch) -> Iterator[Airtable]:
    server = Airtable({"appBoats/Companies we watch": ROWS}, TOKEN)
    monkeypatch.setenv("AIRTABLE_TOKEN", TOKEN)
    with server.running() as url:
        monkeypatch.setenv("AIRTABLE_URL", url)
        yield server


def test_all_pages_of_a_table_are_read(airtable: Airtable) -> None:
    found = read_airtable("appBoats/Companies we watch", {})
    assert len(airtable.asked) == 3
    assert [each.external_id for each in found.companies] == [f"rec{number:05}" for number in range(230)]
    assert found.companies[0].name == "Company 0"
    assert found.companies[0].urls == ("https://c0.example/",)
    assert found.companies[3].urls == ()
    assert len(found.companies[4].urls) == 2


def test_a_limit_is_waited_for(airtable: Airtable) -> None:
    airtable.refusals = [429]
    assert len(read_airtable("appBoats/Companies we watch", {}).companies) == 230


@pytest.mark.parametrize(
    ("place", "token"), [("appBoats/Nothing", TOKEN), ("appBoats/Companies we watch", "patWrong.token")]
)
def test_what_is_refused_is_one_sentence_without_the_token(
    airtable: Airtable, place: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRTABLE_TOKEN", token)
    with pytest.raises(UnreadableSource, match="Airtable could not be read") as raised:
        read_airtable(place, {})
    assert token not in str(raised.value)


@pytest.mark.parametrize(("place", "said"), [("appBoats", "is not a table"), ("/x", "is not a table")])
def test_a_place_that_is_none_is_said(place: str, said: str, airtable: Airtable) -> None:
    with pytest.raises(UnreadableSource, match=said):
        read_airtable(place, {})


def test_a_missing_token_is_said(airtable: Airtable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRTABLE_TOKEN")
    with pytest.raises(UnreadableSource, match="AIRTABLE_TOKEN is not set"):
        read_airtable("appBoats/Companies we watch", {})
