"""The rules scored on pairs of names: those of a file, and those people decided."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from pipeline import review
from pipeline.models import Signature
from pipeline.reports.pair_scores import Judged, UnreadablePairs, read_pairs, score, score_file, score_reviewed
from tests.support.factories import alice
from tests.support.seeding import finish, scripts, seed, start

Captured = pytest.CaptureFixture[str]

TWINS = ("multi_network_scheduling_failure", "multinetwork_scheduling_failures")
PLAIN = f"""name_a,name_b,same
{TWINS[0]},{TWINS[1]},true
{TWINS[0]},invoice_shows_the_wrong_currency,false
password_reset_mail_never_arrives,invoice_shows_the_wrong_currency,no
"""


def judged(*said_and_found: tuple[bool, bool]) -> list[Judged]:
    return [Judged("a", "b", said, found) for said, found in said_and_found]


@pytest.mark.parametrize(
    ("pairs", "precision", "recall", "f1"),
    [
        ([(True, True), (False, False)], 1.0, 1.0, 1.0),
        ([(True, True), (False, True), (True, False), (True, False)], 0.5, 0.3333, 0.4),
        ([(True, False), (False, False)], None, 0.0, None),
        ([(False, True)], 0.0, None, None),
        ([(True, False), (False, True)], 0.0, 0.0, 0.0),
    ],
)
def test_it_counts_right_and_wrong(
    pairs: list[tuple[bool, bool]], precision: float | None, recall: float | None, f1: float | None
) -> None:
    found = score(judged(*pairs))
    assert (found.precision, found.recall, found.f1) == (precision, recall, f1)
    assert [(pair.same, pair.found) for pair in found.wrong] == [pair for pair in pairs if pair[0] != pair[1]]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_is_scored_by_what_its_names_mean(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"pairs.{suffix}"
    rows = [line.split(",") for line in PLAIN.splitlines()]
    lines = [json.dumps(dict(zip(rows[0], row, strict=True))) for row in rows[1:]]
    path.write_text(PLAIN if suffix == "csv" else "\n".join(lines))
    found = score_file(path, profile="support", extractor="local")
    assert (found.pairs, found.same, found.f1, found.wrong) == (3, 1, 1.0, ())


def test_the_wrong_ones_are_listed(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(PLAIN.replace("true", "false"))
    call_command("evaluate", "--pairs", str(path))
    shown = " ".join(capsys.readouterr().out.split())
    assert "3 pairs, 0 of them one problem. Precision 0.000 Recall - F1 -" in shown
    assert "1 wrong" in shown
    assert "│ two │ one │" in shown


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("p.csv", "name_a,name_b\na,b\n", r"line 2: same: Field required\. Each row needs name_a, name_b and same"),
        ("p.csv", "name_a,name_b,same\na,,yes\na,b,perhaps\n", "line 2: name_b: .*; line 3: same: "),
        ("p.jsonl", '{"name_a": "a"\n', "line 1: row: "),
        ("p.csv", "name_a,name_b,same\n", "it has no rows"),
    ],
)
def test_rows_that_cannot_be_read_are_all_named(tmp_path: Path, name: str, text: str, why: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UnreadablePairs, match=why):
        read_pairs(path)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UnreadablePairs, match=r"nowhere\.csv cannot be read: "):
        read_pairs(Path("nowhere.csv"))


@pytest.mark.django_db
def test_what_people_decided_is_scored_by_the_themes_as_if_they_had_not(capsys: Captured) -> None:
    finish(start(seed(scripts(4, 4))))
    zero, one, two, three = Signature.objects.order_by("key")
    review.merge_signatures(child=one, parent=zero, by=alice())
    review.veto(first=two, second=three, by=alice())
    found = score_reviewed(profile="support")
    assert (found.pairs, found.same, found.recall, found.precision) == (2, 1, 0.0, None)
    assert found.wrong == (Judged(one.key, zero.key, same=True, found=False),)
    call_command("evaluate", "--reviewed", "--json")
    assert json.loads(capsys.readouterr().out)["wrong"] == [
        {"name_a": one.key, "name_b": zero.key, "same": True, "found": False}
    ]


@pytest.mark.django_db
def test_without_a_decision_it_says_who_asks() -> None:
    with pytest.raises(CommandError, match="answer some pairs in the admin's review"):
        call_command("evaluate", "--reviewed")


@pytest.mark.parametrize("words", [[], ["x.jsonl", "--reviewed"], ["--pairs", "x.csv", "--reviewed"]])
def test_one_thing_is_evaluated_at_a_time(words: list[str]) -> None:
    with pytest.raises(CommandError, match=r"is required|not allowed with"):
        call_command("evaluate", *words)
