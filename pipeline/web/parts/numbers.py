"""Numbers that come in addresses and forms, where anybody may write anything."""


def number_in(word: str) -> int | None:
    """Return the whole number that a word says; None if it says none, or one that no column of ours can hold.

    18 digits fit into PostgreSQL's bigint whatever they are.
    """
    return int(word) if word.isdecimal() and len(word) <= 18 else None
