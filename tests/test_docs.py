"""What the documentation shows exists: commands and their options, files that it links to, pages made from the code."""

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import BaseCommand, CommandError, get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*.md"), *ROOT.glob("sessions/*.md")]
EXAMPLES = {
    "RUN": "1",
    "A": "1",
    "B": "2",
    "ID": "t-1",
    "PROFILE": "support",
    "FILE": "x.csv",
    "NAME": "x",
    "N": "2",
    "SCOPE": "read",
}
"""What stands for the words that a reader replaces."""


def shown() -> list[tuple[str, str]]:
    """Return each `./manage.py ...` that a page shows, with the page's name. Forms with [...] describe a call."""
    found = set()
    for page in PAGES:
        text = page.read_text()
        blocks = re.findall(r"^    (\./manage\.py [^#\n]*)", text, re.MULTILINE)
        inline = re.findall(r"`(\./manage\.py [^`]*)`", text)
        found |= {(page.name, " ".join(call.split())) for call in (*blocks, *inline)}
    return sorted(call for call in found if not re.search(r"[\[\]|]|COMMAND", call[1]))


@pytest.mark.parametrize(("page", "call"), shown())
def test_a_command_that_is_shown_can_be_called(page: str, call: str) -> None:
    _, name, *words = shlex.split(call)
    assert name in get_commands(), f"{page} shows {call}"
    app = get_commands()[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    try:
        command.create_parser("manage.py", name).parse_args([EXAMPLES.get(word, word) for word in words])
    except CommandError as error:
        pytest.fail(f"{page} shows {call}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_file_that_is_linked_to_exists(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_setting_is_documented() -> None:
    code = (ROOT / "config" / "settings.py").read_text()
    names = set(re.findall(r'(?:\benv\.\w+|_\w+)\(\s*"([A-Z][A-Z_]+)"', code))
    told = "\n".join(page.read_text() for page in PAGES)
    assert len(names) >= 60
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", told)] == []


def test_the_reference_is_what_the_code_says() -> None:
    made = _generate().pages()
    stale = [name for name, text in made.items() if (ROOT / "docs" / "reference" / name).read_text() != text]
    assert stale == [], "run: python docs/generate.py"


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
