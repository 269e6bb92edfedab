"""Write docs/reference/ from the code: `python docs/generate.py`. A test fails while it is not up to date."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OURS = ("pipeline", "sessions")


def main() -> None:
    """Write every page."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    for name, text in pages().items():
        (ROOT / "docs" / "reference" / name).write_text(text)


def pages() -> dict[str, str]:
    """Return the text of each page by the name of its file. Django must be set up."""
    made = {"commands.md": _commands(), "tables.md": _tables(), "tasks.md": _tasks(), "api.md": _api()}
    return {name: "\n".join(lines) for name, lines in made.items()}


def _commands() -> Iterator[str]:
    """Yield each command with its options. Those that Django gives to every command are left out."""
    from django.core.management import BaseCommand, get_commands, load_command_class

    common = {action.dest for action in BaseCommand().create_parser("manage.py", "any")._actions}
    yield "# Commands\n\nGenerated from the code; `./manage.py COMMAND --help` says the same.\n"
    for name in sorted(name for name, app in get_commands().items() if app in OURS):
        command = load_command_class(get_commands()[name], name)
        parser: ArgumentParser = command.create_parser("manage.py", name)
        yield f"## {name}\n\n{' '.join(command.help.split())}\n"
        rows = [action for action in parser._actions if action.dest not in common and action.help != "==SUPPRESS=="]
        if rows:
            yield "| argument | meaning |\n|---|---|"
        for action in rows:
            names = ", ".join(f"`{option}`" for option in action.option_strings) or f"`{action.metavar or action.dest}`"
            told = " ".join((action.help or "").split()).replace("%%", "%").replace("|", "\\|")
            yield f"| {names} | {told} |"
        if rows:
            yield ""


def _tables() -> Iterator[str]:
    """Yield each table with its description, columns that carry a help text, and named promises."""
    from django.apps import apps

    yield (
        "# Tables and their constraints\n\nGenerated from the code. Each constraint is named for what it guarantees.\n"
    )
    for model in sorted(apps.get_models(), key=lambda model: model._meta.db_table):
        if not model.__module__.startswith(OURS):
            continue
        yield f"## {model._meta.db_table}\n\n{' '.join((model.__doc__ or '').split())}\n"
        told = [field for field in model._meta.get_fields() if getattr(field, "help_text", "")]
        for field in told:
            yield f"- `{field.name}`: {field.help_text}"
        for promise in (*model._meta.constraints, *model._meta.indexes):
            yield f"- {type(promise).__name__} `{promise.name}`"
        if told or model._meta.constraints or model._meta.indexes:
            yield ""


def _tasks() -> Iterator[str]:
    """Yield each task with why it may run twice."""
    from celery import current_app

    current_app.loader.import_default_modules()
    yield (
        "# Tasks\n\nGenerated from the code. Celery delivers a message at least once, so each task says why it is "
        "safe to run twice.\n"
    )
    yield "| task | what it does | safe to run twice because |\n|---|---|---|"
    for name, task in sorted(current_app.tasks.items()):
        if not name.startswith("celery."):
            does = (task.__doc__ or task.run.__doc__ or "").strip().splitlines()[0]
            yield f"| `{name}` | {does} | {task.may_run_twice} |"
    yield ""


def _api() -> Iterator[str]:
    """Yield each route of the REST API with its scope, what it takes and what it gives."""
    from config.api import api

    schema = api.get_openapi_schema()
    yield "# The API\n\nMade from the code; `/api/v1/docs` says the same and tries it out.\n"
    yield f"{schema['info']['description']}\n"
    tags: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            tags.setdefault(told["tags"][0], []).append((method.upper(), path, told))
    for tag, routes in tags.items():
        yield f"## {tag.capitalize()}\n"
        for method, path, told in routes:
            what, _, scope = told["description"].rpartition("\n\nScope: ")
            yield f"### {method} {path}\n\n{' '.join(what.split())} Scope {scope}\n"
            yield from _given(told)
    yield "## Shapes\n"
    for name, shape in sorted(schema["components"]["schemas"].items()):
        if name.startswith("Page_"):
            continue
        yield f"### {name}\n\n{' '.join(shape.get('description', '').split())}\n"
        yield from _fields(shape.get("properties", {}), shape.get("required", []))
        yield ""


def _given(told: dict[str, Any]) -> Iterator[str]:
    """Yield what a route takes and gives."""
    taken = [each for each in told.get("parameters", []) if each["name"] != "Idempotency-Key"]
    if taken:
        yield from _fields(
            {each["name"]: {"description": each.get("description", ""), **each["schema"]} for each in taken},
            [each["name"] for each in taken if each.get("required")],
        )
        yield ""
    if body := told.get("requestBody"):
        [(kind, content)] = body["content"].items()
        yield f"Takes {_type(content['schema'])} as `{kind}`.\n"
    for status, answer in told["responses"].items():
        if int(status) < 400:
            content = next(iter(answer.get("content", {}).values()), {}).get("schema")
            yield f"Gives {status}{f' with {_type(content)}' if content else ''}.\n"


def _fields(fields: dict[str, Any], required: list[str]) -> Iterator[str]:
    """Yield fields as a table: name, type, meaning."""
    if fields:
        yield "| field | type | meaning |\n|---|---|---|"
    for name, field in fields.items():
        told = " ".join(str(field.get("description", "")).split()).replace("|", "\\|")
        default = field.get("default")
        said = [told] if told else []
        said += [f"default {default}"] if default not in (None, "", [], False) else []
        mark = " (required)" if name in required else ""
        yield f"| `{name}`{mark} | {_type(field)} | {'; '.join(said)} |"


def _type(shape: dict[str, Any]) -> str:
    """Return a JSON type in a few words."""
    if name := shape.get("$ref", "").rpartition("/")[2]:
        page = name.removeprefix("Page_").rstrip("_")
        return f"a page of [{page}](#{page.lower()})" if name.startswith("Page_") else f"[{name}](#{name.lower()})"
    if values := shape.get("enum"):
        return ", ".join(map(str, values))
    if parts := shape.get("anyOf"):
        return " or ".join(_type(part) for part in parts)
    if shape.get("type") == "array":
        return f"list of {_type(shape.get('items', {}))}"
    return str(shape.get("format") or shape.get("const") or shape.get("type") or "anything")


if __name__ == "__main__":
    main()
