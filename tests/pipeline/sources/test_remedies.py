"""Messages about files say what to do where they are read: at the command line, on a page, in the API."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipeline
from pipeline.sources.reasons import Reasons
from pipeline.sources.records import Reject
from pipeline.sources.remedies import in_api, on_screen

FOLDER = Path(pipeline.__file__).parent
TOLD = ("sources", "runs/create.py", "runs/uploads.py", "group/doubts.py")
"""From where the page of a file, and a source's start, are told what is wrong."""

ONLY_COMMANDS = ("sources/companies/lists.py", "sources/remedies.py", "--select")
"""Lists of companies and chapters of books are chosen at the command line alone."""


def messages() -> Iterator[tuple[str, str]]:
    """Yield every string of those files that names an option, with the values in it as words of their own."""
    for path in sorted(each for name in TOLD for each in (FOLDER / name).rglob("*.py") or [FOLDER / name]):
        tree = ast.parse(path.read_text())
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        said_about = {id(_docstring_of(node)) for node in ast.walk(tree)}
        for node in ast.walk(tree):
            text = _text(node)
            if re.search(r"(^|\s)--[a-z]", text) and id(node) not in inside | said_about:
                yield str(path.relative_to(FOLDER)), text


def _docstring_of(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) or ast.get_docstring(node) is None:
        return None
    first = node.body[0]
    return first.value if isinstance(first, ast.Expr) else None


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_no_message_leaves_an_option_of_the_command_on_a_page_or_in_an_answer() -> None:
    found = [(path, text) for path, text in messages() if not any(each in path + text for each in ONLY_COMMANDS)]
    assert len(found) >= 15
    assert [(path, told) for path, text in found for told in (on_screen(text), in_api(text)) if "--" in told] == []


@pytest.mark.parametrize(
    ("message", "page", "api"),
    [
        (
            "No column says who the customer is. Choose one with --map customer=COLUMN.",
            "No column says who the customer is. Choose one below, under “Columns and their meaning”.",
            "No column says who the customer is. Choose one with `map`: customer=NAME.",
        ),
        (
            "it could be 'a', 'b'. Choose it with --map created_at=...",
            "it could be 'a', 'b'. Choose it below, under “Columns and their meaning”",
            "it could be 'a', 'b'. Choose it with `map`: created_at=NAME",
        ),
        (
            "--map text=Words: there is no such column. Columns: 'a'",
            "there is no column “Words” for text. Columns: 'a'",
            "map text=Words: there is no such column. Columns: 'a'",
        ),
        (
            "parted where nobody wrote for 6 h. Change that with --pause MINUTES.",
            "parted where nobody wrote for 6 h.",
            "parted where nobody wrote for 6 h.",
        ),
        ("nothing here names an option", "nothing here names an option", "nothing here names an option"),
    ],
)
def test_a_message_says_what_to_do_where_it_is_read(message: str, page: str, api: str) -> None:
    assert (on_screen(message), in_api(message)) == (page, api)


def test_reasons_of_rejects_say_on_the_page_which_field_to_fill_in() -> None:
    reasons = Reasons()
    reasons.add(Reject(7, "no text"))
    reasons.add(Reject(8, "'31/31' is not a date"))
    told = " ".join(map(on_screen, reasons.sentences()))
    assert "choose its field or column below, under “Columns and their meaning”." in told
    assert "written below, at “date format”, for example DD/MM/YYYY." in told
