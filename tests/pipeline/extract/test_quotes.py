"""A quote is what stands in the conversation, but for spaces and quotation marks."""

import pytest

from pipeline.extract.quotes import verified

TEXT = "He said \u201cit\u2019s broken\u201d,\n  twice.\nS\u00ec, \u00abrotto\u00bb."


@pytest.mark.parametrize(
    ("quote", "stands"),
    [
        ("broken", "broken"),
        ('"it\'s broken", twice.', "\u201cit\u2019s broken\u201d,\n  twice."),
        (" twice.\n", "twice."),
        ('"rotto"', "\u00abrotto\u00bb"),
        ("twice. S\u00ec", "twice.\nS\u00ec"),
        ("Broken", None),
        ("it is broken", None),
        ("", None),
        (" \n", None),
    ],
)
def test_spaces_and_marks_are_forgiven_and_nothing_else(quote: str, stands: str | None) -> None:
    (found,) = verified(TEXT, [quote])
    if stands is None:
        assert found is None
    else:
        assert found is not None
        assert found[0] == stands == TEXT[found[1] : found[2]]
