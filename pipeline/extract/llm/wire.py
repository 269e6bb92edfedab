"""The JSON schema of an answer in the subset that all providers know.

Objects whose fields are all required and that take no others, arrays, strings, enums, numbers, booleans, null by anyOf.
No $ref, default, title, pattern, length or range: some providers refuse them, some drop them in silence, and one turns
its grammar off. They are checked by the Pydantic model when the answer is there.
"""

from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from pipeline.extract.llm.steps import Ask

LISTED_AS = "units"
"""The field of an answer about units that holds them all."""

MOST_NAMED_UNITS = 200
"""Units that the schema lists by name; providers limit how many words an enum may have."""


def schema_of(ask: Ask[Any]) -> dict[str, Any]:
    """Return the schema of the whole answer to a question: of its model, or of a list of it if it is about units."""
    model: type[BaseModel] = ask.answer
    one = wire_schema(model)
    if not ask.units:
        return one
    unit = one["properties"][ask.unit_field]
    named = {"type": "string"} | ({"enum": list(ask.units)} if len(ask.units) <= MOST_NAMED_UNITS else {})
    named |= {key: unit[key] for key in ("description",) if key in unit}
    # copies down to what differs: the rest is shared with all questions about this model
    of_units = {**one, "properties": {**one["properties"], ask.unit_field: named}}
    return _object({LISTED_AS: {"type": "array", "items": of_units}})


@lru_cache(maxsize=256)
def wire_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a model in the common subset. ValueError if it can only be said outside it.

    The same object each time, for every question about a conversation has one: nobody may change it.
    """
    full = model.model_json_schema()
    return _plain(full, full.get("$defs", {}), model.__name__)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False
    }  # fmt: skip


def _plain(schema: dict[str, Any], defs: dict[str, Any], where: str) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name in where.split("."):
            raise ValueError(f"{where}: {name} contains itself, which not every provider supports")
        return _plain(defs[name], defs, f"{where}.{name}")
    told = {"description": schema["description"]} if "description" in schema else {}
    if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        plain = [_plain(choice, defs, where) for choice in choices]
        return (plain[0] if len(plain) == 1 else {"anyOf": plain}) | told
    if "properties" in schema:
        return _object({name: _plain(field, defs, where) for name, field in schema["properties"].items()}) | told
    if schema.get("type") == "array" and "items" in schema:
        return {"type": "array", "items": _plain(schema["items"], defs, where)} | told
    return _simple(schema, where) | told


def _simple(schema: dict[str, Any], where: str) -> dict[str, Any]:
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    kind = schema.get("type", "string" if words and all(isinstance(word, str) for word in words) else None)
    if kind not in ("string", "number", "integer", "boolean", "null"):
        raise ValueError(f"{where}: {schema} cannot be expressed in the JSON schema that all providers support")
    return {"type": kind} | ({"enum": words} if words else {})
