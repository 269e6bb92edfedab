"""What a reader sees of a message: its author's own words, at offsets that stay true."""

import pytest

from pipeline.ledger.transcript import Message, Transcript

QUOTED = "It fails.\n> does it fail?\nSince Monday.\n-- \nAlice"


@pytest.mark.parametrize(
    ("left_out", "own"),
    [
        ((), QUOTED),
        (((10, 25, "quoted"),), "It fails.\n\n\nSince Monday.\n-- \nAlice"),
        (((10, 25, "quoted"), (40, 49, "signature")), "It fails.\n\n\nSince Monday.\n\n"),
        (((0, len(QUOTED), "boilerplate"),), "\n"),
    ],
)
def test_it_takes_what_is_left_out_from_a_message(left_out: tuple[tuple[int, int, str], ...], own: str) -> None:
    assert Message("customer", QUOTED, left_out=left_out).own_text == own


def test_it_keeps_the_whole_text_for_offsets() -> None:
    message = Message("customer", QUOTED, left_out=((10, 25, "quoted"),))
    transcript = Transcript("t-1", (message, Message("agent", "Thanks.")))
    assert transcript.text == QUOTED + "\nThanks."
    assert transcript.customer_text == message.own_text
