"""Saying no: ours, in a sentence, and the database's, because it is away or because the row is wrong."""

from django.db import DatabaseError, InterfaceError, OperationalError

from pipeline.models.refusal import Refusal


class RunError(Refusal):
    """A run cannot do what was asked; the message says which, why and what to try."""


INFRASTRUCTURE_ERRORS = (OperationalError, InterfaceError)
"""What a server that is gone, restarting or deadlocked raises: tried again, never written down as a row's failure.

The first is a DatabaseError too, so this must be caught before REFUSED.
"""

REFUSED = (DatabaseError, UnicodeError)
"""All else that PostgreSQL or its driver say of a row: it cannot be stored, whoever tries, until somebody corrects
it."""
