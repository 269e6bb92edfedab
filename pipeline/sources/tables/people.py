"""A table of people beside tables of tickets: who stands behind the ids in them."""

from collections.abc import Mapping
from typing import Final

from pipeline.sources.formats.base import Person
from pipeline.sources.tables.header import find_header
from pipeline.sources.tables.rows import Table, cell_text, first_rows
from pipeline.sources.understanding import column_names

MAX_PEOPLE: Final = 200_000

_NAMES: Final = ("name", "fullname", "displayname", "username", "login", "realname")
_EMAILS: Final = column_names.NAMES["customer_email"].keys()
_ROLES: Final = ("role", "usertype", "type", "profilename", "isagent", "isstaff")


def people_in(table: Table) -> Mapping[str, Person]:
    """Return the people of a table by their ids; none where it has no column of ids, or none of names and addresses."""
    header = find_header(first_rows(table))
    if header is None:
        return {}
    places = {column_names.compact(name): place for place, name in reversed(list(enumerate(header.names)))}
    own = next(
        (places[name] for name in ("id", "userid", "contactid", "customerid", "sysid", "gid") if name in places), None
    )
    name = next((places[name] for name in _NAMES if name in places), None)
    email = next((places[name] for name in places if name in _EMAILS), None)
    role = next((places[name] for name in _ROLES if name in places), None)
    if own is None or (name is None and email is None):
        return {}
    people: dict[str, Person] = {}
    for row in table.open():
        if row.reason or row.line <= header.line or len(people) >= MAX_PEOPLE:
            continue

        def cell(place: int | None, cells: object = row.cells) -> str:
            return cell_text(cells[place]).strip() if place is not None and place < len(cells) else ""  # type: ignore[index, arg-type]

        if key := cell(own):
            people[key] = Person(cell(name), cell(email), cell(role))
    return people
