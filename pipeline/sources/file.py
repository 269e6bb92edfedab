"""Conversations in files: one or several, a folder, a pattern, a zip, standard input, each also gzipped.

What a file is, is found by its content (`formats`), and not by its name. Memory does not grow with what is in it.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path

from pipeline.sources.formats import Format, Options, Recognised, Stream, recognise
from pipeline.sources.formats.base import Head, Person
from pipeline.sources.parsing.heads import encoding_of_json, head_in_its_encoding, head_of
from pipeline.sources.parsing.other_texts import is_prose, what_it_is
from pipeline.sources.parsing.parts import DAMAGE, STDIN, Part, parts_of
from pipeline.sources.records import Record, Reject, UnreadableSource
from pipeline.sources.understanding.related import joined
from pipeline.sources.understanding.speakers import settled

Rows = Iterator[Record | Reject]

_MAY_BE_RELATED = (
    "a table (CSV)",
    "a table (JSON)",
    "JSON",
    "conversations",
    "a workbook (Excel, OpenDocument)",
    "Parquet",
)
"""Formats of general shape: their files may be the tables of one database. A vendor's format knows its own."""

_OF_ANY_TEXT = ("a table (CSV)", "Transcript", "Chat log")
"""Formats that read what is only text of a certain shape, as much else is."""

MUCH_SURER = 0.3
"""In a folder or zip, files whose format is less sure than the surest by so much are what lies beside the export."""

_ENDINGS = frozenset(
    [
        ".jsonl",
        ".ndjson",
        ".json",
        ".csv",
        ".tsv",
        ".tab",
        ".txt",
        ".xlsx",
        ".ods",
        ".xml",
        ".zip",
        ".mbox",
        ".eml",
        ".vtt",
        ".srt",
        ".parquet",
    ]
)


class FileSource:
    """Files that are imported together. `summary` says what they turned out to be, complete behind the last row."""

    kind = "file"
    is_live = False

    def __init__(
        self, path: str | Path | Sequence[str | Path], name: str | None = None, options: Options | None = None
    ) -> None:
        self.paths = [str(path)] if isinstance(path, str | Path) else [str(each) for each in path]
        self.name = name or name_of_files(self.paths)
        self.options = options or Options()
        self.summary = Recognised()

    def __str__(self) -> str:
        shown = ["standard input" if path == STDIN else path for path in self.paths[:3]]
        return ", ".join(shown) + (f" and {len(self.paths) - 3} more" if len(self.paths) > 3 else "")

    def records(self) -> Rows:
        """Return what the files hold, row by row. UnreadableSource if one is missing or of no known format."""
        self.summary = Recognised()
        with ExitStack() as opened:
            parts = parts_of(self.paths, opened)
            if len(parts) > 1:
                parts = [replace(part, label=part.name) for part in parts]
            groups = self._recognised(parts)
            rows: Rows = chain.from_iterable(form.records(stream, self.options) for form, stream in groups)
            if sum(len(stream.parts) for form, stream in groups if form.name in _MAY_BE_RELATED) > 1:
                rows = joined(rows, self.summary, groups[0][1].people)
            first = _first(rows, self)
            return _closing(settled(chain(first, rows), self.summary), opened.pop_all())

    def _recognised(self, parts: Sequence[Part]) -> list[tuple[Format, Stream]]:
        """Return each format that was found, with the parts that are in it."""
        found: list[tuple[Part, Format | None, float]] = []
        seen: Head | None = None
        nobody = ""
        for part in parts:
            part, head = self._looked_at(part)
            if head.raw.strip():
                form, sure = recognise(head)
                is_only_text = form is None or form.name in _OF_ANY_TEXT
                if is_only_text and not self.options.mapping and (kind := _in_nobodys_words(form, head)):
                    form, sure, nobody = None, 0.0, nobody or kind
                found.append((part, form, sure))
                seen = seen or head
        surest = max((sure for _, _, sure in found), default=0.0)
        read = {part.name: form for part, form, sure in found if form and _is_read(form, sure, surest)}
        beside = [part for part in parts if part.name not in read]
        if found and not read and nobody:
            raise UnreadableSource(f"{self} contains no conversations: it looks like {nobody}. {_begins(seen)}")
        if found and not read:
            raise UnreadableSource(f"{self} is not in a known format. {_begins(seen)} {_KNOWN}")
        groups: dict[type[Format], tuple[Format, Stream]] = {}
        people: dict[str, Person] = {}
        for part, _, _ in found:
            if form := read.get(part.name):
                groups.setdefault(type(form), (form, Stream([], self.summary, people, beside)))[1].parts.append(part)
        self.summary.format = " and ".join(form.name for form, _ in groups.values())
        self.summary.passed_over = [part.name for part, _, _ in found if part.name not in read]
        self.summary.unlikely = [part.name for part, form, _ in found if form and part.name not in read]
        return list(groups.values())

    def _looked_at(self, part: Part) -> tuple[Part, Head]:
        """Return a file with its beginning, and the encoding it is in where its beginning alone does not show it."""
        head = self._head(part)
        if not self.options.encoding and (encoding := encoding_of_json(part, head)):
            self.summary.encoding = str(encoding)
            part = replace(part, encoding=encoding.codec)
            head = self._head(part)
        return part, head if self.options.encoding else head_in_its_encoding(head)

    def _head(self, part: Part) -> Head:
        try:
            return head_of(part, self.options)
        except DAMAGE as error:
            raise UnreadableSource(f"{part.name} cannot be unpacked: {error}") from error
        except OSError as error:
            raise UnreadableSource(f"{part.name} cannot be read: {error.strerror or error}") from error


def _is_read(form: Format, sure: float, surest: float) -> bool:
    """Return whether a file is part of what was exported, and does not only lie beside it.

    Tables and our own format are never a companion of a vendor's export, as some JSON of few fields is.
    """
    return sure > surest - MUCH_SURER or (sure >= 0.5 and form.name != "JSON")


def _first(rows: Rows, source: FileSource) -> list[Record | Reject]:
    """Return the first row, if there is one: what cannot be read at all says so here, before anything is written."""
    try:
        return [row] if (row := next(rows, None)) else []
    except DAMAGE as error:
        raise UnreadableSource(f"{source} is damaged: {error}") from error
    except OSError as error:
        raise UnreadableSource(f"{source} cannot be read: {error.strerror or error}") from error


def _closing(rows: Rows, opened: ExitStack) -> Rows:
    with opened:
        yield from rows


def _begins(head: Head | None) -> str:
    if head is None:
        return ""
    if b"\0" in head.raw[:1000] and not head.text.isprintable():
        return "It is not text."
    return f"It starts with: {' '.join(head.text[:200].split())[:80]!r}."


_KNOWN = "What can be read is listed in docs/howto/bring-your-data.md."


def _in_nobodys_words(form: Format | None, head: Head) -> str:
    """Return what a text is that its format would read although nobody speaks in it; empty if somebody may."""
    if kind := what_it_is(head.text):
        return kind
    return (
        "prose, in which no line says who speaks"
        if form and form.name == "a table (CSV)" and is_prose(head.text)
        else ""
    )


def name_of_files(paths: Sequence[str]) -> str:
    """Return what to call the source: the file's name without what says how it is written; the folder's for several."""
    if len(paths) > 1:
        folder = Path(paths[0]).resolve().parent
        return (
            folder.name
            if all(Path(path).resolve().parent == folder for path in paths) and folder.name
            else _stem(paths[0])
        )
    return "stdin" if paths[0] == STDIN else _stem(paths[0])


def _stem(path: str) -> str:
    """Return `export` for `export.jsonl.gz`, and `exports` for the folder or the pattern `exports/*.json`."""
    given = Path(path)
    if any(mark in path for mark in "*?[") and not given.exists():
        given = next((folder for folder in given.parents if not any(mark in str(folder) for mark in "*?[")), given)
    name = given.name or given.resolve().name
    stem = name.removesuffix(".gz")
    return Path(stem).stem if Path(stem).suffix.lower() in _ENDINGS else stem or "files"
