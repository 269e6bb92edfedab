"""How counts, choices and lengths of time are said to people."""


def counted(number: int, one: str, more: str = "") -> str:
    """Return the number before the words for one, or else before those for several, which by themselves end in an s.

    `counted(1, "theme")` is "1 theme", `counted(2, "story is", "stories are")` is "2 stories are".
    """
    return f"{number} {agreeing(number, one, more)}"


def agreeing(number: int, one: str, more: str = "") -> str:
    """Return the words that go with a number which stands elsewhere, such as in large figures above them."""
    return one if number == 1 else more or one + "s"


def words(choice: str) -> str:
    """Return a stored choice as words: `completed_with_errors` becomes `completed with errors`."""
    return choice.replace("_", " ")


def duration(seconds: float) -> str:
    """Return seconds as people read them: 4.2 s, 12 min 3 s, 2 h 5 min."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
