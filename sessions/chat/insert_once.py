"""Insert a row or learn that it is there: django-postgres-extra names a partial index, which Django itself cannot."""

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from django.db.models import Model, Q
from psqlextra.query import PostgresQuerySet
from psqlextra.types import ConflictAction

Row = TypeVar("Row", bound=Model)


def claim(model: type[Row], *, unique: Sequence[str], where: Q | None = None, **values: Any) -> Row | None:
    """Insert a row and return it; None if another has the same `unique` columns, of those that fulfil `where`.

    `unique` and `where` are those of a UniqueConstraint of the model. One statement: whoever comes second waits until
    the first has committed, and inserts if the first was undone. Needs no transaction.
    """
    wanted = model(**values)  # it knows the defaults, which psqlextra leaves empty
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns: dict[str, Any] = {str(field.column): getattr(wanted, field.attname) for field in fields}
    # ON CONFLICT DO NOTHING names the index; an IntegrityError would end the caller's transaction
    rows: Any = PostgresQuerySet(model)  # type: ignore[no-untyped-call]
    found = rows.on_conflict(list(unique), ConflictAction.NOTHING, index_predicate=where).insert_and_get(**columns)
    return cast(Row | None, found)
