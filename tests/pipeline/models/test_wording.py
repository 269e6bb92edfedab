"""How counts and choices are said to people."""

import pytest

from pipeline.models.wording import counted, words


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (1, ["theme"], "1 theme"),
        (0, ["theme"], "0 themes"),
        (2, ["theme"], "2 themes"),
        (1, ["story is", "stories are"], "1 story is"),
        (3, ["story is", "stories are"], "3 stories are"),
    ],
)
def test_a_count_is_said_with_the_words_for_one_or_for_several(number: int, words: list[str], said: str) -> None:
    assert counted(number, *words) == said


def test_a_choice_is_said_in_words() -> None:
    assert words("completed_with_errors") == "completed with errors"
