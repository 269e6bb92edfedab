"""Names brought to one form."""

import pytest

from pipeline.merge.rules.normalise import LONGEST_NAME, normal_form, singular, snake_case, words


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("multi_network_failures", ["multi", "network", "failures"]),
        ("MultiNetworkFailure", ["multi", "network", "failure"]),
        ("Sync: it's  broken!", ["sync", "it", "s", "broken"]),
        ("Übung-Café", ["übung", "café"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("error404Page", ["error404", "page"]),
        ("同步 失败", ["同步", "失败"]),
        ("___", []),
        ("", []),
    ],
)
def test_a_text_falls_into_lower_case_words(raw: str, found: list[str]) -> None:
    assert words(raw) == found


@pytest.mark.parametrize(
    ("word", "one"),
    [
        ("failures", "failure"),
        ("entries", "entry"),
        ("ties", "tie"),
        ("branches", "branch"),
        ("crashes", "crash"),
        ("boxes", "box"),
        ("classes", "class"),
        ("address", "address"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("alias", "alias"),
        ("macos", "macos"),
        ("sms", "sms"),
        ("bus", "bus"),
        ("calendar", "calendar"),
    ],
)
def test_a_word_comes_back_in_the_singular(word: str, one: str) -> None:
    assert singular(word) == one


@pytest.mark.parametrize(
    ("raw", "key", "form"),
    [
        ("multi_network_failures", "multi_network_failures", "multinetworkfailure"),
        ("multinetwork_failure", "multinetwork_failure", "multinetworkfailure"),
        ("MultiNetworkFailure", "multi_network_failure", "multinetworkfailure"),
        ("  Multi-Network  Failure ", "multi_network_failure", "multinetworkfailure"),
        ("!?", "unnamed", "unnamed"),
        ("", "unnamed", "unnamed"),
    ],
)
def test_a_name_has_a_readable_key_and_a_form_its_spelling_twins_share(raw: str, key: str, form: str) -> None:
    assert (snake_case(raw), normal_form(raw)) == (key, form)


LONG = (
    "x" * 500,
    "½ " * 99,
    "word " * 60,
    " ".join(["fine", "y" * 300, "gone"]),
    "ﷺ" * 50,  # one character that NFKD makes eighteen of
    "ies " * 90,
)


@pytest.mark.parametrize("raw", LONG)
def test_a_long_name_leaves_room_for_a_number_in_two_hundred_characters(raw: str) -> None:
    assert 0 < len(snake_case(raw)) <= LONGEST_NAME
    assert 0 < len(normal_form(raw)) <= LONGEST_NAME


@pytest.mark.parametrize("raw", LONG)
def test_names_that_differ_only_behind_what_counts_are_twins(raw: str) -> None:
    """Else two forms would share one key, and the second could not be registered."""
    one, other = f"{raw} one", f"{raw} other"
    assert (snake_case(one), normal_form(one)) == (snake_case(other), normal_form(other))


@pytest.mark.parametrize("raw", [*LONG, "MultiNetworkFailures", "calendar sync stops", "Entries", "a_b_c"])
def test_a_key_is_its_own_key_and_has_the_form_of_its_name(raw: str) -> None:
    assert snake_case(snake_case(raw)) == snake_case(raw)
    assert normal_form(snake_case(raw)) == normal_form(raw)


def test_a_name_is_cut_between_words() -> None:
    assert snake_case("calendar " * 40) == "_".join(["calendar"] * 20)
    assert snake_case("fine " + "y" * 300) == "fine"


@pytest.mark.parametrize(
    ("raw", "key", "twin"),
    [
        ("Straße_gesperrt", "straße_gesperrt", "STRASSE GESPERRT"),
        ("Κωδικός δεν λειτουργεί", "κωδικός_δεν_λειτουργεί", "ΚΩΔΙΚΌΣ ΔΕΝ ΛΕΙΤΟΥΡΓΕΊ"),
        ("İptal edilemiyor", "iptal_edilemiyor", "iptal edilemiyor"),
    ],
)
def test_a_key_keeps_its_letters_and_twins_are_one_all_the_same(raw: str, key: str, twin: str) -> None:
    assert snake_case(raw) == key
    assert normal_form(raw) == normal_form(twin)
