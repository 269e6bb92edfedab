"""Write docs/reference/ from the code: `python docs/generate.py`. A test fails while it is not up to date."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

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
    return {"commands.md": "\n".join(_commands()), "tables.md": "\n".join(_tables()), "tasks.md": "\n".join(_tasks())}


def _commands() -> Iterator[str]:
    """Yield each command with its options. Those that Django gives to every command are left out."""
    from django.core.management import BaseCommand, get_commands, load_command_class

    common = {action.dest for action in BaseCommand().create_parser("manage.py", "any")._actions}
    yield "# Commands\n\nMade from the code. `./manage.py COMMAND --help` says the same.\n"
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

    yield "# Tables, and what they promise\n\nMade from the code. A constraint is named for what it promises.\n"
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
    yield "# Tasks\n\nMade from the code. Celery delivers a message at least once, so each says why it may run twice.\n"
    yield "| task | what it does | it may run twice, for |\n|---|---|---|"
    for name, task in sorted(current_app.tasks.items()):
        if not name.startswith("celery."):
            does = (task.__doc__ or task.run.__doc__ or "").strip().splitlines()[0]
            yield f"| `{name}` | {does} | {task.may_run_twice} |"
    yield ""


if __name__ == "__main__":
    main()
