"""A language model that reads labelled conversations well, and spells as models do: for grouping measured end to end.

`python -m tests.fakes.labelled FILE [FILE ...] [--seconds 0.2] [--port 18231]` serves it by hand, for
`bin/demo --llm FILE`: it prints the settings to export. FILEs are JSON lines with `messages` and a `label`.
"""

import argparse
import json
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.language_model import answer_for, customer_text, language_model, schema_in

NOISE = "noise"
"""The label of conversations that belong nowhere: each gets a name of its own."""

Says = Callable[[dict[str, Any]], str | None]


def spelled(name: str, way: int) -> str:
    """Return a name as one of four models, or the same one on four days, would spell it."""
    camel = "".join(part.capitalize() for part in name.split("_"))
    return (name, f"{name}s", name.replace("_", "-"), camel)[way % 4]


def labels_in(paths: Iterable[Path]) -> dict[str, str]:
    """Return the label of each conversation by its first message, as it is when what is private is out of it."""
    from pipeline.extract.redaction import without_private

    rows = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    return {without_private(row["messages"][0]["text"]): row["label"] for row in rows if row.get("label")}


def answers_from(labels: Mapping[str, str]) -> Says:
    """Answer questions about these conversations by their labels, in one of four spellings each; others as ever.

    The summary says the label in words and the quote is the beginning of what was said: as near to the truth as a good
    model comes, and no nearer.
    """

    def says(body: dict[str, Any]) -> str | None:
        text = customer_text(body)
        label = labels.get(text)
        if label is None or "themes" not in schema_in(body).get("properties", {}):
            return None
        way = zlib.crc32(text.encode())
        name = f"odd_matter_{way:08x}" if label == NOISE else spelled(label, way)
        found = answer_for(body, f"name={name}")
        for theme in found["themes"]:
            told = " ".join(text.split()[:12]) if label == NOISE else label.replace("_", " ").capitalize()
            theme |= {"summary": f"{told}.", "quotes": [text[:160]], "match": 0.9}
        return json.dumps(found, ensure_ascii=False)

    return says


def main(arguments: Sequence[str]) -> None:
    """Serve until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=0.2, help="what an answer takes (%(default)s)")
    parser.add_argument("--port", type=int, default=18231)
    options = parser.parse_args(arguments)
    import django

    django.setup()
    with language_model(options.seconds, options.port) as model:
        model.says = answers_from(labels_in(options.files))
        print(f"export LLM_MODEL=labelled LLM_BASE_URL={model.url} LLM_API_KEY=none", flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main(sys.argv[1:])
