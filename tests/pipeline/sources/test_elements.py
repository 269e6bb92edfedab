"""JSON is cut into elements within bounds, whatever is in the file; no database is involved."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.parsing.elements import ANY, Element, Path, Scanner, parse

LIMIT = 10_000


def scan(data: bytes, path: Path = (), *, limit: int = LIMIT, size: int = 7) -> list[Element]:
    """Scan in pieces of `size` bytes, so that everything falls on an edge some time."""
    return list(Scanner(path, limit).scan(data[start : start + size] for start in range(0, len(data), size)))


def values(found: list[Element]) -> list[object]:
    return [parse(each) for each in found]


SIZES = pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
TRICKY = [{"a": 'x]}{["\\', "b": [{"c": '\\\\"'}, [], {}]}, {}, {"é": "ü\n\t"}]


@SIZES
@pytest.mark.parametrize("indent", [None, 0, 1, 4])
def test_it_cuts_a_list_wherever_the_pieces_end(size: int, indent: int | None) -> None:
    assert values(scan(json.dumps(TRICKY, indent=indent).encode(), size=size)) == TRICKY


@SIZES
def test_it_cuts_lines_and_values_side_by_side(size: int) -> None:
    lines = "\n".join(json.dumps(each) for each in TRICKY).encode()
    assert values(scan(lines, size=size)) == TRICKY
    assert values(scan(lines.replace(b"\n", b" "), size=size)) == TRICKY


@SIZES
@pytest.mark.parametrize(
    ("path", "document"),
    [
        (("tickets",), {"count": 2, "next": {"tickets": 5}, "tickets": TRICKY, "end": True}),
        (("_embedded", "conversations"), {"page": {}, "_embedded": {"x": [{"y": 1}], "conversations": TRICKY}}),
        (("chats", "list", "messages"), {"chats": {"list": [{"messages": TRICKY[:2]}, {"messages": TRICKY[2:]}]}}),
        (("issue",), {"action": "opened", "issue": TRICKY[0]}),
        (("data", ANY), {"data": {"7": TRICKY[0], "8": TRICKY[1]}}),
    ],
)
def test_it_finds_the_list_inside(path: Path, document: object, size: int) -> None:
    wanted = [TRICKY[0]] if path == ("issue",) else TRICKY[:2] if ANY in path else TRICKY
    assert values(scan(json.dumps(document).encode(), path, size=size)) == wanted
    assert values(scan(json.dumps(document, indent=2).encode(), path, size=size)) == wanted


def test_it_reads_pages_one_after_the_other() -> None:
    pages = [{"results": [{"id": 1}], "next": "a"}, {"results": []}, {"results": [{"id": 2}, {"id": 3}], "next": None}]
    assert values(scan("\n".join(map(json.dumps, pages)).encode(), ("results",))) == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_it_tells_what_stands_around_an_element() -> None:
    document = {"list": [{"name": "help", "id": 7, "messages": [{"m": 1}]}, {"name": "news", "messages": [{"m": 2}]}]}
    found = scan(json.dumps(document).encode(), ("list", "messages"))
    assert [each.around for each in found] == [{"name": "help", "id": 7}, {"name": "news"}]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.text(), json_values, max_size=4)


@given(st.lists(objects, max_size=5), st.integers(1, 50), st.sampled_from([None, 0, 2]), st.booleans())
def test_any_list_of_objects_comes_back(wanted: list[object], size: int, indent: int | None, ascii_only: bool) -> None:
    data = json.dumps(wanted, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    found = scan(data, limit=10**6, size=size)
    assert len(found) == len(wanted)
    for element, value in zip(found, wanted, strict=True):
        assert json.loads(element.raw.decode(errors="surrogatepass")) == value


# --- What is broken -----------------------------------------------------------------------------------------------

GOOD = [{"id": number, "messages": [{"text": "Hello"}]} for number in range(4)]
PRETTY = json.dumps(GOOD, indent=2)


@SIZES
@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (PRETTY.replace('"id": 1,', '"id": 1', 1), "expected `,` or `}`"),
        (PRETTY.replace('"id": 1,', '"id": 1, "open": {', 1), "not closed before the next one starts"),
        (PRETTY.replace('"id": 1,', '"id": 1, "open": "text', 1), "Invalid control character"),
        (PRETTY.replace('"id": 1,', "id: 1,", 1), "key must be a string"),
        ("\n".join(map(json.dumps, GOOD)).replace('"id": 1,', '"id": {1,', 1), "not closed before the next one starts"),
    ],
)
def test_a_broken_object_costs_itself_alone(broken: str, why: str, size: int) -> None:
    found = scan(broken.encode(), size=size)
    assert [number for number, each in enumerate(found) if isinstance(parse(each), str)] == [1]
    assert why in str(parse(found[1])) or "broken JSON" in str(parse(found[1]))
    assert [parse(each) for number, each in enumerate(found) if number != 1] == [GOOD[0], *GOOD[2:]]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'[{"id": 1}, {"id": 2', "the file ends in the middle of it"),
        (b'[{"id": 1},', "the file ends before the list is closed"),
        (b'{"tickets": [{"id": 1}', "the file ends in the middle of it"),
        (b'{"id": 1} oops and more words', "expected an object"),
        (b'{"id": 1} ]]]]]', "] does not match an opening bracket"),
        (b'[{"id": 1}, 5]', "not an object"),
        (b'[{"id": 1}, "words"]', "not an object but text"),
        (b'[{"id": 1}, nul]', "expected an object"),
    ],
)
def test_what_is_wrong_at_the_end_is_one_reject(data: bytes, why: str) -> None:
    found = [each for each in scan(data) if each.reason]
    assert len(found) == 1
    assert why in found[0].reason


@given(st.binary(max_size=300), st.integers(1, 20))
def test_no_bytes_make_it_stumble(data: bytes, size: int) -> None:
    for each in scan(data, size=size):
        parse(each)
    scan(b'[{"a": 1}, ' + data, ("x",), size=size)


@given(st.binary(max_size=60), st.integers(0, 150), st.integers(1, 30))
def test_it_finds_the_same_however_the_file_is_cut_into_pieces(noise: bytes, place: int, size: int) -> None:
    data = PRETTY.encode()
    data = data[:place] + noise + data[place:]
    assert scan(data, size=size) == scan(data, size=len(data))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a": "x\0"}', "it contains a NUL byte, which cannot be stored"),
        (b'{"a": "x\\u0000"}', "it contains a NUL character, which cannot be stored"),
        (b'{"a": "caf\xe9"}', "invalid UTF-8 at byte 11"),
        (b'{"a": "\\ud800"}', "broken JSON: "),
        (b'{"a": NaN}', "broken JSON: "),
        (b'{"a": 1', "broken JSON: "),
    ],
)
def test_it_says_why_an_object_cannot_be_taken(data: bytes, expected: str) -> None:
    assert str(parse(Element(1, data))).startswith(expected)


def test_it_takes_line_ends_in_texts_as_they_are() -> None:
    assert parse(Element(1, b'{"a": "one\ntwo"}')) == {"a": "one\ntwo"}


# --- What is too much ---------------------------------------------------------------------------------------------

MANY = 100_000
HOSTILE = {
    "brackets": b"[" * MANY,
    "objects": b'{"a":' * MANY,
    "deep inside one element": b'[{"id": 1}, {"x": ' + b"[" * MANY + b"]" * MANY + b'}, {"id": 2}]',
    "one long string": b'[{"id": 1}, {"x": "' + b"x" * MANY * 10 + b'"}, {"id": 2}]',
    "escapes": b'[{"id": 1}, {"x": "' + b'\\"' * MANY + b'"}, {"id": 2}]',
    "a string that never ends": b'[{"id": 1}, {"x": "' + b"x" * MANY * 10,
    "quotes": b'"' * MANY,
    "a long key": b'{"' + b"k" * MANY + b'": [{"id": 1}]}',
    "a long number": b'[{"id": 1}, {"x": ' + b"9" * MANY + b'}, {"id": 2}]',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_too_much_is_one_reject_and_the_rest_is_read(data: bytes) -> None:
    found = scan(data, limit=LIMIT, size=1 << 16)
    assert sum(isinstance(parse(each), str) for each in found) <= 1
    if data.endswith(b'{"id": 2}]'):
        assert parse(found[0]) == {"id": 1}
        assert isinstance(parse(found[1]), str)
        assert parse(found[2]) == {"id": 2}
    assert all(len(each.raw) <= LIMIT for each in found)


@pytest.mark.parametrize(("depth", "is_taken"), [(150, True), (199, True), (201, False)])
def test_two_hundred_levels_are_taken_and_no_more(depth: int, is_taken: bool) -> None:
    (found,) = scan(b'{"a":' * depth + b"1" + b"}" * depth)
    assert isinstance(parse(found), dict) is is_taken
    if not is_taken:
        assert found.reason == "it is nested more than 200 deep"


CHILD = """
import re, sys
from pipeline.sources.parsing.elements import Scanner, parse
def pieces(filler):
    yield b'[{"id": 1}, {"x": ' + filler
    for _ in range(100):
        yield filler * ((1 << 16) // len(filler))
for filler in sys.argv[1:]:
    count = sum(1 for each in Scanner((), 10 << 20).scan(pieces(filler.encode())) if parse(each))
    print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_memory_stays_that_of_one_element() -> None:
    """6 MB each of what costs parsers most. The interpreter and its modules take about 40 MB."""
    fillers = ["[", '{"a":', '"', "x", '"x', '"\\u00e9', "[{},"]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *fillers],
        capture_output=True, cwd=settings.BASE_DIR, check=True, text=True, timeout=240,
    )  # fmt: skip
    highest = [int(kilobytes) / 1024 for kilobytes in done.stdout.split()]  # so far, after each
    assert len(highest) == len(fillers)
    assert highest[-1] < 150, dict(zip(fillers, highest, strict=True))
