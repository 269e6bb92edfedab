"""Texts in which nobody speaks, though they look a little like a chat or a table: logs of programs, code, prose.

A format of general shape would read them all the same: levels as names, a sentence at its commas as columns.
"""

import re
from typing import Final

LOOKED_AT: Final = 200
"""Lines."""

_LEVEL: Final = re.compile(
    r"(?:^|[\s\[(<|.\"=,-])(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|EMERG|LOG|PANIC)(?=[\s\])>|:\",-]|$)"
    r"|\[(?:\w{1,20}:)?(?:trace|debug|info|notice|warn|warning|error|fatal|crit|emerg)\]|\blevel=\"?\w"
)
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?|\d{10}")
_REQUEST: Final = re.compile(r"\"(?:GET|POST|PUT|PATCH|HEAD|OPTIONS|DELETE) \S{1,2000} HTTP/")
_DAEMON: Final = re.compile(r"\w{3} {1,2}\d{1,2} \d\d:\d\d:\d\d \S{1,60} [\w./-]{1,40}(?:\[\d{1,9}\])?: ")
_SQL: Final = re.compile(
    r"\s{0,20}(?:INSERT INTO|CREATE (?:TABLE|INDEX)|DROP TABLE|ALTER TABLE|UPDATE \S{1,60} SET|SELECT .{1,200} FROM)\b"
)
_CODE: Final = re.compile(
    r"\s{0,60}(?:def \w+\(|class \w+[(:{]|import [\w.{*]|from [\w.]+ import|#include|package \w|func \w|function \w"
    r"|(?:public|private|protected|static|const|let|var|return|if|for|while|elif|else|case|default|try|switch)\b.{0,200}[{(;:]"
    r"|[}\])]+[;,]?\s{0,5}$|(?://|/\*|\*/|#!).{0,200}$)|.{1,300}\)\s?[;{]\s{0,5}$"
)
_MANY: Final = 0.6


def what_it_is(text: str) -> str:
    """Return in a few words what a text is if nobody speaks in it; empty if nothing says so."""
    lines = [line[:1000] for line in text[:200_000].splitlines() if line.strip()][:LOOKED_AT]
    if len(lines) < 2:
        return ""
    needed = _MANY * len(lines)
    # the first line too: tables with such words in a column begin with the names of the columns
    if (_is_logged(lines[0]) or _LEVEL.match(lines[1][:20])) and sum(map(_is_logged, lines)) >= needed / 1.3:
        return "the log of a program"
    if sum(bool(_SQL.match(line)) for line in lines) >= needed:
        return "a dump of a database in SQL; import a table of it as CSV, or read the database with sql:NAME"
    if sum(bool(_CODE.match(line)) for line in lines) >= needed:
        return "the source of a program"
    return ""


def _is_logged(line: str) -> bool:
    if _REQUEST.search(line) or _DAEMON.match(line):
        return True
    return bool(_LEVEL.search(line[:120])) and bool(_CLOCK.search(line[:60]) or _LEVEL.match(line[:20]))


def is_prose(text: str) -> bool:
    """Return whether a text that has commas is sentences, and no table at all.

    A table without quotation marks has its commas side by side with the words of both columns; sentences have a blank
    behind each of them.
    """
    begin = "\n".join(text[:100_000].splitlines()[:LOOKED_AT])
    if any(sign in begin for sign in '"\t;|'):
        return False
    commas, spaced = begin.count(","), len(re.findall(r",(?=\s)", begin))
    ends = len(re.findall(r"[.!?](?=\s|$)", begin))
    return commas > 0 and spaced >= 0.8 * commas and ends > 1
