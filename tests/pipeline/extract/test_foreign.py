"""Conversations in languages that the rules, and perhaps the model, do not know."""
# ruff: noqa: RUF001 - letters of many alphabets

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.extract.embedding import Embedder, Vectors
from pipeline.extract.local import LocalExtractor
from pipeline.extract.local.foreign import name_of, words_alone
from pipeline.extract.profiles import get_profile
from pipeline.ledger.transcript import Message, Transcript


def said(*texts: str, role: str = "customer") -> Transcript:
    return Transcript("test", tuple(Message(role, text) for text in texts))


class Polyglot(Embedder):
    """An embedder that claims to know every language, and places texts by their first letters."""

    def can_read(self, language: str) -> bool:
        return True

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            rows[row, sum(map(ord, text[:2])) % self.dimension] = 1
        return rows


def read(text: str, embedder: Embedder | None = None) -> tuple[dict[str, Any], Vectors]:
    (answer,) = LocalExtractor(embedder).read([said(text)], get_profile("support"))
    vectors = np.frombuffer(answer.vectors, np.float32)
    parsed: dict[str, Any] = json.loads(answer.text)
    return parsed, vectors


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [
        ("Ich habe mein Passwort vergessen und komme nicht mehr rein.", "de", "Passwort"),
        ("パスワードを忘れてログインできません。", "ja", "パスワード"),
        ("שכחתי את הסיסמה שלי ואני לא מצליח להיכנס.", "he", "הסיסמה"),
        ("मैं अपना पासवर्ड भूल गया हूँ और लॉगिन नहीं हो रहा है।", "hi", "पासवर्ड"),
        ("Tôi quên mật khẩu và không thể đăng nhập được.", "vi", "không"),
        ("비밀번호를 잊어버려서 로그인할 수 없습니다.", "ko", "비밀번호를"),
        ("Parolamı unuttum ve hesabıma giriş yapamıyorum.", "tr", "Parolamı"),
        ("نسيت كلمة المرور ولا أستطيع تسجيل الدخول إلى حسابي.", "ar", "المرور"),
        ("Ξέχασα τον κωδικό μου και δεν μπορώ να συνδεθώ στον λογαριασμό.", "el", "λογαριασμό"),
        ("ฉันลืมรหัสผ่านและเข้าสู่ระบบไม่ได้", "th", "รหัสผ่าน"),
    ],
)
def test_a_language_the_model_does_not_know_is_named_and_no_letter_changed(text: str, language: str, word: str) -> None:
    answer, vector = read(text)
    (theme,) = answer["themes"]
    assert answer["unread_language"] == language
    assert word in theme["signature"]
    assert all(quote in text for quote in theme["quotes"])
    assert theme["confidence"] < 0.5
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("embedder", [None, Polyglot()])
def test_a_theme_in_another_language_is_not_named_after_people(embedder: Embedder | None) -> None:
    text = "Annika Sommerfeld kann sich seit gestern nicht mehr einloggen."
    transcript = replace(said(text), customer="Annika Sommerfeld")
    (answer,) = LocalExtractor(embedder).read([transcript], get_profile("support"))
    (theme,) = json.loads(answer.text)["themes"]
    assert "einloggen" in theme["signature"]
    assert not {"Annika", "Sommerfeld"} & set(theme["signature"].split("_"))


def test_unread_texts_lie_apart_unless_they_say_the_very_same() -> None:
    texts = [f"שלום, מספר ההזמנה שלי הוא {n} והיא עוד לא הגיעה" for n in range(30)]
    rows = np.stack([words_alone(said(text), 384) for text in texts])
    cosines = rows @ rows.T - np.eye(len(rows))
    assert np.abs(cosines).max() < 0.25
    assert np.array_equal(words_alone(said("שלום  עולם!"), 384), words_alone(said("שלום, עולם"), 384))


def test_english_and_what_may_be_english_is_read_by_the_rules() -> None:
    for text in ("I was charged twice for my subscription.", "login broken"):
        answer, _ = read(text)
        assert "unread_language" not in answer


def test_a_model_that_knows_the_language_reads_it_without_english_rules() -> None:
    answer, vector = read("Ich habe mein Passwort vergessen und komme nicht mehr rein.", Polyglot())
    (theme,) = answer["themes"]
    assert "unread_language" not in answer
    assert "Passwort" in theme["signature"]
    assert theme["confidence"] >= 0.5
    assert vector.max() > 0.9


def test_nothing_but_signs_is_filtered() -> None:
    answer, _ = read("。。。！")
    assert answer["themes"] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Wo ist die neue Rechnung geblieben?", "ist_die_neue_Rechnung_geblieben"),
        ("カードが使えない", "カードが使えない"),
        ("xy z", "xy_z"),
    ],
)
def test_a_name_is_made_of_the_longest_words_in_their_order(text: str, name: str) -> None:
    assert name_of(text) == name


def test_a_megabyte_of_any_script_is_read_within_bounds() -> None:
    for letter in ("ש", "ア", "あ。", "ü ", "\u0301"):
        answer, _ = read(letter * (1_000_000 // len(letter)))
        for theme in answer["themes"]:
            assert len(theme["signature"]) <= 200
            assert all(len(quote) <= 300 for quote in theme["quotes"])
