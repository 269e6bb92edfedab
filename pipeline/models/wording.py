"""How counts and choices are said to people."""


def counted(number: int, one: str, more: str = "") -> str:
    """Return the number before the words for one, or else before those for several, which by themselves end in an s.

    `counted(1, "theme")` is "1 theme", `counted(2, "story is", "stories are")` is "2 stories are".
    """
    return f"{number} {one if number == 1 else more or one + 's'}"


def words(choice: str) -> str:
    """Return a stored choice as words: `completed_with_errors` becomes `completed with errors`."""
    return choice.replace("_", " ")
