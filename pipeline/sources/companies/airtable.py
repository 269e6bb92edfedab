"""A list of companies in Airtable, by pyairtable (an extra: requirements-airtable.txt). Records keep Airtable's ids."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from pipeline.sources.companies.lists import Reading, read_rows
from pipeline.sources.records import UnreadableSource

ID = "Airtable record"
"""The column that holds a record's own id."""


def read_airtable(place: str, mapping: Mapping[str, str], url: str = "") -> Reading:
    """Read the table `BASE/TABLE` as `lists.read_list` reads a file; a record is a company unless another id is mapped.

    The token is in AIRTABLE_TOKEN; `url` is another server that speaks the API (AIRTABLE_URL). UnreadableSource says
    what is missing or refused.
    """
    if find_spec("pyairtable") is None:
        raise UnreadableSource("Airtable needs an extra package. Run pip install -r requirements-airtable.txt")
    base, sign, table = place.partition("/")
    token = os.environ.get("AIRTABLE_TOKEN", "")
    if not sign or not base or not table:
        raise UnreadableSource(f"{place!r} is not a table; write BASE/TABLE, for example appXXXX/Companies")
    if not token:
        raise UnreadableSource(
            "AIRTABLE_TOKEN is not set. Create an Airtable token with read access to the table, and set it"
        )
    records = _records(base, table, token, url or os.environ.get("AIRTABLE_URL", ""))
    names = list(dict.fromkeys([ID, *(name for record in records for name in record["fields"])]))
    rows = [[record["id"], *(_text(record["fields"].get(name)) for name in names[1:])] for record in records]
    return read_rows(names, rows, {"id": ID, **mapping})


def _records(base: str, table: str, token: str, url: str) -> list[dict[str, Any]]:
    import pyairtable  # installed for Airtable alone: requirements-airtable.txt; it takes two seconds to load
    from requests import RequestException

    try:
        api = pyairtable.Api(token, timeout=(10, 60), endpoint_url=url or "https://api.airtable.com")
        return [dict(record) for record in api.table(base, table).all()]
    except RequestException as error:
        raise UnreadableSource(f"Airtable could not be read: {str(error)[:300]}") from error


def _text(value: object) -> str:
    """Return a field as text: several values stand in lines, of an object its url or name."""
    if isinstance(value, list):
        return "\n".join(_text(each) for each in value)
    if isinstance(value, dict):
        return str(value.get("url") or value.get("name") or value.get("email") or "")
    return "" if value is None else str(value)
