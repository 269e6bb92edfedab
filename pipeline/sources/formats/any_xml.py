"""XML of a shape nobody told us: the element that is repeated is found, and read as the JSON object that says the same.

So Bugzilla, Disqus, feeds of reviews and home-made exports need no format of their own.
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from pipeline.sources.formats.any_json import AnyJson
from pipeline.sources.formats.base import Head, Options, Stream, limit
from pipeline.sources.formats.json_objects import Rows
from pipeline.sources.parsing.elements import Path
from pipeline.sources.parsing.heads import LIST_DEPTH, LIST_OBJECTS, head_of
from pipeline.sources.parsing.parts import Part
from pipeline.sources.parsing.xml_elements import XmlElement, as_object, elements_in, local, tree_of
from pipeline.sources.records import Reject

_XML = re.compile(r"<(?:\?xml\s|[A-Za-z_][\w:.-]{0,100}[\s>])")
_PAGE = re.compile(r"(?:<\?xml[^>]{0,200}>\s{0,20})?<(?:!doctype html|html[\s>])", re.IGNORECASE)
"""A web page is no export."""


class AnyXml(AnyJson):
    """The whole file becomes lines of JSON in a temporary file: what reads those is there already, and bounded."""

    name = "XML"

    def sniff(self, head: Head) -> float:
        text = head.text.lstrip()
        if not _XML.match(text[:200]) or _PAGE.match(text[:1000]):
            return 0.0
        return self._best(replace(head, lists=_lists(tree_of(head.raw))))[0]

    def records(self, stream: Stream, options: Options) -> Rows:
        for part in stream.parts:
            head = head_of(part, options)
            tree = tree_of(head.raw)
            lists = _lists(tree)
            path = self._best(replace(head, lists=lists))[1]
            names = _side_by_side(tree, path) or [path[-1] if path else tree.name]
            with ExitStack() as opened:
                lines = opened.enter_context(tempfile.NamedTemporaryFile(prefix="leitmotif-"))
                repeated = _repeated(tree)
                for place, name in enumerate(names):
                    if len(names) > 1:  # one object with a list of each, as JSON with several tables is
                        lines.write(f"{'],' if place else '{'}{json.dumps(local(name))}: [".encode())
                    is_first = True
                    for element in elements_in(part, name, limit()):
                        if element.reason:
                            yield Reject(element.number, element.reason, unit="element", part=part.label)
                            continue
                        found = json.dumps(as_object(element, repeated), ensure_ascii=False).encode()
                        lines.write((b"" if is_first or len(names) == 1 else b",") + found + b"\n")
                        is_first = False
                lines.write(b"]}" if len(names) > 1 else b"")
                lines.flush()
                # `lines` is bound here and now: the part is read before the next one is opened
                as_json = Part(part.name, lambda path=lines.name: open(path, "rb"), part.label)  # type: ignore[misc]  # noqa: SIM115
                yield from super().records(Stream([as_json], stream.summary), options)


def _side_by_side(tree: XmlElement, path: Path) -> list[str]:
    """Return the names of what stands beside the elements at `path` under the same parent, if that is several tables.

    ServiceNow unloads incidents and the rows of their journal so, one after the other. A table has rows: an element
    that stands alone says something of the whole file.
    """
    parent = tree
    for name in path[:-1]:
        parent = next((child for child in parent.children if child.name == name), parent)
    rows = Counter(child.name for child in parent.children if len(child.children) > 1)
    tables = [name for name, count in rows.items() if count > 1]
    return tables if path and len(tables) > 1 and path[-1] in tables else []


def _repeated(tree: XmlElement) -> frozenset[tuple[str, str]]:
    """Return the names (of parent and child) of elements that stand side by side anywhere."""
    found: set[tuple[str, str]] = set()
    todo = [tree]
    while todo:
        element = todo.pop()
        counts = Counter(local(child.name) for child in element.children)
        found.update((local(element.name), name) for name, count in counts.items() if count > 1)
        todo += element.children
    return frozenset(found)


def _lists(tree: XmlElement) -> Mapping[Path, list[dict[str, Any]]]:
    """Return the first elements that could be conversations or messages, by the names that lead to them."""
    repeated = _repeated(tree)
    lists: dict[Path, list[dict[str, Any]]] = {(): [as_object(tree, repeated)]}
    todo: list[tuple[XmlElement, Path]] = [(tree, ())]
    while todo:
        element, path = todo.pop()
        for child in element.children:
            here = (*path, child.name)
            if not child.children and not child.attributes:
                continue
            known = lists.setdefault(here, [])
            if len(known) < LIST_OBJECTS:
                known.append(as_object(child, repeated))
                if len(here) < LIST_DEPTH:
                    todo.append((child, here))
    return lists
