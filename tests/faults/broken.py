"""Databases that somebody broke: each refuses a write of the pipeline until the block ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def broken(*, by: str, mended_by: str) -> Iterator[None]:
    """Run one SQL statement before the block and another after it."""
    _execute(by)
    try:
        yield
    finally:
        _execute(mended_by)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def new_constraint(table: str, must_hold: str) -> dict[str, str]:
    return {
        "by": f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK ({must_hold}) NOT VALID",
        "mended_by": f"ALTER TABLE {table} DROP CONSTRAINT broken",
    }


def column_that_nobody_writes(table: str) -> dict[str, str]:
    return {
        "by": f"ALTER TABLE {table} ADD COLUMN broken text NOT NULL",
        "mended_by": f"ALTER TABLE {table} DROP COLUMN broken",
    }


def other_type(table: str, column: str, *, now: str, before: str) -> dict[str, str]:
    """The table must be empty: nothing is converted."""
    change = f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {{}} USING NULL"
    return {"by": change.format(now), "mended_by": change.format(before)}


def refusing_trigger(table: str, on: str) -> dict[str, str]:
    """`on` is INSERT, or UPDATE OF a column."""
    return {
        "by": f"""
            CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'broken on purpose'; END $$;
            CREATE TRIGGER broken BEFORE {on} ON {table} FOR EACH ROW EXECUTE FUNCTION broken()""",
        "mended_by": "DROP FUNCTION broken CASCADE",
    }


def one_row_a_title() -> dict[str, str]:
    """A story with a title that another story has is a duplicate."""
    return {
        "by": "CREATE UNIQUE INDEX broken_one_row_a_title ON pipeline_story (title)",
        "mended_by": "DROP INDEX broken_one_row_a_title",
    }
