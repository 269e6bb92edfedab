"""Who speaks: by words, by vendors' fields, by marks in a text, and by who occurs in how many threads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.understanding.roles import (
    AGENT,
    BOT,
    CUSTOMER,
    SYSTEM,
    Census,
    assign_roles,
    is_flag,
    role_in_field,
    role_of,
    split_transcript,
)
from tests.support.counting import steps

WORDS = {
    CUSTOMER: """visitor, End-User, endUser, end_user, contact, human, prompter, inbound, Incoming, requester, Kunde,
        KUNDIN, Benutzer, cliente, Usuario, utilisateur, demandeur, utente, klant, клиент, お客様, 客户, 고객,
        Premium customer, customers, inbound-api, Visitor""",
    AGENT: """agent, Support Agent, Level 2 Agent, gpt, ai, model, chatbot, outbound, OUTGOING_EMAIL, staff,
        Kundenservice, Mitarbeiterin, conseiller, service client, agente, operatore, Atención al cliente, medewerker,
        оператор, 担当者, 客服, Customer Support, human agent, customer service representative, Agents""",
    BOT: "bot, Answer Bot, virtual assistant, chat bot",
    SYSTEM: "system, event, internal note",
}


@pytest.mark.parametrize(
    ("word", "role"), [(word.strip(), role) for role, words in WORDS.items() for word in words.split(",")]
)
def test_it_knows_the_word(word: str, role: str) -> None:
    assert role_of(word) == role


@pytest.mark.parametrize(
    "word", ["", "Ada", "zzz", "12", None, 3, "the customer said that the agent was not there at all"]
)
def test_it_does_not_guess(word: object) -> None:
    assert role_of(word) is None


@pytest.mark.parametrize(
    ("name", "value", "role"),
    [
        ("message_type", 0, CUSTOMER), ("message_type", "1", AGENT), ("messageType", 2, SYSTEM), ("message_type", 3,
        BOT),
        ("message_type", "incoming", CUSTOMER), ("inbound", "True", CUSTOMER), ("inbound", False, AGENT), ("incoming",
        1, CUSTOMER),
        ("from_agent", "false", CUSTOMER), ("Is Staff", "yes", AGENT), ("direction", "outbound-reply", AGENT),
        ("is_bot", "true", BOT),
        ("is_bot", "false", None), ("inbound", "maybe", None), ("role", "1", None),
    ],
)  # fmt: skip
def test_it_knows_the_fields_of_vendors(name: str, value: object, role: str | None) -> None:
    assert role_in_field(name, value) == role


def test_it_knows_which_columns_are_flags() -> None:
    assert is_flag("Is Inbound")
    assert not is_flag("text")


# --- Transcripts --------------------------------------------------------------------------------------------------

TRANSCRIPTS = [
    ("Customer: My card was charged twice.\nAgent: We refund it.\nCustomer: Thanks", "customer agent customer"),
    ("Kunde: Es geht nicht\nMitarbeiter: Ok", "customer agent"),
    ("Client : bonjour\nConseiller : oui", "customer agent"),
    ("Cliente: hola\nAgente: sí", "customer agent"),
    ("お客様：動きません\n担当者：確認します", "customer agent"),
    ("[08:00] Ada (Support): Hello\n[08:01] Cara: The app crashes", "agent -Cara"),
    ("(10:01:02 AM) Visitor 8812: hi\n(10:01:05 AM) Ada: hello", "customer -Ada"),
    ("2026-05-02 08:00 - Cara: hello\n2026-05-02 08:05 - Ada: hi", "-Cara -Ada"),
    ("**User:** hi\n\n**Assistant:** yes", "customer agent"),
    ("Ada: hi\nBob: ho\nAda: my app crashes\nBob: ok", "-Ada -Bob -Ada -Bob"),
    ("Thank you for calling.\nCaller: My card was charged", "- customer"),
    ("Customer: I get this\nError: 500\nand no more\nAgent: ok", "customer agent"),
]
ORDINARY = [
    "", "My card was charged twice.", "Subject: x\nOrder: 55\nNote: hi", "I tried: nothing\nIt said: no",
    "User: admin\nPassword: none",
    "Error: 5\nUser: admin\nhelp", "http://x.example: foo\nNote: bar", "User: hi", "Support: please help me",
    "Steps: one\nActual: two",
    "Name: Cara\nEmail: cara@example.org\nMessage: it crashes", "Hello,\nplease note: it is broken.\nRegards: Cara",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TRANSCRIPTS)
def test_it_cuts_a_transcript(text: str, expected: str) -> None:
    found = split_transcript(text)
    assert found is not None
    assert " ".join(each.role or f"-{each.author}" for each in found) == expected


@pytest.mark.parametrize("text", ORDINARY)
def test_it_leaves_an_ordinary_text_whole(text: str) -> None:
    assert split_transcript(text) is None


def test_a_message_of_a_transcript_keeps_its_lines() -> None:
    found = split_transcript("Customer: one\ntwo\n\nthree\nAgent: four")
    assert found is not None
    assert [each.text for each in found] == ["one\ntwo\n\nthree", "four"]


@pytest.mark.parametrize("unit", ["a", "Ada ", ": ", "(", "10:00 ", "a:\n", "Ada: x\nBo: y\n", "Ada (10:00): x\n"])
def test_cutting_takes_work_in_proportion(unit: str) -> None:
    """A pattern that goes back and forth over a line would not come back; it sees only the line's beginning."""
    small, large = (f"Customer: {unit * (size // len(unit))}\nAgent: yes" for size in (5_000, 20_000))
    first = steps(lambda: split_transcript(small), within="roles.py")
    assert steps(lambda: split_transcript(large), within="roles.py") <= 5 * first + 1_000
    split_transcript(f"Customer: {unit * (400_000 // len(unit))}\nAgent: yes")


# --- A whole file -------------------------------------------------------------------------------------------------


def say(*authors: str, role: str = "") -> list[dict[str, str]]:
    return [{"role": role, "author": author, "text": "x", "created_at": ""} for author in authors]


def roles(messages: list[dict[str, str]], census: Census | None = None, *names: str) -> list[str]:
    assign_roles(messages, customer_names=names, census=census)
    return [message["role"] for message in messages]


def census_of(*threads: list[str]) -> Census:
    census = Census()
    for thread in threads:
        census.see(thread)
    return census


def test_who_opens_is_the_customer_where_nothing_else_is_known() -> None:
    assert roles(say("Cara", "Ada", "Cara")) == [CUSTOMER, "", CUSTOMER]


def test_who_is_in_many_threads_is_not_their_customer_even_if_they_open_them() -> None:
    census = census_of(*[["Ada", f"Cust{n}", "Ada"] for n in range(3)], *[[f"Cust{n}", "Ada"] for n in range(3, 18)])
    assert roles(say("Ada", "Cust0", "Ada"), census) == [AGENT, CUSTOMER, AGENT]
    assert roles(say("Cust9", "Ada"), census) == [CUSTOMER, AGENT]


def test_a_greeting_of_a_bot_alone_is_nobodys_problem() -> None:
    census = census_of(*[["Helper", f"Cust{n}"] for n in range(20)], ["Helper"])
    assert roles(say("Helper"), census) == [AGENT]


def test_a_customer_who_writes_often_stays_the_customer_beside_staff() -> None:
    census = census_of(
        *[["Helper", "Cara", "Ada"] for _ in range(4)], *[["Helper", f"Cust{n}", "Ada"] for n in range(40)]
    )
    assert roles(say("Helper", "Cara", "Ada"), census) == [AGENT, CUSTOMER, AGENT]


def test_one_of_many_agents_in_a_large_file_is_staff() -> None:
    census = census_of(*[[f"Agent{n % 50}", f"Cust{n}"] for n in range(5000)])
    assert roles(say("Agent7", "Cust7"), census) == [AGENT, CUSTOMER]


def test_somebody_who_writes_all_alone_is_the_customer() -> None:
    assert roles(say("Cara"), census_of(*[["Cara"]] * 9)) == [CUSTOMER]


def test_the_named_customer_is_the_customer_however_they_are_written() -> None:
    assert roles(say("Ada", "Cust0", "Ada"), None, "cust0") == ["", CUSTOMER, ""]
    assert roles(say("Ada", "cara@x.example"), None, "Cara Smith", "Cara@X.example") == ["", CUSTOMER]


def test_a_word_decides_before_an_author() -> None:
    messages = [*say("Cara", role="Visitor"), *say("Cara", role="AGENT"), *say("Cara", role="Weird")]
    assert roles(messages, None, "Cara") == [CUSTOMER, AGENT, "weird"]


def test_a_census_stays_small_however_many_authors_there_are() -> None:
    census = Census()
    for number in range(300_000):
        census.see([f"Cust{number}", "Ada"])
    assert len(census.threads_of) <= 100_000
    assert census.is_staff("ada")


def test_the_one_unknown_word_beside_agents_is_the_customers() -> None:
    census = Census()
    for _ in range(10):
        census.see([], ["agent", "kunde xy"])
    assert census.meanings() == {"agent": AGENT, "kunde xy": CUSTOMER}
    census.see([], ["zzz"])
    assert "zzz" not in census.meanings()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_cutting_never_loses_a_word_of_the_text(text: str) -> None:
    found = split_transcript(text)
    for each in found or []:
        assert each.text.strip() in "\n".join(text.splitlines())
