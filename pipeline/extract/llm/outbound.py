"""The one door through which words leave for a provider: whatever they were made of, they are looked at once more here.

Conversations are redacted before they are read (`redaction.read_redacted`), because their placeholders have to be
understood on the way back. What else a question is made of (documents, vocabularies, what earlier readers said, a
profile of somebody's own) comes past here alone. There is no way back for what is found here: it keeps its placeholder.
"""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.extract.redaction import Redactor, find_private


def sealed(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a question with placeholders for what is private in its messages."""
    messages = [
        {**message, "content": sealed_text(content)} if isinstance(content := message.get("content"), str) else message
        for message in words.get("messages", ())
    ]
    return {**words, **({"messages": messages} if messages else {})}


def sealed_text(text: str) -> str:
    """Return the text with placeholders for what has the form of something private; the same text if nothing has.

    A line that is a JSON object is looked at value by value, so that it stays one: in its escapes an address may seem
    to begin where it does not.
    """
    if not find_private(text):
        return text
    redactor = Redactor(context=text)
    return "\n".join(_sealed_line(line, redactor) for line in text.split("\n"))


def _sealed_line(line: str, redactor: Redactor) -> str:
    if line.startswith("{"):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return redactor.hide(line)
        hidden = _sealed_value(found, redactor)
        return line if hidden == found else json.dumps(hidden, ensure_ascii=False)
    return redactor.hide(line)


def _sealed_value(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.hide(value)
    if isinstance(value, dict):
        return {key: _sealed_value(one, redactor) for key, one in value.items()}
    return [_sealed_value(one, redactor) for one in value] if isinstance(value, list) else value
