"""What a model answers that reads verses: each `like ...` is an instance, and some answers are malformed.

`malformed` of its answers about a verse are: left out, of a kind that there is not, given twice and differently, or so
written that the whole is no JSON (`"confidence": 0.8",`). Asked once more about a verse, it answers well.
"""

import json
import re
import threading
from collections import Counter
from typing import Any

LIKE = re.compile(r"like [\w ]+")


class ReaderOfVerses:
    """Gives the words of each answer; `asked` counts how often each verse was asked about, by step."""

    def __init__(self, every: int = 62) -> None:
        self.every = every
        self.asked: Counter[tuple[str, str]] = Counter()
        self.malformed: list[str] = []
        self._lock = threading.Lock()
        self._answered = 0

    def __call__(self, body: dict[str, Any]) -> str | None:
        lines = data_in(body)
        if not lines or "unit" not in lines[0]:
            return None
        wanted = units_of(body)
        if "texts" not in lines[0]:
            return json.dumps({"units": [verdict(line) for line in lines if line["unit"] in wanted]})
        with self._lock:
            return self._verses([line for line in lines if line["unit"] in wanted])

    def _verses(self, lines: list[dict[str, Any]]) -> str:
        rows: list[dict[str, Any]] = []
        is_broken = False
        for line in lines:
            unit = line["unit"]
            is_first = not self.asked["verse", unit]
            self.asked["verse", unit] += 1
            self._answered += 1
            row = {"unit": unit, "instances": [instance(found) for found in LIKE.findall(line["texts"][0]["text"])]}
            if is_first and self._answered % self.every == 0:
                self.malformed.append(unit)
                kind = len(self.malformed) % 4
                if kind == 1:
                    continue
                if kind == 2:
                    row["instances"] = [{**instance("like a pun"), "kinds": ["pun"]}]
                if kind == 3:
                    rows.append({**row, "instances": [instance("like nothing")]})
                is_broken = is_broken or kind == 0
            rows.append(row)
        said = json.dumps({"units": rows})
        return re.sub(r'("confidence": [\d.]+)', r'\1"', said, count=1) if is_broken else said


def data_in(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects that stand a line each in the first user's message of a question."""
    text = next(str(message["content"]) for message in body["messages"] if message["role"] == "user")
    found = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def units_of(body: dict[str, Any]) -> set[str]:
    """Return the units that a question asks for, from its schema."""
    text = json.dumps(body.get("response_format") or [message["content"] for message in body["messages"]])
    found = re.search(r'\\?"enum\\?": \[(\\?"\d[^\]]*)\]', text)
    return set(re.findall(r"[\d:#-]+", found[1])) if found else set()


def instance(quote: str) -> dict[str, Any]:
    return {
        "kinds": ["simile"], "quote": quote, "target": "water", "vehicle": quote.removeprefix("like "), "ground": "",
        "speaker": "", "explanation": f"It is compared: {quote}.", "confidence": 0.8,
    }  # fmt: skip


def verdict(line: dict[str, Any]) -> dict[str, Any]:
    other = int(line["unit"]) % 5 == 0
    kinds = ["hyperbole", "simile"] if other else line["kinds"]
    return {
        "unit": line["unit"],
        "verdict": "other_kinds" if other else "stands",
        "kinds": kinds,
        "reason": "Seen again.",
    }
