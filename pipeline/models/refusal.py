"""How this code says no: one base class that commands, screens and the API answer, and which constraint broke."""

from django.db import IntegrityError


class Refusal(Exception):
    """Something cannot be done; the message is a sentence that says what, to which row, and what to try.

    Nothing was changed. Whoever talks to a person shows the message and needs to know no more.
    """


def breaks(error: IntegrityError, constraint: str) -> bool:
    """Return whether this constraint, by its name, is the one that refused the row."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) == constraint
