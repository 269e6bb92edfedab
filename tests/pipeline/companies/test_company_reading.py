"""Signals are found in pages by what their sentences mean: pages of our own writing, half of them traps."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.extract.profiles import get_profile
from pipeline.extract.profiles.company import COMPANY, NEGATIVE
from pipeline.extract.profiles.company_meaning import OUR_NAME, examples, hash_of_sentences, judged, may_tell, weights
from pipeline.extract.profiles.company_reading import (
    BAD_NEWS,
    MOST_JUDGED,
    NO_SIGNAL,
    _telling,
    _telling_in,
    find_signals,
    sentences,
)
from pipeline.ledger.transcript import CUSTOMER, Message, Transcript
from pipeline.reports.page_scores import PageScores, score_pages

PAGES = Path(__file__).with_name("pages.jsonl")
AT = datetime(2026, 11, 28, tzinfo=UTC)


def _page(text: str, company: str = "Acme Ltd") -> Transcript:
    return Transcript("page", (Message(CUSTOMER, text, author=company, created_at=AT),))


def signals(text: str, company: str = "Acme Ltd") -> set[str]:
    return {found.signal for found in find_signals(_page(text, company))}


def test_pages_that_need_a_look_are_found_and_few_others() -> None:
    scores = score_pages([str(PAGES)])
    assert scores.pages >= 60
    assert scores.without_signal >= scores.pages // 2
    assert scores.recall >= 0.95
    assert scores.precision >= 0.7


def test_every_signal_is_planted_and_most_are_called_by_their_name() -> None:
    rows = [json.loads(line) for line in PAGES.read_text(encoding="utf-8").splitlines()]
    planted = Counter(signal for row in rows for signal in row["label"].split() if signal != "none")
    assert planted.keys() == {category.name for category in COMPANY.categories if category.goes_on}
    named = sum(signal in signals(row["text"], row["customer"]) for row in rows for signal in row["label"].split())
    assert named >= 0.9 * planted.total()


@pytest.mark.parametrize(
    "text",
    [
        "We are closing the gap between sales and support.",
        "We are not closing.",
        "We aren't shutting down, whatever you read.",
        "Rumours that we are closing are false.",
        "Are we closing?",
        "If we were to close, your deposit would be refunded.",
        "In 2011 the company was acquired by its managers.",
        "Our competitor Umbra was acquired by Monolith.",
        "We closed our Series A round.",
        "Closed on Sundays.",
        "We never laid off anybody.",
        "In the event of insolvency of the customer we may terminate.",
        "Our insolvency lawyers help you.",
        "We acquired a small studio in Ghent.",
    ],
)
def test_the_same_words_may_mean_something_else(text: str) -> None:
    assert signals(text) & set(NEGATIVE) == set()


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("We are closing our doors on 3 May.", "closing"),
        ("Founded in 1998, Acme has closed for good.", "closing"),
        ("Acme is no longer in business.", "closing"),
        ("Acme was acquired by Monolith in 2026.", "acquisition"),
        ("Acme Ltd has filed for bankruptcy.", "insolvency"),
        ("We have laid off twelve people.", "layoffs"),
        ("Our CEO is stepping down.", "leadership_change"),
        ("We raised $3 million in a seed round.", "funding"),
        ("We have relaunched our shop.", "relaunch"),
        ("Wir schließen unser Geschäft zum Jahresende.", "closing"),
        ("La société est placée en liquidation judiciaire.", "insolvency"),
    ],
)
def test_plain_sentences_are_understood(text: str, signal: str) -> None:
    assert signal in signals(text)


def test_quotes_are_verbatim_and_the_surest_sentence_comes_first() -> None:
    text = "Hello.\nAfter ten years, we are closing our doors for good on 31 March. Thank you, Dr. Hill!"
    (found,) = find_signals(Transcript("page", (Message(CUSTOMER, text, author="Acme", created_at=AT),)))
    assert all(quote in text for quote in found.quotes)
    assert found.quotes[0] == "After ten years, we are closing our doors for good on 31 March."


def test_a_sentence_keeps_its_abbreviations() -> None:
    assert [one.text for one in sentences("Acme Inc. is here. We ask Dr. Hill!\nNext")] == [
        "Acme Inc. is here.", "We ask Dr. Hill!", "Next",
    ]  # fmt: skip


def test_an_answer_depends_on_the_page_alone() -> None:
    page = Transcript("page", (Message(CUSTOMER, "We are shutting down. Our CEO resigned as CEO.", author="A"),))
    assert find_signals(page) == find_signals(page)


def test_endless_text_is_read_in_pieces() -> None:
    text = "we are not closing our " * 20_000
    assert signals(text) == set()


def test_the_weights_are_those_of_the_sentences() -> None:
    assert weights().learned_from == hash_of_sentences(), "run python -m benchmarks.company_signals"
    known = {category.name for category in COMPANY.categories}
    assert set(weights().signals) == {each.signal for each in examples()} == known
    assert set(NEGATIVE) == BAD_NEWS


def test_a_line_with_alternatives_stands_for_its_variants() -> None:
    texts = [each.text for each in examples()]
    assert "We are closing our doors after 32 years." in texts
    assert not any("shutters|doors" in text for text in texts)
    assert sum(OUR_NAME in text for text in texts) > 100


def test_hardly_a_telling_sentence_falls_through_the_sieve() -> None:
    telling = [each.text for each in examples() if each.signal in BAD_NEWS]
    assert sum(map(may_tell, telling)) >= 0.99 * len(telling)
    assert not may_tell("Our engineers design pumps for water.")
    assert not may_tell("Each pot is turned and fired by hand.")


def test_half_of_what_tells_nothing_is_never_read_by_its_meaning() -> None:
    """The control of the sieve: one that lets all pass would lose no sentence either."""
    rows = [json.loads(line) for line in PAGES.read_text(encoding="utf-8").splitlines()]
    quiet = [one.text for row in rows if row["label"] == "none" for one in sentences(row["text"])]
    assert sum(map(may_tell, quiet)) <= 0.6 * len(quiet)


def test_who_buys_whom_is_told_apart() -> None:
    assert "acquisition" in signals("Northfield Software acquires Acme.")
    assert "acquisition" not in signals("Acme acquires Tally to strengthen its payroll business.")


def test_the_name_of_the_company_does_not_matter() -> None:
    text = "{} is shutting down at the end of June."
    first, *others = (find_signals(_page(text.format(name), name)) for name in ("Quillon", "Zebra Tools", "Ørsted Båd"))
    assert all([(one.signal, one.confidence) for one in other] == [(one.signal, one.confidence) for one in first]
               for other in others)  # fmt: skip


def test_of_an_endless_page_the_beginning_the_end_and_what_tells_most_between_are_read() -> None:
    many = [f"Sale {number} of our shop ends today." for number in range(3 * MOST_JUDGED)]
    telling = ["We are closing.", "We are closing our doors for good.", "Acme has ceased trading."]
    read = [one.text for one in _telling("\n".join([telling[0], *many, telling[1], *many, telling[2]]), None)]
    assert len(read) == MOST_JUDGED
    assert [text for text in read if text not in many] == telling


def test_what_is_remembered_of_a_line_is_the_same_for_companies_it_does_not_name() -> None:
    line = "After thirty years Birch Mill is closing its doors for good."
    find_signals(_page(line, "Quillon"))
    known = _telling_in.cache_info().misses
    assert signals(line, "Zebra Tools") == signals(line, "Quillon")
    assert _telling_in.cache_info().misses == known
    # but whose name stands in it reads it as its own
    signals(line, "Birch Mill")
    assert _telling_in.cache_info().misses == known + 1


def test_likelihoods_add_up() -> None:
    likely = dict(judged("Our shop is open from nine to five."))
    assert sum(likely.values()) == pytest.approx(1)
    assert max(likely, key=lambda each: likely[each]) == NO_SIGNAL


def test_the_profile_is_registered() -> None:
    assert get_profile("company") is COMPANY
    assert COMPANY.gate.min_customers == 2


def test_scores_say_which_pages_were_missed_or_flagged_in_vain(tmp_path: Path) -> None:
    file = tmp_path / "pages.csv"
    file.write_text(
        "id,customer,label,text\n1,Acme,closing,We are closing our doors for good.\n2,Acme,none,We are shutting down.\n"
        "3,Acme,look,Nothing to see here at all.\n"
    )
    scores = score_pages([str(file)])
    assert scores == PageScores(3, 1, 1, 1, 1, missed=("3",), in_vain=("2",))
    assert (scores.recall, scores.precision) == (0.5, 0.5)
