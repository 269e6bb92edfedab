# ruff: noqa: RUF001 - letters that look like others are what is tested
"""What is private is found however it is written, comes back whole, and costs time in proportion to the text."""

import random
import re
import string
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from pipeline.extract import redaction
from pipeline.extract.redaction import Redactor, find_private

SIZE = 1_000_000


@pytest.fixture(autouse=True)
def _settings(settings: Settings) -> Iterator[None]:
    settings.REDACTION_REGIONS, settings.REDACTION_PATTERNS, settings.REDACTION_DETECTORS = ["US", "GB"], {}, []
    forget()
    yield
    forget()


def forget() -> None:
    redaction._regions.cache_clear()
    redaction._own_patterns.cache_clear()
    redaction._own_detectors.cache_clear()


def kinds(text: str, *names: str) -> list[str]:
    return [kind for _, _, kind in find_private(text, names)]


PRIVATE = [
    ("email", "mara.quill@example.com"),
    ("email", "m+tag@sub.example.co.uk"),
    ("email", "jörg@beispiel.example"),
    ("email", "mara [at] example [dot] com"),
    ("email", "mara@example.com.invalid"),
    ("email", "ｍａｒａ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
    ("email", "ma\u200bra@exam\u200cple\u2060.com"),
    ("email", "ma\u00adra@example.com"),
    ("email", "a" * 80 + "@example.com"),
    ("card", "4111 1111 1111 1111"),
    ("card", "4111-1111-1111-1111"),
    ("card", "4111111111111111"),
    ("card", "3782 822463 10005"),
    ("card", "5555.5555.5555.4444"),
    ("card", "6011111111111117"),
    ("card", "４１１１　１１１１　１１１１　１１１１"),
    ("card", "٤١١١١١١١١١١١١١١١"),
    ("card", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("iban", "gb82west12345698765432"),
    ("iban", "NO93 8601 1117 947"),
    ("iban", "FR14-2004-1010-0505-0001-3M02-606"),
    ("iban", "DE8９ 3704\u200b 0044 0532 0130 00"),
    ("ip", "203.0.113.7"),
    ("ip", "2001:db8::ff00:42:8329"),
    ("ip", "fe80::1%eth0"),
    ("ip", "::ffff:203.0.113.7"),
    ("ip", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
    ("phone", "+44 20 7946 0958"),
    ("phone", "(415) 555-0132"),
    ("phone", "0049 30 901820"),
    ("phone", "+1-415-555-0132"),
    ("phone", "020 7946 0958"),
    ("phone", "+\u200b44 20\u00a07946 0958"),
    ("api_key", "sk-proj-abcdefghijkl1234567890"),
    ("api_key", "ghp_0123456789abcdefghij0123456789abcdef"),
    ("api_key", "AKIAIOSFODNN7EXAMPLE"),
    ("api_key", "xoxb-123456789012-abcdefghij"),
    ("api_key", "glpat-abcdefghij0123456789"),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    ("secret", "Zx81kQ0pLm92vTr45YbNw67s"),
    ("private_key", "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----"),
]


@pytest.mark.parametrize(
    ("kind", "value"), PRIVATE, ids=[f"{kind} {number}" for number, (kind, _) in enumerate(PRIVATE)]
)
@pytest.mark.parametrize("around", ["{}", "It is {}.", "({})", "see: {}, thanks", "x\n{}\ny", "אני {} תודה", "«{}»"])
def test_it_finds_what_is_private_wherever_it_stands(kind: str, value: str, around: str) -> None:
    text = around.format(value)
    redactor = Redactor(context=text)
    hidden = redactor.hide(text)
    assert kinds(text) == [kind]
    assert hidden == around.format(f"[{kind.upper()}_1]")
    assert redactor.show(hidden) == text


@pytest.mark.parametrize(
    "text",
    [
        "It happens since 2026-05-02 12:30:45 on version 3.12.4.",
        "Order 4111 1111 1111 1112 did not arrive.",
        "my password is not working",
        "reset the password please",
        "The token was wrong",
        "std::vector and x::y",
        "We are 3 to 5 people, room 214, 10:30-12:45.",
        "It costs 1,299.00 or 1.299,00.",
        "@channel look at this",
        "DE89 3704 0044 0532 0130 01",
        "calendar_sync_duplicates_events",
        "00:1A",
        "a.b.c.d",
        "ratio 16:9",
        "/settings/billing/invoices",
        "the-quick-brown-fox-jumps-over-the-lazy-dog",
    ],
)
def test_it_leaves_alone_what_only_looks_like_it(text: str) -> None:
    assert kinds(text) == []


def test_what_stands_behind_a_word_for_a_secret_is_one() -> None:
    assert Redactor().hide("password: hunter22! and pwd=tr0ub4dor; API key is k9f3w2") == (
        "password: [SECRET_1] and pwd=[SECRET_2]; API key is [SECRET_3]"
    )
    assert Redactor().hide("https://bob:s3cr3t@host.example/x") == "https://[PASSWORD_1]/x"


def test_names_of_the_customer_are_hidden_and_words_are_not() -> None:
    redactor = Redactor(names=("Anna-Lena Hopewell", "Mark May"))
    hidden = redactor.hide("Anna-Lena here. HOPEWELL, Anna-Lena; anna-lena hopewell. Mark May may mark it in May.")
    assert not re.search("anna|hopewell|Mark May", hidden, re.IGNORECASE)
    assert hidden.endswith("may mark it in May.")
    assert kinds("Дарья пишет", "Дарья Петрова") == ["name"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Marabel Quillfeather", ["Marabel", "Quillfeather"]), ("customer-17", []), ("billing team", []), ("Ann", []),
        ("ann@example.com", []), ("Mark May", []), ("Дарья Петрова", ["Дарья", "Петрова"]),
    ],
)  # fmt: skip
def test_it_knows_a_full_name_from_an_id(name: str, parts: list[str]) -> None:
    assert redaction.full_name(name) == parts


def test_one_value_has_one_placeholder_however_it_is_written() -> None:
    redactor = Redactor()
    assert redactor.hide("Mara@Example.com") == redactor.hide("ｍａｒａ＠ｅｘａｍｐｌｅ．ｃｏｍ") == "[EMAIL_1]"
    assert redactor.counts == {"email": 1}


def test_a_placeholder_that_somebody_wrote_stands_for_nothing() -> None:
    text = "[EMAIL_1] is what I saw; I am mara@example.com"
    redactor = Redactor(context=text)
    hidden = redactor.hide(text)
    assert hidden == "[EMAIL_1] is what I saw; I am [EMAIL_2]"
    assert redactor.show(hidden) == text


def test_a_secret_within_another_is_hidden_with_it() -> None:
    text = "mail 4111111111111111@example.com, or https://4111111111111111:x@host.example"
    hidden = Redactor().hide(text)
    assert not re.search(r"\d{5}", hidden)


def test_your_own_patterns_and_detectors_are_asked(settings: Settings) -> None:
    settings.REDACTION_PATTERNS = {"order": r"ORD-\d{4,}", "slow": r"(a+)+$"}
    settings.REDACTION_DETECTORS = [f"{__name__}.shouting"]
    forget()
    assert (
        Redactor().hide("ORD-12345 for ACME: " + "a" * 50_000 + "!")
        == "[ORDER_1] for [COMPANY_1]: " + "a" * 50_000 + "!"
    )


def shouting(text: str) -> Iterator[tuple[int, int, str]]:
    """Find companies as one's own detector may: words in capitals."""
    for found in re.finditer(r"\bACME\b", text):
        yield found.start(), found.end(), "company"


# --- Time ---------------------------------------------------------------------------------------------------------

REPEATED = [
    "a",
    "1",
    "1 ",
    "4111 ",
    "@",
    "a@",
    "a.",
    "+1",
    "(",
    "a:",
    "ffff:",
    "::1 ",
    "1.",
    "DE89 ",
    "eyJ",
    "eyJabcdefgh.",
    "sk-",
    "password ",
    "password: ",
    "token=",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    " ",
    "\n",
    "\u200b",
    "１",
    "א\u05b0",
    "😀",
    "2026-05-02 ",
    "415-555-0132 ",
    "aB3",
    "aB3dE6gH9aB3dE6gH9aB3dE6gH9x ",
    "a [at] ",
    "a [at] b [dot] ",
    "a://b:",
    "://a:",
    "-",
    "1((",
    "Anna Smith ",
    "1/1/1 ",
    ".",
    "ghp_",
    "1.1.1.1 ",
    "\ud800",
]


def drawn() -> dict[str, str]:
    """Return texts in which nothing repeats."""
    draw = random.Random(4)
    return {
        "any printable": "".join(draw.choices(string.printable, k=SIZE)),
        "any letter": "".join(chr(draw.randrange(1, 0x3000)) for _ in range(SIZE)),
        "numbers that all differ": " ".join(f"+1415{number:07d}" for number in range(SIZE // 13)),
    }


@pytest.mark.slow
def test_no_text_takes_more_than_time_in_proportion_to_it() -> None:
    """Hold the time of the processor against that of the same text at half the length: twice, not four times."""
    texts = {repr(piece): (piece * (SIZE // len(piece) + 1))[:SIZE] for piece in REPEATED} | drawn()
    slow = {}
    for name, text in texts.items():
        half, whole = seconds(text[: SIZE // 2]), seconds(text)
        if whole > 3 * max(half, 0.3):
            slow[name] = (half, whole)
    assert slow == {}


def seconds(text: str) -> float:
    """Return the time of the processor that a text takes."""
    began = time.process_time()
    find_private(text, ("Anna Smith",))
    return time.process_time() - began
