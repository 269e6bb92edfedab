"""Tells rows of an import that were erased before: an old export must not bring back what a customer had removed.

Only keyed digests are kept of what was erased. A row is refused if its id was erased in its source, or if its customer
was erased and the row is older than that, or does not say when it was. What a customer says afterwards is new.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.crypto import salted_hmac

from pipeline.models import ErasedMark

MADE_AGAIN = re.compile(r"(made-.+)-\d+")
"""The id of the second of two equal conversations without ids: see ingest."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What of a row decides whether it was erased: its id in the source, its customer, when it began if it says so."""

    external_id: str
    customer: str
    occurred_at: datetime | None


def digest_of_conversation(source: int, external_id: str) -> str:
    """Return what an erased conversation is recognised by; twins of one made id share it."""
    again = MADE_AGAIN.fullmatch(external_id)
    return _digest(f"conversation {source} {again[1] if again else external_id}")


def digest_of_customer(customer: str) -> str:
    """Return what an erased customer is recognised by, in any case and spacing."""
    return _digest(f"customer {' '.join(customer.split()).casefold()}")


def _digest(value: str) -> str:
    return salted_hmac("leitmotif.erased", value, algorithm="sha256").hexdigest()


def refused(source: int, rows: Sequence[Brought]) -> dict[int, str]:
    """Return the reasons of those rows that must not be stored again, by their place. One question, two if any is."""
    if not ErasedMark.objects.exists():
        return {}
    ids = [digest_of_conversation(source, row.external_id) for row in rows]
    customers = [digest_of_customer(row.customer) if row.customer else "" for row in rows]
    erased_ids = _marked(ErasedMark.Kind.CONVERSATION, ids)
    erased_customers = _marked(ErasedMark.Kind.CUSTOMER, filter(None, customers))
    found = {}
    for place, row in enumerate(rows):
        at = erased_ids.get(ids[place])
        customer_at = erased_customers.get(customers[place])
        if at is None and customer_at and (row.occurred_at is None or row.occurred_at <= customer_at):
            at = customer_at
        if at is not None:
            found[place] = f"erased at the customer's request on {at:%Y-%m-%d}; it is not stored again"
    return found


def _marked(kind: str, digests: Iterable[str]) -> Mapping[str, datetime]:
    """Return when each of these digests was erased, of those that were."""
    marks = ErasedMark.objects.filter(kind=kind, digest__in=set(digests))
    return dict(marks.values_list("digest", "erasure__created_at"))
