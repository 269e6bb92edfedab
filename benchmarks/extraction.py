"""How much of the bare model's throughput is left in reading: `python -m benchmarks.extraction [FILE]`.

The bare model is the ONNX session called directly on the windows of token ids that the reader reads. The reader
does all it does in a run: sentences, rules, tokens, the same session, the answer as JSON. Both read the same texts on
one thread, in turns of 50 conversations, so that what else the machine does falls on both alike.

FILE has one conversation a line, in the import format (JSON with `messages` or `text`), plain or gzip. Without it,
texts are made.
"""

import argparse
import gzip
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import django

TURN = 50
CONVERSATIONS = 1000
TARGET = 0.80


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of one pass over the same conversations."""

    bare: float
    reader: float

    @property
    def ratio(self) -> float:
        """The reader's throughput as a share of the bare model's."""
        return self.bare / self.reader


def main(arguments: Sequence[str]) -> int:
    """Print each run and the median ratio; 1 if that is below the target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="conversations, one a line (JSON, may be gzipped)")
    parser.add_argument("--limit", type=int, default=CONVERSATIONS, help="how many conversations (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="how many passes (%(default)s)")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    conversations = list(read_file(options.file, options.limit) if options.file else made_up(options.limit))
    return report(conversations, [measure(conversations) for _ in range(options.runs)])


def report(conversations: list[list[tuple[str, str]]], runs: list[Run]) -> int:
    """Print the runs; return the exit code."""
    count = len(conversations)
    for number, run in enumerate(runs, 1):
        print(
            f"run {number}: bare model {count / run.bare:7.1f}/s, local reader {count / run.reader:7.1f}/s, "
            f"ratio {run.ratio:.3f}"
        )
    ratio = statistics.median(run.ratio for run in runs)
    print(f"{count} conversations, median ratio {ratio:.3f} (at least {TARGET:.2f} wanted)")
    return 0 if ratio >= TARGET else 1


def measure(conversations: list[list[tuple[str, str]]]) -> Run:
    """Read all conversations once with the bare model and once with the reader, in turns."""
    from pipeline.extract.embedding import Embedder, Vectors
    from pipeline.extract.local.reader import LocalExtractor
    from pipeline.extract.profiles.support import SUPPORT
    from pipeline.ledger.transcript import Message, Transcript

    class Recording(Embedder):
        """Keeps the windows it is given."""

        windows: list[list[int]]

        def encode_window(self, ids: Sequence[int]) -> Vectors:
            self.windows.append(list(ids))
            return super().encode_window(ids)

    recording, embedder = Recording(), Embedder()
    reader = LocalExtractor(embedder)
    transcripts = [
        Transcript(str(number), tuple(Message(role, text) for role, text in messages))
        for number, messages in enumerate(conversations)
    ]
    list(reader.read(transcripts[:TURN], SUPPORT))  # the first calls of a process load the model
    bare = reading = 0.0
    for start in range(0, len(transcripts), TURN):
        turn, recording.windows = transcripts[start : start + TURN], []
        list(LocalExtractor(recording).read(turn, SUPPORT))
        began = time.perf_counter()
        for ids in recording.windows:
            embedder.encode_window(ids)
        turned = time.perf_counter()
        list(reader.read(turn, SUPPORT))
        bare += turned - began
        reading += time.perf_counter() - turned
    return Run(bare, reading)


def read_file(path: Path, limit: int) -> Iterator[list[tuple[str, str]]]:
    """Yield a file's conversations as (role, text) pairs."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line, _ in zip(lines, range(limit), strict=False):
            row = json.loads(line)
            messages = row.get("messages") or [{"role": "customer", "text": row["text"]}]
            yield [
                (message.get("role") or message.get("author") or "customer", message["text"]) for message in messages
            ]


SUBJECTS = (
    "the invoice",
    "my calendar",
    "our booking page",
    "the app",
    "a text reminder",
    "my card payment",
    "the export",
)
TROUBLES = ("shows the wrong date", "does not load", "was sent twice", "is still pending", "crashes", "came out empty")
ASIDES = (
    "We noticed it on Monday before opening.",
    "A colleague of mine has the same on her phone.",
    "It worked well until the last update.",
    "I have tried another browser and restarted everything.",
    "Two of our customers have complained about it already.",
)


def made_up(count: int) -> Iterator[list[tuple[str, str]]]:
    """Yield made-up support conversations of two to four messages, always the same ones."""
    choice = random.Random(0)
    for _ in range(count):
        asides = choice.sample(ASIDES, choice.randint(1, 4))
        problem = f"Hi, {choice.choice(SUBJECTS)} {choice.choice(TROUBLES)}."
        yield [
            ("customer", " ".join([problem, *asides])),
            ("agent", "Thank you for writing. Could you tell us which version you use?"),
            ("customer", f"Version {choice.randint(1, 9)}.{choice.randint(0, 9)}, on a phone."),
        ][: choice.randint(1, 3)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
