"""What the columns of a table mean: by name in five languages and more, by value, or as a person says."""

from typing import Any

import pytest

from pipeline.sources.understanding.column_names import UnknownColumn, at_path, compact, parse_mapping
from pipeline.sources.understanding.columns import AmbiguousColumns, Mapping, Profile, find
from tests.support.counting import steps

TEXT = [
    "The lamp flickers since Monday", "My parcel has not arrived yet", "I was charged twice in May",
    "The door does not close",
    "Where can I change my address?",
]  # fmt: skip
SHORT = ["Lamp", "Parcel", "Invoice", "Door", "Address"]
IDS = ["1", "2", "3", "4", "5"]
DAYS = [f"2026-05-0{day}" for day in range(1, 6)]
MAILS = [f"{name}@example.org" for name in ("ann", "bea", "cai", "dan", "eve")]
NAMES = ["Ann", "Bea", "Cai", "Dan", "Eve"]
ROLES = ["customer", "agent", "customer", "agent", "customer"]
LINKS = [f"https://example.org/{number}" for number in range(5)]


def profiles(columns: dict[str, list[Any]]) -> list[Profile]:
    found = []
    for name, values in columns.items():
        profile = Profile(name)
        for value in values:
            profile.see(value)
        found.append(profile)
    return found


def fields(columns: dict[str, list[Any]], **given: str) -> dict[str, str]:
    return find(profiles(columns), given).described()


@pytest.mark.parametrize("name", ["Ticket ID", "ticket_id", "ticketId", " TICKET-ID ", "Ticket ID:", "\ufeffticket.id"])
def test_it_compares_names_without_case_spaces_and_signs(name: str) -> None:
    assert compact(name) == "ticketid"


@pytest.mark.parametrize(
    "header",
    [
        "id text subject customer created_at label url", "ID Text Subject Customer CreatedAt Label URL",
        "Ticket|Description|Summary|Requester|Created At|Category|Link",
        "Case Number|Message Body|Title|Customer Name|Opened At|Topic|Permalink",
        "Ticketnummer|Beschreibung|Betreff|Kunde|Erstellt am|Kategorie|Link",
        "Vorgang|Nachricht|Überschrift|Melder|Eingangsdatum|Thema|Link",
        "Identifiant|Commentaire|Objet|Client|Date de création|Catégorie|Lien",
        "Número de ticket|Descripción|Asunto|Cliente|Fecha de creación|Categoría|Enlace",
        "Numero|Descrizione|Oggetto|Cliente|Data creazione|Categoria|Collegamento",
        "Protocolo|Descrição|Assunto|Cliente|Data de criação|Categoria|Link",
        "Zaaknummer|Omschrijving|Onderwerp|Klant|Aangemaakt op|Categorie|Link",
        "番号|内容|件名|顧客名|作成日時|カテゴリ|リンク",
        "编号|内容|标题|客户|创建时间|类别|链接", "번호|내용|제목|고객명|작성일|카테고리|링크",
    ],
)  # fmt: skip
def test_it_finds_columns_by_name(header: str) -> None:
    names = header.split("|") if "|" in header else header.split()
    values = (IDS, TEXT, SHORT, NAMES, DAYS, ["a", "b", "a", "b", "a"], LINKS)
    found = fields(dict(zip(names, values, strict=True)))
    assert list(found.values()) == names
    assert list(found) == ["id", "text", "subject", "customer", "created_at", "label", "url"]


def test_it_takes_the_address_before_the_name_and_leaves_the_agents_out() -> None:
    found = fields({
        "Ticket": IDS, "Assignee email": ["ada@example.org"] * 5, "Agent": ["Ada"] * 5, "Requester": NAMES,
        "Requester email": MAILS,
        "Description": TEXT, "Updated at": DAYS, "Created": DAYS, "Due date": DAYS,
    })  # fmt: skip
    assert found["customer"] == "Requester email + Requester"
    assert found["created_at"] == "Created"


def test_it_finds_columns_by_value_where_no_name_is_known() -> None:
    found = fields({"A": MAILS, "B": DAYS, "C": TEXT, "D": SHORT, "Case_ID": IDS})
    assert found == {"id": "Case_ID", "text": "C", "customer": "A", "created_at": "B"}


def test_it_finds_a_column_of_roles_by_value() -> None:
    assert fields({"id": IDS, "xyz": ROLES, "text": TEXT})["role"] == "xyz"


def test_it_reads_all_open_answers_of_a_survey() -> None:
    found = fields({
        "Timestamp": DAYS, "Email Address": MAILS, "How satisfied are you?": IDS, "What went wrong?": TEXT,
        "What else would you like to tell us?": TEXT,
    })  # fmt: skip
    assert found["text"] == "What went wrong? + What else would you like to tell us?"


def test_it_reads_the_subject_where_there_is_no_text() -> None:
    assert fields({"id": IDS, "Subject": TEXT}) == {"id": "id", "text": "Subject"}


def test_a_number_is_no_text_whatever_it_is_called() -> None:
    assert fields({"id": IDS, "review": IDS, "comment": TEXT})["text"] == "comment"


def test_it_does_not_take_an_author_for_the_customer_where_rows_are_messages() -> None:
    found = fields({"id": ["1", "1", "1", "2", "2"], "author": NAMES, "text": TEXT})
    assert found == {"id": "id", "text": "text", "author": "author"}
    assert fields({"id": IDS, "author": NAMES, "text": TEXT})["customer"] == "author"


def test_it_puts_a_day_and_a_time_of_day_together() -> None:
    found = find(profiles({"id": IDS, "Date": DAYS, "Time": ["08:00"] * 5, "text": TEXT}))
    assert (found.one("created_at"), found.time_of_day) == ("Date", "Time")


def test_it_names_the_candidates_where_several_columns_may_be_the_text() -> None:
    with pytest.raises(AmbiguousColumns, match=r"'First part', 'Second part'.*--map text=\"First part\""):
        fields({"First part": TEXT, "Second part": TEXT})


def test_it_names_the_columns_where_none_is_text() -> None:
    with pytest.raises(AmbiguousColumns, match=r"'Foo', 'Bar'. Choose it with --map text=COLUMN"):
        fields({"Foo": IDS, "Bar": IDS})


def test_it_names_the_dates_where_several_may_be_meant_and_guesses_none() -> None:
    found = find(profiles({"id": IDS, "Phase one": DAYS, "Phase two": DAYS, "text": TEXT}))
    assert not found.of("created_at")
    assert "'Phase one', 'Phase two'. Choose it" in found.notes[0]


def test_it_says_which_text_it_left_out() -> None:
    found = find(profiles({"id": IDS, "Description": TEXT, "Comment": TEXT}))
    assert "not 'Comment'" in found.notes[0]


# --- What a person says -------------------------------------------------------------------------------------------


def test_what_a_person_says_goes_before_everything() -> None:
    given = parse_mapping(["text=Comment", "text=Description", "customer=requester", "time = Due date", "subject="])
    columns = {
        "id": IDS,
        "Description": TEXT,
        "Comment": TEXT,
        "Requester": NAMES,
        "Created": DAYS,
        "Due Date": DAYS,
        "Title": SHORT,
    }
    found = fields(columns, **given)
    assert found == {"id": "id", "text": "Comment + Description", "customer": "Requester", "created_at": "Due Date"}


@pytest.mark.parametrize("given", ["text", "=x", "colour=Blue"])
def test_it_names_the_fields_where_a_mapping_is_wrong(given: str) -> None:
    with pytest.raises(UnknownColumn, match="FIELD=COLUMN, where FIELD is one of id, text, subject, customer"):
        parse_mapping([given])


def test_it_names_the_columns_where_a_mapping_names_none() -> None:
    with pytest.raises(UnknownColumn, match=r"--map text=Nope: there is no such column\. Columns: 'id', 'text'"):
        fields({"id": IDS, "text": TEXT}, text="Nope")


def test_it_explains_itself_in_a_sentence() -> None:
    found: Mapping = find(profiles({"Ticket ID": IDS, "Subject": SHORT, "Description": TEXT, "Priority": IDS}))
    assert str(found) == 'Columns: id = "Ticket ID", text = "Description", subject = "Subject"; not used: Priority'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("requester.email", "a@b.c"), ("Requester.Email", "a@b.c"), ("messages.0.text", "hi"), ("a.b", 1),
        ("requester", {"email": "a@b.c"}),
        ("messages.7.text", None), ("nope", None), ("requester.email.x", None),
    ],
)  # fmt: skip
def test_it_follows_a_path(path: str, value: object) -> None:
    assert at_path({"requester": {"email": "a@b.c"}, "messages": [{"text": "hi"}], "a.b": 1}, path) == value


@pytest.mark.parametrize("unit", ["word ", "a", "a@", "<", "1.2.3 ", "a b@c.d ", "10:00 ", "http://a."])
def test_looking_at_a_text_takes_no_more_work_when_it_is_long(unit: str) -> None:
    """Patterns see values of 300 characters at most; one that goes back and forth would not come back from them."""
    short, long = (unit * (size // len(unit)) for size in (300, 300_000))
    first = steps(lambda: Profile("text").see(short), within="understanding")
    assert steps(lambda: Profile("text").see(long), within="understanding") <= first
