"""Lists a page at a time: where the last page ended is said by values of its last row, not by a number of rows.

So a row that comes or goes meanwhile neither repeats nor hides another. A cursor is ours to read; callers hand it back
as it is.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import Q, QuerySet
from ninja import Schema
from ninja.errors import ValidationError
from ninja.params.functions import Query as of_the_query

Row = TypeVar("Row")

Cursor = Annotated[
    str | None, of_the_query(None, max_length=500, description="`next` of the page before; without it the first page")
]
Limit = Annotated[int, of_the_query(50, ge=1, le=200, description="rows on a page")]


class Page(Schema, Generic[Row]):
    """A page of a list; `next` is the cursor of the page after it, null on the last one."""

    items: list[Row]
    next: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """An order of rows: its name in the address, and the columns it goes by, all upwards or all downwards.

    The last column is unique, so that no two rows stand at one place.
    """

    name: str
    columns: tuple[str, ...]
    is_downwards: bool = False

    @property
    def words(self) -> list[str]:
        """The columns as Django sorts by them."""
        return [f"{'-' * self.is_downwards}{column}" for column in self.columns]

    def after(self, values: Sequence[Any]) -> Q:
        """Return the condition of the rows that come after the one with these values."""
        side = "lt" if self.is_downwards else "gt"
        found = Q(pk__in=[])
        for place, (column, value) in enumerate(zip(self.columns, values, strict=True)):
            equal = dict(zip(self.columns[:place], values[:place], strict=True))
            found |= Q(**equal, **{f"{column}__{side}": value})
        return found


NEWEST = Order("newest", ("id",), is_downwards=True)
OLDEST = Order("oldest", ("id",))
UPDATED = Order("updated", ("updated_at", "id"))
"""Those that changed longest ago first: who keeps a copy goes on where they stopped."""


def page_of(rows: QuerySet[Any], order: Order, cursor: str | None, limit: int) -> tuple[list[Any], str | None]:
    """Return the rows of a page and the cursor of the next, None if this is the last. One question.

    ValidationError if the cursor is none of ours, or of another order.
    """
    if cursor:
        rows = rows.filter(order.after(_read(cursor, order)))
    found = list(rows.order_by(*order.words)[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], write_cursor(order.name, [_value(last, column) for column in order.columns])


def _value(row: Any, column: str) -> object:
    for part in column.split("__"):
        row = getattr(row, part)
    return row.isoformat() if isinstance(row, datetime) else row


def write_cursor(name: str, values: Sequence[object]) -> str:
    """Return values as a word that an address can carry."""
    return base64.urlsafe_b64encode(json.dumps([name, *values]).encode()).decode().rstrip("=")


def read_cursor(cursor: str, name: str, kinds: Sequence[type]) -> list[Any]:
    """Return the values of a cursor, of these kinds. ValidationError if it is none of ours, or of another list."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        said, *values = json.loads(base64.b64decode(padded, altchars="-_", validate=True))
        found = [_as(kind, value) for kind, value in zip(kinds, values, strict=True)]
    except (ValueError, TypeError):  # what is no base64, no JSON, no list, or of other kinds
        raise bad_cursor() from None
    if said != name:
        raise bad_cursor()
    return found


def _read(cursor: str, order: Order) -> list[Any]:
    kinds = [
        datetime if column.endswith("_at") else str if column.endswith("name") else int for column in order.columns
    ]
    return read_cursor(cursor, order.name, kinds)


def _as(kind: type, value: Any) -> Any:
    """Return a value as that kind of thing; ValueError or TypeError if it is not, or no column can hold it."""
    if kind is datetime:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError(value)
        return at
    # bool is a kind of int, and no id; PostgreSQL's bigint ends at 2**63, and its text holds no NUL
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    is_text = isinstance(value, str) and "\0" not in value
    if not (is_number if kind is int else is_text):
        raise ValueError(value)
    return value


def bad_cursor() -> ValidationError:
    """Return what is raised for a cursor that is none of ours."""
    message = "is no cursor of this list and order; begin without one"
    return ValidationError([{"loc": ("query", "cursor"), "type": "cursor", "msg": message}])
