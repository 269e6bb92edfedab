"""What helps, told to whoever asks: messages name the command's options, screens and programs have their own ways.

A message says what is wrong and then what to do about it, in the words of the command line: `choose it with --map
customer=COLUMN`. Whoever sits at a page cannot give an option, so each clause has its counterpart there and in the API.
`tests/pipeline/sources/test_remedies.py` holds it over every message of the folders from which screens are told.
"""

import re
from dataclasses import dataclass

_COLUMNS = "below, under “Columns and their meaning”"


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause of a message that names an option, and what stands in its place on a page and in the API."""

    pattern: re.Pattern[str]
    screen: str
    api: str


def _clause(pattern: str, screen: str, api: str) -> _Clause:
    return _Clause(re.compile(pattern), screen, api)


_CLAUSES = (
    # first what a whole sentence is about, then single options
    _clause(
        r"--map (\w+)=(.*?): there is no such column", r"there is no column “\2” for \1",
        r"map \1=\2: there is no such column",
    ),
    _clause(r"--map ('[^']*'|\"[^\"]*\"|\S+?): write", r"\1: write", r"map \1: write"),
    _clause(r"--map was not used for ([^:]*):", r"What you chose for \1 was not used:", r"map was not used for \1:"),
    _clause(r" ?Change that with --pause MINUTES\.", "", ""),  # neither a page nor the API cuts chats otherwise
    _clause(
        r"with --map (\w+)=(?:\"[^\"]*\"|'[^']*'|\w+|\.\.\.)(?: \(can be repeated\))?", _COLUMNS, r"with `map`: \1=NAME"
    ),
    _clause(r"with --map", _COLUMNS, "with `map`"),
    _clause(
        r"set how times are written with --date-format", "set how times are written below, at “date format”",
        "set how times are written with `date_format`",
    ),
    _clause(
        r"add --date-format (?=[A-Z])", "choose below, at “date format”, ", "set `date_format` to ",
    ),
    _clause(r"add --date-format", "set how it is written below, at “date format”", "set `date_format`"),
    _clause(r"use --date-format", "set “date format” below", "set `date_format`"),
    _clause(r"with --encoding", "below, at “encoding”", "with `encoding`"),
    _clause(r"try another --encoding", "try another “encoding” below", "try another `encoding`"),
    _clause(r"with --name(?: NAME)?", "below, at “source name”", "with `name`"),
    _clause(
        r"replace them with --yes", "tick “replace the texts already stored under the same IDs”",
        "replace them with `replaces_texts`",
    ),
    _clause(
        r"Leave out --profile, or add --another-profile",
        "Choose the profile it was read with, or tick “also read with another profile”",
        "Leave out `profile`, or set `another_profile`",
    ),
    _clause(
        r"(?:Use|use|with|and run them with) --force-refresh", "tick “also read unchanged conversations again”",
        "set `force_refresh`",
    ),
)  # fmt: skip


def on_screen(message: str) -> str:
    """Return a message with what to do on the page that shows a file, instead of the command's options."""
    for clause in _CLAUSES:
        message = clause.pattern.sub(clause.screen, message)
    return message


def in_api(message: str) -> str:
    """Return a message with the names of the API's fields, instead of the command's options."""
    for clause in _CLAUSES:
        message = clause.pattern.sub(clause.api, message)
    return message
