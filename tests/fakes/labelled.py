"""A language model that reads labelled conversations well, and spells as models do: for grouping measured end to end.

`python -m tests.fakes.labelled FILE [FILE ...] [--seconds 0.2] [--port 18231]` serves it by hand, for
`bin/demo --llm FILE`: it prints the settings to export. FILEs are JSON lines with `messages` and a `label`.
"""

import argparse
import json
import os
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
        if (judged := _judged(body)) is not None:
            return json.dumps(judged)
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


def _judged(body: dict[str, Any]) -> dict[str, Any] | None:
    """Answer as a judge who goes by what readers said of each conversation: one sentence, one problem."""
    fields = schema_in(body).get("properties", {})
    if not {"acceptance_criteria", "verdict"} & set(fields) or "units" in fields:
        return None
    lines = [json.loads(line) for line in str(body["messages"][1]["content"]).splitlines() if line.startswith("{")]
    if "acceptance_criteria" in fields:
        words = lines[0]["present_name"].replace("_", " ")
        said = {"what": f"{words.capitalize()}.", "who": "People who write.", "symptoms": [lines[1]["says"][:200]]}
        name = "_".join(f"{lines[0]['present_name']}_problem".split("_")[:8])
        return {"name": name, "title": f"Fix {words}"[:80], **said, "acceptance_criteria": ["Nobody writes about it."]}
    groups: dict[str, list[int]] = {}
    for number, line in enumerate((line for line in lines if "says" in line), 1):
        groups.setdefault(line["says"], []).append(number)
    if "parts" not in fields:
        return {"verdict": "same" if len(groups) == 1 else "different", "reason": "By what readers said."}
    parts = [{"name": f"part_{number}", "members": some} for number, some in enumerate(groups.values(), 1)]
    is_one = len(groups) == 1
    return {
        "verdict": "keep" if is_one else "split",
        "reason": "By what readers said.",
        "parts": [] if is_one else parts,
    }


def main(arguments: Sequence[str]) -> None:
    """Serve until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=0.2, help="what an answer takes (%(default)s)")
    parser.add_argument("--port", type=int, default=18231)
    options = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    with language_model(options.seconds, options.port) as model:
        model.says = answers_from(labels_in(options.files))
        print(f"export LLM_MODEL=labelled LLM_BASE_URL={model.url} LLM_API_KEY=none", flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main(sys.argv[1:])
