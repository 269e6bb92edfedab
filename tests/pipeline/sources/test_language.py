"""Languages by script and by detector; letters that keep their marks."""

import gzip
import json
import unicodedata
from pathlib import Path

import pytest

from pipeline.merge.rules.normalise import normal_form, snake_case
from pipeline.sources.parsing.letters import WORD, composed
from pipeline.sources.understanding.language import NAMES, counted_languages, is_latin, language_name, language_of

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("My password does not work any more.", "en"),
        ("Passwort vergessen", "de"),
        ("Ich kann mich seit gestern nicht mehr anmelden.", "de"),
        ("Je ne peux plus me connecter depuis hier.", "fr"),
        ("parola çalışmıyor", "tr"),
        ("Không thể đăng nhập vào tài khoản", "vi"),
        ("пароль не работает", "ru"),
        ("שלום", "he"),
        ("カードが使えない", "ja"),
        ("iPhone 15 Pro Maxの画面が割れた", "ja"),
        ("密码错误，无法登录", "zh"),
        ("비밀번호가 안 돼요", "ko"),
        ("कल से यह काम नहीं कर रहा है, कृपया मदद करें", "hi"),
        ("كلمة المرور لا تعمل", "ar"),
        ("รหัสผ่านไม่ถูกต้อง", "th"),
        ("Έχω ένα πρόβλημα", "el"),
        ("", ""),
        ("12:40 +49 151 000000", ""),
        ("🎉🎉", ""),
        ("https://example.com/wo-ist-mein-paket", ""),
    ],
)
def test_a_language_is_told(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["ok", "app crash", "refund pls", "E407 timeout", "login broken", "hi"])
def test_a_few_latin_words_are_unknown_rather_than_wrong(text: str) -> None:
    assert language_of(text) in ("und", "en")


@pytest.mark.parametrize(("text", "code"), [("пар", "und-Cyrl"), ("ꦲꦏ꧀ꦱꦫ", "und-Zyyy"), ("返金", "und-Hani")])
def test_an_unknown_language_still_names_its_script(text: str, code: str) -> None:
    assert language_of(text) == code
    assert not is_latin(code)
    assert language_name(code).startswith("unknown, in")


def test_every_answer_has_a_name_and_zero_counts_are_left_out() -> None:
    assert all(name for name in NAMES.values())
    assert counted_languages([("de", 1200), ("", 3), ("und", 1)]) == "German 1,200, unknown 1"


def test_a_book_costs_no_more_than_a_page() -> None:
    assert language_of("Das ist ein sehr langer Satz. " * 100_000) == "de"
    assert language_of("x" * 3_000_000) in ("und", "en", "")


@pytest.mark.parametrize(
    ("code", "right", "wrong"), [("de", 0.9, 0.03), ("it", 0.9, 0.03), ("nl", 0.9, 0.03), ("en", 0.95, 0.01)]
)
def test_short_commands_in_four_languages(code: str, right: float, wrong: float) -> None:
    path = DATA / f"xsid_{code}.jsonl.gz"
    if not path.exists():
        pytest.skip("needs ../shared/data")
    with gzip.open(path, "rt") as file:
        found = [language_of(json.loads(line)["text"]) for line in file]
    assert found.count(code) / len(found) >= right
    assert sum(one not in (code, "und") for one in found) / len(found) <= wrong


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("パスワードを 忘れました", ["パスワードを", "忘れました"]),
        ("비밀번호가 안 돼요", ["비밀번호가", "안", "돼요"]),
        ("पासवर्ड काम नहीं कर रहा", ["पासवर्ड", "काम", "नहीं", "कर", "रहा"]),
        ("كَلِمَة المرور", ["كَلِمَة", "المرور"]),
        ("שָׁלוֹם לכולם", ["שָׁלוֹם", "לכולם"]),
        ("không thể đăng nhập", ["không", "thể", "đăng", "nhập"]),
        ("รหัสผ่าน ไม่ถูกต้อง", ["รหัสผ่าน", "ไม่ถูกต้อง"]),
        ("می‌کند", ["می‌کند"]),
        ("Größe: 3,5 (naïve)", ["Größe", "3", "5", "naïve"]),
    ],
)
def test_no_letter_loses_its_marks(text: str, words: list[str]) -> None:
    assert WORD.findall(text) == words
    assert snake_case(text) == "_".join(unicodedata.normalize("NFKC", word).lower() for word in words)


@pytest.mark.parametrize(
    ("halves", "whole"), [("ﾊﾟｽﾜｰﾄﾞ", "パスワード"), ("\u1112\u1161\u11ab", "한"), ("e\u0301", "é"), ("İ", "i")]
)
def test_halves_of_a_letter_are_joined(halves: str, whole: str) -> None:
    assert composed(halves) == whole
    assert snake_case(halves) == whole


def test_spelling_twins_may_leave_out_latin_accents_and_no_others() -> None:
    assert normal_form("Rückgabe_Café") == normal_form("ruckgabe_cafe")
    assert normal_form("パス") != normal_form("ハス")
    assert normal_form("мой") != normal_form("мои")
    assert normal_form("की") != normal_form("का")
