"""Attention by the real import and the real reader: what is odd about a result is said in a sentence, with a remedy."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.models import Orphan, Run, Story
from pipeline.sources.ingest import Import, import_files
from tests.support.seeding import finish, start

pytestmark = pytest.mark.django_db(transaction=True)

PROBLEMS = (
    ("The kiln does not heat up", "My kiln stays cold", "Kiln will not get hot", "The kiln is cold after an hour"),
    (
        "The glaze order never arrived",
        "Where is my glaze parcel?",
        "My glaze was not delivered",
        "No glaze delivery yet",
    ),
    (
        "I was charged twice for the clay",
        "Clay payment taken twice",
        "Two charges for one bag of clay",
        "Charged double",
    ),
    ("The class booking page is blank", "Booking page shows nothing", "Blank page when booking", "Class page is empty"),
    ("My voucher code is refused", "Voucher is not accepted", "The voucher code fails", "Cannot redeem the voucher"),
    ("The wheel makes a loud noise", "Loud noise from the wheel", "My wheel grinds loudly", "The wheel is too noisy"),
)


def run_of(texts: Sequence[str], folder: Path) -> Run:
    """Import the texts, each of a customer of its own, and read and group them by the local reader."""
    rows = [
        {"id": f"{number}", "customer": f"c{number}", "text": text, "created_at": f"2026-05-{1 + number % 28:02}"}
        for number, text in enumerate(texts)
    ]
    path = folder / "pottery.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    source = import_files(Import((str(path),), name="pottery")).source
    assert source is not None
    return finish(start(source, "local"))


def several_problems() -> list[str]:
    return [f"{said}." for number in range(4) for problem in PROBLEMS for said in problem[number : number + 1]]


def test_a_run_of_several_problems_needs_none(tmp_path: Path) -> None:
    run = run_of(several_problems(), tmp_path)
    assert (run.state, run.attention) == ("completed", "")


def test_one_problem_with_most_of_a_run(tmp_path: Path) -> None:
    kilns = [
        f"The kiln in {room} does not heat up."
        for room in ("hall", "yard", "shed", "barn", "attic", "cellar", "porch", "lobby")
    ]
    run = run_of([*kilns, *(f"{one} It stays cold." for one in kilns), *(f"Help: {one}" for one in kilns)], tmp_path)
    assert run.state == "needs_attention"
    assert " conversations are in one group, “" in run.attention


def test_a_language_that_the_model_cannot_read(tmp_path: Path) -> None:
    german = [
        f"Der Brennofen wird seit {day} leider nicht mehr richtig warm und bleibt die ganze Nacht kalt."
        for day in ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag")
    ]
    run = run_of([*several_problems(), *german], tmp_path)
    assert run.state == "needs_attention"
    assert run.attention.startswith("5 of 29 conversations are in a language that the model cannot read (German")
    assert "get_model multilingual" in run.attention


def test_short_texts_are_not_punished_for_being_short(tmp_path: Path) -> None:
    texts = [
        "app crashes on login", "crashes when logging in", "app crash at login", "login crashes the app",
        "charged twice", "double charge", "charged two times", "billed twice",
        "refund missing", "no refund yet", "where is my refund", "refund not received",
        "wrong size delivered", "got the wrong size", "size is wrong", "wrong size sent",
        "password reset mail missing", "no reset mail", "reset password mail never came", "did not get the reset mail",
    ]  # fmt: skip
    run_of(texts, tmp_path)
    assert Story.objects.count() == 5
    assert not Orphan.objects.exists()
