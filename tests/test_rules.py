"""What holds for the whole repository, by introspection: new models, indexes, commands and tasks are held to it."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from celery import Task, current_app
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.db import models

import pipeline
import sessions

ROOT = Path(pipeline.__file__).parent.parent
OURS = ("pipeline", "sessions")
MODELS = [model for model in apps.get_models() if model.__module__.startswith(OURS)]
COMMANDS = sorted(name for name, app in get_commands().items() if app in OURS)


def modules() -> Iterator[ModuleType]:
    """Yield every module of ours but migrations."""
    for package in (pipeline, sessions):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in found.name:
                yield importlib.import_module(found.name)


# --- Tables -------------------------------------------------------------------------------------------------------


def names_in(condition: object) -> set[str]:
    """Return the fields that a condition names."""
    if isinstance(condition, models.Q):
        return {name for child in condition.children for name in names_in(child)}
    if isinstance(condition, tuple):
        return {condition[0].split("__")[0]}
    return set()


def pairs_of(model: type[models.Model]) -> Iterator[tuple[str, str]]:
    """Yield the names of each moment that may be missing and the person who belongs to it."""
    fields = {field.name: field for field in model._meta.get_fields() if isinstance(field, models.Field)}
    for name, field in fields.items():
        who = f"{name.removesuffix('_at')}_by"
        if name.endswith("_at") and field.null and who in fields:
            yield name, who


PAIRS = [(model, *pair) for model in MODELS for pair in pairs_of(model)]


def test_there_are_pairs_to_look_at() -> None:
    assert len(PAIRS) >= 8


@pytest.mark.parametrize(("model", "at", "by"), PAIRS, ids=lambda value: getattr(value, "__name__", value))
def test_who_did_something_and_when_are_held_together_by_a_constraint(
    model: type[models.Model], at: str, by: str
) -> None:
    checks = [each for each in model._meta.constraints if isinstance(each, models.CheckConstraint)]
    assert any({at, by} <= names_in(check.condition) for check in checks)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_model_says_what_one_row_stands_for(model: type[models.Model]) -> None:
    assert model.__doc__
    assert not model.__doc__.startswith(f"{model.__name__}(")  # Django's own


# --- Indexes ------------------------------------------------------------------------------------------------------

INDEX = re.compile(r"((?:^ *#.*\n)+)?^ *models\.Index\(", re.MULTILINE)
NAMED = re.compile(r"\b([a-z_]+)\.([a-z_]+)\b")


def comments_of_indexes() -> list[tuple[str, str]]:
    """Return the file of each index and the comment above it."""
    files = [file for app in OURS for file in sorted((ROOT / app / "models").glob("*.py"))]
    return [(file.name, match[1] or "") for file in files for match in INDEX.finditer(file.read_text())]


def test_each_index_says_which_query_it_is_for() -> None:
    found = comments_of_indexes()
    assert len(found) >= 15
    assert [file for file, comment in found if not comment] == []


def test_what_the_comment_of_an_index_names_exists() -> None:
    loaded = list(modules())  # all of them first: a package knows its modules only then
    known = {(module.__name__.rsplit(".", 1)[1], name) for module in loaded for name in vars(module)}
    named = [pair for _, comment in comments_of_indexes() for pair in NAMED.findall(comment)]
    assert named
    assert [f"{module}.{name}" for module, name in named if (module, name) not in known] == []


# --- Doors --------------------------------------------------------------------------------------------------------


def test_each_command_is_documented() -> None:
    told = "\n".join(
        page.read_text() for page in [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("docs/**/*.md")]
    )
    assert len(COMMANDS) >= 20
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", told)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_in_a_line_what_it_does(name: str) -> None:
    assert load_command_class(get_commands()[name], name).help.strip()


def test_each_task_says_why_it_may_run_twice() -> None:
    current_app.loader.import_default_modules()
    tasks: dict[str, Task] = {name: task for name, task in current_app.tasks.items() if not name.startswith("celery.")}
    assert len(tasks) >= 9
    assert [name for name, task in tasks.items() if not getattr(task, "may_run_twice", "")] == []


HEAVY = (
    "sklearn", "scipy.stats", "scipy.sparse", "onnx", "torch", "pandas", "openai", "resiliparse", "duckdb", "openTSNE",
)  # fmt: skip
"""Packages that take half a second or more than 10 MB to import: each command and process would pay for them."""


def test_what_starts_loads_nothing_heavy() -> None:
    code = (
        "import sys, django, config; django.setup(); config.celery_app.loader.import_default_modules();"
        "import django.urls; django.urls.get_resolver().url_patterns;"
        f"print(*sorted(set({HEAVY}) & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=240)
    assert done.stdout.split() == []


def test_the_rules_of_merging_may_be_loaded_before_the_sentence_model() -> None:
    """`onnxruntime` ends the process with a segmentation fault if `usearch` was imported before it."""
    code = "import pipeline.merge.rules.grouping.neighbours, onnxruntime"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=240)


# --- Words --------------------------------------------------------------------------------------------------------


def test_each_public_function_says_what_it_does() -> None:
    silent = [
        f"{module.__name__}.{name}"
        for module in modules()
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
        if not value.__doc__
    ]
    assert silent == []


_FILE = re.compile(r"\b(?:docs|tests|deploy|benchmarks|config)/[\w/.-]*\.(?:md|py|jsonl|txt)\b")
"""A file of the repository as comments and documents name it. Those of `pipeline/` may be templates or static files."""


def test_files_that_comments_and_documents_name_are_there() -> None:
    texts = [path for folder in (*OURS, "docs", "config", "deploy") for path in (ROOT / folder).rglob("*.[pm][yd]")]
    named = {(name, path) for path in [*texts, *ROOT.glob("*.md")] for name in _FILE.findall(path.read_text())}
    assert len(named) > 50
    assert [(name, str(path)) for name, path in sorted(named) if not (ROOT / name).exists()] == []
