"""Labelled conversations as the local reader reads them, kept from one benchmark to the next.

What is kept belongs to the bytes of the file, to the code that reads, and to the model: where any of them changed, the
file is read again. So the figures are those of the reader as it is, and reading 10,000 questions is paid once.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pipeline.sources.records import Record

READS = ("pipeline/sources", "pipeline/extract")
"""Folders whose code decides what is read of a conversation."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The n themes of labelled conversations, in the order of the file; the first of a conversation is its main theme.

    conversations: (n,) number of each theme's. labels, names, summaries: (n,). vectors: (n, d) float32 of unit length.
    """

    conversations: NDArray[np.int64]
    labels: NDArray[np.str_]
    names: NDArray[np.str_]
    summaries: NDArray[np.str_]
    vectors: NDArray[np.float32]


def labelled_records(path: Path) -> list["Record"]:
    """Return the conversations of a file in the import format that have a label."""
    from pipeline.sources.records import Record, get_source

    return [each for each in get_source("file")(path).records() if isinstance(each, Record) and each.label]


def read(path: Path) -> Labelled:
    """Read the labelled conversations of a file in the import format, or take what was read of it before."""
    from django.conf import settings

    kept = Path(settings.CACHE_DIR) / "benchmarks" / f"{path.name.split('.')[0]}-{_version(path)}.npz"
    if kept.exists():
        with np.load(kept) as found:
            return Labelled(**{name: found[name] for name in Labelled.__slots__})
    found = _read(path)
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(f".{os.getpid()}.npz")
    np.savez(unfinished, **{name: getattr(found, name) for name in Labelled.__slots__})
    unfinished.rename(kept)
    return found


def _version(path: Path) -> str:
    """Return a hash of all that decides what is read."""
    from pipeline.extract.base import get_extractor

    root, here = Path(__file__).resolve().parent.parent, Path(__file__)
    said = hashlib.sha256(path.read_bytes() + here.read_bytes())
    for folder in READS:
        for file in sorted((root / folder).rglob("*.py")):
            said.update(file.read_bytes())
    said.update(get_extractor("local").model.encode())
    return said.hexdigest()[:12]


def _read(path: Path) -> Labelled:
    from pipeline.extract.base import get_extractor
    from pipeline.extract.profiles import get_profile
    from pipeline.reports import evaluate

    reads = evaluate.read(labelled_records(path), get_profile("support"), get_extractor("local"))
    found = [(number, read.label, draft) for number, read in enumerate(reads) for draft in read.themes]
    return Labelled(
        conversations=np.array([number for number, _, _ in found], np.int64),
        labels=np.array([label for _, label, _ in found]),
        names=np.array([draft.proposed.signature for *_, draft in found]),
        summaries=np.array([draft.proposed.summary for *_, draft in found]),
        vectors=np.stack([np.frombuffer(draft.vector, np.float32) for *_, draft in found]),
    )
