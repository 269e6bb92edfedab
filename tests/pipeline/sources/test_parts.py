"""Whatever way files are packed and named, their bytes come out, in pieces; no database is involved."""

import gzip
import io
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.sources.parsing import parts
from pipeline.sources.parsing.parts import Part, TooMuch, parts_of
from pipeline.sources.records import UnreadableSource


def read(*paths: str | Path) -> dict[str, bytes]:
    """Return the bytes of each part by its name, read twice."""
    with ExitStack() as opened:
        found = parts_of(paths, opened)
        first = {part.name: whole(part) for part in found}
        assert first == {part.name: whole(part) for part in found}
        return first


def whole(part: Part) -> bytes:
    with part.open() as file:
        return file.read()


def write_zip(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return path


def test_it_reads_a_file_also_when_it_is_packed_and_packed_again(tmp_path: Path) -> None:
    for content in (b"words", gzip.compress(b"words"), gzip.compress(gzip.compress(b"words"))):
        path = tmp_path / "file"
        path.write_bytes(content)
        assert read(path) == {str(path): b"words"}


def test_it_reads_the_members_of_a_gzip_file_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(b"one, ") + gzip.compress(b"two") + b"\0" * 100)
    assert read(path) == {str(path): b"one, two"}
    path.write_bytes(gzip.compress(b""))
    assert read(path) == {str(path): b""}


def test_it_reads_a_folder_by_name_without_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b/2.json", "b/1.json", "a.json", ".hidden/x.json", "b/.DS_Store", "a.json.rejects.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert sorted(read(tmp_path)) == [str(tmp_path / name) for name in ("a.json", "b/1.json", "b/2.json")]


def test_it_reads_a_pattern_and_several_files_in_their_order(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "c.txt"):
        (tmp_path / name).write_text(name)
    assert list(read(f"{tmp_path}/*.json")) == [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    assert list(read(tmp_path / "c.txt", tmp_path / "a.json")) == [str(tmp_path / "c.txt"), str(tmp_path / "a.json")]


def test_it_reads_a_zip_as_a_folder(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "export.zip", b__2_dot_json=b"two", b__1_dot_json=gzip.compress(b"one"), _dot_x=b"hidden"
    )
    assert read(path) == {f"{path}/b/1.json": b"one", f"{path}/b/2.json": b"two"}


def test_a_document_of_an_office_program_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert list(read(path)) == [str(path)]


def test_it_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(gzip.compress(b"words")))))
    assert read("-") == {"standard input": b"words"}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing", None, "cannot be read: No such file or directory"),
        ("broken.zip", b"PK\x03\x04 and no more", "looks like a zip file but cannot be unpacked"),
    ],
)
def test_it_says_in_one_sentence_what_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, expected: str
) -> None:
    if content:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableSource, match=expected):
        read(tmp_path / name)


def test_it_says_so_of_an_empty_folder_and_of_a_locked_zip(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableSource, match="a folder without files"):
        read(tmp_path / "empty")
    path = write_zip(tmp_path / "locked.zip", a=b"words")
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1  # the flag of a password, in the list of contents
    path.write_bytes(data)
    with pytest.raises(UnreadableSource, match="protected by a password"):
        read(path)


def test_it_refuses_a_zip_of_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "DIRECTORY_BYTES", 1000)
    path = write_zip(tmp_path / "many.zip", **{f"file{number}": b"" for number in range(100)})
    with pytest.raises(UnreadableSource, match="contains too many files"):
        read(path)


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_bomb_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(parts, "FREE_BYTES", 1 << 20)
    path = tmp_path / "bomb"
    if kind == "gzip":
        path.write_bytes(gzip.compress(b"x" * (20 << 20)))
    else:
        write_zip(path, bomb=b"x" * (20 << 20))
    with pytest.raises(TooMuch, match="more than 200 times its size"):
        read(path)


def test_damage_shows_when_it_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "half.gz"
    path.write_bytes(gzip.compress(bytes(range(256)) * 4000)[:2000])
    with ExitStack() as opened:
        (part,) = parts_of([path], opened)
        with part.open() as file:
            assert file.read(100) == bytes(range(100))
            with pytest.raises(parts.DAMAGE):
                file.read()
